/*
 * queue_dsn_text.c - the part of a notice that people read: what became of the
 * message, why, and what can be done.  Its words are in queue_dsn_words.def.
 *
 * Lines of ours are broken at LINE_WIDTH characters; what another server said
 * stays as it is.
 */
#include "queue/queue_dsn_int.h"

#include "base/time.h"
#include "queue/queue_dsn_words.h"

#include "base/banned.h"

#define LISTED_MAX 1000u /* recipients with a paragraph of text */
#define LINE_WIDTH 76u
#define INDENT     6u
#define PHRASE_MAX 2048u
#define GLUE       0x01 /* a blank of a value, where no line is broken */

/* What a notice of each kind is called, begins with and ends with. */
static const struct {
	enum queue_phrase subject, begin, end;
} kinds[QUEUE_DSN_KINDS] = {
	[QUEUE_DSN_FAILED] = {QUEUE_PHRASE_FAILED_SUBJECT,
		QUEUE_PHRASE_FAILED_BEGIN, QUEUE_PHRASE_FAILED_END},
	[QUEUE_DSN_DELAYED] = {QUEUE_PHRASE_DELAYED_SUBJECT,
		QUEUE_PHRASE_DELAYED_BEGIN, QUEUE_PHRASE_DELAYED_END},
	[QUEUE_DSN_DONE] = {QUEUE_PHRASE_DONE_SUBJECT,
		QUEUE_PHRASE_DONE_BEGIN, QUEUE_PHRASE_DONE_END},
};

static const enum queue_phrase tells[QUEUE_TELL_COUNT] = {
	[QUEUE_TELL_DELIVERED] = QUEUE_PHRASE_DELIVERED,
	[QUEUE_TELL_RELAYED] = QUEUE_PHRASE_RELAYED,
	[QUEUE_TELL_EXPANDED] = QUEUE_PHRASE_EXPANDED,
};

/* What a status means to people, and what they can do; the first row whose
 * digits fit.  The class (4 or 5) does not matter for the meaning: "2.2" is
 * x.2.2.  own: the words when no other server spoke: then the notice must not
 * say that one did.  RFC 3463 3 */
struct meaning {
	const char *detail;
	enum queue_phrase said, own, advice;
};

#define ROW(detail, said, own, advice)                                         \
	{detail, QUEUE_PHRASE_##said, QUEUE_PHRASE_##own,                      \
		QUEUE_PHRASE_##advice}

/* clang-format off */
static const struct meaning meanings[] = {
	ROW("1.1",  NO_MAILBOX,       NO_MAILBOX,       CHECK_ADDRESS),
	ROW("1.2",  NO_DOMAIN,        NO_DOMAIN,        CHECK_DOMAIN),
	ROW("1.3",  BAD_ADDRESS,      BAD_ADDRESS,      CHECK_ADDRESS),
	ROW("1.10", TAKES_NO_MAIL,    TAKES_NO_MAIL,    ASK_OTHER_ADDRESS),
	ROW("2.1",  MAILBOX_SHUT,     MAILBOX_SHUT,     ASK_OTHER_ADDRESS),
	ROW("2.2",  MAILBOX_FULL,     MAILBOX_FULL,     MAKE_ROOM),
	ROW("2.3",  TOO_LONG_FOR_BOX, TOO_LONG_FOR_BOX, SEND_LESS),
	ROW("3.4",  TOO_LONG,         TOO_LONG,         SEND_LESS),
	ROW("3.",   THEIR_TROUBLE,    OUR_TROUBLE,      TRY_LATER),
	ROW("4.1",  UNREACHABLE,      UNREACHABLE,      TRY_LATER),
	ROW("4.2",  LINE_BROKE,       LINE_BROKE,       TRY_LATER),
	ROW("4.3",  NO_DNS,           NO_DNS,           CHECK_DOMAIN_OR_LATER),
	ROW("4.4",  NO_WAY,           NO_WAY,           CHECK_DOMAIN),
	ROW("4.6",  CIRCLE,           CIRCLE,           TELL_ADMIN),
	ROW("4.7",  TIME_IS_OVER,     TIME_IS_OVER,     TRY_LATER),
	ROW("6.",   CANNOT_HANDLE,    CANNOT_HANDLE,    SEND_SIMPLER),
	ROW("7.",   REFUSED_BY_RULES, REFUSED_BY_US,    ASK_ADMIN),
};

static const struct meaning any_meaning =
	ROW("",     NOT_ACCEPTED,     NOT_DELIVERED,    TRY_LATER);
/* clang-format on */

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

/* ---- lines ------------------------------------------------------------------- */
static size_t width_of(struct span word)
{
	size_t width = 0;

	for (size_t i = 0; i < word.n; i++)
		width += (word.p[i] & 0xc0) != 0x80;
	return width;
}

static void put_indent(struct buf *out, size_t indent)
{
	for (size_t i = 0; i < indent; i++)
		buf_putc(out, ' ');
}

/* A paragraph of our own words. */
static void put_lines(struct buf *out, size_t indent, struct span text)
{
	size_t column = indent;

	put_indent(out, indent);
	for (bool is_first = true; text.n > 0; is_first = false) {
		struct span word = span_cut(&text, ' ');
		size_t width = width_of(word);

		if (!is_first && column + 1 + width > LINE_WIDTH) {
			buf_puts(out, "\r\n");
			put_indent(out, indent);
			column = indent;
		} else if (!is_first) {
			buf_putc(out, ' ');
			column++;
		}
		for (size_t i = 0; i < word.n; i++)
			buf_putc(out, word.p[i] == GLUE ? ' ' : word.p[i]);
		column += width;
	}
	buf_puts(out, "\r\n");
}

/* The phrase as a paragraph; with one value, or NULL. */
static void put_phrase(struct buf *out, const struct queue_dsn *d,
	size_t indent, enum queue_phrase p,
	const struct queue_phrase_value *value)
{
	struct buf text;

	buf_init(&text, PHRASE_MAX);
	queue_phrase_put(&text, queue_phrase(d->language, p), value,
		value != NULL);
	put_lines(out, indent, buf_span(&text));
	buf_clear(&text);
}

/* ---- values ------------------------------------------------------------------- */
static void glue(struct buf *text)
{
	for (size_t i = 0; i < buf_len(text); i++)
		if (text->p[text->start + i] == ' ')
			text->p[text->start + i] = GLUE;
}

static void put_number(struct buf *out, const struct queue_dsn *d,
	enum queue_phrase p, uint64_t number)
{
	struct buf digits;
	struct queue_phrase_value value = {.name = "count"};

	buf_init(&digits, 32);
	buf_put_u64(&digits, number);
	value.text = buf_span(&digits);
	queue_phrase_put(out, queue_phrase(d->language, p), &value, 1);
	buf_clear(&digits);
}

/* "5 days", for how long something was tried. */
static void put_span_of_time(struct buf *out, const struct queue_dsn *d,
	int64_t ms)
{
	static const struct {
		int64_t ms;
		enum queue_phrase one, many;
	} units[] = {
		{86400000, QUEUE_PHRASE_DAYS_ONE, QUEUE_PHRASE_DAYS_MANY},
		{3600000, QUEUE_PHRASE_HOURS_ONE, QUEUE_PHRASE_HOURS_MANY},
		{60000, QUEUE_PHRASE_MINUTES_ONE, QUEUE_PHRASE_MINUTES_MANY},
	};
	size_t i = 0;
	uint64_t number;

	while (i < 2 && ms < units[i].ms)
		i++;
	number = ms < 2 * units[i].ms ? 1 : (uint64_t)(ms / units[i].ms);
	put_number(out, d,
		queue_phrase_is_one(d->language, number) ? units[i].one
							 : units[i].many,
		number);
}

static struct span month_of(const struct queue_dsn *d, struct span number)
{
	struct span names = span_str(queue_phrase(d->language,
		QUEUE_PHRASE_MONTHS));
	unsigned month = 10u * (number.p[0] - '0') + (number.p[1] - '0');

	for (unsigned i = 1; i < month; i++)
		(void)span_cut(&names, ' ');
	return span_cut(&names, ' ');
}

/* "15 November 2023, 22:13 UTC" */
static void put_moment(struct buf *out, const struct queue_dsn *d,
	int64_t wall_ms)
{
	struct queue_phrase_value values[] = {{.name = "day"},
		{.name = "month"}, {.name = "year"}, {.name = "time"}};
	struct buf moment;
	struct span text;

	buf_init(&moment, 80);
	time_put_rfc3339(&moment, wall_ms);
	text = buf_span(&moment);
	values[0].text = span_head(span_tail(text, 8), 2);
	if (values[0].text.p[0] == '0')
		values[0].text = span_tail(values[0].text, 1);
	values[1].text = month_of(d, span_head(span_tail(text, 5), 2));
	values[2].text = span_head(text, 4);
	values[3].text = span_head(span_tail(text, 11), 5);
	queue_phrase_put(out, queue_phrase(d->language, QUEUE_PHRASE_DATE),
		values, 4);
	buf_clear(&moment);
}

/* A phrase about a moment. */
static void put_dated(struct buf *out, const struct queue_dsn *d,
	enum queue_phrase p, int64_t wall_ms)
{
	struct queue_phrase_value value = {.name = "date"};
	struct buf date;

	buf_init(&date, PHRASE_MAX);
	put_moment(&date, d, wall_ms);
	glue(&date);
	value.text = buf_span(&date);
	put_phrase(out, d, 0, p, &value);
	buf_clear(&date);
}

/* ---- a recipient ----------------------------------------------------------------- */
/* What the other server said, or what happened without one. */
static void put_quote(struct buf *out, const struct queue_dsn *d,
	const struct queue_rcpt *r)
{
	struct queue_phrase_value value = {.name = "host"};
	struct buf host;

	if (r->text.n == 0)
		return;
	buf_init(&host, PHRASE_MAX);
	queue_dsn_put_host(&host, r->peer);
	glue(&host);
	value.text = buf_span(&host);
	put_phrase(out, d, INDENT, queue_dsn_has_spoken(r)
			? QUEUE_PHRASE_SERVER_SAID
			: QUEUE_PHRASE_HAPPENED_LAST, &value);
	buf_clear(&host);
	put_indent(out, INDENT);
	if (queue_dsn_has_spoken(r))
		buf_printf(out, "%u ", r->code);
	queue_dsn_put_clean(out, r->text, true);
	buf_puts(out, "\r\n");
}

static void put_tries(struct buf *out, const struct queue_dsn *d,
	const struct queue_rcpt *r)
{
	struct queue_phrase_value values[] = {{.name = "count"},
		{.name = "time"}};
	struct buf text, count, time;

	if (r->attempts < 2)
		return;
	buf_init(&text, PHRASE_MAX);
	buf_init(&count, 32);
	buf_init(&time, PHRASE_MAX);
	buf_put_u64(&count, r->attempts);
	put_span_of_time(&time, d, d->now_wall_ms - d->received_wall_ms);
	values[0].text = buf_span(&count);
	values[1].text = buf_span(&time);
	queue_phrase_put(&text, queue_phrase(d->language, QUEUE_PHRASE_TRIED),
		values, 2);
	put_lines(out, INDENT, buf_span(&text));
	buf_clear(&text);
	buf_clear(&count);
	buf_clear(&time);
}

static void put_paragraph(struct buf *out, const struct queue_dsn *d,
	const struct queue_rcpt *r)
{
	const struct meaning *m = meaning_of(r->enhanced);

	buf_puts(out, "\r\n  ");
	queue_dsn_put_clean(out, r->address, true);
	buf_puts(out, "\r\n");
	if (d->kind == QUEUE_DSN_DONE) {
		put_phrase(out, d, INDENT, tells[r->tell], NULL);
		if (queue_dsn_has_spoken(r))
			put_quote(out, d, r);
		return;
	}
	put_phrase(out, d, INDENT, queue_dsn_has_spoken(r) ? m->said : m->own,
		NULL);
	put_tries(out, d, r);
	if (d->kind == QUEUE_DSN_FAILED)
		put_phrase(out, d, INDENT, m->advice, NULL);
	put_quote(out, d, r);
}

/* ---- all of it --------------------------------------------------------------------- */
static void put_hello(struct buf *out, const struct queue_dsn *d)
{
	struct queue_phrase_value value = {"host", d->hostname};

	put_phrase(out, d, 0, QUEUE_PHRASE_HELLO, &value);
	buf_puts(out, "\r\n");
}

static void put_others(struct buf *out, const struct queue_dsn *d, size_t count)
{
	struct buf text;

	if (count == 0)
		return;
	buf_init(&text, PHRASE_MAX);
	put_number(&text, d, QUEUE_PHRASE_OTHERS, count);
	buf_puts(out, "\r\n");
	put_lines(out, 2, buf_span(&text));
	buf_clear(&text);
}

void queue_dsn_put_text(struct buf *out, const struct queue_dsn *d)
{
	size_t listed = 0, left_out = 0;

	put_hello(out, d);
	put_dated(out, d, kinds[d->kind].begin, d->received_wall_ms);
	for (size_t i = 0; i < d->rcpt_count; i++) {
		const struct queue_rcpt *r = &d->rcpts[i];

		if (!queue_dsn_concerns(d->kind, r))
			continue;
		if (++listed > LISTED_MAX) {
			left_out++;
			continue;
		}
		put_paragraph(out, d, r);
	}
	put_others(out, d, left_out);
	buf_puts(out, "\r\n");
	put_dated(out, d, kinds[d->kind].end, d->give_up_wall_ms);
}

const char *queue_dsn_subject(const struct queue_dsn *d)
{
	return queue_phrase(d->language, kinds[d->kind].subject);
}
