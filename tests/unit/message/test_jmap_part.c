#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/utf8.h"
#include "message/body_text.h"
#include "message/jmap_part.h"

#define OUT_MAX (1u << 20)

/* ---- what a part is ------------------------------------------------- */

static const struct {
	const char *head;
	const char *about; /* type charset disposition name cid location
				language, "-" for null */
} heads[] = {
	{"", "text/plain us-ascii - - - - -"},
	{"Content-Type: TEXT/Html", "text/html us-ascii - - - - -"},
	{"Content-Type: text/plain; charset=\"UTF-8\"",
		"text/plain UTF-8 - - - - -"},
	{"Content-Type: image/png; name=a.png",
		"image/png - - a.png - - -"},
	{"Content-Type: image/png; name=a.png\r\n"
	 "Content-Disposition: ATTACHMENT; filename*=utf-8''%e2%82%ac",
		"image/png - attachment \u20ac - - -"},
	{"Content-Type: image/png; charset=x", "image/png - - - - - -"},
	{"Content-Type: application/pdf; name=\"=?utf-8?Q?=E2=82=AC?=\"",
		"application/pdf - - \u20ac - - -"},
	{"Content-ID: <a@b> (x)", "text/plain us-ascii - - a@b - -"},
	{"Content-ID: a@b", "text/plain us-ascii - - a@b - -"},
	{"Content-Location: https://x.test/\r\n a b",
		"text/plain us-ascii - - - https://x.test/ab -"},
	{"Content-Language: en, de (German),\r\n fr",
		"text/plain us-ascii - - - - en,de,fr"},
};

static void put_word(struct buf *out, struct span word)
{
	if (buf_len(out) > 0)
		buf_putc(out, ' ');
	buf_put(out, word.n > 0 ? word : SPAN("-"));
}

static void test_heads(void **state)
{
	struct arena arena;
	struct buf message, out;

	(void)state;
	arena_init(&arena, 2 * MIME_ARENA_BYTES);
	buf_init(&message, 4096);
	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		struct jmap_part part;

		buf_reset(&message);
		buf_reset(&out);
		buf_printf(&message, "%s\r\n\r\nbody", heads[i].head);
		jmap_part_read(&arena,
			&mime_parse(&arena, buf_span(&message))->parts[0],
			&part);
		put_word(&out, part.type);
		put_word(&out, part.charset);
		put_word(&out, part.disposition);
		put_word(&out, part.name);
		put_word(&out, part.cid);
		put_word(&out, part.location);
		put_word(&out, part.language);
		buf_putc(&out, 0);
		assert_string_equal((const char *)out.p, heads[i].about);
		assert_int_equal(part.end, buf_len(&message));
		arena_reset(&arena);
	}
	buf_clear(&out);
	buf_clear(&message);
	arena_clear(&arena);
}

/* ---- its text ------------------------------------------------------- */

#define QP "Content-Transfer-Encoding: quoted-printable\r\n"
#define BASE64 "Content-Transfer-Encoding: base64\r\n"
#define UTF8 "Content-Type: text/plain; charset=utf-8\r\n"
#define LATIN1 "Content-Type: text/plain; charset=iso-8859-1\r\n"

static const struct {
	const char *message;
	size_t max_bytes;
	const char *value;
	bool is_encoding_problem, is_truncated;
} values[] = {
	{"\r\na\r\nb\nc\r", 0, "a\nb\nc\r", false, false},
	{"\r\na\r\r\nb", 0, "a\r\nb", false, false},
	{"\r\n", 0, "", false, false},
	{UTF8 QP "\r\n=E2=82=AC=\r\n!=0D=0A", 0, "\u20ac!\n", false, false},
	{LATIN1 BASE64 "\r\n6Q0K6Q==", 0, "\u00e9\n\u00e9", false, false},
	{UTF8 "\r\na\xff" "b", 0, "a\ufffd" "b", true, false},
	{"Content-Type: text/plain; charset=nonesuch\r\n\r\n\u00e9", 0,
		"\u00e9", true, false},
	{"\r\n\xe9", 0, "\u00e9", true, false},
	{UTF8 "Content-Transfer-Encoding: x-uuencode\r\n\r\nabc", 0, "abc",
		true, false},
	/* cut at a character */
	{UTF8 "\r\n\u20ac\u20ac", 6, "\u20ac\u20ac", false, false},
	{UTF8 "\r\n\u20ac\u20ac", 5, "\u20ac", false, true},
	{UTF8 "\r\n\u20ac\u20ac", 3, "\u20ac", false, true},
	{UTF8 "\r\n\u20ac\u20ac", 2, "", false, true},
	{UTF8 "\r\nab", 1, "a", false, true},
	{UTF8 "\r\nab", 2, "ab", false, false},
};

static struct span body_of(const struct mime_part *p, struct span message)
{
	return span_tail(message, (size_t)p->body_start);
}

static void test_values(void **state)
{
	struct arena arena;
	struct buf out;

	(void)state;
	arena_init(&arena, MIME_ARENA_BYTES);
	buf_init(&out, OUT_MAX);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct span message = span_str(values[i].message);
		const struct mime_part *p =
			&mime_parse(&arena, message)->parts[0];
		struct jmap_value value;

		buf_reset(&out);
		jmap_put_value(&out, p, body_of(p, message), true,
			values[i].max_bytes, &value);
		buf_putc(&out, 0);
		assert_string_equal((const char *)out.p, values[i].value);
		assert_int_equal(value.is_encoding_problem,
			values[i].is_encoding_problem);
		assert_int_equal(value.is_truncated, values[i].is_truncated);
		arena_reset(&arena);
	}
	buf_clear(&out);
	arena_clear(&arena);
}

/* What is held of a body that was cut is no problem of its encoding. */
static void test_a_beginning(void **state)
{
	static const struct span message = SPAN_INIT(
		UTF8 QP "\r\n=E2=82=AC=E2=82=AC");
	struct arena arena;
	const struct mime_part *p;
	struct jmap_value value;
	struct span body;
	struct buf out;

	(void)state;
	arena_init(&arena, MIME_ARENA_BYTES);
	buf_init(&out, OUT_MAX);
	p = &mime_parse(&arena, message)->parts[0];
	body = body_of(p, message);
	for (size_t n = 0; n < body.n; n++) {
		buf_reset(&out);
		jmap_put_value(&out, p, span_head(body, n), false, 0, &value);
		assert_true(utf8_is_valid(buf_span(&out)));
		assert_int_equal(buf_len(&out), n < 9 ? 0 : 3);
		assert_true(value.is_truncated);
		assert_false(value.is_encoding_problem);
	}
	buf_clear(&out);
	arena_clear(&arena);
}

/* The same text for every split, of a body longer than any slice. */
static void test_splits(void **state)
{
	static const size_t steps[] = {1, 2, 3, 7, 4095, 4096, 4097, 100000};
	struct arena arena;
	struct buf message, out, expected;
	const struct mime_part *p;

	(void)state;
	arena_init(&arena, MIME_ARENA_BYTES);
	buf_init(&message, OUT_MAX);
	buf_init(&out, OUT_MAX);
	buf_init(&expected, OUT_MAX);
	buf_puts(&message, UTF8 QP "\r\n");
	for (size_t i = 0; i < 2000; i++) {
		buf_puts(&message, "=E2=82=AC\r \t\r\nx=0D\r\n");
		buf_puts(&expected, "\u20ac\r\nx\r\n");
	}
	p = &mime_parse(&arena, buf_span(&message))->parts[0];
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct span rest = body_of(p, buf_span(&message));
		struct body_text text;

		buf_reset(&out);
		body_text_init(&text, p);
		for (; rest.n > 0; rest = span_tail(rest, steps[i]))
			body_text_feed(&text, span_head(rest, steps[i]), &out);
		body_text_end(&text, &out);
		assert_false(out.overflow);
		assert_false(text.is_text_damaged);
		assert_int_equal(buf_len(&out), buf_len(&expected));
		assert_true(span_eq(buf_span(&out), buf_span(&expected)));
	}
	buf_clear(&message);
	buf_clear(&out);
	buf_clear(&expected);
	arena_clear(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_a_beginning),
		cmocka_unit_test(test_splits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
