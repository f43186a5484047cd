/*
 * body_text.h - the text of a part, from the bytes that were sent: transfer
 * encoding and charset decoded, line ends as LF.  RFC 8621 4.1.4 (bodyValues)
 *
 * Fed in pieces of any size, in memory that does not depend on them.  Never
 * fails: what comes out is UTF-8, and what had to be guessed is told.
 */
#ifndef POSTRIDER_MESSAGE_BODY_TEXT_H
#define POSTRIDER_MESSAGE_BODY_TEXT_H

#include "codec/charset.h"
#include "codec/transfer.h"
#include "message/mime.h"

struct body_text {
	struct transfer_decoder transfer;
	struct charset_decoder charset;
	struct buf bytes;  /* owned: what left the transfer encoding */
	struct buf chars;  /* owned: what left the charset */
	bool has_cr;       /* a CR waits for its LF */
	bool is_text_damaged;     /* valid after the end: the charset is not
				known, or a byte means nothing in it */
	bool is_transfer_damaged; /* the same for the transfer encoding */
};

/* One byte of the body becomes at most so many. */
#define BODY_TEXT_GROWTH 4

/* How the bytes of the part have to be decoded. */
enum transfer_coding body_coding(const struct mime_part *p);

/* Writes the bytes of a part of a message in memory, decoded; false: its
 * encoding was damaged, and what could be read is there. */
bool body_put_bytes(struct buf *out, const struct mime_part *p,
	struct span message);

/* Each init needs its end. */
void body_text_init(struct body_text *b, const struct mime_part *p);
void body_text_feed(struct body_text *b, struct span in, struct buf *out);
void body_text_end(struct body_text *b, struct buf *out);

#endif
