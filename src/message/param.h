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

/* Reads the value of a field as it was sent, folds and comments too: returns
 * what stands before the first ";", without comments, and lists the parameters
 * behind it.  Never fails; the limits are those of limits.h (pieces count as
 * parameters), and at most 4 MiB are taken.  A name that came twice is twice in
 * the list.  Spans live in the arena, or in value. */
struct span param_list_read(struct arena *a, struct span value,
	struct param_list *out);
/* Writes the first parameter of that name as UTF-8 text without control
 * characters: RFC 2231 decoded, which wins over plain, or else encoded words (a
 * malpractice, and common); false if there is none. */
bool param_list_get(const struct param_list *list, struct span name,
	struct buf *out);

/* Writes ";\r\n\tname=value" so that every reader gets the UTF-8 text back:
 * plain if it is short ASCII, else by RFC 2231, in pieces if it is long. */
void param_put(struct buf *out, const char *name, struct span text);

#endif
