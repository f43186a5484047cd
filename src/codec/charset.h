/*
 * charset.h - text of a named character set as UTF-8.
 *
 * Todo(rfc): only US-ASCII, UTF-8, ISO-8859-1, ISO-8859-15 and windows-1252;
 * RFC 2049 2 wants ISO-8859-* to be recognized.
 */
#ifndef POSTRIDER_CODEC_CHARSET_H
#define POSTRIDER_CODEC_CHARSET_H

#include "base/buf.h"
#include "base/span.h"

bool charset_is_known(struct span charset);

/* Converts, and returns true; false, with nothing written, if the set is not
 * known.  Bytes of UTF-8 and US-ASCII are passed on as they are, wrong ones
 * too: who shows them escapes them. */
bool charset_put_utf8(struct buf *out, struct span charset, struct span text);

/* One character as UTF-8; code is at most U+10FFFF. */
void charset_put_char(struct buf *out, uint32_t code);

#endif
