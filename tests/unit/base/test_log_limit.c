#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/log_limit.h"

#define NOW 1000000

static struct log_limit l;

static int begin(void **state)
{
	(void)state;
	memset(&l, 0, sizeof(l));
	return 0;
}

/* How many of so many lines are written. */
static unsigned tell(enum log_event event, const char *who, unsigned times,
	int64_t now_ms)
{
	unsigned written = 0;

	while (times-- > 0)
		written += log_limit_may(&l, event, span_str(who), now_ms);
	return written;
}

static void expect_count(int64_t now_ms, enum log_event event, const char *who,
	uint64_t left_out)
{
	struct log_limit_row row;

	assert_true(log_limit_take(&l, now_ms, &row));
	assert_int_equal(row.event, event);
	assert_int_equal(row.who_bytes, strlen(who));
	assert_memory_equal(row.who, who, row.who_bytes);
	assert_true(row.left_out == left_out);
}

static void expect_none(int64_t now_ms)
{
	struct log_limit_row row;

	assert_false(log_limit_take(&l, now_ms, &row));
}

static void test_first_lines_then_a_count(void **state)
{
	(void)state;
	assert_int_equal(tell(EV_LOGIN_FAILED, "a", 3432, NOW),
		LOG_LIMIT_LINES);
	assert_true(l.due_ms == NOW + LOG_LIMIT_MS);
	expect_none(NOW + LOG_LIMIT_MS - 1);
	expect_count(NOW + LOG_LIMIT_MS, EV_LOGIN_FAILED, "a",
		3432 - LOG_LIMIT_LINES);
	expect_none(NOW + LOG_LIMIT_MS);
	assert_true(l.due_ms == 0);
	/* and the next minute begins with lines again */
	assert_int_equal(tell(EV_LOGIN_FAILED, "a", 100, NOW + LOG_LIMIT_MS),
		LOG_LIMIT_LINES);
}

static void test_few_are_never_counted(void **state)
{
	(void)state;
	for (int64_t minute = 0; minute < 100; minute++)
		assert_int_equal(tell(EV_LOGIN_FAILED, "a", LOG_LIMIT_LINES,
			NOW + minute * LOG_LIMIT_MS), LOG_LIMIT_LINES);
	assert_true(l.due_ms == 0);
	expect_none(INT64_MAX);
}

/* The flood of one does not hide what another does, nor another event. */
static void test_causes_are_told_apart(void **state)
{
	(void)state;
	(void)tell(EV_LOGIN_FAILED, "a", 1000, NOW);
	assert_int_equal(tell(EV_LOGIN_FAILED, "b", 1, NOW), 1);
	assert_int_equal(tell(EV_LOGIN_FAILED, "", 1, NOW), 1);
	assert_int_equal(tell(EV_SMTP_CLOSED, "a", 1, NOW), 1);
	assert_int_equal(tell(EV_LOGIN_FAILED, "a", 1, NOW), 0);
}

static void test_a_long_cause_is_cut(void **state)
{
	char who[100];

	(void)state;
	memset(who, 'x', sizeof(who) - 1);
	who[sizeof(who) - 1] = '\0';
	assert_int_equal(tell(EV_LOGIN_FAILED, who, 100, NOW), LOG_LIMIT_LINES);
	who[LOG_LIMIT_WHO_BYTES] = '\0';
	expect_count(INT64_MAX, EV_LOGIN_FAILED, who, 100 - LOG_LIMIT_LINES);
}

/* A million causes: as much memory, and a bounded number of lines. */
static void test_more_causes_than_rows(void **state)
{
	unsigned written = 0, told = 0;
	struct log_limit_row row;
	uint64_t left_out = 0;
	char who[32];

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		(void)snprintf(who, sizeof(who), "%u", i);
		written += tell(EV_SMTP_CLOSED, who, 3, NOW);
	}
	assert_int_equal(written, 3 * LOG_LIMIT_ROWS + LOG_LIMIT_LINES);
	/* those of another event find their place all the same */
	assert_int_equal(tell(EV_LOGIN_FAILED, "a", 1, NOW), 1);
	for (; log_limit_take(&l, INT64_MAX, &row); told++) {
		assert_int_equal(row.who_bytes, 0);
		left_out += row.left_out;
	}
	assert_int_equal(told, 1);
	assert_true(left_out + written == 3 * 20000);
}

/* Each in its time, whatever the order they came in. */
static void test_counts_come_when_they_are_due(void **state)
{
	(void)state;
	(void)tell(EV_LOGIN_FAILED, "late", 30, NOW + 5000);
	(void)tell(EV_LOGIN_FAILED, "early", 40, NOW);
	assert_true(l.due_ms == NOW + LOG_LIMIT_MS);
	expect_count(NOW + LOG_LIMIT_MS, EV_LOGIN_FAILED, "early", 20);
	expect_none(NOW + LOG_LIMIT_MS);
	assert_true(l.due_ms == NOW + 5000 + LOG_LIMIT_MS);
	expect_count(l.due_ms, EV_LOGIN_FAILED, "late", 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_first_lines_then_a_count, begin),
		cmocka_unit_test_setup(test_few_are_never_counted, begin),
		cmocka_unit_test_setup(test_causes_are_told_apart, begin),
		cmocka_unit_test_setup(test_a_long_cause_is_cut, begin),
		cmocka_unit_test_setup(test_more_causes_than_rows, begin),
		cmocka_unit_test_setup(test_counts_come_when_they_are_due,
			begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
