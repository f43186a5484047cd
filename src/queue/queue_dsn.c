/*
 * queue_dsn.c - builds notices to the sender.  See queue_dsn.h.
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
#include "message/header.h"
#include "message/msgid.h"
#include "smtp/smtp_dsn.h"

#define TEXT_MAX     400u /* of a quoted reply */
#define LISTED_MAX   1000u /* recipients with a paragraph of text */
#define DETAILED_MAX 8000u /* recipients with fields for programs */

/* What a notice of each kind begins with, and is called. */
static const struct {
	const char *subject, *begin, *then;
} kinds[QUEUE_DSN_KINDS] = {
	[QUEUE_DSN_FAILED] = {"Your message could not be delivered",
		"Your message of ", "could not be delivered to:"},
	[QUEUE_DSN_DELAYED] = {"Your message is delayed",
		"This is only a warning. Your message of ",
		"has not yet been delivered to:"},
	[QUEUE_DSN_DONE] = {"Your message has arrived",
		"You asked to hear of it: your message of ",
		"went well, as far as this server can tell:"},
};

/* The same of what went well.  RFC 3464 2.3.3 */
static const struct {
	const char *action, *said;
} tells[QUEUE_TELL_COUNT] = {
	[QUEUE_TELL_DELIVERED] = {"delivered", "It is in the mailbox."},
	[QUEUE_TELL_RELAYED] = {"relayed",
		"It was handed to the next mail server, which does not report "
		"that it\r\n      arrived; if it does not, you will hear of "
		"that."},
	[QUEUE_TELL_EXPANDED] = {"expanded",
		"This address stands for several people. It is on its way to "
		"all of them."},
};

/* What a status means to people, and what they can do; the first row whose
 * digits fit.  The class (4 or 5) does not matter for the meaning: "2.2" is
 * x.2.2.  own: the words when no other server spoke, if they differ: then the
 * notice must not say that one did.  RFC 3463 3 */
struct meaning {
	const char *detail;
	const char *said, *own, *advice;
};

#define CHECK_ADDRESS "Please check how the address is written."
#define TRY_LATER     "You can send the message again later."
#define SEND_LESS     "Please send less at once, or put large files on a " \
	"web page."

static const struct meaning meanings[] = {
	{"1.1", "There is no mailbox with this address.", NULL, CHECK_ADDRESS},
	{"1.2", "There is no mail domain with this name.", NULL,
		"Please check the part of the address behind the @."},
	{"1.3", "This is not a valid address.", NULL, CHECK_ADDRESS},
	{"1.10", "This domain says that it takes no mail at all.", NULL,
		"Please ask the recipient for another address."},
	{"2.1", "The mailbox does not accept messages at present.", NULL,
		"Please ask the recipient for another address."},
	{"2.2", "The mailbox is full.", NULL,
		"The recipient has to make room first."},
	{"2.3", "The message is too long for this mailbox.", NULL, SEND_LESS},
	{"3.4", "The message is too long for the other mail server.", NULL,
		SEND_LESS},
	{"3.", "The other mail server has trouble of its own.",
		"This mail server had trouble of its own with the message.",
		TRY_LATER},
	{"4.1", "The other mail server could not be reached.", NULL, TRY_LATER},
	{"4.2", "The connection to the other mail server broke.", NULL,
		TRY_LATER},
	{"4.3", "The mail domain could not be looked up on the Internet (DNS).",
		NULL, "Please check the part of the address behind the @, or "
		"send the message\r\n      again later."},
	{"4.4", "No way to the other mail server is known.", NULL,
		"Please check the part of the address behind the @."},
	{"4.6", "The message would have gone round in a circle.", NULL,
		"Please tell the administrator of the address."},
	{"4.7", "It was tried again and again, and the time for it is over.",
		NULL, TRY_LATER},
	{"6.", "The other mail server cannot handle this kind of message.",
		NULL, "Please send it in a simpler form, without unusual "
		"characters."},
	{"7.", "The other mail server refused the message by its rules.",
		"This mail server does not pass on a message to this address.",
		"The administrator of the server that refused it can tell why."},
};

static const struct meaning any_meaning = {"",
	"The other mail server did not accept the message.",
	"The message could not be delivered.", TRY_LATER};

static const struct meaning *meaning_of(struct span enhanced)
{
	struct span detail = span_tail(enhanced, 2);

	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		struct span want = span_str(meanings[i].detail);
		bool is_class = want.p[want.n - 1] == '.';

		if (is_class ? span_starts(detail, want)
			     : span_eq(detail, want))
			return &meanings[i];
	}
	return &any_meaning;
}

/* Is the last reply one that another server gave?  If not, its text is our
 * own account of what happened. */
static bool has_spoken(const struct queue_rcpt *r)
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

/* Visible text without control bytes, cut to a bearable length. */
static void put_clean(struct buf *out, struct span text, bool is_utf8)
{
	bool has_utf8 = is_utf8 && utf8_is_valid(span_head(text, TEXT_MAX));

	text = span_head(text, TEXT_MAX);
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if (c < 0x20 || c == 0x7f)
			c = ' ';
		else if (c >= 0x80 && !has_utf8)
			c = '?';
		buf_putc(out, c);
	}
}

/* The server's name without its address and port; the literal if it has none,
 * RFC 3464 2.1.2. */
static void put_host(struct buf *out, struct span peer)
{
	size_t bracket = span_find(peer, '[');
	struct span name = span_head(peer, bracket);

	if (name.n == 0)
		name = span_head(peer, span_find(peer, ']') + 1);
	put_clean(out, name, false);
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
		msgid_next(&value, out) && out->n < TEXT_MAX &&
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
	bool is_utf8;  /* an address needs RFC 6531 */
	bool is_8bit;  /* the returned original has bytes above 127 */
	bool is_whole; /* all of the original is returned */
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

static void put_fields(struct buf *out, const struct queue_dsn *d,
	const struct shape *s)
{
	struct mid mid = mid_of(d->qid);
	struct span id;

	buf_printf(out, "From: Mail Delivery System <MAILER-DAEMON@%.*s>\r\n",
		SPAN_ARG(d->hostname));
	buf_puts(out, "To: <");
	put_clean(out, d->to, s->is_utf8);
	buf_puts(out, ">\r\n");
	put_date(out, "Date: ", d->now_wall_ms);
	buf_printf(out, "Subject: %s\r\n", kinds[d->kind].subject);
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
	if (s->is_8bit || s->is_utf8)
		buf_puts(out, "Content-Transfer-Encoding: 8bit\r\n");
	buf_puts(out, "\r\nThis is a message in MIME format.\r\n");
}

/* What the other server said, or what happened without one. */
static void put_quote(struct buf *out, const struct queue_rcpt *r, bool is_utf8)
{
	if (r->text.n == 0)
		return;
	if (has_spoken(r)) {
		buf_puts(out, "      The server ");
		put_host(out, r->peer);
		buf_printf(out, " said:\r\n      %u ", r->code);
	} else {
		buf_puts(out, "      What happened last:\r\n      ");
	}
	put_clean(out, r->text, is_utf8);
	buf_puts(out, "\r\n");
}

/* "5 days", for how long something was tried. */
static void put_span_of_time(struct buf *out, int64_t ms)
{
	static const struct {
		int64_t ms;
		const char *one, *many;
	} units[] = {
		{86400000, "a day", "days"},
		{3600000, "an hour", "hours"},
		{60000, "a minute", "minutes"},
	};
	size_t i = 0;

	while (i < 2 && ms < units[i].ms)
		i++;
	if (ms < 2 * units[i].ms)
		buf_puts(out, units[i].one);
	else
		buf_printf(out, "%lld %s", (long long)(ms / units[i].ms),
			units[i].many);
}

static void put_tries(struct buf *out, const struct queue_dsn *d,
	const struct queue_rcpt *r)
{
	if (r->attempts < 2)
		return;
	buf_printf(out, "      We tried %u times in ", r->attempts);
	put_span_of_time(out, d->now_wall_ms - d->received_wall_ms);
	buf_puts(out, ".\r\n");
}

/* The paragraph of one recipient. */
static void put_paragraph(struct buf *out, const struct queue_dsn *d,
	const struct queue_rcpt *r, bool is_utf8)
{
	const struct meaning *m = meaning_of(r->enhanced);
	bool is_own = !has_spoken(r) && m->own != NULL;

	buf_puts(out, "\r\n  ");
	put_clean(out, r->address, is_utf8);
	buf_puts(out, "\r\n      ");
	if (d->kind == QUEUE_DSN_DONE) {
		buf_printf(out, "%s\r\n", tells[r->tell].said);
		if (has_spoken(r))
			put_quote(out, r, is_utf8);
		return;
	}
	buf_puts(out, is_own ? m->own : m->said);
	buf_puts(out, "\r\n");
	put_tries(out, d, r);
	if (d->kind == QUEUE_DSN_FAILED)
		buf_printf(out, "      %s\r\n", m->advice);
	put_quote(out, r, is_utf8);
}

static void put_advice(struct buf *out, const struct queue_dsn *d)
{
	switch (d->kind) {
	case QUEUE_DSN_FAILED:
		buf_puts(out, "\r\nIt will not be tried again. If you still "
			"want it to arrive, please send it\r\nonce more when "
			"what is wrong has been put right. ");
		buf_puts(out, "What you wrote is attached.\r\n");
		return;
	case QUEUE_DSN_DELAYED:
		buf_puts(out, "\r\nYou do not have to do anything, and please "
			"do not send it again: it is tried\r\nagain and again "
			"until ");
		time_put_rfc5322(out, d->give_up_wall_ms);
		buf_puts(out, ".\r\nIf it has not arrived by then, you get "
			"another message.\r\n");
		return;
	case QUEUE_DSN_DONE:
		buf_puts(out, "\r\nThat somebody has read it is not said by "
			"this.\r\n");
		return;
	case QUEUE_DSN_KINDS:
		break;
	}
	unreachable();
}

static void put_text(struct buf *out, const struct queue_dsn *d,
	const struct shape *s)
{
	size_t listed = 0, left_out = 0;

	put_delimiter(out, d, s);
	buf_printf(out, "\r\nContent-Type: text/plain; charset=%s\r\n",
		s->is_utf8 ? "utf-8" : "us-ascii");
	if (s->is_utf8)
		buf_puts(out, "Content-Transfer-Encoding: 8bit\r\n");
	buf_puts(out, "\r\nThis is the mail server of ");
	put_clean(out, d->hostname, s->is_utf8);
	buf_printf(out, ".\r\n\r\n%s", kinds[d->kind].begin);
	time_put_rfc5322(out, d->received_wall_ms);
	buf_printf(out, "\r\n%s\r\n", kinds[d->kind].then);
	for (size_t i = 0; i < d->rcpt_count; i++) {
		const struct queue_rcpt *r = &d->rcpts[i];

		if (!concerns(d, r))
			continue;
		if (++listed > LISTED_MAX) {
			left_out++;
			continue;
		}
		put_paragraph(out, d, r, s->is_utf8);
	}
	if (left_out > 0)
		buf_printf(out, "\r\n  and to %zu others, listed in the "
			"second part of this message.\r\n", left_out);
	put_advice(out, d);
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

static const char *action_of(const struct queue_dsn *d,
	const struct queue_rcpt *r)
{
	if (d->kind == QUEUE_DSN_DONE)
		return tells[r->tell].action;
	return d->kind == QUEUE_DSN_FAILED ? "failed" : "delayed";
}

/* A field whose value came in xtext, or in UTF-8. */
static void put_decoded(struct buf *out, const char *name, struct span type,
	struct span xtext)
{
	struct buf text;

	buf_init(&text, SMTP_ORCPT_MAX);
	if (!utf8_is_ascii(xtext) || !smtp_dsn_decode(xtext, &text)) {
		buf_reset(&text);
		buf_put(&text, xtext);
	}
	buf_puts(out, name);
	buf_put(out, type);
	put_clean(out, buf_span(&text), true);
	buf_puts(out, "\r\n");
	buf_clear(&text);
}

/* RFC 3464 2.3.1: as the sender wrote it */
static void put_original_rcpt(struct buf *out, struct span orcpt)
{
	struct span type = span_head(orcpt, span_find(orcpt, ';') + 1);

	if (orcpt.n > 0)
		put_decoded(out, "\r\nOriginal-Recipient: ", type,
			span_tail(orcpt, type.n));
}

/* RFC 3464 2.3; RFC 6533 3 for addresses that are not ASCII.
 * Todo(rfc): RFC 6533 3, the 7-bit form (utf-8-addr-xtext) for a sender in
 * ASCII whose message went to such an address by an alias: its server need not
 * have SMTPUTF8, and then takes no notice in this form. */
static void put_rcpt_fields(struct buf *out, const struct queue_dsn *d,
	const struct queue_rcpt *r)
{
	bool is_utf8 = !utf8_is_ascii(r->address);

	put_original_rcpt(out, r->orcpt);
	if (r->orcpt.n == 0)
		buf_puts(out, "\r\n");
	buf_puts(out, is_utf8 ? "Final-Recipient: utf-8; "
			      : "Final-Recipient: rfc822; ");
	put_clean(out, r->address, is_utf8);
	buf_printf(out, "\r\nAction: %s\r\nStatus: ", action_of(d, r));
	put_status(out, d, r->enhanced);
	buf_puts(out, "\r\n");
	/* both only when another server really spoke: RFC 3464 2.3.5, 2.3.6 */
	if (has_spoken(r)) {
		buf_puts(out, "Remote-MTA: dns; ");
		put_host(out, r->peer);
		buf_printf(out, "\r\nDiagnostic-Code: smtp; %u ", r->code);
		put_clean(out, r->text, false);
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
	buf_puts(out, "Reporting-MTA: dns; ");
	put_clean(out, d->hostname, false);
	buf_puts(out, "\r\n");
	if (d->envid.n > 0) /* RFC 3464 2.2.1 */
		put_decoded(out, "Original-Envelope-Id: ", SPAN_EMPTY,
			d->envid);
	put_date(out, "Arrival-Date: ", d->received_wall_ms);
	for (size_t i = 0; i < d->rcpt_count; i++)
		if (concerns(d, &d->rcpts[i]) && detailed++ < DETAILED_MAX)
			put_rcpt_fields(out, d, &d->rcpts[i]);
}

static void put_original(struct buf *out, const struct queue_dsn *d,
	const struct shape *s)
{
	put_delimiter(out, d, s);
	if (s->is_whole)
		buf_puts(out, s->is_utf8
			? "\r\nContent-Type: message/global\r\n"
			: "\r\nContent-Type: message/rfc822\r\n");
	else
		buf_puts(out, s->is_utf8
			? "\r\nContent-Type: message/global-headers\r\n"
			: "\r\nContent-Type: text/rfc822-headers\r\n");
	if (s->is_8bit || s->is_utf8)
		buf_puts(out, "Content-Transfer-Encoding: 8bit\r\n");
	buf_puts(out, "\r\n");
	buf_put(out, d->trace);
	buf_put(out, s->original);
	put_delimiter(out, d, s);
	buf_puts(out, "--\r\n");
}

/* ---- the whole --------------------------------------------------------------------- */
static struct shape shape_of(const struct queue_dsn *d)
{
	struct shape s = {.is_utf8 = !utf8_is_ascii(d->to)};
	struct buf boundary;
	bool clashes;

	buf_init(&boundary, 64);
	for (size_t i = 0; i < d->rcpt_count; i++)
		if (concerns(d, &d->rcpts[i]) &&
			(!utf8_is_ascii(d->rcpts[i].address) ||
				!utf8_is_ascii(d->rcpts[i].orcpt)))
			s.is_utf8 = true;
	/* RFC 3461 4.3: of what went well only the header */
	s.is_whole = d->kind == QUEUE_DSN_FAILED && !d->is_binary &&
		!d->is_header_only &&
		d->original_size <= QUEUE_DSN_WHOLE_MAX &&
		d->original.n == d->original_size;
	s.original = d->original;
	if (!s.is_whole) {
		s.original = span_head(s.original, QUEUE_DSN_HEADER_MAX);
		s.original = span_head(s.original, header_len(s.original));
	}
	s.is_8bit = !utf8_is_ascii(s.original);
	do {
		buf_reset(&boundary);
		put_boundary(&boundary, d, &s);
		clashes = span_find_span(s.original, buf_span(&boundary)) <
			s.original.n;
		s.counter += clashes;
	} while (clashes);
	buf_clear(&boundary);
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
	if (s.is_8bit || s.is_utf8)
		*out_flags |= QUEUE_MAIL_8BIT;
	if (s.is_utf8)
		*out_flags |= QUEUE_MAIL_UTF8;
}
