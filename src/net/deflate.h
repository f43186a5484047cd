/*
 * deflate.h - a connection that is compressed: raw DEFLATE, a stream each way.
 * RFC 1951; RFC 4978 for IMAP.  By zlib.
 *
 * What is put comes out whole: each call ends with a flush, so the other side
 * can read all of it.  What is taken may be anything: it costs the memory of
 * one window and the room that the caller gives, however much it would become.
 */
#ifndef POSTRIDER_NET_DEFLATE_H
#define POSTRIDER_NET_DEFLATE_H

#include "base/buf.h"
#include "base/span.h"

struct deflater;

/* About 70 KiB, most of it taken at the first byte.  For deflater_free. */
struct deflater *deflater_new(void);
void deflater_free(struct deflater *d); /* takes NULL */
/* Compresses all of it to the end of out; of nothing comes nothing.  Of bytes
 * that do not become smaller comes a little more than was given. */
void deflater_put(struct deflater *d, struct span in, struct buf *out);

struct inflater;

/* About 40 KiB.  For inflater_free. */
struct inflater *inflater_new(void);
void inflater_free(struct inflater *i); /* takes NULL */
/* Takes from the front of *in what it can and puts what comes of it to out, as
 * far as out has room (buf_left): call it again when there is more of either.
 * SYNTAX: that is no DEFLATE, or the stream has ended, which it may not here;
 * nothing can be taken any more. */
enum code inflater_take(struct inflater *i, struct span *in, struct buf *out)
	MUST_USE;

#endif
