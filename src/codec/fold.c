/*
 * fold.c - case folding, from the tables of libunistring.
 */
#include "codec/fold.h"

#include <unicase.h>
#include <uninorm.h>

#include "base/num.h"
#include "base/utf8.h"

#include "base/banned.h"

static void put_ascii(struct buf *out, struct span text)
{
	uint8_t *to = buf_reserve(out, text.n);

	if (to == NULL)
		return;
	for (size_t i = 0; i < text.n; i++)
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
