/*
 * structure.h - which parts a message has, and where their bytes are.
 * RFC 2046 5.1
 *
 * One walk over the lines finds every part with its offsets; nothing is
 * copied but short names.  Whatever the message says, there are at most
 * MESSAGE_PARTS_MAX parts in MESSAGE_DEPTH_MAX levels; what goes deeper stays
 * one part with its bytes unread, and is_cut tells so.
 *
 * Todo(rfc): a part of type message/rfc822 is one part; its own parts are not
 * read (RFC 2046 5.2.1).
 */
#ifndef POSTRIDER_MESSAGE_STRUCTURE_H
#define POSTRIDER_MESSAGE_STRUCTURE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/span.h"

#define MESSAGE_PARTS_MAX 1000
#define MESSAGE_DEPTH_MAX 20
#define MESSAGE_NAME_MAX  512 /* bytes of a file name, UTF-8 */

enum message_encoding {
	MESSAGE_IDENTITY, /* 7bit, 8bit, binary, or one that is not known */
	MESSAGE_QP,
	MESSAGE_BASE64
};

struct message_part {
	struct span number;  /* "1", "2.1"; empty: the whole of a multipart */
	size_t head_start;   /* offsets in the message, bytes */
	size_t body_start;
	size_t body_end;     /* without the line end before the boundary */
	struct span type;    /* "text/plain": lower case, always there */
	struct span charset; /* "us-ascii" if none is named */
	struct span name;    /* of the file, UTF-8, as the sender wrote it: it
				may hold anything; empty: none */
	enum message_encoding encoding;
	bool is_multipart;   /* its parts follow it in the list */
	bool is_attachment;  /* Content-Disposition says so */
};

struct message_structure {
	struct message_part *parts; /* in the order of the message; at least 1 */
	size_t count;
	bool is_cut; /* a limit was passed: something is not listed */
};

/* The arena must have room for this many bytes. */
#define MESSAGE_STRUCTURE_ARENA_BYTES (4u << 20)

/* Spans live in the arena. */
void message_structure_read(struct arena *a, struct span message,
	struct message_structure *out);

struct span message_part_head(struct span message,
	const struct message_part *part);
/* The body as it stands in the message. */
struct span message_part_body(struct span message,
	const struct message_part *part);
/* Writes the decoded body, byte for byte; false if the encoding was damaged
 * (what could be read is there). */
bool message_part_decode(struct span message, const struct message_part *part,
	struct buf *out);

#endif
