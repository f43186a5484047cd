/*
 * buf.c - bytes being written or gathered.  See buf.h.
 *
 * Content lies in p[start..end).  When the end has no room, content is moved
 * to the start if half of the memory is free there, else the memory doubles.
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define BUF_FIRST_ROOM 256

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max};
}

void buf_init_secret(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max, .is_secret = true};
}

/* Overwrites what lay there, if that matters. */
static void forget(struct buf *b, size_t from, size_t to)
{
	if (b->is_secret && from < to)
		explicit_bzero(b->p + from, to - from);
}

void buf_clear(struct buf *b)
{
	forget(b, b->start, b->end);
	mem_free(b->p);
	*b = (struct buf){.max = b->max, .is_secret = b->is_secret};
}

void buf_reset(struct buf *b)
{
	forget(b, b->start, b->end);
	b->start = b->end = 0;
	b->overflow = false;
}

void buf_wipe(struct buf *b)
{
	if (b->p != NULL)
		explicit_bzero(b->p, b->room);
	buf_reset(b);
}

static void grow(struct buf *b, size_t room)
{
	uint8_t *fresh;

	if (!b->is_secret) {
		b->p = mem_resize(b->p, room, 1);
		b->room = room;
		return;
	}
	fresh = mem_new(room, 1);
	if (b->start < b->end)
		memcpy(fresh + b->start, b->p + b->start, buf_len(b));
	forget(b, b->start, b->end);
	mem_free(b->p);
	b->p = fresh;
	b->room = room;
}

static void move_or_grow(struct buf *b, size_t n)
{
	size_t used = buf_len(b);
	size_t room = b->room;

	if (b->start > 0 && b->start >= b->room / 2 && b->room - used >= n) {
		memmove(b->p, b->p + b->start, used);
		forget(b, used > b->start ? used : b->start, b->end);
		b->start = 0;
		b->end = used;
		return;
	}
	room = room < BUF_FIRST_ROOM ? BUF_FIRST_ROOM : room;
	while (room - b->end < n)
		room *= 2;
	grow(b, room);
}

static void make_room(struct buf *b, size_t n)
{
	if (b->room - b->end < n)
		move_or_grow(b, n);
}

uint8_t *buf_reserve_more(struct buf *b, size_t n)
{
	if (b->overflow || n > buf_left(b)) {
		b->overflow = true;
		return NULL;
	}
	make_room(b, n);
	return b->p + b->end;
}

void buf_put(struct buf *b, struct span s)
{
	uint8_t *to;

	if (s.n == 0)
		return;
	to = buf_reserve(b, s.n);
	if (to == NULL)
		return;
	memcpy(to, s.p, s.n);
	b->end += s.n;
}

void buf_put_most(struct buf *b, struct span s)
{
	struct span fits = span_head(s, buf_left(b));

	buf_put(b, fits);
	buf_put(b, span_tail(s, fits.n));
}

void buf_put_u64(struct buf *b, uint64_t value)
{
	uint8_t digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (uint8_t)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	buf_put(b, span_of(digits + at, sizeof(digits) - at));
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;
	int n;
	uint8_t *to;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	must(n >= 0);
	if ((size_t)n > buf_left(b)) {
		b->overflow = true;
		return;
	}
	make_room(b, (size_t)n + 1);
	if (b->overflow)
		return;
	to = b->p + b->end;
	va_start(args, format);
	(void)vsnprintf((char *)to, (size_t)n + 1, format, args);
	va_end(args);
	b->end += (size_t)n;
}

void buf_consume(struct buf *b, size_t n)
{
	n = n < buf_len(b) ? n : buf_len(b);
	forget(b, b->start, b->start + n);
	b->start += n;
	if (b->start == b->end)
		b->start = b->end = 0;
}

void buf_truncate(struct buf *b, size_t n)
{
	if (n >= buf_len(b))
		return;
	forget(b, b->start + n, b->end);
	b->end = b->start + n;
}
