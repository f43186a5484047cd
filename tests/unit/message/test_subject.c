#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "message/subject.h"

struct row {
	const char *subject;
	const char *base;
	bool is_reply;
};

/* clang-format off */
static const struct row rows[] = {
	{"hello", "hello", false},
	{"", "", false},
	{" \t\r\n ", "", false},
	{"  two \t words\r\n here ", "two words here", false},
	/* subj-refwd */
	{"Re: hello", "hello", true},
	{"RE:hello", "hello", true},
	{"re : hello", "hello", true},
	{"Fw: hello", "hello", true},
	{"FWD: hello", "hello", true},
	{"Re: Fwd: re: hello", "hello", true},
	{"Re[2]: hello", "hello", true},
	{"Re [2] : hello", "hello", true},
	{"re[a b]:[c]hello", "hello", true},
	{"Re:", "", true},
	{"Re: ", "", true},
	{"Re", "Re", false},
	{"Re hello", "Re hello", false},
	{"Reply: hello", "Reply: hello", false},
	{"Fwdx: hello", "Fwdx: hello", false},
	{"Re[2] hello", "Re[2] hello", false},
	{"Re[2: hello", "Re[2: hello", false},
	{"AW: hello", "AW: hello", false},
	{"hello Re: you", "hello Re: you", false},
	/* subj-blob */
	{"[list] hello", "hello", false},
	{"[list]hello", "hello", false},
	{"[a] [b] hello", "hello", false},
	{"[list] Re: hello", "hello", true},
	{"Re: [list] hello", "hello", true},
	{"Re: [list] Re: [b] hello", "hello", true},
	{"[list]", "[list]", false},
	{"[a][b]", "[b]", false},
	{"[a] [b] ", "[b]", false},
	{"[] hello", "hello", false},
	{"[list hello", "[list hello", false},
	{"[[list]] hello", "[[list]] hello", false},
	{"list] hello", "list] hello", false},
	{"hello [list]", "hello [list]", false},
	{"Re: [list]", "[list]", true},
	/* subj-trailer */
	{"hello (fwd)", "hello", true},
	{"hello (FWD) (fwd)  ", "hello", true},
	{"hello(fwd)", "hello", true},
	{"(fwd)", "", true},
	{"(fwd) hello", "(fwd) hello", false},
	{"hello (fwd", "hello (fwd", false},
	{"Re: hello (fwd)", "hello", true},
	/* subj-fwd */
	{"[fwd: hello]", "hello", true},
	{"[Fwd:hello]", "hello", true},
	{"[fwd: hello (fwd)]", "hello", true},
	{"[fwd: [fwd: hello]]", "hello", true},
	{"[fwd: Re: [list] hello]", "hello", true},
	{"[fwd: Re: hello]", "hello", true},
	{"[fwd:\rFwd:hello]", "hello", true},
	{"Re: [fwd: hello]", "hello", true},
	{"[fwd: hello", "[fwd: hello", false},
	{"[fwd: a] b", "b", false},
	{"[fwd: ]", "", true},
	{"[fwd:]", "", true},
	{"[fwd hello]", "[fwd hello]", false},
	/* other bytes */
	{"Re: J\xc3\xb6rg", "J\xc3\xb6rg", true},
	{"[\xc3\xb6] hello", "hello", false},
	{"\xe2\x82", "\xe2\x82", false},
};
/* clang-format on */

static void check_row(const struct row *row, struct buf *out)
{
	bool is_reply;

	buf_reset(out);
	buf_puts(out, "=");
	subject_put_base(out, span_str(row->subject), &is_reply);
	if (!span_eq(span_tail(buf_span(out), 1), span_str(row->base)))
		fail_msg("<%s>: <%.*s>", row->subject, SPAN_ARG(buf_span(out)));
	if (is_reply != row->is_reply)
		fail_msg("<%s>: is_reply %d", row->subject, is_reply);
}

static void test_rows(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i], &out);
	buf_clear(&out);
}

/* The base of a base is itself. */
static void test_base_of_base(void **state)
{
	struct buf once, twice;
	bool is_reply;

	(void)state;
	buf_init(&once, 1000);
	buf_init(&twice, 1000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&once);
		buf_reset(&twice);
		subject_put_base(&once, span_str(rows[i].subject), &is_reply);
		subject_put_base(&twice, buf_span(&once), &is_reply);
		assert_true(span_eq(buf_span(&once), buf_span(&twice)));
		assert_false(is_reply);
	}
	buf_clear(&once);
	buf_clear(&twice);
}

static void test_bombs(void **state)
{
	static const char *const bombs[] = {"[a]", "[", "]", "Re:", "re[a]",
		"[fwd:", "(fwd)", "[a] Re:", " ", "[fwd:]", "Re: [a] "};
	struct buf value, out;
	bool is_reply;

	(void)state;
	buf_init(&value, 10u << 20);
	buf_init(&out, 10u << 20);
	for (size_t i = 0; i < sizeof(bombs) / sizeof(bombs[0]); i++) {
		buf_reset(&value);
		buf_reset(&out);
		for (int k = 0; k < 1000000; k++)
			buf_puts(&value, bombs[i]);
		subject_put_base(&out, buf_span(&value), &is_reply);
		assert_false(out.overflow);
	}
	buf_reset(&value);
	buf_reset(&out);
	for (int k = 0; k < 1000000; k++)
		buf_puts(&value, "[fwd:");
	for (int k = 0; k < 1000000; k++)
		buf_puts(&value, "]");
	subject_put_base(&out, buf_span(&value), &is_reply);
	assert_int_equal(buf_len(&out), 0);
	buf_clear(&value);
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_base_of_base),
		cmocka_unit_test(test_bombs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
