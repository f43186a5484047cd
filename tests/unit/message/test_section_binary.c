#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "message/section_binary.h"
#include "tree.h"

static struct arena arena;

static enum code read_text(const char *text, struct section *out)
{
	return section_read(&arena, span_str(text), out);
}

static const struct tree_row one_leaf[] = {
	{0, MIME_LEAF, "text", "plain", 0, 10, 1000}};

/* Feeds raw in pieces of that size and gives what <start.count> is of it. */
static void decode(struct buf *out, enum mime_encoding encoding,
	struct span raw, const uint64_t partial[2], size_t piece)
{
	struct section_binary b;
	struct section_range r;
	struct section s;
	struct tree t;
	const struct mime_tree *tree = TREE_MAKE(&t, one_leaf);
	size_t had = buf_len(out);

	t.parts[0].encoding = encoding;
	assert_int_equal(read_text("1", &s), OK);
	assert_int_equal(section_binary_begin(&b, tree, &s, &r), OK);
	assert_int_equal(r.start, 10);
	assert_int_equal(r.end, 1000);
	section_binary_cut(&b, partial[0], partial[1]);
	for (size_t at = 0; at < raw.n; at += piece)
		section_binary_feed(&b, span_head(span_tail(raw, at), piece),
			out);
	section_binary_end(&b, out);
	assert_int_equal(b.size, 10);
	assert_int_equal(section_binary_is_full(&b),
		buf_len(out) - had == partial[1]);
}

static void test_binary(void **state)
{
	static const struct {
		enum mime_encoding encoding;
		struct span raw;
	} codings[] = {
		{MIME_7BIT, SPAN_INIT("abcdefghij")},
		{MIME_8BIT, SPAN_INIT("abcdefghij")},
		{MIME_BINARY, SPAN_INIT("abcdefghij")},
		{MIME_QP, SPAN_INIT("abc=\r\n=64ef=67h=\r\nij")},
		{MIME_BASE64, SPAN_INIT("YWJjZGVm\r\nZ2hpag==\r\n")},
		{MIME_BASE64, SPAN_INIT("YWJjZGVmZ2hpag")},
	};
	static const uint64_t partials[][2] = {
		{0, UINT64_MAX}, {0, 0}, {0, 1}, {3, 4}, {9, 1}, {9, 10},
		{10, 5}, {UINT64_MAX, UINT64_MAX}, {2, 8}};
	struct span plain = SPAN("abcdefghij");
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	for (size_t i = 0; i < sizeof(codings) / sizeof(codings[0]); i++)
		for (size_t j = 0; j < sizeof(partials) / sizeof(*partials);
			j++)
			for (size_t piece = 1; piece < 25; piece++) {
				const uint64_t *p = partials[j];
				struct span want = span_head(
					span_tail(plain, p[0]), p[1]);

				buf_reset(&out);
				buf_puts(&out, "before");
				decode(&out, codings[i].encoding,
					codings[i].raw, p, piece);
				buf_consume(&out, 6);
				assert_true(span_eq(buf_span(&out), want));
			}
	buf_clear(&out);
}

static const struct tree_row nested[] = {
	{0, MIME_MULTIPART, "multipart", "mixed", 0, 100, 1000},
	{1, MIME_LEAF, "text", "plain", 101, 110, 120},
	{1, MIME_LEAF, "image", "gif", 121, 130, 140},
	{1, MIME_MESSAGE, "message", "rfc822", 141, 150, 250},
	{2, MIME_LEAF, "text", "plain", 150, 170, 250},
	{1, MIME_MULTIPART, "multipart", "mixed", 251, 260, 900},
	{2, MIME_LEAF, "text", "plain", 261, 270, 280},
};

static enum code begin(const struct mime_tree *t, const char *text)
{
	struct section_binary b;
	struct section_range r;
	struct section s;

	assert_int_equal(read_text(text, &s), OK);
	return section_binary_begin(&b, t, &s, &r);
}

static void test_binary_refuses(void **state)
{
	struct tree t;
	const struct mime_tree *tree = TREE_MAKE(&t, nested);

	(void)state;
	t.parts[2].encoding = MIME_UNKNOWN;
	t.parts[0].encoding = MIME_UNKNOWN;
	assert_int_equal(begin(tree, "1"), OK);
	assert_int_equal(begin(tree, ""), OK);
	assert_int_equal(begin(tree, "2"), CORRUPT);
	assert_int_equal(begin(tree, "3"), DENIED);
	assert_int_equal(begin(tree, "4"), DENIED);
	assert_int_equal(begin(tree, "3.1"), OK);
	assert_int_equal(begin(tree, "5"), NOT_FOUND);
	assert_int_equal(begin(tree, "TEXT"), DENIED);
	assert_int_equal(begin(tree, "1.MIME"), DENIED);
}

/* The part that is not there is empty; what was not looked into is a leaf. */
static void test_binary_of_broken(void **state)
{
	static const struct tree_row rows[] = {
		{0, MIME_MULTIPART, "multipart", "mixed", 0, 30, 60}};
	struct tree t;
	const struct mime_tree *tree = TREE_MAKE(&t, rows);

	(void)state;
	t.parts[0].encoding = MIME_UNKNOWN;
	assert_int_equal(begin(tree, "1"), OK);
	t.parts[0].is_cut = true;
	assert_int_equal(begin(tree, "1"), CORRUPT);
	t.parts[0].encoding = MIME_BASE64;
	assert_int_equal(begin(tree, "1"), OK);
	t.parts[0].kind = MIME_MESSAGE;
	assert_int_equal(begin(tree, "1"), OK);
	assert_int_equal(begin(tree, "1.1"), OK);
}

static int open_arena(void **state)
{
	(void)state;
	arena_init(&arena, 1u << 20);
	return 0;
}

static int close_arena(void **state)
{
	(void)state;
	arena_clear(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_binary),
		cmocka_unit_test(test_binary_refuses),
		cmocka_unit_test(test_binary_of_broken),
	};

	return cmocka_run_group_tests(tests, open_arena, close_arena);
}
