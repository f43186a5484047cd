/*
 * smtp_client_reply.c - reads the replies of a server.  See its header.
 *
 * Lines of different classes in one reply ("250-" and then "550 ") cannot be
 * trusted either way: they become a temporary failure.  An enhanced code of
 * another class than the reply's own is a leftover of something else, and is
 * dropped.
 */
#include "smtp/smtp_client_reply.h"

#include <string.h>

#include "base/banned.h"

#define CODE_BYTES 3
#define CODE_MIXED 451

void smtp_reply_init(struct smtp_reply_reader *r)
{
	*r = (struct smtp_reply_reader){.is_done = true, .is_line_done = true};
}

static void restart(struct smtp_reply_reader *r)
{
	if (r->is_done) {
		r->total_bytes = r->text_bytes = r->enhanced_bytes = 0;
		r->lines = 0;
		r->is_mixed = r->is_done = false;
	}
	if (r->is_line_done) {
		r->line_bytes = 0;
		r->is_line_done = false;
	}
}

/* Keeps what fits of the bytes up to an LF. */
static void keep(struct smtp_reply_reader *r, struct span piece)
{
	size_t room = SMTP_REPLY_LINE_BYTES - r->line_bytes;
	size_t n = piece.n < room ? piece.n : room;

	if (n > 0)
		memcpy(r->line + r->line_bytes, piece.p, n);
	r->line_bytes += n;
}

static void make_printable(struct smtp_reply_reader *r)
{
	while (r->line_bytes > 0 && (r->line[r->line_bytes - 1] == '\r' ||
			r->line[r->line_bytes - 1] == ' '))
		r->line_bytes--;
	for (size_t i = 0; i < r->line_bytes; i++)
		if (r->line[i] < 0x20 || r->line[i] > 0x7e)
			r->line[i] = r->line[i] == '\t' ? ' ' : '?';
}

/* RFC 5321 4.2: 2-5, 0-5, 0-9; a server of its own mind may say 9 in the
 * middle, so only the first digit is held to it. */
static bool take_code(struct smtp_reply_reader *r, struct span line,
	bool *out_is_last)
{
	uint32_t code;

	if (line.n < CODE_BYTES || line.p[0] < '2' || line.p[0] > '5' ||
		!ascii_is_digit(line.p[1]) || !ascii_is_digit(line.p[2]))
		return false;
	if (line.n > CODE_BYTES && line.p[3] != ' ' && line.p[3] != '-')
		return false;
	code = (uint32_t)(line.p[0] - '0') * 100 +
		(uint32_t)(line.p[1] - '0') * 10 + (uint32_t)(line.p[2] - '0');
	if (r->lines > 0 && code / 100 != r->code / 100)
		r->is_mixed = true;
	r->code = code;
	*out_is_last = line.n == CODE_BYTES || line.p[3] == ' ';
	return true;
}

/* Length of "5.1.1" at the start of s, with a blank or the end behind it; 0 if
 * there is none.  RFC 3463 2 */
static size_t enhanced_length(struct span s, uint32_t code)
{
	size_t at = 0;

	if (s.n == 0 || s.p[0] != '0' + code / 100)
		return 0;
	for (unsigned part = 0; part < 3; part++) {
		size_t from = at;

		while (at < s.n && at - from < 3 && ascii_is_digit(s.p[at]))
			at++;
		if (at == from)
			return 0;
		if (part < 2 && (at >= s.n || s.p[at++] != '.'))
			return 0;
	}
	return at == s.n || s.p[at] == ' ' ? at : 0;
}

static void take_text(struct smtp_reply_reader *r, struct span words)
{
	size_t enhanced = enhanced_length(words, r->code);
	size_t n;

	if (enhanced > 0 && enhanced <= SMTP_ENHANCED_BYTES) {
		memcpy(r->enhanced, words.p, enhanced);
		r->enhanced_bytes = enhanced;
		words = span_trim(span_tail(words, enhanced));
	}
	if (words.n == 0)
		return;
	if (r->text_bytes > 0 && r->text_bytes < SMTP_REPLY_TEXT_BYTES)
		r->text[r->text_bytes++] = ' ';
	n = SMTP_REPLY_TEXT_BYTES - r->text_bytes;
	n = words.n < n ? words.n : n;
	memcpy(r->text + r->text_bytes, words.p, n);
	r->text_bytes += n;
}

static void fill(const struct smtp_reply_reader *r, struct span words,
	struct smtp_reply *out)
{
	out->code = r->is_mixed ? CODE_MIXED : r->code;
	out->line = span_of(r->line, r->line_bytes);
	out->words = words;
	out->text = span_of(r->text, r->text_bytes);
	out->enhanced = span_of(r->enhanced, r->enhanced_bytes);
	if (r->enhanced_bytes > 0 && r->enhanced[0] != '0' + out->code / 100)
		out->enhanced = SPAN_EMPTY;
	out->lines = r->lines;
}

static enum smtp_reply_step take_line(struct smtp_reply_reader *r,
	struct smtp_reply *out)
{
	struct span line, words;
	bool is_last;

	make_printable(r);
	line = span_of(r->line, r->line_bytes);
	if (!take_code(r, line, &is_last)) {
		fill(r, SPAN_EMPTY, out);
		return SMTP_REPLY_BAD;
	}
	words = span_tail(line, CODE_BYTES + 1);
	take_text(r, words);
	r->lines++;
	r->is_done = is_last;
	fill(r, words, out);
	return is_last ? SMTP_REPLY_END : SMTP_REPLY_LINE;
}

enum smtp_reply_step smtp_reply_feed(struct smtp_reply_reader *r,
	struct span *in, struct smtp_reply *out)
{
	size_t end = span_find(*in, '\n');
	bool is_line = end < in->n;

	if (in->n == 0)
		return SMTP_REPLY_MORE;
	restart(r);
	keep(r, span_head(*in, end));
	r->total_bytes += is_line ? end + 1 : end;
	*in = span_tail(*in, is_line ? end + 1 : end);
	if (r->total_bytes > SMTP_REPLY_BYTES) {
		fill(r, SPAN_EMPTY, out);
		return SMTP_REPLY_BAD;
	}
	if (!is_line)
		return SMTP_REPLY_MORE;
	r->is_line_done = true;
	return take_line(r, out);
}
