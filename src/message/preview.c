/*
 * preview.c - the line that a list of messages shows.  See preview.h.
 *
 *	body --body_text--> text --html_text, if it is HTML--> lines --> said
 *
 * Lines go one by one into two texts: `said`, what the writer of the message
 * said, and `all`.  The last two lines of `said` wait, for what follows them
 * can show that they only announce a quotation ("On Monday Bob wrote:").  It
 * ends when `said` is full.
 */
#include "message/preview.h"

#include "base/utf8.h"
#include "message/body_text.h"
#include "message/html_text.h"
#include "message/jmap_view.h"

#include "base/banned.h"

/* What is looked at of a line: enough to fill the preview. */
#define LINE_MAX  (2 * PREVIEW_BYTES_MAX)
#define HELD_MAX  2
#define SLICE     2048
#define TEXT_MAX  (SLICE * BODY_TEXT_GROWTH + 8192)
#define LINES_MAX (TEXT_MAX * HTML_TEXT_GROWTH + HTML_TEXT_SLACK)

/* One line of text that grows until it is full. */
struct folded {
	struct buf text;
	size_t chars;
	bool has_blank; /* one waits for the next character */
};

struct preview {
	struct folded said, all;
	struct buf line;           /* the one at hand */
	struct buf held[HELD_MAX]; /* lines of `said` that wait, oldest first */
	size_t held_count;
	bool has_ended; /* what follows is signature or an old message */
};

/* ---- characters ----------------------------------------------------- */

enum sight { SEEN, BLANK, UNSEEN, JOINER };

/* Ranges of characters that are not plainly seen. */
static const struct {
	uint32_t first, last;
	enum sight sight;
} sights[] = {
	{0x00, 0x20, BLANK},
	{0x7f, 0xa0, BLANK},
	{0xad, 0xad, UNSEEN},
	{0x34f, 0x34f, UNSEEN},
	{0x2000, 0x200a, BLANK},
	{0x200b, 0x200b, UNSEEN},
	/* they mean something in a word only */
	{0x200c, 0x200d, JOINER},
	{0x2028, 0x2029, BLANK},
	/* they would turn around what a list shows behind them */
	{0x202a, 0x202e, UNSEEN},
	{0x202f, 0x202f, BLANK},
	{0x205f, 0x205f, BLANK},
	{0x2060, 0x2069, UNSEEN},
	{0x3000, 0x3000, BLANK},
	{0xfeff, 0xfeff, UNSEEN},
};

/* Of a well-formed character. */
static uint32_t code_of(struct span c)
{
	static const uint8_t masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t code = c.p[0] & masks[c.n];

	for (size_t i = 1; i < c.n; i++)
		code = code << 6 | (c.p[i] & 0x3f);
	return code;
}

static enum sight sight_of(uint32_t code)
{
	for (size_t i = 0; i < sizeof(sights) / sizeof(sights[0]); i++)
		if (code <= sights[i].last)
			return code >= sights[i].first ? sights[i].sight : SEEN;
	return SEEN;
}

static bool is_full(const struct folded *f)
{
	return f->chars == PREVIEW_CHARS_MAX;
}

static void put_char(struct folded *f, struct span c)
{
	enum sight sight = sight_of(code_of(c));
	bool is_at_start = f->has_blank || f->chars == 0;

	if (sight == BLANK)
		f->has_blank = true;
	if (sight == BLANK || sight == UNSEEN ||
		(sight == JOINER && is_at_start) || is_full(f))
		return;
	if (f->has_blank && f->chars > 0) {
		buf_putc(&f->text, ' ');
		f->chars++;
	}
	f->has_blank = false;
	if (is_full(f)) {
		buf_truncate(&f->text, buf_len(&f->text) - 1);
		return;
	}
	buf_put(&f->text, c);
	f->chars++;
}

/* How many characters at the start are plain ones, each a byte. */
static size_t plain_len(struct span s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] > ' ' && s.p[n] < 0x7f)
		n++;
	return n;
}

/* The same as put_char for each of them: most text is of that kind. */
static void put_plain(struct folded *f, struct span run)
{
	size_t blank = f->has_blank && f->chars > 0 ? 1 : 0;

	f->has_blank = false;
	if (PREVIEW_CHARS_MAX - f->chars <= blank) {
		f->chars = PREVIEW_CHARS_MAX;
		return;
	}
	if (blank > 0)
		buf_putc(&f->text, ' ');
	run = span_head(run, PREVIEW_CHARS_MAX - f->chars - blank);
	buf_put(&f->text, run);
	f->chars += blank + run.n;
}

/* A line, and the blank behind it. */
static void put_line(struct folded *f, struct span line)
{
	while (line.n > 0 && !is_full(f)) {
		size_t n = plain_len(line);

		if (n > 0) {
			put_plain(f, span_head(line, n));
			line = span_tail(line, n);
			continue;
		}
		if (line.p[0] == ' ') {
			f->has_blank = true;
			line = span_tail(line, 1);
			continue;
		}
		n = utf8_char_len(line);
		/* the line may have been cut in a character */
		if (n > 0)
			put_char(f, span_head(line, n));
		line = span_tail(line, n == 0 ? 1 : n);
	}
	f->has_blank = true;
}

/* ---- lines ---------------------------------------------------------- */

/* A year, or a time: "2026", "12:30". */
static bool has_date(struct span s)
{
	size_t digits = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == ':' && digits > 0 && i + 1 < s.n &&
			ascii_is_digit(s.p[i + 1]))
			return true;
		digits = ascii_is_digit(s.p[i]) ? digits + 1 : 0;
		if (digits == 4)
			return true;
	}
	return false;
}

static bool has_word(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (ascii_is_alpha(s.p[i]) || ascii_is_digit(s.p[i]) ||
			s.p[i] >= 0x80)
			return true;
	return false;
}

/* "-- ", RFC 3676 4.3; many lose the blank. */
static bool is_signature(struct span line)
{
	return span_eq(line, SPAN("-- ")) || span_eq(line, SPAN("--"));
}

/* A line of dashes with words between them. */
static bool is_ruled(struct span line)
{
	return span_starts(line, SPAN("-----")) &&
		span_ends(line, SPAN("-----"));
}

/* "-----Original Message-----", "---------- Forwarded message ---------", and
 * what they are in the languages that call it so. */
static bool is_old_message(struct span line)
{
	static const struct span words[] = {SPAN_INIT("riginal"),
		SPAN_INIT("rigine"), SPAN_INIT("rspr\xc3\xbcng"),
		SPAN_INIT("orwarded")};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (span_find_span(line, words[i]) < line.n)
			return is_ruled(line);
	return false;
}

static void release(struct preview *p)
{
	for (size_t i = 0; i < p->held_count; i++)
		put_line(&p->said, buf_span(&p->held[i]));
	p->held_count = 0;
}

/* The lines that wait when a quotation begins: "On Monday Bob wrote:", which
 * may be folded.  Known in any language by its colon, and by the date. */
static void drop_announcement(struct preview *p)
{
	struct span last;

	if (p->held_count == 0)
		return;
	last = buf_span(&p->held[p->held_count - 1]);
	if (!span_ends(last, SPAN(":")))
		return;
	p->held_count--;
	if (p->held_count > 0 && !has_date(last) &&
		has_date(buf_span(&p->held[p->held_count - 1])))
		p->held_count--;
}

static void hold(struct preview *p, struct span line)
{
	if (p->held_count == HELD_MAX) {
		struct buf oldest = p->held[0];

		put_line(&p->said, buf_span(&oldest));
		for (size_t i = 1; i < HELD_MAX; i++)
			p->held[i - 1] = p->held[i];
		p->held[--p->held_count] = oldest;
	}
	buf_reset(&p->held[p->held_count]);
	buf_put(&p->held[p->held_count++], line);
}

/* Has the writer said something? */
static bool has_said(const struct preview *p)
{
	return p->said.chars > 0 || p->held_count > 0;
}

static void take_line(struct preview *p, struct span line)
{
	struct span bare = span_trim(line);

	if (p->said.chars == 0)
		put_line(&p->all, line);
	if (bare.n == 0 || p->has_ended)
		return;
	if (is_signature(line) || (is_old_message(bare) && has_said(p))) {
		p->has_ended = true;
		return;
	}
	if (bare.p[0] == '>') {
		drop_announcement(p);
		release(p);
		return;
	}
	if (has_word(bare) && !is_ruled(bare))
		hold(p, bare);
}

/* Text of any length, whose lines may go on in the next. */
static void take_text(struct preview *p, struct span text)
{
	while (text.n > 0) {
		size_t n = span_find(text, '\n');

		buf_put(&p->line, span_head(span_head(text, n),
			buf_left(&p->line)));
		if (n < text.n) {
			take_line(p, buf_span(&p->line));
			buf_reset(&p->line);
		}
		text = span_tail(text, n + 1);
	}
}

/* ---- parts ---------------------------------------------------------- */

/* The bytes of the part that are at hand. */
static struct span body_of(const struct mime_part *part, struct span beginning)
{
	if (part->body_start >= beginning.n)
		return SPAN_EMPTY;
	return span_head(span_tail(beginning, (size_t)part->body_start),
		part->body_end - part->body_start > beginning.n
			? beginning.n
			: (size_t)(part->body_end - part->body_start));
}

static bool is_done(const struct preview *p)
{
	return is_full(&p->said) || (p->has_ended && has_said(p));
}

static void read_plain(struct preview *p, const struct mime_part *part,
	struct span body)
{
	struct body_text text;
	struct buf out;

	buf_init(&out, TEXT_MAX);
	body_text_init(&text, part);
	for (; body.n > 0 && !is_done(p); body = span_tail(body, SLICE)) {
		body_text_feed(&text, span_head(body, SLICE), &out);
		take_text(p, buf_span(&out));
		buf_reset(&out);
	}
	body_text_end(&text, &out);
	take_text(p, buf_span(&out));
	buf_clear(&out);
}

static void feed_html(struct preview *p, struct html_text *html,
	struct buf *text, struct buf *lines)
{
	html_text_feed(html, buf_span(text), lines);
	buf_reset(text);
	take_text(p, buf_span(lines));
	buf_reset(lines);
}

static void read_html(struct preview *p, const struct mime_part *part,
	struct span body)
{
	struct body_text text;
	struct html_text html;
	struct buf out, lines;

	buf_init(&out, TEXT_MAX);
	buf_init(&lines, LINES_MAX);
	body_text_init(&text, part);
	html_text_init(&html, false);
	for (; body.n > 0 && !is_done(p); body = span_tail(body, SLICE)) {
		body_text_feed(&text, span_head(body, SLICE), &out);
		feed_html(p, &html, &out, &lines);
	}
	body_text_end(&text, &out);
	feed_html(p, &html, &out, &lines);
	html_text_end(&html, &lines);
	take_text(p, buf_span(&lines));
	buf_clear(&out);
	buf_clear(&lines);
}

static void read_part(struct preview *p, const struct mime_part *part,
	struct span beginning)
{
	struct span body = body_of(part, beginning);

	p->has_ended = false;
	if (body.n == 0)
		return;
	if (mime_is_type(part, SPAN("text"), SPAN("html")))
		read_html(p, part, body);
	else
		read_plain(p, part, body);
	take_line(p, buf_span(&p->line));
	buf_reset(&p->line);
	release(p);
}

/* Reads the texts of the list until one says something. */
static void read_list(struct preview *p, const struct mime_tree *t,
	const struct jmap_parts *list, struct span beginning)
{
	for (uint32_t i = 0; i < list->count && !has_said(p); i++) {
		const struct mime_part *part = &t->parts[list->items[i]];

		if (span_eq_fold(part->type, SPAN("text")))
			read_part(p, part, beginning);
	}
}

static void init(struct preview *p)
{
	*p = (struct preview){.held_count = 0};
	buf_init(&p->said.text, PREVIEW_BYTES_MAX);
	buf_init(&p->all.text, PREVIEW_BYTES_MAX);
	buf_init(&p->line, LINE_MAX);
	for (size_t i = 0; i < HELD_MAX; i++)
		buf_init(&p->held[i], LINE_MAX);
}

static void clear(struct preview *p)
{
	buf_clear(&p->said.text);
	buf_clear(&p->all.text);
	buf_clear(&p->line);
	for (size_t i = 0; i < HELD_MAX; i++)
		buf_clear(&p->held[i]);
}

void preview_put(struct buf *out, struct arena *a, const struct mime_tree *t,
	struct span beginning)
{
	struct jmap_bodies bodies;
	struct preview p;

	jmap_bodies_find(a, t, &bodies);
	init(&p);
	read_list(&p, t, &bodies.text, beginning);
	if (p.all.chars == 0)
		read_list(&p, t, &bodies.html, beginning);
	buf_put(out, buf_span(p.said.chars > 0 ? &p.said.text : &p.all.text));
	clear(&p);
}
