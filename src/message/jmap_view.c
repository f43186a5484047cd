/*
 * jmap_view.c - a message as JMAP tells it.  See jmap_view.h.
 *
 * The selection is the algorithm of RFC 8621 4.1.4 without its recursion: the
 * parts are walked in the order of the message, with a frame a multipart that
 * is open.
 */
#include "message/jmap_view.h"

#include "base/num.h"

#include "base/banned.h"

/* The message itself, which counts as a multipart/mixed, and what is in it. */
#define FRAMES_MAX (MESSAGE_DEPTH_MAX + 2)

/* ---- which parts are what ------------------------------------------- */

enum multipart_kind { MIXED, ALTERNATIVE, RELATED };

/* A multipart whose children are walked. */
struct frame {
	uint32_t end;      /* index behind its last descendant */
	uint32_t children; /* that were seen */
	enum multipart_kind kind;
	bool is_in_alternative;
	bool fills_text, fills_html; /* RFC 8621: the list is not null */
	uint32_t text_before, html_before; /* the lists' lengths at its start */
};

struct walk {
	const struct mime_tree *tree;
	struct jmap_bodies *out;
	struct frame frames[FRAMES_MAX];
	size_t depth; /* at least 1 */
};

static bool is_of_type(const struct mime_part *p, struct span type)
{
	return span_eq_fold(p->type, type);
}

static bool is_media(const struct mime_part *p)
{
	return is_of_type(p, SPAN("image")) || is_of_type(p, SPAN("audio")) ||
		is_of_type(p, SPAN("video"));
}

static bool is_plain(const struct mime_part *p)
{
	return mime_is_type(p, SPAN("text"), SPAN("plain"));
}

static bool is_html(const struct mime_part *p)
{
	return mime_is_type(p, SPAN("text"), SPAN("html"));
}

/* Is a parameter there, plain or by RFC 2231?  Its value does not matter, but
 * that there is one. */
static bool has_param(const struct param_list *list, struct span name)
{
	for (size_t i = 0; i < list->count; i++) {
		struct span its = list->items[i].name;

		if (span_ends(its, SPAN("*")))
			its.n--;
		if (list->items[i].value.n > 0 && span_eq_fold(its, name))
			return true;
	}
	return false;
}

static bool has_name(const struct mime_part *p)
{
	return has_param(&p->disposition_params, SPAN("filename")) ||
		has_param(&p->params, SPAN("name"));
}

bool jmap_part_is_attached(const struct mime_part *p)
{
	return span_eq_fold(p->disposition, SPAN("attachment"));
}

static void push(struct jmap_parts *list, uint32_t part)
{
	list->items[list->count++] = part;
}

/* Is this part of the body, rather than an attachment?  index: its place among
 * its siblings, from 0. */
static bool is_inline(const struct frame *in, const struct mime_part *p,
	uint32_t index)
{
	if (p->kind != MIME_LEAF || jmap_part_is_attached(p) ||
		!(is_plain(p) || is_html(p) || is_media(p)))
		return false;
	/* of multipart/related, only the first; a text with a file name that is
	 * not the first is a file */
	return index == 0 ||
		(in->kind != RELATED && (is_media(p) || !has_name(p)));
}

static void take_inline(struct walk *w, struct frame *in,
	const struct mime_part *p, uint32_t part)
{
	struct jmap_bodies *out = w->out;

	if (in->kind == ALTERNATIVE) {
		if (!is_media(p))
			push(is_plain(p) ? &out->text : &out->html, part);
		return;
	}
	if (in->is_in_alternative && is_plain(p))
		in->fills_html = false;
	if (in->is_in_alternative && is_html(p))
		in->fills_text = false;
	if (in->fills_text)
		push(&out->text, part);
	if (in->fills_html)
		push(&out->html, part);
}

static enum multipart_kind kind_of(const struct mime_part *p)
{
	if (span_eq_fold(p->subtype, SPAN("alternative")))
		return ALTERNATIVE;
	return span_eq_fold(p->subtype, SPAN("related")) ? RELATED : MIXED;
}

static void open_frame(struct walk *w, const struct mime_part *p)
{
	const struct frame *outer = &w->frames[w->depth - 1];
	struct frame *inner = &w->frames[w->depth++];

	*inner = *outer;
	inner->end = p->end;
	inner->children = 0;
	inner->kind = kind_of(p);
	inner->is_in_alternative |= inner->kind == ALTERNATIVE;
	inner->text_before = w->out->text.count;
	inner->html_before = w->out->html.count;
}

/* Of an alternative, a list that nothing was found for gets what the other
 * got. */
static void close_frame(struct walk *w)
{
	const struct frame *f = &w->frames[--w->depth];
	struct jmap_parts *text = &w->out->text;
	struct jmap_parts *html = &w->out->html;
	uint32_t text_end = text->count;
	uint32_t html_end = html->count;

	if (f->kind != ALTERNATIVE || !f->fills_text || !f->fills_html)
		return;
	if (text_end == f->text_before)
		for (uint32_t i = f->html_before; i < html_end; i++)
			push(text, html->items[i]);
	else if (html_end == f->html_before)
		for (uint32_t i = f->text_before; i < text_end; i++)
			push(html, text->items[i]);
}

/* Returns the index of the part that comes next. */
static uint32_t take_part(struct walk *w, uint32_t part)
{
	struct frame *in = &w->frames[w->depth - 1];
	const struct mime_part *p = &w->tree->parts[part];
	uint32_t index = in->children++;

	if (p->kind == MIME_MULTIPART && w->depth < FRAMES_MAX) {
		open_frame(w, p);
		return part + 1;
	}
	/* Deliberate: a multipart that cannot be read (it names no boundary) is
	 * an attachment, so that its bytes are in some list */
	push(&w->out->attachments, part);
	if (is_inline(in, p, index))
		take_inline(w, in, p, part);
	return p->end > part ? p->end : part + 1;
}

/* Is the part in the list, from *at on?  The parts are asked for in order. */
static bool is_next(const struct jmap_parts *list, uint32_t *at, uint32_t part)
{
	if (*at == list->count || list->items[*at] != part)
		return false;
	++*at;
	return true;
}

/* All parts are in the list of attachments, and those go that are none.  This
 * is the definition of RFC 8621 4.1.4, not the algorithm below it: that one
 * forgets a text that neither body takes, and keeps a picture that both got in
 * the end. */
static void keep_attachments(const struct mime_tree *t, struct jmap_bodies *b)
{
	uint32_t text = 0;
	uint32_t html = 0;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < b->attachments.count; i++) {
		uint32_t part = b->attachments.items[i];
		int bodies = is_next(&b->text, &text, part) +
			is_next(&b->html, &html, part);

		if (bodies == 0 || (bodies == 1 && is_media(&t->parts[part])))
			b->attachments.items[kept++] = part;
	}
	b->attachments.count = kept;
}

/* RFC 8621 4.1.4: what an HTML text shows need not count. */
static bool counts(const struct mime_tree *t, uint32_t part)
{
	const struct mime_part *p = &t->parts[part];

	if (span_eq_fold(p->disposition, SPAN("inline")))
		return false;
	return jmap_part_is_attached(p) || !is_of_type(p, SPAN("image")) ||
		p->id.n == 0 || p->parent == MIME_NONE ||
		kind_of(&t->parts[p->parent]) != RELATED;
}

static uint32_t *new_list(struct arena *a, const struct mime_tree *t)
{
	return arena_alloc(a, t->count, sizeof(uint32_t));
}

void jmap_bodies_find(struct arena *a, const struct mime_tree *t,
	struct jmap_bodies *out)
{
	struct walk w = {.tree = t, .out = out, .depth = 1};
	uint32_t part = 0;

	*out = (struct jmap_bodies){
		.text = {new_list(a, t), 0},
		.html = {new_list(a, t), 0},
		.attachments = {new_list(a, t), 0},
	};
	w.frames[0] = (struct frame){
		.end = t->count,
		.fills_text = true,
		.fills_html = true,
	};
	while (part < t->count) {
		while (w.depth > 1 && part >= w.frames[w.depth - 1].end)
			close_frame(&w);
		part = take_part(&w, part);
	}
	while (w.depth > 1)
		close_frame(&w);
	keep_attachments(t, out);
	for (uint32_t i = 0; i < out->attachments.count; i++)
		out->has_attachment |= counts(t, out->attachments.items[i]);
}

/* ---- numbers -------------------------------------------------------- */

const uint32_t *jmap_ordinals(struct arena *a, const struct mime_tree *t)
{
	uint32_t *ordinals = new_list(a, t);

	for (uint32_t i = 0; i < t->count; i++) {
		uint32_t ordinal = 1;

		for (uint32_t part = i;
			part != MIME_NONE && ordinals[part] == 0;
			part = t->parts[part].next)
			ordinals[part] = ordinal++;
	}
	return ordinals;
}

static bool is_multipart(const struct mime_tree *t, uint32_t part)
{
	return t->parts[part].kind == MIME_MULTIPART;
}

/* Does the part begin a message? */
static bool is_root(const struct mime_tree *t, uint32_t part)
{
	uint32_t parent = t->parts[part].parent;

	return parent == MIME_NONE || t->parts[parent].kind == MIME_MESSAGE;
}

/* The parts of a message whose root is a multipart are numbered as if it were
 * not there; a root that is none is part 1.  RFC 9051 6.4.5.1 */
void jmap_put_part_id(struct buf *out, const struct mime_tree *t,
	const uint32_t *ordinals, uint32_t part)
{
	uint32_t numbers[2 * FRAMES_MAX];
	size_t n = 0;

	if (is_root(t, part) && is_multipart(t, part))
		return;
	while (part != MIME_NONE && n < 2 * FRAMES_MAX) {
		if (!is_root(t, part) || !is_multipart(t, part))
			numbers[n++] = ordinals[part];
		part = t->parts[part].parent;
	}
	for (; n > 0; n--) {
		buf_put_u64(out, numbers[n - 1]);
		if (n > 1)
			buf_putc(out, '.');
	}
}

/* The first part that a number can name below parent (MIME_NONE: at all). */
static uint32_t first_below(const struct mime_tree *t, uint32_t parent)
{
	uint32_t part =
		parent == MIME_NONE ? 0 : mime_first_child(t, parent);

	if (part != MIME_NONE && is_root(t, part) && is_multipart(t, part))
		part = mime_first_child(t, part);
	return part;
}

bool jmap_part_of_id(const struct mime_tree *t, struct span id,
	uint32_t *out_part)
{
	uint32_t at = MIME_NONE;

	if (id.n == 0 || span_ends(id, SPAN(".")))
		return false;
	while (id.n > 0) {
		uint32_t number;

		if (!num_parse_u32(span_cut(&id, '.'), MESSAGE_PARTS_MAX,
			    &number) ||
			number == 0)
			return false;
		at = first_below(t, at);
		while (--number > 0 && at != MIME_NONE)
			at = t->parts[at].next;
		if (at == MIME_NONE)
			return false;
	}
	*out_part = at;
	return true;
}
