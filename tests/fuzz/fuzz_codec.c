/*
 * fuzz_codec.c - base64, quoted-printable and hex, each way that they go.
 *
 * For any bytes: the result is the same for every split and every way, what
 * was encoded decodes to what it was, and the encoders keep their lines.  The
 * first byte tells the splits.
 */
#include <stddef.h>
#include <stdint.h>

#include "codec/hex.h"
#include "codec/transfer.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void go(struct transfer_decoder *d, const struct base64_way *way)
{
	if (d->coding == TRANSFER_BASE64)
		d->u.base64.way = way;
}

static bool decode(enum transfer_coding coding, const struct base64_way *way,
	struct span in, size_t step, struct buf *out)
{
	struct transfer_decoder d;

	transfer_decode_init(&d, coding);
	go(&d, way);
	for (; in.n > 0; in = span_tail(in, step))
		transfer_decode_feed(&d, span_head(in, step), out);
	return transfer_decode_end(&d, out);
}

static void encode(enum transfer_coding coding, const struct base64_way *way,
	struct span in, size_t step, struct buf *out)
{
	struct transfer_encoder e;

	transfer_encode_init(&e, coding);
	if (coding == TRANSFER_BASE64)
		e.u.base64.way = way;
	for (; in.n > 0; in = span_tail(in, step))
		transfer_encode_feed(&e, span_head(in, step), out);
	transfer_encode_end(&e, out);
}

static void check_lines(struct span text)
{
	while (text.n > 0) {
		struct span line = span_cut(&text, '\n');

		must(line.n <= BASE64_MAIL_LINE + 1);
		must(!span_ends(line, SPAN(" \r")));
	}
}

/* One byte at a time by the plain way, against pieces by this way. */
static void check_decoding(enum transfer_coding coding,
	const struct base64_way *way, struct span in, size_t step)
{
	struct buf slow, fast, cut;

	buf_init(&slow, in.n);
	buf_init(&fast, in.n);
	buf_init(&cut, in.n / 2);
	must(decode(coding, base64_ways, in, 1, &slow) ==
		decode(coding, way, in, step, &fast));
	must(!slow.overflow && !fast.overflow);
	must(span_eq(buf_span(&slow), buf_span(&fast)));
	if (coding != TRANSFER_NONE) {
		(void)decode(coding, way, in, step, &cut);
		must(span_starts(buf_span(&slow), buf_span(&cut)));
		must(cut.overflow == (buf_len(&slow) > in.n / 2));
	}
	buf_clear(&slow);
	buf_clear(&fast);
	buf_clear(&cut);
}

static void check_encoding(enum transfer_coding coding,
	const struct base64_way *way, struct span in, size_t step)
{
	struct buf slow, fast, back;

	buf_init(&slow, in.n * 4 + 16);
	buf_init(&fast, in.n * 4 + 16);
	buf_init(&back, in.n);
	encode(coding, base64_ways, in, 1, &slow);
	encode(coding, way, in, step, &fast);
	must(!slow.overflow && span_eq(buf_span(&slow), buf_span(&fast)));
	if (coding != TRANSFER_NONE)
		check_lines(buf_span(&fast));
	must(decode(coding, way, buf_span(&fast), step + 1, &back));
	must(span_eq(buf_span(&back), in));
	buf_clear(&slow);
	buf_clear(&fast);
	buf_clear(&back);
}

static void check_hex(struct span in)
{
	struct buf coded, back;

	buf_init(&coded, in.n * 2);
	buf_init(&back, in.n);
	hex_put(&coded, in);
	must(!coded.overflow && hex_get(buf_span(&coded), &back));
	must(span_eq(buf_span(&back), in));
	(void)hex_get(in, &back);
	buf_clear(&coded);
	buf_clear(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span in = span_of(p, n);
	size_t step;

	if (n == 0)
		return 0;
	step = in.p[0] < 128 ? in.p[0] + 1u : in.n;
	in = span_tail(in, 1);
	for (size_t i = 0; i < base64_way_count; i++) {
		if (!base64_ways[i].is_there())
			continue;
		for (int c = TRANSFER_NONE; c <= TRANSFER_BASE64; c++) {
			check_decoding((enum transfer_coding)c, &base64_ways[i],
				in, step);
			check_encoding((enum transfer_coding)c, &base64_ways[i],
				in, step);
		}
	}
	check_hex(in);
	return 0;
}
