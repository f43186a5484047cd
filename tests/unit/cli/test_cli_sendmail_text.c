#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "cli/cli_sendmail_text.h"

static const struct {
	const char *in;
	size_t in_n;
	bool ignores_dots;
	const char *out;
	bool is_over;
} rows[] = {
#define ROW(in, dots, out, over) {in, sizeof(in) - 1, dots, out, over}
	ROW("", false, "", false),
	ROW("a: b\n\nline\n", false, "a: b\r\n\r\nline\r\n", false),
	ROW("a: b\r\n\r\nline\r\n", false, "a: b\r\n\r\nline\r\n", false),
	ROW("no end", false, "no end\r\n", false),
	/* dots */
	ROW("\nx\n.\ny\n", false, "\r\nx\r\n", true),
	ROW("\nx\r\n.\r\ny\n", false, "\r\nx\r\n", true),
	ROW("\nx\n.\ny\n", true, "\r\nx\r\n.\r\ny\r\n", false),
	ROW(".\nx\n", false, "", true),
	ROW("\nx\n.", false, "\r\nx\r\n", true),
	ROW("\n..\n.a\n. \nx", false, "\r\n..\r\n.a\r\n. \r\nx\r\n", false),
	ROW("\n..\n.a\n. \nx", true, "\r\n..\r\n.a\r\n. \r\nx\r\n", false),
	/* a CR alone, and several before an LF */
	ROW("\n10%\r20%\rdone\n", false, "\r\n10%\r\n20%\r\ndone\r\n", false),
	ROW("\nx\r\r\ny\n", false, "\r\nx\r\ny\r\n", false),
	ROW("\nx\r.\ny\n", false, "\r\nx\r\n.\r\ny\r\n", false),
	ROW("a: b\rTo: c\n\nx", false, "a: b To: c\r\n\r\nx\r\n", false),
	ROW("\nx\r", false, "\r\nx\r\n", false),
	ROW("\n.\rx\n", false, "\r\n.\r\nx\r\n", false),
	/* NUL */
	ROW("a: \0b\n\n\0x\0\n", false, "a: b\r\n\r\nx\r\n", false),
	ROW("\nx\n\0.\0\ny", false, "\r\nx\r\n", true),
#undef ROW
};

/* Fed in two pieces, cut at every place: the result is the same. */
static void test_every_cut(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span in = span_of(rows[i].in, rows[i].in_n);

		for (size_t cut = 0; cut <= in.n; cut++) {
			struct sendmail_text t = {
				.ignores_dots = rows[i].ignores_dots};

			buf_reset(&out);
			sendmail_text_feed(&t, span_head(in, cut), &out);
			sendmail_text_feed(&t, span_tail(in, cut), &out);
			sendmail_text_end(&t, &out);
			buf_putc(&out, '\0');
			assert_string_equal((const char *)out.p, rows[i].out);
			assert_int_equal(t.is_over, rows[i].is_over);
		}
	}
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
