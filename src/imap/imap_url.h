/*
 * imap_url.h - the name of a message, or of a part of it, as a URL.
 * RFC 5092 6, 7.1, 11
 *
 *	url = "/" mailbox [";UIDVALIDITY=" n] "/;UID=" n
 *	      ["/;SECTION=" section] ["/;PARTIAL=" from ["." count]]
 *
 * Pure.  Only this form: RFC 4469 3 allows no other in an IMAP session (a
 * server in it would be another one, and one without the first "/" is refused
 * everywhere, RFC 5092 7.2).
 */
#ifndef POSTRIDER_IMAP_IMAP_URL_H
#define POSTRIDER_IMAP_IMAP_URL_H

#include "base/arena.h"
#include "base/buf.h"

struct imap_url {
	struct span mailbox;  /* UTF-8, without percents; not empty */
	uint32_t uidvalidity; /* 0: it does not say */
	uint32_t uid;
	struct span section;  /* as between the brackets of BODY[]; empty: all */
	bool has_partial;
	uint64_t from, count; /* count is UINT64_MAX: up to the end */
};

/* False: it is none.  The spans live in the arena, which takes no more than
 * twice the text. */
bool imap_url_read(struct arena *a, struct span text, struct imap_url *out);

/* "[BADURL \"…\"]" of what a client called a URL, fit for a line: RFC 4469 4.1.
 * What may not stand there is percent-encoded, and a long one is cut. */
void imap_url_put_bad(struct buf *out, struct span text);

#endif
