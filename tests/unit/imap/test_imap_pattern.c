/*
 * test_imap_pattern.c - patterns of LIST, against rows and against a plain and
 * slow matcher.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#include "imap/imap_pattern.h"

static const struct row {
	const char *pattern;
	const char *name;
	bool matches;
} rows[] = {
	{"*", "INBOX", true},
	{"*", "a/b/c", true},
	{"%", "a", true},
	{"%", "a/b", false},
	{"a/%", "a/b", true},
	{"a/%", "a", false},
	{"a/%", "a/b/c", false},
	{"a/*", "a/b/c", true},
	{"a*", "a/b/c", true},
	{"%/c", "a/c", true},
	{"%/c", "a/b/c", false},
	{"*/c", "a/b/c", true},
	{"%b%", "abc", true},
	{"%b%", "a/bc", false},
	{"%*%", "a/b", true},
	{"%%", "a/b", false},
	{"inbox", "INBOX", true},
	{"iNbOx/*", "INBOX/a", true},
	{"inboxx", "INBOX", false},
	{"a", "A", false},
	{"inbox/A", "INBOX/a", false},
	{"inboxes", "INBOXES", false},
	{"", "", true},
	{"", "a", false},
	{"abc", "ab", false},
	{"ab", "abc", false},
	{"*x", "INBOX", true},
};

static void every_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (imap_pattern_matches(span_str(rows[i].pattern),
			    span_str(rows[i].name)) != rows[i].matches)
			fail_msg("\"%s\" and \"%s\"", rows[i].pattern,
				rows[i].name);
}

/* As RFC 9051 says it, by trying. */
static bool slow(const char *p, const char *n)
{
	if (*p == '\0')
		return *n == '\0';
	if (*p != '*' && *p != '%')
		return *p == *n && slow(p + 1, n + 1);
	if (slow(p + 1, n))
		return true;
	return *n != '\0' && (*p == '*' || *n != '/') && slow(p, n + 1);
}

/* All patterns and names of up to four letters out of a few. */
static void all_short_ones(void **state)
{
	static const char letters[] = "ab/*%";
	char p[5] = "", n[5] = "";

	(void)state;
	for (unsigned i = 0; i < 5 * 5 * 5 * 5; i++) {
		for (unsigned k = 0; k < 3 * 3 * 3 * 3; k++) {
			for (unsigned at = 0, x = i, y = k; at < 4; at++) {
				p[at] = letters[x % 5];
				n[at] = letters[y % 3];
				x /= 5;
				y /= 3;
			}
			if (imap_pattern_matches(span_str(p), span_str(n)) !=
				slow(p, n))
				fail_msg("\"%s\" and \"%s\"", p, n);
		}
	}
}

/* A choice that is tried twice would take longer than the sun has. */
static void stars_cost_nothing(void **state)
{
	static char pattern[4001], name[1001];
	bool matches = true;

	(void)state;
	for (size_t i = 0; i < 4000; i += 4)
		memcpy(pattern + i, "*%a*", 4);
	memset(name, 'a', 1000);
	name[999] = 'b';
	for (size_t i = 0; i < 3; i++)
		matches = imap_pattern_matches(span_of(pattern, 4000),
			span_of(name, 1000));
	assert_false(matches);
	assert_true(imap_pattern_matches(span_of(pattern, 3996),
		span_of(name, 1000)));
}

static void too_long_a_name(void **state)
{
	static char name[IMAP_PATTERN_NAME_BYTES + 1];

	(void)state;
	memset(name, 'a', sizeof(name));
	assert_true(imap_pattern_matches(SPAN("*"),
		span_of(name, sizeof(name) - 1)));
	assert_false(imap_pattern_matches(SPAN("*"),
		span_of(name, sizeof(name))));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row),
		cmocka_unit_test(all_short_ones),
		cmocka_unit_test(stars_cost_nothing),
		cmocka_unit_test(too_long_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
