/*
 * test_smtp_reply.c - every row of the table of replies is a proper reply.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "smtp/smtp_reply.h"

static void rows_are_replies(void **state)
{
	(void)state;
	for (int i = 1; i < SMTP_REPLY_COUNT; i++) {
		const struct smtp_reply_row *row =
			smtp_reply_row((enum smtp_reply)i);
		struct span enhanced = span_str(row->enhanced);
		struct buf out;
		struct span line;

		buf_init(&out, 1024);
		smtp_reply_put(&out, (enum smtp_reply)i, SPAN("argument"));
		line = buf_span(&out);
		assert_true(row->code >= 200 && row->code < 600);
		/* RFC 5321 4.5.3.1.5 */
		assert_true(line.n <= 512 && line.p[3] == ' ');
		assert_true(span_ends(line, SPAN("\r\n")));
		assert_int_equal(span_find(line, '\n'), line.n - 1);
		assert_int_equal(span_find(line, '$'), line.n);
		/* RFC 2034 4: the class of both codes is one */
		if (enhanced.n > 0)
			assert_int_equal(enhanced.p[0] - '0', row->code / 100);
		else
			assert_true(row->code < 400);
		/* the log says why something was refused */
		assert_true((row->code >= 400) == (row->why[0] != '\0'));
		buf_clear(&out);
	}
}

static void argument_has_its_place(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 1024);
	smtp_reply_put(&out, SMTP_REPLY_GREETING, SPAN("mx.test"));
	smtp_reply_put(&out, SMTP_REPLY_TOO_BIG, SPAN("large"));
	smtp_reply_put(&out, SMTP_REPLY_OK, SPAN("unused"));
	assert_true(span_eq(buf_span(&out),
		SPAN("220 mx.test ESMTP Postrider\r\n"
		     "552 5.3.4 The message is large\r\n"
		     "250 2.0.0 Ok\r\n")));
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_replies),
		cmocka_unit_test(argument_has_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
