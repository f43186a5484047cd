/*
 * fuzz_flowed.c - text in format=flowed.
 *
 * Any text has paragraphs whose bytes come from its lines; written at any
 * width and read again they are the same.  The first byte is the style.
 */
#include <stddef.h>
#include <stdint.h>

#include "message/flowed.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static bool is_separator(struct span text)
{
	return span_eq(text, SPAN("-- "));
}

/* What the writer promises to keep. */
static struct span kept(const struct flowed_line *paragraph)
{
	struct span text = paragraph->text;

	while (!is_separator(paragraph->text) && span_ends(text, SPAN(" ")))
		text.n--;
	return text;
}

static bool is_writable(struct span text)
{
	return span_find(text, '\r') == text.n;
}

static void check_lines(struct span text, bool has_del_sp)
{
	struct flowed_reader r;
	struct flowed_line line;
	const uint8_t *end = text.p;

	flowed_read_init(&r, text, has_del_sp);
	while (flowed_next_line(&r, &line)) {
		must(line.depth <= FLOWED_DEPTH_MAX);
		must(line.text.p >= end);
		must(line.text.p + line.text.n <= text.p + text.n);
		must(!line.is_flowed || !line.is_signature);
		end = line.text.p + line.text.n;
	}
}

static void check_paragraph(const struct flowed_line *paragraph,
	const struct flowed_style *style)
{
	struct flowed_reader r;
	struct flowed_line again;
	struct buf lines, joined;
	size_t n = paragraph->text.n;

	buf_init(&lines, n * (FLOWED_DEPTH_MAX + 8) + 256);
	buf_init(&joined, n);
	flowed_put(&lines, style, paragraph->depth, paragraph->text);
	must(!lines.overflow);
	flowed_read_init(&r, buf_span(&lines), style->has_del_sp);
	must(flowed_next_paragraph(&r, &joined, &again));
	must(again.depth == paragraph->depth);
	must(again.is_signature == is_separator(paragraph->text));
	must(span_eq(again.text, kept(paragraph)));
	must(!flowed_next_paragraph(&r, &joined, &again));
	buf_clear(&lines);
	buf_clear(&joined);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span in = span_of(p, n);
	struct flowed_style style;
	struct flowed_reader r;
	struct flowed_line paragraph;
	struct buf joined;

	if (n == 0)
		return 0;
	style = (struct flowed_style){in.p[0] & 127, in.p[0] > 127};
	in = span_tail(in, 1);
	check_lines(in, style.has_del_sp);
	buf_init(&joined, n);
	flowed_read_init(&r, in, style.has_del_sp);
	while (flowed_next_paragraph(&r, &joined, &paragraph)) {
		must(!joined.overflow);
		if (is_writable(paragraph.text))
			check_paragraph(&paragraph, &style);
	}
	buf_clear(&joined);
	return 0;
}
