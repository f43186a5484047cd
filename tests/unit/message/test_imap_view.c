#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "message/imap_string.h"
#include "message/imap_view.h"
#include "tree.h"

static struct buf out;

static void expect(const char *text)
{
	buf_putc(&out, 0);
	assert_false(out.overflow);
	assert_string_equal((const char *)buf_span(&out).p, text);
	buf_reset(&out);
}

static void test_strings(void **state)
{
	static const struct {
		struct span in;
		const char *string;
	} rows[] = {
		{SPAN_INIT("plain"), "\"plain\""},
		{SPAN_INIT(""), "\"\""},
		{SPAN_INIT("NIL"), "\"NIL\""},
		{SPAN_INIT("a \"b\" \\c"), "\"a \\\"b\\\" \\\\c\""},
		{SPAN_INIT("tab\tand\x7f"), "\"tab\tand\x7f\""},
		{SPAN_INIT("a\r\nb"), "{4}\r\na\r\nb"},
		{SPAN_INIT("a\rb"), "{3}\r\na\rb"},
		{SPAN_INIT("a\nb"), "{3}\r\na\nb"},
		{SPAN_INIT("\"\xc3\xa4\""), "{4}\r\n\"\xc3\xa4\""},
		{SPAN_INIT("\x80"), "{1}\r\n\x80"},
		{SPAN_INIT("a\0b\0"), "\"ab\""},
		{SPAN_INIT("\0\"\0"), "\"\\\"\""},
		{SPAN_INIT("\0\n\0\xff\0"), "{2}\r\n\n\xff"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		imap_put_string(&out, rows[i].in);
		expect(rows[i].string);
	}
	imap_put_nstring(&out, SPAN(""));
	expect("NIL");
	imap_put_nstring(&out, SPAN("x"));
	expect("\"x\"");
}

static void check_byte_at(unsigned byte, size_t at, size_t len)
{
	char text[20] = "0123456789012345678", want[64];
	bool is_literal = byte >= 0x80 || byte == '\r' || byte == '\n';
	bool is_escaped = byte == '"' || byte == '\\';

	text[at] = (char)byte;
	text[len] = '\0';
	if (is_literal)
		(void)snprintf(want, sizeof(want), "{%zu}\r\n%s", len, text);
	else
		(void)snprintf(want, sizeof(want), "\"%.*s%s%s\"", (int)at,
			text, is_escaped ? "\\" : "", text + at);
	imap_put_string(&out, span_str(text));
	expect(want);
}

/* A byte that needs an escape, a literal or nothing, at every place of strings of
 * every length: they are looked at in words. */
static void test_bytes_in_strings(void **state)
{
	(void)state;
	for (unsigned byte = 1; byte < 256; byte++)
		for (size_t len = 1; len < 20; len++)
			for (size_t at = 0; at < len; at++)
				check_byte_at(byte, at, len);
}

static void test_envelope_of_nothing(void **state)
{
	static const struct envelope none;

	(void)state;
	imap_put_envelope(&out, &none);
	expect("(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)");
}

#define MAILBOX(n, l, d)                                                       \
	{.kind = ADDRESS_MAILBOX, .name = SPAN_INIT(n), .local = SPAN_INIT(l), \
		.domain = SPAN_INIT(d)}

/* RFC 9051 7.5.2: Sender and Reply-To are From where they are not there. */
static void test_envelope_defaults(void **state)
{
	struct address ann = MAILBOX("Ann", "ann", "a.example");
	struct address bob = MAILBOX("", "bob", "b.example");
	struct envelope e = {
		.from = {.items = &ann, .count = 1},
		.to = {.items = &bob, .count = 1}};

	(void)state;
	imap_put_envelope(&out, &e);
	expect("(NIL NIL ((\"Ann\" NIL \"ann\" \"a.example\")) "
	       "((\"Ann\" NIL \"ann\" \"a.example\")) "
	       "((\"Ann\" NIL \"ann\" \"a.example\")) "
	       "((NIL NIL \"bob\" \"b.example\")) NIL NIL NIL NIL)");
	e.sender = e.reply_to = e.cc = e.bcc = e.to;
	e.from.count = 0;
	imap_put_envelope(&out, &e);
	expect("(NIL NIL NIL ((NIL NIL \"bob\" \"b.example\")) "
	       "((NIL NIL \"bob\" \"b.example\")) "
	       "((NIL NIL \"bob\" \"b.example\")) "
	       "((NIL NIL \"bob\" \"b.example\")) "
	       "((NIL NIL \"bob\" \"b.example\")) NIL NIL)");
}

/* Not there, empty, there. */
static void test_envelope_texts(void **state)
{
	struct envelope e = {.date = SPAN("Mon, 1 Jan 2024 00:00:00 +0000"),
		.subject = SPAN(""), .message_id = SPAN("<1@x>")};

	(void)state;
	imap_put_envelope(&out, &e);
	expect("(\"Mon, 1 Jan 2024 00:00:00 +0000\" \"\" "
	       "NIL NIL NIL NIL NIL NIL NIL \"<1@x>\")");
	e.subject = SPAN("\xc3\xa4");
	e.in_reply_to = SPAN("");
	imap_put_envelope(&out, &e);
	expect("(\"Mon, 1 Jan 2024 00:00:00 +0000\" {2}\r\n\xc3\xa4 "
	       "NIL NIL NIL NIL NIL NIL \"\" \"<1@x>\")");
}

static void test_groups(void **state)
{
	struct address to[] = {
		{.kind = ADDRESS_GROUP_START, .name = SPAN("A \"Group\"")},
		MAILBOX("", "ed", "e.example"),
		{.kind = ADDRESS_GROUP_END},
		{.kind = ADDRESS_GROUP_START, .name = SPAN("")},
	};
	struct envelope e = {.to = {.items = to, .count = 4}};

	(void)state;
	imap_put_envelope(&out, &e);
	expect("(NIL NIL NIL NIL NIL ("
	       "(NIL NIL \"A \\\"Group\\\"\" NIL)"
	       "(NIL NIL \"ed\" \"e.example\")"
	       "(NIL NIL NIL NIL)"
	       "(NIL NIL \"\" NIL)(NIL NIL NIL NIL)) NIL NIL NIL NIL)");
}

/* Half an address must not look like a group. */
static void test_odd_addresses(void **state)
{
	struct address to[] = {
		MAILBOX("", "root", ""),
		MAILBOX("Nobody", "", ""),
		{.kind = ADDRESS_MAILBOX, .route = SPAN("@a,@b"),
			.local = SPAN("x y"), .domain = SPAN("[1.2.3.4]")},
	};
	struct envelope e = {.bcc = {.items = to, .count = 3}};

	(void)state;
	imap_put_envelope(&out, &e);
	expect("(NIL NIL NIL NIL NIL NIL NIL ("
	       "(NIL NIL \"root\" \"MISSING_DOMAIN\")"
	       "(\"Nobody\" NIL \"\" \"MISSING_DOMAIN\")"
	       "(NIL \"@a,@b\" \"x y\" \"[1.2.3.4]\")) NIL NIL)");
}

static struct param name_param = {SPAN_INIT("name"), SPAN_INIT("a \"b\"")};
static struct param star_param = {
	SPAN_INIT("Charset*"), SPAN_INIT("us-ascii''koi8-r")};

/* RFC 2046 4.1.2: plain text without a word is US-ASCII, if it can be. */
static void test_text(void **state)
{
	static const struct tree_row rows[] = {
		{0, MIME_LEAF, "TEXT", "Plain", 0, 20, 63}};
	struct tree t;
	const struct mime_tree *tree = TREE_MAKE(&t, rows);

	(void)state;
	t.parts[0].body_lines = 6;
	imap_put_structure(&out, tree, 0, false);
	expect("(\"TEXT\" \"Plain\" (\"charset\" \"us-ascii\") NIL NIL "
	       "\"7bit\" 43 6)");
	t.parts[0].params = (struct param_list){&name_param, 1};
	imap_put_structure(&out, tree, 0, false);
	expect("(\"TEXT\" \"Plain\" (\"name\" \"a \\\"b\\\"\" "
	       "\"charset\" \"us-ascii\") NIL NIL \"7bit\" 43 6)");
	t.parts[0].has_8bit = true;
	imap_put_structure(&out, tree, 0, false);
	expect("(\"TEXT\" \"Plain\" (\"name\" \"a \\\"b\\\"\") NIL NIL "
	       "\"7bit\" 43 6)");
	t.parts[0].has_8bit = false;
	t.parts[0].params = (struct param_list){&star_param, 1};
	imap_put_structure(&out, tree, 0, false);
	expect("(\"TEXT\" \"Plain\" (\"Charset*\" \"us-ascii''koi8-r\") "
	       "NIL NIL \"7bit\" 43 6)");
	t.parts[0].params.count = 0;
	t.parts[0].subtype = SPAN("html");
	imap_put_structure(&out, tree, 0, false);
	expect("(\"TEXT\" \"html\" NIL NIL NIL \"7bit\" 43 6)");
}

/* Every field that a part may have. */
static void test_extension(void **state)
{
	static const struct tree_row rows[] = {
		{0, MIME_LEAF, "image", "gif", 0, 20, 30}};
	struct tree t;
	const struct mime_tree *tree = TREE_MAKE(&t, rows);

	(void)state;
	imap_put_structure(&out, tree, 0, true);
	expect("(\"image\" \"gif\" NIL NIL NIL \"7bit\" 10 NIL NIL NIL NIL)");
	t.parts[0].params = (struct param_list){&name_param, 1};
	t.parts[0].id = SPAN("<i@x>");
	t.parts[0].description = SPAN("a b");
	t.parts[0].encoding_name = SPAN("BASE64");
	t.parts[0].md5 = SPAN("Q2hlY2sgSW50ZWdyaXR5IQ==");
	t.parts[0].disposition = SPAN("Attachment");
	t.parts[0].disposition_params = (struct param_list){&name_param, 1};
	t.parts[0].language = SPAN("de(Deutsch (neu)),, en-GB, ");
	t.parts[0].location = SPAN("http://x/y");
	imap_put_structure(&out, tree, 0, true);
	expect("(\"image\" \"gif\" (\"name\" \"a \\\"b\\\"\") \"<i@x>\" "
	       "\"a b\" \"BASE64\" 10 \"Q2hlY2sgSW50ZWdyaXR5IQ==\" "
	       "(\"Attachment\" (\"name\" \"a \\\"b\\\"\")) "
	       "(\"de\" \"en-GB\") \"http://x/y\")");
	imap_put_structure(&out, tree, 0, false);
	expect("(\"image\" \"gif\" (\"name\" \"a \\\"b\\\"\") \"<i@x>\" "
	       "\"a b\" \"BASE64\" 10)");
}

/* A list of languages of which nothing is left is none. */
static void test_languages(void **state)
{
	static const struct tree_row rows[] = {
		{0, MIME_LEAF, "a", "b", 0, 0, 0}};
	static const struct {
		struct span value;
		const char *shown;
	} cases[] = {
		{SPAN_INIT("fr"), "(\"fr\")"},
		{SPAN_INIT(" , (a,b)\t"), "NIL"},
		{SPAN_INIT("(open, de"), "NIL"},
		{SPAN_INIT("mi, en"), "(\"mi\" \"en\")"},
		{SPAN_INIT("a)b"), "(\"a)b\")"},
	};
	struct tree t;
	const struct mime_tree *tree = TREE_MAKE(&t, rows);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		t.parts[0].language = cases[i].value;
		imap_put_structure(&out, tree, 0, true);
		buf_consume(&out, sizeof("(\"a\" \"b\" NIL NIL NIL \"7bit\" 0 "
				"NIL NIL ") - 1);
		buf_truncate(&out, buf_len(&out) - sizeof(" NIL)") + 1);
		expect(cases[i].shown);
	}
}

static const struct tree_row mixed[] = {
	{0, MIME_MULTIPART, "multipart", "mixed", 0, 100, 1000},
	{1, MIME_LEAF, "text", "html", 110, 120, 130},
	{1, MIME_MESSAGE, "message", "rfc822", 140, 150, 250},
	{2, MIME_MULTIPART, "multipart", "related", 150, 170, 250},
	{3, MIME_LEAF, "image", "png", 180, 190, 195},
	{1, MIME_LEAF, "a", "b", 260, 270, 300},
};

/* BODY is BODYSTRUCTURE without what stands behind the fields of each part;
 * a message brings its envelope and its lines. */
static void test_nested(void **state)
{
	struct envelope e = {.subject = SPAN("inner")};
	struct tree t;
	const struct mime_tree *tree = TREE_MAKE(&t, mixed);

	(void)state;
	t.parts[3].envelope = &e;
	t.parts[2].body_lines = 9;
	t.parts[0].params = (struct param_list){&name_param, 1};
	t.parts[3].disposition = SPAN("inline");
	imap_put_structure(&out, tree, 0, false);
	expect("((\"text\" \"html\" NIL NIL NIL \"7bit\" 10 0)"
	       "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 100 "
	       "(NIL \"inner\" NIL NIL NIL NIL NIL NIL NIL NIL) "
	       "((\"image\" \"png\" NIL NIL NIL \"7bit\" 5) \"related\") 9)"
	       "(\"a\" \"b\" NIL NIL NIL \"7bit\" 30) \"mixed\")");
	imap_put_structure(&out, tree, 0, true);
	expect("((\"text\" \"html\" NIL NIL NIL \"7bit\" 10 0 "
	       "NIL NIL NIL NIL)"
	       "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 100 "
	       "(NIL \"inner\" NIL NIL NIL NIL NIL NIL NIL NIL) "
	       "((\"image\" \"png\" NIL NIL NIL \"7bit\" 5 "
	       "NIL NIL NIL NIL) \"related\" NIL (\"inline\" NIL) NIL NIL) 9 "
	       "NIL NIL NIL NIL)"
	       "(\"a\" \"b\" NIL NIL NIL \"7bit\" 30 NIL NIL NIL NIL) "
	       "\"mixed\" (\"name\" \"a \\\"b\\\"\") NIL NIL NIL)");
	imap_put_structure(&out, tree, 3, false);
	expect("((\"image\" \"png\" NIL NIL NIL \"7bit\" 5) \"related\")");
	imap_put_structure(&out, tree, 4, false);
	expect("(\"image\" \"png\" NIL NIL NIL \"7bit\" 5)");
}

/* The grammar wants a part in a multipart, and bytes that nobody looked into
 * are bytes. */
static void test_broken(void **state)
{
	static const struct tree_row rows[] = {
		{0, MIME_MULTIPART, "multipart", "mixed", 0, 10, 50}};
	static const char opaque[] =
		"(\"application\" \"octet-stream\" NIL NIL NIL \"7bit\" 40)";
	static const char closed[] =
		"(\"message\" \"Global\" NIL NIL NIL \"7bit\" 40 "
		"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) "
		"(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL "
		"\"7bit\" 0 0) 3)";
	struct tree t;
	const struct mime_tree *tree = TREE_MAKE(&t, rows);

	(void)state;
	imap_put_structure(&out, tree, 0, false);
	expect("((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL "
	       "\"7bit\" 0 0) \"mixed\")");
	imap_put_structure(&out, tree, 0, true);
	expect("((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL "
	       "\"7bit\" 0 0 NIL NIL NIL NIL) \"mixed\" NIL NIL NIL NIL)");
	t.parts[0].is_cut = true;
	imap_put_structure(&out, tree, 0, false);
	expect(opaque);
	t.parts[0].is_cut = false;
	t.parts[0].kind = MIME_LEAF;
	imap_put_structure(&out, tree, 0, false);
	expect(opaque);
	t.parts[0].type = SPAN("message");
	t.parts[0].subtype = SPAN("Global");
	t.parts[0].body_lines = 3;
	imap_put_structure(&out, tree, 0, false);
	expect(closed);
	t.parts[0].kind = MIME_MESSAGE;
	imap_put_structure(&out, tree, 0, false);
	expect(closed);
	t.parts[0].kind = MIME_LEAF;
	t.parts[0].subtype = SPAN("partial");
	imap_put_structure(&out, tree, 0, false);
	expect("(\"message\" \"partial\" NIL NIL NIL \"7bit\" 40)");
}

/* A message whose envelope was not kept has one of nothing. */
static void test_no_envelope(void **state)
{
	static const struct tree_row rows[] = {
		{0, MIME_MESSAGE, "message", "rfc822", 0, 10, 50},
		{1, MIME_LEAF, "a", "b", 10, 20, 50}};
	struct tree t;

	(void)state;
	imap_put_structure(&out, TREE_MAKE(&t, rows), 0, false);
	expect("(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 40 "
	       "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) "
	       "(\"a\" \"b\" NIL NIL NIL \"7bit\" 30) 0)");
}

static void test_bound(void **state)
{
	struct tree t;
	struct buf small;

	(void)state;
	for (size_t max = 0; max < 200; max++) {
		buf_init(&small, max);
		imap_put_structure(&small, TREE_MAKE(&t, mixed), 0, true);
		assert_true(small.overflow);
		assert_true(buf_len(&small) <= max);
		buf_clear(&small);
	}
}

/* What no longer fits is not looked at: there are not that many addresses, and
 * the parts go round. */
static void test_bound_of_work(void **state)
{
	struct address bob = MAILBOX("", "bob", "b.example");
	struct envelope e = {.to = {.items = &bob, .count = SIZE_MAX}};
	struct tree t;
	struct buf small;

	(void)state;
	buf_init(&small, 40);
	imap_put_envelope(&small, &e);
	assert_true(small.overflow);
	buf_reset(&small);
	(void)TREE_MAKE(&t, mixed);
	t.parts[1].next = 1;
	imap_put_structure(&small, &t.tree, 0, true);
	assert_true(small.overflow);
	buf_clear(&small);
}

static int open_buf(void **state)
{
	(void)state;
	buf_init(&out, 10000);
	return 0;
}

static int close_buf(void **state)
{
	(void)state;
	buf_clear(&out);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_bytes_in_strings),
		cmocka_unit_test(test_envelope_of_nothing),
		cmocka_unit_test(test_envelope_defaults),
		cmocka_unit_test(test_envelope_texts),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_odd_addresses),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_extension),
		cmocka_unit_test(test_languages),
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_no_envelope),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_bound_of_work),
	};

	return cmocka_run_group_tests(tests, open_buf, close_buf);
}
