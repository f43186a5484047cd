#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "message/limits.h"
#include "message/submission.h"

#define OUT_BYTES (4u << 20)

#define FROM "From: ann@own.example\r\n"
#define DATE "Date: Sun, 22 Nov 2026 15:27:39 +0000\r\n"
#define ID   "Message-ID: <9KD-rest@mx.test>\r\n"
#define ALL  FROM DATE ID

static const struct submission_config config = {
	.address = SPAN_INIT("ann@own.example"),
	.message_id = SPAN_INIT("9KD-rest@mx.test"),
	.now_ms = 1795361259000,
};

/* The senders in one line each; "?" at the end if it is unclear. */
static enum code filter(const struct submission_config *c, struct span in,
	size_t split, struct buf *out, struct buf *senders)
{
	struct submission s;
	struct submission_out piece;
	enum code code = OK;

	submission_init(&s, c);
	for (size_t i = 0; i < in.n && code == OK; i += split) {
		code = submission_feed(&s,
			span_head(span_tail(in, i), split), &piece);
		buf_put(out, piece.head);
		buf_put(out, piece.body);
	}
	if (code == OK) {
		code = submission_end(&s, &piece);
		buf_put(out, piece.head);
		buf_put(out, piece.body);
	}
	buf_put(senders, submission_senders(&s));
	if (submission_is_unclear(&s))
		buf_putc(senders, '?');
	submission_clear(&s);
	assert_false(out->overflow);
	return code;
}

static void check_senders(const char *in, const char *out, const char *senders)
{
	struct span text = span_str(in);
	struct buf got, found;

	buf_init(&got, OUT_BYTES);
	buf_init(&found, OUT_BYTES);
	for (size_t split = 1; split <= text.n + 1; split++) {
		buf_reset(&got);
		buf_reset(&found);
		assert_int_equal(
			filter(&config, text, split, &got, &found), OK);
		buf_putc(&got, '\0');
		buf_putc(&found, '\0');
		assert_string_equal((const char *)buf_span(&got).p, out);
		assert_string_equal((const char *)buf_span(&found).p, senders);
	}
	buf_clear(&got);
	buf_clear(&found);
}

static const struct {
	const char *in, *out;
} rows[] = {
	/* nothing is missing: byte for byte, whatever stands there */
	{DATE ID "from:ann@own.example\r\nX:  y \r\n\tz\r\n\r\nBcc: x\r\n",
		DATE ID "from:ann@own.example\r\nX:  y \r\n\tz\r\n\r\nBcc: x\r\n"},
	{"FROM: a@b\r\nDATE: never\r\nMESSAGE-ID: none\r\n\r\n",
		"FROM: a@b\r\nDATE: never\r\nMESSAGE-ID: none\r\n\r\n"},
	/* each alone is added */
	{FROM DATE "\r\nx", ID FROM DATE "\r\nx"},
	{FROM ID "\r\nx", DATE FROM ID "\r\nx"},
	{DATE ID "\r\nx", FROM DATE ID "\r\nx"},
	{"Subject: s\r\n\r\nx\r\n", ALL "Subject: s\r\n\r\nx\r\n"},
	/* names that only begin alike */
	{"From-X: y\r\nXFrom: y\r\nDated: y\r\n\r\n",
		ALL "From-X: y\r\nXFrom: y\r\nDated: y\r\n\r\n"},
	/* in the body it is none */
	{"X: y\r\n\r\n" ALL, ALL "X: y\r\n\r\n" ALL},
	/* blind recipients: the first field, the last one, folded, twice */
	{"Bcc: s@x,\r\n\tt@x\r\n" ALL "\r\nx", ALL "\r\nx"},
	{ALL "bCC:\r\n s@x\r\n\r\nx", ALL "\r\nx"},
	{ALL "Bcc : s@x\r\nTo: t@x\r\nBcc:s@x\r\n \r\n\r\nx",
		ALL "To: t@x\r\n\r\nx"},
	{ALL "Resent-Bcc: s@x\r\nX: y\r\n z\r\n", ALL "X: y\r\n z\r\n"},
	{ALL "Bcc2: y\r\nX-Bcc: y\r\n\r\n", ALL "Bcc2: y\r\nX-Bcc: y\r\n\r\n"},
	/* the end without an empty line, without a line end */
	{ALL "Bcc: s@x", ALL},
	{ALL "To: t@x", ALL "To: t@x"},
	/* a line that is no field does not end a header: header.h */
	{ALL "no field\r\nBcc: s@x\r\n\r\nx", ALL "no field\r\n\r\nx"},
	{" fold\r\nBcc: s@x\r\n\r\nx", ALL " fold\r\n\r\nx"},
	/* no header at all */
	{"", ALL},
	{"\r\nText", ALL "\r\nText"},
	{"Dear Bob\r\n", ALL "\r\nDear Bob\r\n"},
	{"Dear", ALL "\r\nDear"},
	{"Dear ", ALL "\r\nDear "},
	{"Dear\r\nBcc: s@x\r\n\r\nx", ALL "\r\nDear\r\nBcc: s@x\r\n\r\nx"},
	{": x\r\n", ALL "\r\n: x\r\n"},
	{"\xc3\xa9t\xc3\xa9: x\r\n", ALL "\r\n\xc3\xa9t\xc3\xa9: x\r\n"},
	{"Dear Bob: x\r\n", ALL "\r\nDear Bob: x\r\n"},
	/* the line of a mailbox file */
	{"From ann@x Sun Nov 22 15:27:39 2026\r\n" ALL "\r\nx", ALL "\r\nx"},
	{">From ann@x Sun Nov 22\r\nX: y\r\n\r\nx", ALL "X: y\r\n\r\nx"},
	{"From ann@x Sun\r\nDear Bob\r\n", ALL "\r\nDear Bob\r\n"},
	{"From ann@x", ALL},
	{"From : ann@own.example\r\n" DATE ID,
		"From : ann@own.example\r\n" DATE ID},
	{ALL "From ann@x\r\n\r\n", ALL "From ann@x\r\n\r\n"},
	/* LF alone, as BINARYMIME may have it: readers see the same fields */
	{"Bcc: s@x\nX: y\n\nBcc: x\n", ALL "X: y\n\nBcc: x\n"},
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span text = span_str(rows[i].in);
		struct buf got, found;

		buf_init(&got, OUT_BYTES);
		buf_init(&found, OUT_BYTES);
		for (size_t split = 1; split <= text.n + 1; split++) {
			buf_reset(&got);
			assert_int_equal(filter(&config, text, split, &got,
						 &found), OK);
			buf_putc(&got, '\0');
			assert_string_equal((const char *)buf_span(&got).p,
				rows[i].out);
		}
		buf_clear(&got);
		buf_clear(&found);
	}
}

#define REST DATE ID "\r\n"

static void test_senders(void **state)
{
	(void)state;
	check_senders("X: y\r\n\r\n", ALL "X: y\r\n\r\n", "");
	check_senders("From: Ann <ann@x>\r\n" REST, "From: Ann <ann@x>\r\n" REST,
		"ann@x\n");
	check_senders("From: a@x, \"B, C\"\r\n <b@x>\r\nSender: a@x\r\n" REST,
		"From: a@x, \"B, C\"\r\n <b@x>\r\nSender: a@x\r\n" REST,
		"a@x\nb@x\n");
	/* a second From is one that some reader shows */
	check_senders("From: a@x\r\nTo: t@x\r\nFrom: b@x\r\n" REST,
		"From: a@x\r\nTo: t@x\r\nFrom: b@x\r\n" REST, "a@x\nb@x\n");
	check_senders("Resent-Sender: r@x\r\nResent-From: q@x\r\nFrom: a@x\r\n" REST,
		"Resent-Sender: r@x\r\nResent-From: q@x\r\nFrom: a@x\r\n" REST,
		"r@x\nq@x\na@x\n");
	/* behind a line that is no field */
	check_senders("Sender: s@x\r\nno field\r\nFrom: a@x\r\n" REST,
		"Sender: s@x\r\nno field\r\nFrom: a@x\r\n" REST, "s@x\na@x\n");
	check_senders("From: G: a@x, b@x;\r\n" REST, "From: G: a@x, b@x;\r\n" REST,
		"a@x\nb@x\n");
}

static void test_unclear(void **state)
{
	struct buf many, out, found;

	(void)state;
	check_senders("From:\r\n" REST, "From:\r\n" REST, "?");
	check_senders("From: G:;\r\nSender: a@x\r\n" REST,
		"From: G:;\r\nSender: a@x\r\n" REST, "?");
	check_senders("From: a@x\r\nSender: (x)\r\n" REST,
		"From: a@x\r\nSender: (x)\r\n" REST, "a@x\n?");
	buf_init(&many, 65536);
	buf_init(&out, OUT_BYTES);
	buf_init(&found, OUT_BYTES);
	buf_puts(&many, "From: a@x");
	for (int i = 0; i < SUBMISSION_SENDERS_MAX - 1; i++)
		buf_printf(&many, ", a%d@x, a@x", i);
	assert_int_equal(filter(&config, buf_span(&many), 100, &out, &found),
		OK);
	assert_int_not_equal(buf_span(&found).p[buf_len(&found) - 1], '?');
	buf_puts(&many, ", z@x");
	assert_int_equal(filter(&config, buf_span(&many), 100, &out, &found),
		OK);
	assert_int_equal(buf_span(&found).p[buf_len(&found) - 1], '?');
	buf_clear(&many);
	buf_clear(&out);
	buf_clear(&found);
}

/* One hides behind more than are read. */
static void test_more_than_are_read(void **state)
{
	struct buf many, out, found;

	(void)state;
	buf_init(&many, SUBMISSION_HEAD_MAX);
	buf_init(&out, OUT_BYTES);
	buf_init(&found, OUT_BYTES);
	buf_puts(&many, "From: a@x");
	for (int i = 1; i < MESSAGE_ADDRESSES_MAX; i++)
		buf_puts(&many, ",a@x");
	assert_int_equal(filter(&config, buf_span(&many), 9999, &out, &found),
		OK);
	assert_true(span_eq(buf_span(&found), SPAN("a@x\n")));
	buf_reset(&found);
	buf_puts(&many, ",b@x");
	assert_int_equal(filter(&config, buf_span(&many), 9999, &out, &found),
		OK);
	assert_true(span_eq(buf_span(&found), SPAN("a@x\n?")));
	buf_clear(&many);
	buf_clear(&out);
	buf_clear(&found);
}

/* What is no header has no limit, also when its first line never ends. */
static void test_text_has_no_limit(void **state)
{
	struct buf in, out, found;

	(void)state;
	buf_init(&in, OUT_BYTES);
	buf_init(&out, OUT_BYTES);
	buf_init(&found, OUT_BYTES);
	while (buf_len(&in) < 2 * SUBMISSION_HEAD_MAX)
		buf_putc(&in, 'x');
	for (size_t split = 1; split < 1000000; split = split * 7 + 1) {
		buf_reset(&out);
		assert_int_equal(filter(&config, buf_span(&in), split, &out,
					 &found), OK);
		assert_true(span_starts(buf_span(&out), SPAN(ALL "\r\nxxx")));
		assert_int_equal(buf_len(&out),
			strlen(ALL) + 2 + buf_len(&in));
	}
	buf_clear(&in);
	buf_clear(&out);
	buf_clear(&found);
}

static void test_name(void **state)
{
	struct submission_config c = config;
	struct buf out, found;

	(void)state;
	buf_init(&out, OUT_BYTES);
	buf_init(&found, OUT_BYTES);
	c.name = SPAN("Ann B. Chef");
	assert_int_equal(filter(&c, SPAN(DATE ID), 7, &out, &found), OK);
	assert_true(span_eq(buf_span(&out),
		SPAN("From: \"Ann B. Chef\" <ann@own.example>\r\n" DATE ID)));
	/* more than is ever added */
	buf_reset(&out);
	while (buf_len(&out) <= SUBMISSION_OUT_MAX)
		buf_putc(&out, 'x');
	c.name = buf_span(&out);
	assert_int_equal(filter(&c, SPAN(DATE "\r\nx"), 1, &found, &found),
		LIMIT);
	assert_int_equal(buf_len(&found), 0);
	/* nobody knows who it is: none is added */
	c = config;
	buf_reset(&out);
	c.address = SPAN_EMPTY;
	assert_int_equal(filter(&c, SPAN(DATE ID), 7, &out, &found), OK);
	assert_true(span_eq(buf_span(&out), SPAN(DATE ID)));
	buf_clear(&out);
	buf_clear(&found);
}

static void test_utf8(void **state)
{
	struct submission_config c = config;
	struct submission s;
	struct submission_out piece;

	(void)state;
	c.address = SPAN("\xc3\xa9@own.example");
	submission_init(&s, &c);
	assert_int_equal(submission_end(&s, &piece), OK);
	assert_true(submission_added_utf8(&s));
	submission_clear(&s);
	submission_init(&s, &c);
	assert_int_equal(submission_feed(&s, SPAN("From: a@x\r\n"), &piece),
		OK);
	assert_int_equal(submission_end(&s, &piece), OK);
	assert_false(submission_added_utf8(&s));
	submission_clear(&s);
	submission_init(&s, &config);
	assert_int_equal(submission_end(&s, &piece), OK);
	assert_false(submission_added_utf8(&s));
	submission_clear(&s);
}

/* The limit is of the header: the body is as long as it likes, and is not
 * copied. */
static void test_limit(void **state)
{
	struct buf in, out, found;
	struct submission s;
	struct submission_out piece;
	struct span text;

	(void)state;
	buf_init(&in, OUT_BYTES);
	buf_init(&out, OUT_BYTES);
	buf_init(&found, OUT_BYTES);
	buf_puts(&in, "X: ");
	while (buf_len(&in) < SUBMISSION_HEAD_MAX - 4)
		buf_putc(&in, 'y');
	buf_puts(&in, "\r\n\r\n");
	text = buf_span(&in);
	assert_int_equal(text.n, SUBMISSION_HEAD_MAX);
	for (size_t split = 1; split < 100000; split = split * 3 + 1) {
		buf_reset(&out);
		assert_int_equal(filter(&config, text, split, &out, &found),
			OK);
		assert_int_equal(buf_len(&out), text.n + strlen(ALL));
	}
	submission_init(&s, &config);
	assert_int_equal(submission_feed(&s, text, &piece), OK);
	assert_int_equal(piece.body.n, 0);
	assert_int_equal(submission_feed(&s, text, &piece), OK);
	assert_int_equal(piece.head.n, 0);
	assert_ptr_equal(piece.body.p, text.p);
	assert_int_equal(piece.body.n, text.n);
	submission_clear(&s);

	buf_truncate(&in, text.n - 4);
	buf_puts(&in, "y\r\n\r\n");
	for (size_t split = 1; split < 100000; split = split * 3 + 1) {
		buf_reset(&out);
		assert_int_equal(filter(&config, buf_span(&in), split, &out,
					 &found), LIMIT);
		assert_int_equal(buf_len(&out), 0);
	}
	submission_init(&s, &config);
	assert_int_equal(submission_feed(&s, buf_span(&in), &piece), LIMIT);
	assert_int_equal(submission_feed(&s, SPAN("\r\n\r\n"), &piece), LIMIT);
	assert_int_equal(submission_end(&s, &piece), LIMIT);
	submission_clear(&s);
	buf_clear(&in);
	buf_clear(&out);
	buf_clear(&found);
}

static void check_recipients(struct span head, const char *expected)
{
	struct address_list list = {0};
	struct arena arena;
	struct buf got;

	arena_init(&arena, 1 << 20);
	buf_init(&got, 4096);
	submission_recipients(&arena, head, &list);
	for (size_t i = 0; i < list.count; i++) {
		if (list.items[i].kind != ADDRESS_MAILBOX)
			continue;
		address_put(&got, &list.items[i]);
		buf_putc(&got, ' ');
	}
	buf_putc(&got, '\0');
	assert_string_equal((const char *)buf_span(&got).p, expected);
	buf_clear(&got);
	arena_clear(&arena);
}

static void test_recipients(void **state)
{
	(void)state;
	check_recipients(SPAN("From: a@x\r\nTo: b@x,\r\n C <c@x>\r\n"
			      "Bcc: d@x\r\nCc: G: e@x;\r\nTo: f@x\r\n\r\n"
			      "To: g@x\r\n"),
		"b@x c@x d@x e@x f@x ");
	check_recipients(SPAN("To: b@x\r\nResent-Cc: c@x\r\nResent-To: d@x\r\n"
			      "Resent-Bcc: e@x\r\nBcc: f@x\r\n"),
		"c@x d@x e@x ");
	check_recipients(SPAN("Subject: b@x\r\n"), "");
}

/* Of programs of this machine: see qualify.h. */
static void test_names_alone_get_the_domain(void **state)
{
	struct submission_config own = config;
	struct buf got, found;
	const struct span in = SPAN(ALL
		"To: root\r\nBcc: bob\r\nSubject: root\r\ncc: bob,\r\n"
		" ann@x.org\r\n\r\nTo: root\r\n");

	(void)state;
	own.domain = SPAN("own.example");
	buf_init(&got, OUT_BYTES);
	buf_init(&found, OUT_BYTES);
	for (size_t split = 1; split <= in.n; split++) {
		buf_reset(&got);
		assert_int_equal(filter(&own, in, split, &got, &found), OK);
		buf_putc(&got, '\0');
		assert_string_equal((const char *)got.p, ALL
			"To: root@own.example\r\nSubject: root\r\n"
			"cc: bob@own.example,\r\n ann@x.org\r\n\r\n"
			"To: root\r\n");
	}
	buf_clear(&got);
	buf_clear(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_alone_get_the_domain),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_senders),
		cmocka_unit_test(test_unclear),
		cmocka_unit_test(test_more_than_are_read),
		cmocka_unit_test(test_text_has_no_limit),
		cmocka_unit_test(test_name),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_recipients),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
