/*
 * test_fold.c - letters of either case become the same bytes.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "codec/fold.h"

static const struct row {
	const char *text;
	const char *folded;
} rows[] = {
	{"", ""},
	{"Hello World 09_[z]", "HELLO WORLD 09_[Z]"},
	{"GRÜSSE", "GRU\xcc\x88SSE"},
	{"Gr\xc3\xbc" "\xc3\x9f" "e", "GRU\xcc\x88" "ßE"}, /* no SS */
	{"\xe1\xba\x9e", "ẞ"},                 /* the capital one: neither */
	{"\xc5\xbf", "S"},                     /* long s */
	{"ΑΓΑΠΗς", "ΑΓΑΠΗΣ"}, {"αγαπησ", "ΑΓΑΠΗΣ"},
	{"ά", "Α\xcc\x81"},
	{"дом", "ДОМ"}, {"й", "И\xcc\x86"},
	{"\xc4\xb1i", "II"},                   /* without its dot, and with it */
	{"\xc4\xb0", "I\xcc\x87"},
	{"\xc7\x84", "Dz\xcc\x8c"},           /* RFC 5051 2, its example */
	{"\xef\xac\x81n", "fiN"}, /* a ligature: taken apart after titlecase */
	{"u\xcc\x88", "U\xcc\x88"}, {"\xc3\xbc", "U\xcc\x88"},
	{"a\xcc\x81\xcc\xa3", "A\xcc\xa3\xcc\x81"}, /* marks in order */
	{"\xe1\xba\xa1\xcc\x81", "A\xcc\xa3\xcc\x81"},
	{"\xc2\xbd\xef\xbc\xa1", "1\xe2\x81\x84" "2A"}, /* half; wide A */
	{"\xea\xb0\x81", "\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8"}, /* Hangul */
	{"\xf0\x90\x90\xa8", "\xf0\x90\x90\x80"}, /* Deseret, 4 bytes */
	{"A\xff\xfe" "b", "A\xff\xfe" "b"},   /* no UTF-8: as it is */
	{"日本", "日本"},
};

static void every_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf out;

		buf_init(&out, 4096);
		fold_put(&out, span_str(rows[i].text));
		if (!span_eq(buf_span(&out), span_str(rows[i].folded)))
			fail_msg("\"%s\" became \"%.*s\"", rows[i].text,
				SPAN_ARG(buf_span(&out)));
		buf_clear(&out);
	}
}

static void no_more_than_it_says(void **state)
{
	/* U+FDFA becomes eighteen characters */
	struct span text = SPAN("\xef\xb7\xba\xef\xb7\xba");
	struct buf out;

	(void)state;
	buf_init(&out, text.n * FOLD_GROWTH);
	fold_put(&out, text);
	assert_false(out.overflow);
	assert_int_equal(buf_len(&out), text.n * FOLD_GROWTH);
	buf_clear(&out);
}

/* Every byte at every place: runs of bytes are folded at once. */
static void every_byte_everywhere(void **state)
{
	(void)state;
	for (unsigned byte = 0; byte < 128; byte++) {
		for (size_t at = 0; at < 19; at++) {
			uint8_t text[20] = "AZaz@[`{AZaz@[`{AZa";
			uint8_t want[20] = "AZAZ@[`{AZAZ@[`{AZA";
			struct buf out;

			text[at] = (uint8_t)byte;
			want[at] = (uint8_t)byte;
			if (byte >= 'a' && byte <= 'z')
				want[at] = (uint8_t)(byte - 32);
			buf_init(&out, 4096);
			fold_put(&out, span_of(text, 19));
			assert_int_equal(buf_len(&out), 19);
			assert_memory_equal(buf_span(&out).p, want, 19);
			buf_clear(&out);
		}
	}
}

/* No character becomes nothing, or more than FOLD_GROWTH times its bytes. */
static void every_character(void **state)
{
	(void)state;
	for (uint32_t c = 0x80; c <= 0x10ffff; c++) {
		uint8_t text[4];
		size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
		uint32_t left = c;
		struct buf out;

		if (c >= 0xd800 && c <= 0xdfff)
			continue;
		for (size_t i = n - 1; i > 0; i--, left >>= 6)
			text[i] = (uint8_t)(0x80 | (left & 0x3f));
		text[0] = (uint8_t)(0xf00u >> n | left);
		buf_init(&out, n * FOLD_GROWTH);
		fold_put(&out, span_of(text, n));
		assert_false(out.overflow);
		assert_true(utf8_is_valid(buf_span(&out)));
		assert_true(buf_len(&out) > 0);
		buf_clear(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row),
		cmocka_unit_test(every_byte_everywhere),
		cmocka_unit_test(every_character),
		cmocka_unit_test(no_more_than_it_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
