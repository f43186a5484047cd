#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/transfer.h"

static void encode(enum transfer_coding coding, struct span in, size_t step,
	struct buf *out)
{
	struct transfer_encoder e;

	buf_reset(out);
	transfer_encode_init(&e, coding);
	for (size_t at = 0; at < in.n; at += step)
		transfer_encode_feed(&e, span_head(span_tail(in, at), step),
			out);
	transfer_encode_end(&e, out);
}

static bool decode(enum transfer_coding coding, struct span in, size_t step,
	struct buf *out)
{
	struct transfer_decoder d;

	buf_reset(out);
	transfer_decode_init(&d, coding);
	for (size_t at = 0; at < in.n; at += step)
		transfer_decode_feed(&d, span_head(span_tail(in, at), step),
			out);
	return transfer_decode_end(&d, out);
}

static void test_each_coding_is_that_one(void **state)
{
	static const struct {
		enum transfer_coding coding;
		const char *coded, *plain;
		bool is_clean;
	} rows[] = {
		{TRANSFER_NONE, "a=3D Zg==\n\x80", "a=3D Zg==\n\x80", true},
		{TRANSFER_QP, "a=3D=\r\nb", "a=b", true},
		{TRANSFER_QP, "a=zb", "a=zb", false},
		{TRANSFER_BASE64, "Zm9v\r\nYg==", "foob", true},
		{TRANSFER_BASE64, "Zm9v\r\nYg", "foob", false},
	};
	struct buf out;

	(void)state;
	buf_init(&out, 1024);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool is_clean = decode(rows[i].coding, span_str(rows[i].coded),
			3, &out);

		assert_true(span_eq(buf_span(&out), span_str(rows[i].plain)));
		assert_int_equal(is_clean, rows[i].is_clean);
	}
	buf_clear(&out);
}

static void test_lines_are_those_of_mail(void **state)
{
	uint8_t text[200];
	struct buf out;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = 'x';
	buf_init(&out, 1024);
	encode(TRANSFER_BASE64, span_of(text, sizeof(text)), 200, &out);
	assert_int_equal(span_find(buf_span(&out), '\r'), 76);
	encode(TRANSFER_QP, span_of(text, sizeof(text)), 200, &out);
	assert_int_equal(span_find(buf_span(&out), '\r'), 76);
	encode(TRANSFER_NONE, span_of(text, sizeof(text)), 200, &out);
	assert_true(span_eq(buf_span(&out), span_of(text, sizeof(text))));
	buf_clear(&out);
}

static void test_round_trip_is_identity(void **state)
{
	uint8_t bytes[600];
	struct buf coded, back;
	uint32_t seed = 3;

	(void)state;
	buf_init(&coded, 8192);
	buf_init(&back, 8192);
	for (size_t n = 0; n < sizeof(bytes); n++) {
		struct span in = span_of(bytes, n);

		seed = seed * 1664525 + 1013904223;
		bytes[n] = (uint8_t)(seed >> 24);
		for (int c = TRANSFER_NONE; c <= TRANSFER_BASE64; c++) {
			encode((enum transfer_coding)c, in, 1 + n % 97,
				&coded);
			assert_true(decode((enum transfer_coding)c,
				buf_span(&coded), 1 + n % 89, &back));
			assert_true(span_eq(buf_span(&back), in));
		}
	}
	buf_clear(&coded);
	buf_clear(&back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_coding_is_that_one),
		cmocka_unit_test(test_lines_are_those_of_mail),
		cmocka_unit_test(test_round_trip_is_identity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
