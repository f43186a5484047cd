#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/cli_mail_text.h"

static void test_nothing_steers_the_terminal(void **state)
{
	static const struct {
		const char *in, *lines, *line;
	} rows[] = {
		{"plain", "plain", "plain"},
		{"a\tb\r\nc\nd", "a\tb\nc\nd", "a b c d"},
		{"\x1b[2J", "\\x1b[2J", "\\x1b[2J"},
		{"\x1b]0;title\x07", "\\x1b]0;title\\x07",
			"\\x1b]0;title\\x07"},
		{"over\rwritten", "over\\x0dwritten", "over\\x0dwritten"},
		{"\xc2\x9b" "2J", "\\xc2\\x9b2J", "\\xc2\\x9b2J"},
		{"exe\xe2\x80\xaegpj", "exe\\xe2\\x80\\xaegpj",
			"exe\\xe2\\x80\\xaegpj"},
		{"\xff\xc3", "\\xff\\xc3", "\\xff\\xc3"},
		{"cr\xc3\xaape \xf0\x9f\x8d\x94", "cr\xc3\xaape \xf0\x9f\x8d\x94",
			"cr\xc3\xaape \xf0\x9f\x8d\x94"},
	};
	struct buf out;

	(void)state;
	buf_init(&out, 1024);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&out);
		cli_text_put(&out, span_str(rows[i].in), true);
		assert_true(span_eq(buf_span(&out), span_str(rows[i].lines)));
		buf_reset(&out);
		cli_text_put(&out, span_str(rows[i].in), false);
		assert_true(span_eq(buf_span(&out), span_str(rows[i].line)));
	}
	buf_clear(&out);
}

static void test_file_names(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"ketchup.png", "ketchup.png"},
		{"two words.txt", "two words.txt"},
		{"../../etc/passwd", "passwd"},
		{"/etc/passwd", "passwd"},
		{"C:\\windows\\evil.exe", "evil.exe"},
		{"..", "fallback"},
		{"...", "fallback"},
		{"", "fallback"},
		{"dir/", "fallback"},
		{".bashrc", "bashrc"},
		{"-rf", "rf"},
		{"a\nb\x1b", "a_b_"},
		{"a|b>c", "a_b_c"},
		{"\xff.txt", "_.txt"},
		{"cr\xc3\xaape.jpg", "cr\xc3\xaape.jpg"},
		{"gpj\xe2\x80\xae.exe", "gpj_.exe"},
	};
	struct buf out;

	(void)state;
	buf_init(&out, 1024);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&out);
		cli_text_put_file_name(&out, span_str(rows[i].in),
			SPAN("fallback"));
		assert_true(span_eq(buf_span(&out), span_str(rows[i].out)));
	}
	buf_clear(&out);
}

static void test_long_file_names_are_cut_between_characters(void **state)
{
	struct buf in, out;

	(void)state;
	buf_init(&in, 4096);
	buf_init(&out, 4096);
	buf_putc(&in, 'x');
	for (unsigned i = 0; i < 500; i++)
		buf_puts(&in, "\xc3\xa9");
	cli_text_put_file_name(&out, buf_span(&in), SPAN("f"));
	assert_int_equal(buf_len(&out), CLI_NAME_MAX - 1);
	buf_clear(&in);
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_steers_the_terminal),
		cmocka_unit_test(test_file_names),
		cmocka_unit_test(
			test_long_file_names_are_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
