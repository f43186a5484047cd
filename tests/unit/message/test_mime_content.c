#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mime_check.h"

/* "type/subtype encoding [disposition] id|description|md5|location|language"
 * of the root: what is not there is empty. */
static void put_content(struct buf *out, const struct mime_part *p)
{
	const struct span texts[] = {p->id, p->description, p->md5,
		p->location, p->language};

	buf_puts(out, p->has_type ? "" : "?");
	buf_put(out, p->type);
	buf_putc(out, '/');
	buf_put(out, p->subtype);
	for (size_t i = 0; i < p->params.count; i++) {
		buf_putc(out, ';');
		buf_put(out, p->params.items[i].name);
		buf_putc(out, '=');
		buf_put(out, p->params.items[i].value);
	}
	buf_printf(out, " %d:%.*s [%.*s", (int)p->encoding,
		SPAN_ARG(p->encoding_name), SPAN_ARG(p->disposition));
	for (size_t i = 0; i < p->disposition_params.count; i++) {
		buf_putc(out, ';');
		buf_put(out, p->disposition_params.items[i].name);
		buf_putc(out, '=');
		buf_put(out, p->disposition_params.items[i].value);
	}
	buf_puts(out, "]");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		buf_putc(out, '|');
		buf_put(out, texts[i]);
	}
}

static void check_content(const char *head, const char *expected)
{
	struct arena arena;
	struct buf out;

	buf_init(&out, 4096);
	put_content(&out, &mime_check(&arena, span_str(head))->parts[0]);
	buf_putc(&out, 0);
	assert_string_equal((const char *)out.p, expected);
	buf_clear(&out);
	arena_clear(&arena);
}

struct row {
	const char *head, *content;
};

static void check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check_content(rows[i].head, rows[i].content);
}

#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof((rows)[0]))

static void test_type(void **state)
{
	static const struct row rows[] = {
		{"", "?text/plain 0: []|||||"},
		{"Content-Type: Text/HTML\n", "Text/HTML 0: []|||||"},
		{"content-type:text/html;charset=UTF-8\n",
			"text/html;charset=UTF-8 0: []|||||"},
		{"Content-Type :\n\ttext/html\n", "text/html 0: []|||||"},
		{"Content-Type: (a) text (b(c)) / (d) html (e); x=y\n",
			"text/html;x=y 0: []|||||"},
		{"Content-Type: text/html (open\n", "text/html 0: []|||||"},
		{"Content-Type: text/html foo\n", "text/html 0: []|||||"},
		{"Content-Type: application/vnd.a+xml;\n a=b\n",
			"application/vnd.a+xml;a=b 0: []|||||"},
		/* cannot be read: RFC 2045 5.2 */
		{"Content-Type: \n", "?text/plain 0: []|||||"},
		{"Content-Type: text\n", "?text/plain 0: []|||||"},
		{"Content-Type: text/\n", "?text/plain 0: []|||||"},
		{"Content-Type: /html\n", "?text/plain 0: []|||||"},
		{"Content-Type: (text/html\n", "?text/plain 0: []|||||"},
		{"Content-Type: \xe9/html\n", "?text/plain 0: []|||||"},
		{"Content-Type text/html\n", "?text/plain 0: []|||||"},
		{"X-Content-Type: text/html\n", "?text/plain 0: []|||||"},
		{"Content-Typ: text/html\n", "?text/plain 0: []|||||"},
		/* the first counts, readable or not */
		{"Content-Type: text/html\nContent-Type: a/b; c=d\n",
			"text/html 0: []|||||"},
		{"Content-Type:\nContent-Type: a/b\n",
			"?text/plain 0: []|||||"},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void test_encoding(void **state)
{
	static const struct row rows[] = {
		{"Content-Transfer-Encoding: 7Bit\n",
			"?text/plain 0:7Bit []|||||"},
		{"Content-Transfer-Encoding: 8bit\n",
			"?text/plain 1:8bit []|||||"},
		{"Content-Transfer-Encoding: binary\n",
			"?text/plain 2:binary []|||||"},
		{"Content-Transfer-Encoding: QUOTED-printable\n",
			"?text/plain 3:QUOTED-printable []|||||"},
		{"Content-Transfer-Encoding:\n (a) base64 (b)\n",
			"?text/plain 4:base64 []|||||"},
		{"Content-Transfer-Encoding: base64;\n",
			"?text/plain 4:base64 []|||||"},
		{"Content-Transfer-Encoding: x-uuencode\n",
			"?text/plain 5:x-uuencode []|||||"},
		{"Content-Transfer-Encoding: 8-bit\n",
			"?text/plain 5:8-bit []|||||"},
		/* no word at all */
		{"Content-Transfer-Encoding: 8 bit\n", "?text/plain 0: []|||||"},
		{"Content-Transfer-Encoding: text/html\n",
			"?text/plain 0: []|||||"},
		{"Content-Transfer-Encoding:\n", "?text/plain 0: []|||||"},
		{"Content-Transfer-Encoding: 7bit\n"
		 "Content-Transfer-Encoding: base64\n",
			"?text/plain 0:7bit []|||||"},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void test_others(void **state)
{
	static const struct row rows[] = {
		{"Content-Disposition: Attachment; filename=\"a b\"\n",
			"?text/plain 0: [Attachment;filename=a b]|||||"},
		{"Content-Disposition: inline\n"
		 "Content-Disposition: attachment\n",
			"?text/plain 0: [inline]|||||"},
		{"Content-Disposition: ; filename=x\n",
			"?text/plain 0: [;filename=x]|||||"},
		{"Content-ID: <a@b>\nContent-ID: <c@d>\n",
			"?text/plain 0: []|<a@b>||||"},
		{"Content-Description: \r\n  =?utf-8?q?a?=\r\n\tb \r\n",
			"?text/plain 0: []||=?utf-8?q?a?=\tb|||"},
		{"Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==\n",
			"?text/plain 0: []|||Q2hlY2sgSW50ZWdyaXR5IQ==||"},
		{"Content-Location: http://a/\n b\n",
			"?text/plain 0: []||||http://a/ b|"},
		{"Content-Language: de, en\n",
			"?text/plain 0: []|||||de, en"},
		{"Content-Description: a\rb\n",
			"?text/plain 0: []||ab|||"},
		{"Content-ID:\n", "?text/plain 0: []|||||"},
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* Only a message has an envelope, and the content fields of its head are those
 * of its root part. */
static void test_envelopes(void **state)
{
	struct arena arena;
	const struct mime_tree *t = mime_check(&arena,
		SPAN("Subject: outer\nContent-Type: multipart/mixed; boundary=b\n"
		     "\n--b\nSubject: of a part\n\nx\n--b\nContent-Type: "
		     "message/rfc822\nSubject: of a part\n\nSubject: inner\n"
		     "Subject: inner last\nFrom: Ann <a@b>\n\nbody\n--b--\n"));

	(void)state;
	assert_int_equal(t->count, 4);
	assert_true(span_eq(t->parts[0].envelope->subject, SPAN("outer")));
	assert_null(t->parts[1].envelope);
	assert_null(t->parts[2].envelope);
	assert_true(span_eq(t->parts[3].envelope->subject, SPAN("inner last")));
	assert_int_equal(t->parts[3].envelope->from.count, 1);
	arena_clear(&arena);
}

static void test_walk(void **state)
{
	struct arena arena;
	const struct mime_tree *t = mime_check(&arena,
		SPAN("Content-Type: Multipart/Mixed; boundary=b\n\n--b\n--b--"));

	(void)state;
	assert_int_equal(mime_first_child(t, 0), 1);
	assert_int_equal(mime_first_child(t, 1), MIME_NONE);
	assert_true(mime_is_type(&t->parts[0], SPAN("multipart"),
		SPAN("mixed")));
	assert_false(mime_is_type(&t->parts[0], SPAN("multipart"),
		SPAN("digest")));
	assert_false(mime_is_type(&t->parts[0], SPAN("text"), SPAN("mixed")));
	arena_clear(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_type),
		cmocka_unit_test(test_encoding),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_envelopes),
		cmocka_unit_test(test_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
