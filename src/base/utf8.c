/*
 * utf8.c - is this UTF-8?  See utf8.h.
 */
#include "base/utf8.h"

#include <string.h>

static bool is_continuation(uint8_t c)
{
	return (c & 0xc0) == 0x80;
}

/* RFC 3629 4: by first byte, the range of the second */
struct row {
	uint8_t first_low, first_high, second_low, second_high, len;
};

static const struct row *find_row(uint8_t first)
{
	static const struct row rows[] = {
		{0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3},
		{0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4},
		{0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (first >= rows[i].first_low && first <= rows[i].first_high)
			return &rows[i];
	return NULL;
}

/* How many bytes at the start fit the row; at most its length. */
static size_t matching_len(struct span s, const struct row *row)
{
	size_t n = 2;

	if (s.n < 2 || s.p[1] < row->second_low || s.p[1] > row->second_high)
		return 1;
	while (n < row->len && n < s.n && is_continuation(s.p[n]))
		n++;
	return n;
}

size_t utf8_char_len(struct span s)
{
	const struct row *row;

	if (s.n == 0)
		return 0;
	if (s.p[0] < 0x80)
		return 1;
	row = find_row(s.p[0]);
	return row != NULL && matching_len(s, row) == row->len ? row->len : 0;
}

size_t utf8_error_len(struct span s, bool *out_is_open)
{
	const struct row *row = find_row(s.p[0]);
	size_t n = row == NULL ? 1 : matching_len(s, row);

	*out_is_open = row != NULL && n == s.n;
	return n;
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
	uint64_t seen = 0, word;
	size_t i = 0;

	/* eight bytes a step: bodies of messages come here */
	for (; s.n - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, s.p + i, sizeof(word));
		seen |= word;
	}
	for (; i < s.n; i++)
		seen |= s.p[i];
	return (seen & UINT64_C(0x8080808080808080)) == 0;
}
