/*
 * mid.c - how the number of a queued message is written.  See mid.h.
 */
#include "base/mid.h"

static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

struct mid mid_of(uint64_t qid)
{
	uint8_t reversed[MID_MAX];
	struct mid m = {.len = 0};

	do {
		reversed[m.len++] = (uint8_t)digits[qid & 31];
		qid >>= 5;
	} while (qid > 0);
	for (uint8_t i = 0; i < m.len; i++)
		m.text[i] = reversed[m.len - 1 - i];
	return m;
}

static int digit_value(uint8_t c)
{
	c = ascii_lower(c);
	if (c == 'o')
		return 0;
	if (c == 'i' || c == 'l')
		return 1;
	for (int i = 0; digits[i] != '\0'; i++)
		if (ascii_lower((uint8_t)digits[i]) == c)
			return i;
	return -1;
}

bool mid_parse(struct span text, uint64_t *out_qid)
{
	uint64_t value = 0;

	if (text.n == 0 || text.n > MID_MAX)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		int digit = digit_value(text.p[i]);

		if (digit < 0 || value > UINT64_MAX >> 5)
			return false;
		value = value << 5 | (uint64_t)digit;
	}
	*out_qid = value;
	return true;
}
