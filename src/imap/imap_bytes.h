/*
 * imap_bytes.h - the bytes of a stored message as one run, in pieces, and from
 * any place on.
 */
#ifndef POSTRIDER_IMAP_IMAP_BYTES_H
#define POSTRIDER_IMAP_IMAP_BYTES_H

#include "base/buf.h"
#include "store/store.h"

struct imap_bytes {
	struct store *store;
	struct store_reader reader;
	struct span waiting[2]; /* of the store: gone at its next verb */
	uint64_t at;            /* offset of the next piece */
};

/* Begins at the message's first byte; codes of store_reader_open.  After an
 * error nothing has to be closed. */
enum code imap_bytes_open(struct imap_bytes *b, struct store *s,
	uint64_t message, struct err *e) MUST_USE;
/* The next piece that is in [start, end): OK; NOT_FOUND: there is none left.
 * Valid until the next verb on the store.  Other codes: the message is damaged,
 * or cannot be read. */
enum code imap_bytes_next(struct imap_bytes *b, uint64_t start, uint64_t end,
	struct span *out, struct err *e) MUST_USE;
/* Some bytes wait that another verb on the store would take away. */
static inline bool imap_bytes_holds(const struct imap_bytes *b)
{
	return b->waiting[0].n > 0 || b->waiting[1].n > 0;
}
void imap_bytes_close(struct imap_bytes *b);

/* Puts a whole range, or as much of it as out has room for. */
enum code imap_bytes_put(struct store *s, uint64_t message, uint64_t start,
	uint64_t end, struct buf *out, struct err *e) MUST_USE;

#endif
