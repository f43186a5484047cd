/*
 * imap_line.c - one command out of a stream of bytes.  See imap_line.h.
 *
 *	            "{n}" CRLF               keep
 *	IN_COMMAND -----------> DECIDING -----------> KEEPING ----.
 *	  ^  ^                   |  | | stream                    |
 *	  |  |  refuse, {n}      |  | '-------> STREAMING --------+ n bytes
 *	  |  '-------------------'  | refuse, {n+}   | drop       |
 *	  |                         '-------> SKIPPING <----------|
 *	  '-------------------------------------------------------'
 *
 *	IN_COMMAND <--> IN_TEXT   by imap_line_want_text, for one line
 *	any -- more than thrown_max --> LOST --> OVER
 *
 * A line that is thrown away is looked at too: if it ends in {n+}, its client
 * goes on with n bytes, which are no command.  In {n}, it waits, and hears our
 * BAD.
 *
 * What an event says does not hang on how the bytes were cut into pieces.
 */
#include "imap/imap_line.h"

#include <string.h>

#include "base/num.h"

#include "base/banned.h"

/* A buffer that grew is given back when its command is over. */
#define ROOM_KEPT 4096
/* "{18446744073709551615" */
#define DIGITS_MAX 20

void imap_line_init(struct imap_line *l, const struct imap_line_limits *limits)
{
	*l = (struct imap_line){.limits = *limits};
	buf_init(&l->text, 0);
}

void imap_line_wipe(struct imap_line *l)
{
	if (l->text.p != NULL)
		explicit_bzero(l->text.p, l->text.room);
	explicit_bzero(l->tail, sizeof(l->tail));
}

void imap_line_clear(struct imap_line *l)
{
	imap_line_wipe(l);
	buf_clear(&l->text);
}

void imap_line_set_limits(
	struct imap_line *l, const struct imap_line_limits *limits)
{
	l->limits = *limits;
}

bool imap_line_is_idle(const struct imap_line *l)
{
	return (l->state == IMAP_LINE_IN_COMMAND ||
		       l->state == IMAP_LINE_IN_TEXT) &&
	       (l->is_told || (!l->is_refused && !l->is_rest &&
				      buf_len(&l->text) == 0));
}

static void lose(struct imap_line *l, const char *why)
{
	l->state = IMAP_LINE_LOST;
	l->why = why;
}

/* ---- the text ----------------------------------------------------------- */
/* Grows by hand: what realloc leaves behind may be a password. */
static void add(struct imap_line *l, struct span s)
{
	struct buf bigger;

	if (l->text.room - l->text.end < s.n) {
		buf_init(&bigger, SIZE_MAX / 4);
		(void)buf_reserve(&bigger, 2 * (buf_len(&l->text) + s.n));
		buf_put(&bigger, buf_span(&l->text));
		imap_line_clear(l);
		l->text = bigger;
	}
	buf_put(&l->text, s);
}

static void begin(struct imap_line *l)
{
	if (l->text.room > ROOM_KEPT)
		imap_line_clear(l);
	buf_reset(&l->text);
	l->line_start = 0;
	l->head_len = 0;
	l->tag_len = 0;
	l->has_head = false;
	l->is_rest = false;
	l->is_refused = false;
	l->is_too_long = false;
	l->is_told = false;
	l->tail_len = 0;
	l->thrown = 0;
}

/* RFC 9051 9: any ASTRING-CHAR except "+" */
static bool is_tag_char(uint8_t c)
{
	const struct span others = SPAN("(){%*\"\\+");

	return c > ' ' && c < 0x7f && span_find(others, c) == others.n;
}

static void cut_head(struct imap_line *l)
{
	struct span text = buf_span(&l->text);
	size_t n = 0;

	if (l->has_head || l->is_rest)
		return;
	l->has_head = true;
	while (n < text.n && n < IMAP_TAG_MAX && is_tag_char(text.p[n]))
		n++;
	if (n == 0 || (n < text.n && text.p[n] != ' '))
		return;
	memcpy(l->tag, text.p, n);
	l->tag_len = n;
	l->head_len = n < text.n ? n + 1 : n;
}

static enum imap_line_event tell(struct imap_line *l,
	enum imap_line_event event, struct imap_line_got *out)
{
	cut_head(l);
	out->tag = span_of(l->tag, l->tag_len);
	out->text = span_tail(buf_span(&l->text), l->head_len);
	out->is_rest = l->is_rest;
	if (!l->is_rest)
		out->line = buf_span(&l->text);
	return event;
}

static enum imap_line_event tell_last(struct imap_line *l,
	enum imap_line_event event, struct imap_line_got *out)
{
	l->is_told = true;
	l->state = IMAP_LINE_IN_COMMAND;
	return tell(l, event, out);
}

/* ---- lines -------------------------------------------------------------- */
/* How long this line may be, without its CR LF. */
static size_t line_room(const struct imap_line *l)
{
	size_t left = l->limits.command_max > l->line_start
			      ? l->limits.command_max - l->line_start
			      : 0;

	if (l->state == IMAP_LINE_IN_TEXT)
		return l->text_max + 1;
	return left < l->limits.line_max ? left : l->limits.line_max;
}

static void keep_tail(struct imap_line *l, struct span piece)
{
	size_t over;

	if (piece.n >= sizeof(l->tail)) {
		piece = span_tail(piece, piece.n - sizeof(l->tail));
		l->tail_len = 0;
	}
	over = l->tail_len + piece.n;
	over = over > sizeof(l->tail) ? over - sizeof(l->tail) : 0;
	memmove(l->tail, l->tail + over, l->tail_len - over);
	l->tail_len -= over;
	if (piece.n > 0)
		memcpy(l->tail + l->tail_len, piece.p, piece.n);
	l->tail_len += piece.n;
}

static void throw_away(struct imap_line *l, struct span piece)
{
	keep_tail(l, piece);
	l->thrown += piece.n;
	if (l->thrown > l->limits.thrown_max)
		lose(l, "line too long");
}

static bool is_thrown(const struct imap_line *l)
{
	return l->is_refused || l->is_too_long;
}

/* A piece of a line, without its LF. */
static void gather(struct imap_line *l, struct span piece)
{
	size_t room = line_room(l);
	size_t len = buf_len(&l->text) - l->line_start;
	size_t all = len + piece.n;

	if (piece.n == 0)
		return;
	if (is_thrown(l)) {
		throw_away(l, piece);
		return;
	}
	/* one more is the CR, for now */
	if (all <= room || (all == room + 1 && piece.p[piece.n - 1] == '\r')) {
		add(l, piece);
		return;
	}
	l->is_too_long = true;
	keep_tail(l, span_tail(buf_span(&l->text), l->line_start));
	if (len > room) {
		/* what was kept for a CR is none */
		buf_truncate(&l->text, l->line_start + room);
		l->thrown += len - room;
	} else {
		add(l, span_head(piece, room - len));
		keep_tail(l, span_head(piece, room - len));
		piece = span_tail(piece, room - len);
	}
	throw_away(l, piece);
}

static struct span without_cr(struct span line)
{
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

/* Does the line end in a literal?  In a tail the "{" may be cut off, before
 * more digits than a size has. */
static bool find_literal(
	struct span line, bool is_tail, struct imap_literal *out)
{
	size_t end = line.n;
	size_t start;

	*out = (struct imap_literal){.is_waiting = true};
	if (end == 0 || line.p[--end] != '}')
		return false;
	if (end > 0 && line.p[end - 1] == '+') {
		out->is_waiting = false;
		end--;
	}
	for (start = end; start > 0 && ascii_is_digit(line.p[start - 1]);)
		start--;
	if (start == end)
		return false;
	if (!num_parse_u64(span_of(line.p + start, end - start), INT64_MAX,
		    &out->size))
		out->size = UINT64_MAX;
	if (start == 0 && is_tail && end >= DIGITS_MAX)
		out->size = UINT64_MAX;
	else if (start == 0 || line.p[start - 1] != '{')
		return false;
	out->is_binary = start > 1 && line.p[start - 2] == '~';
	return true;
}

/* The end of a line that is thrown away. */
static enum imap_line_event end_thrown(
	struct imap_line *l, struct imap_line_got *out)
{
	struct span tail = without_cr(span_of(l->tail, l->tail_len));

	if (find_literal(tail, true, &l->literal) && !l->literal.is_waiting) {
		imap_line_refuse(l);
		return IMAP_LINE_MORE;
	}
	if (l->is_refused) {
		begin(l);
		return IMAP_LINE_MORE;
	}
	return tell_last(l, IMAP_LINE_TOO_LONG, out);
}

static enum imap_line_event end_line(
	struct imap_line *l, struct imap_line_got *out)
{
	struct span line;

	if (l->state == IMAP_LINE_IN_TEXT) {
		line = buf_span(&l->text);
		if (!l->is_too_long)
			buf_truncate(&l->text, without_cr(line).n);
		l->has_head = true; /* there is none */
		return tell_last(l, IMAP_LINE_TEXT, out);
	}
	if (is_thrown(l))
		return end_thrown(l, out);
	line = without_cr(span_tail(buf_span(&l->text), l->line_start));
	buf_truncate(&l->text, l->line_start + line.n);
	if (!find_literal(line, false, &l->literal))
		return tell_last(l, IMAP_LINE_COMMAND, out);
	cut_head(l);
	add(l, SPAN("\r\n"));
	l->state = IMAP_LINE_DECIDING;
	out->literal = l->literal;
	return tell(l, IMAP_LINE_LITERAL, out);
}

static enum imap_line_event take_line(
	struct imap_line *l, struct span *in, struct imap_line_got *out)
{
	size_t n = span_find(*in, '\n');
	bool is_complete = n < in->n;

	if (l->is_told && in->n > 0)
		begin(l);
	gather(l, span_head(*in, n));
	*in = span_tail(*in, is_complete ? n + 1 : n);
	if (!is_complete || l->state == IMAP_LINE_LOST)
		return IMAP_LINE_MORE;
	return end_line(l, out);
}

/* ---- literals ----------------------------------------------------------- */
bool imap_line_may_keep(const struct imap_line *l)
{
	size_t used = buf_len(&l->text);

	return l->literal.size <= l->limits.literal_max &&
	       used <= l->limits.command_max &&
	       l->literal.size <= l->limits.command_max - used;
}

static void decide(struct imap_line *l, enum imap_line_state next)
{
	must(l->state == IMAP_LINE_DECIDING);
	l->left = l->literal.size;
	l->state = next;
}

void imap_line_keep(struct imap_line *l)
{
	must(imap_line_may_keep(l));
	decide(l, IMAP_LINE_KEEPING);
}

void imap_line_stream(struct imap_line *l)
{
	must(l->literal.size <= INT64_MAX);
	decide(l, IMAP_LINE_STREAMING);
	buf_reset(&l->text);
	l->head_len = 0;
	l->line_start = 0;
	l->is_rest = true;
}

static void skip(struct imap_line *l)
{
	l->state = IMAP_LINE_SKIPPING;
	l->tail_len = 0;
}

void imap_line_refuse(struct imap_line *l)
{
	must(l->state == IMAP_LINE_DECIDING || is_thrown(l));
	if (l->literal.is_waiting) {
		l->state = IMAP_LINE_IN_COMMAND;
		l->is_told = true;
		return;
	}
	if (l->thrown > l->limits.thrown_max ||
		l->literal.size > l->limits.thrown_max - l->thrown) {
		lose(l, "literal too big");
		return;
	}
	if (!l->is_too_long)
		l->is_refused = true;
	l->thrown += l->literal.size;
	l->left = l->literal.size;
	skip(l);
}

void imap_line_drop(struct imap_line *l)
{
	must(l->is_rest && l->state != IMAP_LINE_DECIDING);
	l->is_refused = true;
	if (l->state == IMAP_LINE_STREAMING)
		skip(l);
}

/* Cuts off what is there of the literal; true: nothing is left of it. */
static bool take_literal(
	struct imap_line *l, struct span *in, struct span *out_bytes)
{
	*out_bytes = l->left < in->n ? span_head(*in, (size_t)l->left) : *in;
	*in = span_tail(*in, out_bytes->n);
	l->left -= out_bytes->n;
	return l->left == 0;
}

static enum imap_line_event take_bytes(
	struct imap_line *l, struct span *in, struct imap_line_got *out)
{
	bool is_last = take_literal(l, in, &out->bytes);

	if (l->state == IMAP_LINE_KEEPING)
		add(l, out->bytes);
	if (l->state == IMAP_LINE_STREAMING && (is_last || out->bytes.n > 0)) {
		out->is_last = is_last;
		out->tag = span_of(l->tag, l->tag_len);
		if (is_last)
			l->state = IMAP_LINE_IN_COMMAND;
		return IMAP_LINE_BYTES;
	}
	if (is_last) {
		l->state = IMAP_LINE_IN_COMMAND;
		l->line_start = buf_len(&l->text);
	}
	return IMAP_LINE_MORE;
}

/* ---- the face ----------------------------------------------------------- */
void imap_line_want_text(struct imap_line *l, size_t max)
{
	must(imap_line_is_idle(l));
	l->state = IMAP_LINE_IN_TEXT;
	l->text_max = max;
}

static enum imap_line_event take_one(
	struct imap_line *l, struct span *in, struct imap_line_got *out)
{
	switch (l->state) {
	case IMAP_LINE_IN_COMMAND:
	case IMAP_LINE_IN_TEXT:
		return take_line(l, in, out);
	case IMAP_LINE_KEEPING:
	case IMAP_LINE_STREAMING:
	case IMAP_LINE_SKIPPING:
		return take_bytes(l, in, out);
	case IMAP_LINE_LOST:
		l->state = IMAP_LINE_OVER;
		out->why = l->why;
		return IMAP_LINE_END;
	case IMAP_LINE_DECIDING:
	case IMAP_LINE_OVER:
		return IMAP_LINE_MORE;
	}
	unreachable();
}

enum imap_line_event imap_line_take(
	struct imap_line *l, struct span *in, struct imap_line_got *out)
{
	enum imap_line_event event = IMAP_LINE_MORE;
	enum imap_line_state before;
	size_t had;

	*out = (struct imap_line_got){0};
	do {
		before = l->state;
		had = in->n;
		event = take_one(l, in, out);
	} while (
		event == IMAP_LINE_MORE && (in->n < had || l->state != before));
	if (event != IMAP_LINE_BYTES)
		out->bytes = SPAN_EMPTY;
	return event;
}
