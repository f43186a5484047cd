/*
 * imap_needle.h - a substring looked for in text that comes in pieces, without
 * regard to case.  RFC 9051 6.4.4
 *
 * Linear in the text, whatever the needle: Knuth, Morris and Pratt.
 */
#ifndef POSTRIDER_IMAP_IMAP_NEEDLE_H
#define POSTRIDER_IMAP_IMAP_NEEDLE_H

#include "base/arena.h"
#include "base/buf.h"

struct imap_needle {
	struct span text;      /* folded */
	const uint32_t *back;  /* the table; as long as the text */
	uint32_t at;           /* bytes that match so far */
	bool is_found;
};

/* Of text as the client sent it, UTF-8; all of it lives in the arena. */
void imap_needle_init(struct imap_needle *n, struct arena *a,
	struct span text);
/* Begins a new text. */
void imap_needle_begin(struct imap_needle *n);
/* The next bytes, folded. */
void imap_needle_feed(struct imap_needle *n, struct span folded);

/* All at once, of a text that is not folded; scratch is emptied and used. */
bool imap_needle_is_in(struct imap_needle *n, struct span text,
	struct buf *scratch);

#endif
