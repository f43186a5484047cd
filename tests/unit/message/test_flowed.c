#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "message/flowed.h"

/* a paragraph a line: depth, text between bars */
static void read_all(const char *text, bool has_del_sp, struct buf *out)
{
	struct flowed_reader r;
	struct flowed_line line;
	struct buf joined;

	buf_reset(out);
	buf_init(&joined, 4096);
	flowed_read_init(&r, span_str(text), has_del_sp);
	while (flowed_next_paragraph(&r, &joined, &line)) {
		buf_printf(out, "%zu%s|%.*s|\n", line.depth,
			line.is_signature ? "s" : "", SPAN_ARG(line.text));
		assert_false(line.is_flowed);
	}
	buf_clear(&joined);
}

static void test_paragraphs_are_joined(void **state)
{
	static const struct {
		const char *text;
		bool has_del_sp;
		const char *paragraphs;
	} rows[] = {
		{"", false, ""},
		{"one\r\ntwo\r\n", false, "0|one|\n0|two|\n"},
		{"one \r\ntwo\r\n", false, "0|one two|\n"},
		{"one \ntwo", false, "0|one two|\n"},
		{"one \r\ntwo\r\n", true, "0|onetwo|\n"},
		{"one  \r\ntwo\r\n", true, "0|one two|\n"},
		/* nothing follows */
		{"one \r\n", false, "0|one |\n"},
		{"one \r\n\r\nx", false, "0|one |\n0|x|\n"},
		/* stuffing */
		{" From me\r\n  x\r\n >y", false,
			"0|From me|\n0| x|\n0|>y|\n"},
		{" \r\nx", false, "0||\n0|x|\n"},
		{"  \r\nx", false, "0| x|\n"},
		/* quotations */
		{"> one \r\n> two\r\n>\r\n", false, "1|one two|\n1||\n"},
		{">> a \r\n> b \r\nc\r\n", false, "2|a |\n1|b |\n0|c|\n"},
		{"> > a\r\n>>b\r\n", false, "1|> a|\n2|b|\n"},
		/* signatures */
		{"x \r\n-- \r\nme \r\nhere", false,
			"0|x |\n0s|-- |\n0|me here|\n"},
		{"> -- \r\n> me\r\n", true, "1s|-- |\n1|me|\n"},
		{"--  \r\nx\r\n", false, "0|--  x|\n"},
	};
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		read_all(rows[i].text, rows[i].has_del_sp, &out);
		if (!span_eq(buf_span(&out), span_str(rows[i].paragraphs)))
			fail_msg("row %zu: %.*s", i, SPAN_ARG(buf_span(&out)));
	}
	buf_clear(&out);
}

static void test_paragraphs_are_wrapped(void **state)
{
	static const struct {
		size_t width, depth;
		bool has_del_sp;
		const char *text, *lines;
	} rows[] = {
		{30, 0, false, "", "\r\n"},
		{30, 0, false, "short", "short\r\n"},
		{30, 0, false, "two\nlines\r\n", "two\r\nlines\r\n"},
		{30, 0, false, "trimmed   ", "trimmed\r\n"},
		{30, 0, false, "a line of more than thirty characters",
			"a line of more than thirty \r\ncharacters\r\n"},
		{30, 0, true, "a line of more than thirty characters",
			"a line of more than thirty  \r\ncharacters\r\n"},
		{30, 2, false, "a line of more than thirty characters",
			">> a line of more than thirty \r\n>> characters\r\n"},
		{30, 0, false, "a word_that_is_longer_than_a_line_may_be at all",
			"a \r\nword_that_is_longer_than_a_line_may_be \r\n"
			"at all\r\n"},
		{30, 0, true, "word_that_is_longer_than_a_line_may_be",
			"word_that_is_longer_than_a_l \r\nine_may_be\r\n"},
		/* characters, not bytes */
		{30, 0, false, "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc "
			"\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc yes",
			"\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc "
			"\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc yes\r\n"},
		{0, 0, true, "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
			"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
			"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
			"\xc3\xa4\xc3\xa4\xc3\xb6",
			"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
			"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
			"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
			"\xc3\xa4\xc3\xa4 \r\n\xc3\xb6\r\n"},
		/* stuffing */
		{30, 0, false, "From here", " From here\r\n"},
		{30, 0, false, "Fromage", "Fromage\r\n"},
		{30, 0, false, ">", " >\r\n"},
		{30, 1, false, ">", "> >\r\n"},
		{30, 0, false, "  x", "   x\r\n"},
		{30, 1, false, "", ">\r\n"},
		/* signatures, and what must not become one */
		{30, 0, false, "-- ", "-- \r\n"},
		{30, 3, true, "-- ", ">>> -- \r\n"},
		{30, 0, false, "-- word_that_is_as_long_as_a_line at all",
			"-- word_that_is_as_long_as_a_line \r\nat all\r\n"},
	};
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct flowed_style style = {rows[i].width, rows[i].has_del_sp};

		buf_reset(&out);
		flowed_put(&out, &style, rows[i].depth, span_str(rows[i].text));
		if (!span_eq(buf_span(&out), span_str(rows[i].lines)))
			fail_msg("row %zu: %.*s", i, SPAN_ARG(buf_span(&out)));
	}
	buf_clear(&out);
}

static void check_width(struct span lines, size_t max)
{
	while (lines.n > 0) {
		struct span line = span_cut(&lines, '\n');
		size_t chars = 0;

		for (size_t i = 0; i < line.n; i++)
			chars += (line.p[i] & 0xc0) != 0x80;
		assert_true(chars <= max + 1); /* its CR */
	}
}

/* what is written is read back as it was, at every width and depth */
static void test_round_trip_is_identity(void **state)
{
	static const char *const words[] = {" ", "  ", "a", "--", "-- ", ">",
		"From ", "\xe6\x97\xa5\xe6\x9c\xac", "word", "longer word ",
		"\r", "\xff"};
	struct buf text, lines, joined;
	uint32_t seed = 9;

	(void)state;
	buf_init(&text, 4096);
	buf_init(&lines, 16384);
	buf_init(&joined, 4096);
	for (unsigned round = 0; round < 5000; round++) {
		struct flowed_style style = {round % 80, round % 2 == 1};
		struct flowed_reader r;
		struct flowed_line line;
		size_t depth = round % 7 * (round % 17);

		buf_reset(&text);
		buf_reset(&lines);
		for (unsigned i = 0; i < round % 50; i++) {
			seed = seed * 1664525 + 1013904223;
			buf_puts(&text, words[(seed >> 20) % 12]);
		}
		buf_puts(&text, round % 5 == 0 ? "\x7f" : ".");
		flowed_put(&lines, &style, depth, buf_span(&text));
		if (style.has_del_sp)
			check_width(buf_span(&lines), style.width > depth + 22
				? style.width : depth + 22);
		flowed_read_init(&r, buf_span(&lines), style.has_del_sp);
		assert_true(flowed_next_paragraph(&r, &joined, &line));
		assert_int_equal(line.depth, depth);
		assert_true(span_eq(line.text, buf_span(&text)));
		assert_false(flowed_next_paragraph(&r, &joined, &line));
	}
	buf_clear(&text);
	buf_clear(&lines);
	buf_clear(&joined);
}

static void test_depth_is_bounded(void **state)
{
	struct flowed_style style = {FLOWED_WIDTH, false};
	struct flowed_reader r;
	struct flowed_line line, again;
	struct buf marks, lines;

	(void)state;
	buf_init(&marks, 1024);
	buf_init(&lines, 1024);
	for (unsigned i = 0; i < FLOWED_DEPTH_MAX + 50; i++)
		buf_putc(&marks, '>');
	flowed_read_init(&r, buf_span(&marks), false);
	assert_true(flowed_next_line(&r, &line));
	assert_int_equal(line.depth, FLOWED_DEPTH_MAX);
	assert_int_equal(line.text.n, 50);
	flowed_put(&lines, &style, line.depth, line.text);
	flowed_read_init(&r, buf_span(&lines), false);
	assert_true(flowed_next_line(&r, &again));
	assert_int_equal(again.depth, FLOWED_DEPTH_MAX);
	assert_true(span_eq(again.text, line.text));
	buf_reset(&lines);
	flowed_put(&lines, &style, SIZE_MAX, SPAN("x"));
	assert_int_equal(buf_len(&lines), FLOWED_DEPTH_MAX + 4);
	buf_clear(&marks);
	buf_clear(&lines);
}

static void test_a_paragraph_that_is_too_long_is_cut(void **state)
{
	struct flowed_reader r;
	struct flowed_line line;
	struct buf joined;

	(void)state;
	buf_init(&joined, 7);
	flowed_read_init(&r, SPAN("four \r\nmore \r\nand\r\nnext\r\n"), false);
	assert_true(flowed_next_paragraph(&r, &joined, &line));
	assert_true(joined.overflow);
	assert_true(span_eq(line.text, SPAN("four mo")));
	assert_true(flowed_next_paragraph(&r, &joined, &line));
	assert_false(joined.overflow);
	assert_true(span_eq(line.text, SPAN("next")));
	buf_clear(&joined);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paragraphs_are_joined),
		cmocka_unit_test(test_paragraphs_are_wrapped),
		cmocka_unit_test(test_round_trip_is_identity),
		cmocka_unit_test(test_depth_is_bounded),
		cmocka_unit_test(test_a_paragraph_that_is_too_long_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
