#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/hex.h"

static void test_round_trip(void **state)
{
	struct buf text, bytes;

	(void)state;
	buf_init(&text, 1024);
	buf_init(&bytes, 1024);
	for (unsigned i = 0; i < 256; i++)
		buf_putc(&bytes, (uint8_t)i);
	hex_put(&text, buf_span(&bytes));
	assert_int_equal(buf_len(&text), 512);
	assert_true(span_starts(buf_span(&text), SPAN("000102030405060708090a")));
	buf_reset(&bytes);
	assert_true(hex_get(buf_span(&text), &bytes));
	for (unsigned i = 0; i < 256; i++)
		assert_int_equal(buf_span(&bytes).p[i], i);
	buf_clear(&text);
	buf_clear(&bytes);
}

static void test_get_is_strict(void **state)
{
	static const char *const bad[] = {"0", "0g", "g0", " 00", "0x00"};
	struct buf out;

	(void)state;
	buf_init(&out, 64);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(hex_get(span_str(bad[i]), &out));
	buf_reset(&out);
	assert_true(hex_get(SPAN("DeAdBeEf"), &out));
	assert_true(span_eq(buf_span(&out), SPAN("\xde\xad\xbe\xef")));
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_get_is_strict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
