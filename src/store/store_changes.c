/*
 * store_changes.c - what changed since a moment, and how long that is known.  See
 * store_change.h.
 *
 * What changed is in the view, by modseq; what vanished left a tombstone.  The
 * oldest tombstones go in idle time, and the mailbox remembers from which modseq
 * on it knows all.
 */
#include "base/mem.h"
#include "store/store_int.h"

#include "base/banned.h"

/* ---- lists of uids ---------------------------------------------------------------- */
void store_uids_put(struct store_uids *l, uint32_t uid)
{
	if (l->count == l->room) {
		l->room = l->room == 0 ? 16 : l->room * 2;
		l->items = mem_resize(l->items, l->room, sizeof(*l->items));
	}
	l->items[l->count++] = uid;
}

void store_uids_clear(struct store_uids *l)
{
	mem_free(l->items);
	*l = (struct store_uids){0};
}

/* ---- vanished ---------------------------------------------------------------------- */
static const char sql_vanished[] =
	"SELECT uid FROM tombstone WHERE account = $1 AND mailbox = $2 "
	"AND modseq > $3 ORDER BY uid";

enum code store_vanished_since(struct store_view *v, uint64_t modseq,
	struct store_uids *out, bool *out_is_complete, struct err *e)
{
	struct store *s = store_view_store(v);
	struct store_box *b = v->state->box;
	struct db_stmt *q;
	enum code code;

	*out = (struct store_uids){0};
	*out_is_complete = false;
	if (v->is_deleted)
		return OK;
	*out_is_complete = modseq >= (uint64_t)b->floor_modseq;
	q = db_stmt(s->db, sql_vanished);
	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, (int64_t)b->m.id);
	db_bind_i64(q, 3,
		modseq > INT64_MAX ? INT64_MAX : (int64_t)modseq);
	while ((code = db_step(q, e)) == OK)
		store_uids_put(out, (uint32_t)db_i64(q, 0));
	return code == NOT_FOUND ? OK : store_trouble(code, e);
}

/* ---- idle --------------------------------------------------------------------------- */
/* The modseq of the newest tombstone that goes, if there are too many. */
static const char sql_oldest[] =
	"SELECT modseq FROM tombstone WHERE account = $1 AND mailbox = $2 "
	"ORDER BY modseq DESC LIMIT 1 OFFSET $3";
static const char sql_drop[] =
	"DELETE FROM tombstone WHERE account = $1 AND mailbox = $2 "
	"AND modseq <= $3";
static const char sql_put_floor[] =
	"UPDATE mailbox SET floor_modseq = $3 "
	"WHERE account = $1 AND mailbox = $2";

static enum code run(struct store *s, const char *sql, const struct store_box *b,
	int64_t modseq, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, (int64_t)b->m.id);
	db_bind_i64(q, 3, modseq);
	return db_run(q, e);
}

/* The new floor; NOT_FOUND: all may stay. */
static enum code find_floor(struct store *s, const struct store_box *b,
	int64_t *out, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, sql_oldest);
	enum code code;

	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, (int64_t)b->m.id);
	db_bind_i64(q, 3, STORE_TOMBSTONES_MAX);
	code = db_step(q, e);
	if (code != OK)
		return code;
	db_reset(q);
	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, (int64_t)b->m.id);
	db_bind_i64(q, 3, STORE_TOMBSTONES_MAX / 2);
	code = db_step(q, e);
	*out = code == OK ? db_i64(q, 0) : 0;
	db_reset(q);
	return code;
}

static enum code drop_old(struct store *s, struct store_box *b, struct err *e)
{
	int64_t floor;
	enum code code;

	if (!b->has_expunged)
		return OK;
	b->has_expunged = false;
	code = find_floor(s, b, &floor, e);
	if (code != OK)
		return code == NOT_FOUND ? OK : code;
	code = store_begin(s, e);
	if (code != OK)
		return code;
	code = run(s, sql_drop, b, floor, e);
	if (code == OK)
		code = run(s, sql_put_floor, b, floor, e);
	code = store_finish(s, store_trouble(code, e), e);
	if (code == OK)
		b->floor_modseq = floor;
	return code;
}

/* Touched boxes write all their numbers. */
static enum code put_recent(struct store *s, struct err *e)
{
	bool is_any = false;
	enum code code;

	for (size_t i = 0; i < s->box_count; i++)
		is_any |= s->boxes[i]->recent_uid !=
			s->boxes[i]->stored_recent_uid;
	if (!is_any)
		return OK;
	code = store_begin(s, e);
	if (code != OK)
		return code;
	for (size_t i = 0; i < s->box_count; i++)
		if (s->boxes[i]->recent_uid != s->boxes[i]->stored_recent_uid)
			store_box_touch(s->boxes[i]);
	return store_commit(s, e);
}

void store_changes_tidy(struct store *s)
{
	struct err e = {.code = OK};

	if (db_in_transaction(s->db) || !s->is_born || put_recent(s, &e) != OK)
		return;
	for (size_t i = 0; i < s->box_count; i++)
		if (drop_old(s, s->boxes[i], &e) != OK)
			return;
}
