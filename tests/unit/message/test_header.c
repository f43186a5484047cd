#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "message/header.h"

static const char head[] = "From mbox line\r\n"
			   "From: a@b\r\n"
			   "Subject: first\r\n"
			   "subject : one\r\n two\r\n\tthree\r\n"
			   "no field here\r\n"
			   "X-Empty:\r\n"
			   "\r\n"
			   "To: in the body\r\n";

static void test_find(void **state)
{
	struct span value;
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	assert_true(header_find(span_str(head), SPAN("Subject"), &value));
	header_put_unfolded(&out, value);
	assert_true(span_eq(buf_span(&out), SPAN("one two\tthree")));
	assert_true(header_find(span_str(head), SPAN("x-empty"), &value));
	assert_int_equal(value.n, 0);
	assert_false(header_find(span_str(head), SPAN("To"), &value));
	assert_false(header_find(span_str(head), SPAN("From mbox line"),
		&value));
	buf_clear(&out);
}

static void test_len(void **state)
{
	static const struct {
		const char *message;
		size_t len;
	} rows[] = {
		{"A: b\r\n\r\nbody", 8},
		{"A: b\n\nbody", 6},
		{"\r\nbody", 2},
		{"A: b\r\n", 6},
		{"", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(header_len(span_str(rows[i].message)),
			rows[i].len);
}

static void test_walk_with_bare_lf(void **state)
{
	struct span rest = SPAN("A: 1\nB: 2\n 3\n\nC: 4\n");
	struct header_field field;

	(void)state;
	assert_true(header_next(&rest, &field));
	assert_true(span_eq(field.name, SPAN("A")));
	assert_true(header_next(&rest, &field));
	assert_true(span_eq(field.value, SPAN(" 2\n 3")));
	assert_false(header_next(&rest, &field));
	assert_true(span_eq(rest, SPAN("C: 4\n")));
}

/* "name=value|…", the values unfolded; the walk stops at the empty line. */
static void test_fields(void **state)
{
	static const struct {
		struct span head;
		const char *fields;
	} rows[] = {
		{SPAN_INIT("A: 1\r\nB: 2\r\n\r\nC: 3\r\n"), "A=1|B=2|"},
		{SPAN_INIT("A:1\nB :2\nC \t : 3\n"), "A=1|B=2|C=3|"},
		{SPAN_INIT("A: 1"), "A=1|"},
		{SPAN_INIT("A:"), "A=|"},
		{SPAN_INIT("A"), ""},
		{SPAN_INIT(":"), ""},
		{SPAN_INIT(": 1\nA: 2\n"), "A=2|"},
		{SPAN_INIT("A: 1: 2\n"), "A=1: 2|"},
		/* folds */
		{SPAN_INIT("A: 1\r\n 2\r\n\t3\r\nB: 4\r\n"), "A=1 2\t3|B=4|"},
		{SPAN_INIT("A:\r\n 1\r\n"), "A=1|"},
		{SPAN_INIT("A: 1\r\n \r\n 2\r\n\r\n"), "A=1  2|"},
		{SPAN_INIT("A: 1\n \nB: 2\n"), "A=1|B=2|"},
		/* lines that are no fields, with what continues them */
		{SPAN_INIT(" A: 1\nB: 2\n"), "B=2|"},
		{SPAN_INIT("From a@b Mon Sep 17 12:00:00\nA: 1\n"), "A=1|"},
		{SPAN_INIT(">From a@b Mon Sep 17 12:00:00\n"
			   " C: 3\nA: 1\n"), "A=1|"},
		{SPAN_INIT("two words: 1\n folded\nA: 2\n"), "A=2|"},
		{SPAN_INIT("caf\xc3\xa9: 1\nA: 2\n"), "A=2|"},
		{SPAN_INIT("A\0B: 1\nC: 2\n"), "C=2|"},
		{SPAN_INIT("A\x7f: 1\nC: 2\n"), "C=2|"},
		/* neither CR nor NUL makes a line, so nothing is slipped in */
		{SPAN_INIT("A: 1\rBcc: x\r\nB: 2\r\n"), "A=1\rBcc: x|B=2|"},
		{SPAN_INIT("A: 1\r\r\nB: 2\r\n"), "A=1|B=2|"},
		{SPAN_INIT("A: 1\r\n\r\r\nB: 2\r\n"), "A=1|B=2|"},
		{SPAN_INIT("A: 1\n\rB: 2\n"), "A=1|"},
	};
	struct header_field field;
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span rest = rows[i].head;

		buf_reset(&out);
		while (header_next(&rest, &field)) {
			buf_put(&out, field.name);
			buf_putc(&out, '=');
			header_put_unfolded(&out, field.value);
			buf_putc(&out, '|');
		}
		if (!span_eq(buf_span(&out), span_str(rows[i].fields)))
			fail_msg("row %zu: \"%.*s\"", i,
				SPAN_ARG(buf_span(&out)));
	}
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_len),
		cmocka_unit_test(test_walk_with_bare_lf),
		cmocka_unit_test(test_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
