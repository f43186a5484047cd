/*
 * test_fold.c - letters of either case become the same bytes.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "codec/fold.h"

static const struct row {
	const char *text;
	const char *folded;
} rows[] = {
	{"", ""},
	{"Hello World 09_", "hello world 09_"},
	{"GRÜSSE", "grüsse"},
	{"Grüße", "grüsse"},
	{"ΑΓΑΠΗΣ", "αγαπησ"},
	{"ДОМ", "дом"},
	{"\xef\xac\x81n", "fin"},           /* a ligature */
	{"u\xcc\x88", "ü"},                 /* composed */
	{"A\xff\xfe" "B", "a\xff\xfe" "b"}, /* no UTF-8: as it is */
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
	/* U+0390 becomes three characters */
	struct span text = SPAN("\xce\x90\xce\x90\xce\x90\xce\x90");
	struct buf out;

	(void)state;
	buf_init(&out, text.n * FOLD_GROWTH);
	fold_put(&out, text);
	assert_false(out.overflow);
	assert_true(buf_len(&out) > 0);
	buf_clear(&out);
}

/* Every byte at every place: runs of bytes are folded at once. */
static void every_byte_everywhere(void **state)
{
	(void)state;
	for (unsigned byte = 0; byte < 256; byte++) {
		for (size_t at = 0; at < 19; at++) {
			uint8_t text[20] = "AZaz@[`{AZaz@[`{AZa";
			uint8_t want[20] = "azaz@[`{azaz@[`{aza";
			struct buf out;

			text[at] = (uint8_t)byte;
			want[at] = ascii_lower((uint8_t)byte);
			buf_init(&out, 4096);
			fold_put(&out, span_of(text, 19));
			assert_int_equal(buf_len(&out), 19);
			assert_memory_equal(buf_span(&out).p, want, 19);
			buf_clear(&out);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row),
		cmocka_unit_test(every_byte_everywhere),
		cmocka_unit_test(no_more_than_it_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
