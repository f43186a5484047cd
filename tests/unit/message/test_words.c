#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "message/words.h"

static void check_lines(struct span text)
{
	while (text.n > 0) {
		struct span line = span_cut(&text, '\n');

		assert_true(line.n <= WORDS_LINE + 1); /* its CR */
		assert_true(span_trim(line).n > 1);
	}
}

static void test_text_round_trip(void **state)
{
	static const char *const texts[] = {
		"Do you like ketchup?",
		"Cr\xc3\xaapes \xc3\xa0 la carte",
		"a text of many words that is so long that it has to be folded "
		"more than once, and comes back as it was, with  two  blanks",
		"=?utf-8?Q?not_a_word?=",
		"\xf0\x9f\x8d\x94\xf0\x9f\x8d\x94\xf0\x9f\x8d\x94\xf0\x9f\x8d"
		"\x94\xf0\x9f\x8d\x94\xf0\x9f\x8d\x94\xf0\x9f\x8d\x94 burgers",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
		"under_score = ? \"quotes\"",
	};
	struct buf coded, back;

	(void)state;
	buf_init(&coded, 4096);
	buf_init(&back, 4096);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		size_t column = 9;

		buf_reset(&coded);
		buf_reset(&back);
		buf_puts(&coded, "Subject: ");
		words_put_text(&coded, span_str(texts[i]), &column);
		check_lines(buf_span(&coded));
		words_put_decoded(&back, span_tail(buf_span(&coded), 9));
		assert_true(span_eq(buf_span(&back), span_str(texts[i])));
	}
	buf_clear(&coded);
	buf_clear(&back);
}

static void test_a_subject_cannot_add_a_field(void **state)
{
	size_t column = 9;
	struct buf out;

	(void)state;
	buf_init(&out, 1024);
	words_put_text(&out, SPAN("hello\r\nBcc: eve@x"), &column);
	assert_int_equal(span_find(buf_span(&out), '\n'), buf_len(&out));
	buf_clear(&out);
}

static void test_phrases(void **state)
{
	static const struct {
		const char *name, *coded;
	} rows[] = {
		{"Alice", "Alice"},
		{"Alice de Crepes", "Alice de Crepes"},
		{"Bob, the cook", "\"Bob, the cook\""},
		{"a \"b\" \\", "\"a \\\"b\\\" \\\\\""},
		{"Ren\xc3\xa9", "=?utf-8?Q?Ren=C3=A9?="},
	};
	struct buf out;

	(void)state;
	buf_init(&out, 1024);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t column = 6;

		buf_reset(&out);
		words_put_phrase(&out, span_str(rows[i].name), &column);
		assert_true(span_eq(buf_span(&out), span_str(rows[i].coded)));
		assert_int_equal(column, 6 + buf_len(&out));
	}
	buf_clear(&out);
}

/* RFC 2047 8 and what is found in the wild */
static void test_decoding(void **state)
{
	static const struct {
		const char *value, *shown;
	} rows[] = {
		{"=?US-ASCII?Q?Keith_Moore?= <m@x>", "Keith Moore <m@x>"},
		{"=?ISO-8859-1?Q?Keld_J=F8rn?=", "Keld J\xc3\xb8rn"},
		{"=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRo?=\r\n =?ISO-8859-1"
		 "?B?aXM=?=", "If you can read this"},
		{"(=?ISO-8859-1?Q?a?= b)", "(a b)"},
		{"(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)", "(ab)"},
		{"(=?ISO-8859-1?Q?a_?= =?ISO-8859-1?Q?b?=)", "(a b)"},
		{"=?utf-8*en?q?x?=", "x"},
		{"=?koi8-r?Q?x?= y", "=?koi8-r?Q?x?= y"},
		{"=?utf-8?X?x?=", "=?utf-8?X?x?="},
		{"=?utf-8?Q?open", "=?utf-8?Q?open"},
		{"=?utf-8?Q?a=4?= =?", "a=4 =?"},
		{"=?utf-8?Q?\?=x", "x"},
		/* a character cut in two */
		{"=?utf-8?Q?=C3?= =?utf-8?Q?=A9?=", "\xc3\xa9"},
	};
	struct buf out;

	(void)state;
	buf_init(&out, 1024);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&out);
		words_put_decoded(&out, span_str(rows[i].value));
		buf_putc(&out, 0);
		assert_string_equal((const char *)out.p, rows[i].shown);
	}
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_round_trip),
		cmocka_unit_test(test_a_subject_cannot_add_a_field),
		cmocka_unit_test(test_phrases),
		cmocka_unit_test(test_decoding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
