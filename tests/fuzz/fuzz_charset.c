/*
 * fuzz_charset.c - text in any character set: "NAME\n", one byte, the text.
 *
 * The byte is the size of the pieces that the text is fed in.  What comes out
 * is the same as at once, UTF-8 without NUL, and at most four times as long.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/utf8.h"
#include "codec/charset.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static bool decode(struct span charset, struct span text, size_t step,
	struct buf *out)
{
	struct charset_decoder d;

	charset_decode_init(&d, charset);
	while (text.n > 0) {
		charset_decode_feed(&d, span_head(text, step), out);
		text = span_tail(text, step);
	}
	return charset_decode_end(&d, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span text = span_of(p, n);
	struct span charset = span_cut(&text, '\n');
	size_t step;
	struct buf whole, pieces;
	bool is_good;

	if (text.n == 0)
		return 0;
	must(charset_open());
	step = (size_t)text.p[0] + 1;
	text = span_tail(text, 1);
	buf_init(&whole, 4 * text.n + 3);
	buf_init(&pieces, 4 * text.n + 3);
	is_good = charset_put_utf8(&whole, charset, text);
	must(!whole.overflow);
	must(utf8_is_valid(buf_span(&whole)));
	must(span_find(buf_span(&whole), 0) == buf_len(&whole));
	must(decode(charset, text, step, &pieces) == is_good);
	must(span_eq(buf_span(&whole), buf_span(&pieces)));
	must(!is_good || charset_is_known(charset));
	buf_clear(&whole);
	buf_clear(&pieces);
	return 0;
}
