/*
 * store_expunge.c - messages out of a mailbox.  See store.h.
 *
 * An entry goes and leaves a tombstone; the message goes with its last entry.
 */
#include "store/store_int.h"

#include "base/banned.h"

static const char sql_drop_entry[] =
	"DELETE FROM entry WHERE account = $1 AND mailbox = $2 AND uid = $3 "
	"RETURNING message, flags, size";
static const char sql_put_tombstone[] =
	"INSERT INTO tombstone (account, mailbox, uid, message, modseq) "
	"VALUES ($1, $2, $3, $4, $5)";
static const char sql_has_entry[] =
	"SELECT 1 FROM entry WHERE account = $1 AND message = $2 LIMIT 1";
static const char sql_drop_body[] =
	"DELETE FROM body WHERE account = $1 AND message = $2";
static const char sql_drop_message[] =
	"DELETE FROM message WHERE account = $1 AND message = $2 "
	"RETURNING size, thread";
/* Runs a statement that gives one number, or none. */
static enum code step_number(struct db_stmt *q, int64_t *out, struct err *e)
{
	enum code code = db_step(q, e);

	if (code != OK)
		return code;
	*out = db_i64(q, 0);
	/* to its end: a DELETE with RETURNING has done its work by then */
	return db_run(q, e);
}

static enum code drop_row(struct store *s, int64_t message, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, sql_drop_message);
	int64_t size, thread;
	enum code code;

	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, message);
	code = db_step(q, e);
	if (code != OK)
		return code == NOT_FOUND ? OK : code;
	size = db_i64(q, 0);
	thread = db_i64(q, 1); /* 0: nobody read it */
	code = db_run(q, e);
	s->now.used_bytes -= size;
	return code == OK && thread != 0 ? store_thread_left(s, thread, e)
					 : code;
}

static enum code drop_message(struct store *s, int64_t message, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, sql_has_entry);
	int64_t number = 0;
	enum code code;

	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, message);
	code = step_number(q, &number, e);
	if (code != NOT_FOUND)
		return code; /* it stands elsewhere, or an error */
	q = db_stmt(s->db, sql_drop_body);
	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, message);
	code = db_run(q, e);
	if (code != OK)
		return code;
	return drop_row(s, message, e);
}

static enum code put_tombstone(struct store *s, struct store_box *b,
	uint32_t uid, int64_t message, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, sql_put_tombstone);

	b->has_expunged = true;
	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, (int64_t)b->m.id);
	db_bind_i64(q, 3, uid);
	db_bind_i64(q, 4, message);
	db_bind_i64(q, 5, (int64_t)b->m.highestmodseq);
	return db_run(q, e);
}

static void count(struct store *s, struct store_box *b, uint32_t uid,
	int64_t flags, int64_t size)
{
	(void)store_modseq(s, b);
	b->m.messages--;
	b->m.bytes -= (uint64_t)size;
	if ((flags & STORE_FLAG_SEEN) == 0)
		b->m.unseen--;
	if (flags & STORE_FLAG_DELETED)
		b->m.deleted--;
	if (!b->is_leaving)
		store_view_going(s, b, uid);
}

enum code store_entry_drop(struct store *s, struct store_box *b, uint32_t uid,
	struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, sql_drop_entry);
	int64_t message, flags, size;
	enum code code;

	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, (int64_t)b->m.id);
	db_bind_i64(q, 3, uid);
	code = db_step(q, e);
	if (code != OK)
		return code;
	message = db_i64(q, 0);
	flags = db_i64(q, 1);
	size = db_i64(q, 2);
	code = db_run(q, e);
	if (code != OK)
		return code;
	count(s, b, uid, flags, size);
	if (!b->is_leaving)
		code = put_tombstone(s, b, uid, message, e);
	return code == OK ? drop_message(s, message, e) : code;
}

enum code store_messages_expunge(struct store *s, uint64_t mailbox,
	const uint64_t *uids, size_t uid_count, struct err *e)
{
	struct store_box *b = store_box_get(s, mailbox);
	enum code code;

	if (b == NULL)
		return err_set(e, NOT_FOUND, "there is no such mailbox");
	code = store_begin(s, e);
	if (code != OK)
		return code;
	for (size_t i = 0; code == OK && i < uid_count; i++) {
		if (uids[i] >= b->m.uidnext)
			continue; /* never was there */
		code = store_entry_drop(s, b, (uint32_t)uids[i], e);
		if (code == NOT_FOUND)
			code = OK; /* gone already */
	}
	return store_finish(s, store_trouble(code, e), e);
}

enum code store_expunge(struct store_view *v, const uint32_t *uids,
	size_t uid_count, struct store_uids *out_gone, struct err *e)
{
	struct store *s = store_view_store(v);
	enum code code;

	*out_gone = (struct store_uids){0};
	if (v->is_deleted)
		return OK;
	code = store_begin(s, e);
	if (code != OK)
		return code;
	for (size_t i = 0; code == OK && i < uid_count; i++) {
		if (store_view_row(v, uids[i]) == NULL)
			continue;
		code = store_entry_drop(s, v->state->box, uids[i], e);
		if (code == OK)
			store_uids_put(out_gone, uids[i]);
	}
	return store_finish(s, store_trouble(code, e), e);
}
