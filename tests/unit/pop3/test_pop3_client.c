#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pop3/pop3_client.h"

static const struct {
	const char *in;
	bool is_multiline;
	enum step step;
	bool is_ok;
	const char *status, *body;
	const char *rest; /* what is left for the next reply */
} rows[] = {
	{"+OK ready\r\n", false, DONE, true, "+OK ready", "", ""},
	{"-ERR no\r\n+OK\r\n", true, DONE, false, "-ERR no", "", "+OK\r\n"},
	{"+OK\n", false, DONE, true, "+OK", "", ""},
	{"+OK\r\na\r\nb\r\n.\r\n", true, DONE, true, "+OK", "a\r\nb\r\n", ""},
	{"+OK\r\n.\r\n+OK", true, DONE, true, "+OK", "", "+OK"},
	{"+OK\r\n..\r\n...x\r\n.y\r\n.\r\n", true, DONE, true, "+OK",
		".\r\n..x\r\ny\r\n", ""},
	{"+OK\na\n.\n", true, DONE, true, "+OK", "a\n", ""},
	{"+OK\r\n.\rx\r\n.\r\n", true, DONE, true, "+OK", "\rx\r\n", ""},
	{"+OK\r\na", true, MORE, true, "+OK", "a", ""},
	{"220 smtp\r\n", false, BAD, false, "220 smtp", "", ""},
};

static void test_rows_at_every_split(void **state)
{
	struct pop3_client c;

	(void)state;
	pop3_client_init(&c, 1024);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t size = 1; size < 40; size++) {
			struct span in = span_str(rows[i].in);
			enum step step = MORE;
			size_t taken;

			pop3_client_expect(&c, rows[i].is_multiline);
			while (in.n > 0 && step == MORE) {
				step = pop3_client_feed(&c,
					span_head(in, size), &taken);
				in = span_tail(in, taken);
			}
			assert_int_equal(step, rows[i].step);
			assert_int_equal(c.is_ok, rows[i].is_ok);
			assert_true(span_eq(buf_span(&c.status),
				span_str(rows[i].status)));
			assert_true(span_eq(buf_span(&c.body),
				span_str(rows[i].body)));
			assert_true(span_eq(in, span_str(rows[i].rest)));
		}
	}
	pop3_client_clear(&c);
}

static void test_limits(void **state)
{
	struct pop3_client c;
	size_t taken;
	uint8_t many[POP3_STATUS_MAX + 1] = {0};

	(void)state;
	pop3_client_init(&c, 4);
	pop3_client_expect(&c, true);
	assert_int_equal(pop3_client_feed(&c, SPAN("+OK\r\n12345"), &taken),
		BAD);
	pop3_client_expect(&c, true);
	assert_int_equal(pop3_client_feed(&c, span_of(many, sizeof(many)),
		&taken), BAD);
	pop3_client_clear(&c);
}

static void test_text(void **state)
{
	struct pop3_client c;
	size_t taken;

	(void)state;
	pop3_client_init(&c, 4);
	pop3_client_expect(&c, false);
	assert_int_equal(pop3_client_feed(&c,
		SPAN("-ERR [AUTH] no such login\r\n"), &taken), DONE);
	assert_true(span_eq(pop3_client_text(&c),
		SPAN("[AUTH] no such login")));
	pop3_client_clear(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_at_every_split),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
