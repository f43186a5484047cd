/*
 * saslprep.c - the steps of RFC 4013 2: map, normalise, prohibit, and look at
 * the direction, with NFKC of libunistring.
 *
 * Deliberate: NFKC of today's Unicode, not of 3.2 (RFC 3454 4).  They differ in
 * characters that are newer than 3.2, and in five that were corrected.
 */
#include "codec/saslprep.h"

#include <string.h>
#include <uninorm.h>
#include <unictype.h>

#include "base/utf8.h"
#include "codec/idn.h"

#include "base/banned.h"

struct range {
	uint32_t first, last;
};

/* RFC 3454 B.1: commonly mapped to nothing; without U+200B, a space to
 * RFC 4013 2.1 */
static const struct range nothing[] = {{0xad, 0xad}, {0x34f, 0x34f},
	{0x1806, 0x1806}, {0x180b, 0x180d}, {0x200c, 0x200d}, {0x2060, 0x2060},
	{0xfe00, 0xfe0f}, {0xfeff, 0xfeff}};

/* RFC 3454 C.1.2: spaces */
static const struct range spaces[] = {{0xa0, 0xa0}, {0x1680, 0x1680},
	{0x2000, 0x200b}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}};

/* RFC 3454 C.2.1 to C.9, in one order; surrogates are no UTF-8, and the last
 * two code points of each plane are looked at by themselves. */
static const struct range prohibited[] = {{0, 0x1f}, {0x7f, 0x9f},
	{0x340, 0x341}, {0x6dd, 0x6dd}, {0x70f, 0x70f}, {0x180e, 0x180e},
	{0x200c, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x2063}, {0x206a, 0x206f},
	{0x2ff0, 0x2ffb}, {0xe000, 0xf8ff}, {0xfdd0, 0xfdef}, {0xfeff, 0xfeff},
	{0xfff9, 0xffff}, {0x1d173, 0x1d17a}, {0xe0001, 0xe0001},
	{0xe0020, 0xe007f}, {0xf0000, 0x10ffff}};

static bool is_in(const struct range *r, size_t n, uint32_t code)
{
	for (size_t i = 0; i < n; i++)
		if (code >= r[i].first && code <= r[i].last)
			return true;
	return false;
}
#define IS_IN(table, code) is_in(table, sizeof(table) / sizeof(table[0]), code)

static bool is_plain(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] < ' ' || text.p[i] > '~')
			return false;
	return true;
}

/* RFC 4013 2.1; n of out is at most text.n */
static size_t map(struct span text, uint8_t *out)
{
	size_t n = 0;

	while (text.n > 0) {
		size_t len = utf8_char_len(text);
		uint32_t code = idn_code_point(text, len);

		if (IS_IN(spaces, code)) {
			out[n++] = ' ';
		} else if (!IS_IN(nothing, code)) {
			memcpy(out + n, text.p, len);
			n += len;
		}
		text = span_tail(text, len);
	}
	return n;
}

/* Letters from right to left stand at both ends and with none from left to
 * right, or there are none of them: RFC 3454 6 */
struct direction {
	bool has_left, has_right, first_right, last_right;
};

static void look(struct direction *d, uint32_t code, bool is_first)
{
	int class = uc_bidi_class(code);

	d->last_right = class == UC_BIDI_R || class == UC_BIDI_AL;
	if (is_first)
		d->first_right = d->last_right;
	d->has_right = d->has_right || d->last_right;
	d->has_left = d->has_left || class == UC_BIDI_L;
}

static bool is_permitted(struct span text)
{
	struct direction d = {0};
	bool is_first = true;

	while (text.n > 0) {
		size_t len = utf8_char_len(text);
		uint32_t code = idn_code_point(text, len);

		if (IS_IN(prohibited, code) || (code & 0xfffe) == 0xfffe)
			return false;
		look(&d, code, is_first);
		is_first = false;
		text = span_tail(text, len);
	}
	return !d.has_right || (!d.has_left && d.first_right && d.last_right);
}

bool saslprep(struct span text, uint8_t out[SASLPREP_ROOM], size_t *out_n)
{
	uint8_t mapped[SASLPREP_BYTES_MAX];
	size_t n = SASLPREP_ROOM;
	const uint8_t *form;

	if (text.n == 0 || text.n > SASLPREP_BYTES_MAX || !utf8_is_valid(text))
		return false;
	if (is_plain(text)) {
		memcpy(out, text.p, text.n);
		*out_n = text.n;
		return true;
	}
	form = u8_normalize(UNINORM_NFKC, mapped, map(text, mapped), out, &n);
	explicit_bzero(mapped, sizeof(mapped));
	if (form != out)
		return false;
	*out_n = n;
	return n > 0 && is_permitted(span_of(out, n));
}
