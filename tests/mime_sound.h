/*
 * mime_sound.h - for tests: is this the tree of that message?
 *
 * What holds for every tree, whatever the bytes are; it is counted here anew, in
 * the plainest way.  The process ends where it does not hold.
 */
#ifndef POSTRIDER_TESTS_MIME_SOUND_H
#define POSTRIDER_TESTS_MIME_SOUND_H

#include "base/buf.h"
#include "base/err.h"
#include "message/mime.h"

static inline uint32_t sound_count(struct span message, uint64_t start,
	uint64_t end, uint8_t byte)
{
	uint32_t n = 0;

	for (uint64_t i = start; i < end; i++)
		n += message.p[i] == byte;
	return n;
}

/* Where a part lies, and what is counted of it. */
static inline void sound_part(const struct mime_part *p, struct span message)
{
	bool has_8bit = false;

	must(p->head_start <= p->body_start && p->body_start <= p->body_end);
	must(p->body_end <= message.n);
	must(p->type.n > 0 && p->subtype.n > 0);
	must(p->head_lines ==
		sound_count(message, p->head_start, p->body_start, '\n'));
	must(p->body_lines ==
		sound_count(message, p->body_start, p->body_end, '\n'));
	if (p->kind != MIME_LEAF)
		return;
	for (uint64_t i = p->body_start; i < p->body_end; i++)
		has_8bit |= message.p[i] >= 0x80;
	must(p->has_8bit == has_8bit);
	must(p->has_nul ==
		(sound_count(message, p->body_start, p->body_end, 0) > 0));
}

/* A line that begins with "--" and ends with the span: a boundary. */
static inline void sound_boundary(struct span gap)
{
	must(gap.n >= 3);
	if (gap.p[gap.n - 1] == '\n')
		gap.n--;
	gap = span_tail(gap, span_find_last(gap, '\n') == gap.n
			? 0
			: span_find_last(gap, '\n') + 1);
	must(span_starts(gap, SPAN("--")));
}

/* The children lie in order in the body, boundaries before each. */
static inline void sound_children(const struct mime_tree *t, uint32_t i,
	struct span message)
{
	const struct mime_part *p = &t->parts[i];
	uint64_t at = p->body_start;
	uint32_t before = MIME_NONE, count = 0;

	for (uint32_t c = mime_first_child(t, i); c != MIME_NONE;
		c = t->parts[c].next) {
		const struct mime_part *child = &t->parts[c];

		must(c == (before == MIME_NONE ? i + 1 : t->parts[before].end));
		must(child->parent == i && child->end <= p->end);
		must(child->head_start >= at && child->body_end <= p->body_end);
		if (p->kind == MIME_MULTIPART)
			sound_boundary(span_of(message.p + at,
				(size_t)(child->head_start - at)));
		must((child->envelope != NULL) == (p->kind == MIME_MESSAGE));
		at = child->body_end;
		before = c;
		count++;
	}
	must(p->end == (before == MIME_NONE ? i + 1 : t->parts[before].end));
	if (p->kind != MIME_MULTIPART)
		must(count == (p->kind == MIME_MESSAGE));
	if (p->kind == MIME_MESSAGE)
		must(t->parts[i + 1].head_start == p->body_start &&
			t->parts[i + 1].body_end == p->body_end);
}

/* Spans and what stands between them, put together again. */
static inline void sound_bytes(const struct mime_tree *t, struct span message)
{
	struct buf out;
	uint64_t at = 0;

	buf_init(&out, message.n);
	for (uint32_t i = 0; i < t->count; i++) {
		const struct mime_part *p = &t->parts[i];
		uint64_t end = p->end == i + 1 ? p->body_end : p->body_start;

		must(at <= p->head_start);
		buf_put(&out, span_of(message.p + at,
				(size_t)(p->head_start - at)));
		buf_put(&out, span_of(message.p + p->head_start,
				(size_t)(p->body_start - p->head_start)));
		buf_put(&out, span_of(message.p + p->body_start,
				(size_t)(end - p->body_start)));
		at = end;
	}
	buf_put(&out, span_tail(message, (size_t)at));
	must(!out.overflow && span_eq(buf_span(&out), message));
	buf_clear(&out);
}

static inline void sound_tree(const struct mime_tree *t, struct span message)
{
	must(t->count >= 1 && t->count <= MESSAGE_PARTS_MAX);
	must(t->size == message.n);
	must(t->parts[0].parent == MIME_NONE && t->parts[0].next == MIME_NONE);
	must(t->parts[0].head_start == 0 && t->parts[0].envelope != NULL);
	must(t->parts[0].body_end == message.n && t->parts[0].end == t->count);
	for (uint32_t i = 0; i < t->count; i++) {
		must(!t->parts[i].is_cut || t->is_cut);
		sound_part(&t->parts[i], message);
		sound_children(t, i, message);
	}
	if (message.n > 0)
		sound_bytes(t, message);
}

/* A tree that was unpacked is one that a parser can have made, whatever the
 * bytes were. */
static inline void sound_unpacked(const struct mime_tree *t)
{
	uint32_t depth = 0;

	must(t->parts[0].end == t->count && t->parts[0].body_end == t->size);
	for (uint32_t i = 0; i < t->count; i++) {
		const struct mime_part *p = &t->parts[i];
		const struct mime_part *up = i > 0 ? &t->parts[p->parent] : p;

		must(p->head_start <= p->body_start);
		must(p->body_start <= p->body_end);
		must(p->end > i && p->end <= up->end);
		must(i == 0 || (p->parent < i && up->kind != MIME_LEAF));
		must(i == 0 || up->body_start <= p->head_start);
		must(p->body_end <= up->body_end);
		must(p->next == MIME_NONE ||
			(p->next == p->end && p->next < up->end));
		must(p->kind != MIME_MESSAGE || p->end > i + 1);
		depth = 0;
		for (uint32_t k = i; k != 0; k = t->parts[k].parent)
			depth++;
		must(depth <= MESSAGE_DEPTH_MAX);
	}
}

#endif
