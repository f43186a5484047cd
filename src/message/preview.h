/*
 * preview.h - the line that a list of messages shows of each.
 * RFC 8970 3.3, RFC 8621 4.1.4
 *
 * One line of at most PREVIEW_CHARS_MAX characters (both RFCs allow 256, and
 * RFC 8970 recommends 200), of the first text that says something: plain, or
 * of the HTML.  White space is folded; quotations and what announces them,
 * signatures, ruled lines and characters that are not seen are left out,
 * unless there is nothing else.
 */
#ifndef POSTRIDER_MESSAGE_PREVIEW_H
#define POSTRIDER_MESSAGE_PREVIEW_H

#include "message/mime.h"

#define PREVIEW_CHARS_MAX 200
#define PREVIEW_BYTES_MAX (4 * PREVIEW_CHARS_MAX)

/* beginning: the message's first bytes, as many as there are at hand; what is
 * beyond them is not looked at.  Writes UTF-8 without control characters;
 * nothing if there is no text.  The arena is for 12 bytes a part. */
void preview_put(struct buf *out, struct arena *a, const struct mime_tree *t,
	struct span beginning);

#endif
