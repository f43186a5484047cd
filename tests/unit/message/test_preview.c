#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/utf8.h"
#include "message/preview.h"

#define HTML "Content-Type: text/html; charset=utf-8\r\n\r\n"
#define MIXED "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
#define ALTERNATIVE "Content-Type: multipart/alternative; boundary=b\r\n\r\n"

static const struct {
	const char *message, *preview;
} rows[] = {
	{"", ""},
	{"\r\n", ""},
	{"Subject: x\r\n\r\nHello  \t Bob,\r\n\r\nhow are\r\nyou?\r\n",
		"Hello Bob, how are you?"},
	/* quotations */
	{"\r\n> old\r\n> text\r\n\r\nnew\r\n> more\r\nend", "new end"},
	{"\r\nOn Mon, 1 Jan 2026 Bob <b@x> wrote:\r\n> old\r\nnew", "new"},
	{"\r\nOn Mon, 1 Jan 2026, Bob\r\n<b@x> wrote:\r\n\r\n> old\r\nnew",
		"new"},
	{"\r\nTop.\r\n\r\nAm 1.1.2026 um 12:00 schrieb\r\nBob:\r\n>> old\r\n",
		"Top."},
	{"\r\nSince 2026.\r\nOn 2 Jan 2026 Bob wrote:\r\n> old", "Since 2026."},
	{"\r\nI say:\r\nnot quoted", "I say: not quoted"},
	{"\r\n1 thing\r\nand more:\r\n2 things\r\nquoted:\r\n> x",
		"1 thing and more: 2 things"},
	{"\r\n> all\r\n> is old\r\n", "> all > is old"},
	{"\r\nBob wrote:\r\n> old", "Bob wrote: > old"},
	{"\r\nTop.\r\n-----Original Message-----\r\nFrom: x", "Top."},
	{"\r\n---------- Forwarded message ---------\r\nFrom: x", "From: x"},
	{"\r\nTop.\r\n-----Urspr\u00fcngliche Nachricht-----\r\nFrom: x", "Top."},
	{"\r\nFailed.\r\n----- Addresses with errors -----\r\n<a@b>",
		"Failed. <a@b>"},
	/* signatures */
	{"\r\nText\r\n-- \r\nBob\r\n", "Text"},
	{"\r\nText\r\n--\r\nBob\r\n", "Text"},
	{"\r\n-- \r\nBob\r\n", "-- Bob"},
	{"\r\n--- \r\nBob\r\n=====\r\nx", "Bob x"},
	{"\r\n:-)", ":-)"},
	/* encodings */
	{"Content-Transfer-Encoding: base64\r\n\r\nSGVsbG8=", "Hello"},
	{"Content-Type: text/plain; charset=iso-8859-1\r\n"
	 "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	 "Gr=FC=DF=\r\ne", "Gr\u00fc\u00dfe"},
	{"\r\nGr\xfc\xdf" "e", "Gr\u00fc\u00dfe"},
	/* what is not seen */
	{"\r\na\x1b[31m\x07" "b\x7f\xc2\x9b" "c", "a [31m b c"},
	{"Content-Type: text/plain; charset=utf-8\r\n\r\n"
	 "a\u00a0\u3000b\u200b\u00ad\u202ec\u2028d\ufeff", "a bc d"},
	{HTML "\u200c\u00a0\u200c\u00a0x\u200cy&zwnj;&nbsp;&zwnj; z",
		"x\u200cy\u200c z"},
	/* HTML */
	{HTML "<title>T</title><style>x</style><p>Hello&nbsp;<b>Bob</b></p>"
	 "<a href=https://x.test>link</a>", "Hello Bob link"},
	{HTML "<div>new</div><div>On 1 Jan Bob wrote:</div>"
	 "<blockquote>old</blockquote>", "new"},
	{HTML "<blockquote>old</blockquote>", "> old"},
	/* which part */
	{MIXED "--b\r\n" HTML "<p> </p>\r\n--b\r\n\r\n \r\n--b\r\n\r\nthird\r\n"
	 "--b--", "third"},
	{ALTERNATIVE "--b\r\n\r\nplain\r\n--b\r\n" HTML "html\r\n--b--",
		"plain"},
	{ALTERNATIVE "--b\r\n\r\n\r\n--b\r\n" HTML "html\r\n--b--", "html"},
	{MIXED "--b\r\nContent-Disposition: attachment\r\n\r\nfile\r\n"
	 "--b\r\n\r\ntext\r\n--b--", "text"},
	{MIXED "--b\r\nContent-Type: image/png\r\n\r\npicture\r\n"
	 "--b\r\n\r\n> old\r\n--b\r\n\r\nnew\r\n--b--", "new"},
	{"Content-Type: image/png\r\n\r\npicture", ""},
};

static void make(struct buf *out, struct span message, size_t beginning)
{
	struct arena arena;

	buf_reset(out);
	arena_init(&arena, 2 * MIME_ARENA_BYTES);
	preview_put(out, &arena, mime_parse(&arena, message),
		span_head(message, beginning));
	arena_clear(&arena);
}

static void test_rows(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, PREVIEW_BYTES_MAX + 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		make(&out, span_str(rows[i].message), SIZE_MAX);
		buf_putc(&out, 0);
		assert_string_equal((const char *)out.p, rows[i].preview);
	}
	buf_clear(&out);
}

static void test_200_characters(void **state)
{
	struct buf message, out;

	(void)state;
	buf_init(&message, 1 << 20);
	buf_init(&out, PREVIEW_BYTES_MAX);
	buf_puts(&message, "Content-Type: text/plain; charset=utf-8\r\n\r\n");
	for (size_t i = 0; i < 10000; i++)
		buf_puts(&message, "\U0001f354");
	make(&out, buf_span(&message), SIZE_MAX);
	assert_int_equal(buf_len(&out), 4 * PREVIEW_CHARS_MAX);
	assert_true(utf8_is_valid(buf_span(&out)));

	/* a blank is not the last */
	buf_reset(&message);
	buf_puts(&message, "\r\n");
	for (size_t i = 0; i < PREVIEW_CHARS_MAX - 1; i++)
		buf_putc(&message, 'x');
	buf_puts(&message, " yy");
	make(&out, buf_span(&message), SIZE_MAX);
	assert_int_equal(buf_len(&out), PREVIEW_CHARS_MAX - 1);
	buf_clear(&message);
	buf_clear(&out);
}

/* What is not at hand is not looked at, wherever the cut falls. */
static void test_a_beginning(void **state)
{
	static const struct span message = SPAN_INIT(
		MIXED "--b\r\n\r\n> old\r\n--b\r\n"
		"Content-Type: text/plain; charset=utf-8\r\n"
		"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
		"new=C3=A9\r\n--b--");
	struct buf out;

	(void)state;
	buf_init(&out, PREVIEW_BYTES_MAX);
	for (size_t n = 0; n <= message.n; n++) {
		struct buf copy;

		buf_init(&copy, message.n + 1);
		buf_put(&copy, message);
		make(&out, message, n);
		assert_true(utf8_is_valid(buf_span(&out)));
		buf_clear(&copy);
	}
	make(&out, message, message.n - sizeof("w=C3=A9\r\n--b--") + 1);
	assert_true(span_eq(buf_span(&out), SPAN("ne")));
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_200_characters),
		cmocka_unit_test(test_a_beginning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
