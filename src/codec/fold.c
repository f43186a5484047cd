/*
 * fold.c - case folding, from the tables of libunistring.
 */
#include "codec/fold.h"

#include <string.h>
#include <unicase.h>
#include <uninorm.h>

#include "base/num.h"
#include "base/utf8.h"

#include "base/banned.h"

/* Each of eight bytes the same. */
#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* ascii_lower of eight bytes.  Bit 7 of a sum says that the byte's other bits are
 * at least 'A', or above 'Z'; no sum carries into the next byte. */
static uint64_t lower_eight(uint64_t word)
{
	uint64_t low = word & EACH(0x7f);
	uint64_t from_a = low + EACH(0x80 - 'A');
	uint64_t above_z = low + EACH(0x7f - 'Z');

	return word | (from_a & ~above_z & ~word & EACH(0x80)) >> 2;
}

static void put_ascii(struct buf *out, struct span text)
{
	uint8_t *to = buf_reserve(out, text.n);
	uint64_t word;
	size_t i = 0;

	if (to == NULL)
		return;
	for (; text.n - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, text.p + i, sizeof(word));
		word = lower_eight(word);
		memcpy(to + i, &word, sizeof(word));
	}
	for (; i < text.n; i++)
		to[i] = ascii_lower(text.p[i]);
	buf_wrote(out, text.n);
}

void fold_put(struct buf *out, struct span text)
{
	struct buf folded;
	size_t n = text.n;
	uint8_t *to;

	if (text.n == 0)
		return;
	if (utf8_is_ascii(text) || !utf8_is_valid(text) ||
		!num_mul(n, FOLD_GROWTH, &n)) {
		put_ascii(out, text);
		return;
	}
	buf_init(&folded, n);
	to = buf_reserve(&folded, n);
	if (u8_casefold(text.p, text.n, NULL, UNINORM_NFC, to, &n) == to) {
		buf_wrote(&folded, n);
		buf_put(out, buf_span(&folded));
	} else {
		put_ascii(out, text);
	}
	buf_clear(&folded);
}
