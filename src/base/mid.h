/*
 * mid.h - how the number of a message in the queue (qid) is written.
 *
 * Crockford's base 32, capital letters, without leading zeros: "1", "9KD",
 * at most 13 characters.  Reading forgives lower case, O for 0, I and L for 1.
 */
#ifndef POSTRIDER_BASE_MID_H
#define POSTRIDER_BASE_MID_H

#include "base/span.h"

#define MID_MAX 13

struct mid {
	uint8_t text[MID_MAX];
	uint8_t len;
};

struct mid mid_of(uint64_t qid);
static inline struct span mid_span(const struct mid *m)
{
	return span_of(m->text, m->len);
}
bool mid_parse(struct span text, uint64_t *out_qid);

#endif
