#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "message/drop_file.h"

static void test_there_and_back(void **state)
{
	const struct span rcpts[] = {SPAN("bob@here.test"), SPAN("root")};
	const struct drop_file in = {.flags = 4, .size = 7, .from = SPAN_EMPTY,
		.rcpts = rcpts, .rcpt_count = 2};
	struct drop_file out;
	struct arena arena;
	struct buf text;
	size_t head;

	(void)state;
	arena_init(&arena, 1 << 20);
	buf_init(&text, DROP_HEAD_MAX);
	drop_file_put(&text, &in);
	head = buf_len(&text);
	buf_puts(&text, "a: b\r\n\n");
	assert_int_equal(drop_file_read(buf_span(&text), &arena, &out, &head),
		OK);
	assert_int_equal(head, buf_len(&text) - 7);
	assert_int_equal(out.flags, 4);
	assert_int_equal(out.size, 7);
	assert_int_equal(out.from.n, 0);
	assert_int_equal(out.rcpt_count, 2);
	assert_true(span_eq(out.rcpts[0], rcpts[0]));
	assert_true(span_eq(out.rcpts[1], rcpts[1]));
	/* cut anywhere in its head it is none */
	for (size_t n = 0; n < buf_len(&text) - 7; n++)
		assert_int_equal(drop_file_read(
			span_head(buf_span(&text), n), &arena, &out, &head),
			SYNTAX);
	buf_clear(&text);
	arena_clear(&arena);
}

/* What the sender wants to hear comes back; without a wish it is a file that
 * older servers read. */
static void test_wishes(void **state)
{
	const struct span rcpts[] = {SPAN("root")};
	struct drop_file in = {.size = 7, .ret = 2, .notify = 12,
		.envid = SPAN("QQ+2B"), .from = SPAN("ann"), .rcpts = rcpts,
		.rcpt_count = 1};
	struct drop_file out;
	struct arena arena;
	struct buf text;
	size_t head;

	(void)state;
	arena_init(&arena, 1 << 20);
	buf_init(&text, DROP_HEAD_MAX);
	drop_file_put(&text, &in);
	assert_true(span_starts(buf_span(&text), SPAN("postrider drop 2\n")));
	assert_int_equal(drop_file_read(buf_span(&text), &arena, &out, &head),
		OK);
	assert_int_equal(out.ret, 2);
	assert_int_equal(out.notify, 12);
	assert_true(span_eq(out.envid, SPAN("QQ+2B")));
	assert_true(span_eq(out.from, SPAN("ann")));
	in.ret = in.notify = 0;
	in.envid = SPAN_EMPTY;
	buf_reset(&text);
	drop_file_put(&text, &in);
	assert_true(span_eq(buf_span(&text), SPAN("postrider drop 1\nflags 0\n"
		"size 7\nfrom ann\nto root\n\n")));
	buf_clear(&text);
	arena_clear(&arena);
}

#define HEAD "postrider drop 1\nflags 0\nsize 0\n"

#define HEAD2 "postrider drop 2\nflags 0\nsize 0\n"

static void test_what_is_none(void **state)
{
	static const char *const bad[] = {
		"", "\n", "garbage",
		"postrider drop 0\nflags 0\nsize 0\nfrom a\nto b\n\n",
		"postrider drop 3\nflags 0\nsize 0\nfrom a\nto b\n\n",
		"postrider drop 2\nflags 0\nsize 0\nfrom a\nto b\n\n",
		HEAD "ret 0\nnotify 0\nenvid \nfrom a\nto b\n\n",
		HEAD2 "ret 3\nnotify 0\nenvid \nfrom a\nto b\n\n",
		HEAD2 "ret 1\nnotify 16\nenvid \nfrom a\nto b\n\n",
		HEAD2 "ret 1\nnotify 1\nfrom a\nto b\n\n",
		HEAD2 "ret 1\nnotify 1\nenvid a\rb\nfrom a\nto b\n\n",
		HEAD "from a\n\n",            /* nobody */
		HEAD "from a\nto \n\n",       /* an empty recipient */
		HEAD "from a\nto b\n",        /* no end */
		HEAD "from a\ncc b\n\n",
		HEAD "to b\nfrom a\n\n",
		HEAD "from a\rb\nto b\n\n",   /* a command of its own? */
		HEAD "from a\nto b\x7f\n\n",
		HEAD "from a\nto b\tc\n\n",
		"postrider drop 1\nflags x\nsize 0\nfrom a\nto b\n\n",
		"postrider drop 1\nflags 0\nsize -1\nfrom a\nto b\n\n",
		("postrider drop 1\nflags 0\nsize 99999999999999999999\n"
			"from a\nto b\n\n"),
	};
	struct drop_file out;
	struct arena arena;
	size_t head;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(drop_file_read(span_str(bad[i]), &arena, &out,
			&head), SYNTAX);
	arena_clear(&arena);
}

static void test_limits(void **state)
{
	struct drop_file out;
	struct arena arena;
	struct buf text;
	size_t head, before;

	(void)state;
	arena_init(&arena, 1 << 20);
	buf_init(&text, 2 * DROP_HEAD_MAX);
	buf_puts(&text, HEAD "from a\n");
	for (size_t i = 0; i < DROP_RCPTS_MAX; i++)
		buf_puts(&text, "to b\n");
	before = buf_len(&text);
	buf_putc(&text, '\n');
	assert_int_equal(drop_file_read(buf_span(&text), &arena, &out, &head),
		OK);
	assert_int_equal(out.rcpt_count, DROP_RCPTS_MAX);
	buf_truncate(&text, before);
	buf_puts(&text, "to b\n\n");
	assert_int_equal(drop_file_read(buf_span(&text), &arena, &out, &head),
		SYNTAX);
	/* a line without an end */
	buf_reset(&text);
	buf_puts(&text, HEAD "from ");
	for (size_t i = 0; i < DROP_LINE_MAX; i++)
		buf_putc(&text, 'a');
	buf_puts(&text, "\nto b\n\n");
	assert_int_equal(drop_file_read(buf_span(&text), &arena, &out, &head),
		SYNTAX);
	buf_clear(&text);
	arena_clear(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_wishes),
		cmocka_unit_test(test_what_is_none),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
