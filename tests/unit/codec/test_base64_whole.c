/*
 * test_base64_whole.c - the strict one: RFC 4648 10, and what is not forgiven.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "codec/base64_whole.h"

static const struct {
	const char *plain, *letters;
} rows[] = {
	/* RFC 4648 10 */
	{"", ""},
	{"f", "Zg=="},
	{"fo", "Zm8="},
	{"foo", "Zm9v"},
	{"foob", "Zm9vYg=="},
	{"fooba", "Zm9vYmE="},
	{"foobar", "Zm9vYmFy"},
	{"\xff\xfe\xfb", "//77"},
	{"~~~", "fn5+"},
};

static void test_both_ways(void **state)
{
	uint8_t out[64];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span letters = span_str(rows[i].letters);
		struct span bare = span_head(letters, span_find(letters, '='));

		base64_put(span_str(rows[i].plain), out);
		assert_memory_equal(out, letters.p, letters.n);
		assert_true(base64_get(letters, out, sizeof(out), &n));
		assert_true(span_eq(span_of(out, n), span_str(rows[i].plain)));
		assert_true(base64_get_bare(bare, out, sizeof(out), &n));
		assert_true(span_eq(span_of(out, n), span_str(rows[i].plain)));
		assert_int_equal(base64_get(bare, out, sizeof(out), &n),
			bare.n == letters.n);
		/* it fits exactly, and one byte less is not enough */
		assert_true(
			base64_get(letters, out, strlen(rows[i].plain), &n));
		if (n > 0)
			assert_false(base64_get(letters, out, n - 1, &n));
	}
}

static void test_nothing_is_forgiven(void **state)
{
	static const char *const bad[] = {"A", "AA", "AAA", "A===", "====", "=",
		"AA=A", "AA==AAAA", "Zm9v\n", "Zm9 ", " Zm9", "Zm-v", "Zm_v",
		"Zm9v=", "Zm9v====", "Zh==", "Zo==", "Zm9=", "Zm6=", "Zg=A",
		"\xc3\xa4"};
	uint8_t out[64];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (base64_get(span_str(bad[i]), out, sizeof(out), &n))
			fail_msg("%s", bad[i]);
	assert_false(base64_get_bare(SPAN("Zh"), out, sizeof(out), &n));
	assert_false(base64_get_bare(SPAN("Zm9vY"), out, sizeof(out), &n));
	assert_false(base64_get_bare(SPAN("Zg=="), out, sizeof(out), &n));
}

static void test_in_place(void **state)
{
	uint8_t text[] = "Zm9vYmFyZm9vYmFyZm9vYmFy";
	size_t n;

	(void)state;
	assert_true(base64_get(span_of(text, 24), text, 24, &n));
	assert_true(span_eq(span_of(text, n), SPAN("foobarfoobarfoobar")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_nothing_is_forgiven),
		cmocka_unit_test(test_in_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
