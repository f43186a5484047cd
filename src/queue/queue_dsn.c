/*
 * queue_dsn.c - builds notices to the sender: the frame, the fields for
 * programs, the original.  See queue_dsn.h; what people read is in
 * queue_dsn_text.c.
 *
 * A notice to an address in ASCII never needs SMTPUTF8, whatever it is about:
 * addresses go in the 7-bit form of RFC 6533 3, text and subject are encoded,
 * and an original whose header is UTF-8 is quoted-printable (RFC 6533 4.5).
 *
 * What another server said is quoted in three places (text, Diagnostic-Code,
 * Remote-MTA): it goes through put_clean, which lets no control byte, no line
 * end and, outside of RFC 6533 notices, nothing but ASCII through.  That is
 * how a hostile reply cannot write fields of its own into our notice.
 */
#include "queue/queue_dsn.h"

#include "base/mid.h"
#include "base/time.h"
#include "base/utf8.h"
#include "codec/qp.h"
#include "message/header.h"
#include "message/msgid.h"
#include "message/words.h"
#include "queue/queue_dsn_int.h"
#include "smtp/smtp_dsn.h"

#define DETAILED_MAX 8000u /* recipients with fields for programs */

bool queue_dsn_has_spoken(const struct queue_rcpt *r)
{
	return r->code != 0 && r->peer.n > 0;
}

bool queue_dsn_concerns(enum queue_dsn_kind kind, const struct queue_rcpt *r)
{
	switch (kind) {
	case QUEUE_DSN_FAILED:
		return r->state == QUEUE_FAILED &&
			(r->notify == 0 || r->notify & QUEUE_NOTIFY_FAILURE);
	case QUEUE_DSN_DELAYED:
		return r->state == QUEUE_WAITING &&
			(r->notify == 0 || r->notify & QUEUE_NOTIFY_DELAY);
	case QUEUE_DSN_DONE:
		return r->tell != QUEUE_TELL_NOTHING;
	case QUEUE_DSN_KINDS:
		break;
	}
	unreachable();
}

static bool concerns(const struct queue_dsn *d, const struct queue_rcpt *r)
{
	return queue_dsn_concerns(d->kind, r);
}

void queue_dsn_put_clean(struct buf *out, struct span text, bool is_utf8)
{
	text = span_head(text, QUEUE_DSN_TEXT_MAX);
	while (text.n > 0) {
		size_t n = utf8_char_len(text);
		uint8_t c = text.p[0];

		if (n > 1 && is_utf8)
			buf_put(out, span_head(text, n));
		else if (c < 0x20 || c == 0x7f)
			buf_putc(out, ' ');
		else
			buf_putc(out, c < 0x80 ? c : '?');
		text = span_tail(text, is_utf8 && n > 1 ? n : 1);
	}
}

void queue_dsn_put_host(struct buf *out, struct span peer)
{
	size_t bracket = span_find(peer, '[');
	struct span name = span_head(peer, bracket);

	if (name.n == 0)
		name = span_head(peer, span_find(peer, ']') + 1);
	queue_dsn_put_clean(out, name, false);
}

static void put_date(struct buf *out, const char *name, int64_t wall_ms)
{
	buf_puts(out, name);
	time_put_rfc5322(out, wall_ms);
	buf_puts(out, "\r\n");
}

/* The message's own id, if it is one that may stand in our head. */
static bool find_id(struct span message, struct span *out)
{
	struct span head = span_head(message, header_len(message));
	struct span value;

	return header_find(head, SPAN("Message-ID"), &value) &&
		msgid_next(&value, out) && out->n < QUEUE_DSN_TEXT_MAX &&
		utf8_is_ascii(*out);
}

static void put_id_field(struct buf *out, const char *name, struct span id)
{
	buf_puts(out, name);
	buf_puts(out, ": <");
	msgid_put(out, id);
	buf_puts(out, ">\r\n");
}

/* ---- the parts --------------------------------------------------------------- */
struct shape {
	bool is_utf8;   /* it goes with SMTPUTF8: the sender's address needs it */
	bool is_8bit;   /* it has bytes above 127 as they are */
	bool is_global; /* the header of the original is UTF-8 */
	bool is_whole;  /* all of the original is returned */
	struct span original;
	unsigned counter; /* makes the boundary one that does not occur */
};

static void put_boundary(struct buf *out, const struct queue_dsn *d,
	const struct shape *s)
{
	struct mid mid = mid_of(d->qid);

	buf_printf(out, "postrider=_%.*s_%u", SPAN_ARG(mid_span(&mid)),
		s->counter);
}

static void put_delimiter(struct buf *out, const struct queue_dsn *d,
	const struct shape *s)
{
	buf_puts(out, "\r\n--");
	put_boundary(out, d, s);
}

/* RFC 2047; as it is where header fields may be UTF-8. */
static void put_subject(struct buf *out, const struct queue_dsn *d,
	const struct shape *s)
{
	const char *subject = queue_dsn_subject(d);
	size_t column = sizeof("Subject: ") - 1;

	buf_puts(out, "Subject: ");
	if (s->is_utf8)
		buf_puts(out, subject);
	else
		words_put_text(out, span_str(subject), &column);
	buf_puts(out, "\r\n");
}

static void put_fields(struct buf *out, const struct queue_dsn *d,
	const struct shape *s)
{
	struct mid mid = mid_of(d->qid);
	struct span id;

	buf_printf(out, "From: Mail Delivery System <MAILER-DAEMON@%.*s>\r\n",
		SPAN_ARG(d->hostname));
	buf_puts(out, "To: <");
	queue_dsn_put_clean(out, d->to, s->is_utf8);
	buf_puts(out, ">\r\n");
	put_date(out, "Date: ", d->now_wall_ms);
	put_subject(out, d, s);
	buf_printf(out, "Message-ID: <%.*s.%lld@%.*s>\r\n",
		SPAN_ARG(mid_span(&mid)), (long long)d->now_wall_ms,
		SPAN_ARG(d->hostname));
	if (find_id(d->original, &id)) {
		put_id_field(out, "In-Reply-To", id);
		put_id_field(out, "References", id);
	}
	buf_puts(out, "Auto-Submitted: auto-replied\r\n"); /* RFC 3834 5 */
	buf_puts(out, "MIME-Version: 1.0\r\n"
		"Content-Type: multipart/report; report-type=delivery-status;"
		"\r\n\tboundary=\"");
	put_boundary(out, d, s);
	buf_puts(out, "\"\r\n");
	if (s->is_8bit)
		buf_puts(out, "Content-Transfer-Encoding: 8bit\r\n");
	buf_puts(out, "\r\nThis is a message in MIME format.\r\n");
}

static void put_qp(struct buf *out, struct span text)
{
	struct qp_encoder encoder;

	qp_encode_init(&encoder);
	qp_encode_feed(&encoder, text, out);
	qp_encode_end(&encoder, out);
}

static void put_text(struct buf *out, const struct queue_dsn *d,
	const struct shape *s)
{
	struct buf text;
	bool is_ascii;

	buf_init(&text, QUEUE_DSN_MAX);
	queue_dsn_put_text(&text, d);
	is_ascii = utf8_is_ascii(buf_span(&text));
	put_delimiter(out, d, s);
	buf_printf(out, "\r\nContent-Type: text/plain; charset=%s\r\n",
		is_ascii ? "us-ascii" : "utf-8");
	if (!is_ascii)
		buf_printf(out, "Content-Transfer-Encoding: %s\r\n",
			s->is_8bit ? "8bit" : "quoted-printable");
	buf_puts(out, "\r\n");
	if (is_ascii || s->is_8bit)
		buf_put(out, buf_span(&text));
	else
		put_qp(out, buf_span(&text));
	buf_clear(&text);
}

/* A status of the right class, even if the other server sent none or
 * nonsense.  RFC 3463 2 */
static void put_status(struct buf *out, const struct queue_dsn *d,
	struct span enhanced)
{
	static const char classes[QUEUE_DSN_KINDS] = {'5', '4', '2'};
	char class = classes[d->kind];
	bool is_good = enhanced.n >= 5 && enhanced.n <= 9 &&
		enhanced.p[1] == '.';

	for (size_t i = 0; i < enhanced.n; i++)
		if (!ascii_is_digit(enhanced.p[i]) && enhanced.p[i] != '.')
			is_good = false;
	/* of what went well only a success is a status */
	if (!is_good || (class == '2' && enhanced.p[0] != '2')) {
		buf_printf(out, "%c.0.0", class);
		return;
	}
	/* what was tried too long failed with its last 4.x.x: 4.4.7 stays
	 * (RFC 3463 3.5), the rest gets the class of the action */
	if (class == '5' && span_eq(enhanced, SPAN("4.4.7")))
		class = '4';
	buf_printf(out, "%c", class);
	buf_put(out, span_tail(enhanced, 1));
}

/* RFC 3464 2.3.3 */
static const char *action_of(const struct queue_dsn *d,
	const struct queue_rcpt *r)
{
	static const char *const tells[QUEUE_TELL_COUNT] = {
		[QUEUE_TELL_DELIVERED] = "delivered",
		[QUEUE_TELL_RELAYED] = "relayed",
		[QUEUE_TELL_EXPANDED] = "expanded",
	};

	if (d->kind == QUEUE_DSN_DONE)
		return tells[r->tell];
	return d->kind == QUEUE_DSN_FAILED ? "failed" : "delayed";
}

/* What came in xtext, as it was written. */
static void put_decoded(struct buf *out, struct span xtext)
{
	struct buf text;

	buf_init(&text, SMTP_ORCPT_MAX);
	if (!smtp_dsn_decode(xtext, &text)) {
		buf_reset(&text);
		buf_put(&text, xtext);
	}
	queue_dsn_put_clean(out, buf_span(&text), false);
	buf_clear(&text);
}

/* An address of the type utf-8: as it is where it may be, else the form that is
 * ASCII.  RFC 6533 3 */
static void put_utf8_address(struct buf *out, struct span address, bool is_utf8)
{
	struct buf text;

	buf_init(&text, 8 * SMTP_ORCPT_MAX);
	if (is_utf8 && smtp_dsn_decode_utf8(address, &text))
		queue_dsn_put_clean(out, buf_span(&text), true);
	else if (is_utf8)
		queue_dsn_put_clean(out, address, true);
	else
		smtp_dsn_put_7bit(out, address);
	buf_clear(&text);
}

/* As the sender wrote it.  RFC 3464 2.3.1 */
static void put_original_rcpt(struct buf *out, struct span orcpt, bool is_utf8)
{
	struct span address = orcpt;
	struct span type = span_cut(&address, ';');

	if (orcpt.n == 0)
		return;
	buf_puts(out, "Original-Recipient: ");
	queue_dsn_put_clean(out, type, false);
	buf_putc(out, ';');
	if (span_eq_fold(type, SPAN("utf-8")))
		put_utf8_address(out, address, is_utf8);
	else
		put_decoded(out, address);
	buf_puts(out, "\r\n");
}

static void put_final_rcpt(struct buf *out, struct span address, bool is_utf8)
{
	buf_puts(out, "Final-Recipient: ");
	if (utf8_is_ascii(address)) {
		buf_puts(out, "rfc822; ");
		queue_dsn_put_clean(out, address, false);
	} else if (is_utf8) {
		buf_puts(out, "utf-8; ");
		queue_dsn_put_clean(out, address, true);
	} else {
		smtp_dsn_put_orcpt(out, address);
	}
	buf_puts(out, "\r\n");
}

/* In the order of RFC 3464 2.3. */
static void put_rcpt_fields(struct buf *out, const struct queue_dsn *d,
	const struct queue_rcpt *r, bool is_utf8)
{
	buf_puts(out, "\r\n");
	put_original_rcpt(out, r->orcpt, is_utf8);
	put_final_rcpt(out, r->address, is_utf8);
	buf_printf(out, "Action: %s\r\nStatus: ", action_of(d, r));
	put_status(out, d, r->enhanced);
	buf_puts(out, "\r\n");
	/* both only when another server really spoke: RFC 3464 2.3.5, 2.3.6 */
	if (queue_dsn_has_spoken(r)) {
		buf_puts(out, "Remote-MTA: dns; ");
		queue_dsn_put_host(out, r->peer);
		buf_printf(out, "\r\nDiagnostic-Code: smtp; %u ", r->code);
		queue_dsn_put_clean(out, r->text, false);
		buf_puts(out, "\r\n");
	}
	/* not if the time is not known: RFC 3464 2.3.7 */
	if (r->tried_wall_ms > 0)
		put_date(out, "Last-Attempt-Date: ", r->tried_wall_ms);
	if (d->kind == QUEUE_DSN_DELAYED)
		put_date(out, "Will-Retry-Until: ", d->give_up_wall_ms);
}

static void put_report(struct buf *out, const struct queue_dsn *d,
	const struct shape *s)
{
	size_t detailed = 0;

	put_delimiter(out, d, s);
	buf_puts(out, s->is_utf8
		? "\r\nContent-Type: message/global-delivery-status\r\n"
		  "Content-Transfer-Encoding: 8bit\r\n\r\n"
		: "\r\nContent-Type: message/delivery-status\r\n\r\n");
	if (d->envid.n > 0) { /* RFC 3464 2.2.1 */
		buf_puts(out, "Original-Envelope-Id: ");
		put_decoded(out, d->envid);
		buf_puts(out, "\r\n");
	}
	buf_puts(out, "Reporting-MTA: dns; ");
	queue_dsn_put_clean(out, d->hostname, false);
	buf_puts(out, "\r\n");
	put_date(out, "Arrival-Date: ", d->received_wall_ms);
	for (size_t i = 0; i < d->rcpt_count; i++)
		if (concerns(d, &d->rcpts[i]) && detailed++ < DETAILED_MAX)
			put_rcpt_fields(out, d, &d->rcpts[i], s->is_utf8);
}

static const char *original_type(const struct shape *s)
{
	bool is_global = s->is_global || s->is_utf8;

	if (s->is_whole)
		return is_global ? "message/global" : "message/rfc822";
	return is_global ? "message/global-headers" : "text/rfc822-headers";
}

static void put_original(struct buf *out, const struct queue_dsn *d,
	const struct shape *s)
{
	bool is_qp = s->is_global && !s->is_utf8;

	put_delimiter(out, d, s);
	buf_printf(out, "\r\nContent-Type: %s\r\n", original_type(s));
	if (is_qp)
		buf_puts(out, "Content-Transfer-Encoding: quoted-printable"
			"\r\n");
	else if (s->is_8bit)
		buf_puts(out, "Content-Transfer-Encoding: 8bit\r\n");
	buf_puts(out, "\r\n");
	if (is_qp) {
		put_qp(out, d->trace);
		put_qp(out, s->original);
	} else {
		buf_put(out, d->trace);
		buf_put(out, s->original);
	}
	put_delimiter(out, d, s);
	buf_puts(out, "--\r\n");
}

/* ---- the whole --------------------------------------------------------------------- */
/* Makes the boundary one that does not occur. */
static void choose_boundary(struct shape *s, const struct queue_dsn *d)
{
	struct buf boundary;
	bool clashes;

	buf_init(&boundary, 64);
	do {
		buf_reset(&boundary);
		put_boundary(&boundary, d, s);
		clashes = span_find_span(s->original, buf_span(&boundary)) <
			s->original.n;
		s->counter += clashes;
	} while (clashes);
	buf_clear(&boundary);
}

static struct shape shape_of(const struct queue_dsn *d)
{
	struct shape s = {.is_utf8 = !utf8_is_ascii(d->to)};
	struct span head;

	/* RFC 3461 4.3: of what went well only the header */
	s.is_whole = d->kind == QUEUE_DSN_FAILED && !d->is_binary &&
		!d->is_header_only &&
		d->original_size <= QUEUE_DSN_WHOLE_MAX &&
		d->original.n == d->original_size;
	s.original = d->original;
	head = span_head(s.original, QUEUE_DSN_HEADER_MAX);
	head = span_head(head, header_len(head));
	if (!s.is_whole)
		s.original = head;
	s.is_global = !utf8_is_ascii(head) && utf8_is_valid(head);
	s.is_8bit = s.is_utf8 ||
		(!s.is_global && !utf8_is_ascii(s.original));
	choose_boundary(&s, d);
	return s;
}

void queue_dsn_put(struct buf *out, const struct queue_dsn *d,
	uint32_t *out_flags)
{
	struct shape s = shape_of(d);

	put_fields(out, d, &s);
	put_text(out, d, &s);
	put_report(out, d, &s);
	put_original(out, d, &s);
	*out_flags = QUEUE_MAIL_INTERNAL;
	if (s.is_8bit)
		*out_flags |= QUEUE_MAIL_8BIT;
	if (s.is_utf8)
		*out_flags |= QUEUE_MAIL_UTF8;
}
