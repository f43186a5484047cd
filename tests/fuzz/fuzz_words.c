/*
 * fuzz_words.c - header fields, and the text in them, both ways.
 *
 * What is read is clean: UTF-8, no control character, at most four bytes for
 * one.  Clean text that is written comes back as it was, on short lines.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/utf8.h"
#include "codec/charset.h"
#include "message/header.h"
#include "message/words.h"

#define SLACK 16

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check_clean(struct span text)
{
	must(utf8_is_valid(text));
	for (size_t i = 0; i < text.n; i++) {
		must(text.p[i] >= ' ' && text.p[i] != 0x7f);
		must(text.p[i] != 0xc2 || text.p[i + 1] >= 0xa0);
	}
}

static void check_lines(struct span text)
{
	while (text.n > 0) {
		struct span line = span_cut(&text, '\n');

		must(line.n <= WORDS_LINE + 1); /* its CR */
		must(text.n == 0 || span_trim(text).n > 0);
	}
}

static void check_round_trip(struct span text)
{
	struct buf coded, back;
	size_t column = 0;

	/* at the start of a text it is none of it */
	if (span_starts(span_trim(text), SPAN("\xef\xbb\xbf")))
		return;

	buf_init(&coded, 30 * text.n + 64);
	buf_init(&back, 120 * text.n + 256);
	words_put_text(&coded, text, &column);
	must(!coded.overflow);
	check_lines(buf_span(&coded));
	words_put_decoded(&back, buf_span(&coded));
	must(span_eq(span_trim(buf_span(&back)), span_trim(text)));
	buf_reset(&coded);
	column = 1;
	words_put_phrase(&coded, text, &column);
	must(!coded.overflow);
	check_lines(buf_span(&coded));
	buf_clear(&coded);
	buf_clear(&back);
}

static void check_value(struct span value)
{
	struct buf out;

	buf_init(&out, 4 * value.n + SLACK);
	words_put_decoded(&out, value);
	must(!out.overflow);
	check_clean(buf_span(&out));
	buf_reset(&out);
	words_put_clean(&out, SPAN_EMPTY, value);
	must(!out.overflow);
	check_clean(buf_span(&out));
	check_round_trip(buf_span(&out));
	buf_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span in = span_of(p, n);
	struct span rest = span_head(in, header_len(in));
	struct header_field field;

	must(charset_open());
	check_value(in);
	while (header_next(&rest, &field)) {
		must(field.name.n > 0);
		check_value(field.value);
	}
	return 0;
}
