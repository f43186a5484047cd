#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/cli_demo_int.h"

static uint32_t u32_at(struct span s, size_t at)
{
	return (uint32_t)s.p[at] << 24 | (uint32_t)s.p[at + 1] << 16 |
		(uint32_t)s.p[at + 2] << 8 | s.p[at + 3];
}

/* The chunks follow each other to the very end, in the order of RFC 2083. */
static void test_the_picture_is_a_png(void **state)
{
	static const char *const types[] = {"IHDR", "PLTE", "IDAT", "IEND"};
	struct buf out;
	struct span s;
	size_t at = 8;

	(void)state;
	buf_init(&out, 8192);
	demo_picture(&out);
	s = buf_span(&out);
	assert_true(span_starts(s, SPAN("\x89PNG\r\n\x1a\n")));
	for (size_t i = 0; i < 4; i++) {
		assert_true(span_starts(span_tail(s, at + 4),
			span_str(types[i])));
		at += 12 + u32_at(s, at);
	}
	assert_int_equal(at, s.n);
	/* the CRC of an empty IEND is known */
	assert_int_equal(u32_at(s, s.n - 4), 0xae426082);
	buf_clear(&out);
}

static void test_log_fields(void **state)
{
	static const struct {
		const char *line, *key, *value; /* NULL: not there */
	} rows[] = {
		{"t=1 lvl=info ev=queue.sent mid=7", "ev", "queue.sent"},
		{"t=1 lvl=info ev=queue.sent mid=7", "mid", "7"},
		{"t=1 ev=x", "eve", NULL},
		{"a=\"ev=y\" ev=z", "ev", "z"},
		{"line=\"say \\\"hi\\\" \\\\ \\n\\x1b\" dir=C", "line",
			"say \"hi\" \\ \n\x1b"},
		{"line=\"say \\\"hi\\\" \\\\ \\n\\x1b\" dir=C", "dir", "C"},
		{"line=\"open", "line", "open"},
		{"line=\"\" dir=S", "dir", "S"},
		{"", "ev", NULL},
	};
	struct buf out;

	(void)state;
	buf_init(&out, 1024);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool is_found = demo_log_field(span_str(rows[i].line),
			rows[i].key, &out);

		assert_int_equal(is_found, rows[i].value != NULL);
		if (is_found)
			assert_true(span_eq(buf_span(&out),
				span_str(rows[i].value)));
	}
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_picture_is_a_png),
		cmocka_unit_test(test_log_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
