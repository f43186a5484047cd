/*
 * fuzz_html_text.c - HTML as plain text.
 *
 * The text is the same for every split, within the growth that is promised,
 * free of control characters, and UTF-8 if the HTML is.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/utf8.h"
#include "message/html_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void convert(struct buf *out, struct span html, size_t step)
{
	struct html_text h;

	html_text_init(&h, true);
	for (; html.n > 0; html = span_tail(html, step))
		html_text_feed(&h, span_head(html, step), out);
	html_text_end(&h, out);
}

static void check_text(struct span html, struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		must((text.p[i] >= ' ' && text.p[i] != 0x7f) ||
			text.p[i] == '\n');
	if (utf8_is_valid(html))
		must(utf8_is_valid(text));
	if (text.n > 0)
		must(text.p[text.n - 1] == '\n');
	must(span_find_span(text, SPAN("\n\n\n")) == text.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span html = span_of(p, n);
	struct buf whole, split;

	if (n == 0)
		return 0;
	buf_init(&whole, n * HTML_TEXT_GROWTH + HTML_TEXT_SLACK);
	buf_init(&split, n * HTML_TEXT_GROWTH + HTML_TEXT_SLACK);
	html_text_put(&whole, html, true);
	must(!whole.overflow);
	check_text(html, buf_span(&whole));
	convert(&split, html, 1 + p[0] % 16);
	must(span_eq(buf_span(&whole), buf_span(&split)));
	buf_clear(&whole);
	buf_clear(&split);
	return 0;
}
