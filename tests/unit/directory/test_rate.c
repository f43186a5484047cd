#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "directory/rate.h"

#define HOUR_MS   3600000
#define START_MS  (1795000000000LL + 12345)

static const uint32_t limits[RATE_KIND_COUNT] = {[RATE_MESSAGES] = 5,
	[RATE_RECIPIENTS] = 100};

/* How many more go through now. */
static int drain(struct rate *r, uint64_t account, enum rate_kind kind,
	int64_t now_ms)
{
	int n = 0;

	while (n < 1000 && rate_count(r, account, kind, now_ms))
		n++;
	return n;
}

static void test_a_limit_holds_for_an_hour(void **state)
{
	struct rate *r = rate_new(limits);

	(void)state;
	assert_int_equal(drain(r, 1, RATE_MESSAGES, START_MS), 5);
	assert_int_equal(drain(r, 1, RATE_MESSAGES, START_MS + HOUR_MS), 0);
	/* the piece it fell into is over at the latest five minutes later */
	assert_int_equal(drain(r, 1, RATE_MESSAGES,
		START_MS + HOUR_MS + RATE_PIECE_MS), 5);
	rate_free(r);
}

/* Whatever the moments: never more than the limit in any hour. */
static void test_no_hour_has_more(void **state)
{
	struct rate *r = rate_new(limits);
	static int64_t sent[200];
	size_t n = 0;

	(void)state;
	for (int64_t t = 0; t < 24 * HOUR_MS && n < 200; t += 61000)
		if (rate_count(r, 1, RATE_MESSAGES, START_MS + t))
			sent[n++] = t;
	/* and no fewer than the pieces' width explains */
	assert_true(n >= 5 * 24 * 55 / 60 && n <= 5 * 25);
	for (size_t i = 0; i + 5 < n; i++)
		assert_true(sent[i + 5] - sent[i] >= HOUR_MS);
	rate_free(r);
}

static void test_accounts_and_kinds_are_apart(void **state)
{
	struct rate *r = rate_new(limits);

	(void)state;
	assert_int_equal(drain(r, 1, RATE_MESSAGES, START_MS), 5);
	assert_int_equal(drain(r, 1, RATE_RECIPIENTS, START_MS), 100);
	assert_int_equal(drain(r, 2, RATE_MESSAGES, START_MS), 5);
	assert_int_equal(rate_accounts(r), 2);
	rate_free(r);
}

static void test_no_limit_counts_nothing(void **state)
{
	static const uint32_t none[RATE_KIND_COUNT] = {0};
	struct rate *r = rate_new(none);

	(void)state;
	assert_int_equal(drain(r, 1, RATE_MESSAGES, START_MS), 1000);
	assert_int_equal(rate_accounts(r), 0);
	rate_free(r);
}

/* A clock that is set back neither forgives nor forbids for ever. */
static void test_a_clock_that_goes_back(void **state)
{
	struct rate *r = rate_new(limits);

	(void)state;
	assert_int_equal(drain(r, 1, RATE_MESSAGES, START_MS), 5);
	assert_int_equal(drain(r, 1, RATE_MESSAGES, START_MS - 9 * HOUR_MS), 0);
	assert_int_equal(drain(r, 1, RATE_MESSAGES, -5), 0);
	assert_int_equal(drain(r, 1, RATE_MESSAGES, START_MS + 2 * HOUR_MS), 5);
	rate_free(r);
}

static void test_memory_is_bounded(void **state)
{
	struct rate *r = rate_new(limits);

	(void)state;
	assert_int_equal(drain(r, 1000000, RATE_MESSAGES, START_MS), 5);
	for (uint64_t i = 0; i < RATE_ACCOUNTS_MAX + 100; i++)
		assert_true(rate_count(r, i, RATE_MESSAGES, START_MS));
	assert_true(rate_accounts(r) <= RATE_ACCOUNTS_MAX);
	/* who sent most is not who was forgotten */
	assert_int_equal(drain(r, 1000000, RATE_MESSAGES, START_MS), 0);
	/* two hours later nobody is worth remembering */
	assert_true(rate_count(r, 2000000, RATE_MESSAGES,
		START_MS + 2 * HOUR_MS));
	assert_int_equal(rate_accounts(r), 1);
	rate_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_limit_holds_for_an_hour),
		cmocka_unit_test(test_no_hour_has_more),
		cmocka_unit_test(test_accounts_and_kinds_are_apart),
		cmocka_unit_test(test_no_limit_counts_nothing),
		cmocka_unit_test(test_a_clock_that_goes_back),
		cmocka_unit_test(test_memory_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
