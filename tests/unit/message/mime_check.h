/*
 * mime_check.h - for tests: a message at every split, and its tree told.
 *
 * Trees are told as an outline: dots for the depth, the subtype, "*" for a
 * multipart or ">" for a message, else ":" and the bytes of the body; "!" is
 * cut, "8" holds 8-bit bytes, "0" holds a NUL.
 */
#ifndef POSTRIDER_TESTS_MIME_CHECK_H
#define POSTRIDER_TESTS_MIME_CHECK_H

#include "mime_sound.h"

#define MIME_PACKED_MAX (32u << 20)
/* Longer messages are fed in pieces of some sizes only. */
#define MIME_EVERY_SPLIT_MAX 700
#define MIME_LONG_MIN        20000

static inline void mime_put_outline(struct buf *out, const struct mime_tree *t)
{
	static const char marks[] = {':', '*', '>'};

	for (uint32_t i = 0; i < t->count; i++) {
		const struct mime_part *p = &t->parts[i];
		uint32_t up = p->parent;

		if (i > 0)
			buf_putc(out, ' ');
		for (; up != MIME_NONE; up = t->parts[up].parent)
			buf_putc(out, '.');
		buf_put(out, p->subtype);
		buf_putc(out, (uint8_t)marks[p->kind]);
		if (p->kind == MIME_LEAF)
			buf_put_u64(out, p->body_end - p->body_start);
		buf_puts(out, p->is_cut ? "!" : "");
		buf_puts(out, p->has_8bit ? "8" : "");
		buf_puts(out, p->has_nul ? "0" : "");
	}
}

/* The whole tree as bytes, the root's envelope too. */
static inline void mime_put_packed(struct buf *out, const struct mime_tree *t)
{
	mime_tree_pack(t, out);
	envelope_pack(t->parts[0].envelope, out);
	assert_false(out->overflow);
}

static inline void mime_check_split(struct span message, size_t size, struct span packed)
{
	struct arena arena;
	struct mime_parser *p;
	struct span rest = message;
	struct buf out;

	arena_init(&arena, MIME_ARENA_BYTES);
	buf_init(&out, MIME_PACKED_MAX);
	p = mime_parser_new(&arena);
	while (rest.n > 0) {
		/* a copy: what was fed may be gone afterwards */
		struct buf piece;

		buf_init(&piece, size);
		buf_put(&piece, span_head(rest, size));
		mime_parser_feed(p, buf_span(&piece));
		buf_clear(&piece);
		rest = span_tail(rest, size);
	}
	mime_put_packed(&out, mime_parser_end(p));
	assert_true(span_eq(buf_span(&out), packed));
	buf_clear(&out);
	arena_clear(&arena);
}

static inline void mime_check_splits(struct span message, struct span packed)
{
	static const size_t sizes[] = {1, 2, 3, 7, 61, 997, 4099, 65537};
	size_t least = message.n > MIME_LONG_MIN ? 997 : 1;

	if (message.n <= MIME_EVERY_SPLIT_MAX) {
		for (size_t size = 1; size <= message.n; size++)
			mime_check_split(message, size, packed);
		return;
	}
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (sizes[i] >= least)
			mime_check_split(message, sizes[i], packed);
}

static inline void mime_check_pack(const struct mime_tree *t)
{
	struct arena arena;
	struct mime_tree back;
	struct buf packed, again;

	arena_init(&arena, MIME_ARENA_BYTES);
	buf_init(&packed, MIME_PACKED_MAX);
	buf_init(&again, MIME_PACKED_MAX);
	mime_tree_pack(t, &packed);
	assert_true(mime_tree_unpack(&arena, buf_span(&packed), &back));
	assert_null(back.parts[0].envelope);
	mime_tree_pack(&back, &again);
	assert_true(span_eq(buf_span(&packed), buf_span(&again)));
	buf_clear(&packed);
	buf_clear(&again);
	arena_clear(&arena);
}

/* Parses, and holds everything against it that holds for each message.  The
 * tree lives in the arena. */
static inline const struct mime_tree *mime_check(struct arena *a,
	struct span message)
{
	const struct mime_tree *t;
	struct buf packed;

	arena_init(a, MIME_ARENA_BYTES);
	t = mime_parse(a, message);
	sound_tree(t, message);
	buf_init(&packed, MIME_PACKED_MAX);
	mime_put_packed(&packed, t);
	mime_check_splits(message, buf_span(&packed));
	buf_clear(&packed);
	mime_check_pack(t);
	return t;
}

static inline void mime_check_outline(struct span message, const char *expected)
{
	struct arena arena;
	struct buf out;

	buf_init(&out, 4096);
	mime_put_outline(&out, mime_check(&arena, message));
	buf_putc(&out, 0);
	assert_string_equal((const char *)out.p, expected);
	buf_clear(&out);
	arena_clear(&arena);
}

#endif
