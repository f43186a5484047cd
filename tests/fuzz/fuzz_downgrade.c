/*
 * fuzz_downgrade.c - any message on its way to a server that takes less.  The
 * first byte chooses the split, the second what the server takes.
 *
 * Checked besides memory: every split gives the same; what comes out may
 * travel; its parts decode to what they decoded to before; and it needs no
 * second conversion.
 */
#include "base/utf8.h"
#include "decode.h"
#include "message/downgrade.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Writes what it becomes; false: it cannot be converted. */
static bool convert(const struct mime_tree *t, struct span in,
	bool allows_8bit, size_t split, struct buf *out)
{
	struct arena arena;
	struct downgrade *d;
	struct err e;
	bool is_good;

	arena_init(&arena, DOWNGRADE_ARENA_BYTES);
	d = downgrade_new(&arena, t, allows_8bit);
	for (size_t i = 0; i < in.n; i += split)
		downgrade_look(d, span_head(span_tail(in, i), split));
	is_good = downgrade_decide(d, &e) == OK;
	for (size_t i = 0; is_good && i < in.n; i += split)
		downgrade_feed(d, span_head(span_tail(in, i), split), out);
	if (is_good)
		downgrade_end(d, out);
	downgrade_clear(d);
	arena_clear(&arena);
	must(!out->overflow);
	return is_good;
}

static bool is_sealed(const struct mime_tree *t, uint32_t i)
{
	for (; i != MIME_NONE; i = t->parts[i].parent)
		if (mime_is_type(&t->parts[i], SPAN("multipart"),
			SPAN("signed")) ||
			mime_is_type(&t->parts[i], SPAN("multipart"),
				SPAN("encrypted")))
			return true;
	return false;
}

/* A line end may have been added at the very end. */
static bool is_same(struct span before, struct span after)
{
	return span_eq(before, after) ||
		(after.n == before.n + 2 && span_starts(after, before) &&
			span_ends(after, SPAN("\r\n")));
}

static void check_parts(const struct mime_tree *a, struct span before,
	struct arena *arena, struct span after)
{
	const struct mime_tree *b = mime_parse(arena, after);
	struct buf one, other;

	uint32_t i = 0, k = 0;

	buf_init(&one, before.n + 2);
	buf_init(&other, after.n + 2);
	while (!a->is_cut && i < a->count) {
		const struct mime_part *p = &a->parts[i], *q = &b->parts[k];
		/* encoded as a whole: what is in it is not seen any more */
		bool is_whole = k < b->count && q->kind == MIME_LEAF &&
			mime_is_type(p, SPAN("message"), SPAN("global"));

		must(k < b->count && (p->kind == q->kind || is_whole));
		if (q->kind == MIME_LEAF) {
			buf_reset(&one);
			buf_reset(&other);
			(void)part_decode(before, p, &one);
			(void)part_decode(after, q, &other);
			must(is_same(buf_span(&one), buf_span(&other)));
			if (is_sealed(a, i))
				must(is_same(part_body(before, p),
					part_body(after, q)));
		}
		i = is_whole ? p->end : i + 1;
		k++;
	}
	must(a->is_cut || k == b->count);
	buf_clear(&one);
	buf_clear(&other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	const struct mime_tree *t;
	struct buf out, again;
	struct span in;
	bool allows_8bit;

	if (size < 2)
		return 0;
	in = span_of(data + 2, size - 2);
	allows_8bit = data[1] & 1;
	arena_init(&arena, 3 * (size_t)MIME_ARENA_BYTES);
	buf_init(&out, size * 8 + 2 * DOWNGRADE_HEAD_BYTES);
	buf_init(&again, size * 16 + 2 * DOWNGRADE_HEAD_BYTES);
	t = mime_parse(&arena, in);
	must(t->size == in.n);
	if (convert(t, in, allows_8bit, size, &out)) {
		must(convert(t, in, allows_8bit, (size_t)data[0] + 1, &again));
		must(span_eq(buf_span(&out), buf_span(&again)));
		must(allows_8bit || utf8_is_ascii(buf_span(&out)));
		check_parts(t, in, &arena, buf_span(&out));
		buf_reset(&again);
		must(convert(mime_parse(&arena, buf_span(&out)),
			buf_span(&out), allows_8bit, 100, &again));
		must(span_eq(buf_span(&out), buf_span(&again)));
	}
	buf_clear(&out);
	buf_clear(&again);
	arena_clear(&arena);
	return 0;
}
