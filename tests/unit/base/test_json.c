#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/json.h"

static void test_values(void **state)
{
	struct buf out;
	struct json j;

	(void)state;
	buf_init(&out, 4096);
	json_init(&j, &out);
	json_open_object(&j);
	json_put_name(&j, SPAN("a"));
	json_open_array(&j);
	json_put_u64(&j, UINT64_MAX);
	json_put_i64(&j, INT64_MIN);
	json_put_i64(&j, 7);
	json_open_array(&j);
	json_close_array(&j);
	json_open_object(&j);
	json_close_object(&j);
	json_close_array(&j);
	json_put_name(&j, SPAN("\"b"));
	json_put_bool(&j, true);
	json_put_name(&j, SPAN("c"));
	json_put_bool(&j, false);
	json_put_name(&j, SPAN(""));
	json_put_null(&j);
	json_put_name(&j, SPAN("s"));
	json_put_string(&j, SPAN(""));
	json_close_object(&j);
	buf_putc(&out, 0);
	assert_string_equal((const char *)out.p,
		"{\"a\":[18446744073709551615,-9223372036854775808,7,[],{}],"
		"\"\\\"b\":true,\"c\":false,\"\":null,\"s\":\"\"}");
	buf_clear(&out);
}

#define BAD "\\ufffd"

static const struct {
	struct span text;
	const char *json;
} rows[] = {
	{SPAN_INIT(""), "\"\""},
	{SPAN_INIT("plain /'<>"), "\"plain /'<>\""},
	{SPAN_INIT("a\"b\\c"), "\"a\\\"b\\\\c\""},
	{SPAN_INIT("\r\n\t\0\x1b\x7f"), "\"\\r\\n\\t\\u0000\\u001b\\u007f\""},
	{SPAN_INIT("\u00e9\u20ac\U0001f354."), "\"\u00e9\u20ac\U0001f354.\""},
	{SPAN_INIT("\xe9t\xe9"), "\"" BAD "t" BAD "\""},
	{SPAN_INIT("\xc3"), "\"" BAD "\""},
	{SPAN_INIT("\xf0\x9f\x8d"), "\"" BAD BAD BAD "\""},
	{SPAN_INIT("\xf0\x9f\x8d\""), "\"" BAD BAD BAD "\\\"\""},
	{SPAN_INIT("\xe2\xc3\xa9"), "\"" BAD "\u00e9\""},
	{SPAN_INIT("\xed\xa0\x80\x80"), "\"" BAD BAD BAD BAD "\""},
	{SPAN_INIT("\xc0\xaf\xf5\xff"), "\"" BAD BAD BAD BAD "\""},
};

/* Whole, and in pieces of every size. */
static void test_strings(void **state)
{
	struct buf out;
	struct json j;

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span text = rows[i].text;

		for (size_t step = 1; step <= text.n + 1; step++) {
			buf_reset(&out);
			json_init(&j, &out);
			json_begin_string(&j);
			for (size_t at = 0; at < text.n; at += step)
				json_feed_string(&j, span_head(
					span_tail(text, at), step));
			json_end_string(&j);
			buf_putc(&out, 0);
			assert_string_equal((const char *)out.p, rows[i].json);
		}
	}
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
