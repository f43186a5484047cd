/*
 * buf.h - bytes being written or gathered, with a hard maximum.
 *
 * A write that would pass the maximum writes nothing and sets a sticky flag,
 * so a builder reads as prose and is checked once at its end.  Bytes are taken
 * from the front by buf_consume, so a buf is a queue of bytes as well.
 * Spans of a buf are valid until the next call that writes to it.
 */
#ifndef POSTRIDER_BASE_BUF_H
#define POSTRIDER_BASE_BUF_H

#include <string.h>

#include "base/err.h"
#include "base/span.h"

struct buf {
	uint8_t *p;    /* owned */
	size_t start;  /* first byte that is not consumed */
	size_t end;
	size_t room;   /* allocated */
	size_t max;    /* hard maximum of end - start, bytes */
	bool overflow; /* a write did not fit; sticky until buf_reset */
	bool is_secret; /* what leaves it is overwritten */
};

void buf_init(struct buf *b, size_t max);
/* For what may be a secret: bytes that leave it, are moved or outgrow their
 * memory are overwritten where they were. */
void buf_init_secret(struct buf *b, size_t max);
/* Frees the memory; the buf may be used again as it was begun. */
void buf_clear(struct buf *b);
/* Empties it and forgets an overflow; keeps the memory. */
void buf_reset(struct buf *b);
/* The same, and overwrites all that it ever held: for secrets. */
void buf_wipe(struct buf *b);

static inline struct span buf_span(const struct buf *b)
{
	return span_of(b->p == NULL ? NULL : b->p + b->start,
		b->end - b->start);
}

static inline size_t buf_len(const struct buf *b)
{
	return b->end - b->start;
}

/* How many bytes may still be written. */
static inline size_t buf_left(const struct buf *b)
{
	return b->max - buf_len(b);
}

void buf_put(struct buf *b, struct span s);
/* Writes as much of it as fits; overflow if that is not all. */
void buf_put_most(struct buf *b, struct span s);

/* In line, as most are literals of a few bytes. */
static inline void buf_puts(struct buf *b, const char *s)
{
	size_t n = strlen(s);

	if (n > 0 && n <= b->room - b->end &&
		n <= b->max - (b->end - b->start) && !b->overflow) {
		memcpy(b->p + b->end, s, n);
		b->end += n;
	} else {
		buf_put(b, span_of(s, n));
	}
}

/* In line where there is room: what writes byte by byte calls it often. */
static inline void buf_putc(struct buf *b, uint8_t byte)
{
	if (b->end < b->room && b->end - b->start < b->max && !b->overflow)
		b->p[b->end++] = byte;
	else
		buf_put(b, span_of(&byte, 1));
}

void buf_put_u64(struct buf *b, uint64_t value); /* decimal */
void buf_printf(struct buf *b, const char *format, ...) FORMAT(2, 3);

/* Takes n bytes (at most all) from the front. */
void buf_consume(struct buf *b, size_t n);
/* Cuts the content back to its first n bytes. */
void buf_truncate(struct buf *b, size_t n);

/* Room for at least n more bytes, to be written in place and then claimed by
 * buf_wrote; NULL (and overflow) if n passes the maximum. */
uint8_t *buf_reserve_more(struct buf *b, size_t n); /* where there is no room */
static inline uint8_t *buf_reserve(struct buf *b, size_t n)
{
	if (n <= b->room - b->end && n <= b->max - (b->end - b->start) &&
		!b->overflow)
		return b->p + b->end;
	return buf_reserve_more(b, n);
}

static inline void buf_wrote(struct buf *b, size_t n)
{
	must(n <= b->room - b->end);
	b->end += n;
}

#endif
