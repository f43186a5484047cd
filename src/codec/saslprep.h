/*
 * saslprep.h - the one form of a name or password that is said in SASL.
 * RFC 4013, with the tables of RFC 3454
 */
#ifndef POSTRIDER_CODEC_SASLPREP_H
#define POSTRIDER_CODEC_SASLPREP_H

#include "base/span.h"

/* Longer text has no form. */
#define SASLPREP_BYTES_MAX 1024
/* What it becomes at most: NFKC makes 11 bytes of one in the worst case
 * (Unicode, annex 15, 13; U+FDFA). */
#define SASLPREP_ROOM ((size_t)SASLPREP_BYTES_MAX * 11)

/* False: not UTF-8, too long, nothing is left of it, or a character or a mixture
 * of directions that RFC 4013 2.3 and 2.4 forbid.  Code points without a meaning
 * in Unicode 3.2 are permitted, as in a query (RFC 4013 2.5). */
bool saslprep(struct span text, uint8_t out[SASLPREP_ROOM], size_t *out_n);

#endif
