/*
 * jmap_part.h - one part of a message as JMAP tells it: what it is, and its
 * text.  RFC 8621 4.1.4: EmailBodyPart, EmailBodyValue
 */
#ifndef POSTRIDER_MESSAGE_JMAP_PART_H
#define POSTRIDER_MESSAGE_JMAP_PART_H

#include "message/mime.h"

struct jmap_part {
	struct span type;        /* "text/plain", lower case */
	struct span charset;     /* as sent; "us-ascii" where that is implied;
				empty: null */
	struct span disposition; /* lower case; empty: null */
	struct span name;        /* of the file: UTF-8, but any character is
				possible, "/" too; empty: null */
	struct span cid;         /* without its brackets; empty: null */
	struct span location;    /* empty: null */
	struct span language;    /* tags, "," between them; empty: null */
	uint64_t start, end;     /* its bytes in the message: the blob, once
				they are decoded (body_text.h) */
};

/* Spans live in the arena, or in the tree. */
void jmap_part_read(struct arena *a, const struct mime_part *p,
	struct jmap_part *out);

struct jmap_value {
	bool is_encoding_problem;
	bool is_truncated;
};

/* Writes the text of a part: decoded, as UTF-8 whatever was sent, CRLF as LF.
 * body: its bytes as they stand in the message, or their beginning; then
 * is_whole is false, and so the value truncated.  max_bytes: how much is
 * written at most, cut at a character; 0: as much as there is.  out needs room
 * for JMAP_VALUE_SLACK more. */
#define JMAP_VALUE_SLACK (32u << 10)
void jmap_put_value(struct buf *out, const struct mime_part *p,
	struct span body, bool is_whole, size_t max_bytes,
	struct jmap_value *out_value);

#endif
