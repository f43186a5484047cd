#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/charset.h"
#include "message/mime_type.h"
#include "message/param.h"

static void test_main(void **state)
{
	(void)state;
	assert_true(span_eq(param_main(SPAN(" text/plain ; charset=x")),
		SPAN("text/plain")));
	assert_true(span_eq(param_main(SPAN("base64 (a comment)")),
		SPAN("base64")));
	assert_true(span_eq(param_main(SPAN("")), SPAN("")));
}

static void test_get(void **state)
{
	static const struct {
		const char *value, *name, *found; /* NULL: none */
	} rows[] = {
		{"a/b; charset=utf-8", "charset", "utf-8"},
		{"a/b;CHARSET = \"utf-8\" ; x=y", "charset", "utf-8"},
		{"a/b; charset=us-ascii (plain)", "charset", "us-ascii"},
		{"a/b; n=\"a;b\\\"c\"; m=1", "n", "a;b\"c"},
		{"a/b; n=\"a;m=2\"; m=1", "m", "1"},
		{"a/b; n=\"open", "n", "open"},
		{"a/b; n=\"fol\r\n ded\"", "n", "fol ded"},
		{"a/b; n=1; n=2", "n", "1"},
		{"a/b", "n", NULL},
		{"a/b; nn=1", "n", NULL},
		/* RFC 2231 3, 4, 4.1 */
		{"a/b; URL*0=\"ftp://\";\r\n URL*1=\"cs.utk.edu\"", "url",
			"ftp://cs.utk.edu"},
		{"a/b; title*=us-ascii'en-us'This%20is%20fun", "title",
			"This is fun"},
		{"a/b; title*0*=us-ascii'en'This%20is;\r\n title*1*=%20even;\r\n"
		 " title*2=\" more%20\"", "title", "This is even more%20"},
		{"a/b; t*1=two; t*0=one", "t", "onetwo"},
		{"a/b; f=plain; f*=iso-8859-1''caf%e9", "f", "caf\xc3\xa9"},
		{"a/b; f*=koi8-r''%c1", "f", "\xd0\xb0"},
		{"a/b; f=\"=?utf-8?Q?caf=C3=A9?=\"", "f", "caf\xc3\xa9"},
		{"a/b; f*=%zz%4", "f", "%zz%4"},
	};
	struct buf out;

	(void)state;
	assert_true(charset_open());
	buf_init(&out, 1024);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool is_found;

		buf_reset(&out);
		is_found = param_get(span_str(rows[i].value),
			span_str(rows[i].name), &out);
		assert_int_equal(is_found, rows[i].found != NULL);
		buf_putc(&out, 0);
		if (is_found)
			assert_string_equal((const char *)out.p,
				rows[i].found);
	}
	buf_clear(&out);
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
	};
	struct buf text, back;

	(void)state;
	buf_init(&text, 4096);
	buf_init(&back, 4096);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct span rest;

		buf_reset(&text);
		buf_reset(&back);
		buf_puts(&text, "attachment");
		param_put(&text, "filename", span_str(names[i]));
		rest = buf_span(&text);
		assert_true(param_get(rest, SPAN("filename"), &back));
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
		cmocka_unit_test(test_main),
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_put_and_get),
		cmocka_unit_test(test_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
