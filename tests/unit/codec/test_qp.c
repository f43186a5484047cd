#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/qp.h"

static void encode(struct span in, size_t step, struct buf *out)
{
	struct qp_encoder e;

	buf_reset(out);
	qp_encode_init(&e);
	for (size_t at = 0; at < in.n; at += step)
		qp_encode_feed(&e, span_head(span_tail(in, at), step), out);
	qp_encode_end(&e, out);
}

static bool decode(struct span in, size_t step, struct buf *out)
{
	struct qp_decoder d;

	buf_reset(out);
	qp_decode_init(&d);
	for (size_t at = 0; at < in.n; at += step)
		qp_decode_feed(&d, span_head(span_tail(in, at), step), out);
	qp_decode_end(&d, out);
	return !d.is_damaged;
}

static void test_encoded_text(void **state)
{
	static const struct {
		const char *plain, *coded;
	} rows[] = {
		{"plain", "plain"},
		{"a=b", "a=3Db"},
		{"Gr\xc3\xbc\xc3\x9f" "e", "Gr=C3=BC=C3=9Fe"},
		{"end \r\nend\t\r\n", "end=20\r\nend=09\r\n"},
		{"end ", "end=20"},
		{"a b", "a b"},
		{"bare\nbare\rx", "bare=0Abare=0Dx"},
		{"\r", "=0D"},
		{" \r", " =0D"},
		{"\r\r\n", "=0D\r\n"},
		{"a lo\x7fnger text", "a lo=7Fnger text"},
		{"a lo\x80nger text", "a lo=80nger text"},
		{"a lo\x01nger text", "a lo=01nger text"},
		{"a longer\t text", "a longer\t text"},
	};
	struct buf out;

	(void)state;
	buf_init(&out, 1024);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t step = 1; step < 20; step++) {
			encode(span_str(rows[i].plain), step, &out);
			assert_true(span_eq(buf_span(&out),
				span_str(rows[i].coded)));
		}
	}
	buf_clear(&out);
}

static void check_lines(struct span text)
{
	while (text.n > 0) {
		struct span line = span_cut(&text, '\n');

		if (span_ends(line, SPAN("\r")))
			line.n--;
		assert_true(line.n <= QP_LINE);
		if (line.n > 0) {
			assert_int_not_equal(line.p[line.n - 1], ' ');
			assert_int_not_equal(line.p[line.n - 1], '\t');
		}
	}
}

/* bytes that matter, in every order that chance gives */
static void test_round_trip_is_identity(void **state)
{
	static const uint8_t letters[] = "\r\n \t=aZ09.\xc3\x00\x7f~A";
	uint8_t bytes[300];
	struct buf text, back;
	uint32_t seed = 7;

	(void)state;
	buf_init(&text, 8192);
	buf_init(&back, 8192);
	for (unsigned round = 0; round < 2000; round++) {
		size_t n = round % sizeof(bytes);
		size_t step = 1 + round % 5;

		for (size_t i = 0; i < n; i++) {
			seed = seed * 1664525 + 1013904223;
			bytes[i] = letters[(seed >> 20) % sizeof(letters)];
		}
		encode(span_of(bytes, n), step, &text);
		check_lines(buf_span(&text));
		assert_true(decode(buf_span(&text), step, &back));
		assert_true(span_eq(buf_span(&back), span_of(bytes, n)));
	}
	buf_clear(&text);
	buf_clear(&back);
}

static void test_decoder_is_tolerant(void **state)
{
	static const struct {
		const char *coded, *plain;
		bool is_clean;
	} rows[] = {
		{"=e2=82=aC", "\xe2\x82\xac", true},
		{"soft=\r\nbreak", "softbreak", true},
		{"soft=\nbreak", "softbreak", true},
		{"soft= \t\r\nbreak", "softbreak", true},
		{"end=", "end", true},
		{"blanks  \r\nx \n", "blanks\r\nx\n", true},
		{"blanks  x", "blanks  x", true},
		{"100=% sure", "100=% sure", false},
		{"=4", "=4", false},
		{"=4x", "=4x", false},
		{"==41", "=A", false},
		{"= x", "= x", false},
		{"=\rx", "x", true},
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

static void test_long_runs_of_blanks_are_kept(void **state)
{
	static const struct {
		size_t blanks;
		const char *end;
		bool is_kept, is_clean;
	} rows[] = {
		{256, "x", true, true},
		{600, "x", true, true},
		{256, "\r\n", false, true},
		{257, "\r\n", true, false},
		{600, "\n", true, false},
		{600, "", true, false},
		{256, "", false, true},
	};
	struct buf in, out;

	(void)state;
	buf_init(&in, 1024);
	buf_init(&out, 1024);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&in);
		for (size_t b = 0; b < rows[i].blanks; b++)
			buf_putc(&in, b % 3 == 0 ? '\t' : ' ');
		buf_puts(&in, rows[i].end);
		for (size_t step = 1; step < 1000; step += 111) {
			assert_int_equal(decode(buf_span(&in), step, &out),
				rows[i].is_clean);
			assert_true(span_eq(buf_span(&out), rows[i].is_kept
				? buf_span(&in) : span_str(rows[i].end)));
		}
	}
	buf_clear(&in);
	buf_clear(&out);
}

/* Whatever comes, a run that is taken at once is what the machine makes of its
 * bytes one by one. */
static void test_result_is_the_same_for_every_split(void **state)
{
	static const uint8_t letters[] = "\r\n\n \t==3D=20=\r\naZ~\xc3\0";
	uint8_t text[400];
	struct buf bytewise, pieces;
	uint32_t seed = 5;

	(void)state;
	buf_init(&bytewise, 8192);
	buf_init(&pieces, 8192);
	for (unsigned round = 0; round < 3000; round++) {
		struct span in = span_of(text, sizeof(text));
		size_t step = 2 + round % sizeof(text);
		bool is_clean;

		for (size_t i = 0; i < sizeof(text); i++) {
			seed = seed * 1664525 + 1013904223;
			text[i] = (seed >> 16) % (1 + round % 30) == 0
				? letters[(seed >> 24) % sizeof(letters)]
				: (uint8_t)('a' + (seed >> 24) % 26);
		}
		is_clean = decode(in, 1, &bytewise);
		assert_int_equal(is_clean, decode(in, step, &pieces));
		assert_true(span_eq(buf_span(&bytewise), buf_span(&pieces)));
		encode(in, 1, &bytewise);
		encode(in, step, &pieces);
		assert_true(span_eq(buf_span(&bytewise), buf_span(&pieces)));
	}
	buf_clear(&bytewise);
	buf_clear(&pieces);
}

/* where nothing can stand as it is, and out holds exactly what it needs */
static void test_encoder_output_fits_its_bound(void **state)
{
	static uint8_t bytes[20000];
	struct buf text, tight;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = 0xff;
	buf_init(&text, 100000);
	for (size_t n = 1; n <= sizeof(bytes); n = n * 5 / 4 + 1) {
		encode(span_of(bytes, n), n, &text);
		assert_int_equal(buf_len(&text), n * 3 + (n - 1) / 25 * 3);
		buf_init(&tight, buf_len(&text));
		encode(span_of(bytes, n), n, &tight);
		assert_true(span_eq(buf_span(&text), buf_span(&tight)));
		buf_clear(&tight);
	}
	buf_clear(&text);
}

static void test_blanks_behind_an_equal_sign_are_bounded(void **state)
{
	struct buf in, out;

	(void)state;
	buf_init(&in, 1024);
	buf_init(&out, 1024);
	buf_putc(&in, '=');
	for (size_t i = 0; i < QP_BLANKS_MAX + 50; i++)
		buf_putc(&in, ' ');
	buf_puts(&in, "\r\n");
	for (size_t step = 1; step < 1000; step += 111) {
		assert_false(decode(buf_span(&in), step, &out));
		assert_true(span_starts(buf_span(&out), SPAN("=  ")));
		assert_true(span_ends(buf_span(&out), SPAN(" \r\n")));
		assert_int_equal(buf_len(&out), QP_BLANKS_MAX + 2);
	}
	buf_clear(&in);
	buf_clear(&out);
}

/* as much as fits is there, to the byte, and the overflow is told */
static void test_a_full_buffer_is_filled(void **state)
{
	uint8_t text[600];
	struct buf out;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 70 == 69 ? '\n' : 'x';
	for (size_t max = 550; max <= 600; max++) {
		buf_init(&out, max);
		assert_true(decode(span_of(text, sizeof(text)), 500, &out));
		assert_int_equal(buf_len(&out), max);
		assert_int_equal(out.overflow, max < 600);
		buf_clear(&out);
	}
	buf_init(&out, 10);
	encode(span_of(text, sizeof(text)), 500, &out);
	assert_int_equal(buf_len(&out), 10);
	assert_true(out.overflow);
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encoded_text),
		cmocka_unit_test(test_round_trip_is_identity),
		cmocka_unit_test(test_decoder_is_tolerant),
		cmocka_unit_test(test_long_runs_of_blanks_are_kept),
		cmocka_unit_test(test_result_is_the_same_for_every_split),
		cmocka_unit_test(test_encoder_output_fits_its_bound),
		cmocka_unit_test(test_blanks_behind_an_equal_sign_are_bounded),
		cmocka_unit_test(test_a_full_buffer_is_filled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
