/*
 * nfc.h - text in Unicode's Normalization Form C.  RFC 8621 4.1.2.2
 */
#ifndef POSTRIDER_CODEC_NFC_H
#define POSTRIDER_CODEC_NFC_H

#include "base/buf.h"
#include "base/span.h"

/* Writes UTF-8 text so that the same letters are the same bytes; what is no
 * UTF-8 is written as it is. */
void nfc_put(struct buf *out, struct span text);

#endif
