/*
 * test_cli_out.c - tables and JSON, to the byte.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "cli/cli_out.h"

/* Writes a head and two rows; what came out stands in *got. */
static bool write_rows(bool is_json, const struct span rows[][2], size_t count,
	char got[512])
{
	struct cli_out o;
	struct admin_out out;
	int fds[2];
	ssize_t n;
	bool is_ok;

	assert_int_equal(pipe(fds), 0);
	cli_out_init(&o, fds[1], is_json);
	out = cli_out_admin(&o);
	for (size_t i = 0; i < count; i++)
		out.row(out.arg, rows[i], 2);
	is_ok = cli_out_end(&o);
	close(fds[1]);
	memset(got, 0, 512);
	n = read(fds[0], got, 511);
	assert_true(n >= 0);
	close(fds[0]);
	return is_ok;
}

static const struct span people[][2] = {
	{SPAN_INIT("who"), SPAN_INIT("last_seen")},
	{SPAN_INIT("J\xc3\xbcrgen"), SPAN_INIT("today")},
	{SPAN_INIT("b"), SPAN_INIT("")},
	{SPAN_INIT("x\x1b[2J\n"), SPAN_INIT("\"\\\xff")},
};

static void test_a_table_is_aligned_and_clean(void **state)
{
	char got[512];

	(void)state;
	assert_true(write_rows(false, people, 4, got));
	assert_string_equal(got,
		"WHO     LAST SEEN\n"
		"J\xc3\xbcrgen  today\n"
		"b       -\n"
		"x?[2J?  \"\\?\n");
}

static void test_json_is_an_object_a_line(void **state)
{
	char got[512];

	(void)state;
	assert_true(write_rows(true, people, 4, got));
	assert_string_equal(got,
		"{\"who\":\"J\xc3\xbcrgen\",\"last_seen\":\"today\"}\n"
		"{\"who\":\"b\",\"last_seen\":\"\"}\n"
		"{\"who\":\"x\\u001b[2J\\n\",\"last_seen\":"
		"\"\\\"\\\\\\ufffd\"}\n");
}

static void test_a_head_alone_is_nothing(void **state)
{
	char got[512];

	(void)state;
	assert_true(write_rows(false, people, 1, got));
	assert_string_equal(got, "");
	assert_true(write_rows(true, people, 1, got));
	assert_string_equal(got, "");
}

static void test_a_full_disk_is_noticed(void **state)
{
	struct cli_out o;
	struct admin_out out;

	(void)state;
	cli_out_init(&o, -1, true);
	out = cli_out_admin(&o);
	out.row(out.arg, people[0], 2);
	out.row(out.arg, people[1], 2);
	assert_false(cli_out_end(&o));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_table_is_aligned_and_clean),
		cmocka_unit_test(test_json_is_an_object_a_line),
		cmocka_unit_test(test_a_head_alone_is_nothing),
		cmocka_unit_test(test_a_full_disk_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
