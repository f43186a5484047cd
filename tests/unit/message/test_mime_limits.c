#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mime_check.h"

#define MESSAGE_MAX (16u << 20)
#define WINDOW      (64u << 10) /* as the parser has it */

static void put_many(struct buf *out, const char *text, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_puts(out, text);
}

/* A multipart with one part of "x", the boundary this many characters. */
static void put_long_boundary(struct buf *out, size_t length)
{
	buf_puts(out, "Content-Type: multipart/mixed; boundary=\"");
	put_many(out, "b", length);
	buf_puts(out, "\"\n\n--");
	put_many(out, "b", length);
	buf_puts(out, "\n\nx\n--");
	put_many(out, "b", length);
	buf_puts(out, "--\n");
}

static void test_boundary_lengths(void **state)
{
	static const struct {
		size_t length;
		const char *outline;
	} rows[] = {
		{1, "mixed* .plain:1"},
		{69, "mixed* .plain:1"},
		{70, "mixed* .plain:1"},
		{71, "mixed* .plain:1"},
		{79, "mixed* .plain:1"},
		{80, "mixed* .plain:1"},
		{81, "mixed* .plain:1"},
		{82, "mixed* .plain:1"},
		{200, "mixed* .plain:1"},
		{201, "mixed:413!"},
		{2000, "mixed:4011!"},
	};
	struct buf message;

	(void)state;
	buf_init(&message, MESSAGE_MAX);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&message);
		put_long_boundary(&message, rows[i].length);
		mime_check_outline(buf_span(&message), rows[i].outline);
	}
	buf_clear(&message);
}

/* Blanks behind a boundary, so that the line has so many bytes. */
static void test_boundary_blanks(void **state)
{
	static const struct {
		size_t line_bytes;
		const char *outline;
	} rows[] = {
		{100, "mixed* .plain:0"},
		{1000, "mixed* .plain:0"},
		{1001, "mixed*"},
		{5000, "mixed*"},
	};
	struct buf message;

	(void)state;
	buf_init(&message, MESSAGE_MAX);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&message);
		buf_puts(&message, "Content-Type: multipart/mixed;boundary=b\n"
				   "\n--b");
		put_many(&message, " ", rows[i].line_bytes - 3);
		buf_puts(&message, "\nA: b\n");
		mime_check_outline(buf_span(&message), rows[i].outline);
	}
	buf_clear(&message);
}

/* Each multipart in the one before, then a part of "x". */
static void put_nest(struct buf *out, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++)
		buf_printf(out, "Content-Type: multipart/mixed; boundary=b%u\n"
				"\n--b%u\n", i, i);
	buf_puts(out, "\nx");
}

static void check_nest(unsigned depth, uint32_t parts, bool is_cut)
{
	struct arena arena;
	struct buf message;
	const struct mime_tree *t;
	const struct mime_part *last;

	buf_init(&message, MESSAGE_MAX);
	put_nest(&message, depth);
	t = mime_check(&arena, buf_span(&message));
	last = &t->parts[t->count - 1];
	assert_int_equal(t->count, parts);
	assert_int_equal(t->is_cut, is_cut);
	assert_int_equal(last->kind, MIME_LEAF);
	assert_int_equal(last->is_cut, is_cut);
	if (!is_cut)
		assert_int_equal(last->body_end - last->body_start, 1);
	arena_clear(&arena);
	buf_clear(&message);
}

static void test_depth(void **state)
{
	(void)state;
	check_nest(1, 2, false);
	check_nest(99, 100, false);
	check_nest(100, 101, false);
	check_nest(101, 101, true);
	check_nest(10000, 101, true);
}

static void check_messages(size_t depth, uint32_t parts, bool is_cut)
{
	struct arena arena;
	struct buf message;
	const struct mime_tree *t;

	buf_init(&message, MESSAGE_MAX);
	put_many(&message, "Content-Type: message/rfc822\n\n", depth);
	buf_puts(&message, "\nx");
	t = mime_check(&arena, buf_span(&message));
	assert_int_equal(t->count, parts);
	assert_int_equal(t->is_cut, is_cut);
	assert_int_equal(t->parts[t->count - 1].kind, MIME_LEAF);
	arena_clear(&arena);
	buf_clear(&message);
}

static void test_depth_of_messages(void **state)
{
	(void)state;
	check_messages(99, 100, false);
	check_messages(100, 101, false);
	check_messages(101, 101, true);
	check_messages(50000, 101, true);
}

/* What is too deep hides no boundary of what is not. */
static void test_after_depth(void **state)
{
	struct arena arena;
	struct buf message;
	const struct mime_tree *t;

	(void)state;
	buf_init(&message, MESSAGE_MAX);
	put_nest(&message, 102);
	buf_puts(&message, "\n--b101--\n--b100--\n--b99\n\ny\n--b0\n\nz\n");
	t = mime_check(&arena, buf_span(&message));
	assert_int_equal(t->count, 103);
	assert_true(t->parts[100].is_cut);
	assert_int_equal(t->parts[101].parent, 99);
	assert_int_equal(t->parts[102].parent, 0);
	arena_clear(&arena);
	buf_clear(&message);
}

static void check_parts(const char *head, const char *part, size_t count,
	uint32_t expected)
{
	struct arena arena;
	struct buf message;
	const struct mime_tree *t;

	buf_init(&message, MESSAGE_MAX);
	buf_puts(&message, head);
	put_many(&message, part, count);
	t = mime_check(&arena, buf_span(&message));
	assert_int_equal(t->count, expected);
	assert_int_equal(t->is_cut, expected == MESSAGE_PARTS_MAX);
	assert_int_equal(t->parts[0].is_cut, t->is_cut);
	arena_clear(&arena);
	buf_clear(&message);
}

static void test_parts(void **state)
{
	static const char mixed[] =
		"Content-Type: multipart/mixed; boundary=b\n\n";
	static const char digest[] =
		"Content-Type: multipart/digest; boundary=b\n\n";

	(void)state;
	check_parts(mixed, "--b\n", 9998, 9999);
	check_parts(mixed, "--b\n", 50000, MESSAGE_PARTS_MAX);
	check_parts(mixed, "--b\n\nx\n", 50000, MESSAGE_PARTS_MAX);
	check_parts(digest, "--b\n", 20000, MESSAGE_PARTS_MAX);
	check_parts(mixed, "--b\nContent-Type: message/rfc822\n\n", 20000,
		MESSAGE_PARTS_MAX);
}

/* The last part that there is room for is a message: it stays closed. */
static void test_last_part(void **state)
{
	struct arena arena;
	struct buf message;
	const struct mime_tree *t;

	(void)state;
	buf_init(&message, MESSAGE_MAX);
	buf_puts(&message, "Content-Type: multipart/mixed; boundary=b\n\n");
	put_many(&message, "--b\n", MESSAGE_PARTS_MAX - 2);
	buf_puts(&message, "--b\nContent-Type: message/rfc822\n\nA: b\n");
	t = mime_check(&arena, buf_span(&message));
	assert_int_equal(t->count, MESSAGE_PARTS_MAX);
	assert_int_equal(t->parts[t->count - 1].kind, MIME_LEAF);
	assert_true(t->parts[t->count - 1].is_cut);
	assert_false(t->parts[0].is_cut);
	arena_clear(&arena);
	buf_clear(&message);
}

/* A head of so many bytes, with a field at each end. */
static const struct mime_tree *parse_long_head(struct arena *arena,
	struct buf *message, size_t head_bytes)
{
	static const char end[] = "Content-Type: text/html\n\n";

	buf_init(message, MESSAGE_MAX);
	buf_puts(message, "Subject: begin\nX: ");
	put_many(message, "x", head_bytes - buf_len(message) - sizeof(end));
	buf_puts(message, "\n");
	buf_puts(message, end);
	assert_int_equal(buf_len(message), head_bytes);
	buf_puts(message, "body");
	return mime_check(arena, buf_span(message));
}

static void test_long_heads(void **state)
{
	static const struct {
		size_t bytes;
		bool is_cut;
		const char *subtype;
	} rows[] = {
		{WINDOW - 1, false, "html"},
		{WINDOW, false, "html"},
		{WINDOW + 1, false, "html"},
		{MESSAGE_HEAD_MAX - 1, false, "html"},
		{MESSAGE_HEAD_MAX, false, "html"},
		{MESSAGE_HEAD_MAX + 100, true, "plain"},
		{MESSAGE_HEAD_MAX * 5, true, "plain"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena arena;
		struct buf message;
		const struct mime_tree *t =
			parse_long_head(&arena, &message, rows[i].bytes);
		const struct mime_part *p = &t->parts[0];

		assert_int_equal(t->is_cut, rows[i].is_cut);
		assert_int_equal(p->is_cut, rows[i].is_cut);
		assert_true(span_eq(p->subtype, span_str(rows[i].subtype)));
		assert_true(span_eq(p->envelope->subject, SPAN("begin")));
		assert_int_equal(p->body_start, rows[i].bytes);
		arena_clear(&arena);
		buf_clear(&message);
	}
}

/* More is said in the heads of the parts than is kept. */
static void test_many_heads(void **state)
{
	struct arena arena;
	struct buf message;
	const struct mime_tree *t;

	(void)state;
	buf_init(&message, 4 * MESSAGE_MAX);
	buf_puts(&message, "Content-Type: multipart/mixed; boundary=b\n\n");
	for (unsigned i = 0; i < 30; i++) {
		buf_puts(&message, "--b\nContent-Description: ");
		put_many(&message, "0123456789abcdef", 60000);
		buf_puts(&message, "\nContent-Type: text/html\n\nx\n");
	}
	t = mime_check(&arena, buf_span(&message));
	assert_true(t->is_cut);
	assert_int_equal(t->count, 31);
	assert_false(t->parts[1].is_cut);
	assert_true(t->parts[1].has_type);
	assert_true(t->parts[30].is_cut);
	assert_false(t->parts[30].has_type);
	arena_clear(&arena);
	buf_clear(&message);
}

/* Whatever is split by the windows that the parser looks at. */
static void test_windows(void **state)
{
	struct buf message;

	(void)state;
	buf_init(&message, MESSAGE_MAX);
	for (size_t pad = WINDOW - 140; pad < WINDOW; pad++) {
		struct arena arena;
		const struct mime_tree *t;

		buf_reset(&message);
		put_many(&message, "x", pad);
		buf_puts(&message, "\r\nContent-Type: multipart/mixed; "
				   "boundary=b\r\n\r\n--b\r\n\r\n\xe9\r\n--b"
				   "\r\nContent-Type: text/html\r\n\r\n-\r\n"
				   "--b--\r\n--\xe9");
		arena_init(&arena, MIME_ARENA_BYTES);
		t = mime_parse(&arena, buf_span(&message));
		sound_tree(t, buf_span(&message));
		assert_int_equal(t->count, 3);
		assert_true(t->parts[1].has_8bit);
		assert_false(t->parts[2].has_8bit);
		arena_clear(&arena);
	}
	buf_clear(&message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_boundary_lengths),
		cmocka_unit_test(test_boundary_blanks),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_depth_of_messages),
		cmocka_unit_test(test_after_depth),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_last_part),
		cmocka_unit_test(test_long_heads),
		cmocka_unit_test(test_many_heads),
		cmocka_unit_test(test_windows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
