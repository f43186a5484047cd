/*
 * build.h - the message that a person writes: a text, and files beside it.
 * RFC 5322, RFC 2045-2047
 *
 * The plain face of compose.h, which builds trees of parts of any shape.  The
 * text goes as UTF-8, 7bit if it may, else in the shorter of quoted-printable
 * and base64; files go in base64.  Pure: moment, host and random bytes are the
 * caller's.
 */
#ifndef POSTRIDER_MESSAGE_BUILD_H
#define POSTRIDER_MESSAGE_BUILD_H

#include "message/compose.h"

#define MESSAGE_RANDOM_BYTES COMPOSE_RANDOM_BYTES
#define MESSAGE_FILES_MAX    1000

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
