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
 * What a tag does: html_tag.c; how lines come to be: html_flow.c.  There is no
 * state for <head>: what it holds is hidden by its own elements, and text in it
 * is shown, as browsers do.
 */
#include "message/html_text.h"

#include "message/html_entity.h"
#include "message/html_text_int.h"

#include "base/banned.h"

/* ---- states --------------------------------------------------------- */

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
	html_put_code(h, c == '\f' ? ' ' : c, out);
	return true;
}

static bool in_c2(struct html_text *h, uint8_t c, struct buf *out)
{
	h->state = HTML_TEXT;
	if ((c & 0xc0) != 0x80)
		return false; /* half a character: it goes */
	html_put_code(h, c, out);
	return true;
}

/* What stands behind "&" is complete: an entity, or text. */
static void end_entity(struct html_text *h, bool is_closed, struct buf *out)
{
	struct span name = span_of(h->entity, h->entity_len);
	uint32_t code;

	h->state = HTML_TEXT;
	if (html_entity_read(name, is_closed, &code)) {
		html_put_code(h, code, out);
		return;
	}
	html_put_text(h, SPAN("&"), out);
	html_put_text(h, name, out);
	if (is_closed)
		html_put_text(h, SPAN(";"), out);
}

static bool in_entity(struct html_text *h, uint8_t c, struct buf *out)
{
	if (html_is_entity_byte(c) && h->entity_len < HTML_ENTITY_MAX) {
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
	html_put_text(h, SPAN("<"), out);
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
		h->tag = html_tag_find(h);
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
		html_tag_end(h, out);
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

/* ---- feeding -------------------------------------------------------- */

/* How much of in can be passed over, or put out, at once in this state. */
static size_t skip(struct html_text *h, struct span in, struct buf *out)
{
	size_t n = 0;

	if (h->state == HTML_TEXT) {
		n = html_run_len(in);
		if (n > 0)
			html_put_text(h, span_head(in, n), out);
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
		html_put_text(h, SPAN("<"), out);
	html_end_link(h, out);
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
