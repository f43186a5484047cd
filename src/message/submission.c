/*
 * submission.c - completes the header of a message that is handed in.  See
 * submission.h.
 *
 *	NAME ── blank ──▶ BLANK ── ":" ─────────────┐
 *	 │ ":", fold,       │ else, behind "From"   ▼
 *	 │ empty line       ├──────▶ MBOX         HEAD ── empty line ──▶ BODY
 *	 └──────────────────┼──────────┼────────────▲                     ▲
 *	 ▲                  │          │ line end                         │
 *	 └──────────────────┼──────────┘                                  │
 *	NAME, BLANK ── else ┴─────── there is no header ──────────────────┘
 *
 * Only the first line is looked at byte by byte: the rest of a header is cut
 * into lines until an empty one, and read when all of it is there.
 */
#include "message/submission.h"

#include "base/time.h"
#include "base/utf8.h"
#include "message/header.h"
#include "message/qualify.h"
#include "message/words.h"

#include "base/banned.h"

#define NAME_BYTES_MAX    100 /* of a field; SMTP_FIELD_NAME_MAX */
#define SENDERS_BYTES_MAX 32768
/* Of SUBMISSION_ADDED_MAX; the rest is for fields that are missing. */
#define QUALIFY_MAX (SUBMISSION_ADDED_MAX / 2)
/* Addresses of all fields that name senders; half of it is left empty. */
#define ARENA_BYTES (16u << 20)

void submission_init(struct submission *s,
	const struct submission_config *config)
{
	*s = (struct submission){.config = *config};
	buf_init(&s->head, SUBMISSION_HEAD_MAX);
	buf_init(&s->out, SUBMISSION_OUT_MAX);
	buf_init(&s->senders, SENDERS_BYTES_MAX);
}

void submission_clear(struct submission *s)
{
	buf_clear(&s->head);
	buf_clear(&s->out);
	buf_clear(&s->senders);
}

/* ---- what the header says --------------------------------------------------- */

static bool is_one_of(struct span name, const char *const *names)
{
	for (; *names != NULL; names++)
		if (span_eq_fold(name, span_str(*names)))
			return true;
	return false;
}

static bool is_known_sender(const struct submission *s, struct span address)
{
	struct span rest = submission_senders(s);
	struct span one;

	while (submission_next_sender(&rest, &one))
		if (span_eq(one, address))
			return true;
	return false;
}

static void keep_sender(struct submission *s, const struct address *address)
{
	struct buf text;

	buf_init(&text, SUBMISSION_SENDER_MAX);
	address_put(&text, address);
	if (!is_known_sender(s, buf_span(&text))) {
		if (++s->sender_count > SUBMISSION_SENDERS_MAX) {
			s->is_unclear = true;
		} else {
			buf_put(&s->senders, buf_span(&text));
			buf_putc(&s->senders, '\n');
		}
	}
	s->is_unclear = s->is_unclear || text.overflow || s->senders.overflow;
	buf_clear(&text);
}

static void read_senders(struct submission *s, struct span value)
{
	struct address_list list = {0};
	struct arena arena;
	size_t count = 0;

	arena_init(&arena, ARENA_BYTES);
	address_list_read(&arena, value, &list);
	for (size_t i = 0; i < list.count && !s->is_unclear; i++) {
		if (list.items[i].kind != ADDRESS_MAILBOX)
			continue;
		keep_sender(s, &list.items[i]);
		count++;
	}
	if (list.is_cut || count == 0)
		s->is_unclear = true;
	arena_clear(&arena);
}

static void look(struct submission *s, struct span head)
{
	static const char *const senders[] = {"From", "Sender", "Resent-From",
		"Resent-Sender", NULL};
	struct header_field field;

	while (header_next(&head, &field)) {
		if (span_eq_fold(field.name, SPAN("Date")))
			s->has_date = true;
		if (span_eq_fold(field.name, SPAN("Message-ID")))
			s->has_id = true;
		if (span_eq_fold(field.name, SPAN("From")))
			s->has_from = true;
		if (!s->is_unclear && is_one_of(field.name, senders))
			read_senders(s, field.value);
	}
}

bool submission_next_sender(struct span *rest, struct span *out)
{
	*out = span_cut(rest, '\n');
	return out->n > 0;
}

bool submission_added_utf8(const struct submission *s)
{
	return !s->has_from && !utf8_is_ascii(s->config.address);
}

/* ---- what goes out ------------------------------------------------------------ */

static void add_from(struct submission *s)
{
	size_t column = sizeof("From:");

	buf_puts(&s->out, "From: ");
	if (s->config.name.n > 0) {
		words_put_phrase(&s->out, s->config.name, &column);
		buf_puts(&s->out, column + s->config.address.n + 3 > WORDS_LINE
				? "\r\n <"
				: " <");
	}
	buf_put(&s->out, s->config.address);
	buf_puts(&s->out, s->config.name.n > 0 ? ">\r\n" : "\r\n");
}

static void add_missing(struct submission *s)
{
	if (!s->has_from && s->config.address.n > 0)
		add_from(s);
	if (!s->has_date) {
		buf_puts(&s->out, "Date: ");
		time_put_rfc5322(&s->out, s->config.now_ms);
		buf_puts(&s->out, "\r\n");
	}
	if (!s->has_id) {
		buf_puts(&s->out, "Message-ID: <");
		buf_put(&s->out, s->config.message_id);
		buf_puts(&s->out, ">\r\n");
	}
}

static void copy_head(struct submission *s, struct span head)
{
	static const char *const blind[] = {"Bcc", "Resent-Bcc", NULL};
	struct span rest = head;
	struct header_field field;
	size_t kept = 0, room = QUALIFY_MAX;

	while (header_next(&rest, &field)) {
		size_t start = (size_t)(field.name.p - head.p);

		if (is_one_of(field.name, blind)) {
			buf_put(&s->out, span_head(span_tail(head, kept),
				start - kept));
			kept = head.n - rest.n;
		} else if (s->config.domain.n > 0 &&
			qualify_is_for(field.name)) {
			start = (size_t)(field.value.p - head.p);
			buf_put(&s->out, span_head(span_tail(head, kept),
				start - kept));
			room -= qualify_put(&s->out, field.value,
				s->config.domain, room);
			kept = start + field.value.n;
		}
	}
	buf_put(&s->out, span_tail(head, kept));
}

/* The header is complete, or what is held is no header. */
static enum code finish_head(struct submission *s, bool is_header,
	struct submission_out *out)
{
	struct span held = buf_span(&s->head);

	if (is_header)
		look(s, held);
	add_missing(s);
	if (!is_header)
		buf_puts(&s->out, "\r\n");
	s->added_bytes = buf_len(&s->out);
	if (is_header)
		copy_head(s, held);
	else
		buf_put(&s->out, held);
	buf_clear(&s->head);
	s->at = SUBMISSION_AT_BODY;
	if (s->out.overflow)
		return LIMIT;
	out->head = buf_span(&s->out);
	return OK;
}

/* ---- the first line ----------------------------------------------------------- */

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static bool is_mbox_word(const struct submission *s)
{
	struct span word = span_head(buf_span(&s->head),
		span_find(buf_span(&s->head), ' '));

	return span_eq(word, SPAN("From")) || span_eq(word, SPAN(">From"));
}

/* Its next byte; false: it is no field, so there is no header. */
static bool look_at_byte(struct submission *s, uint8_t c)
{
	size_t at = s->looked++;

	if (at == 0 && (is_blank(c) || c == '\r' || c == '\n'))
		s->at = SUBMISSION_AT_HEAD; /* a fold, or an empty header */
	else if (c == ':' && at > 0)
		s->at = SUBMISSION_AT_HEAD;
	else if (is_blank(c))
		s->at = SUBMISSION_AT_BLANK;
	else if (s->at == SUBMISSION_AT_BLANK && is_mbox_word(s))
		s->at = SUBMISSION_AT_MBOX;
	else
		return s->at == SUBMISSION_AT_NAME && c > ' ' && c < 0x7f &&
			c != ':' && at < NAME_BYTES_MAX;
	return true;
}

static bool look_at_first_line(struct submission *s)
{
	struct span held = buf_span(&s->head);

	while ((s->at == SUBMISSION_AT_NAME || s->at == SUBMISSION_AT_BLANK) &&
		s->looked < held.n)
		if (!look_at_byte(s, held.p[s->looked]))
			return false;
	return true;
}

/* ---- lines ------------------------------------------------------------------- */

/* A line is complete; true: it was the empty one behind the header. */
static bool end_line(struct submission *s)
{
	struct span line = span_tail(buf_span(&s->head), s->line);

	if (s->at == SUBMISSION_AT_MBOX) {
		buf_reset(&s->head);
		s->looked = 0;
		s->at = SUBMISSION_AT_NAME;
		return false;
	}
	s->line += line.n;
	return header_cut_line(&line).n == 0;
}

/* The rest of a line; of the first one no more than tells what it is. */
static struct span cut_piece(const struct submission *s, struct span in)
{
	if (s->at == SUBMISSION_AT_NAME || s->at == SUBMISSION_AT_BLANK)
		in = span_head(in, NAME_BYTES_MAX);
	return span_head(in, span_find(in, '\n') + 1);
}

enum code submission_feed(struct submission *s, struct span in,
	struct submission_out *out)
{
	*out = (struct submission_out){.body = SPAN_EMPTY};
	if (s->out.overflow)
		return LIMIT;
	while (in.n > 0 && s->at != SUBMISSION_AT_BODY) {
		struct span piece = cut_piece(s, in);
		enum code code = OK;

		buf_put(&s->head, piece);
		if (s->head.overflow)
			return LIMIT;
		if (!look_at_first_line(s))
			code = finish_head(s, false, out);
		else if (span_ends(piece, SPAN("\n")) && end_line(s))
			code = finish_head(s, true, out);
		if (code != OK)
			return code;
		in = span_tail(in, piece.n);
	}
	out->body = in;
	return OK;
}

/* Without a body: RFC 5322 2.1 */
enum code submission_end(struct submission *s, struct submission_out *out)
{
	bool is_header = s->at == SUBMISSION_AT_HEAD || buf_len(&s->head) == 0;

	*out = (struct submission_out){.body = SPAN_EMPTY};
	if (s->head.overflow || s->out.overflow)
		return LIMIT;
	if (s->at == SUBMISSION_AT_BODY)
		return OK;
	if (s->at == SUBMISSION_AT_MBOX)
		buf_reset(&s->head);
	return finish_head(s, is_header || s->at == SUBMISSION_AT_MBOX, out);
}

/* ---- recipients ---------------------------------------------------------------- */

void submission_recipients(struct arena *a, struct span head,
	struct address_list *list)
{
	static const char *const fields[] = {"To", "Cc", "Bcc", NULL};
	static const char *const resent[] = {"Resent-To", "Resent-Cc",
		"Resent-Bcc", NULL};
	const char *const *names = fields;
	struct span rest = head;
	struct header_field field;

	while (header_next(&rest, &field))
		if (is_one_of(field.name, resent))
			names = resent;
	while (header_next(&head, &field))
		if (is_one_of(field.name, names))
			address_list_read(a, field.value, list);
}
