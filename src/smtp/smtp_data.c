/*
 * smtp_data.c - the bytes of a message, as they come.  See smtp_data.h.
 *
 *	         CR             LF
 *	TEXT ─────────▶ CR ─────────────▶ LINE ──── "." ───▶ DOT
 *	  ▲              │ else: BARE      │ else             │ CR    else
 *	  └──────────────┴─────────────────┘◀─────────────────┼──────┐
 *	                                                      ▼      │
 *	                              DONE ◀───── LF ─────  DOT_CR ──┘ BARE
 *
 * A line begins only after CR LF, so only CR LF . CR LF can end a message; no
 * form of a CR or LF alone can, which is what SMTP smuggling needs (CVE-2023-
 * 51764 and its kin).  A message with such bytes is framed to its real end
 * and then refused, so the session goes on.  RFC 5321 2.3.8, 4.1.1.4
 *
 * A CR or a dot at the end of a piece is remembered in the state; the dot is
 * handed out never, the CR at once, so nothing is kept back.
 */
#include "smtp/smtp_data.h"

#include <string.h>

#include "base/banned.h"

void smtp_data_init(struct smtp_data *d, bool has_dots)
{
	*d = (struct smtp_data){.has_dots = has_dots, .line_is_empty = true};
}

/* ---- the header section --------------------------------------------------- */

static void end_name(struct smtp_data *d)
{
	static const uint32_t all = sizeof("received") - 1;

	if (d->name_match == all && d->name_len == all)
		d->received++;
	if (d->name_len > SMTP_FIELD_NAME_MAX)
		d->faults |= SMTP_FAULT_HEADER;
	d->header_at = SMTP_HEADER_VALUE;
}

/* One byte of a field's name, RFC 5322 2.2; blanks before the colon are
 * forgiven, RFC 5322 4.5.  Anything else means that this is no field, so the
 * body has begun.  Deliberate: message/mime.h passes over such a line; but here
 * a body without a head must not fall under the limits of heads. */
static void take_name_byte(struct smtp_data *d, uint8_t c)
{
	static const char received[] = "received";
	bool is_blank = c == ' ' || c == '\t';

	if (c == ':' && d->name_len > 0) {
		end_name(d);
	} else if (is_blank && d->name_len == 0) {
		d->header_at = SMTP_HEADER_VALUE; /* a fold */
	} else if (is_blank) {
		d->name_ended = true;
	} else if (d->name_ended || c == ':' || c < '!' || c > '~') {
		d->header_at = SMTP_HEADER_OVER;
	} else {
		if (d->name_match == d->name_len &&
			d->name_match < sizeof(received) - 1 &&
			ascii_lower(c) == (uint8_t)received[d->name_match])
			d->name_match++;
		d->name_len++;
	}
}

static void scan_header(struct smtp_data *d, struct span text)
{
	bool begins = d->line_is_empty && text.n > 0;

	if (begins && text.p[0] != ' ' && text.p[0] != '\t')
		d->field_bytes = 0;
	d->field_bytes += text.n;
	if (d->field_bytes > SMTP_FIELD_BYTES_MAX)
		d->faults |= SMTP_FAULT_HEADER;
	for (size_t i = 0; i < text.n && d->header_at == SMTP_HEADER_NAME; i++)
		take_name_byte(d, text.p[i]);
}

static void end_header_line(struct smtp_data *d)
{
	if (d->header_at == SMTP_HEADER_NAME) /* empty, or without a colon */
		d->header_at = SMTP_HEADER_OVER;
	if (d->header_at == SMTP_HEADER_OVER)
		return;
	d->header_at = SMTP_HEADER_NAME;
	d->name_len = d->name_match = 0;
	d->name_ended = false;
	if (++d->header_lines > SMTP_HEADER_LINES_MAX)
		d->faults |= SMTP_FAULT_HEADER;
}

/* ---- lines ------------------------------------------------------------------ */

static void end_line(struct smtp_data *d)
{
	if (d->header_at != SMTP_HEADER_OVER)
		end_header_line(d);
	d->line_is_empty = true;
	d->at = SMTP_AT_LINE;
}

/* A run without CR. */
static void take_text(struct smtp_data *d, struct span text)
{
	if (text.n == 0)
		return;
	if (memchr(text.p, '\n', text.n) != NULL)
		d->faults |= SMTP_FAULT_BARE;
	if (d->header_at != SMTP_HEADER_OVER)
		scan_header(d, text);
	d->line_is_empty = false;
	d->at = SMTP_AT_TEXT;
}

static bool ends_at_dot(const struct smtp_data *d, struct span in, size_t i)
{
	return d->has_dots && d->at == SMTP_AT_LINE && i < in.n &&
		in.p[i] == '.';
}

/* From i to the end, or to a dot that begins a line. */
static size_t scan_lines(struct smtp_data *d, struct span in, size_t i)
{
	while (i < in.n && !ends_at_dot(d, in, i)) {
		struct span rest = span_tail(in, i);

		if (d->at == SMTP_AT_CR && rest.p[0] == '\n') {
			end_line(d);
			i++;
			continue;
		}
		if (d->at == SMTP_AT_CR) {
			d->faults |= SMTP_FAULT_BARE;
			d->line_is_empty = false;
			d->at = SMTP_AT_TEXT;
		}
		rest = span_head(rest, span_find(rest, '\r'));
		take_text(d, rest);
		i += rest.n;
		if (i < in.n) {
			d->at = SMTP_AT_CR;
			i++;
		}
	}
	return i;
}

static bool has_high_byte(struct span s)
{
	uint64_t seen = 0;
	size_t i = 0;

	for (; i + sizeof(seen) <= s.n; i += sizeof(seen)) {
		uint64_t word;

		memcpy(&word, s.p + i, sizeof(word));
		seen |= word;
	}
	for (; i < s.n; i++)
		seen |= s.p[i];
	return (seen & 0x8080808080808080u) != 0;
}

static void look_at_bytes(struct smtp_data *d, struct span body)
{
	if (body.n == 0)
		return;
	if (memchr(body.p, '\0', body.n) != NULL)
		d->faults |= SMTP_FAULT_NUL;
	if (!d->has_8bit)
		d->has_8bit = has_high_byte(body);
}

/* What follows a dot that began a line; how many bytes that takes. */
static size_t leave_dot(struct smtp_data *d, struct span in,
	enum step *out_step)
{
	size_t i = 0;

	*out_step = MORE;
	if (d->at == SMTP_AT_DOT && i < in.n) {
		bool is_cr = in.p[i] == '\r';

		d->at = is_cr ? SMTP_AT_DOT_CR : SMTP_AT_TEXT;
		i += is_cr;
	}
	if (d->at == SMTP_AT_DOT_CR && i < in.n) {
		if (in.p[i] == '\n') {
			*out_step = DONE;
			return i + 1;
		}
		d->faults |= SMTP_FAULT_BARE;
		d->at = SMTP_AT_TEXT;
	}
	return i;
}

enum step smtp_data_scan(struct smtp_data *d, struct span in,
	size_t *out_taken, struct span *out_body)
{
	enum step step;
	size_t from = leave_dot(d, in, &step);
	size_t to = from;

	if (step != DONE) {
		to = scan_lines(d, in, from);
		*out_body = span_head(span_tail(in, from), to - from);
		look_at_bytes(d, *out_body);
		if (ends_at_dot(d, in, to)) {
			d->at = SMTP_AT_DOT;
			to++;
			to += leave_dot(d, span_tail(in, to), &step);
		}
	} else {
		*out_body = SPAN_EMPTY;
	}
	*out_taken = to;
	return step;
}

void smtp_data_end(struct smtp_data *d)
{
	if (d->at == SMTP_AT_CR)
		d->faults |= SMTP_FAULT_BARE;
}
