#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "imap/imap_line.h"

enum policy {
	KEEP,
	STREAM,
	REFUSE
};

/* What is fed, what is done with literals, and what comes of it:
 *	C[tag|text]  a command        L[n w ~|tag|text]  a literal is announced
 *	R[text]      its end, behind a streamed literal
 *	B[bytes]     streamed         X[tag|text]  too long       E[why] */
static const struct {
	const char *in;
	enum policy policy;
	const char *out;
} rows[] = {
	{"a NOOP\r\n", KEEP, "C[a|NOOP]"},
	{"a NOOP\nb LOGOUT\r\n", KEEP, "C[a|NOOP]C[b|LOGOUT]"},
	{"a\r\n\r\n", KEEP, "C[a|]C[|]"},
	{" NOOP\r\n", KEEP, "C[| NOOP]"},
	{"a+ NOOP\r\n*\r\n", KEEP, "C[|a+ NOOP]C[|*]"},
	{"] NOOP\r\n", KEEP, "C[]|NOOP]"},
	{"a\rb\r\n", KEEP, "C[|a\rb]"},
	{"a b\r\r\n", KEEP, "C[a|b\r]"},
	/* kept literals stand in the text */
	{"a LOGIN {3}\r\nb\r\n {1+}\r\n}\r\nb NOOP\r\n", KEEP,
		"L[3 w|a|LOGIN {3}\r\n]"
		"L[1|a|LOGIN {3}\r\nb\r\n {1+}\r\n]"
		"C[a|LOGIN {3}\r\nb\r\n {1+}\r\n}]C[b|NOOP]"},
	{"a X {0}\r\n\r\n", KEEP, "L[0 w|a|X {0}\r\n]C[a|X {0}\r\n]"},
	{"a X {0003}\nabc y\n", KEEP,
		"L[3 w|a|X {0003}\r\n]C[a|X {0003}\r\nabc y]"},
	{"a X ~{2+}\r\nab\r\n", KEEP, "L[2 ~|a|X ~{2+}\r\n]C[a|X ~{2+}\r\nab]"},
	/* none of these is one */
	{"a {-1}\r\na {}\r\na {+}\r\na 5}\r\na {5 }\r\na {5}x\r\n", KEEP,
		"C[a|{-1}]C[a|{}]C[a|{+}]C[a|5}]C[a|{5 }]C[a|{5}x]"},
	/* streamed ones do not, and behind them the text begins anew */
	{"a APPEND x {5+}\r\nhello (f) {2}\r\nyo\r\nb NOOP\r\n", STREAM,
		"L[5|a|APPEND x {5+}\r\n]B[hello]L[2 w|a| (f) {2}\r\n]B[yo]"
		"R[]C[b|NOOP]"},
	{"a APPEND x {0+}\r\n \r\n", STREAM, "L[0|a|APPEND x {0+}\r\n]B[]R[ ]"},
	/* refused: who waits goes on with another command, who does not is
	 * not listened to */
	{"a X {5}\r\nb NOOP\r\n", REFUSE, "L[5 w|a|X {5}\r\n]C[b|NOOP]"},
	{"a X {5+}\r\nhello y\r\nb NOOP\r\n", REFUSE,
		"L[5|a|X {5+}\r\n]C[b|NOOP]"},
	{"a X {5+}\r\nhello {3+}\r\nyou\r\nb NOOP\r\n", REFUSE,
		"L[5|a|X {5+}\r\n]C[b|NOOP]"},
	{"a X {5+}\nhello {3+}\nyou\nb NOOP\n", REFUSE,
		"L[5|a|X {5+}\r\n]C[b|NOOP]"},
	{"a X {5+}\r\nhello {3}\r\nb NOOP\r\n", REFUSE,
		"L[5|a|X {5+}\r\n]C[b|NOOP]"},
	{"a X {90+}\r\nhello", REFUSE, "L[90|a|X {90+}\r\n]E[literal too big]"},
	{"a X {60+}\r\n"
	 "012345678901234567890123456789012345678901234567890123456789"
	 "now this is too much of it",
		REFUSE, "L[60|a|X {60+}\r\n]E[line too long]"},
	/* larger than may be kept */
	{"a X {11+}\r\nhello world\r\nb Y\r\n", KEEP,
		"L[11|a|X {11+}\r\n]C[b|Y]"},
	{"a X {9223372036854775808+}\r\n", KEEP,
		"L[18446744073709551615|a|X {9223372036854775808+}\r\n]"
		"E[literal too big]"},
	{"a X {18446744073709551617}\r\nb Y\r\n", KEEP,
		"L[18446744073709551615 w|a|X {18446744073709551617}\r\n]"
		"C[b|Y]"},
	/* lines of 40 at most */
	{"a 34567890123456789012345678901234567890\r\nb Y\r\n", KEEP,
		"C[a|34567890123456789012345678901234567890]C[b|Y]"},
	{"a 345678901234567890123456789012345678901\r\nb Y\r\n", KEEP,
		"X[a|34567890123456789012345678901234567890]C[b|Y]"},
	{"a 34567890123456789012345678901234567890\r!\r\nb Y\r\n", KEEP,
		"X[a|34567890123456789012345678901234567890]C[b|Y]"},
	{"a 34567890123456789012345678901234567890 {4+}\r\nb Y\r\r\nc Z\n",
		KEEP, "X[a|34567890123456789012345678901234567890]C[c|Z]"},
	{"a 34567890123456789012345678901234567890 {4}\r\nb Y\r\n", KEEP,
		"X[a|34567890123456789012345678901234567890]C[b|Y]"},
	{"a 34567890123456789012345678901234567890 "
	 "{000000000000000000000000000000000000001+}\r\nb Y\r\n",
		KEEP, "E[literal too big]"},
	{"a 3456789012345678901234567890123456789012345678901234567890"
	 "1234567890123456789012345678901234567890123456789012345678901",
		KEEP, "E[line too long]"},
	/* the end of the line is cut at each byte of "{4+}" */
	{"a 3456789012345678901234567890123456 {4+}\r\nb Y\r\r\nc Z\n", KEEP,
		"X[a|3456789012345678901234567890123456 {4+]C[c|Z]"},
	{"a 34567890123456789012345678901234567 {4+}\r\nb Y\r\r\nc Z\n", KEEP,
		"X[a|34567890123456789012345678901234567 {4]C[c|Z]"},
	{"a 345678901234567890123456789012345678 {4+}\r\nb Y\r\r\nc Z\n", KEEP,
		"X[a|345678901234567890123456789012345678 {]C[c|Z]"},
	{"a 3456789012345678901234567890123456789 {4+}\r\nb Y\r\r\nc Z\n", KEEP,
		"X[a|3456789012345678901234567890123456789 ]C[c|Z]"},
	{"a 34567890123456789012345678901234567890 {4+}\r\nb Y\r\r\nc Z\n",
		KEEP, "X[a|34567890123456789012345678901234567890]C[c|Z]"},
	/* what was kept for a CR counts when it was none */
	{"a 34567890123456789012345678901234567890\r"
	 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	 "xxxxxxxxxxx\n",
		KEEP, "E[line too long]"},
	{"a 34567890123456789012345678901234567890\r"
	 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	 "xxxxxxxxxx\nb Y\n",
		KEEP, "X[a|34567890123456789012345678901234567890]C[b|Y]"},
	/* commands of 60: the second line has less room */
	{"a 34567890123456789012345678901234 {9}\r\n123456789 12345678901\r\n"
	 "b Y\r\n",
		KEEP,
		"L[9 w|a|34567890123456789012345678901234 {9}\r\n]"
		"X[a|34567890123456789012345678901234 {9}\r\n123456789 1234567"
		"890]C[b|Y]"},
};

static const struct imap_line_limits limits = {
	.line_max = 40, .command_max = 60, .literal_max = 10, .thrown_max = 80};

static void put_head(
	struct buf *out, const char *letter, const struct imap_line_got *got)
{
	buf_printf(out, "%s[%.*s|", letter, SPAN_ARG(got->tag));
	buf_put(out, got->text);
	buf_puts(out, "]");
}

static void put_literal(struct buf *out, const struct imap_line_got *got)
{
	buf_printf(out, "L[%llu%s%s|%.*s|",
		(unsigned long long)got->literal.size,
		got->literal.is_waiting ? " w" : "",
		got->literal.is_binary ? " ~" : "", SPAN_ARG(got->tag));
	buf_put(out, got->text);
	buf_puts(out, "]");
}

static void decide(struct imap_line *l, enum policy policy)
{
	if (policy == STREAM)
		imap_line_stream(l);
	else if (policy == KEEP && imap_line_may_keep(l))
		imap_line_keep(l);
	else
		imap_line_refuse(l);
}

static void put_bytes(struct buf *out, const struct imap_line_got *got)
{
	struct span so_far = buf_span(out);

	/* pieces of one literal are one */
	if (so_far.n == 0 || so_far.p[so_far.n - 1] == ']')
		buf_puts(out, "B[");
	buf_put(out, got->bytes);
	if (got->is_last)
		buf_puts(out, "]");
}

static bool put_event(struct imap_line *l, enum imap_line_event event,
	const struct imap_line_got *got, struct buf *out)
{
	switch (event) {
	case IMAP_LINE_COMMAND:
		if (!got->is_rest) {
			put_head(out, "C", got);
			return true;
		}
		buf_puts(out, "R[");
		buf_put(out, got->text);
		buf_puts(out, "]");
		return true;
	case IMAP_LINE_LITERAL:
		put_literal(out, got);
		return true;
	case IMAP_LINE_BYTES:
		put_bytes(out, got);
		return true;
	case IMAP_LINE_TOO_LONG:
		put_head(out, "X", got);
		return true;
	case IMAP_LINE_END:
		buf_printf(out, "E[%s]", got->why);
		return true;
	case IMAP_LINE_TEXT:
	case IMAP_LINE_MORE:
		break;
	}
	assert_true(event == IMAP_LINE_MORE || l->state == IMAP_LINE_IN_TEXT);
	return false;
}

static void feed(struct imap_line *l, struct span in, enum policy policy,
	struct buf *out)
{
	struct imap_line_got got;
	enum imap_line_event event;

	do {
		event = imap_line_take(l, &in, &got);
		put_event(l, event, &got, out);
		if (event == IMAP_LINE_LITERAL)
			decide(l, policy);
	} while (event != IMAP_LINE_MORE);
	assert_true(in.n == 0 || l->state == IMAP_LINE_OVER);
}

static void play(size_t row, size_t size)
{
	struct span in = span_str(rows[row].in);
	struct imap_line l;
	struct buf out;

	imap_line_init(&l, &limits);
	buf_init(&out, 4096);
	for (; in.n > 0; in = span_tail(in, size))
		feed(&l, span_head(in, size), rows[row].policy, &out);
	if (!span_eq(buf_span(&out), span_str(rows[row].out)))
		fail_msg("row %zu, pieces of %zu: %.*s", row, size,
			SPAN_ARG(buf_span(&out)));
	imap_line_clear(&l);
	buf_clear(&out);
}

static void test_rows_at_every_split(void **state)
{
	(void)state;
	for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++)
		for (size_t size = 1; size < 140; size++)
			play(row, size);
}

/* A line of AUTHENTICATE or IDLE: no tag, no literal, and one that is too long
 * is cut after the byte that shows it. */
static void test_text(void **state)
{
	static const struct {
		const char *in, *out;
	} texts[] = {
		{"DONE\r\n", "DONE"},
		{"\r\n", ""},
		{"a b {3}\r\n", "a b {3}"},
		{"12345678\r\n", "12345678"},
		{"123456789\r\n", "123456789"},
		{"12345678\r9\r\n", "12345678\r"},
		{"1234567890\r\n", "123456789"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		for (size_t size = 1; size < 14; size++) {
			struct span in = span_str(texts[i].in);
			enum imap_line_event event = IMAP_LINE_MORE;
			struct imap_line_got got;
			struct imap_line l;

			imap_line_init(&l, &limits);
			imap_line_want_text(&l, 8);
			while (in.n > 0 && event == IMAP_LINE_MORE) {
				struct span piece = span_head(in, size);

				in = span_tail(in, size);
				event = imap_line_take(&l, &piece, &got);
			}
			assert_int_equal(event, IMAP_LINE_TEXT);
			assert_true(span_eq(got.text, span_str(texts[i].out)));
			in = SPAN("a NOOP\r\n");
			event = imap_line_take(&l, &in, &got);
			assert_int_equal(event, IMAP_LINE_COMMAND);
			assert_true(span_eq(got.tag, SPAN("a")));
			imap_line_clear(&l);
		}
}

/* Amid a streamed literal the session cannot go on: nothing more is said of the
 * command, and the next one is read. */
static void test_drop(void **state)
{
	struct span in = SPAN("a APPEND x {900}\r\n12");
	struct span next = SPAN(" {3+}\r\nabc\r\nb NOOP\r\n");
	struct imap_line_got got;
	struct imap_line l;
	uint8_t room[898] = {0};
	struct span left = span_of(room, sizeof(room));

	(void)state;
	imap_line_init(&l, &limits);
	assert_int_equal(imap_line_take(&l, &in, &got), IMAP_LINE_LITERAL);
	imap_line_stream(&l);
	assert_int_equal(imap_line_take(&l, &in, &got), IMAP_LINE_BYTES);
	assert_false(got.is_last);
	imap_line_drop(&l);
	assert_int_equal(imap_line_take(&l, &left, &got), IMAP_LINE_MORE);
	assert_false(imap_line_is_idle(&l));
	assert_int_equal(imap_line_take(&l, &next, &got), IMAP_LINE_COMMAND);
	assert_true(span_eq(got.line, SPAN("b NOOP")));
	assert_true(imap_line_is_idle(&l));
	imap_line_clear(&l);
}

/* Also behind a command with a streamed literal. */
static void test_text_behind_a_literal(void **state)
{
	struct span in = SPAN("a X {1+}\r\nx\r\nDONE\r\n");
	struct imap_line_got got;
	struct imap_line l;

	(void)state;
	imap_line_init(&l, &limits);
	assert_int_equal(imap_line_take(&l, &in, &got), IMAP_LINE_LITERAL);
	imap_line_stream(&l);
	assert_int_equal(imap_line_take(&l, &in, &got), IMAP_LINE_BYTES);
	assert_false(imap_line_is_idle(&l));
	assert_int_equal(imap_line_take(&l, &in, &got), IMAP_LINE_COMMAND);
	assert_true(imap_line_is_idle(&l));
	imap_line_want_text(&l, 8);
	assert_int_equal(imap_line_take(&l, &in, &got), IMAP_LINE_TEXT);
	assert_true(span_eq(got.text, SPAN("DONE")));
	imap_line_clear(&l);
}

/* What a large command needed is not kept. */
static void test_room_is_given_back(void **state)
{
	const struct imap_line_limits large = {
		.line_max = 100, .command_max = 20000, .literal_max = 10000};
	struct span in = SPAN("a X {9000+}\r\n");
	uint8_t bytes[9002] = {0};
	struct span literal = span_of(bytes, sizeof(bytes));
	struct span next = SPAN("b NOOP\r\n");
	struct imap_line_got got;
	struct imap_line l;

	(void)state;
	bytes[9001] = '\n';
	imap_line_init(&l, &large);
	assert_int_equal(imap_line_take(&l, &in, &got), IMAP_LINE_LITERAL);
	imap_line_keep(&l);
	assert_int_equal(imap_line_take(&l, &literal, &got), IMAP_LINE_COMMAND);
	assert_true(l.text.room > 9000);
	assert_int_equal(imap_line_take(&l, &next, &got), IMAP_LINE_COMMAND);
	assert_true(l.text.room < 1000);
	imap_line_clear(&l);
}

static void test_wipe(void **state)
{
	struct span in = SPAN("a LOGIN joe secret\r\n");
	struct imap_line_got got;
	struct imap_line l;

	(void)state;
	imap_line_init(&l, &limits);
	assert_int_equal(imap_line_take(&l, &in, &got), IMAP_LINE_COMMAND);
	imap_line_wipe(&l);
	for (size_t i = 0; i < l.text.room; i++)
		assert_int_equal(l.text.p[i], 0);
	imap_line_clear(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_at_every_split),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_text_behind_a_literal),
		cmocka_unit_test(test_room_is_given_back),
		cmocka_unit_test(test_wipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
