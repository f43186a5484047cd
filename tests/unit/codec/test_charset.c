#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/utf8.h"
#include "codec/charset.h"

static void test_known_sets(void **state)
{
	static const struct {
		const char *charset, *in, *out;
	} rows[] = {
		{"UTF-8", "\xc3\xa9", "\xc3\xa9"},
		{"us-ascii", "plain", "plain"},
		{"ISO-8859-1", "caf\xe9 \xa4", "caf\xc3\xa9 \xc2\xa4"},
		{"iso-8859-15", "\xa4", "\xe2\x82\xac"},
		{"windows-1252", "\x93x\x94 \x80",
			"\xe2\x80\x9cx\xe2\x80\x9d \xe2\x82\xac"},
	};
	struct buf out;

	(void)state;
	buf_init(&out, 64);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&out);
		assert_true(charset_put_utf8(&out, span_str(rows[i].charset),
			span_str(rows[i].in)));
		assert_true(span_eq(buf_span(&out), span_str(rows[i].out)));
	}
	assert_false(charset_put_utf8(&out, SPAN("koi8-r"), SPAN("x")));
	assert_false(charset_is_known(SPAN("")));
	buf_clear(&out);
}

static void test_characters_of_every_length(void **state)
{
	static const uint32_t codes[] = {0x41, 0xe9, 0x20ac, 0x1f354};
	struct buf out;

	(void)state;
	buf_init(&out, 64);
	for (size_t i = 0; i < 4; i++)
		charset_put_char(&out, codes[i]);
	assert_true(utf8_is_valid(buf_span(&out)));
	assert_true(span_eq(buf_span(&out),
		SPAN("A\xc3\xa9\xe2\x82\xac\xf0\x9f\x8d\x94")));
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_sets),
		cmocka_unit_test(test_characters_of_every_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
