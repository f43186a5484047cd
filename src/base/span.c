/*
 * span.c - reading runs of bytes: compare, search, cut.  See span.h.
 */
#define _GNU_SOURCE
#include "base/span.h"

#include <string.h>

struct span span_str(const char *s)
{
	return span_of(s, s == NULL ? 0 : strlen(s));
}

bool span_eq(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool span_eq_fold(struct span a, struct span b)
{
	return a.n == b.n && span_starts_fold(a, b);
}

bool span_starts(struct span s, struct span prefix)
{
	return s.n >= prefix.n && span_eq(span_head(s, prefix.n), prefix);
}

bool span_starts_fold(struct span s, struct span prefix)
{
	if (s.n < prefix.n)
		return false;
	for (size_t i = 0; i < prefix.n; i++)
		if (ascii_lower(s.p[i]) != ascii_lower(prefix.p[i]))
			return false;
	return true;
}

bool span_ends(struct span s, struct span suffix)
{
	return s.n >= suffix.n && span_eq(span_tail(s, s.n - suffix.n), suffix);
}

int span_cmp(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n == 0 ? 0 : memcmp(a.p, b.p, n);

	if (order != 0)
		return order;
	return a.n < b.n ? -1 : a.n > b.n;
}

size_t span_find(struct span s, uint8_t byte)
{
	const uint8_t *at = s.n == 0 ? NULL : memchr(s.p, byte, s.n);

	return at == NULL ? s.n : (size_t)(at - s.p);
}

size_t span_find_last(struct span s, uint8_t byte)
{
	for (size_t i = s.n; i > 0; i--)
		if (s.p[i - 1] == byte)
			return i - 1;
	return s.n;
}

size_t span_find_span(struct span s, struct span needle)
{
	const uint8_t *at;

	if (needle.n == 0)
		return 0;
	if (s.n < needle.n)
		return s.n;
	at = memmem(s.p, s.n, needle.p, needle.n);
	return at == NULL ? s.n : (size_t)(at - s.p);
}

struct span span_head(struct span s, size_t n)
{
	return span_of(s.p, n < s.n ? n : s.n);
}

struct span span_tail(struct span s, size_t n)
{
	if (n >= s.n)
		return span_of(s.p == NULL ? NULL : s.p + s.n, 0);
	return span_of(s.p + n, s.n - n);
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

struct span span_trim(struct span s)
{
	while (s.n > 0 && is_blank(s.p[0]))
		s = span_tail(s, 1);
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

struct span span_cut(struct span *s, uint8_t byte)
{
	size_t at = span_find(*s, byte);
	struct span head = span_head(*s, at);

	*s = span_tail(*s, at + 1);
	return head;
}
