#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "message/header.h"

static const char head[] = "From mbox line\r\n"
			   "From: a@b\r\n"
			   "subject : one\r\n two\r\n\tthree\r\n"
			   "no field here\r\n"
			   "X-Empty:\r\n"
			   "Subject: second\r\n"
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_len),
		cmocka_unit_test(test_walk_with_bare_lf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
