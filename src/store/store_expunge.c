/*
 * store_expunge.c - messages out of a mailbox.  See store.h.
 *
 * An entry goes and leaves a tombstone; the message goes with its last entry.
 */
#include "store/store.h"
#include "store/store_int.h"

#include "base/banned.h"

static const char sql_drop_entry[] =
	"DELETE FROM entry WHERE account = $1 AND mailbox = $2 AND uid = $3 "
	"RETURNING message";
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
static const char sql_put_mailbox[] =
	"UPDATE mailbox SET highestmodseq = $3, entries = entries - $4 "
	"WHERE account = $1 AND mailbox = $2";

struct expunge {
	struct store *store;
	int64_t mailbox;
	int64_t modseq; /* one for all of them */
	int64_t gone;   /* entries */
	int64_t freed;  /* bytes */
};

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

static enum code drop_row(struct expunge *x, int64_t message, struct err *e)
{
	struct store *s = x->store;
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
	x->freed += size;
	return code == OK && thread != 0 ? store_thread_left(s, thread, e)
					 : code;
}

static enum code drop_message(struct expunge *x, int64_t message,
	struct err *e)
{
	struct store *s = x->store;
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
	return drop_row(x, message, e);
}

static enum code drop_entry(struct expunge *x, uint64_t uid, struct err *e)
{
	struct store *s = x->store;
	struct db_stmt *q = db_stmt(s->db, sql_drop_entry);
	int64_t message;
	enum code code;

	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, x->mailbox);
	db_bind_i64(q, 3, (int64_t)uid);
	code = step_number(q, &message, e);
	if (code == NOT_FOUND)
		return OK; /* gone already */
	if (code != OK)
		return code;
	x->gone++;
	q = db_stmt(s->db, sql_put_tombstone);
	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, x->mailbox);
	db_bind_i64(q, 3, (int64_t)uid);
	db_bind_i64(q, 4, message);
	db_bind_i64(q, 5, x->modseq);
	code = db_run(q, e);
	return code == OK ? drop_message(x, message, e) : code;
}

static enum code count(struct expunge *x, struct err *e)
{
	struct store *s = x->store;
	struct db_stmt *q = db_stmt(s->db, sql_put_mailbox);

	s->now.modseq = x->modseq;
	s->now.used_bytes -= x->freed;
	s->is_dirty = true;
	if (x->mailbox == s->inbox) { /* written by store_commit */
		s->now.highestmodseq = x->modseq;
		s->now.entries -= x->gone;
		return OK;
	}
	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, x->mailbox);
	db_bind_i64(q, 3, x->modseq);
	db_bind_i64(q, 4, x->gone);
	return db_run(q, e);
}

enum code store_messages_expunge(struct store *s, uint64_t mailbox,
	const uint64_t *uids, size_t uid_count, struct err *e)
{
	struct expunge x = {.store = s, .mailbox = (int64_t)mailbox};
	enum code code = store_begin(s, e);

	if (code != OK)
		return code;
	x.modseq = s->now.modseq + 1;
	for (size_t i = 0; code == OK && i < uid_count; i++)
		code = drop_entry(&x, uids[i], e);
	if (code == OK && x.gone > 0)
		code = count(&x, e);
	if (code == OK)
		return store_commit(s, e);
	store_rollback(s);
	return store_trouble(code, e);
}
