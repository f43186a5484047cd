/*
 * compose.h - a message made from a tree of parts.
 * RFC 5322, RFC 2045-2047, RFC 2183, RFC 2231, RFC 2387
 *
 * The caller says what the parts are; how they travel is decided here: transfer
 * encodings, folding, encoded words, boundaries.  Nothing in a text, a name or
 * an address can make a header field of its own or end a part early.  Lines
 * have at most 78 characters where they can be folded, and never more than 998.
 *
 * Pure: moment, host and random bytes are the caller's.  The message is written
 * to one buf, so its size is bounded by that: whoever composes holds all of it.
 */
#ifndef POSTRIDER_MESSAGE_COMPOSE_H
#define POSTRIDER_MESSAGE_COMPOSE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/span.h"

#define COMPOSE_RANDOM_BYTES 16
#define COMPOSE_PARTS_MAX    10000
#define COMPOSE_DEPTH_MAX    50
#define COMPOSE_PARAMS_MAX   50 /* further ones of a part */
/* What compose_put takes of the arena at most. */
#define COMPOSE_ARENA_BYTES (4u << 20)

/* ---- parts -------------------------------------------------------------- */
enum compose_kind {
	COMPOSE_TEXT,      /* UTF-8 with any line ends; they become CRLF */
	COMPOSE_FILE,      /* any bytes; they arrive as they are */
	COMPOSE_MULTIPART, /* its children */
	COMPOSE_MESSAGE,   /* a whole message as it is, for message/rfc822 */
	COMPOSE_RAW        /* head, empty line and body of a part, as they are:
				what is signed must not be touched */
};

enum compose_disposition {
	COMPOSE_NO_DISPOSITION,
	COMPOSE_INLINE,
	COMPOSE_ATTACHMENT
};

struct compose_param {
	const char *name;
	struct span value; /* UTF-8 */
};

struct compose_part {
	enum compose_kind kind;
	struct span type;    /* "text/html"; empty: text/plain, what the name of
				the file says, multipart/mixed, message/rfc822 */
	const struct compose_param *params; /* further ones of Content-Type */
	size_t param_count;
	struct span content; /* of all kinds but MULTIPART */
	bool is_flowed;      /* TEXT: a line of it is a paragraph, and what begins
				with ">" a quotation; sent as format=flowed */
	const struct compose_part *children; /* of a MULTIPART; at least 1 */
	size_t child_count;
	enum compose_disposition disposition;
	struct span name;        /* of the file, UTF-8; empty: none */
	struct span id;          /* Content-ID without brackets; empty: none */
	struct span description; /* UTF-8; empty: none */
};

/* ---- messages ----------------------------------------------------------- */
struct message_address {
	struct span name;    /* UTF-8; empty: none */
	struct span address; /* "alice@crepes.fr" */
};

struct compose_addresses {
	const struct message_address *items;
	size_t count;
};

struct compose_field {
	struct span name;
	struct span value; /* UTF-8 on one line */
	bool is_structured; /* ASCII that must not become encoded words */
};

struct compose_message {
	struct compose_addresses from, sender, reply_to, to, cc, bcc;
	struct span subject;            /* UTF-8; NULL: no field */
	const struct span *in_reply_to; /* ids without brackets */
	size_t in_reply_to_count;
	const struct span *references;
	size_t reference_count;
	const struct compose_field *fields; /* further ones */
	size_t field_count;
	const struct compose_part *body;
	int64_t date_ms;  /* wall clock */
	int zone_min;     /* minutes east of UTC, to write it in */
	struct span id;   /* without brackets; empty: random@host */
	struct span host; /* right side of the Message-ID */
	bool allows_8bit; /* text may go as it is, and needs 8BITMIME then */
	uint8_t random[COMPOSE_RANDOM_BYTES]; /* never the same twice */
};

/* What a way must have to carry the message; the bits of MAIL_*. */
#define COMPOSE_NEEDS_8BIT   1u
#define COMPOSE_NEEDS_BINARY 2u
#define COMPOSE_NEEDS_UTF8   4u

/* Writes the message with CRLF.  SYNTAX: something in it cannot be written (e
 * says what); LIMIT: out is too small, or there are too many parts. */
enum code compose_put(const struct compose_message *m, struct arena *a,
	struct buf *out, unsigned *out_needs, struct err *e) MUST_USE;

/* Writes one part, its head first: what is to be signed is written so, signed,
 * and given to the message as RAW.  Boundaries are made from m->random. */
enum code compose_part_put(const struct compose_message *m, struct arena *a,
	struct buf *out, unsigned *out_needs, struct err *e) MUST_USE;

/* "<…@host>": the Message-ID that the message gets. */
void compose_put_id(const struct compose_message *m, struct buf *out);

/* Could this stand in a header field as an address?  RFC 5322 3.4.1
 * Deliberate: no quoted local parts with blanks. */
bool compose_is_address(struct span s);

#endif
