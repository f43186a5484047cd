/*
 * json.h - writing JSON, value by value.  RFC 8259
 *
 * The writer keeps no tree and no stack: it puts the commas and the quotes,
 * and the caller opens and closes in pairs.  The buf may be emptied between
 * two calls, so a text of any size can be streamed through a small one.
 */
#ifndef POSTRIDER_BASE_JSON_H
#define POSTRIDER_BASE_JSON_H

#include "base/buf.h"
#include "base/span.h"

struct json {
	struct buf *out;     /* borrowed */
	bool needs_comma;
	uint8_t held[4];     /* a character of a string that is not all here */
	size_t held_len;
};

void json_init(struct json *j, struct buf *out);

void json_open_object(struct json *j);
void json_close_object(struct json *j);
void json_open_array(struct json *j);
void json_close_array(struct json *j);

/* The name of the value that follows, in an object. */
void json_put_name(struct json *j, struct span name);

/* What is not UTF-8 becomes U+FFFD; any other character comes out the same. */
void json_put_string(struct json *j, struct span text);
void json_put_u64(struct json *j, uint64_t value);
void json_put_i64(struct json *j, int64_t value);
void json_put_bool(struct json *j, bool value);
void json_put_null(struct json *j);

/* A string in pieces of any size; no other call between begin and end. */
void json_begin_string(struct json *j);
void json_feed_string(struct json *j, struct span piece);
void json_end_string(struct json *j);

/* How long a byte of a string becomes at most. */
#define JSON_GROWTH 6

#endif
