/*
 * nfc.c - Normalization Form C, from the tables of libunistring.
 */
#include "codec/nfc.h"

#include <uninorm.h>

#include "base/num.h"
#include "base/utf8.h"

#include "base/banned.h"

/* What a character grows at most in UTF-8: Unicode, annex 15, 13. */
#define GROWTH_MAX 3

/* Below U+0300 there is nothing to compose. */
static bool is_simple(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] >= 0xcc)
			return false;
	return true;
}

void nfc_put(struct buf *out, struct span text)
{
	struct buf normal;
	size_t n = text.n;
	uint8_t *to;

	if (is_simple(text) || !utf8_is_valid(text) ||
		!num_mul(n, GROWTH_MAX, &n)) {
		buf_put(out, text);
		return;
	}
	buf_init(&normal, n);
	to = buf_reserve(&normal, n);
	if (u8_normalize(UNINORM_NFC, text.p, text.n, to, &n) == to) {
		buf_wrote(&normal, n);
		text = buf_span(&normal);
	}
	buf_put(out, text);
	buf_clear(&normal);
}
