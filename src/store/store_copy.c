/*
 * store_copy.c - copies and moves: another entry for the same message.  See
 * store_change.h.
 */
#include "base/mem.h"
#include "store/store_copy.h"
#include "store/store_int.h"

#include "base/banned.h"

static const char sql_size[] =
	"SELECT size FROM message WHERE account = $1 AND message = $2";

struct copying {
	struct store *store;
	struct store_box *from, *to;
	uint64_t bits[STORE_KEYWORDS_MAX]; /* of each keyword in the target */
	int64_t now_ms;
	struct store_copied *out;
	bool is_move;
};

/* A row in memory has no room for a size from 4 GiB on. */
static enum code size_of(struct store *s, const struct store_row *r,
	uint64_t *out, struct err *e)
{
	struct db_stmt *q;
	enum code code;

	*out = r->size;
	if (r->size < UINT32_MAX)
		return OK;
	q = db_stmt(s->db, sql_size);
	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, r->message);
	code = db_step(q, e);
	if (code != OK)
		return store_trouble(code, e);
	*out = (uint64_t)db_i64(q, 0);
	db_reset(q);
	return OK;
}

/* Which keywords the messages have. */
static uint64_t used_keywords(const struct store_view *v, const uint32_t *uids,
	size_t count)
{
	uint64_t used = 0;

	for (size_t i = 0; i < count; i++) {
		const struct store_row *r = store_view_row(v, uids[i]);

		used |= r == NULL ? 0 : r->keywords;
	}
	return used;
}

/* Finds, or makes, those keywords in the target; one without room stays 0. */
static enum code map_keywords(struct copying *x, uint64_t used, struct err *e)
{
	enum code code = store_keywords_load(x->store, x->to, e);

	for (size_t i = 0; code == OK && i < STORE_KEYWORDS_MAX; i++) {
		if ((used >> i & 1) == 0)
			continue;
		code = store_keyword_bits(x->store, x->to,
			&x->from->keywords->names[i], 1, true, &x->bits[i], e);
		if (code == LIMIT || code == SYNTAX)
			code = OK;
	}
	return code;
}

static uint64_t mapped(const struct copying *x, uint64_t keywords)
{
	uint64_t to = 0;

	for (size_t i = 0; keywords >> i != 0; i++) {
		if (keywords >> i & 1)
			to |= x->bits[i];
		if (i == STORE_KEYWORDS_MAX - 1)
			break;
	}
	return to;
}

static enum code copy_row(struct copying *x, const struct store_row *from,
	struct err *e)
{
	struct store_row row = *from;
	uint64_t size;
	enum code code = size_of(x->store, from, &size, e);

	if (code != OK)
		return code;
	row.keywords = mapped(x, from->keywords);
	code = store_entry_put(x->store, x->to, &row, size, x->now_ms, e);
	if (code == OK)
		store_uids_put(&x->out->from, from->uid);
	return code;
}

static enum code copy_all(struct copying *x, const struct store_view *v,
	const uint32_t *uids, size_t count, struct err *e)
{
	enum code code = map_keywords(x, used_keywords(v, uids, count), e);

	if (code == OK)
		code = store_box_has_ids(x->store, x->to, count, e);
	if (code == OK && !x->is_move && !store_entries_fit(x->store, count))
		code = err_set(e, FULL, "the mailbox is full");
	if (code == OK)
		code = store_keywords_put(x->store, x->to, e);
	x->out->first_uid = x->to->m.uidnext;
	for (size_t i = 0; code == OK && i < count; i++) {
		const struct store_row *r = store_view_row(v, uids[i]);

		if (r != NULL)
			code = copy_row(x, r, e);
	}
	return code;
}

static enum code drop_all(struct copying *x, struct store_view *v,
	struct err *e)
{
	struct store_uids gone = {0};
	enum code code = store_entries_drop(v, x->out->from.items,
		x->out->from.count, &gone, e);

	store_uids_clear(&gone);
	return code;
}

enum code store_copy_within(struct store_view *v, const uint32_t *uids,
	size_t count, struct store_box *to, const struct store_moving *how,
	struct store_copied *out, struct err *e)
{
	struct copying x = {.store = store_view_store(v), .from = v->state->box,
		.to = to, .now_ms = how->now_ms, .is_move = how->is_move,
		.out = out};
	enum code code = copy_all(&x, v, uids, count, e);

	return code == OK && how->is_move ? drop_all(&x, v, e) : code;
}

static enum code copy(struct store_view *v, const uint32_t *uids,
	size_t count, uint64_t to_mailbox, const struct store_moving *how,
	struct store_copied *out, struct err *e)
{
	struct store *s = store_view_store(v);
	struct store_box *to = store_box_get(s, to_mailbox);
	enum code code;

	must(!db_in_transaction(s->db));
	if (to == NULL)
		return err_set(e, NOT_FOUND, "there is no such mailbox");
	out->first_uid = to->m.uidnext;
	if (v->is_deleted)
		return OK; /* nothing is there any more */
	code = store_begin(s, e);
	if (code != OK)
		return code;
	code = store_copy_within(v, uids, count, to, how, out, e);
	return store_finish(s, code, e);
}

enum code store_copy(struct store_view *v, const uint32_t *uids,
	size_t uid_count, uint64_t to_mailbox, int64_t now_ms,
	struct store_copied *out, struct err *e)
{
	const struct store_moving how = {.now_ms = now_ms};

	*out = (struct store_copied){0};
	return copy(v, uids, uid_count, to_mailbox, &how, out, e);
}

enum code store_move(struct store_view *v, const uint32_t *uids,
	size_t uid_count, uint64_t to_mailbox, int64_t now_ms,
	struct store_copied *out, struct err *e)
{
	const struct store_moving how = {.now_ms = now_ms, .is_move = true};

	*out = (struct store_copied){0};
	return copy(v, uids, uid_count, to_mailbox, &how, out, e);
}
