/*
 * test_summary.c - what is kept of a message, at every split of its bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "message/msgid.h"
#include "message/preview.h"
#include "message/summary.h"

#define MESSAGE                                                                \
	"From: Alice <alice@crepes.fr>\r\n"                                    \
	"Subject: Re: [burgers] =?utf-8?q?The?= Ketchup  (fwd)\r\n"            \
	"Date: Thu, 1 Jan 1970 00:00:07 GMT\r\n"                               \
	"Message-ID: <own@x>\r\n"                                              \
	"In-Reply-To: Your message of Monday <a@x>\r\n"                        \
	"References: <r1@x>\r\n <r2@x> <a@x>\r\n"                              \
	"Content-Type: multipart/mixed; boundary=b\r\n\r\n"                    \
	"--b\r\n\r\nDo you like ketchup?\r\n"                                  \
	"--b\r\nContent-Type: image/png\r\n"                                     \
	"Content-Disposition: attachment\r\n\r\nx\r\n--b--\r\n"

static void make(struct arena *a, struct span text, size_t step,
	struct summary *out)
{
	struct summary_maker m;

	arena_init(a, SUMMARY_ARENA_BYTES);
	summary_begin(&m, a, text.n);
	while (text.n > 0) {
		summary_feed(&m, span_head(text, step));
		text = span_tail(text, step);
	}
	summary_end(&m, out);
}

static void assert_ids(const struct summary *s, const char *want)
{
	struct buf b;

	buf_init(&b, 65536);
	for (size_t i = 0; i < s->id_count; i++) {
		msgid_put(&b, s->ids[i]);
		buf_putc(&b, ' ');
	}
	if (!span_eq(buf_span(&b), span_str(want)))
		fail_msg("%.*s", SPAN_ARG(buf_span(&b)));
	buf_clear(&b);
}

static void is_the_same_at_every_split(void **state)
{
	(void)state;
	for (size_t step = 1; step <= sizeof(MESSAGE); step++) {
		struct arena a;
		struct summary s;

		make(&a, SPAN(MESSAGE), step, &s);
		assert_int_equal(s.tree->size, sizeof(MESSAGE) - 1);
		assert_int_equal(s.tree->count, 3);
		assert_ptr_equal(s.envelope, s.tree->parts[0].envelope);
		assert_true(s.has_sent && s.has_attachment);
		assert_int_equal(s.sent_ms, 7000);
		assert_true(span_eq(s.preview, SPAN("Do you like ketchup?")));
		assert_true(span_eq(s.subject, SPAN("theketchup")));
		assert_ids(&s, "own@x a@x r1@x r2@x a@x ");
		arena_clear(&a);
	}
}

static void needs_nothing(void **state)
{
	struct arena a;
	struct summary s;

	(void)state;
	make(&a, SPAN_EMPTY, 1, &s);
	assert_int_equal(s.tree->count, 1);
	assert_false(s.has_sent || s.has_attachment);
	assert_int_equal(s.preview.n + s.subject.n + s.id_count, 0);
	arena_clear(&a);
}

/* Only the beginning is kept: what comes behind it is no preview. */
static void keeps_the_beginning(void **state)
{
	static const char head[] = "Content-Type: text/html\r\n\r\n<!--";
	size_t n = 3 * SUMMARY_BEGINNING_BYTES;
	uint8_t *text = mem_new(n, 1);

	(void)state;
	for (size_t far = 0; far < 2; far++) {
		struct arena a;
		struct summary s;
		size_t at = far ? SUMMARY_BEGINNING_BYTES : n / 6;

		memset(text, 'x', n);
		memcpy(text, head, sizeof(head) - 1);
		memcpy(text + at, "-->hello<!--", 12);
		make(&a, span_of(text, n), 1000, &s);
		assert_int_equal(s.tree->size, n);
		assert_int_equal(s.preview.n, far ? 0 : 5);
		arena_clear(&a);
	}
	mem_free(text);
}

/* The first reference and the last ones. */
static void keeps_both_ends_of_references(void **state)
{
	struct buf text, want;
	struct arena a;
	struct summary s;

	(void)state;
	buf_init(&text, 65536);
	buf_init(&want, 65536);
	buf_puts(&text, "References:");
	for (int i = 0; i < 100; i++)
		buf_printf(&text, " <%d@x>\r\n", i);
	make(&a, buf_span(&text), 65536, &s);
	assert_int_equal(s.id_count, SUMMARY_IDS_MAX);
	for (size_t i = 0; i < s.id_count; i++)
		buf_printf(&want, "%.*s ", SPAN_ARG(s.ids[i]));
	assert_true(span_starts(buf_span(&want), SPAN("0@x ")));
	for (int i = 0; i < 100; i++) {
		char id[16];
		bool is_kept = i == 0 || i > 100 - SUMMARY_IDS_MAX;

		(void)snprintf(id, sizeof(id), " %d@x ", i);
		if (i > 0)
			assert_int_equal(span_find_span(buf_span(&want),
				span_str(id)) < buf_len(&want), is_kept);
	}
	buf_clear(&text);
	buf_clear(&want);
	arena_clear(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_the_same_at_every_split),
		cmocka_unit_test(needs_nothing),
		cmocka_unit_test(keeps_the_beginning),
		cmocka_unit_test(keeps_both_ends_of_references),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
