/*
 * imap_view.h - a message as IMAP tells it: ENVELOPE, BODY, BODYSTRUCTURE.
 * RFC 9051 7.5.2, RFC 3501 7.4.2
 */
#ifndef POSTRIDER_MESSAGE_IMAP_VIEW_H
#define POSTRIDER_MESSAGE_IMAP_VIEW_H

#include "message/mime.h"

/* nstring: NIL, a quoted string, or a literal for what a quoted string cannot
 * hold; a NUL, which neither can, is left out. */
void imap_put_string(struct buf *out, struct span s);
void imap_put_nstring(struct buf *out, struct span s); /* empty: NIL */

/* "(…)": the ten fields. */
void imap_put_envelope(struct buf *out, const struct envelope *e);
/* "(…)" of a part and all in it; with the extension data: BODYSTRUCTURE. */
void imap_put_structure(struct buf *out, const struct mime_tree *t,
	uint32_t part, bool with_extension);

#endif
