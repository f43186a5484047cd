/*
 * store_read.c - lists of a mailbox, and the bytes of a message.  See store.h.
 *
 * What comes out was checked: the tag (this account, this id, this head, this
 * hash) before the first byte, the hash of a small body too (store_proof.c); that
 * of a large one when its last piece is read, as it is never whole in memory.
 */
#include <string.h>

#include "base/mem.h"
#include "store/store.h"
#include "store/store_int.h"

#include "base/banned.h"

/* ---- lists -------------------------------------------------------------------- */
static const char sql_list[] =
	"SELECT uid, message, size FROM entry "
	"WHERE account = $1 AND mailbox = $2 ORDER BY uid";

static void grow(struct store_list *l, size_t *room)
{
	if (l->count < *room)
		return;
	*room = *room == 0 ? 64 : *room * 2;
	l->items = mem_resize(l->items, *room, sizeof(*l->items));
}

enum code store_message_list(struct store *s, uint64_t mailbox,
	struct store_list *out, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, sql_list);
	size_t room = 0;
	enum code code;

	*out = (struct store_list){0};
	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, (int64_t)mailbox);
	while ((code = db_step(q, e)) == OK) {
		struct store_item *item;

		grow(out, &room);
		item = &out->items[out->count++];
		item->uid = (uint64_t)db_i64(q, 0);
		item->message = (uint64_t)db_i64(q, 1);
		item->size = (uint64_t)db_i64(q, 2);
		out->bytes += item->size;
	}
	return code == NOT_FOUND ? OK : store_trouble(code, e);
}

void store_list_clear(struct store_list *l)
{
	mem_free(l->items);
	*l = (struct store_list){0};
}

/* ---- messages ------------------------------------------------------------------- */
static const char sql_get_message[] =
	"SELECT m.sha256, m.tag, m.head, m.body_size, b.content "
	"FROM message m JOIN body b "
	"ON b.account = m.account AND b.message = m.message AND b.piece = 0 "
	"WHERE m.account = $1 AND m.message = $2";
static const char sql_get_piece[] =
	"SELECT content FROM body "
	"WHERE account = $1 AND message = $2 AND piece = $3";

static enum code damaged(const struct store_reader *r, const char *what,
	struct err *e)
{
	return err_set(e, CORRUPT, "message %llu: %s",
		(unsigned long long)r->message, what);
}

/* Takes a piece off what is left of the body. */
static enum code take(struct store *s, struct store_reader *r,
	struct span content, struct err *e)
{
	bool is_whole = r->piece == 0 && content.n == r->left;

	buf_reset(&s->piece);
	buf_put(&s->piece, content);
	if (content.n > r->left || s->piece.overflow ||
		(content.n == 0 && !is_whole))
		return damaged(r, "its pieces have the wrong size", e);
	r->left -= content.n;
	r->piece++;
	if (is_whole)
		return store_proof_check(s, r->message, &r->sha256, content)
			? OK
			: damaged(r, "its bytes changed", e);
	if (r->hasher == NULL)
		r->hasher = hasher_new();
	hasher_feed(r->hasher, content);
	return OK;
}

static enum code take_first(struct store *s, struct store_reader *r,
	struct db_stmt *q, struct err *e)
{
	struct span sha256 = db_bytes(q, 0);
	struct span head;
	struct sha256 tag;

	buf_reset(&s->head);
	buf_put(&s->head, db_bytes(q, 2));
	head = buf_span(&s->head);
	if (sha256.n != SHA256_BYTES || s->head.overflow)
		return damaged(r, "its row is damaged", e);
	tag = store_tag(s, (int64_t)r->message, sha256, head);
	if (!span_eq(sha256_span(&tag), db_bytes(q, 1)))
		return damaged(r, "it is not of this account, or changed", e);
	memcpy(r->sha256.bytes, sha256.p, SHA256_BYTES);
	r->left = (uint64_t)db_i64(q, 3);
	return take(s, r, db_bytes(q, 4), e);
}

enum code store_reader_open(struct store *s, uint64_t message,
	struct store_reader *r, struct store_text *out_first, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, sql_get_message);
	enum code code;

	*r = (struct store_reader){.message = message};
	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, (int64_t)message);
	code = db_step(q, e);
	if (code == OK) {
		code = take_first(s, r, q, e);
		db_reset(q);
	} else if (code != NOT_FOUND) {
		code = store_trouble(code, e);
	}
	if (code != OK) {
		store_reader_close(r);
		return code;
	}
	out_first->head = buf_span(&s->head);
	out_first->body = buf_span(&s->piece);
	return OK;
}

/* All pieces were given: were they what was stored? */
static enum code finish(struct store_reader *r, struct err *e)
{
	struct sha256 sum;

	if (r->hasher == NULL)
		return NOT_FOUND;
	sum = hasher_end(r->hasher);
	store_reader_close(r);
	if (memcmp(sum.bytes, r->sha256.bytes, SHA256_BYTES) != 0)
		return damaged(r, "its bytes changed", e);
	return NOT_FOUND;
}

enum code store_reader_next(struct store *s, struct store_reader *r,
	struct span *out, struct err *e)
{
	struct db_stmt *q;
	enum code code;

	if (r->left == 0)
		return finish(r, e);
	q = db_stmt(s->db, sql_get_piece);
	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, (int64_t)r->message);
	db_bind_i64(q, 3, (int64_t)r->piece);
	code = db_step(q, e);
	if (code == NOT_FOUND)
		return damaged(r, "a piece is missing", e);
	if (code != OK)
		return store_trouble(code, e);
	code = take(s, r, db_bytes(q, 0), e);
	db_reset(q);
	*out = buf_span(&s->piece);
	return code;
}

void store_reader_close(struct store_reader *r)
{
	hasher_free(r->hasher);
	r->hasher = NULL;
}
