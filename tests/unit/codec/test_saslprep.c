/*
 * test_saslprep.c - the examples of RFC 4013 3, and a row a rule.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "codec/saslprep.h"

static const struct {
	const char *text, *expected; /* NULL: forbidden */
} rows[] = {
	/* RFC 4013 3 */
	{"I\xc2\xadX", "IX"},
	{"user", "user"},
	{"USER", "USER"},
	{"\xc2\xaa", "a"},
	{"\xe2\x85\xa8", "IX"},
	{"\x07", NULL},
	{"\xd8\xa7\x31", NULL},
	/* spaces, and what looks like one */
	{"a\xc2\xa0" "b\xe3\x80\x80" "c\xe2\x80\x8b" "d", "a b c d"},
	{"a\xef\xbb\xbf" "b\xe2\x80\x8d" "c", "abc"},
	{"\xc2\xad", NULL}, /* nothing is left */
	{"", NULL},
	/* forms */
	{"a\xcc\x88", "\xc3\xa4"},
	{"\xef\xac\x81", "fi"},
	/* forbidden */
	{"a\x7f", NULL},
	{"a\xc2\x85", NULL},
	{"\xe2\x80\x8e" "a", NULL},
	{"\xe2\x80\xa8", NULL},
	{"\xee\x80\x80", NULL},
	{"\xef\xbf\xbd", NULL},
	{"\xf0\x9f\xbf\xbe", NULL},
	{"\xf3\xa0\x80\x81", NULL},
	{"\xff", NULL},
	/* newer than Unicode 3.2 */
	{"\xf0\x9f\x94\x91", "\xf0\x9f\x94\x91"},
	/* direction: Hebrew, alone, with a digit within, with Latin */
	{"\xd7\x90\xd7\x91", "\xd7\x90\xd7\x91"},
	{"\xd7\x90" "1\xd7\x91", "\xd7\x90" "1\xd7\x91"},
	{"\xd7\x90x\xd7\x91", NULL},
	{"1\xd7\x90", NULL},
};

static void test_rows(void **state)
{
	static uint8_t out[SASLPREP_ROOM];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = 0;
		bool ok = saslprep(span_str(rows[i].text), out, &n);

		if (ok != (rows[i].expected != NULL))
			fail_msg("row %zu", i);
		if (ok && !span_eq(span_of(out, n), span_str(rows[i].expected)))
			fail_msg("row %zu: %.*s", i, (int)n, (char *)out);
	}
}

/* U+FDFA grows most: 3 bytes to 33. */
static void test_it_fits(void **state)
{
	static uint8_t text[SASLPREP_BYTES_MAX + 1], out[SASLPREP_ROOM];
	size_t n;

	(void)state;
	for (size_t i = 0; i + 3 <= SASLPREP_BYTES_MAX; i += 3)
		memcpy(text + i, "\xef\xb7\xba", 3);
	assert_true(saslprep(span_of(text, 1023), out, &n));
	assert_int_equal(n, 1023 * 11);
	memset(text, 'x', sizeof(text));
	assert_true(saslprep(span_of(text, 1024), out, &n));
	assert_false(saslprep(span_of(text, 1025), out, &n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_it_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
