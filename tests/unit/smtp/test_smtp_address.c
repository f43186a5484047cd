/*
 * test_smtp_address.c - a table of paths: what is taken, in which form.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "smtp/smtp_address.h"

#define L64  "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789ab"
#define D60  "abcdefghijklmnopqrstuvwxyz-bcdefghijklmnopqrstuvwxyz-1234567"
#define D63  D60 "xyz"
#define D255 D63 "." D63 "." D63 "." D63 /* 4 x 63 + 3 */
#define D190 D63 "." D63 "." D60 "12"    /* 64 + 64 + 62 */

struct row {
	const char *text;
	const char *wanted; /* NULL: SYNTAX; else the canonical form */
	bool is_utf8;
};

/* clang-format off */
static const struct row rows[] = {
	/* plain */
	{"<a@b>", "a@b", false},
	{"<ann@hamburger.edu>", "ann@hamburger.edu", false},
	{"<Ann@Hamburger.EDU>", "Ann@hamburger.edu", false},
	{"<a.b.c@x.y.z>", "a.b.c@x.y.z", false},
	{"<!#$%&'*+-/=?^_`{|}~@x>", "!#$%&'*+-/=?^_`{|}~@x", false},
	{"<0@0>", "0@0", false},
	{"<a@1.2.3>", "a@1.2.3", false},
	{"<a@x-y.z>", "a@x-y.z", false},
	{"<a@x--y.z>", "a@x--y.z", false},
	{"<a@xn--bcher-kva.example>", "a@xn--bcher-kva.example", false},
	{"<u+detail@x>", "u+detail@x", false},
	/* brackets */
	{"a@b", NULL, false},
	{"<a@b", NULL, false},
	{"a@b>", NULL, false},
	{"<<a@b>", NULL, false},
	{"< a@b>", NULL, false},
	{"<a@b >", NULL, false},
	{"<>", "", false},
	{"< >", NULL, false},
	{"", NULL, false},
	{"<", NULL, false},
	{"<@>", NULL, false},
	/* local part */
	{"<@b>", NULL, false},
	{"<.a@b>", NULL, false},
	{"<a.@b>", NULL, false},
	{"<a..b@c>", NULL, false},
	{"<a b@c>", NULL, false},
	{"<a,b@c>", NULL, false},
	{"<a;b@c>", NULL, false},
	{"<a:b@c>", NULL, false},
	{"<a(b)@c>", NULL, false},
	{"<a[b@c>", NULL, false},
	{"<a\\b@c>", NULL, false},
	{"<a<b@c>", NULL, false},
	{"<a\"b@c>", NULL, false},
	{"<a\tb@c>", NULL, false},
	{"<a\x7f@c>", NULL, false},
	{"<" L64 "@x>", L64 "@x", false},
	{"<" L64 "x@x>", NULL, false},
	/* quoted */
	{"<\"a\"@b>", "a@b", false},
	{"<\"a.b\"@c>", "a.b@c", false},
	{"<\"\\a\\b\"@c>", "ab@c", false},
	{"<\"a b\"@c>", "\"a b\"@c", false},
	{"<\"a@b\"@c>", "\"a@b\"@c", false},
	{"<\".a\"@c>", "\".a\"@c", false},
	{"<\"a..b\"@c>", "\"a..b\"@c", false},
	{"<\"a.\"@c>", "\"a.\"@c", false},
	{"<\"\"@c>", "\"\"@c", false},
	{"<\" \"@c>", "\" \"@c", false},
	{"<\"a\\\"b\"@c>", "\"a\\\"b\"@c", false},
	{"<\"a\\\\b\"@c>", "\"a\\\\b\"@c", false},
	{"<\"a>b\"@c>", "\"a>b\"@c", false},
	{"<\"\\ \"@c>", "\" \"@c", false},
	{"<\"a\"b@c>", NULL, false},
	{"<a\"b\"@c>", NULL, false},
	{"<\"a\".\"b\"@c>", NULL, false},
	{"<\"a@c>", NULL, false},
	{"<\"a\\\"@c>", NULL, false},
	{"<\"a\tb\"@c>", NULL, false},
	{"<\"a\\\tb\"@c>", NULL, false},
	{"<\"a\rb\"@c>", NULL, false},
	{"<\"a\nb\"@c>", NULL, false},
	{"<\"a\x1b" "b\"@c>", NULL, false},
	{"<\"a\\\x7f" "b\"@c>", NULL, false},
	{"<\"" L64 "\"@c>", L64 "@c", false},
	{"<\"" L64 "x\"@c>", NULL, false},
	{"<\"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz012345678 \"@c>", "\"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz012345678 \"@c", false},
	{"<\"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789 \"@c>", NULL, false},
	/* domain */
	{"<a@>", NULL, false},
	{"<a>", NULL, false},
	{"<a@b@c>", NULL, false},
	{"<a@.b>", NULL, false},
	{"<a@b.>", NULL, false},
	{"<a@b..c>", NULL, false},
	{"<a@-b>", NULL, false},
	{"<a@b->", NULL, false},
	{"<a@b-.c>", NULL, false},
	{"<a@b.-c>", NULL, false},
	{"<a@b_c>", NULL, false},
	{"<a@b c>", NULL, false},
	{"<a@b/c>", NULL, false},
	{"<a@b!c>", NULL, false},
	{"<a@" D63 ">", "a@" D63, false},
	{"<a@" D63 "x>", NULL, false},
	{"<a@" D255 ">", NULL, false}, /* the path has 259 */
	{"<" L64 "@" D190 ">", NULL, false}, /* 257 with brackets */
	{"<" L64 "@" D63 "." D63 "." D60 "1>", L64 "@" D63 "." D63 "." D60 "1", false}, /* 256 */
	/* literals */
	{"<a@[192.0.2.1]>", "a@[192.0.2.1]", false},
	{"<a@[0.0.0.0]>", "a@[0.0.0.0]", false},
	{"<a@[255.255.255.255]>", "a@[255.255.255.255]", false},
	{"<a@[256.0.2.1]>", NULL, false},
	{"<a@[192.0.2]>", NULL, false},
	{"<a@[192.0.2.1.5]>", NULL, false},
	{"<a@[192.0.2.]>", NULL, false},
	{"<a@[192.0.2.0001]>", NULL, false},
	{"<a@[192.0.2.x]>", NULL, false},
	{"<a@[]>", NULL, false},
	{"<a@[192.0.2.1>", NULL, false},
	{"<a@[192.0.2.1]x>", NULL, false},
	{"<a@192.0.2.1]>", NULL, false},
	{"<a@[IPv6:::1]>", "a@[IPv6:::1]", false},
	{"<a@[ipv6:2001:DB8::A]>", "a@[IPv6:2001:db8::a]", false},
	{"<a@[IPv6:::]>", "a@[IPv6:::]", false},
	{"<a@[IPv6:1:2:3:4:5:6:7:8]>", "a@[IPv6:1:2:3:4:5:6:7:8]", false},
	{"<a@[IPv6:1:2:3:4:5:6::]>", "a@[IPv6:1:2:3:4:5:6::]", false},
	{"<a@[IPv6:::ffff:192.0.2.1]>", "a@[IPv6:::ffff:192.0.2.1]", false},
	{"<a@[IPv6:1:2:3:4:5:6:192.0.2.1]>", "a@[IPv6:1:2:3:4:5:6:192.0.2.1]", false},
	{"<a@[IPv6:1:2:3:4::192.0.2.1]>", "a@[IPv6:1:2:3:4::192.0.2.1]", false},
	{"<a@[IPv6:1:2:3:4:5:6:7::]>", NULL, false},
	{"<a@[IPv6:1:2:3:4:5::192.0.2.1]>", NULL, false},
	{"<a@[IPv6:1:2:3:4:5:6:7]>", NULL, false},
	{"<a@[IPv6:1:2:3:4:5:6:7:8:9]>", NULL, false},
	{"<a@[IPv6:1::2::3]>", NULL, false},
	{"<a@[IPv6::1]>", NULL, false},
	{"<a@[IPv6:12345::]>", NULL, false},
	{"<a@[IPv6:g::]>", NULL, false},
	{"<a@[IPv6:192.0.2.1::]>", NULL, false},
	{"<a@[IPv6:]>", NULL, false},
	{"<a@[2001:db8::1]>", NULL, false},
	{"<a@[x400:foo]>", NULL, false},
	/* routes */
	{"<@x:a@b>", "a@b", false},
	{"<@x,@y.z:a@b>", "a@b", false},
	{"<@[192.0.2.1]:a@b>", "a@b", false},
	{"<@x:\"a b\"@b>", "\"a b\"@b", false},
	{"<@" D63 "." D63 "." D63 "." D60 "1.x:a@b>", "a@b", false},   /* 255 */
	{"<@" D63 "." D63 "." D63 "." D60 "1.xy:a@b>", NULL, false},   /* 256 */
	{"<@x,:a@b>", NULL, false},
	{"<@x,y:a@b>", NULL, false},
	{"<@x a@b>", NULL, false},
	{"<@x:>", NULL, false},
	{"<@:a@b>", NULL, false},
	{"<x:a@b>", NULL, false},
	{"<@-x:a@b>", NULL, false},
	/* postmaster */
	{"<postmaster>", "postmaster", false},
	{"<PostMaster>", "postmaster", false},
	{"<postmaster@X>", "postmaster@x", false},
	{"<postmasterx>", NULL, false},
	{"<\"postmaster\">", NULL, false},
	{"<@x:postmaster>", NULL, false},
	/* UTF-8 */
	{"<j\xc3\xb6rg@x>", "j\xc3\xb6rg@x", true},
	{"<a@b\xc3\xbc" "cher.X>", "a@xn--bcher-kva.x", true},
	{"<a@B\xc3\x9c" "CHER.X>", "a@xn--bcher-kva.x", true},
	{"<a@bu\xcc\x88" "cher.x>", "a@xn--bcher-kva.x", true},
	{"<a@XN--Bcher-KVA.x>", "a@xn--bcher-kva.x", false},
	{"<a@xn--bcher.x>", NULL, false},
	{"<a@xn--.x>", NULL, false},
	{"<ta\xcc\x88st@x>", "ta\xcc\x88st@x", true}, /* not ours to change */
	{"<@xn--a:a@b>", NULL, false},
	{"<\"j\xc3\xb6rg\"@x>", "j\xc3\xb6rg@x", true},
	{"<\"j \xc3\xb6\"@x>", "\"j \xc3\xb6\"@x", true},
	{"<\xf0\x9f\x98\x80@x>", "\xf0\x9f\x98\x80@x", true},
	{"<@\xc3\xbc:a@b>", "a@b", false},
	{"<j\xc3@x>", NULL, false},
	{"<j\xb6@x>", NULL, false},
	{"<\"j\\\xc3\xb6\"@x>", NULL, false},
	{"<j\xed\xa0\x80@x>", NULL, false}, /* a surrogate */
	{"<j\xc0\x80@x>", NULL, false},     /* NUL, overlong */
	{"<j\xc2\x85@x>", NULL, false},     /* C1 */
	{"<a\xe2\x80\x8b@x>", NULL, false}, /* zero width */
	{"<a\xe2\x80\xae@x>", NULL, false}, /* right to left override */
	{"<\"a \xe2\x80\xae\"@x>", NULL, false},
	{"<a\xef\xbb\xbf@x>", NULL, false}, /* byte order mark */
	{"<\xef\xbd\x81@x>", "\xef\xbd\x81@x", true}, /* fullwidth a */
	{"<a@\xef\xbd\x81>", "a@a", true},
	{"<a@x\xe3\x80\x82y>", "a@x.y", true}, /* U+3002 */
	{"<a@x\xef\xbd\xa1y>", "a@x.y", true}, /* U+FF61 */
	{"<a@x\xef\xbc\xa0y>", NULL, false}, /* fullwidth at */
	{"<a@x\xef\xbc\x9ey>", NULL, false}, /* fullwidth bracket */
	{"<a@x\xe2\x80\xaey>", NULL, false}, /* right to left override */
};
/* clang-format on */

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static const unsigned both = SMTP_PATH_NULL | SMTP_PATH_POSTMASTER;

static void takes_what_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROW_COUNT; i++) {
		struct span text = span_str(rows[i].text);
		struct buf out;
		bool is_utf8 = false;
		enum code code;

		buf_init(&out, 1024);
		buf_puts(&out, "|");
		code = smtp_path_take(&text, both, &out, &is_utf8);
		if (code == OK && text.n > 0)
			code = SYNTAX; /* bytes behind the bracket */
		if ((code == OK) != (rows[i].wanted != NULL))
			fail_msg("%s: code %d", rows[i].text, code);
		if (code == OK &&
			(!span_eq(span_tail(buf_span(&out), 1),
				 span_str(rows[i].wanted)) ||
				is_utf8 != rows[i].is_utf8))
			fail_msg("%s: \"%.*s\" %d", rows[i].text,
				SPAN_ARG(buf_span(&out)), is_utf8);
		buf_clear(&out);
	}
	assert_true(ROW_COUNT >= 100);
}

static void leaves_out_alone_on_error(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROW_COUNT; i++) {
		struct span text = span_str(rows[i].text);
		struct buf out;
		bool is_utf8;

		buf_init(&out, 1024);
		buf_puts(&out, "before");
		if (smtp_path_take(&text, both, &out, &is_utf8) != OK)
			assert_true(span_eq(buf_span(&out), SPAN("before")));
		buf_clear(&out);
	}
}

/* What was written is read again as itself. */
static void canonical_form_is_stable(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROW_COUNT; i++) {
		struct buf out;
		bool is_utf8;

		if (rows[i].wanted == NULL ||
			span_find(span_str(rows[i].wanted), '@') ==
				strlen(rows[i].wanted))
			continue;
		buf_init(&out, 1024);
		assert_int_equal(smtp_mailbox_parse(span_str(rows[i].wanted),
					 &out, &is_utf8),
			OK);
		assert_true(span_eq(buf_span(&out),
			span_str(rows[i].wanted)));
		buf_clear(&out);
	}
}

static void short_forms_need_leave(void **state)
{
	struct span null = SPAN("<>");
	struct span postmaster = SPAN("<postmaster>");
	struct buf out;
	bool is_utf8;

	(void)state;
	buf_init(&out, 64);
	assert_int_equal(smtp_path_take(&null, SMTP_PATH_POSTMASTER, &out,
				 &is_utf8),
		SYNTAX);
	assert_int_equal(smtp_path_take(&postmaster, SMTP_PATH_NULL, &out,
				 &is_utf8),
		SYNTAX);
	buf_clear(&out);
}

static void a_name_alone_needs_leave(void **state)
{
	static const struct {
		const char *in, *out; /* NULL: it is none */
	} names[] = {
		{"<bob>", "bob@"}, {"<\"b b\">", "\"b b\"@"},
		{"<bob@x.org>", "bob@x.org"}, {"<postmaster>", "postmaster@"},
		{"<j\xc3\xbcrgen>", "j\xc3\xbcrgen@"},
		{"<bob", NULL}, {"<bob@>", NULL}, {"<@>", NULL}, {"<>", NULL},
		{"<b b>", NULL}, {"<bob@x.org", NULL}, {"bob", NULL},
	};
	struct buf out;
	bool is_utf8;

	(void)state;
	buf_init(&out, 64);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct span text = span_str(names[i].in);
		enum code wanted = names[i].out == NULL ? SYNTAX : OK;

		buf_reset(&out);
		assert_int_equal(smtp_path_take(&text, SMTP_PATH_BARE, &out,
					 &is_utf8),
			wanted);
		assert_true(span_eq(buf_span(&out), span_str(names[i].out)));
		assert_int_equal(wanted == OK && is_utf8,
			strchr(names[i].in, '\xc3') != NULL);
	}
	buf_clear(&out);
}

static void stops_behind_the_bracket(void **state)
{
	struct span text = SPAN("<a@b> SIZE=1");
	struct buf out;
	bool is_utf8;

	(void)state;
	buf_init(&out, 64);
	assert_int_equal(smtp_path_take(&text, 0, &out, &is_utf8), OK);
	assert_true(span_eq(text, SPAN(" SIZE=1")));
	buf_clear(&out);
}

static void mailbox_has_no_brackets(void **state)
{
	struct buf out;
	bool is_utf8;

	(void)state;
	buf_init(&out, 64);
	assert_int_equal(smtp_mailbox_parse(SPAN("<a@b>"), &out, &is_utf8),
		SYNTAX);
	assert_int_equal(smtp_mailbox_parse(SPAN("a@b "), &out, &is_utf8),
		SYNTAX);
	assert_int_equal(smtp_mailbox_parse(SPAN("A@B"), &out, &is_utf8), OK);
	assert_true(span_eq(buf_span(&out), SPAN("A@b")));
	buf_clear(&out);
}

static void domains(void **state)
{
	(void)state;
	assert_true(smtp_domain_is_valid(SPAN("hamburger.edu")));
	assert_true(smtp_domain_is_valid(SPAN("[192.0.2.1]")));
	assert_true(smtp_domain_is_valid(SPAN(D255)));
	assert_false(smtp_domain_is_valid(SPAN(D255 "x")));
	assert_false(smtp_domain_is_valid(SPAN("hamburger.edu.")));
	assert_false(smtp_domain_is_valid(SPAN("ham burger")));
	assert_false(smtp_domain_is_valid(SPAN("a,b")));
	assert_false(smtp_domain_is_valid(SPAN("")));
}

static void put_is(struct span address, const char *wanted)
{
	struct buf out;

	buf_init(&out, 64);
	smtp_literal_put(&out, address);
	buf_putc(&out, 0);
	assert_string_equal((const char *)buf_span(&out).p, wanted);
	buf_clear(&out);
}

static void literals(void **state)
{
	(void)state;
	put_is(SPAN("\xc0\x00\x02\x07"), "[192.0.2.7]");
	put_is(SPAN("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"), "[IPv6:::1]");
	put_is(SPAN("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), "[IPv6:::]");
	put_is(SPAN("\x20\x01\x0d\xb8\0\0\0\1\0\0\0\0\0\0\0\1"),
		"[IPv6:2001:db8:0:1::1]");
	put_is(SPAN("\x20\x01\x0d\xb8\0\0\0\0\0\1\0\0\0\0\0\0"),
		"[IPv6:2001:db8:0:0:1::]");
	put_is(SPAN("\x20\x01\x0d\xb8\0\0\0\1\0\1\0\1\0\1\0\1"),
		"[IPv6:2001:db8:0:1:1:1:1:1]");
	put_is(SPAN("\0\1\0\2\0\3\0\4\0\5\0\6\0\0\0\0"),
		"[IPv6:1:2:3:4:5:6::]");
	put_is(SPAN("xyz"), "[unknown]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_what_the_table_says),
		cmocka_unit_test(leaves_out_alone_on_error),
		cmocka_unit_test(canonical_form_is_stable),
		cmocka_unit_test(short_forms_need_leave),
		cmocka_unit_test(a_name_alone_needs_leave),
		cmocka_unit_test(stops_behind_the_bracket),
		cmocka_unit_test(mailbox_has_no_brackets),
		cmocka_unit_test(domains),
		cmocka_unit_test(literals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
