/*
 * num.h - numbers from text, and sums that cannot wrap.
 */
#ifndef POSTRIDER_BASE_NUM_H
#define POSTRIDER_BASE_NUM_H

#include "base/span.h"

/* The whole span must be 1 or more decimal digits with a value up to max.
 * Leading zeros are fine; signs and blanks are not. */
bool num_parse_u64(struct span s, uint64_t max, uint64_t *out);
bool num_parse_u32(struct span s, uint32_t max, uint32_t *out);

/* "90", "15s", "30m", "4h", "5d", "2w" to milliseconds; no unit: seconds. */
bool num_parse_duration_ms(struct span s, int64_t *out);
/* "50M", "64K", "2G", "1000" to bytes (powers of 1024). */
bool num_parse_bytes(struct span s, uint64_t *out);

/* False, and *out untouched, if the result does not fit. */
static inline bool num_add(size_t a, size_t b, size_t *out)
{
	size_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return false;
	*out = sum;
	return true;
}

static inline bool num_mul(size_t a, size_t b, size_t *out)
{
	size_t product;

	if (__builtin_mul_overflow(a, b, &product))
		return false;
	*out = product;
	return true;
}

#endif
