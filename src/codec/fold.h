/*
 * fold.h - text in which letters of either case, composed or not, are the same
 * bytes: for searching.  Unicode 3.13, D145 (case folding); RFC 5051 asks for
 * about this.
 */
#ifndef POSTRIDER_CODEC_FOLD_H
#define POSTRIDER_CODEC_FOLD_H

#include "base/buf.h"
#include "base/span.h"

/* What a text of n bytes becomes at most. */
#define FOLD_GROWTH 3

/* Writes UTF-8 text folded; bytes that are no UTF-8 are written as they are,
 * but for the case of ASCII letters. */
void fold_put(struct buf *out, struct span text);

#endif
