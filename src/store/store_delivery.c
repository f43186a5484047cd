/*
 * store_delivery.c - messages into mailboxes, in batches.  See store.h.
 *
 * The key (qid, idx) goes in first: if it is there, the message is, and the
 * queue hears the uid of then.  All of a batch is in one transaction, so key,
 * message and counters are durable together or not at all.
 */
#include "store/store.h"
#include "store/store_int.h"

#include "base/banned.h"

enum code store_delivery_begin(struct store *s, struct err *e)
{
	return store_begin(s, e);
}

enum code store_delivery_commit(struct store *s, struct err *e)
{
	return store_commit(s, e);
}

void store_delivery_rollback(struct store *s)
{
	store_rollback(s);
}

/* ---- the key ------------------------------------------------------------------ */
static const char sql_put_key[] =
	"INSERT INTO delivered (account, qid, idx, mailbox, uid) "
	"VALUES ($1, $2, $3, $4, $5)";
static const char sql_get_key[] =
	"SELECT uid FROM delivered WHERE account = $1 AND qid = $2 AND idx = $3";
static const char sql_drop_key[] =
	"DELETE FROM delivered WHERE account = $1 AND qid = $2 AND idx = $3";

static struct db_stmt *with_key(struct store *s, const char *sql,
	const struct store_delivery *d)
{
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, (int64_t)d->qid);
	db_bind_i64(q, 3, d->idx);
	return q;
}

/* Into a mailbox that means something strangers cannot put anything. */
static struct store_box *box_of(const struct store *s,
	const struct store_delivery *d)
{
	struct store_box *b = d->folder.n == 0
		? NULL : store_box_find(s, d->folder);

	return b != NULL && b->m.use == STORE_USE_NONE ? b : s->inbox;
}

static enum code put_key(struct store *s, const struct store_delivery *d,
	const struct store_box *b, struct err *e)
{
	struct db_stmt *q = with_key(s, sql_put_key, d);

	db_bind_i64(q, 4, (int64_t)b->m.id);
	db_bind_i64(q, 5, b->m.uidnext);
	return db_run(q, e);
}

/* OK: it was delivered under *out_uid; NOT_FOUND: it was not. */
static enum code get_key(struct store *s, const struct store_delivery *d,
	uint64_t *out_uid, struct err *e)
{
	struct db_stmt *q = with_key(s, sql_get_key, d);
	enum code code = db_step(q, e);

	if (code == OK) {
		*out_uid = (uint64_t)db_i64(q, 0);
		db_reset(q);
	}
	return code;
}

/* ---- the head ------------------------------------------------------------------ */
/* An address in a line of ours: what could end or fold the line goes out, for
 * no address of RFC 5321 has it. */
static void put_address(struct buf *out, struct span address)
{
	for (size_t i = 0; i < address.n; i++)
		if (address.p[i] >= ' ' && address.p[i] != 0x7f)
			buf_putc(out, address.p[i]);
}

/* Return-Path on top at final delivery: RFC 5321 4.4. */
static enum code make_head(struct store *s, const struct store_delivery *d,
	struct err *e)
{
	buf_reset(&s->head);
	buf_puts(&s->head, "Return-Path: <");
	put_address(&s->head, d->reverse_path);
	buf_puts(&s->head, ">\r\n");
	if (d->rcpt.n > 0) {
		buf_puts(&s->head, "Delivered-To: ");
		put_address(&s->head, d->rcpt);
		buf_puts(&s->head, "\r\n");
	}
	buf_put(&s->head, d->trace);
	if (s->head.overflow)
		return err_set(e, CORRUPT, "the trace is too long");
	return OK;
}

/* Over the quota: but what was delivered before the quota was reached is. */
static enum code refuse(struct store *s, const struct store_delivery *d,
	uint64_t *out_uid, struct err *e)
{
	enum code code = get_key(s, d, out_uid, e);

	if (code == OK)
		return err_set(e, EXISTS, "delivered before");
	if (code != NOT_FOUND)
		return store_trouble(code, e);
	return err_set(e, FULL, "the mailbox is full");
}

static enum code put(struct store *s, const struct store_delivery *d,
	struct store_box *b, uint32_t *out_uid, struct err *e)
{
	const struct store_incoming m = {
		.head = buf_span(&s->head),
		.body = d->body,
		.fd = d->fd,
		.size = d->size,
		.sha256 = d->sha256,
		.mail_flags = d->flags,
		.received_ms = d->received_ms,
		.box = b,
		.saved_ms = d->received_ms,
	};

	return store_message_put(s, &m, out_uid, e);
}

/* The bytes were wrong: the key goes, too. */
static enum code undo(struct store *s, const struct store_delivery *d,
	struct err *e)
{
	struct err second;

	if (db_run(with_key(s, sql_drop_key, d), &second) != OK)
		return err_set(e, TEMP, "undoing a delivery: %s", second.text);
	e->code = CORRUPT; /* its text says why */
	return CORRUPT;
}

enum code store_delivery_add(struct store *s, const struct store_delivery *d,
	uint64_t *out_uid, struct err *e)
{
	struct store_box *b = box_of(s, d);
	uint32_t uid = 0;
	enum code code;

	must(db_in_transaction(s->db));
	if (d->sha256.n != SHA256_BYTES || d->size > INT64_MAX / 2 ||
		(d->fd < 0 && d->size != d->body.n))
		return err_set(e, CORRUPT, "size or hash cannot be right");
	code = make_head(s, d, e);
	if (code != OK)
		return code;
	if (!store_message_fits(s, d->size + buf_len(&s->head), 0) ||
		!store_entries_fit(s, 1))
		return refuse(s, d, out_uid, e);
	code = store_box_has_ids(s, b, 1, e);
	if (code != OK)
		return code;
	code = put_key(s, d, b, e);
	if (code == EXISTS) {
		code = get_key(s, d, out_uid, e);
		return code == OK ? err_set(e, EXISTS, "delivered before")
				  : store_trouble(code, e);
	}
	if (code != OK)
		return store_trouble(code, e);
	code = put(s, d, b, &uid, e);
	if (code == SYNTAX)
		return undo(s, d, e);
	if (code == CORRUPT) /* our rows, not this message: no going on */
		return err_set(e, TEMP, "a row is damaged or there already");
	*out_uid = uid;
	return code;
}

/* ---- forget ------------------------------------------------------------------------- */
static const char sql_forget_below[] =
	"DELETE FROM delivered WHERE account = $1 AND qid < $2";
static const char sql_forget_one[] =
	"DELETE FROM delivered WHERE account = $1 AND qid = $2";

static enum code forget(struct store *s, const char *sql, uint64_t qid,
	struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, (int64_t)qid);
	return db_run(q, e);
}

enum code store_forget(struct store *s, uint64_t below, const uint64_t *qids,
	size_t qid_count, struct err *e)
{
	bool is_own = !db_in_transaction(s->db);
	enum code code = is_own ? store_begin(s, e) : OK;

	if (code != OK)
		return code;
	code = forget(s, sql_forget_below, below, e);
	for (size_t i = 0; code == OK && i < qid_count; i++)
		if (qids[i] >= below)
			code = forget(s, sql_forget_one, qids[i], e);
	if (code == OK)
		return is_own ? store_commit(s, e) : OK;
	if (is_own)
		store_rollback(s);
	return store_trouble(code, e);
}
