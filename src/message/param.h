/*
 * param.h - values with parameters: Content-Type, Content-Disposition.
 * RFC 2045 5.1, RFC 2183 2, RFC 2231
 */
#ifndef POSTRIDER_MESSAGE_PARAM_H
#define POSTRIDER_MESSAGE_PARAM_H

#include "base/buf.h"
#include "base/span.h"

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
