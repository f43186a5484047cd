#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "message/header_form.h"

#define ARENA_BYTES (16u << 20)

static void test_names(void **state)
{
	(void)state;
	assert_int_equal(header_form_of_name(SPAN("asRaw")), HEADER_RAW);
	assert_int_equal(header_form_of_name(SPAN("asMessageIds")),
		HEADER_MESSAGE_IDS);
	assert_int_equal(header_form_of_name(SPAN("asURLs")), HEADER_URLS);
	assert_int_equal(header_form_of_name(SPAN("asurls")),
		HEADER_FORM_COUNT);
	assert_int_equal(header_form_of_name(SPAN("")), HEADER_FORM_COUNT);
}

static void test_which_field_has_which_form(void **state)
{
	static const struct {
		struct span field;
		const char *forms; /* a letter each: Raw Text Addresses
				Grouped Ids Date Urls */
	} rows[] = {
		{SPAN_INIT("Subject"), "RT"},
		{SPAN_INIT("COMMENTS"), "RT"},
		{SPAN_INIT("List-Id"), "RTAGIDU"},
		{SPAN_INIT("X-Any"), "RTAGIDU"},
		{SPAN_INIT("from"), "RAG"},
		{SPAN_INIT("Resent-Bcc"), "RAG"},
		{SPAN_INIT("References"), "RI"},
		{SPAN_INIT("Resent-Message-ID"), "RI"},
		{SPAN_INIT("Resent-Date"), "RD"},
		{SPAN_INIT("List-Unsubscribe"), "RU"},
		{SPAN_INIT("Received"), "R"},
		{SPAN_INIT("Return-Path"), "R"},
	};
	static const char letters[] = "RTAGIDU";

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span forms = span_str(rows[i].forms);

		for (unsigned form = 0; form < HEADER_FORM_COUNT; form++)
			assert_int_equal(header_form_is_allowed(rows[i].field,
						 (enum header_form)form),
				span_find(forms, (uint8_t)letters[form]) <
					forms.n);
	}
}

static void test_raw(void **state)
{
	static const struct {
		struct span value;
		const char *raw;
	} rows[] = {
		{SPAN_INIT(" a =?x?=\r\n\tb "), " a =?x?=\r\n\tb "},
		{SPAN_INIT("a\0b\0"), "ab"},
		{SPAN_INIT("\xff\xfe\xe2\x82x\x80\xc3\xa9"),
			"\ufffdx\ufffd\u00e9"},
		{SPAN_INIT("\xff\0\xff"), "\ufffd\ufffd"},
		{SPAN_INIT(""), ""},
	};
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&out);
		header_form_put_raw(&out, rows[i].value);
		buf_putc(&out, 0);
		assert_string_equal((const char *)out.p, rows[i].raw);
	}
	buf_clear(&out);
}

static void test_text(void **state)
{
	static const struct {
		const char *value, *text;
	} rows[] = {
		{"   Hello\r\n World", "Hello World"},
		{" =?utf-8?Q?caf=C3=A9?= =?utf-8?Q?s?=", "caf\u00e9s"},
		/* Normalization Form C */
		{" e\u0301 =?utf-8?Q?o=CC=88?=", "\u00e9 \u00f6"},
		{" =?utf-8?Q?o=CC=88?=", "\u00f6"},
		{" \u212b \u1112\u1161\u11ab", "\u00c5 \ud55c"},
		{" =?utf-8?Q?a=1B=07b?=", "ab"},
		{"", ""},
	};
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&out);
		header_form_put_text(&out, span_str(rows[i].value));
		buf_putc(&out, 0);
		assert_string_equal((const char *)out.p, rows[i].text);
	}
	buf_clear(&out);
}

static void describe(struct buf *out, struct span text)
{
	if (text.p == NULL)
		buf_puts(out, "null");
	else
		buf_printf(out, "'%.*s'", SPAN_ARG(text));
}

/* "null: 'name' 'email', …; 'group': …" */
static void put_groups(struct arena *a, struct buf *out, struct span value)
{
	struct header_groups groups;

	header_form_groups(a, value, &groups);
	for (size_t i = 0; i < groups.count; i++) {
		const struct header_group *group = &groups.items[i];

		buf_puts(out, i > 0 ? "; " : "");
		describe(out, group->name);
		buf_putc(out, ':');
		for (size_t k = 0; k < group->count; k++) {
			buf_puts(out, k > 0 ? ", " : " ");
			describe(out, group->items[k].name);
			buf_putc(out, ' ');
			describe(out, group->items[k].email);
		}
	}
	buf_putc(out, 0);
}

static const struct {
	const char *value, *groups;
} addresses[] = {
	/* the example of RFC 8621 4.1.2.3 and 4.1.2.4 */
	{"\"  James Smythe\" <james@example.com>, Friends:\r\n"
	 "  jane@example.com, =?UTF-8?Q?John_Sm=C3=AEth?=\r\n"
	 "  <john@example.com>;",
		"null: 'James Smythe' 'james@example.com'; "
		"'Friends': null 'jane@example.com', "
		"'John Sm\u00eeth' 'john@example.com'"},
	{"", ""},
	{" jdoe@one.test (my dear friend)",
		"null: 'my dear friend' 'jdoe@one.test'"},
	{"g:;", "'g':"},
	{"g:;, a@b", "'g':; null: null 'a@b'"},
	{"a@b, g: c@d;, e@f, h@i",
		"null: null 'a@b'; 'g': null 'c@d'; "
		"null: null 'e@f', null 'h@i'"},
	{"bob", "null: null 'bob'"},
	{"\"\" <a@b>", "null: null 'a@b'"},
	{"=?iso-8859-1?Q?J=FCrgen?= <j@x>", "null: 'J\u00fcrgen' 'j@x'"},
};

static void test_groups(void **state)
{
	struct arena arena;
	struct buf out;

	(void)state;
	arena_init(&arena, ARENA_BYTES);
	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		buf_reset(&out);
		put_groups(&arena, &out, span_str(addresses[i].value));
		assert_string_equal((const char *)out.p, addresses[i].groups);
		arena_reset(&arena);
	}
	buf_clear(&out);
	arena_clear(&arena);
}

static void test_addresses(void **state)
{
	struct header_mailboxes boxes;
	struct arena arena;

	(void)state;
	arena_init(&arena, ARENA_BYTES);
	header_form_addresses(&arena, span_str(addresses[0].value), &boxes);
	assert_int_equal(boxes.count, 3);
	assert_true(span_eq(boxes.items[0].name, SPAN("James Smythe")));
	assert_null(boxes.items[1].name.p);
	assert_true(span_eq(boxes.items[2].email, SPAN("john@example.com")));
	header_form_addresses(&arena, SPAN("g:;"), &boxes);
	assert_int_equal(boxes.count, 0);
	arena_clear(&arena);
}

typedef bool list_fn(struct arena *a, struct span value,
	struct header_strings *out);

/* The strings with "|" between them; "null". */
static void put_strings(list_fn *list, struct arena *a, struct buf *out,
	const char *value)
{
	struct header_strings strings;

	buf_reset(out);
	if (!list(a, span_str(value), &strings))
		buf_puts(out, "null");
	for (size_t i = 0; i < strings.count; i++) {
		buf_puts(out, i > 0 ? "|" : "");
		buf_put(out, strings.items[i]);
	}
	buf_putc(out, 0);
}

static void test_lists(void **state)
{
	static const struct {
		list_fn *list;
		const char *value, *strings;
	} rows[] = {
		{header_form_message_ids, " <a@b>\r\n <c@d>", "a@b|c@d"},
		{header_form_message_ids, " (x) < a@b > (<y>)", "a@b"},
		{header_form_message_ids, "", "null"},
		{header_form_message_ids, " ()", "null"},
		/* RFC 2369 3.2, 3.4 */
		{header_form_urls,
			" <http://www.host.com/list.cgi?cmd=unsub&lst=list>,\r\n"
			" <mailto:list-request@host.com?subject=unsubscribe>",
			"http://www.host.com/list.cgi?cmd=unsub&lst=list|"
			"mailto:list-request@host.com?subject=unsubscribe"},
		{header_form_urls,
			" (Use this <x:y> \\) (or)) <mailto:l@h> (that)",
			"mailto:l@h"},
		{header_form_urls, " (a \\) <x:y>) <z:w>", "z:w"},
		{header_form_urls, " <https://a\r\n\t.test/ b>",
			"https://a.test/b"},
		{header_form_urls, " NO (posting not allowed)", "null"},
		{header_form_urls, " <https://open", "null"},
		{header_form_urls, " (open <https://x>", "null"},
		{header_form_urls, "", "null"},
		{header_form_urls, " <a:b\xff>", "a:b\ufffd"},
	};
	struct arena arena;
	struct buf out;

	(void)state;
	arena_init(&arena, ARENA_BYTES);
	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		put_strings(rows[i].list, &arena, &out, rows[i].value);
		assert_string_equal((const char *)out.p, rows[i].strings);
	}
	buf_clear(&out);
	arena_clear(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_which_field_has_which_form),
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
