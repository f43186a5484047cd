/*
 * deflate.c - zlib, set to what a mail connection needs.  See deflate.h.
 *
 * Of the compressor's speeds the quickest is used: answers of IMAP shrink to a
 * third by it, and a better one takes several times the CPU for a tenth more.
 * Its window is 8 KiB instead of 32, which costs little with such text and
 * halves the memory; the reader must know all sizes.
 */
#include "net/deflate.h"

#define ZLIB_CONST
#include <limits.h>
#include <zlib.h>

#include "base/mem.h"

#include "base/banned.h"

#define WINDOW_BITS (-13) /* negative: no header, no checksum */
#define READER_BITS (-15)
#define HASH_LEVEL  6
#define PIECE_BYTES 16384u

struct deflater {
	z_stream z;
};

struct inflater {
	z_stream z;
	bool is_broken;
};

static void *take_memory(void *opaque, unsigned count, unsigned size)
{
	(void)opaque;
	return mem_new(count, size);
}

static void give_memory(void *opaque, void *p)
{
	(void)opaque;
	mem_free(p);
}

/* ---- out ------------------------------------------------------------------------ */
struct deflater *deflater_new(void)
{
	struct deflater *d = MEM_NEW(struct deflater);

	d->z.zalloc = take_memory;
	d->z.zfree = give_memory;
	must(deflateInit2(&d->z, Z_BEST_SPEED, Z_DEFLATED, WINDOW_BITS,
		     HASH_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK);
	return d;
}

void deflater_free(struct deflater *d)
{
	if (d == NULL)
		return;
	(void)deflateEnd(&d->z);
	mem_free(d);
}

/* One piece, and all that comes of it. */
static void put_piece(struct deflater *d, struct span in, struct buf *out)
{
	d->z.next_in = in.p;
	d->z.avail_in = (unsigned)in.n;
	do {
		d->z.next_out = buf_reserve(out, PIECE_BYTES);
		if (d->z.next_out == NULL)
			return;
		d->z.avail_out = PIECE_BYTES;
		/* Z_BUF_ERROR: it had given all already */
		(void)deflate(&d->z, Z_SYNC_FLUSH);
		buf_wrote(out, PIECE_BYTES - d->z.avail_out);
	} while (d->z.avail_out == 0);
}

void deflater_put(struct deflater *d, struct span in, struct buf *out)
{
	while (in.n > 0 && !out->overflow) {
		struct span piece = span_head(in, (size_t)INT_MAX);

		put_piece(d, piece, out);
		in = span_tail(in, piece.n);
	}
}

/* ---- in ------------------------------------------------------------------------- */
struct inflater *inflater_new(void)
{
	struct inflater *i = MEM_NEW(struct inflater);

	i->z.zalloc = take_memory;
	i->z.zfree = give_memory;
	must(inflateInit2(&i->z, READER_BITS) == Z_OK);
	return i;
}

void inflater_free(struct inflater *i)
{
	if (i == NULL)
		return;
	(void)inflateEnd(&i->z);
	mem_free(i);
}

enum code inflater_take(struct inflater *i, struct span *in, struct buf *out)
{
	size_t room = buf_left(out) < PIECE_BYTES ? buf_left(out) : PIECE_BYTES;
	struct span piece = span_head(*in, PIECE_BYTES);
	int got;

	if (i->is_broken)
		return SYNTAX;
	if (room == 0)
		return OK;
	i->z.next_in = piece.p;
	i->z.avail_in = (unsigned)piece.n;
	i->z.next_out = buf_reserve(out, room);
	i->z.avail_out = (unsigned)room;
	got = inflate(&i->z, Z_SYNC_FLUSH);
	*in = span_tail(*in, piece.n - i->z.avail_in);
	buf_wrote(out, room - i->z.avail_out);
	/* Z_BUF_ERROR: there is nothing to do, now */
	if (got == Z_OK || got == Z_BUF_ERROR)
		return OK;
	i->is_broken = true;
	return SYNTAX;
}
