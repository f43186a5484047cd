/*
 * flowed.c - text/plain; format=flowed.  See flowed.h.
 *
 * Reading a line: take its marks off, then one space of stuffing; if it is not
 * the separator of a signature and ends with a space, it flows.  Whether it
 * really goes on depends on the next line, which is looked at for that (RFC
 * 3676 4.5: a change of depth ends a paragraph, and so does a signature).
 */
#include "message/flowed.h"

#include "base/banned.h"

/* RFC 3676 4.3 */
#define SIGNATURE SPAN("-- ")

/* ---- reading ------------------------------------------------------------- */
void flowed_read_init(struct flowed_reader *r, struct span text,
	bool has_del_sp)
{
	*r = (struct flowed_reader){.rest = text, .has_del_sp = has_del_sp};
}

static struct span cut_line(struct span *rest)
{
	struct span line = span_cut(rest, '\n');

	if (span_ends(line, SPAN("\r")))
		line.n--;
	return line;
}

/* The line as if it stood alone: is_flowed if it wants to go on. */
static struct flowed_line take_apart(struct span text)
{
	struct flowed_line line = {0};

	while (line.depth < text.n && line.depth < FLOWED_DEPTH_MAX &&
		text.p[line.depth] == '>')
		line.depth++;
	text = span_tail(text, line.depth);
	if (span_starts(text, SPAN(" ")))
		text = span_tail(text, 1);
	line.text = text;
	line.is_signature = span_eq(text, SIGNATURE);
	line.is_flowed = !line.is_signature && span_ends(text, SPAN(" "));
	return line;
}

/* Does what follows belong to the paragraph of this line? */
static bool goes_on(const struct flowed_reader *r,
	const struct flowed_line *line)
{
	struct span rest = r->rest;
	struct flowed_line next;

	if (rest.n == 0)
		return false;
	next = take_apart(cut_line(&rest));
	return next.depth == line->depth && !next.is_signature;
}

bool flowed_next_line(struct flowed_reader *r, struct flowed_line *out)
{
	if (r->rest.n == 0)
		return false;
	*out = take_apart(cut_line(&r->rest));
	if (!out->is_flowed)
		return true;
	if (r->has_del_sp)
		out->text.n--;
	out->is_flowed = goes_on(r, out);
	return true;
}

bool flowed_next_paragraph(struct flowed_reader *r, struct buf *joined,
	struct flowed_line *out)
{
	struct flowed_line line;

	buf_reset(joined);
	if (!flowed_next_line(r, out))
		return false;
	buf_put_most(joined, out->text);
	line = *out;
	while (line.is_flowed) {
		(void)flowed_next_line(r, &line);
		buf_put_most(joined, line.text);
	}
	out->is_flowed = false;
	out->text = buf_span(joined);
	return true;
}

/* ---- writing ------------------------------------------------------------- */
/* How many bytes the first so many characters have. */
static size_t chars_len(struct span text, size_t chars)
{
	size_t n = 0;

	for (; n < text.n; n++) {
		if ((text.p[n] & 0xc0) == 0x80)
			continue;
		if (chars-- == 0)
			break;
	}
	return n;
}

/* The length up to and with the next space; without one all. */
static size_t len_with_space(struct span text, size_t from)
{
	size_t n = from + span_find(span_tail(text, from), ' ');

	return n < text.n ? n + 1 : text.n;
}

/* How much of the text the next line takes. */
static size_t fit(const struct flowed_style *style, size_t width,
	struct span text)
{
	size_t most = chars_len(text, width);
	size_t n;

	if (most == text.n)
		return most;
	n = span_find_last(span_head(text, most), ' ');
	if (n < most)
		n++;
	else
		n = style->has_del_sp ? most : len_with_space(text, most);
	/* such a line would read as a signature's separator */
	if (!style->has_del_sp && span_eq(span_head(text, n), SIGNATURE))
		n = len_with_space(text, n);
	return n;
}

static void put_line(struct buf *out, size_t depth, struct span text)
{
	for (size_t i = 0; i < depth; i++)
		buf_putc(out, '>');
	if (depth > 0 ? text.n > 0
		      : span_starts(text, SPAN(" ")) ||
			    span_starts(text, SPAN(">")) ||
			    span_starts(text, SPAN("From ")))
		buf_putc(out, ' ');
	buf_put(out, text);
}

static struct span without_spaces_at_end(struct span text)
{
	while (span_ends(text, SPAN(" ")))
		text.n--;
	return text;
}

static void put_paragraph(struct buf *out, const struct flowed_style *style,
	size_t depth, struct span text)
{
	/* the stuffing, and the space that DelSp takes off, count as well */
	size_t taken = depth + 1 + (style->has_del_sp ? 1 : 0);
	size_t width = FLOWED_WIDTH_MIN;
	size_t n;

	if (style->width > width + taken)
		width = style->width - taken;
	if (!span_eq(text, SIGNATURE))
		text = without_spaces_at_end(text);
	for (;;) {
		n = span_eq(text, SIGNATURE) ? text.n : fit(style, width, text);
		put_line(out, depth, span_head(text, n));
		text = span_tail(text, n);
		if (text.n == 0)
			break;
		buf_puts(out, style->has_del_sp ? " \r\n" : "\r\n");
	}
	buf_puts(out, "\r\n");
}

void flowed_put(struct buf *out, const struct flowed_style *style, size_t depth,
	struct span text)
{
	if (depth > FLOWED_DEPTH_MAX)
		depth = FLOWED_DEPTH_MAX;
	do {
		put_paragraph(out, style, depth, cut_line(&text));
	} while (text.n > 0);
}
