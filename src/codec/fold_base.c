/*
 * fold_base.c - characters without marks, from the tables of libunistring.
 */
#include "codec/fold_base.h"

#include <unictype.h>
#include <uninorm.h>

#include "base/utf8.h"

#include "base/banned.h"

/* Bytes that are no UTF-8 are counted from here. */
#define NO_CHARACTER 0x110000u

/* Hangul syllables stay whole: their parts are letters, not marks. */
#define HANGUL_FIRST 0xac00u
#define HANGUL_LAST  0xd7a3u

static uint32_t decode(struct span c)
{
	uint32_t code;

	switch (c.n) {
	case 1:
		return c.p[0];
	case 2:
		code = c.p[0] & 0x1fu;
		break;
	case 3:
		code = c.p[0] & 0x0fu;
		break;
	default:
		code = c.p[0] & 0x07u;
		break;
	}
	for (size_t i = 1; i < c.n; i++)
		code = code << 6 | (c.p[i] & 0x3fu);
	return code;
}

static bool is_mark(uint32_t c)
{
	return uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Mn);
}

static uint32_t base_of(uint32_t c)
{
	ucs4_t parts[UC_DECOMPOSITION_MAX_LENGTH];

	if (c >= HANGUL_FIRST && c <= HANGUL_LAST)
		return c;
	/* the first part may come apart again, some three times */
	while (uc_canonical_decomposition(c, parts) > 0)
		c = parts[0];
	return is_mark(c) ? FOLD_NONE : c;
}

uint32_t fold_base_next(struct span *text)
{
	struct span c = span_head(*text, utf8_char_len(*text));

	if (c.n == 0) {
		uint32_t byte = text->p[0];

		*text = span_tail(*text, 1);
		return NO_CHARACTER + byte;
	}
	*text = span_tail(*text, c.n);
	return c.n == 1 ? c.p[0] : base_of(decode(c));
}
