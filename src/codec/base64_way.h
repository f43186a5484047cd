/*
 * base64_way.h - the inner loops of base64: whole groups of 3 bytes and 4
 * letters, in more than one way.
 *
 * A way that needs instructions not every processor has is chosen while the
 * program runs.  All ways give the same result; the plain one is always there.
 */
#ifndef POSTRIDER_CODEC_BASE64_WAY_H
#define POSTRIDER_CODEC_BASE64_WAY_H

#include "base/span.h"

/* A way may write this much behind what it decoded. */
#define BASE64_WAY_SLACK 32

struct base64_way {
	const char *name;
	bool (*is_there)(void); /* can this processor go it? */
	/* groups * 3 bytes to groups * 4 letters */
	void (*encode)(const uint8_t *in, size_t groups, uint8_t *out);
	/* Decodes whole groups of letters, until one holds another byte or
	 * less than 4 bytes are left, and tells how many.  The room behind out
	 * is in.n / 4 * 3 + BASE64_WAY_SLACK. */
	size_t (*decode)(struct span in, uint8_t *out);
};

/* From the plainest to the fastest. */
extern const struct base64_way base64_ways[];
extern const size_t base64_way_count;

/* The fastest one that is there. */
const struct base64_way *base64_way_best(void);

/* What a byte is: below 64 the value of a letter, else one of these. */
#define BASE64_OTHER 0x80
#define BASE64_WHITE 0x81
#define BASE64_PAD   0x82
extern const uint8_t base64_values[256];

#endif
