/*
 * hex.c - bytes as hexadecimal digits.  See hex.h.
 */
#include "codec/hex.h"

#include "base/banned.h"

int hex_digit(uint8_t c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void hex_put(struct buf *out, struct span in)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < in.n; i++) {
		buf_putc(out, (uint8_t)digits[in.p[i] >> 4]);
		buf_putc(out, (uint8_t)digits[in.p[i] & 15]);
	}
}

bool hex_get(struct span in, struct buf *out)
{
	if (in.n % 2 != 0)
		return false;
	for (size_t i = 0; i < in.n; i += 2) {
		int high = hex_digit(in.p[i]);
		int low = hex_digit(in.p[i + 1]);

		if (high < 0 || low < 0)
			return false;
		buf_putc(out, (uint8_t)(high << 4 | low));
	}
	return true;
}
