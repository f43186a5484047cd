#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "message/qualify.h"

static void check_put(const char *in, size_t max, const char *wanted)
{
	struct buf out;
	size_t added;

	buf_init(&out, 4096);
	added = qualify_put(&out, span_str(in), SPAN("h.test"), max);
	buf_putc(&out, '\0');
	assert_string_equal((const char *)out.p, wanted);
	assert_int_equal(added, strlen(wanted) - strlen(in));
	buf_clear(&out);
}

static void test_names_get_a_domain(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"root", "root@h.test"},
		{"root (Cron Daemon)", "root@h.test (Cron Daemon)"},
		{"CronDaemon <bob>", "CronDaemon <bob@h.test>"},
		{"bob, ann@x.org,\r\n root", "bob@h.test, ann@x.org,\r\n root@h.test"},
		{"team: bob, ann;", "team: bob@h.test, ann@h.test;"},
		{" www-data ", " www-data@h.test "},
		{"a.b+c", "a.b+c@h.test"},
		/* bob is a word of two meanings */
		{"bob <bob>", "bob <bob@h.test>"},
		/* what is none stays as it is */
		{"", ""}, {"ann@x.org", "ann@x.org"},
		{"undisclosed-recipients:;", "undisclosed-recipients:;"},
		{"=?utf-8?q?B=C3=B6b?=", "=?utf-8?q?B=C3=B6b?="},
		{"\"a b\"", "\"a b\""}, {"a b", "a b"}, {"<>", "<>"},
		{"ann@", "ann@"}, {"<@x:bob@y>", "<@x:bob@y>"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_put(rows[i].in, 100, rows[i].out);
}

static void test_no_more_than_there_is_room_for(void **state)
{
	(void)state;
	check_put("a, b, c", 14, "a@h.test, b@h.test, c");
	check_put("a, b, c", 13, "a@h.test, b, c");
	check_put("a", 0, "a");
}

static void test_fields(void **state)
{
	(void)state;
	assert_true(qualify_is_for(SPAN("tO")));
	assert_true(qualify_is_for(SPAN("Resent-Cc")));
	assert_false(qualify_is_for(SPAN("Subject")));
	assert_false(qualify_is_for(SPAN("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_get_a_domain),
		cmocka_unit_test(test_no_more_than_there_is_room_for),
		cmocka_unit_test(test_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
