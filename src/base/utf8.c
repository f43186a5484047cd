/*
 * utf8.c - is this UTF-8?  See utf8.h.
 */
#include "base/utf8.h"

static bool is_continuation(uint8_t c)
{
	return (c & 0xc0) == 0x80;
}

size_t utf8_char_len(struct span s)
{
	/* RFC 3629 4: by first byte, the range of the second */
	static const struct {
		uint8_t first_low, first_high, second_low, second_high, len;
	} rows[] = {
		{0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3},
		{0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4},
		{0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	if (s.n == 0)
		return 0;
	if (s.p[0] < 0x80)
		return 1;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (s.p[0] < rows[i].first_low || s.p[0] > rows[i].first_high)
			continue;
		if (s.n < rows[i].len || s.p[1] < rows[i].second_low ||
			s.p[1] > rows[i].second_high)
			return 0;
		for (size_t k = 2; k < rows[i].len; k++)
			if (!is_continuation(s.p[k]))
				return 0;
		return rows[i].len;
	}
	return 0;
}

bool utf8_is_valid(struct span s)
{
	while (s.n > 0) {
		size_t n = utf8_char_len(s);

		if (n == 0)
			return false;
		s = span_tail(s, n);
	}
	return true;
}

bool utf8_is_ascii(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= 0x80)
			return false;
	return true;
}
