/*
 * param.h - values with parameters: Content-Type, Content-Disposition.
 * RFC 2045 5.1, RFC 2183 2, RFC 2231
 */
#ifndef POSTRIDER_MESSAGE_PARAM_H
#define POSTRIDER_MESSAGE_PARAM_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/span.h"

/* A parameter as IMAP tells it: the pieces of RFC 2231 are joined, quotes are
 * gone, nothing is decoded; an extended value keeps the star of its name
 * ("filename*", "utf-8''%e2%82%ac"). */
struct param {
	struct span name;  /* case as sent */
	struct span value;
};

struct param_list {
	struct param *items;
	size_t count;
};

/* Reads the value of a field: what stands before the first ";" and the
 * parameters behind it.  Never fails; the limits are those of limits.h.
 * Spans live in the arena, or in value. */
struct span param_list_read(struct arena *a, struct span value,
	struct param_list *out);
/* Writes the parameter as UTF-8 text: RFC 2231 decoded, encoded words in it
 * (a malpractice, and common) too; false if there is none of that name. */
bool param_list_get(const struct param_list *list, struct span name,
	struct buf *out);

/* The value before the first ";" without blanks and comments. */
struct span param_main(struct span value);

/* Writes the parameter of that name, UTF-8, and returns true; false if there
 * is none.  Reads RFC 2231 (charset, pieces in any order) and, because so many
 * programs write it, encoded words in quotes.  RFC 2231 wins over plain. */
bool param_get(struct span value, struct span name, struct buf *out);

/* Writes ";\r\n\tname=value" so that every reader gets the UTF-8 text back:
 * plain if it is short ASCII, else by RFC 2231, in pieces if it is long. */
void param_put(struct buf *out, const char *name, struct span text);

#endif
