/*
 * store_append.c - messages that a client brings: APPEND and REPLACE.  See
 * store_change.h.
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
	if (code == OK && !store_message_fits(s, bytes, freed))
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

static enum code put_all(struct store *s, struct store_box *b,
	const struct store_append *items, size_t count, int64_t now_ms,
	struct err *e)
{
	uint32_t uid;
	enum code code = store_keywords_put(s, b, e);

	for (size_t i = 0; code == OK && i < count; i++)
		code = put(s, b, &items[i], now_ms, &uid, e);
	return code;
}

enum code store_append(struct store *s, uint64_t mailbox,
	const struct store_append *items, size_t count, int64_t now_ms,
	uint32_t *out_first_uid, struct err *e)
{
	struct store_box *b = store_box_get(s, mailbox);
	enum code code;

	must(!db_in_transaction(s->db));
	if (b == NULL)
		return err_set(e, NOT_FOUND, "there is no such mailbox");
	code = look_first(s, b, items, count, 0, e);
	if (code == OK)
		code = store_begin(s, e);
	if (code != OK)
		return code;
	*out_first_uid = b->m.uidnext;
	return store_finish(s, put_all(s, b, items, count, now_ms, e), e);
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
