/*
 * html_tag.c - what tags do to the lines.  See html_text.h.
 */
#include "message/html_text_int.h"

#include "base/banned.h"

/* ---- what tags do --------------------------------------------------- */

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
	html_need_break(h, 1);
}

static void do_paragraph(struct html_text *h, struct buf *out)
{
	(void)out;
	/* the paragraph of a list's item stays on its line */
	if (!h->has_mark)
		html_need_break(h, 2);
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
	html_need_break(h, 2);
	change(&h->pre, h->is_close);
}

static void do_quote(struct html_text *h, struct buf *out)
{
	(void)out;
	html_need_break(h, 2);
	change(&h->quotes, h->is_close);
}

/* first: the number of its first item; 0: a list without numbers. */
static void do_list(struct html_text *h, uint16_t first)
{
	bool is_outer = h->lists <= (h->is_close ? 1 : 0);

	html_need_break(h, is_outer ? 2 : 1);
	change(&h->lists, h->is_close);
	h->has_mark = false;
	if (!h->is_close)
		h->numbers[html_nest(h->lists) - 1] = first;
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
	html_need_break(h, 1);
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
	html_end_link(h, out); /* one in another ends it */
	if (!h->is_close && h->has_value)
		html_begin_link(h);
}

static void do_raw(struct html_text *h, struct buf *out)
{
	(void)out;
	if (h->is_close)
		return;
	h->state = HTML_RAW;
	h->raw = h->tag;
}

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
	{"img", html_put_picture, "alt"},
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

const struct html_tag *html_tag_find(const struct html_text *h)
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
void html_tag_end(struct html_text *h, struct buf *out)
{
	h->state = HTML_TEXT;
	if (h->tag != NULL)
		h->tag->run(h, out);
}
