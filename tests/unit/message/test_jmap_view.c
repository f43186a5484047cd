#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "message/jmap_view.h"

/* A message is drawn in words: "[mixed" and "]" for a multipart, and
 * "A=text/plain+i" for a part whose body is "A", with
 *	+a  Content-Disposition: attachment
 *	+i  Content-Disposition: inline
 *	+n  a file name; +e: an extended one; +o: an empty one
 *	+c  a Content-ID */
struct drawing {
	struct buf out;
	unsigned open[300];
	size_t depth;
	unsigned count;
};

static void draw_boundary(struct drawing *d, const char *end)
{
	if (d->depth > 0)
		buf_printf(&d->out, "\r\n--b%u.%s\r\n", d->open[d->depth - 1],
			end);
}

static void draw_flags(struct drawing *d, struct span flags)
{
	static const struct {
		char flag;
		const char *field;
	} fields[] = {
		{'a', "Content-Disposition: Attachment\r\n"},
		{'i', "Content-Disposition: INLINE\r\n"},
		{'n', "Content-Disposition: inline; filename=x\r\n"},
		{'e', "Content-Disposition: inline; "
			"filename*=utf-8''%c3%a9\r\n"},
		{'o', "Content-Disposition: inline; filename=\r\n"},
		{'c', "Content-ID: <x@y>\r\n"},
	};

	for (size_t i = 0; i < flags.n; i++)
		for (size_t k = 0; k < sizeof(fields) / sizeof(fields[0]);
			k++)
			if (flags.p[i] == (uint8_t)fields[k].flag)
				buf_puts(&d->out, fields[k].field);
}

static void draw_word(struct drawing *d, struct span word)
{
	struct span name, type;

	if (span_eq(word, SPAN("]"))) {
		draw_boundary(d, "--");
		d->depth--;
		return;
	}
	draw_boundary(d, "");
	if (span_starts(word, SPAN("["))) {
		buf_printf(&d->out, "Content-Type: multipart/%.*s; "
			"boundary=\"b%u.\"\r\n\r\n",
			SPAN_ARG(span_tail(word, 1)), ++d->count);
		d->open[d->depth++] = d->count;
		return;
	}
	name = span_cut(&word, '=');
	type = span_cut(&word, '+');
	if (type.n > 0)
		buf_printf(&d->out, "Content-Type: %.*s\r\n", SPAN_ARG(type));
	draw_flags(d, word);
	buf_printf(&d->out, "\r\n%.*s", SPAN_ARG(name));
}

static struct span draw(struct drawing *d, const char *words)
{
	struct span rest = span_str(words);

	buf_reset(&d->out);
	d->depth = 0;
	d->count = 0;
	while (rest.n > 0)
		draw_word(d, span_cut(&rest, ' '));
	return buf_span(&d->out);
}

static void put_list(struct buf *out, const char *name, struct span message,
	const struct mime_tree *t, const struct jmap_parts *list)
{
	buf_puts(out, name);
	for (uint32_t i = 0; i < list->count; i++) {
		const struct mime_part *p = &t->parts[list->items[i]];

		buf_putc(out, ' ');
		/* a letter: in a message/rfc822 it is a broken head */
		buf_put(out, span_head(span_tail(message, p->body_start), 1));
	}
}

static const struct {
	const char *drawing, *bodies;
} rows[] = {
	/* the example of RFC 8621 4.1.4 */
	{"[mixed A=text/plain+i [mixed [alternative [mixed B=text/plain+i "
	 "C=image/jpeg+i D=text/plain+i ] [related E=text/html F=image/jpeg ] "
	 "] G=image/jpeg+a H=application/x-excel J=message/rfc822 ] "
	 "K=text/plain+i ]",
		"text A B C D K html A E K files C F G H J yes"},
	{"A=", "text A html A files no"},
	{"A=text/plain", "text A html A files no"},
	{"A=TEXT/Html", "text A html A files no"},
	{"A=image/png", "text A html A files no"},
	{"A=text/plain+a", "text html files A yes"},
	{"A=application/pdf", "text html files A yes"},
	{"A=application/pdf+i", "text html files A no"},
	{"A=text/calendar", "text html files A yes"},
	{"[alternative A=text/plain B=text/html ]",
		"text A html B files no"},
	/* found one kind only: it is the other too */
	{"[alternative A=text/plain ]", "text A html A files no"},
	{"[alternative A=text/html ]", "text A html A files no"},
	{"[alternative A=text/plain B=text/calendar C=image/png ]",
		"text A html A files B C yes"},
	{"[mixed A=text/plain B=text/plain+n C=text/plain ]",
		"text A C html A C files B no"},
	{"[mixed A=text/plain B=text/plain+e C=text/plain+o ]",
		"text A C html A C files B no"},
	{"[mixed A=text/plain+n B=image/png+n ]",
		"text A B html A B files no"},
	{"[mixed A=text/plain B=application/zip+a ]",
		"text A html A files B yes"},
	{"[related A=text/html B=image/png+c ]", "text A html A files B no"},
	{"[related A=text/html B=image/png ]", "text A html A files B yes"},
	{"[related A=text/html B=image/png+ca ]", "text A html A files B yes"},
	{"[related A=text/html B=text/plain ]", "text A html A files B yes"},
	{"[mixed A=text/html B=image/png+c ]", "text A B html A B files no"},
	{"[alternative A=text/plain [related B=text/html C=image/png+ic ] ]",
		"text A html B files C no"},
	/* a picture in one alternative is an attachment for the other */
	{"[alternative A=text/plain [mixed B=text/html C=image/png+i ] ]",
		"text A html B C files C no"},
	/* but not one that both got in the end */
	{"[alternative [mixed A=text/html B=image/png+i ] ]",
		"text A B html A B files no"},
	/* a text that neither takes */
	{"[alternative [mixed A=text/html B=text/plain ] C=text/plain ]",
		"text C html A files B yes"},
	{"[mixed [alternative A=text/plain B=text/html ] "
	 "[alternative C=text/plain ] D=text/html ]",
		"text A C D html B C D files no"},
	{"[mixed A=message/rfc822 B=text/plain ]",
		"text B html B files A yes"},
	{"[mixed A=message/rfc822 ]", "text html files A yes"},
	{"[digest A= B= ]", "text html files A B yes"},
	{"[mixed ]", "text html files no"},
	{"[signed A=text/plain B=application/pgp-signature ]",
		"text A html A files B yes"},
};

static void test_rows(void **state)
{
	struct drawing d = {.depth = 0};
	struct arena arena;
	struct buf out;

	(void)state;
	buf_init(&d.out, 1 << 20);
	buf_init(&out, 1 << 20);
	arena_init(&arena, MIME_ARENA_BYTES * 2);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span message = draw(&d, rows[i].drawing);
		const struct mime_tree *t = mime_parse(&arena, message);
		struct jmap_bodies b;

		jmap_bodies_find(&arena, t, &b);
		buf_reset(&out);
		put_list(&out, "text", message, t, &b.text);
		put_list(&out, " html", message, t, &b.html);
		put_list(&out, " files", message, t, &b.attachments);
		buf_puts(&out, b.has_attachment ? " yes" : " no");
		buf_putc(&out, 0);
		assert_string_equal((const char *)out.p, rows[i].bodies);
		arena_reset(&arena);
	}
	arena_clear(&arena);
	buf_clear(&out);
	buf_clear(&d.out);
}

/* No byte of a message is in none of the lists. */
static void test_a_multipart_that_cannot_be_read(void **state)
{
	static const struct span message =
		SPAN_INIT("Content-Type: multipart/mixed\r\n\r\nx");
	struct arena arena;
	struct jmap_bodies b;

	(void)state;
	arena_init(&arena, MIME_ARENA_BYTES * 2);
	jmap_bodies_find(&arena, mime_parse(&arena, message), &b);
	assert_int_equal(b.text.count + b.attachments.count, 1);
	arena_clear(&arena);
}

/* Deeper than any frame: every list has its parts, and nothing ends. */
static void test_deep(void **state)
{
	struct drawing d = {.depth = 0};
	struct arena arena;
	struct jmap_bodies b;
	struct buf words;

	(void)state;
	buf_init(&d.out, 1 << 20);
	buf_init(&words, 1 << 20);
	for (size_t i = 0; i < 250; i++)
		buf_puts(&words, "[alternative A=text/plain ");
	buf_puts(&words, "B=text/html");
	buf_putc(&words, 0);
	arena_init(&arena, MIME_ARENA_BYTES * 2);
	jmap_bodies_find(&arena,
		mime_parse(&arena, draw(&d, (const char *)words.p)), &b);
	assert_true(b.text.count >= MESSAGE_DEPTH_MAX - 2);
	assert_true(b.text.count <= 250);
	arena_clear(&arena);
	buf_clear(&words);
	buf_clear(&d.out);
}

/* ---- numbers -------------------------------------------------------- */

static const struct {
	const char *message, *numbers; /* of the parts in order; "-": none */
} numbered[] = {
	{"x", "1"},
	{"Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\ny", "1 1.1"},
	{"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
	 "--b\r\n\r\n1\r\n"
	 "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n"
	 "--c\r\n\r\n2.1\r\n"
	 "--c\r\n\r\n2.2\r\n--c--\r\n"
	 "--b\r\nContent-Type: message/rfc822\r\n\r\n\r\n3.1\r\n"
	 "--b\r\nContent-Type: message/rfc822\r\n\r\n"
	 "Content-Type: multipart/mixed; boundary=d\r\n\r\n"
	 "--d\r\n\r\n4.1\r\n--d\r\n\r\n4.2\r\n--d--\r\n--b--\r\n",
		"- 1 2 2.1 2.2 3 3.1 4 - 4.1 4.2"},
};

static void test_numbers(void **state)
{
	struct arena arena;
	struct buf out;

	(void)state;
	arena_init(&arena, MIME_ARENA_BYTES * 2);
	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(numbered) / sizeof(numbered[0]); i++) {
		const struct mime_tree *t =
			mime_parse(&arena, span_str(numbered[i].message));
		const uint32_t *ordinals = jmap_ordinals(&arena, t);

		buf_reset(&out);
		for (uint32_t part = 0; part < t->count; part++) {
			size_t before = buf_len(&out) + (part > 0);
			struct span number;
			uint32_t found;

			buf_puts(&out, part > 0 ? " " : "");
			jmap_put_part_id(&out, t, ordinals, part);
			number = span_tail(buf_span(&out), before);
			assert_int_equal(jmap_part_of_id(t, number, &found),
				number.n > 0);
			if (number.n == 0)
				buf_putc(&out, '-');
			else
				assert_int_equal(found, part);
		}
		buf_putc(&out, 0);
		assert_string_equal((const char *)out.p, numbered[i].numbers);
		arena_reset(&arena);
	}
	buf_clear(&out);
	arena_clear(&arena);
}

static void test_no_such_number(void **state)
{
	static const char *const bad[] = {"", "0", "5", "1.1", "2.3", "2.1.1",
		".", "1.", ".1", "1..1", "x", "-1", "4.0", "4294967297", "3.2"};
	struct arena arena;
	const struct mime_tree *t;
	uint32_t part;

	(void)state;
	arena_init(&arena, MIME_ARENA_BYTES * 2);
	t = mime_parse(&arena, span_str(numbered[2].message));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(jmap_part_of_id(t, span_str(bad[i]), &part));
	arena_clear(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_a_multipart_that_cannot_be_read),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_no_such_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
