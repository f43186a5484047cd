/*
 * downgrade.h - a message made fit for a way that does not carry all bytes.
 * RFC 6152 3, RFC 2045 6.2, RFC 3030 3
 *
 * What holds bytes above 127 (unless the way takes them), NUL, a CR or LF alone
 * or a line of more than 998 characters is sent as quoted-printable or base64,
 * through multiparts and messages in messages; the fields that say so are put
 * right.  Nothing else is changed, and every part decodes to the bytes that it
 * had.  What cannot be converted is told before anything is written:
 *
 *	- what is in multipart/signed or multipart/encrypted (RFC 1847 2.1), in
 *	  message/partial or message/external-body (RFC 2046 5.2.2.1), in an
 *	  encoding that nobody knows, or beyond the limits of the parser
 *	- bytes above 127 in header fields, but for free text (Subject and the
 *	  like), which becomes encoded words
 *
 * The bytes of the message are fed three times from the beginning, in pieces of
 * any size: to the parser, to look and to feed.
 *
 *	d = downgrade_new(a, tree, false);
 *	downgrade_look(d, bytes); …
 *	if (downgrade_decide(d, e) == OK)
 *		downgrade_feed(d, bytes, out); … downgrade_end(d, out);
 *	downgrade_clear(d);
 *
 * The tree is not used behind downgrade_new.
 */
#ifndef POSTRIDER_MESSAGE_DOWNGRADE_H
#define POSTRIDER_MESSAGE_DOWNGRADE_H

#include "message/mime.h"

struct downgrade;

/* What it takes of the arena at most: so many for MESSAGE_PARTS_MAX parts, and
 * 200 bytes for each part that is there. */
#define DOWNGRADE_ARENA_BYTES (4u << 20)
/* What a feed of n bytes writes at most is 4 n, and the head of a part. */
#define DOWNGRADE_HEAD_BYTES (4 * MESSAGE_HEAD_MAX)

/* allows_8bit: bytes above 127 may stay. */
struct downgrade *downgrade_new(struct arena *a, const struct mime_tree *t,
	bool allows_8bit);
void downgrade_look(struct downgrade *d, struct span bytes);
/* After the last byte.  DENIED: it cannot be converted; SYNTAX: a CR or LF
 * stands alone where no encoding can hide it.  e says what is in the way. */
enum code downgrade_decide(struct downgrade *d, struct err *e) MUST_USE;

void downgrade_feed(struct downgrade *d, struct span bytes, struct buf *out);
/* After the last byte; then the message may be fed once more from the
 * beginning, as is done to know its size before it is sent. */
void downgrade_end(struct downgrade *d, struct buf *out);
/* Gives back what it holds outside of its arena; NULL is fine. */
void downgrade_clear(struct downgrade *d);

#endif
