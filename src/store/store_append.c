/*
 * store_append.c - messages that a client brings: APPEND and REPLACE.  See
 * store_change.h.
 *
 * Commands that a client sent ahead are one transaction, as its fsync costs more
 * than all else.  What is wrong with one of them is found before anything of it
 * is written, so the others need not be undone.
 */
#include "store/store_int.h"
#include "store/store_upload.h"

#include "base/banned.h"

/* The bits of all keywords, before anything is written: a keyword that cannot be
 * is refused without a transaction.  freed: what goes in the same one. */
static enum code look_first(struct store *s, struct store_box *b,
	const struct store_append *items, size_t count, uint64_t freed,
	struct err *e)
{
	uint64_t bytes = 0, bits;
	enum code code = OK;

	for (size_t i = 0; code == OK && i < count; i++) {
		bytes += items[i].upload->came;
		code = store_keyword_bits(s, b, items[i].keywords,
			items[i].keyword_count, true, &bits, e);
	}
	/* one that takes another's place is none more */
	if (code == OK && (!store_message_fits(s, bytes, freed) ||
			  !store_entries_fit(s, count - (freed > 0))))
		code = err_set(e, FULL, "the mailbox is full");
	return code == OK ? store_box_has_ids(s, b, count, e) : code;
}

static enum code put(struct store *s, struct store_box *b,
	const struct store_append *item, int64_t now_ms, uint32_t *out_uid,
	struct err *e)
{
	const struct store_upload *u = item->upload;
	struct store_incoming m = {
		.body = buf_span(&u->bytes),
		.fd = u->fd,
		.size = u->came,
		.received_ms = item->received_ms,
		.box = b,
		.flags = item->flags,
		.saved_ms = now_ms,
	};
	enum code code = store_keyword_bits(s, b, item->keywords,
		item->keyword_count, true, &m.keywords, e);

	if (code == OK)
		code = store_message_put(s, &m, out_uid, e);
	if (code == SYNTAX) /* our file could not be read */
		return err_set(e, TEMP, "a message is not as it came");
	return code;
}

/* Names come last: a bit may have found another name on the way. */
static enum code put_all(struct store *s, struct store_box *b,
	const struct store_append *items, size_t count, int64_t now_ms,
	struct err *e)
{
	uint32_t uid;
	enum code code = OK;

	for (size_t i = 0; code == OK && i < count; i++)
		code = put(s, b, &items[i], now_ms, &uid, e);
	return code == OK ? store_keywords_put(s, b, e) : code;
}

/* ---- many commands ---------------------------------------------------------- */
/* What is wrong with this one and no other, so that the others go on. */
static bool is_its_own(enum code code)
{
	return code == FULL || code == NOT_FOUND || code == LIMIT ||
		code == SYNTAX;
}

/* Looks at one, and begins the transaction for the first that may be stored.
 * OK: c->code says what became of it. */
static enum code append_one(struct store *s, struct store_appending *c,
	int64_t now_ms, bool *is_begun, struct err *e)
{
	struct store_box *b = store_box_get(s, c->mailbox);
	enum code code = OK;

	c->code = b == NULL
		? err_set(&c->err, NOT_FOUND, "there is no such mailbox")
		: look_first(s, b, c->items, c->count, 0, &c->err);
	if (c->code != OK) {
		if (is_its_own(c->code))
			return OK;
		*e = c->err;
		return c->code;
	}
	if (!*is_begun)
		code = store_begin(s, e);
	if (code != OK)
		return code;
	*is_begun = true;
	c->first_uid = b->m.uidnext;
	return put_all(s, b, c->items, c->count, now_ms, e);
}

enum code store_append_many(struct store *s, struct store_appending *commands,
	size_t count, int64_t now_ms, struct err *e)
{
	bool is_begun = false;
	enum code code = OK;

	must(!db_in_transaction(s->db));
	for (size_t i = 0; code == OK && i < count; i++)
		code = append_one(s, &commands[i], now_ms, &is_begun, e);
	return is_begun ? store_finish(s, code, e) : code;
}

enum code store_append(struct store *s, uint64_t mailbox,
	const struct store_append *items, size_t count, int64_t now_ms,
	uint32_t *out_first_uid, struct err *e)
{
	struct store_appending c = {.mailbox = mailbox, .items = items,
		.count = count};
	enum code code = store_append_many(s, &c, 1, now_ms, e);

	if (code != OK)
		return code;
	if (c.code != OK)
		*e = c.err;
	*out_first_uid = c.first_uid;
	return c.code;
}

enum code store_replace(struct store_view *v, uint32_t uid, uint64_t mailbox,
	const struct store_append *item, int64_t now_ms, uint32_t *out_uid,
	struct err *e)
{
	struct store *s = store_view_store(v);
	struct store_box *b = store_box_get(s, mailbox);
	uint64_t freed;
	enum code code;

	must(!db_in_transaction(s->db));
	if (b == NULL)
		return err_set(e, NOT_FOUND, "there is no such mailbox");
	code = store_entry_alone_bytes(v, uid, &freed, e);
	if (code == OK)
		code = look_first(s, b, item, 1, freed, e);
	if (code == OK)
		code = store_begin(s, e);
	if (code != OK)
		return code;
	*out_uid = b->m.uidnext;
	code = put_all(s, b, item, 1, now_ms, e);
	if (code == OK)
		code = store_trouble(store_entry_drop(s, v->state->box, uid, e),
			e);
	return store_finish(s, code, e);
}
