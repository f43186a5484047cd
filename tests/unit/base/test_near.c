/*
 * test_near.c - words that look alike.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/near.h"

static void test_distances(void **state)
{
	static const struct {
		struct span a, b;
		size_t distance;
	} cases[] = {
		{SPAN_INIT(""), SPAN_INIT(""), 0},
		{SPAN_INIT("abc"), SPAN_INIT(""), 3},
		{SPAN_INIT(""), SPAN_INIT("abc"), 3},
		{SPAN_INIT("account"), SPAN_INIT("acount"), 1},
		{SPAN_INIT("list"), SPAN_INIT("lsit"), 2},
		{SPAN_INIT("kitten"), SPAN_INIT("sitting"), 3},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(near_distance(cases[i].a, cases[i].b),
			cases[i].distance);
}

static void test_long_words_look_like_nothing(void **state)
{
	static const uint8_t letters[NEAR_BYTES_MAX + 1] = {0};
	struct span longest = span_of(letters, NEAR_BYTES_MAX);
	struct span longer = span_of(letters, NEAR_BYTES_MAX + 1);

	(void)state;
	assert_int_equal(near_distance(longest, longest), 0);
	assert_int_equal(near_distance(longer, longer), NEAR_BYTES_MAX);
	assert_int_equal(near_distance(longest, longer), NEAR_BYTES_MAX);
	assert_false(near_enough(longer, NEAR_BYTES_MAX));
}

static void test_what_is_near_enough(void **state)
{
	(void)state;
	assert_true(near_enough(SPAN("ls"), 1));
	assert_false(near_enough(SPAN("ls"), 2));
	assert_true(near_enough(SPAN("password"), 3));
	assert_false(near_enough(SPAN("password"), 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_distances),
		cmocka_unit_test(test_long_words_look_like_nothing),
		cmocka_unit_test(test_what_is_near_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
