/*
 * store_expunge.c - messages out of a mailbox.  See store.h.
 *
 * An entry goes and leaves a tombstone; the message goes with its last entry.
 */
#include "base/mem.h"
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
	code = store_signatures_drop(s, message, message, e);
	return code == OK ? drop_row(s, message, e) : code;
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

static const char sql_alone[] =
	"SELECT size FROM message m WHERE account = $1 AND message = $2 "
	"AND (SELECT count(*) FROM entry e WHERE e.account = m.account "
	"AND e.message = m.message) = 1";

enum code store_entry_alone_bytes(struct store_view *v, uint32_t uid,
	uint64_t *out_bytes, struct err *e)
{
	struct store *s = store_view_store(v);
	const struct store_row *row = store_view_row(v, uid);
	int64_t size = 0;
	struct db_stmt *q;
	enum code code;

	*out_bytes = 0;
	if (row == NULL)
		return err_set(e, NOT_FOUND, "there is no such message");
	q = db_stmt(s->db, sql_alone);
	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, row->message);
	code = step_number(q, &size, e);
	if (code == OK && size > 0)
		*out_bytes = (uint64_t)size;
	return code == NOT_FOUND ? OK : code;
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

/* ---- runs --------------------------------------------------------------------- */
/*
 * Of an open mailbox it is known what follows what: messages that stand together
 * go together, with a statement for all of them.
 */
static const char sql_bury_run[] =
	"INSERT INTO tombstone (account, mailbox, uid, message, modseq) "
	"SELECT account, mailbox, uid, message, $5 FROM entry "
	"WHERE account = $1 AND mailbox = $2 AND uid >= $3 AND uid <= $4";
static const char sql_drop_run[] =
	"DELETE FROM entry "
	"WHERE account = $1 AND mailbox = $2 AND uid >= $3 AND uid <= $4";
static const char sql_drop_bodies[] =
	"DELETE FROM body WHERE account = $1 AND message >= $2 "
	"AND message <= $3 AND NOT EXISTS (SELECT 1 FROM entry e "
	"WHERE e.account = body.account AND e.message = body.message)";
static const char sql_drop_messages[] =
	"DELETE FROM message WHERE +account = $1 AND message >= $2 "
	"AND message <= $3 AND NOT EXISTS (SELECT 1 FROM entry e "
	"WHERE e.account = message.account AND e.message = message.message) "
	"RETURNING size, thread";

struct dropping {
	struct store *store;
	struct store_box *box;
	const struct store_view *view;
	int64_t *threads; /* owned: of messages that went, some twice */
	size_t thread_count, thread_room;
};

static void put_thread(struct dropping *x, int64_t thread)
{
	if (thread == 0 || (x->thread_count > 0 &&
		x->threads[x->thread_count - 1] == thread))
		return;
	if (x->thread_count == x->thread_room) {
		x->thread_room = x->thread_room == 0 ? 64 : x->thread_room * 2;
		x->threads = mem_resize(x->threads, x->thread_room,
			sizeof(*x->threads));
	}
	x->threads[x->thread_count++] = thread;
}

/* Messages from one id to another that stand nowhere any more. */
static enum code drop_messages(struct dropping *x, uint32_t from, uint32_t to,
	struct err *e)
{
	struct store *s = x->store;
	struct db_stmt *q = db_stmt(s->db, sql_drop_bodies);
	enum code code;

	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, from);
	db_bind_i64(q, 3, to);
	code = db_run(q, e);
	if (code != OK)
		return code;
	code = store_signatures_drop(s, from, to, e);
	if (code != OK)
		return code;
	q = db_stmt(s->db, sql_drop_messages);
	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, from);
	db_bind_i64(q, 3, to);
	while ((code = db_step(q, e)) == OK) {
		s->now.used_bytes -= db_i64(q, 0);
		put_thread(x, db_i64(q, 1));
	}
	return code == NOT_FOUND ? OK : code;
}

static enum code run_range(struct dropping *x, const char *sql, size_t first,
	size_t last, struct err *e)
{
	struct store *s = x->store;
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, (int64_t)x->box->m.id);
	db_bind_i64(q, 3, x->view->rows[first].uid);
	db_bind_i64(q, 4, x->view->rows[last].uid);
	if (sql == sql_bury_run)
		db_bind_i64(q, 5, store_modseq(s, x->box));
	return db_run(q, e);
}

/* Rows of the view, by index, that stand together. */
static enum code drop_run(struct dropping *x, size_t first, size_t last,
	struct err *e)
{
	const struct store_row *rows = x->view->rows;
	size_t from = first;
	enum code code = run_range(x, sql_bury_run, first, last, e);

	if (code == OK)
		code = run_range(x, sql_drop_run, first, last, e);
	if (code == OK && (size_t)db_changes(x->store->db) != last - first + 1)
		return err_set(e, CORRUPT, "mailbox %llu is not as it was read",
			(unsigned long long)x->box->m.id);
	for (size_t i = first; code == OK && i <= last; i++) {
		count(x->store, x->box, rows[i].uid, rows[i].flags,
			rows[i].size);
		if (i < last && rows[i + 1].message == rows[i].message + 1)
			continue;
		code = drop_messages(x, rows[from].message, rows[i].message, e);
		from = i + 1;
	}
	return code;
}

/* Its size is not in memory: one by one. */
static bool is_huge(const struct store_row *r)
{
	return r->size == UINT32_MAX;
}

static enum code drop_uids(struct dropping *x, const uint32_t *uids,
	size_t uid_count, struct store_uids *out_gone, struct err *e)
{
	const struct store_view *v = x->view;
	enum code code = OK;
	size_t i = 0;

	while (code == OK && i < uid_count) {
		uint32_t uid = uids[i++];
		size_t first = store_view_find(v, uid), last = first;

		if (first == v->count || v->rows[first].uid != uid)
			continue;
		store_uids_put(out_gone, uid);
		while (!is_huge(&v->rows[last]) && i < uid_count &&
			last + 1 < v->count &&
			v->rows[last + 1].uid == uids[i] &&
			!is_huge(&v->rows[last + 1])) {
			store_uids_put(out_gone, uids[i++]);
			last++;
		}
		if (is_huge(&v->rows[first]))
			code = store_entry_drop(x->store, x->box,
				v->rows[first].uid, e);
		else
			code = drop_run(x, first, last, e);
	}
	return code;
}

enum code store_entries_drop(struct store_view *v, const uint32_t *uids,
	size_t uid_count, struct store_uids *out_gone, struct err *e)
{
	struct dropping x = {.store = store_view_store(v),
		.box = v->state->box, .view = v};
	enum code code = drop_uids(&x, uids, uid_count, out_gone, e);

	x.box->has_expunged = true;
	for (size_t i = 0; code == OK && i < x.thread_count; i++)
		code = store_thread_left(x.store, x.threads[i], e);
	mem_free(x.threads);
	return store_trouble(code, e);
}

enum code store_expunge(struct store_view *v, const uint32_t *uids,
	size_t uid_count, struct store_uids *out_gone, struct err *e)
{
	struct store *s = store_view_store(v);
	enum code code;

	*out_gone = (struct store_uids){0};
	must(!db_in_transaction(s->db));
	if (v->is_deleted)
		return OK;
	code = store_begin(s, e);
	if (code != OK)
		return code;
	code = store_entries_drop(v, uids, uid_count, out_gone, e);
	return store_finish(s, code, e);
}
