/*
 * smtp_client_body.h - writes a message behind DATA: dots doubled (RFC 5321
 * 4.5.2), and never a CR or LF that is not a CRLF (RFC 5321 2.3.8), which is
 * how mail is smuggled past the next server.
 */
#ifndef POSTRIDER_SMTP_SMTP_CLIENT_BODY_H
#define POSTRIDER_SMTP_SMTP_CLIENT_BODY_H

#include "base/buf.h"

struct smtp_body {
	bool is_inside;   /* of a line: it has begun */
	bool is_after_cr;
	bool is_7bit;     /* 8-bit bytes may not pass */
	uint64_t bytes;   /* taken so far */
};

void smtp_body_init(struct smtp_body *b, bool is_7bit);
/* Appends a piece to out.  SYNTAX: a bare CR or LF; DENIED: an 8-bit byte that
 * may not pass.  Then the piece is not in out as a whole, and the connection
 * has to be given up: there is no other way to take back a begun message. */
enum code smtp_body_put(struct smtp_body *b, struct buf *out,
	struct span piece) MUST_USE;
/* Ends the last line if need be, and the message. */
enum code smtp_body_end(struct smtp_body *b, struct buf *out) MUST_USE;
/* Would the pieces pass?  For what is in memory, before MAIL is said. */
enum code smtp_body_check(struct span head, struct span body, bool is_7bit)
	MUST_USE;

#endif
