/*
 * build.h - a message made from its pieces: RFC 5322, RFC 2045-2047.
 *
 * The text goes as UTF-8, 7bit if it may, else quoted-printable; files go in
 * base64.  Nothing in the pieces can make a header field of its own or end a
 * part early.  Pure: moment, host and random bytes are the caller's.
 */
#ifndef POSTRIDER_MESSAGE_BUILD_H
#define POSTRIDER_MESSAGE_BUILD_H

#include "base/buf.h"
#include "base/span.h"

#define MESSAGE_RANDOM_BYTES 16

struct message_address {
	struct span name;    /* UTF-8; empty: none */
	struct span address; /* "alice@crepes.fr" */
};

struct message_file {
	struct span name;    /* UTF-8, without folders */
	struct span content;
};

struct message_draft {
	struct message_address from;
	const struct message_address *to;
	size_t to_count;
	struct span subject; /* UTF-8 */
	struct span text;    /* UTF-8, with any line ends */
	const struct message_file *files;
	size_t file_count;
	int64_t now_ms;      /* wall clock */
	struct span host;    /* right side of the Message-ID */
	uint8_t random[MESSAGE_RANDOM_BYTES]; /* never the same twice */
};

/* "Alice <alice@crepes.fr>", "<alice@crepes.fr>" or "alice@crepes.fr"; false
 * if that is none.  Spans point into text.
 * Deliberate: no quoted local parts with blanks, no comments, no groups. */
bool message_address_parse(struct span text, struct message_address *out);

/* Writes the message with CRLF.  SYNTAX: text that is not UTF-8, or no
 * address; LIMIT: out is too small. */
enum code message_build(const struct message_draft *d, struct buf *out,
	struct err *e) MUST_USE;

/* "<…@host>": the Message-ID that message_build gives this draft. */
void message_put_id(const struct message_draft *d, struct buf *out);

#endif
