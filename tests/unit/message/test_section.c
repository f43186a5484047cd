#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "message/section.h"
#include "tree.h"

static struct arena arena;

static enum code read_text(const char *text, struct section *out)
{
	return section_read(&arena, span_str(text), out);
}

static void test_read(void **state)
{
	static const struct {
		const char *text;
		enum section_what what;
		size_t depth, fields;
	} rows[] = {
		{"", SECTION_ALL, 0, 0},
		{"1", SECTION_ALL, 1, 0},
		{"4294967295.1.22", SECTION_ALL, 3, 0},
		{"HEADER", SECTION_HEADER, 0, 0},
		{"text", SECTION_TEXT, 0, 0},
		{"1.Text", SECTION_TEXT, 1, 0},
		{"3.2.HEADER", SECTION_HEADER, 2, 0},
		{"1.2.mime", SECTION_MIME, 2, 0},
		{"HEADER.FIELDS (To)", SECTION_FIELDS, 0, 1},
		{"1.header.fields.not (TO CC X.Y)", SECTION_FIELDS_NOT, 1, 3},
		{"HEADER.FIELDS (\"To\" \"a b\" c])", SECTION_FIELDS, 0, 3},
		{"HEADER.FIELDS (\"\")", SECTION_FIELDS, 0, 1},
	};
	struct section s;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(read_text(rows[i].text, &s), OK);
		assert_int_equal(s.what, rows[i].what);
		assert_int_equal(s.depth, rows[i].depth);
		assert_int_equal(s.field_count, rows[i].fields);
	}
	assert_int_equal(read_text("4294967295.1.22", &s), OK);
	assert_int_equal(s.numbers[0], UINT32_MAX);
	assert_int_equal(s.numbers[2], 22);
	assert_int_equal(read_text("HEADER.FIELDS (a \"b\\\"\\\\ \")", &s), OK);
	assert_true(span_eq(s.fields[0], SPAN("a")));
	assert_true(span_eq(s.fields[1], SPAN("b\"\\ ")));
}

static void test_read_refuses(void **state)
{
	static const char *const rows[] = {
		"0", "1.0", "1.", ".", ".1", "1..2", "1 ", " 1", "-1", "+1",
		"4294967296", "1.99999999999999999999", "1MIME", "1a",
		"MIME", "HEADERS", "HEADER ", "HEADER.", "TEXT.1",
		"1.HEADER.2", "1.MIME.1", "MIME (a)", "TEXT (a)", "HEADER (a)",
		"HEADER.FIELDS", "HEADER.FIELDS ", "HEADER.FIELDS ()",
		"HEADER.FIELDS (", "HEADER.FIELDS (a", "HEADER.FIELDS (a ",
		"HEADER.FIELDS (a )", "HEADER.FIELDS ( a)",
		"HEADER.FIELDS (a  b)", "HEADER.FIELDS (a) ",
		"HEADER.FIELDS(a)", "HEADER.FIELDS a", "HEADER.FIELDS (a)b",
		"HEADER.FIELDS (\"a)", "HEADER.FIELDS (\"a\\\")",
		"HEADER.FIELDS (\"a\nb\")", "HEADER.FIELDS (\"a\\\rb\")",
		"HEADER.FIELDS (a\"b\")", "HEADER.FIELDS (a(b)",
		"HEADER.FIELDS (a*)", "HEADER.FIELDS (a%)",
		"HEADER.FIELDS ({1})", "HEADER.FIELDS (\xc3\xa4)",
		"HEADER.FIELDS.NOT.NOT (a)", "HEADER.FIELDS.MIME (a)",
	};
	struct section s;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (read_text(rows[i], &s) != SYNTAX)
			fail_msg("%s was taken", rows[i]);
	assert_int_equal(section_read(&arena,
				 SPAN("HEADER.FIELDS (\"a\0\")"), &s),
		SYNTAX);
}

static void put_many(struct buf *out, size_t n, const char *one,
	const char *between)
{
	for (size_t i = 0; i < n; i++) {
		buf_puts(out, i == 0 ? "" : between);
		buf_puts(out, one);
	}
}

static void test_read_limits(void **state)
{
	struct section s;
	struct buf text;

	(void)state;
	buf_init(&text, 10000);
	put_many(&text, SECTION_NUMBERS_MAX, "1", ".");
	assert_int_equal(section_read(&arena, buf_span(&text), &s), OK);
	assert_int_equal(s.depth, SECTION_NUMBERS_MAX);
	buf_puts(&text, ".1");
	assert_int_equal(section_read(&arena, buf_span(&text), &s), LIMIT);
	for (size_t more = 0; more <= 1; more++) {
		buf_reset(&text);
		buf_puts(&text, "HEADER.FIELDS (");
		put_many(&text, SECTION_FIELDS_MAX + more, "a", " ");
		buf_puts(&text, ")");
		assert_int_equal(section_read(&arena, buf_span(&text), &s),
			more == 0 ? OK : LIMIT);
	}
	buf_clear(&text);
}

/* The message that RFC 9051 6.4.5.1 shows, with offsets of its own. */
static const struct tree_row example[] = {
	{0, MIME_MULTIPART, "multipart", "mixed", 0, 100, 1000},
	{1, MIME_LEAF, "text", "plain", 101, 110, 120},                 /* 1 */
	{1, MIME_LEAF, "application", "octet-stream", 121, 130, 140},   /* 2 */
	{1, MIME_MESSAGE, "message", "rfc822", 141, 150, 250},          /* 3 */
	{2, MIME_MULTIPART, "multipart", "mixed", 150, 170, 250},
	{3, MIME_LEAF, "text", "plain", 171, 180, 190},               /* 3.1 */
	{3, MIME_LEAF, "application", "octet-stream", 191, 200, 210}, /* 3.2 */
	{1, MIME_MULTIPART, "multipart", "mixed", 251, 260, 900},       /* 4 */
	{2, MIME_LEAF, "image", "gif", 261, 270, 280},                /* 4.1 */
	{2, MIME_MESSAGE, "message", "rfc822", 281, 290, 890},        /* 4.2 */
	{3, MIME_MULTIPART, "multipart", "mixed", 290, 310, 880},
	{4, MIME_LEAF, "text", "plain", 311, 320, 330},             /* 4.2.1 */
	{4, MIME_MULTIPART, "multipart", "alternative", 331, 340, 870},
	{5, MIME_LEAF, "text", "plain", 341, 350, 360},           /* 4.2.2.1 */
	{5, MIME_LEAF, "text", "richtext", 361, 370, 380},        /* 4.2.2.2 */
	{1, MIME_MESSAGE, "message", "rfc822", 901, 910, 990},          /* 5 */
	{2, MIME_LEAF, "text", "plain", 910, 930, 990},
	{1, MIME_MESSAGE, "message", "rfc822", 991, 992, 999},          /* 6 */
	{2, MIME_MESSAGE, "message", "rfc822", 992, 994, 999},
	{3, MIME_LEAF, "text", "plain", 994, 996, 999},
};

struct found {
	const char *text;
	uint64_t start, end;
	uint32_t part;
};

static void expect_found(const struct mime_tree *t, const struct found *row)
{
	struct section s;
	struct section_range r = {0, 0, 0};

	assert_int_equal(read_text(row->text, &s), OK);
	if (!section_find(t, &s, &r))
		fail_msg("%s was not found", row->text);
	if (r.start != row->start || r.end != row->end || r.part != row->part)
		fail_msg("%s: %lu to %lu of part %u", row->text,
			(unsigned long)r.start, (unsigned long)r.end, r.part);
}

static void expect_none(const struct mime_tree *t, const char *text)
{
	struct section s;
	struct section_range r;

	assert_int_equal(read_text(text, &s), OK);
	if (section_find(t, &s, &r))
		fail_msg("%s was found", text);
}

static void test_find(void **state)
{
	static const struct found rows[] = {
		{"", 0, 1000, 0},
		{"HEADER", 0, 100, 0},
		{"HEADER.FIELDS (a)", 0, 100, 0},
		{"TEXT", 100, 1000, 0},
		{"1", 110, 120, 1},
		{"1.MIME", 101, 110, 1},
		{"2", 130, 140, 2},
		{"3", 150, 250, 3},
		{"3.MIME", 141, 150, 3},
		{"3.HEADER", 150, 170, 4},
		{"3.HEADER.FIELDS.NOT (a)", 150, 170, 4},
		{"3.TEXT", 170, 250, 4},
		{"3.1", 180, 190, 5},
		{"3.2", 200, 210, 6},
		{"3.2.MIME", 191, 200, 6},
		{"4", 260, 900, 7},
		{"4.MIME", 251, 260, 7},
		{"4.1.MIME", 261, 270, 8},
		{"4.2.HEADER", 290, 310, 10},
		{"4.2.TEXT", 310, 880, 10},
		{"4.2.1", 320, 330, 11},
		{"4.2.2", 340, 870, 12},
		{"4.2.2.1", 350, 360, 13},
		{"4.2.2.2", 370, 380, 14},
		{"5", 910, 990, 15},
		{"5.1", 930, 990, 16},
		{"5.1.MIME", 910, 930, 16},
		{"5.HEADER", 910, 930, 16},
		{"5.TEXT", 930, 990, 16},
		{"6.1", 994, 999, 18},
		{"6.1.1", 996, 999, 19},
		{"6.1.TEXT", 996, 999, 19},
		{"6.HEADER", 992, 994, 18},
	};
	static const char *const none[] = {
		"7", "1.1", "1.TEXT", "1.HEADER", "1.HEADER.FIELDS (a)", "3.3",
		"3.1.1", "3.1.TEXT", "4.TEXT", "4.HEADER", "4.3", "4.2.3",
		"4.2.2.3", "4.2.2.2.1", "4.2.2.TEXT", "5.2", "5.1.1",
		"5.1.TEXT", "5.1.HEADER", "6.2", "6.1.2", "6.1.1.1",
		"6.1.1.TEXT", "4294967295", "4.2.2.4294967295.MIME",
	};
	struct tree t;
	const struct mime_tree *tree = TREE_MAKE(&t, example);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect_found(tree, &rows[i]);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		expect_none(tree, none[i]);
}

/* RFC 9051 6.4.5.1: every message has a part 1. */
static void test_find_in_one_part(void **state)
{
	static const struct tree_row rows[] = {
		{0, MIME_LEAF, "text", "plain", 0, 30, 60}};
	static const struct found found[] = {
		{"", 0, 60, 0},
		{"1", 30, 60, 0},
		{"1.MIME", 0, 30, 0},
		{"TEXT", 30, 60, 0},
	};
	static const char *const none[] = {
		"2", "1.1", "1.TEXT", "1.HEADER", "1.1.MIME"};
	struct tree t;
	const struct mime_tree *tree = TREE_MAKE(&t, rows);

	(void)state;
	for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++)
		expect_found(tree, &found[i]);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		expect_none(tree, none[i]);
}

/* The message is a message: 1 is that, 1.1 what is in it. */
static void test_find_in_message(void **state)
{
	static const struct tree_row rows[] = {
		{0, MIME_MESSAGE, "message", "rfc822", 0, 30, 60},
		{1, MIME_LEAF, "text", "plain", 30, 40, 60}};
	static const struct found found[] = {
		{"HEADER", 0, 30, 0},
		{"TEXT", 30, 60, 0},
		{"1", 30, 60, 0},
		{"1.MIME", 0, 30, 0},
		{"1.HEADER", 30, 40, 1},
		{"1.TEXT", 40, 60, 1},
		{"1.1", 40, 60, 1},
		{"1.1.MIME", 30, 40, 1},
	};
	struct tree t;
	const struct mime_tree *tree = TREE_MAKE(&t, rows);

	(void)state;
	for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++)
		expect_found(tree, &found[i]);
	expect_none(tree, "2");
	expect_none(tree, "1.2");
	expect_none(tree, "1.1.1");
	expect_none(tree, "1.1.TEXT");
}

/* Numbers and BODYSTRUCTURE agree on what is broken. */
static void test_find_in_broken(void **state)
{
	static const struct tree_row rows[] = {
		{0, MIME_MULTIPART, "multipart", "mixed", 0, 30, 60}};
	struct tree t;
	const struct mime_tree *tree = TREE_MAKE(&t, rows);

	(void)state;
	expect_found(tree, &(struct found){"1", 60, 60, 0});
	expect_found(tree, &(struct found){"1.MIME", 60, 60, 0});
	expect_none(tree, "2");
	expect_none(tree, "1.1");
	expect_none(tree, "1.TEXT");
	t.parts[0].is_cut = true;
	expect_found(tree, &(struct found){"1", 30, 60, 0});
	expect_found(tree, &(struct found){"1.MIME", 0, 30, 0});
	expect_none(tree, "1.1");
	t.parts[0].type = SPAN("message");
	t.parts[0].subtype = SPAN("RFC822");
	t.parts[0].kind = MIME_LEAF;
	expect_found(tree, &(struct found){"1", 30, 60, 0});
	expect_found(tree, &(struct found){"TEXT", 30, 60, 0});
	expect_found(tree, &(struct found){"1.TEXT", 60, 60, 0});
	expect_found(tree, &(struct found){"1.HEADER", 60, 60, 0});
	expect_found(tree, &(struct found){"1.1", 60, 60, 0});
	expect_found(tree, &(struct found){"1.1.MIME", 60, 60, 0});
	expect_none(tree, "1.2");
	expect_none(tree, "1.1.1");
	expect_none(tree, "1.1.TEXT");
}

static void expect_fields(const char *text, const char *fields)
{
	static const char header[] = "Received: from a\r\n by b\r\n"
		"From mbox\r\n leads\r\n"
		"TO: x\r\n"
		"cc : y\n\tz\n"
		"no field\r\n"
		"To:z\r\n"
		"\r\n";
	struct section s;
	struct buf out;

	buf_init(&out, 1000);
	assert_int_equal(read_text(text, &s), OK);
	section_put_fields(&out, &s, span_str(header));
	buf_putc(&out, 0);
	assert_string_equal((const char *)buf_span(&out).p, fields);
	buf_clear(&out);
}

static void test_fields(void **state)
{
	(void)state;
	expect_fields("HEADER.FIELDS (to)", "TO: x\r\nTo:z\r\n\r\n");
	expect_fields("HEADER.FIELDS (Cc \"To\")",
		"TO: x\r\ncc : y\n\tz\nTo:z\r\n\r\n");
	expect_fields("HEADER.FIELDS (received)",
		"Received: from a\r\n by b\r\n\r\n");
	expect_fields("HEADER.FIELDS (t)", "\r\n");
	expect_fields("HEADER.FIELDS.NOT (to cc)",
		"Received: from a\r\n by b\r\n"
		"From mbox\r\n leads\r\nno field\r\n\r\n");
	expect_fields("HEADER.FIELDS.NOT (x)",
		"Received: from a\r\n by b\r\n"
		"From mbox\r\n leads\r\n"
		"TO: x\r\n"
		"cc : y\n\tz\n"
		"no field\r\n"
		"To:z\r\n"
		"\r\n");
}

/* RFC 9051 6.4.5.1: no empty line where there is none. */
static void test_fields_of_half_a_header(void **state)
{
	struct section s;
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	assert_int_equal(read_text("HEADER.FIELDS (a)", &s), OK);
	section_put_fields(&out, &s, SPAN("A: 1\r\nB: 2"));
	assert_true(span_eq(buf_span(&out), SPAN("A: 1\r\n")));
	buf_reset(&out);
	section_put_fields(&out, &s, SPAN("B: 2\nA: 1"));
	assert_true(span_eq(buf_span(&out), SPAN("A: 1")));
	buf_reset(&out);
	section_put_fields(&out, &s, SPAN_EMPTY);
	assert_int_equal(buf_len(&out), 0);
	section_put_fields(&out, &s, SPAN("B: 1\n\n"));
	assert_true(span_eq(buf_span(&out), SPAN("\n")));
	buf_clear(&out);
}

static void test_cut(void **state)
{
	static const struct {
		uint64_t start, count, out_start, out_end;
	} rows[] = {
		{0, UINT64_MAX, 10, 20}, {0, 0, 10, 10}, {0, 3, 10, 13},
		{3, 3, 13, 16}, {3, UINT64_MAX, 13, 20}, {9, 2, 19, 20},
		{10, 1, 20, 20}, {UINT64_MAX, UINT64_MAX, 20, 20},
		{UINT64_MAX - 5, 10, 20, 20},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct section_range r = {10, 20, 0};

		section_cut(&r, rows[i].start, rows[i].count);
		assert_int_equal(r.start, rows[i].out_start);
		assert_int_equal(r.end, rows[i].out_end);
	}
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
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_read_refuses),
		cmocka_unit_test(test_read_limits),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_find_in_one_part),
		cmocka_unit_test(test_find_in_message),
		cmocka_unit_test(test_find_in_broken),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_fields_of_half_a_header),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, open_arena, close_arena);
}
