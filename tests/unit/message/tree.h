/*
 * tree.h - trees made by hand, for tests of what is shown of them.
 */
#ifndef POSTRIDER_TESTS_TREE_H
#define POSTRIDER_TESTS_TREE_H

#include "message/mime.h"

#define TREE_MAX 32

/* One part: its level (0: the message), what it is, and where it lies. */
struct tree_row {
	uint32_t level;
	enum mime_kind kind;
	const char *type, *subtype;
	uint64_t head_start, body_start, body_end;
};

struct tree {
	struct mime_part parts[TREE_MAX];
	struct mime_tree tree;
};

/* Sets parent, next and end by the levels. */
static inline void tree_link(struct tree *t, const struct tree_row *rows,
	uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct mime_part *p = &t->parts[i];
		uint32_t end = i + 1;

		p->parent = p->next = MIME_NONE;
		while (end < count && rows[end].level > rows[i].level)
			end++;
		p->end = end;
		if (end < count && rows[end].level == rows[i].level)
			p->next = end;
		for (uint32_t up = 0; up < i; up++)
			if (t->parts[up].end > i)
				p->parent = up;
	}
}

static inline const struct mime_tree *tree_make(struct tree *t,
	const struct tree_row *rows, uint32_t count)
{
	*t = (struct tree){0};
	must(count <= TREE_MAX);
	for (uint32_t i = 0; i < count; i++) {
		struct mime_part *p = &t->parts[i];

		p->kind = rows[i].kind;
		p->type = span_str(rows[i].type);
		p->subtype = span_str(rows[i].subtype);
		p->head_start = rows[i].head_start;
		p->body_start = rows[i].body_start;
		p->body_end = rows[i].body_end;
	}
	tree_link(t, rows, count);
	t->tree = (struct mime_tree){
		.parts = t->parts, .count = count, .size = rows[0].body_end};
	return &t->tree;
}

#define TREE_MAKE(t, rows) \
	tree_make((t), (rows), sizeof(rows) / sizeof((rows)[0]))

#endif
