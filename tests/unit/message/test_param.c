#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "codec/charset.h"
#include "message/limits.h"
#include "message/mime_type.h"
#include "message/param.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ARENA_BYTES (16u << 20)

struct row {
	const char *value, *expected;
};

/* "main|name=value|…", as IMAP tells it */
/* clang-format off */
static const struct row lists[] = {
	/* RFC 2045 5.1 */
	{"text/plain", "text/plain"},
	{" text/plain ; charset=x ", "text/plain|charset=x"},
	{"text/plain; charset=us-ascii (Plain text)",
		"text/plain|charset=us-ascii"},
	{"text/plain; charset=\"us-ascii\"", "text/plain|charset=us-ascii"},
	{"Text/Plain;CHARSET=\"UTF-8\";Format=Flowed",
		"Text/Plain|CHARSET=UTF-8|Format=Flowed"},
	{"", ""},
	{";", ""},
	{";;;", ""},
	{"; a=b", "|a=b"},
	{"text/plain;", "text/plain"},
	{"text/plain; ;; a=b;; c=d;", "text/plain|a=b|c=d"},
	/* blanks and folds */
	{"a/b;\r\n\tn=v;\r\n m=w", "a/b|n=v|m=w"},
	{"a/b;\n n=v\n ;\n m\n =\n w\n", "a/b|n=v|m=w"},
	{"a/b; n = v ; m= w;o =x", "a/b|n=v|m=w|o=x"},
	{"\r\n a/b;n=v", "a/b|n=v"},
	{"a/b\t;\tn\t=\tv\t", "a/b|n=v"},
	/* comments, anywhere */
	{"(c) a/b (c); (c) n (c) = (c) v (c); m=w", "a/b|n=v|m=w"},
	{"a(c)/b; n=v", "a /b|n=v"},
	{"a/ (x;y=z) b; n=v", "a/ b|n=v"},
	{"a/b; (n=1; m=2) o=3", "a/b|o=3"},
	{"a/b; n=v (in (side) \\) comment); m=w", "a/b|n=v|m=w"},
	{"a/b; n=v(c); m=w", "a/b|n=v|m=w"},
	{"a/b; n=\"v\"(c); m=w", "a/b|n=v|m=w"},
	{"a/b (open; n=v", "a/b (open|n=v"},
	{"a/b; (open; n=v", "a/b|n=v"},
	{"a/b; n=v (open; m=w", "a/b|n=v (open|m=w"},
	{"a/b; n=v (c\\", "a/b|n=v (c\\"},
	{"a/b; n=v (((((((((((((((((c", "a/b|n=v (((((((((((((((((c"},
	/* quoted strings */
	{"a/b; n=\"\"", "a/b|n="},
	{"a/b; n=\"a;b\\\"c=d\"; m=1", "a/b|n=a;b\"c=d|m=1"},
	{"a/b; n=\"C:\\TEMP\\x.png\"", "a/b|n=C:TEMPx.png"},
	{"a/b; n=\"C:\\\\TEMP\\\\x.png\"", "a/b|n=C:\\TEMP\\x.png"},
	{"a/b; n=\"fol\r\n ded\"", "a/b|n=fol ded"},
	{"a/b; n=\" blanks \"", "a/b|n= blanks "},
	{"a/b; n=\"(no comment)\"", "a/b|n=(no comment)"},
	{"a/b; n=\"v\"x; m=w", "a/b|n=v|m=w"},
	/* quotes that are missing */
	{"a/b; n=\"open", "a/b|n=open"},
	{"a/b; n=\"open ; m=w", "a/b|n=open|m=w"},
	{"a/b; n=\"open; m=\"w; o=x", "a/b|n=open; m=|o=x"},
	{"a/b; n=v\"; m=w", "a/b|n=v|m=w"},
	{"a/b; n=\"", "a/b|n="},
	{"a/b; n=\"\\", "a/b|n=\\"},
	{"a/b; n=\"v\\\"; m=w", "a/b|n=v\"|m=w"},
	/* values without quotes that need them */
	{"a/b; n=my file (1).txt; m=w", "a/b|n=my file (1).txt|m=w"},
	{"a/b; n=report(final).pdf", "a/b|n=report(final).pdf"},
	{"a/b; n=a=b=c", "a/b|n=a=b=c"},
	{"a/b; name==?koi8-r?B?89DJ08/LLmRvYw==?=",
		"a/b|name==?koi8-r?B?89DJ08/LLmRvYw==?="},
	{"a/b; boundary====_x_=", "a/b|boundary====_x_="},
	{"a/b; n=<v@w>:,[]?/", "a/b|n=<v@w>:,[]?/"},
	{"a/b; n=fol\r\n ded", "a/b|n=fol ded"},
	{"a/b; n='v'", "a/b|n='v'"},
	{"a/b; n=C:\\x", "a/b|n=C:\\x"},
	{"a/b; n=\xe9\xff", "a/b|n=\xe9\xff"},
	/* a ";" that is missing */
	{"text/plain charset=utf-8", "text/plain|charset=utf-8"},
	{"text/plain\r\n charset=utf-8", "text/plain|charset=utf-8"},
	{"a/b; n=v\r\n\tm=w", "a/b|n=v|m=w"},
	{"a/b; n=\"v\" m=\"w\"", "a/b|n=v|m=w"},
	{"a/b; n=v m=w", "a/b|n=v m=w"},
	{"a/b, n=v", "a/b,|n=v"},
	/* no parameters at all */
	{"a/b; n", "a/b"},
	{"a/b; n; m=w", "a/b|m=w"},
	{"a/b; n=; m=w", "a/b|n=|m=w"},
	{"a/b; n=", "a/b|n="},
	{"a/b; =v; m=w", "a/b|m=w"},
	{"a/b; = ; \"n\"=v; m=w", "a/b|m=w"},
	{"a/b; junk (c) junk; m=w", "a/b|m=w"},
	{"\"a/b\"; n=v", "a/b|n=v"},
	{"a b c; n=v", "a b c|n=v"},
	{"attachment; filename", "attachment"},
	/* the same name twice: both are told */
	{"a/b; n=1; N=2", "a/b|n=1|N=2"},
	/* RFC 2231 3: pieces */
	{"a/b; URL*0=\"ftp://\";\r\n URL*1=\"cs.utk.edu\"",
		"a/b|URL=ftp://cs.utk.edu"},
	{"a/b; n*1=two; m=x; n*0=one; n*2=three", "a/b|n=onetwothree|m=x"},
	{"a/b; N*0=a; n*1=b", "a/b|N=ab"},
	{"a/b; n*01=b; n*00=a", "a/b|n=ab"},
	{"a/b; n*1=a; n*2=b", "a/b|n=ab"},
	{"a/b; n*0=a; n*2=c", "a/b|n=a|n*2=c"},
	{"a/b; n*0=a; n*0=b; n*1=c", "a/b|n=ac|n*0=b"},
	{"a/b; n*99999999999=a", "a/b|n*99999999999=a"},
	{"a/b; n*0=a; n*99999999999=b", "a/b|n=a|n*99999999999=b"},
	{"a/b; n*-1=a; n*x=b; n*=c; **=d; *0=e; n**0=f",
		"a/b|n*-1=a|n*x=b|n*=c|**=d|*0=e|n*=f"},
	{"a/b; n*0*", "a/b"},
	/* RFC 2231 4, 4.1: extended */
	{"a/b; t*=us-ascii'en-us'This%20is%20fun",
		"a/b|t*=us-ascii'en-us'This%20is%20fun"},
	{"a/b; t*=\"utf-8''a%20b\"", "a/b|t*=utf-8''a%20b"},
	{"a/b; t*0*=us-ascii'en'a%20;\r\n t*1*=%2a;\r\n t*2=\"100% *\"",
		"a/b|t*=us-ascii'en'a%20%2a100%25%20%2A"},
	{"a/b; t*0=\"a b\"; t*1*=%20c", "a/b|t*=''a%20b%20c"},
	{"a/b; f=plain; f*=utf-8''x", "a/b|f=plain|f*=utf-8''x"},
};

/* what people see of n */
static const struct row texts[] = {
	{"a/b; n=v", "v"},
	{"a/b; N = \"v\" ; m=w", "v"},
	{"a/b; n=1; n=2", "1"},
	{"a/b", NULL},
	{"a/b; nn=1; n0=1; m*=1", NULL},
	{"a/b; n", NULL},
	{"a/b; n=", ""},
	/* RFC 2231 */
	{"a/b; n*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
		"This is ***fun***"},
	{"a/b; n*0*=us-ascii'en'This%20is%20even%20more%20;"
	 " n*1*=%2A%2A%2Afun%2A%2A%2A%20; n*2=\"isn't it!\"",
		"This is even more ***fun*** isn't it!"},
	{"a/b; n*0=\"100%25\"", "100%25"},
	{"a/b; n*0=plain; n*1*=%20caf%c3%a9", "plain caf\xc3\xa9"},
	{"a/b; n=plain; n*=iso-8859-1''caf%e9", "caf\xc3\xa9"},
	{"a/b; n*=utf-8''caf%c3%a9; n=plain", "caf\xc3\xa9"},
	{"a/b; n*=UTF-8''%E6%97%A5", "\xe6\x97\xa5"},
	{"a/b; n*0*=utf-8''%E6%97; n*1*=%A5", "\xe6\x97\xa5"},
	{"a/b; n*0*=utf-8''%E; n*1*=6%97%A5", "\xe6\x97\xa5"},
	{"a/b; n*=koi8-r''%c1", "\xd0\xb0"},
	{"a/b; n*=iso-2022-jp'ja'%1B$B%46%7C%1B(B", "\xe6\x97\xa5"},
	/* what is wrong with it */
	{"a/b; n*=caf%c3%a9", "caf\xc3\xa9"},
	{"a/b; n*=caf%e9", "caf\xc3\xa9"},
	{"a/b; n*=''caf%e9", "caf\xc3\xa9"},
	{"a/b; n*=no-such''caf%c3%a9", "caf\xc3\xa9"},
	{"a/b; n*=utf-8'caf%c3%a9", "utf-8'caf\xc3\xa9"},
	{"a/b; n*=utf-8''it's", "it's"},
	{"a/b; n*=utf-8''%zz%4%", "%zz%4%"},
	{"a/b; n*=utf-8''%e9", "\xef\xbf\xbd"},
	{"a/b; n*=utf-8''a%00b%0d%0ac%1b%7f", "ab c"},
	{"a/b; n*=\"utf-8''caf%c3%a9\"", "caf\xc3\xa9"},
	{"a/b; n*=utf-8''a b", "a b"},
	{"a/b; n*=utf-8''caf\xc3\xa9", "caf\xc3\xa9"},
	{"a/b; n*=utf-8''=?utf-8?q?x?=", "=?utf-8?q?x?="},
	{"a/b; n*1*=%c3%a9", "\xc3\xa9"},
	{"a/b; n*1*=%62; n*0*=utf-8''%61", "ab"},
	{"a/b; n*utf-8=x", NULL},
	/* encoded words: RFC 2047 5 forbids them, and they are everywhere */
	{"a/b; n=\"=?utf-8?Q?caf=C3=A9?=\"", "caf\xc3\xa9"},
	{"a/b; n==?utf-8?Q?caf=C3=A9?=", "caf\xc3\xa9"},
	{"a/b; n=\"=?utf-8?B?Y2Fm?=\r\n =?utf-8?B?w6k=?=\"", "caf\xc3\xa9"},
	{"a/b; n=\"a=?koi8-r?B?wQ==?=b.txt\"", "a\xd0\xb0" "b.txt"},
	{"a/b; n==?koi8-r?B?89DJ08/LLmRvYw==?=",
		"\xd0\xa1\xd0\xbf\xd0\xb8\xd1\x81\xd0\xbe\xd0\xba.doc"},
	{"a/b; n*0=\"=?utf-8?Q?caf\"; n*1=\"=C3=A9?=\"", "caf\xc3\xa9"},
	{"a/b; n=\"=?utf-8?Q?open\"", "=?utf-8?Q?open"},
	/* 8-bit, and what cannot be in a header */
	{"a/b; n=\"caf\xc3\xa9\"", "caf\xc3\xa9"},
	{"a/b; n=caf\xe9", "caf\xc3\xa9"},
	{"a/b; n=\"a\tb\x01\x7f\"", "a b"},
	{"a/b; n=\"../../etc/passwd\"", "../../etc/passwd"},
};
/* clang-format on */

static void put_list(struct buf *out, struct span value)
{
	struct arena a;
	struct param_list list;

	arena_init(&a, ARENA_BYTES);
	buf_reset(out);
	buf_put(out, param_list_read(&a, value, &list));
	for (size_t i = 0; i < list.count; i++) {
		buf_putc(out, '|');
		buf_put(out, list.items[i].name);
		buf_putc(out, '=');
		buf_put(out, list.items[i].value);
	}
	arena_clear(&a);
}

static void test_lists(void **state)
{
	struct buf out;
	unsigned wrong = 0;

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < COUNT(lists); i++) {
		put_list(&out, span_str(lists[i].value));
		if (span_eq(buf_span(&out), span_str(lists[i].expected)))
			continue;
		print_error("%s: \"%.*s\"\n", lists[i].value,
			SPAN_ARG(buf_span(&out)));
		wrong++;
	}
	assert_int_equal(wrong, 0);
	buf_clear(&out);
}

static bool get(struct span value, struct span name, struct buf *out)
{
	struct arena a;
	struct param_list list;
	bool is_found;

	arena_init(&a, ARENA_BYTES);
	buf_reset(out);
	(void)param_list_read(&a, value, &list);
	is_found = param_list_get(&list, name, out);
	arena_clear(&a);
	return is_found;
}

static void test_texts(void **state)
{
	struct buf out;
	unsigned wrong = 0;

	(void)state;
	assert_true(charset_open());
	buf_init(&out, 4096);
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct span expected = span_str(texts[i].expected);
		bool is_found = get(span_str(texts[i].value), SPAN("n"), &out);

		if (is_found == (texts[i].expected != NULL) &&
			span_eq(buf_span(&out), expected))
			continue;
		print_error("%s: \"%.*s\"\n", texts[i].value,
			SPAN_ARG(buf_span(&out)));
		wrong++;
	}
	assert_int_equal(wrong, 0);
	buf_clear(&out);
}

static void test_limits(void **state)
{
	struct arena a;
	struct param_list list;
	struct buf value, out;

	(void)state;
	arena_init(&a, ARENA_BYTES);
	buf_init(&value, 1 << 22);
	buf_init(&out, 1 << 20);
	buf_puts(&value, "a/b");
	for (unsigned i = 0; i < 1000; i++)
		buf_printf(&value, ";n%u=v", i);
	(void)param_list_read(&a, buf_span(&value), &list);
	assert_int_equal(list.count, MESSAGE_PARAMS_MAX);
	assert_true(span_eq(list.items[127].name, SPAN("n127")));

	/* one that is too long */
	buf_reset(&value);
	buf_puts(&value, "a/b; n=\"");
	for (unsigned i = 0; i < 10000; i++)
		buf_putc(&value, 'x');
	buf_puts(&value, "\"; m=w");
	(void)param_list_read(&a, buf_span(&value), &list);
	assert_int_equal(list.count, 2);
	assert_int_equal(list.items[0].value.n, MESSAGE_PARAM_MAX);
	assert_true(span_eq(list.items[1].value, SPAN("w")));

	/* the same from pieces, out of order */
	buf_reset(&value);
	buf_puts(&value, "a/b");
	for (unsigned i = 0; i < 100; i++)
		buf_printf(&value, ";n*%u*=%s%0*d", 99 - i,
			i == 99 ? "utf-8''" : "", 200, 99 - (int)i);
	(void)param_list_read(&a, buf_span(&value), &list);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.items[0].value.n, MESSAGE_PARAM_MAX);
	assert_true(span_starts(list.items[0].value, SPAN("utf-8''000")));
	arena_clear(&a);
	buf_clear(&value);
	buf_clear(&out);
}

/* Shapes that would make a careless reader slow; each is repeated. */
static const char *const bombs[] = {
	";name*0*=x", ";name*99999999999=x", ";n=(", ";n=\"", "(", ";(", "\"",
	"\\", ";n=v (", "a b\n c=", ";n*1*=%41", " (c)", ";;", "=", "x=",
	"((((a)", "\n ", ";n=\"\\\"", "n (", ";n=(a)b(",
};

static uint64_t cpu_ns(void)
{
	struct timespec t;

	assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t), 0);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* CPU time of one reading, the best of some. */
static uint64_t cost_of(struct span value)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < 3; i++) {
		struct arena a;
		struct param_list list;
		uint64_t start = cpu_ns();

		arena_init(&a, ARENA_BYTES);
		(void)param_list_read(&a, value, &list);
		arena_clear(&a);
		start = cpu_ns() - start;
		best = start < best ? start : best;
	}
	return best;
}

static void test_time_is_linear(void **state)
{
	struct buf value;

	(void)state;
	buf_init(&value, 1 << 22);
	for (size_t i = 0; i < COUNT(bombs); i++) {
		uint64_t small, large;

		buf_reset(&value);
		buf_puts(&value, "a/b");
		while (buf_len(&value) < (1 << 18))
			buf_puts(&value, bombs[i]);
		small = cost_of(buf_span(&value));
		while (buf_len(&value) < (1 << 21))
			buf_puts(&value, bombs[i]);
		large = cost_of(buf_span(&value));
		/* eight times as long; a quadratic one takes 64 times */
		if (large > 32 * small + 1000000)
			fail_msg("\"%s\": %zu us, then %zu us", bombs[i],
				(size_t)small / 1000, (size_t)large / 1000);
	}
	buf_clear(&value);
}

static void test_put_and_get(void **state)
{
	static const char *const names[] = {
		"ketchup.png",
		"two words; and \"quotes\" \\.txt",
		"cr\xc3\xaapes.jpg",
		"a very long name that will not fit into one line of the head of "
		"a part, so that it must travel in pieces.pdf",
		"\xe6\x96\x87\xe5\xad\x97\xe6\x96\x87\xe5\xad\x97\xe6\x96\x87"
		"\xe5\xad\x97\xe6\x96\x87\xe5\xad\x97\xe6\x96\x87\xe5\xad\x97"
		"\xe6\x96\x87\xe5\xad\x97.txt",
		"100%'*.txt",
		"=?utf-8?q?no_word?=",
	};
	struct buf text, back;

	(void)state;
	buf_init(&text, 4096);
	buf_init(&back, 4096);
	for (size_t i = 0; i < COUNT(names); i++) {
		struct span rest;

		buf_reset(&text);
		buf_puts(&text, "attachment");
		param_put(&text, "filename", span_str(names[i]));
		rest = buf_span(&text);
		assert_true(get(rest, SPAN("filename"), &back));
		assert_true(span_eq(buf_span(&back), span_str(names[i])));
		while (rest.n > 0)
			assert_true(span_cut(&rest, '\n').n <= 79);
	}
	buf_clear(&text);
	buf_clear(&back);
}

static void test_types(void **state)
{
	(void)state;
	assert_string_equal(mime_type_of_name(SPAN("a.b.PNG")), "image/png");
	assert_string_equal(mime_type_of_name(SPAN("png")),
		"application/octet-stream");
	assert_string_equal(mime_type_of_name(SPAN("x.unknown")),
		"application/octet-stream");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_time_is_linear),
		cmocka_unit_test(test_put_and_get),
		cmocka_unit_test(test_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
