/*
 * store_delivery.c - messages into the inbox, in batches.  See store.h.
 *
 * The key (qid, idx) goes in first: if it is there, the message is, and the
 * queue hears the uid of then.  All of a batch is in one transaction, so key,
 * message and counters are durable together or not at all.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
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

static enum code put_key(struct store *s, const struct store_delivery *d,
	struct err *e)
{
	struct db_stmt *q = with_key(s, sql_put_key, d);

	db_bind_i64(q, 4, s->inbox);
	db_bind_i64(q, 5, s->now.uidnext);
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

/* ---- the body ------------------------------------------------------------------- */
static const char sql_put_piece[] =
	"INSERT INTO body (account, message, piece, content) "
	"VALUES ($1, $2, $3, $4)";
static const char sql_drop_pieces[] =
	"DELETE FROM body WHERE account = $1 AND message = $2";

static enum code put_piece(struct store *s, int64_t piece, struct span content,
	struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, sql_put_piece);

	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, s->now.next_message);
	db_bind_i64(q, 3, piece);
	db_bind_blob(q, 4, content);
	return db_run(q, e);
}

/* Reads exactly n bytes at offset.  A file that ends early or cannot be read
 * is not what the queue promised: SYNTAX, as for bytes that are wrong. */
static enum code read_piece(int fd, uint8_t *to, size_t n, uint64_t offset,
	struct err *e)
{
	while (n > 0) {
		ssize_t got = pread(fd, to, n, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_errno(e, SYNTAX, "reading the spool file");
		if (got == 0)
			return err_set(e, SYNTAX, "the spool file is short");
		to += got;
		n -= (size_t)got;
		offset += (uint64_t)got;
	}
	return OK;
}

static enum code put_pieces(struct store *s, const struct store_delivery *d,
	uint8_t *room, struct hasher *h, struct err *e)
{
	size_t limit = d->size > STORE_SMALL_BYTES ? STORE_PIECE_BYTES
						   : STORE_SMALL_BYTES;
	uint64_t offset = 0;
	int64_t piece = 0;

	do {
		uint64_t left = d->size - offset;
		size_t n = left < limit ? (size_t)left : limit;
		struct span content = span_of(room, n);
		enum code code = OK;

		if (d->fd >= 0)
			code = read_piece(d->fd, room, n, offset, e);
		else
			content = span_head(span_tail(d->body, offset), n);
		if (code != OK)
			return code;
		hasher_feed(h, content);
		store_meta_feed(s, content);
		code = put_piece(s, piece++, content, e);
		if (code != OK)
			return store_trouble(code, e);
		offset += n;
	} while (offset < d->size);
	return OK;
}

/* As put_body: SYNTAX means that the bytes are not those of the hash. */
static enum code put_large(struct store *s, const struct store_delivery *d,
	struct err *e)
{
	struct hasher *h = hasher_new();
	uint8_t *room = mem_new(1, STORE_PIECE_BYTES);
	enum code code = put_pieces(s, d, room, h, e);
	struct sha256 sum = hasher_end(h);

	if (code == OK && !span_eq(sha256_span(&sum), d->sha256))
		code = err_set(e, SYNTAX, "the body is not what was queued");
	mem_free(room);
	hasher_free(h);
	return code;
}

static enum code put_body(struct store *s, const struct store_delivery *d,
	struct err *e)
{
	struct sha256 sum;

	if (d->fd >= 0 || d->body.n > STORE_SMALL_BYTES)
		return put_large(s, d, e);
	sum = sha256_of(d->body);
	if (!span_eq(sha256_span(&sum), d->sha256))
		return err_set(e, SYNTAX, "the body is not what was queued");
	store_meta_feed(s, d->body);
	return store_trouble(put_piece(s, 0, d->body, e), e);
}

/* ---- the rows ---------------------------------------------------------------------- */
static const char sql_put_message[] =
	"INSERT INTO message (account, message, size, received_ms, flags, "
	"body_size, sha256, tag, head, thread, sent_ms, has_attachment, "
	"preview, envelope, structure) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, "
	"$9, $10, $11, $12, $13, $14, $15)";
static const char sql_put_entry[] =
	"INSERT INTO entry (account, mailbox, uid, message, flags, keywords, "
	"modseq, saved_ms) VALUES ($1, $2, $3, $4, 0, '', $5, $6)";

static enum code put_message(struct store *s, const struct store_delivery *d,
	struct err *e)
{
	struct span head = buf_span(&s->head);
	struct sha256 tag = store_tag(s, s->now.next_message, d->sha256, head);
	struct db_stmt *q = db_stmt(s->db, sql_put_message);
	enum code code;

	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, s->now.next_message);
	db_bind_i64(q, 3, (int64_t)(head.n + d->size));
	db_bind_i64(q, 4, d->received_ms);
	db_bind_i64(q, 5, d->flags);
	db_bind_i64(q, 6, (int64_t)d->size);
	db_bind_blob(q, 7, d->sha256);
	db_bind_blob(q, 8, sha256_span(&tag));
	db_bind_blob(q, 9, head);
	store_meta_bind(s, q, 10);
	code = store_trouble(db_run(q, e), e);
	store_meta_done(s);
	return code;
}

static enum code put_entry(struct store *s, const struct store_delivery *d,
	struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, sql_put_entry);

	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, s->inbox);
	db_bind_i64(q, 3, s->now.uidnext);
	db_bind_i64(q, 4, s->now.next_message);
	db_bind_i64(q, 5, s->now.modseq + 1);
	db_bind_i64(q, 6, d->received_ms);
	return store_trouble(db_run(q, e), e);
}

static void count(struct store *s, const struct store_delivery *d)
{
	s->now.uidnext++;
	s->now.next_message++;
	s->now.modseq++;
	s->now.highestmodseq = s->now.modseq;
	s->now.entries++;
	s->now.used_bytes += (int64_t)(buf_len(&s->head) + d->size);
	s->is_dirty = true;
}

/* Takes out what a message left whose bytes turned out to be wrong. */
static enum code undo(struct store *s, const struct store_delivery *d,
	struct err *e)
{
	struct err second;
	struct db_stmt *q = db_stmt(s->db, sql_drop_pieces);
	enum code code;

	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, s->now.next_message);
	code = db_run(q, &second);
	if (code == OK)
		code = db_run(with_key(s, sql_drop_key, d), &second);
	if (code == OK) {
		e->code = CORRUPT; /* its text says why */
		return CORRUPT;
	}
	return err_set(e, TEMP, "undoing a delivery: %s", second.text);
}

static bool fits(const struct store *s, uint64_t size)
{
	uint64_t used = (uint64_t)s->now.used_bytes;

	return s->quota_bytes == 0 ||
		(used <= s->quota_bytes && size <= s->quota_bytes - used);
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

enum code store_delivery_add(struct store *s, const struct store_delivery *d,
	uint64_t *out_uid, struct err *e)
{
	enum code code;

	must(db_in_transaction(s->db));
	if (d->sha256.n != SHA256_BYTES || d->size > INT64_MAX / 2 ||
		(d->fd < 0 && d->size != d->body.n))
		return err_set(e, CORRUPT, "size or hash cannot be right");
	code = make_head(s, d, e);
	if (code != OK)
		return code;
	if (!fits(s, d->size + buf_len(&s->head)))
		return refuse(s, d, out_uid, e);
	code = put_key(s, d, e);
	if (code == EXISTS) {
		code = get_key(s, d, out_uid, e);
		return code == OK ? err_set(e, EXISTS, "delivered before")
				  : store_trouble(code, e);
	}
	if (code != OK)
		return store_trouble(code, e);
	store_meta_begin(s, buf_len(&s->head) + d->size);
	store_meta_feed(s, buf_span(&s->head));
	code = put_body(s, d, e);
	if (code == SYNTAX)
		return undo(s, d, e);
	if (code == OK)
		code = store_meta_end(s, e);
	if (code == OK)
		code = put_message(s, d, e);
	if (code == OK)
		code = put_entry(s, d, e);
	if (code == CORRUPT) /* our rows, not this message: no going on */
		return err_set(e, TEMP, "a row is damaged or there already");
	if (code != OK)
		return code;
	*out_uid = (uint64_t)s->now.uidnext;
	count(s, d);
	return OK;
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
