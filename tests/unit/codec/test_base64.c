#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/base64.h"

static void encode(struct span in, size_t step, size_t line, struct buf *out)
{
	struct base64_encoder e;

	buf_reset(out);
	base64_encode_init(&e, line);
	for (size_t at = 0; at < in.n; at += step)
		base64_encode_feed(&e, span_head(span_tail(in, at), step), out);
	base64_encode_end(&e, out);
}

static bool decode(struct span in, size_t step, struct buf *out)
{
	struct base64_decoder d;

	buf_reset(out);
	base64_decode_init(&d);
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
	};
	struct buf out;

	(void)state;
	buf_init(&out, 1024);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool is_clean = decode(span_str(rows[i].coded), 1, &out);

		assert_true(span_eq(buf_span(&out), span_str(rows[i].plain)));
		assert_int_equal(is_clean, rows[i].is_clean);
	}
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_round_trip_at_every_length_and_split),
		cmocka_unit_test(test_lines_are_76_long),
		cmocka_unit_test(test_decoder_is_tolerant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
