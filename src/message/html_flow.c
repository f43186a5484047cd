/*
 * html_flow.c - the lines that are written of an HTML text.  See html_text.h.
 *
 * What is written waits until text comes: line ends and blanks that nothing
 * follows, or that double, never come out (flush).
 */
#include <string.h>

#include "codec/charset.h"
#include "message/html_entity.h"
#include "message/html_text_int.h"

#include "base/banned.h"

#define PRE_BLANKS_MAX 80
#define TAB            8
#define LIST_NUMBER_MAX 9999
#define NO_BREAK       0xa0
#define SOFT_HYPHEN    0xad

/* ---- writing -------------------------------------------------------- */

void html_need_break(struct html_text *h, uint8_t breaks)
{
	if (breaks > h->breaks)
		h->breaks = breaks;
	h->blanks = 0;
}

static void put_repeated(struct buf *out, const char *text, size_t times)
{
	for (; times > 0; times--)
		buf_puts(out, text);
}

/* How deep we show it. */
size_t html_nest(uint8_t depth)
{
	return depth < HTML_NEST_MAX ? depth : HTML_NEST_MAX;
}

static void put_mark(struct html_text *h, struct buf *out)
{
	uint16_t *number = &h->numbers[html_nest(h->lists) - 1];

	h->has_mark = false;
	if (*number == 0) {
		buf_puts(out, "- ");
		return;
	}
	buf_put_u64(out, *number);
	buf_puts(out, ". ");
	if (*number < LIST_NUMBER_MAX)
		++*number;
}

/* What waited for text is written. */
static void flush(struct html_text *h, struct buf *out)
{
	size_t quotes = html_nest(h->quotes);
	size_t common = quotes < h->line_quotes ? quotes : h->line_quotes;

	if (h->breaks > 0)
		h->is_line_open = false;
	for (; h->breaks > 0 && h->has_text; h->breaks--) {
		buf_putc(out, '\n');
		if (h->breaks > 1)
			put_repeated(out, ">", common);
	}
	h->breaks = 0;
	h->line_quotes = (uint8_t)quotes;
	if (!h->is_line_open) {
		put_repeated(out, ">", quotes);
		put_repeated(out, " ", quotes > 0);
		if (h->lists > 1)
			put_repeated(out, "  ", html_nest(h->lists) - 1);
	} else if (h->has_mark) {
		buf_putc(out, ' ');
	}
	if (h->has_mark && h->lists > 0)
		put_mark(h, out);
	if (h->is_line_open || h->pre > 0)
		put_repeated(out, " ", h->blanks);
	h->blanks = 0;
	h->is_line_open = true;
	h->has_text = true;
}

static void open_text(struct html_text *h, struct buf *out)
{
	if (h->breaks > 0 || h->blanks > 0 || !h->is_line_open || h->has_mark)
		flush(h, out);
}

/* Blanks are nothing that an address would have. */
static void keep_shown(struct html_text *h, struct span text)
{
	if (!h->is_in_link)
		return;
	for (size_t i = 0; i < text.n && h->shown_len < HTML_VALUE_MAX; i++)
		if (text.p[i] != ' ')
			h->shown[h->shown_len++] = text.p[i];
}

void html_put_text(struct html_text *h, struct span text, struct buf *out)
{
	open_text(h, out);
	buf_put(out, text);
	keep_shown(h, text);
}

/* White space of any kind. */
void html_put_blank(struct html_text *h, uint8_t c)
{
	if (h->pre == 0) {
		h->blanks = 1;
	} else if (c == '\n') {
		h->breaks = h->breaks == 0 ? 1 : 2;
		h->blanks = 0;
	} else if (c != '\r' && h->blanks < PRE_BLANKS_MAX) {
		h->blanks = (uint8_t)(h->blanks + (c == '\t' ? TAB : 1));
	}
}

void html_put_code(struct html_text *h, uint32_t code, struct buf *out)
{
	size_t before;

	if (code == ' ' || code == '\n' || code == '\t' || code == '\r' ||
		code == NO_BREAK) {
		html_put_blank(h, code == NO_BREAK ? ' ' : (uint8_t)code);
		return;
	}
	/* neither controls nor hyphens that are not seen */
	if (code < 0x20 || (code >= 0x7f && code < 0xa0) || code == SOFT_HYPHEN)
		return;
	open_text(h, out);
	before = buf_len(out);
	charset_put_char(out, code);
	keep_shown(h, span_tail(buf_span(out), before));
}

/* ---- links ---------------------------------------------------------- */

/* Where a reader may be sent; "javascript:" and "data:" are not shown. */
static const struct span schemes[] = {
	SPAN_INIT("https://"),
	SPAN_INIT("http://"),
	SPAN_INIT("mailto:"),
	SPAN_INIT("ftp://"),
	SPAN_INIT("tel:"),
};

static bool is_address(struct span url)
{
	for (size_t i = 0; i < url.n; i++)
		if (url.p[i] <= ' ' || url.p[i] == 0x7f || url.p[i] == '<' ||
			url.p[i] == '>')
			return false;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (span_starts_fold(url, schemes[i]))
			return url.n > schemes[i].n;
	return false;
}

/* Does the text show the address already, with or without its scheme? */
static bool is_shown(struct span url, struct span text)
{
	if (span_ends(url, SPAN("/")) && !span_ends(text, SPAN("/")))
		url.n--;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (span_starts_fold(url, schemes[i]) &&
			span_eq_fold(span_tail(url, schemes[i].n), text))
			return true;
	return span_eq_fold(url, text);
}

bool html_is_entity_byte(uint8_t c)
{
	return ascii_is_alpha(c) || ascii_is_digit(c) || c == '#';
}

/* Cuts "name;" or "name" off *rest, which stands behind an ampersand; 0: it is
 * no entity, and nothing was cut. */
static uint32_t cut_entity(struct span *rest)
{
	size_t n = 0;
	uint32_t code;
	bool is_closed;

	while (n < rest->n && n < HTML_ENTITY_MAX &&
		html_is_entity_byte(rest->p[n]))
		n++;
	is_closed = n < rest->n && rest->p[n] == ';';
	if (!html_entity_read(span_head(*rest, n), is_closed, &code))
		return 0;
	*rest = span_tail(*rest, n + is_closed);
	return code;
}

static void put_url(struct buf *out, struct span value)
{
	while (value.n > 0) {
		bool is_plain = value.p[0] != '&';
		uint32_t code;

		if (is_plain) {
			size_t n = span_find(value, '&');

			buf_put(out, span_head(value, n));
			value = span_tail(value, n);
			continue;
		}
		value = span_tail(value, 1);
		code = cut_entity(&value);
		if (code == 0)
			buf_putc(out, '&');
		else
			charset_put_char(out, code);
	}
}

/* The address stands where the text of the link is, whatever waits. */
void html_end_link(struct html_text *h, struct buf *out)
{
	size_t before = buf_len(out);
	struct span text = span_of(h->shown, h->shown_len);
	struct span url;

	if (!h->is_in_link)
		return;
	h->is_in_link = false;
	if (!h->with_links || text.n == 0 || h->link_len > HTML_VALUE_MAX)
		return;
	buf_puts(out, " <");
	put_url(out, span_of(h->link, h->link_len));
	url = span_trim(span_tail(buf_span(out), before + 2));
	if (is_address(url) && !is_shown(url, text))
		buf_putc(out, '>');
	else
		buf_truncate(out, before);
}

void html_begin_link(struct html_text *h)
{
	h->is_in_link = true;
	h->shown_len = 0;
	h->link_len = h->value_len;
	if (h->value_len <= HTML_VALUE_MAX)
		memcpy(h->link, h->value, h->value_len);
}

/* ---- text ----------------------------------------------------------- */

/* Bytes of text that are more than themselves. */
static bool is_special(uint8_t c)
{
	/* clang-format off */
	static const bool specials[256] = {
		1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
		1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
		[' '] = 1, ['<'] = 1, ['&'] = 1, [0x7f] = 1, [C2] = 1,
	};
	/* clang-format on */

	return specials[c];
}

size_t html_run_len(struct span in)
{
	size_t n = 0;

	while (n < in.n) {
		/* one blank between two words is what it will be */
		if (n > 0 && in.p[n] == ' ' && n + 1 < in.n)
			n++;
		if (is_special(in.p[n]))
			break;
		n++;
	}
	return n > 0 && n < in.n && in.p[n - 1] == ' ' ? n - 1 : n;
}

/* The text of a picture, an attribute: all of it is here. */
void html_put_picture(struct html_text *h, struct buf *out)
{
	struct span rest = span_of(h->value, h->value_len);

	if (h->value_len > HTML_VALUE_MAX)
		return;
	while (rest.n > 0) {
		size_t n = html_run_len(rest);
		uint32_t code;

		if (n > 0)
			html_put_text(h, span_head(rest, n), out);
		rest = span_tail(rest, n);
		if (rest.n == 0)
			return;
		code = rest.p[0];
		rest = span_tail(rest, 1);
		if (code == '&') {
			uint32_t entity = cut_entity(&rest);

			code = entity == 0 ? '&' : entity;
		} else if (code == C2 && rest.n > 0) {
			code = rest.p[0];
			rest = span_tail(rest, 1);
		}
		html_put_code(h, code, out);
	}
}
