#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "message/msgid.h"

struct row {
	const char *value;
	const char *ids; /* as msgid_put has them, each with a "|" behind it */
};

/* clang-format off */
static const struct row rows[] = {
	{"<a@b>", "a@b|"},
	{"<1234@local.machine.example>", "1234@local.machine.example|"},
	{"<a@b> <c@d>", "a@b|c@d|"},
	{"<a@b><c@d>", "a@b|c@d|"},
	{"<a@b>,<c@d>, <e@f>", "a@b|c@d|e@f|"},
	{"<a@b>\r\n <c@d>\r\n\t<e@f>", "a@b|c@d|e@f|"},
	{"  < a@b >  ", "a@b|"},
	/* comments and phrases, RFC 5322 4.5.4 */
	{"(x <y@z>) <a@b> (c <d@e>) <f@g>(h", "a@b|f@g|"},
	{"Your message of \"Mon, <x@y>\" <a@b>", "a@b|"},
	{"<a@b> from joe@example.com on Monday", "a@b|"},
	{"joe@example.com's message <a@b>", "a@b|"},
	{"Message from \"Joe\" of \"Fri\" <a@b>", "a@b|"},
	{"Your \"message <a@b>", "a@b|"},
	/* parts that are quoted, literal or folded */
	{"<\"a b\"@c>", "\"ab\"@c|"},
	{"<\"a>b\"@c>", "\"a>b\"@c|"},
	{"<\"a\\\">b\"@c> <d@e>", "\"a\\\">b\"@c|d@e|"},
	{"<a@[1.2.3.4]>", "a@[1.2.3.4]|"},
	{"<abc\r\n def@x>", "abcdef@x|"},
	{"<a . b @ c . d>", "a.b@c.d|"},
	/* what programs write */
	{"<a>", "a|"},
	{"<>", ""},
	{"<> <a@b>", "a@b|"},
	{"<a@b> <>", "a@b|"},
	{"< > <> <>", ""},
	{"<a(b@c>", "a(b@c|"},
	{"<a\"b@c> <d@e>", "a\"b@c|d@e|"},
	{"<\"a@b> <c@d>", "\"a@b|c@d|"},
	{"<$a=b/c+d_e-f%g@h>", "$a=b/c+d_e-f%g@h|"},
	{"<a@b", "a@b|"},
	{"<a@b <c@d>", "a@b|c@d|"},
	{"<a@b, <c@d>", "a@b|c@d|"},
	{"<a@b c@d", "a@b|"},
	{"<<a@b>>", "a@b|"},
	{"<a@b>> <c@d>", "a@b|c@d|"},
	{"<j\xc3\xb6@\xc3\xbc>", "j\xc3\xb6@\xc3\xbc|"},
	/* without brackets */
	{"a@b", "a@b|"},
	{"a@b c@d", "a@b|"},
	{"a@b, c@d;e@f", "a@b|"},
	{"x, a@b", "a@b|"},
	{"102.10200000000105", "102.10200000000105|"},
	{" 102 (x) ", "102|"},
	{"a@[1.2.3.4]", "a@[1.2.3.4]|"},
	{"your message of Monday", ""},
	{"your message a@b of Monday", "a@b|"},
	{"a@b>", "a@b|"},
	{"\"a b\"@c", "\"ab\"@c|"},
	/* nothing */
	{"", ""}, {" ", ""}, {"\r\n ", ""}, {"<", ""}, {">", ""}, {"(", ""},
	{"\"", ""}, {"\\", ""}, {",", ""}, {"(<a@b>)", ""}, {"\"<a@b>\"", "\"<a@b>\"|"},
};
/* clang-format on */

static void put_all(struct buf *out, struct span value)
{
	struct span id;

	while (msgid_next(&value, &id)) {
		assert_true(id.n > 0);
		msgid_put(out, id);
		buf_putc(out, '|');
	}
	assert_false(msgid_next(&value, &id));
}

static void test_rows(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&out);
		put_all(&out, span_str(rows[i].value));
		if (!span_eq(buf_span(&out), span_str(rows[i].ids)))
			fail_msg("<%s>: %.*s, not %s", rows[i].value,
				SPAN_ARG(buf_span(&out)), rows[i].ids);
	}
	buf_clear(&out);
}

/* The id is a part of the value: nothing is copied. */
static void test_stands_in_value(void **state)
{
	struct span value = SPAN("x <a@b> y");
	struct span rest = value, id;

	(void)state;
	assert_true(msgid_next(&rest, &id));
	assert_ptr_equal(id.p, value.p + 3);
	assert_int_equal(id.n, 3);
}

static void test_controls(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	put_all(&out, SPAN("<a\0b@c\x7f> <\x1b> <d@e>"));
	/* one of nothing else is an id, but it compares as nothing */
	assert_true(span_eq(buf_span(&out), SPAN("ab@c||d@e|")));
	buf_clear(&out);
}

static void test_cut_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span value = span_str(rows[i].value);

		for (size_t n = 0; n <= value.n; n++) {
			struct buf copy, out;

			buf_init(&copy, value.n + 1);
			buf_init(&out, 1000);
			buf_put(&copy, span_head(value, n));
			put_all(&out, buf_span(&copy));
			buf_clear(&copy);
			buf_clear(&out);
		}
	}
}

/* Ten megabytes of what might be looked at again and again. */
static void test_bombs(void **state)
{
	static const struct {
		const char *text;
		size_t ids;
	} bombs[] = {
		{"<a@b> ", 1000000}, {"<", 0}, {"(", 0}, {"\"", 1}, {"<\"", 500000},
		{"\\\"", 1}, {"a ", 0}, {"a@b ", 1}, {"<a", 1000000},
		{"<>", 0}, {"a", 1}, {"@", 1}, {"(a) ", 0}, {"<\"\\", 500000},
	};
	struct buf value;

	(void)state;
	buf_init(&value, 10u << 20);
	for (size_t i = 0; i < sizeof(bombs) / sizeof(bombs[0]); i++) {
		struct span rest, id;
		size_t n = 0;

		buf_reset(&value);
		for (int k = 0; k < 1000000; k++)
			buf_puts(&value, bombs[i].text);
		rest = buf_span(&value);
		while (msgid_next(&rest, &id))
			n++;
		if (n != bombs[i].ids)
			fail_msg("%s: %zu", bombs[i].text, n);
	}
	buf_clear(&value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_stands_in_value),
		cmocka_unit_test(test_controls),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_bombs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
