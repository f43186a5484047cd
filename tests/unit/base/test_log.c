#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "skip_clock.h"

static int pipe_fds[2];
static char text[1 << 17];

/* What was logged since the last call, with the time cut off each line. */
static const char *logged(void)
{
	ssize_t n;
	size_t len = 0, out = 0;

	log_flush();
	while ((n = read(pipe_fds[0], text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	for (size_t i = 0; i < len;) {
		char *end = memchr(text + i, '\n', len - i);
		size_t line;

		assert_non_null(end);
		line = (size_t)(end - text) - i + 1;
		assert_memory_equal(text + i, "t=", 2);
		assert_int_equal(text[i + 2 + 23], 'Z');
		memmove(text + out, text + i + 27, line - 27);
		out += line - 27;
		i += line;
	}
	text[out] = '\0';
	return text;
}

static int begin(void **state)
{
	(void)state;
	if (pipe(pipe_fds) != 0)
		return -1;
	(void)fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK);
	(void)fcntl(pipe_fds[1], F_SETPIPE_SZ, 1 << 17);
	log_open("test", pipe_fds[1], LOG_TRACE);
	return 0;
}

static void test_order_of_fields(void **state)
{
	(void)state;
	LOG(EV_SMTP_RCPT_REFUSED, LOG_SPAN("rcpt", SPAN("x@y")),
		LOG_NUM("code", 550), LOG_SID(0x7f3a01), LOG_MID(32),
		LOG_STR("why", "unknown"));
	assert_string_equal(logged(),
		"lvl=info role=test sid=7f3a01 mid=10 ev=smtp.rcpt.refused "
		"rcpt=x@y code=550 why=unknown\n");
	LOG(EV_READY, LOG_NUM("ms", INT64_MIN), LOG_NUM("a", INT64_MAX),
		LOG_SID(UINT64_MAX), LOG_STR("e", ""), LOG_STR("n", NULL));
	assert_string_equal(logged(),
		"lvl=info role=test sid=ffffffffffffffff ev=ready "
		"ms=-9223372036854775808 a=9223372036854775807 "
		"e=\"\" n=\"\"\n");
}

static void test_a_value_cannot_forge_a_line(void **state)
{
	static const struct {
		struct span value;
		const char *shown;
	} rows[] = {
		{SPAN_INIT("a b"), "\"a b\""},
		{SPAN_INIT("x\nt=1 lvl=error ev=forged"),
			"\"x\\nt=1 lvl=error ev=forged\""},
		{SPAN_INIT("x\r\n\t"), "\"x\\r\\n\\t\""},
		{SPAN_INIT("a=b"), "\"a=b\""},
		{SPAN_INIT("\" why=\"forged"), "\"\\\" why=\\\"forged\""},
		{SPAN_INIT("\\"), "\"\\\\\""},
		{SPAN_INIT("a\0b"), "\"a\\x00b\""},
		{SPAN_INIT("\x1b[31m"), "\"\\x1b[31m\""},
		{SPAN_INIT("\x7f"), "\"\\x7f\""},
		{SPAN_INIT("\xc3\xa4"), "\"\xc3\xa4\""},
		{SPAN_INIT("\xc3("), "\"\\xc3(\""},
		{SPAN_INIT("\xc0\x8a"), "\"\\xc0\\x8a\""},
		/* C1: a new line for some terminals */
		{SPAN_INIT("\xc2\x85"), "\"\\xc2\\x85\""},
		/* U+202E turns the line around, U+2028 ends it */
		{SPAN_INIT("\xe2\x80\xae"), "\"\\xe2\\x80\\xae\""},
		{SPAN_INIT("\xe2\x80\xa8"), "\"\\xe2\\x80\\xa8\""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char expect[200];

		(void)snprintf(expect, sizeof(expect),
			"lvl=info role=test ev=ready v=%s\n", rows[i].shown);
		LOG(EV_READY, LOG_SPAN("v", rows[i].value));
		assert_string_equal(logged(), expect);
	}
}

static void test_long_values_stay_one_line(void **state)
{
	static uint8_t value[5000];
	const char *line;

	(void)state;
	for (int byte = 0; byte < 256; byte += 5) {
		memset(value, byte, sizeof(value));
		LOG(EV_READY, LOG_SPAN("a", span_of(value, sizeof(value))),
			LOG_SPAN("b", span_of(value, sizeof(value))),
			LOG_SPAN("c", span_of(value, sizeof(value))),
			LOG_SPAN("d", span_of(value, sizeof(value))));
		line = logged();
		assert_true(strlen(line) <= 4096 - 27);
		assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	}
}

static void test_levels(void **state)
{
	enum log_level level;

	(void)state;
	log_open("test", pipe_fds[1], LOG_WARN);
	assert_false(log_wants(EV_READY));
	assert_true(log_wants(EV_START_FAILED));
	LOG(EV_READY, LOG_NUM("ms", 1));
	assert_string_equal(logged(), "");
	log_open("test", pipe_fds[1], LOG_TRACE);
	assert_true(log_level_parse(SPAN("debug"), &level));
	assert_int_equal(level, LOG_DEBUG);
	assert_false(log_level_parse(SPAN("Debug"), &level));
	assert_string_equal(log_level_word(LOG_ERROR), "error");
}

static void test_many_lines_in_order(void **state)
{
	const char *at;

	(void)state;
	/* more than the buffer holds */
	for (int i = 0; i < 1500; i++)
		LOG(EV_READY, LOG_NUM("ms", i));
	at = logged();
	for (int i = 0; i < 1500; i++) {
		char expect[64];

		(void)snprintf(expect, sizeof(expect),
			"lvl=info role=test ev=ready ms=%d\n", i);
		assert_memory_equal(at, expect, strlen(expect));
		at += strlen(expect);
	}
	assert_string_equal(at, "");
}

static void test_a_full_pipe_loses_lines_not_time(void **state)
{
	(void)state;
	(void)alarm(300); /* as it blocks otherwise */
	for (int i = 0; i < 20000; i++)
		LOG(EV_READY, LOG_NUM("ms", i));
	(void)alarm(0);
	(void)logged();
	LOG(EV_READY, LOG_NUM("ms", 1));
	assert_string_equal(logged(), "lvl=info role=test ev=ready ms=1\n");
}

/* How many lines of the event there are in a text of the log. */
static unsigned count_lines(const char *lines, const char *event)
{
	unsigned n = 0;

	while ((lines = strstr(lines, event)) != NULL) {
		n++;
		lines++;
	}
	return n;
}

static void fail_login(const char *ip)
{
	LOG(EV_LOGIN_FAILED, LOG_SID(1), LOG_STR("user", "ann"),
		LOG_STR("ip", ip));
}

/* 3,000 by one network, which has two addresses, and one by another. */
static void flood(void)
{
	for (int i = 0; i < 1500; i++) {
		fail_login("2001:db8:1:2::3");
		fail_login("2001:db8:1:2:ffff::4");
	}
	fail_login("192.0.2.7");
}

static void test_a_flood_is_counted(void **state)
{
	const char *lines;

	(void)state;
	log_open("test", pipe_fds[1], LOG_INFO);
	flood();
	for (int i = 0; i < 300; i++)
		LOG(EV_READY, LOG_NUM("ms", i)); /* nobody can cause it */
	lines = logged();
	assert_int_equal(count_lines(lines, "ev=login.failed"), 21);
	assert_int_equal(count_lines(lines, "ip=192.0.2.7"), 1);
	assert_int_equal(count_lines(lines, "ev=ready"), 300);
	assert_int_equal(count_lines(lines, "ev=log.limited"), 0);
	skip_seconds(61);
	assert_string_equal(logged(), "lvl=info role=test ev=log.limited "
				      "of=login.failed count=2980 "
				      "ip=2001:db8:1:2::/64\n");
	assert_string_equal(logged(), "");
}

static void test_the_end_tells_what_was_left_out(void **state)
{
	(void)state;
	log_open("test", pipe_fds[1], LOG_INFO);
	flood();
	(void)logged();
	log_end();
	assert_int_equal(count_lines(logged(), "ev=log.limited"), 1);
	/* what was told is told once; and a child begins with nothing */
	flood();
	(void)logged();
	log_open("child", pipe_fds[1], LOG_INFO);
	log_end();
	assert_string_equal(logged(), "");
}

static void test_debug_leaves_nothing_out(void **state)
{
	(void)state;
	log_open("test", pipe_fds[1], LOG_DEBUG);
	for (int i = 0; i < 40; i++)
		fail_login("192.0.2.7");
	log_open("test", pipe_fds[1], LOG_INFO);
	for (int i = 0; i < 40; i++)
		LOG_ALWAYS(EV_LOGIN_FAILED, LOG_STR("ip", "192.0.2.7"));
	assert_int_equal(count_lines(logged(), "ev=login.failed"), 80);
}

/* What is left out of warnings is told to whoever reads only warnings. */
static void test_the_level_is_that_of_the_event(void **state)
{
	(void)state;
	log_open("test", pipe_fds[1], LOG_WARN);
	for (int i = 0; i < 25; i++)
		LOG(EV_SMTP_LIMIT, LOG_STR("why", "x"));
	(void)logged();
	log_end();
	assert_string_equal(logged(), "lvl=warn role=test ev=log.limited "
				      "of=smtp.limit count=5\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_of_fields),
		cmocka_unit_test(test_a_value_cannot_forge_a_line),
		cmocka_unit_test(test_long_values_stay_one_line),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_many_lines_in_order),
		cmocka_unit_test(test_a_full_pipe_loses_lines_not_time),
		cmocka_unit_test(test_a_flood_is_counted),
		cmocka_unit_test(test_the_end_tells_what_was_left_out),
		cmocka_unit_test(test_debug_leaves_nothing_out),
		cmocka_unit_test(test_the_level_is_that_of_the_event),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}
