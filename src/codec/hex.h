/*
 * hex.h - bytes as hexadecimal digits.  RFC 4648 8
 */
#ifndef POSTRIDER_CODEC_HEX_H
#define POSTRIDER_CODEC_HEX_H

#include "base/buf.h"
#include "base/span.h"

/* The value of one digit of either case, or -1. */
int hex_digit(uint8_t c);

/* Lower case, two digits a byte. */
void hex_put(struct buf *out, struct span in);
/* False, with part of it written, unless the span is pairs of digits. */
bool hex_get(struct span in, struct buf *out);

#endif
