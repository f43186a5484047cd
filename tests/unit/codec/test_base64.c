#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "codec/base64.h"

/* the way that the tests below go */
static const struct base64_way *way;

static void encode(struct span in, size_t step, size_t line, struct buf *out)
{
	struct base64_encoder e;

	buf_reset(out);
	base64_encode_init(&e, line);
	e.way = way;
	for (size_t at = 0; at < in.n; at += step)
		base64_encode_feed(&e, span_head(span_tail(in, at), step), out);
	base64_encode_end(&e, out);
}

static bool decode(struct span in, size_t step, struct buf *out)
{
	struct base64_decoder d;

	buf_reset(out);
	base64_decode_init(&d);
	d.way = way;
	for (size_t at = 0; at < in.n; at += step)
		base64_decode_feed(&d, span_head(span_tail(in, at), step), out);
	base64_decode_end(&d, out);
	return !d.is_damaged;
}

/* RFC 4648 10 */
static void test_vectors(void **state)
{
	static const struct {
		const char *plain, *coded;
	} rows[] = {
		{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"},
		{"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="},
		{"foobar", "Zm9vYmFy"},
	};
	struct buf out;

	(void)state;
	buf_init(&out, 1024);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		encode(span_str(rows[i].plain), 1, 0, &out);
		assert_true(span_eq(buf_span(&out), span_str(rows[i].coded)));
		assert_int_equal(buf_len(&out),
			base64_encoded_len(span_str(rows[i].plain).n));
		assert_true(decode(span_str(rows[i].coded), 1, &out));
		assert_true(span_eq(buf_span(&out), span_str(rows[i].plain)));
	}
	buf_clear(&out);
}

static void test_round_trip_at_every_length_and_split(void **state)
{
	uint8_t bytes[200];
	struct buf text, back;
	uint32_t seed = 1;

	(void)state;
	buf_init(&text, 4096);
	buf_init(&back, 4096);
	for (size_t n = 0; n < sizeof(bytes); n++) {
		struct span in = span_of(bytes, n);

		seed = seed * 1664525 + 1013904223;
		bytes[n] = (uint8_t)(seed >> 24);
		for (size_t step = 1; step < 8; step++) {
			encode(in, step, BASE64_MAIL_LINE, &text);
			assert_true(decode(buf_span(&text), step, &back));
			assert_true(span_eq(buf_span(&back), in));
		}
	}
	buf_clear(&text);
	buf_clear(&back);
}

static void test_lines_are_76_long(void **state)
{
	static const uint8_t zeros[58] = {0};
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	encode(span_of(zeros, 57), 57, BASE64_MAIL_LINE, &out);
	assert_int_equal(buf_len(&out), 76);
	encode(span_of(zeros, 58), 58, BASE64_MAIL_LINE, &out);
	assert_int_equal(buf_len(&out), 76 + 2 + 4);
	assert_true(span_eq(span_head(span_tail(buf_span(&out), 76), 2),
		SPAN("\r\n")));
	buf_clear(&out);
}

static void test_lines_are_the_same_for_every_split(void **state)
{
	uint8_t bytes[400];
	struct buf whole, pieces;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	buf_init(&whole, 1024);
	for (size_t n = 0; n < sizeof(bytes); n += 19) {
		encode(span_of(bytes, n), n + 1, BASE64_MAIL_LINE, &whole);
		/* it fits into exactly what it needs */
		buf_init(&pieces, buf_len(&whole));
		for (size_t step = 1; step <= n; step++) {
			encode(span_of(bytes, n), step, BASE64_MAIL_LINE,
				&pieces);
			assert_false(pieces.overflow);
			assert_true(span_eq(buf_span(&whole),
				buf_span(&pieces)));
		}
		buf_clear(&pieces);
		for (size_t at = 76; at < buf_len(&whole); at += 78)
			assert_int_equal(whole.p[at], '\r');
	}
	buf_clear(&whole);
}

/* no byte behind the input is looked at: a sanitizer would tell */
static void test_encoding_stays_in_its_input(void **state)
{
	(void)state;
	for (size_t groups = 1; groups < 50; groups++) {
		uint8_t *in = calloc(groups, 3);
		uint8_t *out = malloc(groups * 4);

		assert_non_null(in);
		assert_non_null(out);
		way->encode(in, groups, out);
		for (size_t i = 0; i < groups * 4; i++)
			assert_int_equal(out[i], 'A');
		free(in);
		free(out);
	}
}

static void test_decoder_is_tolerant(void **state)
{
	static const struct {
		const char *coded, *plain;
		bool is_clean;
	} rows[] = {
		{"Zm9v\r\nYmFy\r\n", "foobar", true},
		{"Z m\t9 v", "foo", true},
		{"Zm9vYg", "foob", false},       /* no padding */
		{"Zm9vYmE", "fooba", false},
		{"Zm9vY", "foo", false},         /* 6 bits left over */
		{"Zm*9v", "foo", false},         /* not in the alphabet */
		{"Zg==Zg==", "ff", false},       /* two glued together */
		{"====", "", true},
		{"Zg==\r\n \r\n", "f", true},
		/* a line of whole groups goes on */
		{"Zg==\r\nZm9v\t \r\nYmFy\r\n", "ffoobar", false},
		{"Zg==Zm8=Zg==\n", "ffof", false},
		{"Zg==\nZ===Zm9v", "ffoo", false},
		{"Zg==QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowQUJDREVGR0hJSktMTU5P"
			"UFFSU1RVVldYWVowMTIzNDU2\nZ m9v",
			"fABCDEFGHIJKLMNOPQRSTUVWXYZ0ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			"0123456foo", false},
		/* what is none is a footer: nothing more is read */
		{"Zg==\r\n____\r\nZm9v\r\n", "f", false},
		{"Zg==\nZm9v bar\nZm9v\n", "f", false},
		{"Zg==\nlists\nZm9v\n", "f", false},
		{"Zg==\nZm9v.\n", "f", false},
		{"Zg==\nZg=\nZm9v\n", "f", false},
		{"Zg==Zg=Zm9v\n", "f", false},
		{"Zg==\nZg", "f", false},
		/* the same where a wide step would take them */
		{"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVow\r\nMTIz",
			"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123", true},
		{"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVow*MTIz",
			"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123", false},
		{"QUJDREVGR0hJSkt*MTU5PUFFSU1RVVldYWVowMTIz",
			"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123", false},
		{"QUI=QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIz",
			"ABABCDEFGHIJKLMNOPQRSTUVWXYZ0123", false},
	};
	struct buf out;

	(void)state;
	buf_init(&out, 1024);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span coded = span_str(rows[i].coded);

		for (size_t step = 1; step <= coded.n; step++) {
			bool is_clean = decode(coded, step, &out);

			assert_true(span_eq(buf_span(&out),
				span_str(rows[i].plain)));
			assert_int_equal(is_clean, rows[i].is_clean);
		}
	}
	buf_clear(&out);
}

/* RFC 4648 4, byte by byte: what the ways must agree with */
static size_t decode_slowly(struct span in, uint8_t *out)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t groups = 0;

	for (; in.n >= 4; in = span_tail(in, 4), groups++) {
		uint32_t bits = 0;

		for (unsigned i = 0; i < 4; i++) {
			struct span all = span_of(letters, 64);
			size_t value = span_find(all, in.p[i]);

			if (value == all.n)
				return groups;
			bits = bits << 6 | (uint32_t)value;
		}
		*out++ = (uint8_t)(bits >> 16);
		*out++ = (uint8_t)(bits >> 8);
		*out++ = (uint8_t)bits;
	}
	return groups;
}

static void test_a_way_takes_letters_and_nothing_else(void **state)
{
	uint8_t in[128], out[96 + BASE64_WAY_SLACK], slow[96];

	(void)state;
	for (size_t at = 0; at < sizeof(in); at++) {
		for (unsigned byte = 0; byte < 256; byte++) {
			struct span text = span_of(in, sizeof(in));
			size_t groups;

			for (size_t i = 0; i < sizeof(in); i++)
				in[i] = (uint8_t)"AZaz09+/"[i * 5 % 8];
			in[at] = (uint8_t)byte;
			groups = way->decode(text, out);
			assert_int_equal(groups, decode_slowly(text, slow));
			assert_memory_equal(out, slow, groups * 3);
		}
	}
}

/* lines of any length, of which few are whole groups, and of any bytes */
static void test_ways_agree_on_hostile_text(void **state)
{
	static const uint8_t odd[] = "=\r\n \t*-_\x80\xff\0";
	uint8_t text[512];
	struct buf whole, pieces;
	uint32_t seed = 11;

	(void)state;
	buf_init(&whole, 1024);
	buf_init(&pieces, 1024);
	for (unsigned round = 0; round < 3000; round++) {
		bool is_clean;

		for (size_t i = 0; i < sizeof(text); i++) {
			seed = seed * 1664525 + 1013904223;
			text[i] = (seed >> 16) % (8 + round % 90) == 0
				? odd[(seed >> 24) % sizeof(odd)]
				: (uint8_t)('a' + (seed >> 24) % 26);
		}
		way = &base64_ways[0];
		is_clean = decode(span_of(text, sizeof(text)), 1, &whole);
		way = *state;
		assert_int_equal(is_clean, decode(span_of(text, sizeof(text)),
			1 + round % 200, &pieces));
		assert_true(span_eq(buf_span(&whole), buf_span(&pieces)));
	}
	buf_clear(&whole);
	buf_clear(&pieces);
}

/* as much as fits is there, to the byte, and the overflow is told */
static void test_a_full_buffer_is_filled(void **state)
{
	uint8_t zeros[300] = {0};
	struct buf coded, back;

	(void)state;
	buf_init(&coded, base64_encoded_len(sizeof(zeros)));
	encode(span_of(zeros, sizeof(zeros)), 100, 0, &coded);
	assert_false(coded.overflow);
	for (size_t max = 250; max <= 300; max++) {
		buf_init(&back, max);
		decode(buf_span(&coded), 77, &back);
		assert_int_equal(buf_len(&back), max);
		assert_int_equal(back.overflow, max < 300);
		buf_clear(&back);
	}
	buf_clear(&coded);
}

static void test_large_round_trip(void **state)
{
	static uint8_t bytes[100003];
	struct buf text, back;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * i >> 7);
	buf_init(&text, 200000);
	buf_init(&back, sizeof(bytes));
	for (size_t step = 1000; step < 110000; step += 33333) {
		encode(span_of(bytes, sizeof(bytes)), step, BASE64_MAIL_LINE,
			&text);
		assert_true(decode(buf_span(&text), step + 1, &back));
		assert_true(span_eq(buf_span(&back),
			span_of(bytes, sizeof(bytes))));
	}
	buf_clear(&text);
	buf_clear(&back);
}

int main(void)
{
	int failed = 0;

	for (size_t i = 0; i < base64_way_count; i++) {
		void *state = (void *)(uintptr_t)&base64_ways[i];
		const struct CMUnitTest tests[] = {
			cmocka_unit_test(test_vectors),
			cmocka_unit_test(
				test_round_trip_at_every_length_and_split),
			cmocka_unit_test(test_lines_are_76_long),
			cmocka_unit_test(
				test_lines_are_the_same_for_every_split),
			cmocka_unit_test(test_encoding_stays_in_its_input),
			cmocka_unit_test(test_decoder_is_tolerant),
			cmocka_unit_test(
				test_a_way_takes_letters_and_nothing_else),
			cmocka_unit_test_prestate(
				test_ways_agree_on_hostile_text, state),
			cmocka_unit_test(test_a_full_buffer_is_filled),
			cmocka_unit_test(test_large_round_trip),
		};

		way = &base64_ways[i];
		if (!way->is_there())
			continue;
		failed += cmocka_run_group_tests_name(way->name, tests, NULL,
			NULL);
	}
	return failed;
}
