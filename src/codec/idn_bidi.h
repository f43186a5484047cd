/*
 * idn_bidi.h - can a domain with letters that run from right to left be read
 * in one way only?  RFC 5893.
 */
#ifndef POSTRIDER_CODEC_IDN_BIDI_H
#define POSTRIDER_CODEC_IDN_BIDI_H

#include "base/span.h"

/* Does a domain of U-labels, in UTF-8 with full stops, keep the rule of RFC
 * 5893 2?  One without such letters does. */
bool idn_bidi_is_kept(struct span domain);

#endif
