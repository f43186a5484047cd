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

#include "base/banned.h"

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

static bool is_type(const struct compose_node *node)
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
	if (part->param_count > COMPOSE_PARAMS_MAX)
		return err_set(e, LIMIT, "a part has too many parameters");
	for (size_t i = 0; i < part->param_count; i++)
		if (!compose_is_token(span_str(part->params[i].name)) ||
			!utf8_is_valid(part->params[i].value))
			return err_set(e, SYNTAX,
				"a parameter cannot be written");
	return OK;
}

static enum code check_node(const struct compose_node *node, struct err *e)
{
	const struct compose_part *part = node->part;

	if (!is_type(node))
		return err_set(e, SYNTAX, "a part cannot have its type");
	if (node->depth >= COMPOSE_DEPTH_MAX)
		return err_set(e, LIMIT, "the parts are nested too deep");
	if (part->kind == COMPOSE_MULTIPART && part->child_count == 0)
		return err_set(e, SYNTAX, "a multipart has no parts");
	if (part->is_flowed && (part->kind != COMPOSE_TEXT ||
		!span_eq_fold(node->type, SPAN("text/plain"))))
		return err_set(e, SYNTAX, "only text/plain can be flowed");
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
static const struct compose_part *next_child(struct compose_node *node)
{
	if (node->part->kind != COMPOSE_MULTIPART ||
		node->end >= node->part->child_count)
		return NULL;
	return &node->part->children[node->end++];
}

static void grow(struct compose_plan *p)
{
	struct compose_node *nodes;

	p->room = p->room == 0 ? 16 : p->room * 2;
	nodes = arena_alloc(p->arena, p->room, sizeof(*nodes));
	if (p->count > 0)
		memcpy(nodes, p->nodes, p->count * sizeof(*nodes));
	p->nodes = nodes;
}

static enum code add_node(struct compose_plan *p, const struct compose_part *part,
	uint32_t parent, struct err *e)
{
	struct compose_node *node;

	if (p->count >= COMPOSE_PARTS_MAX)
		return err_set(e, LIMIT, "there are too many parts");
	if (p->count == p->room)
		grow(p);
	node = &p->nodes[p->count];
	*node = (struct compose_node){.part = part, .parent = parent,
		.content = part->content,
		.depth = parent == COMPOSE_NONE ? 0 : p->nodes[parent].depth + 1,
		.type = type_of(part)};
	p->count++;
	return check_node(node, e);
}

static enum code flatten(struct compose_plan *p, const struct compose_part *root,
	struct err *e)
{
	uint32_t at = 0;
	enum code code = add_node(p, root, COMPOSE_NONE, e);

	while (code == OK && at != COMPOSE_NONE) {
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

/* All flowed texts go into one buf, whose bytes stay where they are once it is
 * complete. */
static void flow(struct compose_plan *p)
{
	size_t bytes = 0, at = 0;

	for (uint32_t i = 0; i < p->count; i++)
		if (p->nodes[i].part->is_flowed)
			bytes += COMPOSE_FLOWED(p->nodes[i].content.n);
	buf_init(&p->flowed, bytes);
	for (uint32_t i = 0; i < p->count; i++) {
		struct compose_node *node = &p->nodes[i];
		size_t before = buf_len(&p->flowed);

		if (!node->part->is_flowed)
			continue;
		compose_flowed_put(&p->flowed, node->content);
		node->content.n = buf_len(&p->flowed) - before;
	}
	for (uint32_t i = 0; i < p->count; i++) {
		struct compose_node *node = &p->nodes[i];

		if (!node->part->is_flowed)
			continue;
		node->content = span_head(
			span_tail(buf_span(&p->flowed), at), node->content.n);
		at += node->content.n;
	}
}

/* ---- how parts travel ------------------------------------------------------ */
static enum compose_way way_of(const struct compose_node *node,
	bool allows_8bit)
{
	const struct compose_part *part = node->part;

	if (part->kind == COMPOSE_TEXT)
		return compose_way_of_text(node->content, allows_8bit);
	if (part->kind == COMPOSE_FILE)
		return WAY_BASE64;
	if (part->kind == COMPOSE_MULTIPART)
		return WAY_7BIT; /* until its parts are known */
	return compose_way_of_raw(part->content);
}

static void plan_ways(struct compose_plan *p, bool allows_8bit)
{
	for (uint32_t i = p->count; i-- > 0;) {
		struct compose_node *node = &p->nodes[i];
		enum compose_way way = way_of(node, allows_8bit);
		struct compose_node *parent;

		/* children came before and have raised it */
		node->way = way > node->way ? way : node->way;
		if (node->parent == COMPOSE_NONE || node->way > WAY_BINARY)
			continue;
		parent = &p->nodes[node->parent];
		if (node->way > parent->way)
			parent->way = node->way;
	}
}

static bool is_stem_in(const struct compose_plan *p)
{
	struct span stem = span_of(p->stem, sizeof(p->stem));

	for (uint32_t i = 0; i < p->count; i++) {
		const struct compose_node *node = &p->nodes[i];
		struct span content = node->content;

		if (node->part->kind != COMPOSE_MULTIPART &&
			node->way <= WAY_BINARY &&
			span_find_span(content, stem) < content.n)
			return true;
	}
	return false;
}

/* The random bytes are tried first, then what they are one by one after. */
static void plan_stem(struct compose_plan *p, const struct compose_message *m)
{
	uint8_t random[COMPOSE_RANDOM_BYTES];
	struct buf hex;

	memcpy(random, m->random, sizeof(random));
	buf_init(&hex, COMPOSE_STEM_LEN);
	do {
		buf_reset(&hex);
		buf_puts(&hex, "=_");
		hex_put(&hex, span_of(random, sizeof(random)));
		memcpy(p->stem, buf_span(&hex).p, COMPOSE_STEM_LEN);
		for (size_t i = 0; i < sizeof(random) && ++random[i] == 0; i++)
			;
	} while (is_stem_in(p));
	buf_clear(&hex);
}

/* ---- the order of things -------------------------------------------------- */
static void put_leaf(const struct compose_node *node, struct buf *out)
{
	if (node->part->kind == COMPOSE_TEXT)
		compose_text_put(out, node->content, node->way);
	else if (node->part->kind == COMPOSE_FILE)
		compose_file_put(out, node->part->content);
	else if (node->part->kind != COMPOSE_MULTIPART)
		buf_put(out, node->part->content);
}

static void put_delimiter(const struct compose_plan *p, uint32_t index,
	const char *end, struct buf *out)
{
	buf_puts(out, "\r\n--");
	compose_boundary_put(p, index, out);
	buf_puts(out, end);
	buf_puts(out, "\r\n");
}

static void put_all(const struct compose_plan *p, struct buf *out)
{
	for (uint32_t i = 0; i < p->count && !out->overflow; i++) {
		const struct compose_node *node = &p->nodes[i];
		uint32_t up = i;

		if (node->parent != COMPOSE_NONE)
			put_delimiter(p, node->parent, "", out);
		if (node->part->kind != COMPOSE_RAW)
			compose_part_head_put(p, i, out);
		put_leaf(node, out);
		/* multiparts that end behind this part, the inmost first */
		for (; up != COMPOSE_NONE && p->nodes[up].end == i + 1;
			up = p->nodes[up].parent)
			if (p->nodes[up].part->kind == COMPOSE_MULTIPART)
				put_delimiter(p, up, "--", out);
	}
}

/* ---- the whole --------------------------------------------------------------- */
/* The plan has to be cleared, whatever became of it. */
static enum code make_plan(const struct compose_message *m, struct arena *a,
	struct compose_plan *out, struct err *e)
{
	enum code code;

	*out = (struct compose_plan){.arena = a};
	code = flatten(out, m->body, e);
	if (code != OK)
		return code;
	flow(out);
	plan_ways(out, m->allows_8bit);
	plan_stem(out, m);
	return OK;
}

static unsigned needs_of(const struct compose_plan *p)
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
	struct compose_plan p;
	enum code code = make_plan(m, a, &p, e);

	if (code == OK) {
		put_all(&p, out);
		*out_needs = needs_of(&p);
		code = check_room(out, e);
	}
	buf_clear(&p.flowed);
	return code;
}

static void put_message(const struct compose_message *m,
	const struct compose_plan *p, struct buf *out, unsigned *out_needs)
{
	compose_head_put(m, out);
	put_all(p, out);
	if (!span_ends(buf_span(out), SPAN("\r\n")))
		buf_puts(out, "\r\n"); /* a raw part need not */
	*out_needs = needs_of(p);
	if (compose_head_is_utf8(m))
		*out_needs |= COMPOSE_NEEDS_UTF8 | COMPOSE_NEEDS_8BIT;
}

enum code compose_put(const struct compose_message *m, struct arena *a,
	struct buf *out, unsigned *out_needs, struct err *e)
{
	struct compose_plan p;
	enum code code = compose_head_check(m, e);

	if (code != OK)
		return code;
	code = make_plan(m, a, &p, e);
	if (code == OK) {
		put_message(m, &p, out, out_needs);
		code = check_room(out, e);
	}
	buf_clear(&p.flowed);
	return code;
}
