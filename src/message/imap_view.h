/*
 * imap_view.h - a message as IMAP tells it: ENVELOPE, BODY, BODYSTRUCTURE.
 * RFC 9051 7.5.2, RFC 3501 7.4.2
 *
 * Strings are those of imap_string.h.  Writing stops when the buf is full, so its maximum bounds the work as well.
 */
#ifndef POSTRIDER_MESSAGE_IMAP_VIEW_H
#define POSTRIDER_MESSAGE_IMAP_VIEW_H

#include "message/mime.h"

/* "(…)": the ten fields.  A text whose span is NULL was not there and is NIL;
 * one that is only empty is "".  A mailbox without a domain gets one that no
 * host has (MISSING_DOMAIN): NIL would make a group of it. */
void imap_put_envelope(struct buf *out, const struct envelope *e);
/* "(…)" of a part and all in it; with the extension data: BODYSTRUCTURE. */
void imap_put_structure(struct buf *out, const struct mime_tree *t,
	uint32_t part, bool with_extension);

#endif
