/*
 * fold.h - text as i;unicode-casemap compares it: equal texts become the same
 * bytes, the order of texts is that of the bytes, and a text is in another one
 * if its bytes are.  RFC 5051
 *
 * Letters become titlecase letters, one for one, so that a sharp s stays one, and
 * an i with or without its dot is I; then all is taken apart (NFKD).
 */
#ifndef POSTRIDER_CODEC_FOLD_H
#define POSTRIDER_CODEC_FOLD_H

#include "base/buf.h"
#include "base/span.h"

/* What a text of n bytes becomes at most: U+FDFA, 3 bytes, becomes 33. */
#define FOLD_GROWTH 11

/* Writes UTF-8 text folded; what is no UTF-8 is written as it is (2, 1b). */
void fold_put(struct buf *out, struct span text);

#endif
