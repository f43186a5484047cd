#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "message/structure.h"

/* What the walk finds, one line a part: number, type, body, flags. */
static void describe(struct span message, struct buf *out)
{
	struct arena arena;
	struct message_structure s;

	buf_reset(out);
	arena_init(&arena, MESSAGE_STRUCTURE_ARENA_BYTES);
	message_structure_read(&arena, message, &s);
	for (size_t i = 0; i < s.count; i++) {
		const struct message_part *p = &s.parts[i];
		struct span body = message_part_body(message, p);

		buf_printf(out, "%.*s %.*s", SPAN_ARG(p->number),
			SPAN_ARG(p->type));
		if (!p->is_multipart)
			buf_printf(out, " [%.*s]", SPAN_ARG(body));
		if (p->name.n > 0)
			buf_printf(out, " name=%.*s", SPAN_ARG(p->name));
		if (p->is_attachment)
			buf_puts(out, " attachment");
		buf_putc(out, '|');
	}
	if (s.is_cut)
		buf_puts(out, "cut");
	buf_putc(out, 0);
	arena_clear(&arena);
}

#define MIXED(b) "Content-Type: multipart/mixed; boundary=" b "\r\n\r\n"

static const struct {
	const char *message, *parts;
} rows[] = {
	{"Subject: x\r\n\r\nhello\r\n", "1 text/plain [hello\r\n]|"},
	{"", "1 text/plain []|"},
	{"\r\n", "1 text/plain []|"},
	{"Content-Type: rubbish\r\n\r\nx", "1 text/plain [x]|"},
	{MIXED("b") "preamble\r\n--b\r\n\r\none\r\n--b\r\n"
	 "Content-Type: IMAGE/png; name=a.png\r\n"
	 "Content-Disposition: attachment\r\n\r\ntwo\r\n--b--\r\nepilogue",
		" multipart/mixed|1 text/plain [one]|"
		"2 image/png [two] name=a.png attachment|"},
	/* the line end before the boundary is not the part's */
	{MIXED("b") "--b\r\n\r\none\r\n\r\n--b--\r\n",
		" multipart/mixed|1 text/plain [one\r\n]|"},
	{MIXED("b") "--b\r\n\r\n--b\r\n\r\n\r\n--b--",
		" multipart/mixed|1 text/plain []|2 text/plain []|"},
	/* a part without an empty line */
	{MIXED("b") "--b\r\nX: y\r\n--b\r\n\r\nz\r\n--b--",
		" multipart/mixed|1 text/plain []|2 text/plain [z]|"},
	/* bare LF; blanks behind the boundary; no end */
	{"Content-Type: multipart/mixed; boundary=b\n\n--b \t\n\none\n--b\n\ntwo",
		" multipart/mixed|1 text/plain [one]|2 text/plain [two]|"},
	/* a line that only begins like the boundary */
	{MIXED("b") "--b\r\n\r\n--bc\r\n--b--\r\n",
		" multipart/mixed|1 text/plain [--bc]|"},
	/* an inner multipart that is never closed */
	{MIXED("b") "--b\r\n" MIXED("c") "--c\r\n\r\nin\r\n--b\r\n\r\nout\r\n"
	 "--b--",
		" multipart/mixed|1 multipart/mixed|1.1 text/plain [in]|"
		"2 text/plain [out]|"},
	/* the text behind an inner multipart is its epilogue */
	{MIXED("b") "--b\r\n" MIXED("c") "--c\r\n\r\nin\r\n--c--\r\nskip\r\n"
	 "--b\r\n\r\nout\r\n--b--",
		" multipart/mixed|1 multipart/mixed|1.1 text/plain [in]|"
		"2 text/plain [out]|"},
	/* the head of an inner multipart is cut off by the outer boundary */
	{MIXED("b") "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n"
	 "--b\r\n\r\n--c\r\n--b--",
		" multipart/mixed|1 multipart/mixed|2 text/plain [--c]|"},
	{"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nS: x\r\n"
	 "--b--",
		" multipart/digest|1 message/rfc822 [S: x]|"},
	{"Content-Type: multipart/mixed\r\n\r\nx",
		"1 multipart/mixed [x]|cut"},
	{MIXED("b") "no part", " multipart/mixed|"},
};

static void test_rows(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		describe(span_str(rows[i].message), &out);
		assert_string_equal((const char *)out.p, rows[i].parts);
	}
	buf_clear(&out);
}

static void test_limits(void **state)
{
	struct buf message;
	struct arena arena;
	struct message_structure s;

	(void)state;
	buf_init(&message, 1 << 20);
	arena_init(&arena, MESSAGE_STRUCTURE_ARENA_BYTES);
	for (unsigned i = 0; i < 100; i++)
		buf_printf(&message, "Content-Type: multipart/mixed; "
			"boundary=\"x%u\"\r\n\r\n--x%u\r\n", i, i);
	message_structure_read(&arena, buf_span(&message), &s);
	assert_true(s.is_cut);
	assert_int_equal(s.count, MESSAGE_DEPTH_MAX + 1);

	buf_reset(&message);
	arena_clear(&arena);
	buf_puts(&message, MIXED("b"));
	for (unsigned i = 0; i < 5000; i++)
		buf_puts(&message, "--b\r\n\r\n");
	message_structure_read(&arena, buf_span(&message), &s);
	assert_true(s.is_cut);
	assert_int_equal(s.count, MESSAGE_PARTS_MAX);
	arena_clear(&arena);
	buf_clear(&message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
