#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/span.h"

static void test_comparing(void **state)
{
	(void)state;
	assert_true(span_eq(SPAN_EMPTY, SPAN("")));
	assert_true(span_eq(SPAN("a\0b"), SPAN("a\0b")));
	assert_false(span_eq(SPAN("a\0b"), SPAN("a\0c")));
	assert_false(span_eq(SPAN("a"), SPAN("ab")));
	assert_true(span_eq_fold(SPAN("MaIl@[\\]"), SPAN("mAiL@[\\]")));
	/* only letters fold: '@' is 0x40 and '`' is 0x60 */
	assert_false(span_eq_fold(SPAN("@"), SPAN("`")));
	assert_false(span_eq_fold(SPAN("["), SPAN("{")));
	assert_false(span_eq_fold(SPAN("\xc4"), SPAN("\xe4")));
	assert_true(span_starts(SPAN("abc"), SPAN("")));
	assert_true(span_starts(SPAN("abc"), SPAN("abc")));
	assert_false(span_starts(SPAN("ab"), SPAN("abc")));
	assert_true(span_starts_fold(SPAN("RCPT TO:"), SPAN("rcpt to")));
	assert_false(span_starts_fold(SPAN("RCPT"), SPAN("rcpt to")));
	assert_true(span_ends(SPAN("a.def"), SPAN(".def")));
	assert_true(span_ends(SPAN("a"), SPAN("")));
	assert_false(span_ends(SPAN("def"), SPAN(".def")));
}

static void test_order(void **state)
{
	static const struct span sorted[] = {SPAN_INIT(""), SPAN_INIT("a"),
		SPAN_INIT("a\0"), SPAN_INIT("ab"), SPAN_INIT("b"),
		SPAN_INIT("\xff")};
	const size_t n = sizeof(sorted) / sizeof(sorted[0]);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < n; k++) {
			int order = span_cmp(sorted[i], sorted[k]);

			assert_int_equal((order > 0) - (order < 0),
				(i > k) - (i < k));
		}
	}
}

static void test_searching(void **state)
{
	(void)state;
	assert_int_equal(span_find(SPAN("a@b@c"), '@'), 1);
	assert_int_equal(span_find_last(SPAN("a@b@c"), '@'), 3);
	assert_int_equal(span_find(SPAN("abc"), '@'), 3);
	assert_int_equal(span_find_last(SPAN("abc"), '@'), 3);
	assert_int_equal(span_find_last(SPAN("@abc"), '@'), 0);
	assert_int_equal(span_find(SPAN_EMPTY, '@'), 0);
	assert_int_equal(span_find_last(SPAN_EMPTY, '@'), 0);
	assert_int_equal(span_find_span(SPAN("abcabd"), SPAN("abd")), 3);
	assert_int_equal(span_find_span(SPAN("abc"), SPAN("abcd")), 3);
	assert_int_equal(span_find_span(SPAN("abc"), SPAN("x")), 3);
	assert_int_equal(span_find_span(SPAN("abc"), SPAN("")), 0);
	assert_int_equal(span_find_span(SPAN("a\0b"), SPAN("\0b")), 1);
}

static void test_cutting(void **state)
{
	struct span s = SPAN("one,two,,three");

	(void)state;
	assert_true(span_eq(span_head(s, 3), SPAN("one")));
	assert_true(span_eq(span_tail(s, 9), SPAN("three")));
	assert_int_equal(span_head(s, 99).n, s.n);
	assert_int_equal(span_tail(s, 99).n, 0);
	assert_int_equal(span_tail(SPAN_EMPTY, 5).n, 0);
	assert_true(span_eq(span_cut(&s, ','), SPAN("one")));
	assert_true(span_eq(span_cut(&s, ','), SPAN("two")));
	assert_true(span_eq(span_cut(&s, ','), SPAN("")));
	assert_true(span_eq(span_cut(&s, ','), SPAN("three")));
	assert_int_equal(s.n, 0);
	assert_int_equal(span_cut(&s, ',').n, 0);
	assert_true(span_eq(span_trim(SPAN(" \t a b\t ")), SPAN("a b")));
	assert_int_equal(span_trim(SPAN(" \t ")).n, 0);
	assert_true(span_eq(span_trim(SPAN("\r\n")), SPAN("\r\n")));
	assert_int_equal(span_str(NULL).n, 0);
	assert_true(span_eq(span_str("abc"), SPAN("abc")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comparing),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_searching),
		cmocka_unit_test(test_cutting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
