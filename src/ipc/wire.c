/*
 * wire.c - how the fields of a message stand in a frame.  See wire.h.
 */
#include "ipc/wire.h"

static void put_le(struct buf *out, uint64_t value, size_t bytes)
{
	uint8_t le[8];

	for (size_t i = 0; i < bytes; i++)
		le[i] = (uint8_t)(value >> (8 * i));
	buf_put(out, span_of(le, bytes));
}

void wire_put_u8(struct buf *out, uint8_t value)
{
	buf_putc(out, value);
}

void wire_put_u32(struct buf *out, uint32_t value)
{
	put_le(out, value, 4);
}

void wire_put_u64(struct buf *out, uint64_t value)
{
	put_le(out, value, 8);
}

void wire_put_i64(struct buf *out, int64_t value)
{
	put_le(out, (uint64_t)value, 8);
}

void wire_put_bytes(struct buf *out, struct span value)
{
	must(value.n <= UINT32_MAX);
	wire_put_u32(out, (uint32_t)value.n);
	buf_put(out, value);
}

static struct span take(struct wire *w, size_t n)
{
	struct span s;

	if (w->failed || n > w->left.n) {
		w->failed = true;
		return SPAN_EMPTY;
	}
	s = span_head(w->left, n);
	w->left = span_tail(w->left, n);
	return s;
}

static uint64_t get_le(struct wire *w, size_t bytes)
{
	struct span s = take(w, bytes);
	uint64_t value = 0;

	for (size_t i = s.n; i > 0; i--)
		value = value << 8 | s.p[i - 1];
	return value;
}

uint8_t wire_get_u8(struct wire *w)
{
	return (uint8_t)get_le(w, 1);
}

uint32_t wire_get_u32(struct wire *w)
{
	return (uint32_t)get_le(w, 4);
}

uint64_t wire_get_u64(struct wire *w)
{
	return get_le(w, 8);
}

int64_t wire_get_i64(struct wire *w)
{
	return (int64_t)get_le(w, 8);
}

struct span wire_get_bytes(struct wire *w, size_t max)
{
	uint32_t n = wire_get_u32(w);

	if (n > max) {
		w->failed = true;
		return SPAN_EMPTY;
	}
	return take(w, n);
}
