#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "imap/imap_set.h"

static struct arena arena;

static struct imap_set set_of(const char *text, uint32_t star)
{
	struct imap_set set;

	assert_null(imap_set_read(span_str(text), star, &arena, &set));
	return set;
}

static void is_written(const struct imap_set *set, const char *expected)
{
	struct buf out;

	buf_init(&out, 4096);
	imap_set_put_all(set, &out);
	if (!span_eq(buf_span(&out), span_str(expected)))
		fail_msg("%.*s, not %s", SPAN_ARG(buf_span(&out)), expected);
	buf_clear(&out);
}

static void test_reads(void **state)
{
	static const struct {
		const char *text;
		uint32_t star;
		const char *form;
	} rows[] = {
		{"1", 9, "1"},
		{"5:1", 9, "1:5"},
		{"1,2,3,7,5:6", 9, "1:3,5:7"},
		{"2:4,3:9,1", 9, "1:9"},
		{"*", 9, "9"},
		{"3:*", 9, "3:9"},
		{"12:*", 9, "9:12"}, /* RFC 9051 9: at least the last */
		{"*:*", 9, "9"},
		{"*:4,5:7", 10, "4:10"},
		{"4294967295:*", 3, "3:4294967295"},
		{"1:4294967295,4294967295,7", 3, "1:4294967295"},
		{"4294967294,4294967295", 3, "4294967294:4294967295"},
	};
	struct imap_set set;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		set = set_of(rows[i].text, rows[i].star);
		is_written(&set, rows[i].form);
		arena_reset(&arena);
	}
	set = set_of("$", 0);
	assert_true(set.is_saved);
	assert_int_equal(set.count, 0);
	assert_int_equal(imap_set_max(&set), 0);
}

static void test_refuses(void **state)
{
	static const char *const rows[] = {"", "0", "1,0", "4294967296",
		"1:", ":1", "1::2", "1:2:3", "1,", ",1", "1,,2", "-1", "+1",
		"a", "1 ", "$,1", "**", "99999999999999999999"};
	struct imap_set set;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (imap_set_read(span_str(rows[i]), 9, &arena, &set) == NULL)
			fail_msg("%s was read", rows[i]);
	assert_non_null(imap_set_read(SPAN("*"), 0, &arena, &set));
	assert_non_null(imap_set_read(SPAN("1:*"), 0, &arena, &set));
}

static void test_has_and_size(void **state)
{
	struct imap_set set = set_of("2:4,9,11:20", 0);

	(void)state;
	for (uint32_t n = 1; n < 25; n++)
		assert_int_equal(imap_set_has(&set, n),
			(n >= 2 && n <= 4) || n == 9 || (n >= 11 && n <= 20));
	assert_int_equal(imap_set_size(&set), 14);
	assert_int_equal(imap_set_max(&set), 20);
	set = set_of("1:4294967295", 0);
	assert_int_equal(imap_set_size(&set), 4294967295);
	assert_true(imap_set_has(&set, UINT32_MAX));
}

static void walk(const char *text, const uint32_t *uids, size_t count,
	const char *expected)
{
	struct imap_set set = set_of(text, 1);
	struct imap_set_walk w = {.set = &set, .uids = uids, .count = count};
	struct buf out;

	buf_init(&out, 1024);
	while (imap_set_walk(&w))
		buf_printf(&out, "%zu-%zu ", w.from, w.to);
	if (!span_eq(buf_span(&out), span_str(expected)))
		fail_msg("%s: %.*s", text, SPAN_ARG(buf_span(&out)));
	buf_clear(&out);
}

static void test_walks(void **state)
{
	static const uint32_t uids[] = {3, 4, 7, 100, UINT32_MAX};

	(void)state;
	walk("1:3", uids, 5, "0-1 ");
	walk("4:8,100", uids, 5, "1-3 3-4 ");
	walk("5:6,8:99", uids, 5, "");
	walk("1:4294967295", uids, 5, "0-5 ");
	walk("101:4294967295", uids, 5, "4-5 ");
	walk("4,7,4294967295", uids, 5, "1-2 2-3 4-5 ");
	walk("1:9", uids, 0, "");
	walk("1,3:4,9", NULL, 5, "0-1 2-4 ");
	walk("5:4294967295", NULL, 5, "4-5 ");
	walk("6:4294967295", NULL, 5, "");
}

static void test_writes(void **state)
{
	static const uint32_t uids[] = {1, 2, 3, 7, 9, 10};
	struct buf out;
	struct imap_set_writer w = {.out = &out};
	struct imap_set set = imap_set_of(uids, 6, &arena);

	(void)state;
	is_written(&set, "1:3,7,9:10");
	buf_init(&out, 1024);
	assert_false(imap_set_put_end(&w));
	imap_set_put(&w, 9);
	imap_set_put(&w, 4);
	imap_set_put(&w, 5);
	imap_set_put(&w, UINT32_MAX);
	imap_set_put(&w, 1);
	assert_true(imap_set_put_end(&w));
	assert_true(span_eq(buf_span(&out), SPAN("9,4:5,4294967295,1")));
	buf_clear(&out);
}

/* 32,000 ranges, in the worst order: what a command of 64 KiB can hold. */
static void test_many(void **state)
{
	struct imap_set set;
	struct buf text;

	(void)state;
	buf_init(&text, 1 << 20);
	for (uint32_t n = 32000; n > 0; n--)
		buf_printf(&text, "%s%u", n == 32000 ? "" : ",", 3 * n);
	assert_null(imap_set_read(buf_span(&text), 1, &arena, &set));
	assert_int_equal(set.count, 32000);
	for (size_t i = 0; i < set.count; i++)
		assert_int_equal(set.ranges[i].low, 3 * (i + 1));
	buf_clear(&text);
}

static int set_up(void **state)
{
	(void)state;
	arena_init(&arena, 1 << 20);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_clear(&arena);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_reads),
		TEST(test_refuses),
		TEST(test_has_and_size),
		TEST(test_walks),
		TEST(test_writes),
		TEST(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
