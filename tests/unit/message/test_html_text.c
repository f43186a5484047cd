#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/utf8.h"
#include "message/html_entity.h"
#include "message/html_text.h"

#define OUT_MAX (64u << 20)

static const struct {
	const char *html, *text;
} rows[] = {
	{"", ""},
	{" \n ", ""},
	{"hello", "hello\n"},
	{"  a \t\r\n b  ", "a b\n"},
	{"<p>a</p>\n<p>b</p>", "a\n\nb\n"},
	{"<div>a</div><div>b</div>", "a\nb\n"},
	{"<div><div>a</div></div><div><p>b", "a\n\nb\n"},
	{"a<br>b<BR/>c<br><br><br><br>d", "a\nb\nc\n\nd\n"},
	{"<b>bo</b>ld <i>it</i>alic", "bold italic\n"},
	{"<p>&nbsp;</p><p>a</p><p> </p><p>b</p>", "a\n\nb\n"},
	{"<h1>T</h1>x", "T\n\nx\n"},
	/* what is not shown */
	{"<head><title>T &amp; t</title><style>a<b{}</style></head>x", "x\n"},
	{"a<script>if (1<2) '</p>' </scrip> </SCRIPT >b", "ab\n"},
	{"a<!-- <p> -- > -->b<!-->c<!--->d<!--x--!>e", "abcde\n"},
	{"<!DOCTYPE html><?xml x?>a</ x>b</>c", "abc\n"},
	{"a<![if !mso]>b<![endif]>", "ab\n"},
	{"a<!-- never ends", "a\n"},
	{"a<style>never ends", "a\n"},
	{"a<b never ends", "a\n"},
	{"a<p title='never ends>b", "a\n"},
	{"<p title=\"a>b\" x='>' y=z>c", "c\n"},
	{"a<p/>b", "a\n\nb\n"},
	{"a<script src=x/>b</script>c", "ac\n"},
	/* what only looks like a tag */
	{"1 < 2 <3 <", "1 < 2 <3 <\n"},
	{"a<<b>c", "a<c\n"},
	/* entities */
	{"&lt;p&gt; &amp;amp; &quot;&apos;", "<p> &amp; \"'\n"},
	{"&eacute;&#233;&#xE9;&#XE9;&euro;", "\u00e9\u00e9\u00e9\u00e9\u20ac\n"},
	{"&copy 1 &copy; &euro &nosuch; &;&& &", "\u00a9 1 \u00a9 &euro &nosuch;"
	 " &;&& &\n"},
	{"&#150;&#128;&#0;&#xd800;&#x110000;&#99999999999999999999;",
		"\u2013\u20ac\ufffd\ufffd\ufffd\ufffd\n"},
	{"a&#27;[31m&#7;b&#x9b;c&shy;d", "a[31mb\u203acd\n"},
	{"a&#xhello;&#;&#x;", "a&#xhello;&#;&#x;\n"},
	{"&aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa;",
		"&aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa;\n"},
	{"a&nbsp;&nbsp; b\xc2\xa0\xc2\xa0" "c\xc2\xa9\xc2\x9b\xc2\xad",
		"a b c\u00a9\n"},
	{"&#x1F354;", "\U0001f354\n"},
	/* lists */
	{"a<ul><li>b<li><p>c</p></li></ul>d", "a\n\n- b\n- c\n\nd\n"},
	{"<ol><li>a<ul><li>b</ul><li>c</ol>", "1. a\n  - b\n2. c\n"},
	{"<li>a<li>b", "- a\n- b\n"},
	{"<ul><li></li><li>a</ul>", "- a\n"},
	{"<dl><dt>a<dd>b</dl>", "a\nb\n"},
	/* quotations */
	{"a<blockquote>b<p>c<blockquote>d</blockquote></blockquote>e",
		"a\n\n> b\n>\n> c\n>\n>> d\n\ne\n"},
	{"</blockquote></ul></pre>a", "a\n"},
	/* tables */
	{"<table><tr><td>a</td><td>b</td></tr><tr><th>c<th>d</table>",
		"a b\nc d\n"},
	/* pre */
	{"<pre>  a\n\tb  c  \n\n\n\nd</pre>e  f", "  a\n        b  c\n\nd\n\ne f\n"},
	/* links */
	{"<a href=\"https://x.test/?a=1&amp;b=2\">here</a>, y",
		"here <https://x.test/?a=1&b=2>, y\n"},
	{"<a class=b HREF = 'http://x.test' href=http://y.test>z</a>",
		"z <http://x.test>\n"},
	{"<a href=https://x.test/>x.test</a> <a href=mailto:a@b>A@b</a>",
		"x.test A@b\n"},
	{"<a href=https://x.test/>https://x.test</a>", "https://x.test\n"},
	{"<a href=javascript:x()>a</a><a href='https://x y'>b</a>", "ab\n"},
	{"<a href='https://x.test/&lt;&#10;&#27;'>b</a>", "b\n"},
	{"<a href=https://x.test/><img src=y></a>z", "z\n"},
	{"<a href=https://x.test/><img src=y alt='a &amp;\nb<'></a>",
		"a & b< <https://x.test/>\n"},
	{"<a href=https://x.test/>a<br></a>b", "a <https://x.test/>\nb\n"},
	{"<a href=>a</a><a href= >b</a><a>c</a>", "abc\n"},
	{"<a href=https://x.test/?a&b>c</a>", "c <https://x.test/?a&b>\n"},
	{"a\xc2" "b\xc2", "ab\n"}, /* half a character */
	{"<a href=https://x.test>a<a href=https://y.test>b",
		"a <https://x.test>b <https://y.test>\n"},
	{"<a name=x>a</a>", "a\n"},
	{"<img alt='\xc2\x9b\x1b\xc2\xa0x\xc2'>", "x\u00c2\n"},
};

static void convert(struct buf *out, struct span html, size_t step)
{
	struct html_text h;

	html_text_init(&h, true);
	for (size_t at = 0; at < html.n; at += step)
		html_text_feed(&h, span_head(span_tail(html, at), step), out);
	html_text_end(&h, out);
}

static void test_rows(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, OUT_MAX);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span html = span_str(rows[i].html);

		for (size_t step = 1; step <= html.n + 1; step++) {
			buf_reset(&out);
			convert(&out, html, step);
			buf_putc(&out, 0);
			assert_string_equal((const char *)out.p, rows[i].text);
		}
	}
	buf_clear(&out);
}

static void test_without_links(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, OUT_MAX);
	html_text_put(&out, SPAN("<a href=https://x.test>a</a>"), false);
	assert_true(span_eq(buf_span(&out), SPAN("a\n")));
	buf_clear(&out);
}

static void test_nul(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, OUT_MAX);
	html_text_put(&out, SPAN("a\0b<\0p>c<p\0>d&\0amp;"), false);
	assert_true(span_eq(buf_span(&out), SPAN("ab<p>cd&amp;\n")));
	buf_clear(&out);
}

/* A piece again and again, in the middle of text: it comes out within the
 * growth that is promised, and what follows it is as it should be. */
static void test_storms(void **state)
{
	static const struct {
		const char *piece, *end; /* end: how the text must end */
	} storms[] = {
		{"<", "<.\n"},
		{"&", "&.\n"},
		{"&#", "&#.\n"},
		{"&lt", "<.\n"},
		{"&#x1F354;", "\U0001f354.\n"},
		{"<a href=https://x.test>", ". <https://x.test>\n"},
		{"<blockquote>", "\n\n>>>>>> .\n"},
		{"</blockquote>", ".\n"},
		{"<ul><li>", "- .\n"},
		{"<ol><li>x", "  1. x.\n"},
		{"<p>", ".\n"},
		{"<pre>\n\tx", "x.\n"},
		{"<br>x", "x.\n"},
		{"<td>", ".\n"},
		{"<!---->", ".\n"},
		{"<script></script>", ".\n"},
		{"<img alt=x>", "x.\n"},
	};
	struct buf in, out;

	(void)state;
	buf_init(&in, OUT_MAX);
	buf_init(&out, OUT_MAX);
	for (size_t i = 0; i < sizeof(storms) / sizeof(storms[0]); i++) {
		buf_reset(&in);
		buf_reset(&out);
		buf_putc(&in, '?');
		for (size_t n = 0; n < 100000; n++)
			buf_puts(&in, storms[i].piece);
		buf_putc(&in, '.');
		html_text_put(&out, buf_span(&in), true);
		assert_false(out.overflow);
		assert_true(buf_len(&out) <=
			buf_len(&in) * HTML_TEXT_GROWTH + HTML_TEXT_SLACK);
		assert_true(utf8_is_valid(buf_span(&out)));
		assert_true(span_ends(buf_span(&out),
			span_str(storms[i].end)));
	}
	buf_clear(&in);
	buf_clear(&out);
}

static void test_entities(void **state)
{
	static const struct {
		const char *name;
		bool is_closed;
		uint32_t code; /* 0: it is none */
	} names[] = {
		{"AElig", true, 0xc6},
		{"zwnj", true, 0x200c},
		{"amp", false, '&'},
		{"hellip", true, 0x2026},
		{"hellip", false, 0},
		{"hellipx", true, 0},
		{"Amp", true, 0},
		{"", true, 0},
		{"#", true, 0},
		{"#x", true, 0},
		{"#65", false, 'A'},
		{"#4294967361", true, 0xfffd},
		{"#x4g", true, 0},
		{"#-1", true, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		uint32_t code = 0;
		bool is_one = html_entity_read(span_str(names[i].name),
			names[i].is_closed, &code);

		assert_int_equal(code, names[i].code);
		assert_int_equal(is_one, names[i].code != 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_without_links),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_storms),
		cmocka_unit_test(test_entities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
