/*
 * imap_bytes.c - the bytes of a stored message as one run.
 */
#include "imap/imap_bytes.h"

#include "base/banned.h"

enum code imap_bytes_open(struct imap_bytes *b, struct store *s,
	uint64_t message, struct err *e)
{
	struct store_text first;
	enum code code;

	*b = (struct imap_bytes){.store = s};
	code = store_reader_open(s, message, &b->reader, &first, e);
	if (code != OK)
		return code;
	b->waiting[0] = first.head;
	b->waiting[1] = first.body;
	return OK;
}

static enum code take(struct imap_bytes *b, struct span *out, struct err *e)
{
	if (b->waiting[0].n == 0) {
		b->waiting[0] = b->waiting[1];
		b->waiting[1] = SPAN_EMPTY;
	}
	if (b->waiting[0].n == 0)
		return store_reader_next(b->store, &b->reader, out, e);
	*out = b->waiting[0];
	b->waiting[0] = SPAN_EMPTY;
	return OK;
}

/* What is beyond the end waits for who asks for it. */
static void put_back(struct imap_bytes *b, struct span *piece, uint64_t end)
{
	size_t n = piece->n - (size_t)(b->at - end);

	b->waiting[0] = span_tail(*piece, n);
	*piece = span_head(*piece, n);
	b->at = end;
}

enum code imap_bytes_next(struct imap_bytes *b, uint64_t start, uint64_t end,
	struct span *out, struct err *e)
{
	while (b->at < end) {
		uint64_t from = b->at;
		struct span piece;
		enum code code = take(b, &piece, e);

		if (code != OK)
			return code;
		b->at += piece.n;
		if (b->at <= start)
			continue;
		if (b->at > end)
			put_back(b, &piece, end);
		if (from < start)
			piece = span_tail(piece, (size_t)(start - from));
		if (piece.n == 0)
			continue;
		*out = piece;
		return OK;
	}
	return NOT_FOUND;
}

void imap_bytes_close(struct imap_bytes *b)
{
	store_reader_close(&b->reader);
}

enum code imap_bytes_put(struct store *s, uint64_t message, uint64_t start,
	uint64_t end, struct buf *out, struct err *e)
{
	struct imap_bytes b;
	struct span piece;
	enum code code = imap_bytes_open(&b, s, message, e);

	if (code != OK)
		return code;
	while (buf_left(out) > 0 &&
		(code = imap_bytes_next(&b, start, end, &piece, e)) == OK)
		buf_put(out, span_head(piece, buf_left(out)));
	imap_bytes_close(&b);
	return code == NOT_FOUND ? OK : code;
}
