/*
 * store_message.c - a message that comes in becomes rows: its bytes, what is
 * known of it, and its entry.  For deliveries and for APPEND.
 *
 * It is read once: the pieces go into rows, into the hash and into the parser
 * (store_meta.c) on their way.
 */
#include <errno.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/store_int.h"

#include "base/banned.h"

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
 * is not what was promised: SYNTAX, as for bytes that are wrong. */
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

static enum code put_pieces(struct store *s, const struct store_incoming *m,
	uint8_t *room, struct hasher *h, struct err *e)
{
	size_t limit = m->size > STORE_SMALL_BYTES ? STORE_PIECE_BYTES
						   : STORE_SMALL_BYTES;
	uint64_t offset = 0;
	int64_t piece = 0;

	do {
		uint64_t left = m->size - offset;
		size_t n = left < limit ? (size_t)left : limit;
		struct span content = span_of(room, n);
		enum code code = OK;

		if (m->fd >= 0)
			code = read_piece(m->fd, room, n, offset, e);
		else
			content = span_head(span_tail(m->body, offset), n);
		if (code != OK)
			return code;
		hasher_feed(h, content);
		store_meta_feed(s, content);
		code = put_piece(s, piece++, content, e);
		if (code != OK)
			return store_trouble(code, e);
		offset += n;
	} while (offset < m->size);
	return OK;
}

static enum code check_sum(const struct store_incoming *m,
	const struct sha256 *sum, struct err *e)
{
	if (m->sha256.n > 0 && !span_eq(sha256_span(sum), m->sha256))
		return err_set(e, SYNTAX, "the body is not what was queued");
	return OK;
}

static enum code put_large(struct store *s, const struct store_incoming *m,
	struct sha256 *out_sum, struct err *e)
{
	struct hasher *h = hasher_new();
	uint8_t *room = mem_new(1, STORE_PIECE_BYTES);
	enum code code = put_pieces(s, m, room, h, e);

	*out_sum = hasher_end(h);
	mem_free(room);
	hasher_free(h);
	return code == OK ? check_sum(m, out_sum, e) : code;
}

/* SYNTAX means that the bytes are not those of the hash. */
static enum code put_body(struct store *s, const struct store_incoming *m,
	struct sha256 *out_sum, struct err *e)
{
	enum code code;

	if (m->fd >= 0 || m->body.n > STORE_SMALL_BYTES)
		return put_large(s, m, out_sum, e);
	*out_sum = sha256_of(m->body);
	code = check_sum(m, out_sum, e);
	if (code != OK)
		return code;
	store_proof_put(s, (uint64_t)s->now.next_message, out_sum, m->body);
	store_meta_feed(s, m->body);
	return store_trouble(put_piece(s, 0, m->body, e), e);
}

/* Takes out what a message left whose bytes turned out to be wrong. */
static enum code drop_body(struct store *s, struct err *e)
{
	struct err second;
	struct db_stmt *q = db_stmt(s->db, sql_drop_pieces);

	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, s->now.next_message);
	if (db_run(q, &second) == OK)
		return SYNTAX;
	return err_set(e, TEMP, "undoing a message: %s", second.text);
}

/* ---- the rows ---------------------------------------------------------------------- */
static const char sql_put_message[] =
	"INSERT INTO message (account, message, size, received_ms, flags, "
	"body_size, sha256, tag, head, thread, sent_ms, has_attachment, "
	"preview, envelope, structure) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, "
	"$9, $10, $11, $12, $13, $14, $15)";
static const char sql_put_entry[] =
	"INSERT INTO entry (account, mailbox, uid, message, flags, keywords, "
	"modseq, saved_ms, size, received_ms) "
	"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

static enum code put_row(struct store *s, const struct store_incoming *m,
	const struct sha256 *sum, struct err *e)
{
	struct sha256 tag = store_tag(s, s->now.next_message, sha256_span(sum),
		m->head);
	struct db_stmt *q = db_stmt(s->db, sql_put_message);
	enum code code;

	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, s->now.next_message);
	db_bind_i64(q, 3, (int64_t)(m->head.n + m->size));
	db_bind_i64(q, 4, m->received_ms);
	db_bind_i64(q, 5, m->mail_flags);
	db_bind_i64(q, 6, (int64_t)m->size);
	db_bind_blob(q, 7, sha256_span(sum));
	db_bind_blob(q, 8, sha256_span(&tag));
	db_bind_blob(q, 9, m->head);
	store_meta_bind(s, q, 10);
	code = store_trouble(db_run(q, e), e);
	store_meta_done(s);
	return code;
}

static void count_entry(struct store *s, struct store_box *b,
	const struct store_row *row, uint64_t size)
{
	b->m.uidnext++;
	b->m.messages++;
	b->m.bytes += size;
	if ((row->flags & STORE_FLAG_SEEN) == 0)
		b->m.unseen++;
	if (row->flags & STORE_FLAG_DELETED)
		b->m.deleted++;
	store_view_coming(s, b, row);
}

enum code store_entry_put(struct store *s, struct store_box *b,
	struct store_row *row, uint64_t size, int64_t saved_ms, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, sql_put_entry);
	int64_t modseq = store_modseq(s, b);
	enum code code;

	row->uid = b->m.uidnext;
	row->modseq = (uint64_t)modseq & (UINT64_MAX >> 8);
	row->saved_s = (uint32_t)(saved_ms / 1000);
	row->size = size > UINT32_MAX ? UINT32_MAX : (uint32_t)size;
	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, (int64_t)b->m.id);
	db_bind_i64(q, 3, row->uid);
	db_bind_i64(q, 4, row->message);
	db_bind_i64(q, 5, row->flags);
	db_bind_i64(q, 6, (int64_t)row->keywords);
	db_bind_i64(q, 7, modseq);
	db_bind_i64(q, 8, saved_ms);
	db_bind_i64(q, 9, (int64_t)size);
	db_bind_i64(q, 10, row->received_ms);
	code = store_trouble(db_run(q, e), e);
	if (code == OK)
		count_entry(s, b, row, size);
	return code;
}

bool store_message_fits(const struct store *s, uint64_t bytes, uint64_t freed)
{
	uint64_t used = (uint64_t)s->now.used_bytes;

	if (bytes <= freed)
		return true;
	bytes -= freed;
	return s->quota_bytes == 0 ||
		(used <= s->quota_bytes && bytes <= s->quota_bytes - used);
}

bool store_entries_fit(const struct store *s, uint64_t count)
{
	uint64_t have;

	if (s->message_limit == 0)
		return true;
	have = store_messages(s);
	return have <= s->message_limit && count <= s->message_limit - have;
}

enum code store_message_put(struct store *s, const struct store_incoming *m,
	uint32_t *out_uid, struct err *e)
{
	uint64_t size = m->head.n + m->size;
	struct store_row row = {
		.message = (uint32_t)s->now.next_message,
		.flags = (uint8_t)(m->flags & STORE_FLAGS_ALL),
		.keywords = m->keywords,
		.received_ms = m->received_ms,
	};
	struct sha256 sum;
	enum code code;

	store_meta_begin(s, size);
	store_meta_feed(s, m->head);
	code = put_body(s, m, &sum, e);
	if (code == SYNTAX)
		return drop_body(s, e);
	if (code == OK)
		code = store_meta_end(s, e);
	if (code == OK)
		code = put_row(s, m, &sum, e);
	if (code == OK)
		code = store_entry_put(s, m->box, &row, size, m->saved_ms, e);
	if (code != OK)
		return code;
	s->now.next_message++;
	s->now.used_bytes += (int64_t)size;
	s->is_dirty = true;
	*out_uid = row.uid;
	return OK;
}
