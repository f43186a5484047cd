/*
 * compose.c - a message made from a tree of parts.  See compose.h.
 *
 *	flatten()  the tree as a list, a parent before its children; checks
 *	plan()     from the last part to the first: how each one travels, for a
 *	           multipart needs what the neediest of its parts needs
 *	put_all()  from the first to the last: heads, contents, boundaries
 *
 * A boundary is "=_", 32 hexadecimal digits and the part's index.  Neither
 * base64 nor quoted-printable can produce the first two characters in a row;
 * whatever goes as it is has been searched for the first 34, and when they are
 * there other digits are taken.
 */
#include "message/compose.h"

#include <string.h>

#include "base/utf8.h"
#include "codec/hex.h"
#include "message/compose_int.h"
#include "message/mime_type.h"
#include "message/param.h"
#include "message/words.h"

#include "base/banned.h"

#define NONE      UINT32_MAX
#define STEM_LEN  (2 + 2 * COMPOSE_RANDOM_BYTES)
#define PARAMS_MAX 50
/* Short enough for param_put to write it without RFC 2231. */
#define FALLBACK_MAX 40

struct node {
	const struct compose_part *part;
	uint32_t parent; /* NONE: the root */
	uint32_t end;    /* index behind its last descendant */
	uint32_t depth;
	enum compose_way way;
	struct span type;
};

struct plan {
	struct arena *arena;
	struct node *nodes;
	uint32_t count, room;
	uint8_t stem[STEM_LEN];
};

/* ---- the list ------------------------------------------------------------ */
static struct span type_of(const struct compose_part *part)
{
	static const struct span defaults[] = {
		[COMPOSE_TEXT] = SPAN_INIT("text/plain"),
		[COMPOSE_MULTIPART] = SPAN_INIT("multipart/mixed"),
		[COMPOSE_MESSAGE] = SPAN_INIT("message/rfc822"),
	};

	if (part->type.n > 0)
		return part->type;
	if (part->kind == COMPOSE_FILE)
		return span_str(mime_type_of_name(part->name));
	return part->kind == COMPOSE_RAW ? SPAN_EMPTY : defaults[part->kind];
}

static bool is_type(const struct node *node)
{
	struct span subtype = node->type;
	struct span main = span_cut(&subtype, '/');

	if (node->part->kind == COMPOSE_RAW)
		return true;
	if (!compose_is_token(main) || !compose_is_token(subtype))
		return false;
	return span_eq_fold(main, SPAN("multipart")) ==
		(node->part->kind == COMPOSE_MULTIPART);
}

/* A head of Content-* fields only: another field of a root would be one of the
 * message. */
static bool is_raw_part(struct span raw)
{
	bool is_field = false;

	while (raw.n > 0) {
		size_t n = span_find_span(raw, SPAN("\r\n"));
		struct span line = span_head(raw, n);

		raw = span_tail(raw, n + 2);
		if (line.n == 0)
			return true;
		if (span_find(line, '\n') < line.n ||
			span_find(line, '\r') < line.n)
			return false;
		if (is_field && (line.p[0] == ' ' || line.p[0] == '\t'))
			continue;
		is_field = span_starts_fold(line, SPAN("Content-")) &&
			span_find(line, ':') < line.n;
		if (!is_field)
			return false;
	}
	return true;
}

static enum code check_params(const struct compose_part *part, struct err *e)
{
	if (part->param_count > PARAMS_MAX)
		return err_set(e, LIMIT, "a part has too many parameters");
	for (size_t i = 0; i < part->param_count; i++)
		if (!compose_is_token(span_str(part->params[i].name)) ||
			!utf8_is_valid(part->params[i].value))
			return err_set(e, SYNTAX,
				"a parameter cannot be written");
	return OK;
}

static enum code check_node(const struct node *node, struct err *e)
{
	const struct compose_part *part = node->part;

	if (!is_type(node))
		return err_set(e, SYNTAX, "a part cannot have its type");
	if (node->depth >= COMPOSE_DEPTH_MAX)
		return err_set(e, LIMIT, "the parts are nested too deep");
	if (part->kind == COMPOSE_MULTIPART && part->child_count == 0)
		return err_set(e, SYNTAX, "a multipart has no parts");
	if (part->kind == COMPOSE_TEXT && !utf8_is_valid(part->content))
		return err_set(e, SYNTAX, "the text is not UTF-8");
	if (part->kind == COMPOSE_RAW && !is_raw_part(part->content))
		return err_set(e, SYNTAX, "a raw part has no head");
	if (part->id.n > 0 &&
		(!compose_is_id(part->id) || !utf8_is_ascii(part->id)))
		return err_set(e, SYNTAX, "a Content-ID is none");
	if (!utf8_is_valid(part->description))
		return err_set(e, SYNTAX, "a description is not UTF-8");
	return check_params(part, e);
}

/* How many children of it stand in the list already is kept on the way in
 * `end`. */
static const struct compose_part *next_child(struct node *node)
{
	if (node->part->kind != COMPOSE_MULTIPART ||
		node->end >= node->part->child_count)
		return NULL;
	return &node->part->children[node->end++];
}

static void grow(struct plan *p)
{
	struct node *nodes;

	p->room = p->room == 0 ? 16 : p->room * 2;
	nodes = arena_alloc(p->arena, p->room, sizeof(*nodes));
	if (p->count > 0)
		memcpy(nodes, p->nodes, p->count * sizeof(*nodes));
	p->nodes = nodes;
}

static enum code add_node(struct plan *p, const struct compose_part *part,
	uint32_t parent, struct err *e)
{
	struct node *node;

	if (p->count >= COMPOSE_PARTS_MAX)
		return err_set(e, LIMIT, "there are too many parts");
	if (p->count == p->room)
		grow(p);
	node = &p->nodes[p->count];
	*node = (struct node){.part = part, .parent = parent,
		.depth = parent == NONE ? 0 : p->nodes[parent].depth + 1,
		.type = type_of(part)};
	p->count++;
	return check_node(node, e);
}

static enum code flatten(struct plan *p, const struct compose_part *root,
	struct err *e)
{
	uint32_t at = 0;
	enum code code = add_node(p, root, NONE, e);

	while (code == OK && at != NONE) {
		const struct compose_part *child = next_child(&p->nodes[at]);

		if (child == NULL) {
			p->nodes[at].end = p->count;
			at = p->nodes[at].parent;
			continue;
		}
		code = add_node(p, child, at, e);
		at = p->count - 1;
	}
	return code;
}

/* ---- how parts travel ------------------------------------------------------ */
static enum compose_way way_of(const struct compose_part *part,
	bool allows_8bit)
{
	if (part->kind == COMPOSE_TEXT)
		return compose_way_of_text(part->content, allows_8bit);
	if (part->kind == COMPOSE_FILE)
		return WAY_BASE64;
	if (part->kind == COMPOSE_MULTIPART)
		return WAY_7BIT; /* until its parts are known */
	return compose_way_of_raw(part->content);
}

static void plan_ways(struct plan *p, bool allows_8bit)
{
	for (uint32_t i = p->count; i-- > 0;) {
		struct node *node = &p->nodes[i];
		enum compose_way way = way_of(node->part, allows_8bit);
		struct node *parent;

		/* children came before and have raised it */
		node->way = way > node->way ? way : node->way;
		if (node->parent == NONE || node->way > WAY_BINARY)
			continue;
		parent = &p->nodes[node->parent];
		if (node->way > parent->way)
			parent->way = node->way;
	}
}

static bool is_stem_in(const struct plan *p)
{
	struct span stem = span_of(p->stem, sizeof(p->stem));

	for (uint32_t i = 0; i < p->count; i++) {
		const struct node *node = &p->nodes[i];
		struct span content = node->part->content;

		if (node->part->kind != COMPOSE_MULTIPART &&
			node->way <= WAY_BINARY &&
			span_find_span(content, stem) < content.n)
			return true;
	}
	return false;
}

/* The random bytes are tried first, then what they are one by one after. */
static void plan_stem(struct plan *p, const struct compose_message *m)
{
	uint8_t random[COMPOSE_RANDOM_BYTES];
	struct buf hex;

	memcpy(random, m->random, sizeof(random));
	buf_init(&hex, STEM_LEN);
	do {
		buf_reset(&hex);
		buf_puts(&hex, "=_");
		hex_put(&hex, span_of(random, sizeof(random)));
		memcpy(p->stem, buf_span(&hex).p, STEM_LEN);
		for (size_t i = 0; i < sizeof(random) && ++random[i] == 0; i++)
			;
	} while (is_stem_in(p));
	buf_clear(&hex);
}

/* ---- heads of parts ------------------------------------------------------ */
static void put_boundary(const struct plan *p, uint32_t index,
	struct buf *out)
{
	buf_put(out, span_of(p->stem, sizeof(p->stem)));
	buf_printf(out, "_%04x", index);
}

/* Control characters do not travel in file names, nor what is no text. */
static void put_clean_name(struct buf *out, struct span name, bool is_ascii)
{
	while (name.n > 0) {
		size_t n = utf8_char_len(name);
		bool is_bad = n == 0 || name.p[0] < ' ' || name.p[0] == 0x7f ||
			(is_ascii && n > 1);

		if (is_bad)
			buf_putc(out, '_');
		else
			buf_put(out, span_head(name, n));
		name = span_tail(name, n == 0 ? 1 : n);
	}
}

static void put_name(struct buf *out, const char *param, struct span name)
{
	struct buf clean;

	buf_init(&clean, name.n + 1);
	put_clean_name(&clean, name, false);
	param_put(out, param, buf_span(&clean));
	buf_clear(&clean);
}

/* A name that is not ASCII has a second, poorer form for readers that do not
 * know RFC 2231; the others take the first. */
static void put_fallback_name(struct buf *out, struct span name)
{
	struct buf clean;

	if (utf8_is_ascii(name))
		return;
	buf_init(&clean, FALLBACK_MAX);
	put_clean_name(&clean, span_head(name, FALLBACK_MAX), true);
	if (words_is_plain(buf_span(&clean)))
		param_put(out, "filename", span_trim(buf_span(&clean)));
	buf_clear(&clean);
}

/* RFC 2387 3.1: the type of the first part, which shows the others. */
static void put_related_type(const struct plan *p, uint32_t index,
	struct buf *out)
{
	const struct node *node = &p->nodes[index];

	for (size_t i = 0; i < node->part->param_count; i++)
		if (span_eq_fold(span_str(node->part->params[i].name),
			SPAN("type")))
			return;
	if (p->nodes[index + 1].type.n > 0)
		param_put(out, "type", p->nodes[index + 1].type);
}

static void put_type(const struct plan *p, uint32_t index, struct buf *out)
{
	const struct node *node = &p->nodes[index];
	const struct compose_part *part = node->part;

	buf_puts(out, "Content-Type: ");
	buf_put(out, node->type);
	if (part->kind == COMPOSE_TEXT &&
		span_starts_fold(node->type, SPAN("text/")))
		buf_puts(out, "; charset=utf-8");
	for (size_t i = 0; i < part->param_count; i++)
		param_put(out, part->params[i].name, part->params[i].value);
	if (part->kind != COMPOSE_MULTIPART) {
		if (part->name.n > 0)
			put_name(out, "name", part->name);
	} else {
		if (span_eq_fold(node->type, SPAN("multipart/related")))
			put_related_type(p, index, out);
		buf_puts(out, ";\r\n\tboundary=\"");
		put_boundary(p, index, out);
		buf_putc(out, '"');
	}
	buf_puts(out, "\r\n");
}

static void put_disposition(const struct compose_part *part, struct buf *out)
{
	if (part->disposition == COMPOSE_NO_DISPOSITION)
		return;
	buf_puts(out, "Content-Disposition: ");
	buf_puts(out, part->disposition == COMPOSE_INLINE ? "inline"
							  : "attachment");
	if (part->name.n > 0) {
		put_fallback_name(out, part->name);
		put_name(out, "filename", part->name);
	}
	buf_puts(out, "\r\n");
}

static void put_part_head(const struct plan *p, uint32_t index,
	struct buf *out)
{
	const struct node *node = &p->nodes[index];
	const struct compose_part *part = node->part;
	size_t column = sizeof("Content-Description: ") - 1;

	put_type(p, index, out);
	put_disposition(part, out);
	if (part->id.n > 0) {
		buf_puts(out, "Content-ID: <");
		buf_put(out, part->id);
		buf_puts(out, ">\r\n");
	}
	if (part->description.n > 0) {
		buf_puts(out, "Content-Description: ");
		words_put_text(out, part->description, &column);
		buf_puts(out, "\r\n");
	}
	/* RFC 2045 6.1: without the field it is 7bit; a text says so */
	if (node->way != WAY_7BIT || part->kind == COMPOSE_TEXT)
		buf_printf(out, "Content-Transfer-Encoding: %s\r\n",
			compose_way_name(node->way));
	buf_puts(out, "\r\n");
}

/* ---- the order of things -------------------------------------------------- */
static void put_leaf(const struct node *node, struct buf *out)
{
	if (node->part->kind == COMPOSE_TEXT)
		compose_text_put(out, node->part->content, node->way);
	else if (node->part->kind == COMPOSE_FILE)
		compose_file_put(out, node->part->content);
	else if (node->part->kind != COMPOSE_MULTIPART)
		buf_put(out, node->part->content);
}

static void put_delimiter(const struct plan *p, uint32_t index,
	const char *end, struct buf *out)
{
	buf_puts(out, "\r\n--");
	put_boundary(p, index, out);
	buf_puts(out, end);
	buf_puts(out, "\r\n");
}

static void put_all(const struct plan *p, struct buf *out)
{
	for (uint32_t i = 0; i < p->count && !out->overflow; i++) {
		const struct node *node = &p->nodes[i];
		uint32_t up = i;

		if (node->parent != NONE)
			put_delimiter(p, node->parent, "", out);
		if (node->part->kind != COMPOSE_RAW)
			put_part_head(p, i, out);
		put_leaf(node, out);
		/* multiparts that end behind this part, the inmost first */
		for (; up != NONE && p->nodes[up].end == i + 1;
			up = p->nodes[up].parent)
			if (p->nodes[up].part->kind == COMPOSE_MULTIPART)
				put_delimiter(p, up, "--", out);
	}
}

/* ---- the whole --------------------------------------------------------------- */
static enum code make_plan(const struct compose_message *m, struct arena *a,
	struct plan *out, struct err *e)
{
	enum code code;

	*out = (struct plan){.arena = a};
	code = flatten(out, m->body, e);
	if (code != OK)
		return code;
	plan_ways(out, m->allows_8bit);
	plan_stem(out, m);
	return OK;
}

static unsigned needs_of(const struct plan *p)
{
	enum compose_way way = p->nodes[0].way;

	if (way == WAY_BINARY)
		return COMPOSE_NEEDS_BINARY | COMPOSE_NEEDS_8BIT;
	return way == WAY_8BIT ? COMPOSE_NEEDS_8BIT : 0;
}

static enum code check_room(const struct buf *out, struct err *e)
{
	if (out->overflow)
		return err_set(e, LIMIT, "the message is larger than %zu bytes",
			out->max);
	return OK;
}

enum code compose_part_put(const struct compose_message *m, struct arena *a,
	struct buf *out, unsigned *out_needs, struct err *e)
{
	struct plan p;
	enum code code = make_plan(m, a, &p, e);

	if (code != OK)
		return code;
	put_all(&p, out);
	*out_needs = needs_of(&p);
	return check_room(out, e);
}

enum code compose_put(const struct compose_message *m, struct arena *a,
	struct buf *out, unsigned *out_needs, struct err *e)
{
	enum code code = compose_head_check(m, e);
	struct plan p;

	if (code == OK)
		code = make_plan(m, a, &p, e);
	if (code != OK)
		return code;
	compose_head_put(m, out);
	put_all(&p, out);
	if (!span_ends(buf_span(out), SPAN("\r\n")))
		buf_puts(out, "\r\n"); /* a raw part need not */
	*out_needs = needs_of(&p);
	if (compose_head_is_utf8(m))
		*out_needs |= COMPOSE_NEEDS_UTF8 | COMPOSE_NEEDS_8BIT;
	return check_room(out, e);
}
