/*
 * html_text.c - HTML as plain text.  See html_text.h.
 *
 * A byte machine: each state has a function in a table, which takes a byte or
 * changes the state and leaves the byte to the next one.  Long runs (text,
 * comments, scripts) are passed over whole.
 *
 *	TEXT -"&"-> ENTITY -> TEXT
 *	     -"<"-> LT -letter-> NAME -> GAP -> ATTRIBUTE -> EQUALS -> VALUE
 *	                -"/"-> CLOSE_LT -> NAME        any of them -">"-> TEXT
 *	                -"!"-> BANG -> COMMENT | BOGUS -------------------> TEXT
 *	the ">" of <script>, <style>, <title>: RAW -"</"-> RAW_CLOSE -> GAP
 *
 * What is written waits until text comes: line ends and blanks that nothing
 * follows, or that double, never come out (flush).  There is no state for
 * <head>: what it holds is hidden by its own elements, and text in it is
 * shown, as browsers do.
 */
#include "message/html_text.h"

#include <string.h>

#include "codec/charset.h"
#include "message/html_entity.h"

#include "base/banned.h"

#define PRE_BLANKS_MAX 80
#define TAB            8
#define LIST_NUMBER_MAX 9999
#define NO_BREAK       0xa0
#define SOFT_HYPHEN    0xad
#define C2             0xc2 /* begins the characters U+0080 to U+00BF */

/* ---- writing ------------------------------------------------------------ */

static void need_break(struct html_text *h, uint8_t breaks)
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
static size_t nest(uint8_t depth)
{
	return depth < HTML_NEST_MAX ? depth : HTML_NEST_MAX;
}

static void put_mark(struct html_text *h, struct buf *out)
{
	uint16_t *number = &h->numbers[nest(h->lists) - 1];

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
	size_t quotes = nest(h->quotes);
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
			put_repeated(out, "  ", nest(h->lists) - 1);
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

static void keep_shown(struct html_text *h, struct span text)
{
	size_t room = HTML_VALUE_MAX - h->shown_len;

	if (!h->is_in_link)
		return;
	text = span_head(text, room);
	if (text.n > 0)
		memcpy(h->shown + h->shown_len, text.p, text.n);
	h->shown_len += text.n;
}

static void put_text(struct html_text *h, struct span text, struct buf *out)
{
	open_text(h, out);
	buf_put(out, text);
	keep_shown(h, text);
}

/* White space of any kind. */
static void put_blank(struct html_text *h, uint8_t c)
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

static void put_code(struct html_text *h, uint32_t code, struct buf *out)
{
	size_t before;

	if (code == ' ' || code == '\n' || code == '\t' || code == '\r' ||
		code == NO_BREAK) {
		put_blank(h, code == NO_BREAK ? ' ' : (uint8_t)code);
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

/* ---- links -------------------------------------------------------------- */

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

static bool is_entity_byte(uint8_t c)
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

	while (n < rest->n && n < HTML_ENTITY_MAX && is_entity_byte(rest->p[n]))
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
static void end_link(struct html_text *h, struct buf *out)
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

static void begin_link(struct html_text *h)
{
	h->is_in_link = true;
	h->shown_len = 0;
	h->link_len = h->value_len;
	if (h->value_len <= HTML_VALUE_MAX)
		memcpy(h->link, h->value, h->value_len);
}

/* ---- text --------------------------------------------------------------- */

/* Bytes of text that are more than themselves. */
static bool is_special(uint8_t c)
{
	return c <= ' ' || c == '<' || c == '&' || c == 0x7f || c == C2;
}

static size_t run_len(struct span in)
{
	size_t n = 0;

	while (n < in.n && !is_special(in.p[n]))
		n++;
	return n;
}

/* The text of a picture, an attribute: all of it is here. */
static void put_picture(struct html_text *h, struct buf *out)
{
	struct span rest = span_of(h->value, h->value_len);

	if (h->value_len > HTML_VALUE_MAX)
		return;
	while (rest.n > 0) {
		size_t n = run_len(rest);
		uint32_t code;

		if (n > 0)
			put_text(h, span_head(rest, n), out);
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
		put_code(h, code, out);
	}
}

/* ---- what tags do ------------------------------------------------------- */

static void change(uint8_t *depth, bool is_close)
{
	if (!is_close && *depth < UINT8_MAX)
		++*depth;
	else if (is_close && *depth > 0)
		--*depth;
}

static void do_block(struct html_text *h, struct buf *out)
{
	(void)out;
	need_break(h, 1);
}

static void do_paragraph(struct html_text *h, struct buf *out)
{
	(void)out;
	/* the paragraph of a list's item stays on its line */
	if (!h->has_mark)
		need_break(h, 2);
}

static void do_break(struct html_text *h, struct buf *out)
{
	(void)out;
	h->breaks = h->breaks == 0 ? 1 : 2;
	h->blanks = 0;
}

static void do_cell(struct html_text *h, struct buf *out)
{
	(void)out;
	h->blanks = h->blanks == 0 ? 1 : h->blanks;
}

static void do_pre(struct html_text *h, struct buf *out)
{
	(void)out;
	need_break(h, 2);
	change(&h->pre, h->is_close);
}

static void do_quote(struct html_text *h, struct buf *out)
{
	(void)out;
	need_break(h, 2);
	change(&h->quotes, h->is_close);
}

/* first: the number of its first item; 0: a list without numbers. */
static void do_list(struct html_text *h, uint16_t first)
{
	bool is_outer = h->lists <= (h->is_close ? 1 : 0);

	need_break(h, is_outer ? 2 : 1);
	change(&h->lists, h->is_close);
	h->has_mark = false;
	if (!h->is_close)
		h->numbers[nest(h->lists) - 1] = first;
}

static void do_ul(struct html_text *h, struct buf *out)
{
	(void)out;
	do_list(h, 0);
}

static void do_ol(struct html_text *h, struct buf *out)
{
	(void)out;
	do_list(h, 1);
}

static void do_item(struct html_text *h, struct buf *out)
{
	(void)out;
	need_break(h, 1);
	if (h->is_close)
		return;
	if (h->lists == 0) { /* an item without a list */
		h->lists = 1;
		h->numbers[0] = 0;
	}
	h->has_mark = true;
}

static void do_link(struct html_text *h, struct buf *out)
{
	end_link(h, out); /* one in another ends it */
	if (!h->is_close && h->has_value)
		begin_link(h);
}

static void do_raw(struct html_text *h, struct buf *out)
{
	(void)out;
	if (h->is_close)
		return;
	h->state = HTML_RAW;
	h->raw = h->tag;
}

struct html_tag {
	const char *name;
	void (*run)(struct html_text *h, struct buf *out);
	const char *wants; /* the attribute that is read; NULL: none */
};

/* What is not here is inline, and only its text counts. */
static const struct html_tag tags[] = {
	{"a", do_link, "href"},
	{"address", do_block, NULL},
	{"article", do_block, NULL},
	{"aside", do_block, NULL},
	{"blockquote", do_quote, NULL},
	{"body", do_block, NULL},
	{"br", do_break, NULL},
	{"caption", do_block, NULL},
	{"center", do_block, NULL},
	{"dd", do_block, NULL},
	{"div", do_block, NULL},
	{"dl", do_block, NULL},
	{"dt", do_block, NULL},
	{"fieldset", do_block, NULL},
	{"figcaption", do_block, NULL},
	{"figure", do_block, NULL},
	{"footer", do_block, NULL},
	{"form", do_block, NULL},
	{"h1", do_paragraph, NULL},
	{"h2", do_paragraph, NULL},
	{"h3", do_paragraph, NULL},
	{"h4", do_paragraph, NULL},
	{"h5", do_paragraph, NULL},
	{"h6", do_paragraph, NULL},
	{"header", do_block, NULL},
	{"hr", do_paragraph, NULL},
	{"img", put_picture, "alt"},
	{"li", do_item, NULL},
	{"main", do_block, NULL},
	{"nav", do_block, NULL},
	{"ol", do_ol, NULL},
	{"option", do_block, NULL},
	{"p", do_paragraph, NULL},
	{"pre", do_pre, NULL},
	{"script", do_raw, NULL},
	{"section", do_block, NULL},
	{"style", do_raw, NULL},
	{"table", do_block, NULL},
	{"td", do_cell, NULL},
	{"th", do_cell, NULL},
	{"title", do_raw, NULL},
	{"tr", do_block, NULL},
	{"ul", do_ul, NULL},
};

static const struct html_tag *find_tag(const struct html_text *h)
{
	if (h->name_len > HTML_NAME_MAX)
		return NULL;
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		if (tags[i].name[0] == h->name[0] &&
			span_eq(span_of(h->name, h->name_len),
				span_str(tags[i].name)))
			return &tags[i];
	return NULL;
}

/* The ">" of a tag. */
static void end_tag(struct html_text *h, struct buf *out)
{
	h->state = HTML_TEXT;
	if (h->tag != NULL)
		h->tag->run(h, out);
}

/* ---- states ------------------------------------------------------------- */

/* False: the byte is left to the state that is there now. */
typedef bool step_fn(struct html_text *h, uint8_t c, struct buf *out);

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool go(struct html_text *h, enum html_state state)
{
	h->state = state;
	return true;
}

static bool in_text(struct html_text *h, uint8_t c, struct buf *out)
{
	if (c == '<')
		return go(h, HTML_LT);
	if (c == '&') {
		h->entity_len = 0;
		return go(h, HTML_ENTITY);
	}
	if (c == C2)
		return go(h, HTML_C2);
	put_code(h, c == '\f' ? ' ' : c, out);
	return true;
}

static bool in_c2(struct html_text *h, uint8_t c, struct buf *out)
{
	h->state = HTML_TEXT;
	if ((c & 0xc0) != 0x80)
		return false; /* half a character: it goes */
	put_code(h, c, out);
	return true;
}

/* What stands behind "&" is complete: an entity, or text. */
static void end_entity(struct html_text *h, bool is_closed, struct buf *out)
{
	struct span name = span_of(h->entity, h->entity_len);
	uint32_t code;

	h->state = HTML_TEXT;
	if (html_entity_read(name, is_closed, &code)) {
		put_code(h, code, out);
		return;
	}
	put_text(h, SPAN("&"), out);
	put_text(h, name, out);
	if (is_closed)
		put_text(h, SPAN(";"), out);
}

static bool in_entity(struct html_text *h, uint8_t c, struct buf *out)
{
	if (is_entity_byte(c) && h->entity_len < HTML_ENTITY_MAX) {
		h->entity[h->entity_len++] = c;
		return true;
	}
	end_entity(h, c == ';', out);
	return c == ';';
}

static void begin_tag(struct html_text *h, bool is_close)
{
	h->is_close = is_close;
	h->name_len = 0;
	h->has_value = false;
	h->value_len = 0;
	h->attribute_len = 0;
	h->state = HTML_NAME;
}

static bool in_lt(struct html_text *h, uint8_t c, struct buf *out)
{
	if (c == '/')
		return go(h, HTML_CLOSE_LT);
	if (c == '!') {
		h->matched = 0;
		return go(h, HTML_BANG);
	}
	if (c == '?')
		return go(h, HTML_BOGUS);
	if (ascii_is_alpha(c)) {
		begin_tag(h, false);
		return false;
	}
	put_text(h, SPAN("<"), out);
	h->state = HTML_TEXT;
	return false;
}

static bool in_close_lt(struct html_text *h, uint8_t c, struct buf *out)
{
	(void)out;
	if (!ascii_is_alpha(c))
		return go(h, c == '>' ? HTML_TEXT : HTML_BOGUS);
	begin_tag(h, true);
	return false;
}

static bool in_name(struct html_text *h, uint8_t c, struct buf *out)
{
	(void)out;
	if (is_blank(c) || c == '/' || c == '>') {
		h->tag = find_tag(h);
		h->state = HTML_GAP;
		return false;
	}
	if (h->name_len < HTML_NAME_MAX)
		h->name[h->name_len] = (char)ascii_lower(c);
	if (h->name_len <= HTML_NAME_MAX)
		h->name_len++;
	return true;
}

static bool in_gap(struct html_text *h, uint8_t c, struct buf *out)
{
	if (c == '>') {
		end_tag(h, out);
		return true;
	}
	if (is_blank(c) || c == '/')
		return true;
	if (c == '=' && h->attribute_len > 0)
		return go(h, HTML_EQUALS);
	h->attribute_len = 0;
	h->state = HTML_ATTRIBUTE;
	return false;
}

static bool in_attribute(struct html_text *h, uint8_t c, struct buf *out)
{
	(void)out;
	/* a name may begin with "=", says the standard */
	if (is_blank(c) || c == '/' || c == '>' ||
		(c == '=' && h->attribute_len > 0)) {
		h->state = HTML_GAP;
		return false;
	}
	if (h->attribute_len < HTML_NAME_MAX)
		h->attribute[h->attribute_len] = (char)ascii_lower(c);
	if (h->attribute_len <= HTML_NAME_MAX)
		h->attribute_len++;
	return true;
}

/* Is the value that begins the one that its tag is about?  The first is. */
static bool is_wanted(const struct html_text *h)
{
	const struct html_tag *tag = h->tag;

	return tag != NULL && tag->wants != NULL && !h->has_value &&
		h->attribute_len <= HTML_NAME_MAX &&
		span_eq(span_of(h->attribute, h->attribute_len),
			span_str(tag->wants));
}

static bool in_equals(struct html_text *h, uint8_t c, struct buf *out)
{
	(void)out;
	if (is_blank(c))
		return true;
	if (c == '>') {
		h->state = HTML_GAP;
		return false;
	}
	h->keeps_value = is_wanted(h);
	h->has_value = h->has_value || h->keeps_value;
	h->quote = c == '"' || c == '\'' ? c : 0;
	h->state = HTML_VALUE;
	return h->quote != 0;
}

static bool in_value(struct html_text *h, uint8_t c, struct buf *out)
{
	(void)out;
	if (h->quote == 0 && (is_blank(c) || c == '>')) {
		h->attribute_len = 0;
		h->state = HTML_GAP;
		return false;
	}
	if (h->quote != 0 && c == h->quote) {
		h->attribute_len = 0;
		return go(h, HTML_GAP);
	}
	if (!h->keeps_value)
		return true;
	if (h->value_len < HTML_VALUE_MAX)
		h->value[h->value_len] = c;
	if (h->value_len <= HTML_VALUE_MAX)
		h->value_len++;
	return true;
}

static bool in_bang(struct html_text *h, uint8_t c, struct buf *out)
{
	(void)out;
	if (c != '-') {
		h->state = HTML_BOGUS;
		return false;
	}
	if (++h->matched == 2)
		h->state = HTML_COMMENT; /* "<!-->" is a whole one */
	return true;
}

/* "-->" ends it, and "--!>". */
static bool in_comment(struct html_text *h, uint8_t c, struct buf *out)
{
	(void)out;
	if (c == '-')
		h->matched = h->matched < 2 ? h->matched + 1 : 2;
	else if (c == '>' && h->matched >= 2)
		h->state = HTML_TEXT;
	else
		h->matched = c == '!' && h->matched == 2 ? 3 : 0;
	return true;
}

static bool in_bogus(struct html_text *h, uint8_t c, struct buf *out)
{
	(void)out;
	if (c == '>')
		h->state = HTML_TEXT;
	return true;
}

static bool in_raw(struct html_text *h, uint8_t c, struct buf *out)
{
	(void)out;
	if (c == '<') {
		h->matched = 0;
		h->state = HTML_RAW_CLOSE;
	}
	return true;
}

/* Behind "<": is it "/name" and no more? */
static bool in_raw_close(struct html_text *h, uint8_t c, struct buf *out)
{
	struct span name = span_str(h->raw->name);

	(void)out;
	if (h->matched == 0 ? c == '/'
			    : h->matched <= name.n &&
			ascii_lower(c) == name.p[h->matched - 1]) {
		h->matched++;
		return true;
	}
	if (h->matched == name.n + 1 && (is_blank(c) || c == '/' || c == '>')) {
		begin_tag(h, true);
		h->tag = NULL;
		h->state = HTML_GAP;
		return false;
	}
	h->state = HTML_RAW;
	return false;
}

static step_fn *const steps[] = {
	[HTML_TEXT] = in_text,
	[HTML_C2] = in_c2,
	[HTML_ENTITY] = in_entity,
	[HTML_LT] = in_lt,
	[HTML_CLOSE_LT] = in_close_lt,
	[HTML_NAME] = in_name,
	[HTML_GAP] = in_gap,
	[HTML_ATTRIBUTE] = in_attribute,
	[HTML_EQUALS] = in_equals,
	[HTML_VALUE] = in_value,
	[HTML_BANG] = in_bang,
	[HTML_COMMENT] = in_comment,
	[HTML_BOGUS] = in_bogus,
	[HTML_RAW] = in_raw,
	[HTML_RAW_CLOSE] = in_raw_close,
};

/* ---- feeding ------------------------------------------------------------ */

/* How much of in can be passed over, or put out, at once in this state. */
static size_t skip(struct html_text *h, struct span in, struct buf *out)
{
	size_t n = 0;

	if (h->state == HTML_TEXT) {
		n = run_len(in);
		if (n > 0)
			put_text(h, span_head(in, n), out);
	} else if (h->state == HTML_RAW) {
		n = span_find(in, '<');
	} else if (h->state == HTML_BOGUS) {
		n = span_find(in, '>');
	} else if (h->state == HTML_COMMENT && h->matched == 0) {
		n = span_find(in, '-');
	} else if (h->state == HTML_VALUE && h->quote != 0 && !h->keeps_value) {
		n = span_find(in, h->quote);
	}
	return n;
}

void html_text_init(struct html_text *h, bool with_links)
{
	*h = (struct html_text){.with_links = with_links};
}

void html_text_feed(struct html_text *h, struct span in, struct buf *out)
{
	while (in.n > 0) {
		in = span_tail(in, skip(h, in, out));
		if (in.n > 0 && steps[h->state](h, in.p[0], out))
			in = span_tail(in, 1);
	}
}

void html_text_end(struct html_text *h, struct buf *out)
{
	if (h->state == HTML_ENTITY)
		end_entity(h, false, out);
	else if (h->state == HTML_LT)
		put_text(h, SPAN("<"), out);
	end_link(h, out);
	if (h->has_text)
		buf_putc(out, '\n');
}

void html_text_put(struct buf *out, struct span html, bool with_links)
{
	struct html_text h;

	html_text_init(&h, with_links);
	html_text_feed(&h, html, out);
	html_text_end(&h, out);
}
