#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>

#include "codec/charset.h"
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
		"blanks that cross the end of the line, eight of them:        "
		"        and more:                         end",
		"one, two, three, four, five, six, seven, eight, nine, te       "
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
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
		/* as much as people can read, else what is shorter */
		{"\xe6\x97\xa5\xe6\x9c\xac", "=?utf-8?B?5pel5pys?="},
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

struct row {
	const char *value, *shown;
};

/* A name in quotes is folded too, before a blank. */
static void test_a_long_phrase(void **state)
{
	struct span name = SPAN("a, very, very, long, name, of, a, person, "
		"that, will, not, fit, into, one, line, \"of\", the, head");
	size_t column = 6;
	struct buf out;

	(void)state;
	buf_init(&out, 1024);
	words_put_phrase(&out, name, &column);
	assert_true(span_find(buf_span(&out), '\n') < buf_len(&out));
	check_lines(buf_span(&out));
	/* forty quotes are eighty characters */
	buf_reset(&out);
	column = 6;
	words_put_phrase(&out, SPAN("\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\""
		"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\""), &column);
	check_lines(buf_span(&out));
	buf_clear(&out);
}

/* B words hold whole characters, and nothing that ends a line. */
/* behind a long name the first word begins on a line of its own */
static void test_the_first_word_folds(void **state)
{
	static const struct {
		const char *text, *coded;
	} rows[] = {
		{"hello you", "\r\n hello you"},
		{"h\xc3\xa9", "\r\n =?utf-8?B?aMOp?="},
	};
	struct buf out;

	(void)state;
	buf_init(&out, 1024);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t column = 76;

		buf_reset(&out);
		words_put_text(&out, span_str(rows[i].text), &column);
		assert_true(span_eq(buf_span(&out), span_str(rows[i].coded)));
		assert_int_equal(column, buf_len(&out) -
			span_find_last(buf_span(&out), '\n') - 1);
	}
	buf_clear(&out);
}

static void test_b_words(void **state)
{
	static const char text[] =
		"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\r\n\xe6\x97\xa5\xe6\x9c\xac"
		"\xe8\xaa\x9e\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5\xe6"
		"\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe6\x97"
		"\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e";
	size_t column = 9;
	struct span rest;
	struct buf out, word;

	(void)state;
	buf_init(&out, 1024);
	buf_init(&word, 1024);
	words_put_text(&out, span_str(text), &column);
	check_lines(buf_span(&out));
	rest = buf_span(&out);
	while (rest.n > 0) {
		buf_reset(&word);
		words_put_decoded(&word, span_cut(&rest, '\n'));
		assert_int_equal(
			span_find_span(buf_span(&word), SPAN("\xef\xbf\xbd")),
			buf_len(&word));
		assert_true(buf_len(&word) > 30 || rest.n == 0);
	}
	buf_reset(&word);
	words_put_decoded(&word, buf_span(&out));
	assert_int_equal(buf_len(&word), sizeof(text) - 1);
	assert_true(span_starts(span_tail(buf_span(&word), 9), SPAN("  ")));
	buf_clear(&out);
	buf_clear(&word);
}

/* clang-format off */
static const struct row rows[] = {
	{"", ""},
	{"plain", "plain"},
	{" \t plain \r\n", "plain"},
	{"fol\r\n ded\n\tlines", "fol ded lines"},
	{"two  blanks", "two  blanks"},
	/* RFC 2047 8 */
	{"=?US-ASCII?Q?Keith_Moore?= <m@x>", "Keith Moore <m@x>"},
	{"=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?= <k@x>",
		"Keld J\xc3\xb8rn Simonsen <k@x>"},
	{"=?ISO-8859-1?Q?Andr=E9?= Pirard", "Andr\xc3\xa9 Pirard"},
	{"=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n"
	 " =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
		"If you can read this you understand the example."},
	{"=?ISO-8859-1?Q?Olle_J=E4rnefors?=", "Olle J\xc3\xa4rnefors"},
	{"=?iso-8859-8?b?7eXs+SDv4SDp7Oj08A==?=",
		"\xd7\x9d\xd7\x95\xd7\x9c\xd7\xa9 \xd7\x9f\xd7\x91 "
		"\xd7\x99\xd7\x9c\xd7\x98\xd7\xa4\xd7\xa0"},
	{"(=?ISO-8859-1?Q?a?=)", "(a)"},
	{"(=?ISO-8859-1?Q?a?= b)", "(a b)"},
	{"(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)"},
	{"(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)", "(ab)"},
	{"(=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?=)", "(ab)"},
	{"(=?ISO-8859-1?Q?a_b?=)", "(a b)"},
	{"(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)"},
	/* RFC 2231 5: a language */
	{"=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore"},
	{"=?utf-8*de?q?=C3=A4?= =?utf-8*fr?q?=C3=A9?=", "\xc3\xa4\xc3\xa9"},
	/* case, and names of sets */
	{"=?UTF-8?b?w6k=?=", "\xc3\xa9"},
	{"=?utf8?q?=c3=a9?=", "\xc3\xa9"},
	{"=?cp1252?Q?=80?=", "\xe2\x82\xac"},
	{"=?iso-8859-1?Q?=93x=94?=", "\xe2\x80\x9cx\xe2\x80\x9d"},
	{"=?koi8-r?B?8NLJ18XU?=", "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1"
		"\x82"},
	{"=?ISO-2022-JP?B?GyRCRnxLXBsoQg==?=", "\xe6\x97\xa5\xe6\x9c\xac"},
	{"=?gb2312?B?1tDOxA==?=", "\xe4\xb8\xad\xe6\x96\x87"},
	{"=?ks_c_5601-1987?B?x9Gxub7u?=",
		"\xed\x95\x9c\xea\xb5\xad\xec\x96\xb4"},
	{"=?unicode-1-1-utf-7?Q?+AOk-?=", "\xc3\xa9"},
	{"=?unknown-8bit?Q?caf=E9?=", "caf\xc3\xa9"},
	{"=?x-unknown?Q?caf=C3=A9?=", "caf\xc3\xa9"},
	/* a character, or a shift, in two words */
	{"=?utf-8?Q?=C3?= =?utf-8?Q?=A9?=", "\xc3\xa9"},
	{"=?utf-8?B?4oI=?= =?UTF-8?B?rA==?=", "\xe2\x82\xac"},
	{"=?utf-8?B?w?= =?utf-8?Q?=A9?=", "\xef\xbf\xbd"},
	{"=?utf-8?B?ww==?=\r\n =?utf-8?Q?=A9?=", "\xc3\xa9"},
	{"=?gb2312?Q?=D6?= =?gb2312?Q?=D0?=", "\xe4\xb8\xad"},
	{"=?iso-2022-jp?B?GyRCRnw=?= =?iso-2022-jp?B?S1wbKEI=?=",
		"\xe6\x97\xa5\xe6\x9c\xac"},
	{"=?utf-8?Q?=C3?= x", "\xef\xbf\xbd x"},
	{"=?utf-8?Q?=C3?= =?latin1?Q?=A9?=", "\xef\xbf\xbd\xc2\xa9"},
	/* where a word may not stand */
	{"a=?utf-8?q?=C3=A9?=b", "a\xc3\xa9" "b"},
	{"=?utf-8?q?a?==?utf-8?q?b?=", "ab"},
	{"\"=?utf-8?q?a?= =?utf-8?q?b?=\" <a@b>", "\"ab\" <a@b>"},
	{"re:=?utf-8?q?a?=", "re:a"},
	{"<=?utf-8?q?a?=@b>", "<a@b>"},
	{"==?utf-8?q?a?=", "=a"},
	/* what may not stand in a word */
	{"=?utf-8?Q?two words here?=", "two words here"},
	{"=?utf-8?Q?why?not?=", "why?not"},
	{"=?utf-8?Q?why?\?=", "why?"},
	{"=?utf-8?Q?fol\r\n ded?=", "fol ded"},
	{"=?utf-8?Q?caf\xc3\xa9?=", "caf\xc3\xa9"},
	{"=?latin1?Q?caf\xe9?=", "caf\xc3\xa9"},
	{"=?utf-8?B?w6 k=?=", "\xc3\xa9"},
	{"=?utf-8?B?w6k?=", "\xc3\xa9"},
	{"=?utf-8?B?w6k==?=", "\xc3\xa9"},
	{"=?utf-8?B?w6k=w6k=?=", "\xc3\xa9\xc3\xa9"},
	{"=?utf-8?B?!!w6k=!!?=", "\xc3\xa9"},
	{"=?utf-8?Q?a=4?= =?", "a=4 =?"},
	{"=?utf-8?Q?a==zz?=", "a==zz"},
	{"=?utf-8?Q?100%=?=", "100%="},
	{"=?utf-8?Q?aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa?=", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
	{"=?utf-8?Q?\?=", ""},
	{"a =?utf-8?Q?\?= b", "a  b"},
	/* what is no word */
	{"=?utf-8?X?x?= y", "=?utf-8?X?x?= y"},
	{"=?no-such-set?Q?caf=E9?= y", "=?no-such-set?Q?caf=E9?= y"},
	{"=??Q?x?=", "=??Q?x?="},
	{"=?utf-8?Q?open", "=?utf-8?Q?open"},
	{"=?utf-8?Q?open =?utf-8?Q?shut?=", "=?utf-8?Q?open shut"},
	{"=?utf-8?Q", "=?utf-8?Q"},
	{"=?utf-8?Q?x?", "=?utf-8?Q?x?"},
	{"=?utf-8?QQ?x?=", "=?utf-8?QQ?x?="},
	{"=?utf-8?Q?\?=x", "x"},
	{"=?=?=?utf-8?q?a?=", "=?=?a"},
	{"=?", "=?"},
	{"?=", "?="},
	{"=?a b?q?c?=", "=?a b?q?c?="},
	{"=?utf-8?q?a?= =?no-such-set?q?b?= =?utf-8?q?c?=",
		"a =?no-such-set?q?b?= c"},
	/* 8-bit without a name: guessed */
	{"caf\xc3\xa9", "caf\xc3\xa9"},
	{"caf\xe9", "caf\xc3\xa9"},
	{"caf\xe9 caf\xc3\xa9", "caf\xc3\xa9 caf\xc3\xa9"},
	{"\x93q\x94", "\xe2\x80\x9cq\xe2\x80\x9d"},
	{"caf\xe9 =?utf-8?q?=C3=A9?= \xe9", "caf\xc3\xa9 \xc3\xa9 \xc3\xa9"},
	/* nothing that makes a field or a line of its own */
	{"=?utf-8?Q?a=0D=0ABcc:_eve?=", "a Bcc: eve"},
	{"=?utf-8?Q?a=0D=0A=0D=0Ab?=", "a  b"},
	{"=?utf-8?Q?a=0Ab=0Dc=09d?=", "a b c d"},
	{"=?utf-8?Q?a=00b=08c=1B[1md=7F?=", "abc[1md"},
	{"=?utf-8?Q?a=C2=85b=C2=9Bc=E2=80=A8d?=", "a bc d"},
	{"=?utf-7?Q?a+AA0ACg-b+AAA-c?=", "a bc"},
	{"=?utf-16be?Q?=00a=00=0D=00=0A=00=00=00b?=", "a b"},
	{"a\rb\x01" "c\x7f", "a bc"},
	{"tab\tin text", "tab in text"},
	/* a second reading would find another word */
	{"=?utf-8?Q?=3D=3Futf-8=3FQ=3Fa=3F=3D?=", "=?utf-8?Q?a?="},
};
/* clang-format on */

static void test_decoding(void **state)
{
	struct buf out;
	unsigned wrong = 0;

	(void)state;
	buf_init(&out, 1024);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&out);
		words_put_decoded(&out, span_str(rows[i].value));
		if (span_eq(buf_span(&out), span_str(rows[i].shown)))
			continue;
		print_error("%s: \"%.*s\"\n", rows[i].value,
			SPAN_ARG(buf_span(&out)));
		wrong++;
	}
	assert_int_equal(wrong, 0);
	buf_clear(&out);
}

static void test_clean(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 1024);
	words_put_clean(&out, SPAN("koi8-r"), SPAN("\xc1\r\n\0=?utf-8?q?a?="));
	assert_true(span_eq(buf_span(&out), SPAN("\xd0\xb0 =?utf-8?q?a?=")));
	buf_clear(&out);
}

static uint64_t cpu_ns(void)
{
	struct timespec t;

	assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t), 0);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* CPU time of one reading, the best of some. */
static uint64_t cost_of(struct span value)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < 3; i++) {
		struct buf out;
		uint64_t start = cpu_ns();

		buf_init(&out, 4 * value.n + 16);
		words_put_decoded(&out, value);
		assert_false(out.overflow);
		buf_clear(&out);
		start = cpu_ns() - start;
		best = start < best ? start : best;
	}
	return best;
}

/* Shapes that would make a careless reader slow; each is repeated. */
static void test_time_is_linear(void **state)
{
	static const char *const bombs[] = {
		"=?utf-8?q?a?= ", "=?utf-8?q?a", "=?utf-8?b?", "=?", "=?a?q?",
		"?=", "=", "?", " ", "=?koi8-r?q?a?= =?utf-8?q?a?=",
		"=?iso-2022-jp?b?GyRC?=", "=?utf-7?q?+?=", "=?\x01", "\xe2\x82",
		"=?no-such?q?a?=", "\r\n ", "=?utf-8?q?=00?=",
	};
	struct buf value;

	(void)state;
	buf_init(&value, 1 << 22);
	for (size_t i = 0; i < sizeof(bombs) / sizeof(bombs[0]); i++) {
		uint64_t small, large;

		buf_reset(&value);
		while (buf_len(&value) < (1 << 16))
			buf_puts(&value, bombs[i]);
		small = cost_of(buf_span(&value));
		while (buf_len(&value) < (1 << 19))
			buf_puts(&value, bombs[i]);
		large = cost_of(buf_span(&value));
		/* eight times as long; a quadratic one takes 64 times */
		if (large > 32 * small + 1000000)
			fail_msg("\"%s\": %zu us, then %zu us", bombs[i],
				(size_t)small / 1000, (size_t)large / 1000);
	}
	buf_clear(&value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_round_trip),
		cmocka_unit_test(test_a_subject_cannot_add_a_field),
		cmocka_unit_test(test_phrases),
		cmocka_unit_test(test_a_long_phrase),
		cmocka_unit_test(test_the_first_word_folds),
		cmocka_unit_test(test_b_words),
		cmocka_unit_test(test_decoding),
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_time_is_linear),
	};

	/* else sets that only ICU has are unknown */
	if (!charset_open())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
