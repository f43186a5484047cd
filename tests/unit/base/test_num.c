#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mid.h"
#include "base/num.h"

static void test_u64(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
		bool good;
		uint64_t value;
	} rows[] = {
		{"0", 0, true, 0},
		{"00", 0, true, 0},
		{"000000000000000000000000000007", 9, true, 7},
		{"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
		{"18446744073709551616", UINT64_MAX, false, 0},
		{"99999999999999999999", UINT64_MAX, false, 0},
		{"10", 9, false, 0},
		{"9", 9, true, 9},
		{"", 9, false, 0},
		{"-1", UINT64_MAX, false, 0},
		{"+1", UINT64_MAX, false, 0},
		{" 1", UINT64_MAX, false, 0},
		{"1 ", UINT64_MAX, false, 0},
		{"0x1", UINT64_MAX, false, 0},
		{"1.0", UINT64_MAX, false, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t value = 77;

		assert_int_equal(num_parse_u64(span_str(rows[i].text),
					 rows[i].max, &value),
			rows[i].good);
		assert_int_equal(value, rows[i].good ? rows[i].value : 77);
	}
}

static void test_u32(void **state)
{
	uint32_t value = 77;

	(void)state;
	assert_true(num_parse_u32(SPAN("4294967295"), UINT32_MAX, &value));
	assert_int_equal(value, UINT32_MAX);
	assert_false(num_parse_u32(SPAN("4294967296"), UINT32_MAX, &value));
	assert_false(num_parse_u32(SPAN("3"), 2, &value));
	assert_int_equal(value, UINT32_MAX);
}

static void test_durations(void **state)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1: refused */
	} rows[] = {
		{"90", 90000}, {"15s", 15000}, {"30m", 1800000},
		{"4H", 14400000}, {"5d", 432000000}, {"2w", 1209600000},
		{"0", 0}, {"0w", 0}, {"", -1}, {"s", -1}, {"5x", -1},
		{"5ss", -1}, {"-5s", -1}, {"1.5h", -1},
		{"9223372036854775", 9223372036854775000},
		{"9223372036854776", -1}, {"15250284452471w", -1},
		{"99999999999999999999w", -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t ms = -1;

		assert_int_equal(num_parse_duration_ms(span_str(rows[i].text),
					 &ms),
			rows[i].ms >= 0);
		assert_int_equal(ms, rows[i].ms);
	}
}

static void test_sizes(void **state)
{
	static const struct {
		const char *text;
		bool good;
		uint64_t bytes;
	} rows[] = {
		{"1000", true, 1000}, {"64K", true, 65536},
		{"50M", true, 52428800}, {"2g", true, 2147483648},
		{"1T", true, 1099511627776}, {"0", true, 0},
		{"9223372036854775807", true, INT64_MAX},
		{"9223372036854775808", false, 0}, {"8388607T", true,
			9223370937343148032},
		{"8388608T", false, 0}, {"K", false, 0}, {"", false, 0},
		{"5B", false, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t bytes = 0;

		assert_int_equal(num_parse_bytes(span_str(rows[i].text),
					 &bytes),
			rows[i].good);
		assert_int_equal(bytes, rows[i].bytes);
	}
}

static void test_sums_do_not_wrap(void **state)
{
	size_t out = 5;

	(void)state;
	assert_true(num_add(SIZE_MAX - 1, 1, &out));
	assert_true(out == SIZE_MAX);
	assert_false(num_add(SIZE_MAX, 1, &out));
	assert_false(num_mul(SIZE_MAX / 2 + 1, 2, &out));
	assert_true(out == SIZE_MAX);
	assert_true(num_mul(SIZE_MAX, 1, &out));
	assert_true(num_mul(SIZE_MAX, 0, &out));
	assert_int_equal(out, 0);
}

static void test_mids(void **state)
{
	static const struct {
		uint64_t qid;
		const char *text;
	} rows[] = {
		{0, "0"}, {1, "1"}, {31, "Z"}, {32, "10"}, {9 * 1024, "900"},
		{UINT64_MAX, "FZZZZZZZZZZZZ"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mid m = mid_of(rows[i].qid);
		uint64_t back = 5;

		assert_true(span_eq(mid_span(&m), span_str(rows[i].text)));
		assert_true(mid_parse(mid_span(&m), &back));
		assert_true(back == rows[i].qid);
	}
	for (uint64_t qid = 1; qid < UINT64_MAX / 3; qid *= 3) {
		struct mid m = mid_of(qid);
		uint64_t back = 0;

		assert_true(mid_parse(mid_span(&m), &back) && back == qid);
	}
}

static void test_mids_as_people_type_them(void **state)
{
	uint64_t a = 0, b = 1;

	(void)state;
	assert_true(mid_parse(SPAN("10abz"), &a));
	assert_true(mid_parse(SPAN("lOABZ"), &b) && a == b);
	assert_true(mid_parse(SPAN("IoAbZ"), &b) && a == b);
	assert_false(mid_parse(SPAN(""), &a));
	assert_false(mid_parse(SPAN("U"), &a));
	assert_false(mid_parse(SPAN("A-B"), &a));
	assert_false(mid_parse(SPAN("A\0"), &a));
	assert_false(mid_parse(SPAN("G000000000000"), &a)); /* 2^64 */
	assert_false(mid_parse(SPAN("00000000000001"), &a)); /* 14 of them */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_u64),
		cmocka_unit_test(test_u32),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_sums_do_not_wrap),
		cmocka_unit_test(test_mids),
		cmocka_unit_test(test_mids_as_people_type_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
