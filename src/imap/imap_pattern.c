/*
 * imap_pattern.c - the patterns of LIST.
 *
 * The pattern walks as a set of places in the name where it could stand, one
 * step for each of its characters: no choice is ever tried twice, so a pattern
 * full of stars costs no more than its length times that of the name.
 */
#include "imap/imap_pattern.h"

#include <string.h>

#include "base/banned.h"

/* After a wildcard: each place reaches those behind it, "%" up to the next
 * slash. */
static void spread(bool *at, struct span name, bool is_star)
{
	bool is_on = false;

	for (size_t i = 0; i <= name.n; i++) {
		is_on = is_on || at[i];
		at[i] = is_on;
		if (!is_star && i < name.n && name.p[i] == '/')
			is_on = false;
	}
}

/* After a character; true if it stands anywhere. */
static bool advance(bool *at, struct span name, uint8_t c, bool any_case)
{
	bool has_any = false;

	for (size_t i = name.n; i > 0; i--) {
		uint8_t have = name.p[i - 1];

		at[i] = at[i - 1] && (have == c ||
			(any_case && i <= 5 &&
				ascii_lower(have) == ascii_lower(c)));
		has_any = has_any || at[i];
	}
	at[0] = false;
	return has_any;
}

/* How many literal bytes the pattern holds: as many the name must have. */
static size_t count_literals(struct span pattern)
{
	size_t n = 0;

	for (size_t i = 0; i < pattern.n; i++)
		n += pattern.p[i] != '*' && pattern.p[i] != '%';
	return n;
}

static bool is_under_inbox(struct span name)
{
	return span_starts_fold(name, SPAN("inbox")) &&
		(name.n == 5 || name.p[5] == '/');
}

bool imap_pattern_matches(struct span pattern, struct span name)
{
	bool at[IMAP_PATTERN_NAME_BYTES + 1] = {true};
	bool any_case = is_under_inbox(name);

	if (name.n > IMAP_PATTERN_NAME_BYTES ||
		count_literals(pattern) > name.n)
		return false;
	for (size_t i = 0; i < pattern.n; i++) {
		uint8_t c = pattern.p[i];

		if (c == '*' || c == '%') {
			bool is_star = c == '*';

			while (i + 1 < pattern.n &&
				(pattern.p[i + 1] == '*' ||
					pattern.p[i + 1] == '%'))
				is_star = pattern.p[++i] == '*' || is_star;
			spread(at, name, is_star);
		} else if (!advance(at, name, c, any_case)) {
			return false;
		}
	}
	return at[name.n];
}
