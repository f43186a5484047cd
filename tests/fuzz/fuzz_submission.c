/*
 * fuzz_submission.c - any message that is handed in.  The first byte chooses
 * the split.
 *
 * Checked besides memory: every split gives the same; what comes out has a
 * From, a Date, a Message-ID and no blind recipient; the filter finds nothing
 * more to do in it, and the same senders if there was a From; it
 * ends as what came in, so that no byte of a body is touched.
 */
#include "message/header.h"
#include "message/submission.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct submission_config config = {
	.address = SPAN_INIT("ann@own.example"),
	.message_id = SPAN_INIT("9KD@mx.test"),
};

/* senders: a line each, "?" when unclear. */
static bool filter(struct span in, size_t split, struct buf *out,
	struct buf *senders)
{
	struct submission s;
	struct submission_out piece = {.head = SPAN_EMPTY};
	enum code code = OK;

	submission_init(&s, &config);
	for (size_t i = 0; i < in.n && code == OK; i += split) {
		code = submission_feed(&s,
			span_head(span_tail(in, i), split), &piece);
		buf_put(out, piece.head);
		buf_put(out, piece.body);
	}
	if (code == OK)
		code = submission_end(&s, &piece);
	if (code == OK) {
		buf_put(out, piece.head);
		buf_put(out, piece.body);
	}
	buf_put(senders, submission_senders(&s));
	buf_puts(senders, submission_is_unclear(&s) ? "?" : "");
	submission_clear(&s);
	return code == OK;
}

static void check_header(struct span out)
{
	struct span value;

	must(header_find(out, SPAN("From"), &value));
	must(header_find(out, SPAN("Date"), &value));
	must(header_find(out, SPAN("Message-ID"), &value));
	must(!header_find(out, SPAN("Bcc"), &value));
	must(!header_find(out, SPAN("Resent-Bcc"), &value));
}

static void check_result(struct span in, struct buf *out, struct buf *senders)
{
	struct span body = span_tail(in, header_len(in));
	struct buf traced, again, once_more;

	check_header(buf_span(out));
	must(span_ends(buf_span(out), body));
	buf_init(&traced, out->max + 1024);
	buf_init(&again, out->max + 1024);
	buf_init(&once_more, senders->max);
	buf_puts(&traced, "Received: x\r\n"); /* ours stands above it */
	buf_put(&traced, buf_span(out));
	if (filter(buf_span(&traced), 1000, &again, &once_more)) {
		must(span_eq(buf_span(&again), buf_span(&traced)));
		must(!header_find(in, SPAN("From"), &body) ||
			span_ends(buf_span(&once_more), buf_span(senders)));
	}
	buf_clear(&traced);
	buf_clear(&again);
	buf_clear(&once_more);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out, senders, other, others;
	struct span in;
	bool is_good;

	if (size < 1)
		return 0;
	in = span_of(data + 1, size - 1);
	buf_init(&out, size + 1024);
	buf_init(&senders, 65536);
	buf_init(&other, size + 1024);
	buf_init(&others, 65536);
	is_good = filter(in, size, &out, &senders);
	must(filter(in, (size_t)data[0] + 1, &other, &others) == is_good);
	if (is_good) {
		must(span_eq(buf_span(&out), buf_span(&other)));
		must(span_eq(buf_span(&senders), buf_span(&others)));
		check_result(in, &out, &senders);
	}
	buf_clear(&out);
	buf_clear(&senders);
	buf_clear(&other);
	buf_clear(&others);
	return 0;
}
