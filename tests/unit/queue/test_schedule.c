/*
 * test_schedule.c - waits, ends, queue time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "queue/queue_schedule.h"

#define MINUTE (60 * INT64_C(1000))
#define DAY    (24 * 60 * MINUTE)

static const int64_t retry_ms[] = {MINUTE, 5 * MINUTE, 30 * MINUTE};
static const struct queue_schedule schedule = {retry_ms, 3, 4 * 60 * MINUTE,
	5 * DAY, DAY};

static void waits_as_the_list_says(void **state)
{
	(void)state;
	assert_int_equal(queue_schedule_wait_ms(&schedule, 1, 0), MINUTE);
	assert_int_equal(queue_schedule_wait_ms(&schedule, 2, 0), 5 * MINUTE);
	assert_int_equal(queue_schedule_wait_ms(&schedule, 3, 0), 30 * MINUTE);
	assert_int_equal(queue_schedule_wait_ms(&schedule, 4, 0), 30 * MINUTE);
	assert_int_equal(queue_schedule_wait_ms(&schedule, UINT32_MAX, 0),
		30 * MINUTE);
}

static void adds_up_to_a_tenth_by_chance(void **state)
{
	(void)state;
	assert_int_equal(queue_schedule_wait_ms(&schedule, 1, 1u << 31),
		MINUTE + 3000);
	assert_int_equal(queue_schedule_wait_ms(&schedule, 1, UINT32_MAX),
		MINUTE + 5999);
}

static void gives_up_in_time(void **state)
{
	(void)state;
	assert_false(queue_schedule_is_over(&schedule, false, 7, 7 + 5 * DAY));
	assert_true(queue_schedule_is_over(&schedule, false, 7, 8 + 5 * DAY));
	assert_false(queue_schedule_is_over(&schedule, true, 7, 7 + DAY));
	assert_true(queue_schedule_is_over(&schedule, true, 7, 8 + DAY));
	assert_false(queue_schedule_wants_warning(&schedule, 7,
		6 + 240 * MINUTE));
	assert_true(queue_schedule_wants_warning(&schedule, 7,
		7 + 240 * MINUTE));
}

/* What the wall clock says at start, and how far queue time went on. */
static void is_not_fooled_by_a_clock(void **state)
{
	static const struct {
		int64_t wall_ms, moved_ms;
		bool is_sane;
	} rows[] = {
		{100 * DAY, 0, true},
		{100 * DAY + 3 * MINUTE, 3 * MINUTE, true},
		{101 * DAY, DAY, true},
		{101 * DAY + 1, QUEUE_CLOCK_DOUBTFUL_MS, false},
		{100 * DAY + 3650 * DAY, QUEUE_CLOCK_DOUBTFUL_MS, false},
		{0, QUEUE_CLOCK_DOUBTFUL_MS, false},
		{99 * DAY, QUEUE_CLOCK_DOUBTFUL_MS, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct queue_clock c;

		assert_int_equal(queue_clock_start(&c, 50 * DAY, 100 * DAY,
			rows[i].wall_ms, 777), rows[i].is_sane);
		assert_int_equal(queue_clock_now_ms(&c, 777),
			50 * DAY + rows[i].moved_ms);
		/* while it runs only the monotonic clock counts */
		assert_int_equal(queue_clock_now_ms(&c, 777 + MINUTE),
			50 * DAY + rows[i].moved_ms + MINUTE);
	}
}

static void begins_a_new_queue_with_the_wall_clock(void **state)
{
	struct queue_clock c;

	(void)state;
	assert_true(queue_clock_start(&c, 0, 0, 42 * DAY, 5));
	assert_int_equal(queue_clock_now_ms(&c, 5), 42 * DAY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_as_the_list_says),
		cmocka_unit_test(adds_up_to_a_tenth_by_chance),
		cmocka_unit_test(gives_up_in_time),
		cmocka_unit_test(is_not_fooled_by_a_clock),
		cmocka_unit_test(begins_a_new_queue_with_the_wall_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
