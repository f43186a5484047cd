/*
 * span.h - a read-only run of bytes, passed by value.
 *
 * A span borrows: it is valid as long as what it was cut from.  It carries no
 * NUL at its end, and may hold any byte.
 */
#ifndef POSTRIDER_BASE_SPAN_H
#define POSTRIDER_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
	const uint8_t *p;
	size_t n;
};

/* A span over a string literal, without its NUL. */
#define SPAN(literal)                                                          \
	((struct span){(const uint8_t *)("" literal), sizeof(literal) - 1})
/* The same, for the initializer of a static table. */
#define SPAN_INIT(literal)                                                     \
	{(const uint8_t *)("" literal), sizeof(literal) - 1}
#define SPAN_EMPTY ((struct span){NULL, 0})
/* For printf: ("%.*s", SPAN_ARG(s)).  Shown text passes an escaper first. */
#define SPAN_ARG(s) (int)(s).n, (const char *)(s).p

static inline struct span span_of(const void *p, size_t n)
{
	return (struct span){p, n};
}

/* Over a NUL-ended string of the system's edge; NULL gives the empty span. */
struct span span_str(const char *s);

bool span_eq(struct span a, struct span b);
/* Equal but for the case of ASCII letters. */
bool span_eq_fold(struct span a, struct span b);
bool span_starts(struct span s, struct span prefix);
bool span_starts_fold(struct span s, struct span prefix);
bool span_ends(struct span s, struct span suffix);
/* Order as memcmp, a prefix first: <0, 0, >0. */
int span_cmp(struct span a, struct span b);

/* Index of the first (last) such byte, or s.n if there is none. */
size_t span_find(struct span s, uint8_t byte);
size_t span_find_last(struct span s, uint8_t byte);
/* Index of the first occurrence of needle, or s.n. */
size_t span_find_span(struct span s, struct span needle);

/* The first n bytes; what follows the first n bytes.  n beyond the end is cut
 * to the end. */
struct span span_head(struct span s, size_t n);
struct span span_tail(struct span s, size_t n);
/* Without blanks and tabs at both ends. */
struct span span_trim(struct span s);
/* Cuts the part before the first such byte off *s and returns it; without the
 * byte all of *s.  *s is left with what follows the byte. */
struct span span_cut(struct span *s, uint8_t byte);

static inline uint8_t ascii_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static inline bool ascii_is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static inline bool ascii_is_alpha(uint8_t c)
{
	return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
}

#endif
