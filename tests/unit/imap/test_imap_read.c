#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "imap/imap_command.h"
#include "imap/imap_id.h"
#include "imap/imap_read.h"

static struct arena arena;

static struct imap_reader reader_of(const char *text)
{
	struct imap_reader r;

	imap_reader_init(&r, span_str(text), &arena);
	return r;
}

typedef bool word_fn(struct imap_reader *r, struct span *out);

/* text is read as one word up to its end, or (value NULL) is wrong. */
static void word(word_fn *read, const char *text, const char *value)
{
	struct imap_reader r = reader_of(text);
	struct span got;
	bool is_read = read(&r, &got) && imap_read_end(&r);

	if (is_read != (value != NULL))
		fail_msg("%s: %s", text, is_read ? "was read" : r.why);
	assert_int_equal(is_read, r.why == NULL);
	assert_true(r.at <= r.text.n);
	if (is_read && !span_eq(got, span_str(value)))
		fail_msg("%s is %.*s", text, SPAN_ARG(got));
}

static void test_words(void **state)
{
	(void)state;
	word(imap_read_atom, "abc-1.+", "abc-1.+");
	word(imap_read_atom, "", NULL);
	word(imap_read_atom, "a]", NULL);
	word(imap_read_atom, "a*", NULL);
	word(imap_read_atom, "\"a\"", NULL);
	word(imap_read_atom, "a\xc3\xbc", NULL);
	word(imap_read_astring, "a]b", "a]b");
	word(imap_read_astring, "a\xc3\xbc", "a\xc3\xbc");
	word(imap_read_astring, "a%", NULL);
	word(imap_read_astring, "a\x7f", NULL);
	word(imap_read_astring, "a b", NULL);
	word(imap_read_astring, "\"\"", "");
	word(imap_read_astring, "\"a b\"", "a b");
	word(imap_read_astring, "\"a\\\"\\\\b\"", "a\"\\b");
	word(imap_read_astring, "\"a\\n\"", NULL);
	word(imap_read_astring, "\"a\\\"", NULL);
	word(imap_read_astring, "\"a", NULL);
	word(imap_read_astring, "\"a\r\n\"", NULL);
	word(imap_read_astring, "{3}\r\na\"\r", "a\"\r");
	word(imap_read_astring, "{3+}\r\na b", "a b");
	word(imap_read_astring, "{0}\r\n", "");
	word(imap_read_astring, "{4}\r\nabc", NULL);
	word(imap_read_astring, "{3}abc", NULL);
	word(imap_read_astring, "{}\r\n", NULL);
	word(imap_read_astring, "{-1}\r\nabc", NULL);
	word(imap_read_astring, "{9223372036854775808}\r\nabc", NULL);
	word(imap_read_astring, "~{1}\r\na", NULL);
	word(imap_read_string, "abc", NULL);
	word(imap_read_pattern, "a%b*", "a%b*");
	word(imap_read_pattern, "\"%\"", "%");
	word(imap_read_credential, "%u", "%u");
	word(imap_read_flag, "\\Seen", "\\Seen");
	word(imap_read_flag, "$Junk", "$Junk");
	word(imap_read_flag, "\\", NULL);
	word(imap_read_flag, "\\*", NULL);
	word(imap_read_nstring, "NILL", NULL);
	word(imap_read_nstring, "\"NIL\"", "NIL");
	word(imap_read_set_text, "1:*,$", "1:*,$");
	word(imap_read_set_text, "", NULL);
}

static void test_nil_is_not_empty(void **state)
{
	struct imap_reader r = reader_of("nil \"\"");
	struct span got;

	(void)state;
	assert_true(imap_read_nstring(&r, &got));
	assert_null(got.p);
	assert_true(imap_read_sp(&r));
	assert_true(imap_read_nstring(&r, &got));
	assert_non_null(got.p);
}

static void test_nul(void **state)
{
	struct imap_reader r;
	struct span got;
	bool is_binary;

	(void)state;
	imap_reader_init(&r, SPAN("{1}\r\n\0"), &arena);
	assert_false(imap_read_astring(&r, &got));
	imap_reader_init(&r, SPAN("{1}\r\n\0"), &arena);
	assert_true(imap_read_credential(&r, &got));
	imap_reader_init(&r, SPAN("~{1}\r\n\0"), &arena);
	assert_true(imap_read_literal(&r, &got, &is_binary));
	assert_true(is_binary);
	assert_int_equal(got.n, 1);
	imap_reader_init(&r, SPAN("a\0b"), &arena);
	assert_true(imap_read_astring(&r, &got));
	assert_false(imap_read_end(&r));
	imap_reader_init(&r, SPAN("\"a\0b\""), &arena);
	assert_false(imap_read_astring(&r, &got));
}

static void test_announced(void **state)
{
	struct imap_reader r = reader_of("~{12+}\r\n");

	(void)state;
	assert_true(imap_read_announced(&r));
	r = reader_of("{12}\r\n");
	assert_true(imap_read_announced(&r));
	r = reader_of("{12}\r\nx");
	assert_false(imap_read_announced(&r));
	r = reader_of("\"x\"");
	assert_false(imap_read_announced(&r));
}

static void test_skip(void **state)
{
	struct imap_reader r = reader_of("body.peek[]");

	(void)state;
	assert_false(imap_skip_word(&r, SPAN("BODY")));
	assert_true(imap_skip_word(&r, SPAN("BODY.PEEK")));
	assert_true(imap_skip(&r, SPAN("[]")));
	assert_true(imap_is_end(&r));
	assert_false(imap_skip(&r, SPAN("x")));
}

/* "(a (b) ())" as "a[b][]". */
static bool read_list(struct imap_reader *r, struct buf *out)
{
	bool is_first[8] = {true};
	size_t depth = 0;
	struct span got;

	if (!imap_read_open(r))
		return false;
	for (;;) {
		if (!imap_read_more(r, is_first[depth])) {
			if (r->why != NULL || depth == 0)
				return r->why == NULL;
			depth--;
			buf_puts(out, "]");
			continue;
		}
		is_first[depth] = false;
		if (imap_next(r) == '(') {
			if (!imap_read_open(r))
				return false;
			is_first[++depth] = true;
			buf_puts(out, "[");
		} else if (imap_read_astring(r, &got)) {
			buf_put(out, got);
		}
	}
}

static void test_lists(void **state)
{
	static const struct {
		const char *text, *form; /* NULL: wrong */
	} rows[] = {
		{"()", ""},
		{"(a b)", "ab"},
		{"(a (b (c)) ())", "a[b[c]][]"},
		{"(a", NULL},
		{"(a ", NULL},
		{"( a)", NULL},
		{"(a )", NULL},
		{"(a  b)", NULL},
		{"(a(b))", NULL},
		{"((((a))))", NULL}, /* too deep */
		{"a", NULL},
	};
	struct buf out;

	(void)state;
	buf_init(&out, 256);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct imap_reader r = reader_of(rows[i].text);
		bool is_read;

		r.depth_max = 3;
		buf_reset(&out);
		is_read = read_list(&r, &out) && imap_read_end(&r);
		if (is_read != (rows[i].form != NULL))
			fail_msg("%s", rows[i].text);
		if (is_read)
			assert_true(span_eq(
				buf_span(&out), span_str(rows[i].form)));
	}
	buf_clear(&out);
}

static void number(const char *text, bool is_good, uint64_t value)
{
	struct imap_reader r = reader_of(text);
	uint32_t got = 0;

	assert_int_equal(
		imap_read_number(&r, &got) && imap_read_end(&r), is_good);
	if (is_good)
		assert_int_equal(got, value);
	r = reader_of(text);
	assert_int_equal(imap_read_nz_number(&r, &got) && imap_read_end(&r),
		is_good && value > 0);
}

static void test_numbers(void **state)
{
	struct imap_reader r = reader_of("9223372036854775807");
	uint64_t a, b;

	(void)state;
	number("0", true, 0);
	number("4294967295", true, 4294967295);
	number("4294967296", false, 0);
	number("007", true, 7);
	number("-1", false, 0);
	number("", false, 0);
	number("1x", false, 0);
	number("99999999999999999999999999", false, 0);
	assert_true(imap_read_number64(&r, &a));
	assert_int_equal(a, INT64_MAX);
	r = reader_of("9223372036854775808");
	assert_false(imap_read_number64(&r, &a));
	r = reader_of("<0.2048>");
	assert_true(imap_read_partial(&r, &a, &b));
	assert_int_equal(a, 0);
	assert_int_equal(b, 2048);
	r = reader_of("<0.0>");
	assert_false(imap_read_partial(&r, &a, &b));
	r = reader_of("<5>");
	assert_false(imap_read_partial(&r, &a, &b));
}

static void date(const char *text, bool is_good, int32_t days)
{
	struct imap_reader r = reader_of(text);
	int32_t got = 0;
	bool is_read = imap_read_date(&r, &got) && imap_read_end(&r);

	if (is_read != is_good || (is_good && got != days))
		fail_msg("%s: %d", text, got);
}

static void test_windows(void **state)
{
	static const struct {
		const char *text;
		size_t count, first, end;
	} rows[] = {
		{"1:5", 10, 0, 5},
		{"5:1", 10, 0, 5},
		{"4:20", 10, 3, 10},
		{"10:10", 10, 9, 10},
		{"11:20", 10, 0, 0},
		{"1:4294967295", 0, 0, 0},
		{"-1:-3", 10, 7, 10},
		{"-3:-1", 10, 7, 10},
		{"-9:-20", 10, 0, 2},
		{"-10:-10", 10, 0, 1},
		{"-11:-20", 10, 0, 0},
		{"-1:-1", 1, 0, 1},
	};
	static const char *const wrong[] = {"", "1", "1:", "0:1", "1:0", "-1:2",
		"1:-2", "-0:-1", "1:*", "*", "1:4294967296", "--1:-2"};
	struct imap_window w;
	struct imap_reader r;
	size_t first, end;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		r = reader_of(rows[i].text);
		assert_true(imap_read_window(&r, &w));
		assert_true(imap_is_end(&r));
		imap_window_find(&w, rows[i].count, &first, &end);
		assert_int_equal(first, rows[i].first);
		assert_int_equal(end, rows[i].end);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		r = reader_of(wrong[i]);
		assert_false(imap_read_window(&r, &w));
	}
}

static void test_dates(void **state)
{
	(void)state;
	date("1-Jan-1970", true, 0);
	date("01-jan-1970", true, 0);
	date("\"31-DEC-1969\"", true, -1);
	date("29-Feb-2000", true, 11016);
	date("1-Mar-2000", true, 11017);
	date("22-Nov-2026", true, 20779);
	date("1-Jan-0000", true, -719528);
	date("31-Dec-9999", true, 2932896);
	date("29-Feb-1900", false, 0);
	date("29-Feb-2023", false, 0);
	date("31-Apr-2023", false, 0);
	date("0-Jan-2023", false, 0);
	date("32-Jan-2023", false, 0);
	date("001-Jan-2023", false, 0);
	date("1-Jan-23", false, 0);
	date("1-Foo-2023", false, 0);
	date("1 Jan 2023", false, 0);
	date("\"1-Jan-2023", false, 0);
	date("1-Jan-20233", false, 0);
}

static void moment(const char *text, bool is_good, int64_t seconds)
{
	struct imap_reader r = reader_of(text);
	int64_t got = 0;
	bool is_read = imap_read_date_time(&r, &got) && imap_read_end(&r);

	if (is_read != is_good || (is_good && got != seconds * 1000))
		fail_msg("%s: %lld", text, (long long)got);
}

static void test_moments(void **state)
{
	(void)state;
	/* RFC 9051 7.5.2's INTERNALDATE */
	moment("\"17-Jul-1996 02:44:25 -0700\"", true, 837596665);
	moment("\" 1-Jan-1970 00:00:00 +0000\"", true, 0);
	moment("\"1-Jan-1970 00:00:00 +0100\"", true, -3600);
	moment("\"30-Jun-2015 23:59:60 +0000\"", true, 1435708800);
	moment("\" 1-Jan-1970 24:00:00 +0000\"", false, 0);
	moment("\" 1-Jan-1970 00:60:00 +0000\"", false, 0);
	moment("\" 1-Jan-1970 00:00:00 +0060\"", false, 0);
	moment("\" 1-Jan-1970 00:00:00 0000\"", false, 0);
	moment("\" 1-Jan-1970 00:00:00\"", false, 0);
	moment("\" 1-Jan-1970 0:00:00 +0000\"", false, 0);
	moment(" 1-Jan-1970 00:00:00 +0000", false, 0);
}

static void test_mailboxes(void **state)
{
	static const struct {
		const char *text;
		bool is_utf8;
		const char *name; /* NULL: wrong */
	} rows[] = {
		{"INBOX", false, "INBOX"},
		{"\"R&-D\"", false, "R&D"},
		{"\"R&-D\"", true, "R&-D"},
		{"Entw&APw-rfe", false, "Entw\u00fcrfe"},
		{"\"Entw\u00fcrfe\"", true, "Entw\u00fcrfe"},
		{"\"Entw\u00fcrfe\"", false, NULL},
		{"\"a\xff\"", true, NULL},
		{"&AGE-", false, NULL},
		{"\"a\\\\b\"", false, "a\\b"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct imap_reader r = reader_of(rows[i].text);
		struct imap_mailbox_name got;

		r.is_utf8 = rows[i].is_utf8;
		assert_true(imap_read_mailbox(&r, &got));
		assert_true(imap_read_end(&r));
		assert_int_equal(got.wrong == NULL, rows[i].name != NULL);
		if (rows[i].name != NULL)
			assert_true(span_eq(got.name, span_str(rows[i].name)));
	}
}

static void test_mailbox_pattern(void **state)
{
	struct imap_reader r = reader_of("Entw&APw-*/%");
	struct imap_mailbox_name got;

	(void)state;
	assert_true(imap_read_mailbox_pattern(&r, &got));
	assert_null(got.wrong);
	assert_true(span_eq(got.name, SPAN("Entw\u00fc*/%")));
	r = reader_of("a*");
	assert_true(imap_read_mailbox(&r, &got));
	assert_false(imap_read_end(&r));
}

/* What was a password is not left in the arena. */
static void test_wipe(void **state)
{
	struct imap_reader r = reader_of("\"sec\\\"ret\" \"s\\\\2\"");
	struct span a, b;

	(void)state;
	assert_true(imap_read_astring(&r, &a) && imap_read_sp(&r) &&
		    imap_read_astring(&r, &b));
	assert_true(span_eq(a, SPAN("sec\"ret")) && span_eq(b, SPAN("s\\2")));
	imap_reader_wipe(&r);
	for (size_t i = 0; i < a.n; i++)
		assert_int_equal(a.p[i], 0);
	for (size_t i = 0; i < b.n; i++)
		assert_int_equal(b.p[i], 0);
}

static void test_first_error_stays(void **state)
{
	struct imap_reader r = reader_of("x");

	(void)state;
	assert_false(imap_read_fails(&r, "first"));
	assert_false(imap_read_sp(&r));
	assert_string_equal(r.why, "first");
}

static void test_id(void **state)
{
	static const struct {
		const char *text;
		bool is_good;
	} rows[] = {
		{" NIL", true},
		{" ()", true},
		{" (\"name\" \"x\" \"version\" NIL)", true},
		{" (\"name\" {1}\r\nx)", true},
		{"", false},
		{" ", false},
		{" x", false},
		{" (\"name\")", false},
		{" (\"name\" (\"x\"))", false},
		{" (NIL \"x\")", false},
		{" (\"a name of more than thirty octets\" \"x\")", false},
		{" NIL NIL", false},
	};
	struct imap_reader r;
	struct buf many;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		r = reader_of(rows[i].text);
		if (imap_id_read(&r) != rows[i].is_good)
			fail_msg("%s", rows[i].text);
	}
	buf_init(&many, 4096);
	buf_puts(&many, " (\"a\" \"b\"");
	for (int i = 0; i < 29; i++)
		buf_puts(&many, " \"a\" \"b\"");
	buf_puts(&many, ")");
	imap_reader_init(&r, buf_span(&many), &arena);
	assert_true(imap_id_read(&r));
	buf_truncate(&many, buf_len(&many) - 1);
	buf_puts(&many, " \"a\" \"b\")");
	imap_reader_init(&r, buf_span(&many), &arena);
	assert_false(imap_id_read(&r));
	buf_clear(&many);
}

static void test_commands(void **state)
{
	static const struct {
		const char *text;
		enum imap_state state;
		enum imap_verb verb; /* COUNT: wrong */
		bool is_uid;
		size_t len;
	} rows[] = {
		{"noop", IMAP_BEFORE, IMAP_NOOP, false, 4},
		{"Login a b", IMAP_BEFORE, IMAP_LOGIN, false, 5},
		{"UID FETCH 1 FLAGS", IMAP_SELECTED, IMAP_FETCH, true, 9},
		{"uid expunge 1", IMAP_SELECTED, IMAP_EXPUNGE, true, 11},
		{"UID NOOP", IMAP_SELECTED, IMAP_VERB_COUNT, false, 0},
		{"UID", IMAP_SELECTED, IMAP_VERB_COUNT, false, 0},
		{"UID ", IMAP_SELECTED, IMAP_VERB_COUNT, false, 0},
		{"FETCH 1 FLAGS", IMAP_AUTHENTICATED, IMAP_VERB_COUNT, false,
			0},
		{"LOGIN a b", IMAP_AUTHENTICATED, IMAP_VERB_COUNT, false, 0},
		{"SELECT x", IMAP_BEFORE, IMAP_VERB_COUNT, false, 0},
		{"", IMAP_BEFORE, IMAP_VERB_COUNT, false, 0},
		{"NOOPS", IMAP_BEFORE, IMAP_VERB_COUNT, false, 0},
		{" NOOP", IMAP_BEFORE, IMAP_VERB_COUNT, false, 0},
		{"append x {3}\r\n", IMAP_SELECTED, IMAP_APPEND, false, 6},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct imap_call call;
		const char *wrong = imap_command_read(
			span_str(rows[i].text), rows[i].state, &call);

		assert_int_equal(
			wrong != NULL, rows[i].verb == IMAP_VERB_COUNT);
		if (wrong != NULL)
			continue;
		assert_int_equal(call.verb, rows[i].verb);
		assert_int_equal(call.is_uid, rows[i].is_uid);
		assert_int_equal(call.len, rows[i].len);
	}
}

static int set_up(void **state)
{
	(void)state;
	arena_init(&arena, 1 << 16);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_clear(&arena);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_words),
		TEST(test_nil_is_not_empty),
		TEST(test_nul),
		TEST(test_announced),
		TEST(test_skip),
		TEST(test_lists),
		TEST(test_numbers),
		TEST(test_windows),
		TEST(test_dates),
		TEST(test_moments),
		TEST(test_mailboxes),
		TEST(test_mailbox_pattern),
		TEST(test_wipe),
		TEST(test_first_error_stays),
		TEST(test_id),
		TEST(test_commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
