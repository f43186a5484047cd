/*
 * test_deflate.c - what was compressed comes back, at any cut; what is no
 * DEFLATE is found out; a bomb costs the room it is given.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "net/deflate.h"

#define BYTES 300000u

/* Text that repeats itself, and noise between. */
static void put_text(struct buf *out, uint32_t seed)
{
	buf_init(out, BYTES + 64);
	while (buf_len(out) < BYTES) {
		seed = seed * 1664525u + 1013904223u;
		if (seed >> 30 == 0)
			buf_putc(out, (uint8_t)(seed >> 16));
		else
			buf_puts(out, "* 17 FETCH (FLAGS (\\Seen) UID 4711)\r\n");
	}
}

/* Takes all of `in`, cut into pieces of that size, into an out with that much
 * room; appended to *all. */
static enum code take_all(struct inflater *i, struct span in, size_t cut,
	size_t room, struct buf *all)
{
	struct buf out;
	enum code code = OK;

	buf_init(&out, room);
	while (code == OK) {
		struct span piece = span_head(in, cut);
		size_t before = piece.n;

		code = inflater_take(i, &piece, &out);
		in = span_tail(in, before - piece.n);
		if (before == piece.n && buf_len(&out) == 0)
			break;
		buf_put(all, buf_span(&out));
		buf_reset(&out);
	}
	buf_clear(&out);
	return code;
}

static void comes_back(void **state)
{
	static const size_t cuts[] = {1, 2, 7, 1000, 65536, BYTES};
	static const size_t rooms[] = {1, 13, 4096, BYTES};

	(void)state;
	for (size_t n = 0; n < 24; n++) {
		struct deflater *d = deflater_new();
		struct inflater *i = inflater_new();
		struct buf text, packed, all;
		struct span left;

		put_text(&text, (uint32_t)n);
		buf_init(&packed, 2 * BYTES);
		buf_init(&all, 2 * BYTES);
		/* in pieces: each can be read when it has come */
		for (left = buf_span(&text); left.n > 0;) {
			struct span piece = span_head(left, 50000 + 1000 * n);

			buf_reset(&packed);
			deflater_put(d, piece, &packed);
			left = span_tail(left, piece.n);
			assert_int_equal(take_all(i, buf_span(&packed),
				cuts[n % 6], rooms[n / 6], &all), OK);
			assert_int_equal(buf_len(&all),
				buf_len(&text) - left.n);
		}
		assert_true(span_eq(buf_span(&all), buf_span(&text)));
		deflater_free(d);
		inflater_free(i);
		buf_clear(&text);
		buf_clear(&packed);
		buf_clear(&all);
	}
}

static void becomes_small(void **state)
{
	struct deflater *d = deflater_new();
	struct buf packed;

	(void)state;
	buf_init(&packed, 100000);
	deflater_put(d, span_of(NULL, 0), &packed);
	assert_int_equal(buf_len(&packed), 0);
	for (int n = 0; n < 1000; n++)
		deflater_put(d, SPAN("* 17 FETCH (FLAGS (\\Seen))\r\n"), &packed);
	assert_in_range(buf_len(&packed), 1, 14000);
	deflater_free(d);
	buf_clear(&packed);
}

static void finds_damage(void **state)
{
	/* a block of type 3; a stored block whose length is no length; what goes
	 * farther back than there is; the end of the stream */
	static const struct span damaged[] = {SPAN_INIT("\x07"),
		SPAN_INIT("\x00\x05\x00\x05\x00"), SPAN_INIT("\x03\x62\xff\xff"),
		SPAN_INIT("\x03\x00")};

	(void)state;
	for (size_t n = 0; n < 4; n++) {
		struct inflater *i = inflater_new();
		struct buf all;

		buf_init(&all, 4096);
		assert_int_equal(take_all(i, damaged[n], 100, 100, &all),
			SYNTAX);
		assert_int_equal(take_all(i, SPAN("A"), 1, 100, &all), SYNTAX);
		inflater_free(i);
		buf_clear(&all);
	}
}

/* 4 MB of one letter are 4 KB on the wire; each call gives what fits. */
static void bounds_a_bomb(void **state)
{
	struct deflater *d = deflater_new();
	struct inflater *i = inflater_new();
	struct buf text, packed, out;
	struct span left;
	size_t total = 0, calls = 0;

	(void)state;
	buf_init(&text, 4u << 20);
	buf_init(&packed, 1u << 20);
	buf_init(&out, 1000);
	while (buf_left(&text) > 0)
		buf_put_most(&text, SPAN("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
	deflater_put(d, buf_span(&text), &packed);
	assert_in_range(buf_len(&packed), 1, 40000);
	left = buf_span(&packed);
	do {
		buf_reset(&out);
		assert_int_equal(inflater_take(i, &left, &out), OK);
		total += buf_len(&out);
		calls++;
	} while (buf_len(&out) > 0);
	assert_int_equal(total, buf_len(&text));
	assert_true(calls > total / 1000);
	deflater_free(d);
	inflater_free(i);
	buf_clear(&text);
	buf_clear(&packed);
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(comes_back),
		cmocka_unit_test(becomes_small),
		cmocka_unit_test(finds_damage),
		cmocka_unit_test(bounds_a_bomb)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
