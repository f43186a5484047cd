/*
 * search_text.c - the words of a message as a search sees them.  See
 * search_text.h.
 *
 * Parts stand in the order of their bytes, and so do their heads and bodies: for
 * each part two stages, whose bytes are taken as they come by.
 */
#include "message/search_text.h"

#include "codec/fold.h"
#include "message/header.h"
#include "message/words.h"

#include "base/banned.h"

/* Text is folded a line at a time, or so much of it. */
#define LINE_BYTES 16384u
#define TEXT_BYTES (SEARCH_HEAD_BYTES * 4 + LINE_BYTES * BODY_TEXT_GROWTH)

void search_text_init(struct search_text *t, const struct mime_tree *tree,
	search_text_fn *fn, void *arg)
{
	*t = (struct search_text){.tree = tree, .fn = fn, .arg = arg};
	buf_init(&t->head, SEARCH_HEAD_BYTES);
	buf_init(&t->text, TEXT_BYTES);
	buf_init(&t->folded, TEXT_BYTES * FOLD_GROWTH);
}

/* ---- pieces ------------------------------------------------------------------- */
static void give(struct search_text *t, enum search_place place,
	struct span text)
{
	struct search_piece piece = {.place = place, .is_first = t->is_first};

	if (t->is_over)
		return;
	buf_reset(&t->folded);
	fold_put(&t->folded, text);
	piece.folded = buf_span(&t->folded);
	t->is_first = false;
	if (!t->fn(t->arg, &piece))
		t->is_over = true;
}

/* What of the text can be folded: up to its last line end; a long line up to
 * where a character begins. */
static size_t foldable(struct span text)
{
	size_t n = span_find_last(text, '\n');

	if (n < text.n)
		return n + 1;
	if (text.n < LINE_BYTES)
		return 0;
	for (n = text.n; n > 0 && (text.p[n - 1] & 0xc0) == 0x80;)
		n--;
	return n > 1 ? n - 1 : text.n;
}

static void flush(struct search_text *t, bool is_end)
{
	size_t n = is_end ? buf_len(&t->text) : foldable(buf_span(&t->text));

	if (n == 0)
		return;
	give(t, SEARCH_BODY, span_head(buf_span(&t->text), n));
	buf_consume(&t->text, n);
}

/* ---- heads ---------------------------------------------------------------------- */
static void give_head(struct search_text *t)
{
	enum search_place place = t->part == 0 ? SEARCH_TOP_HEAD
					       : SEARCH_PART_HEAD;
	struct span head = buf_span(&t->head);
	struct header_field f;

	while (!t->is_over && header_next(&head, &f)) {
		t->is_first = true;
		give(t, place, f.name);
		give(t, place, SPAN(": "));
		buf_reset(&t->text);
		words_put_decoded(&t->text, f.value);
		give(t, place, buf_span(&t->text));
	}
	t->is_cut |= t->head.overflow;
	buf_reset(&t->head);
	buf_reset(&t->text);
}

/* ---- bodies ----------------------------------------------------------------------- */
static bool is_text(const struct mime_part *p)
{
	return p->kind == MIME_LEAF && span_eq_fold(p->type, SPAN("text"));
}

static void take_body(struct search_text *t, struct span bytes)
{
	while (bytes.n > 0 && !t->is_over) {
		body_text_feed(&t->body, span_head(bytes, LINE_BYTES),
			&t->text);
		bytes = span_tail(bytes, LINE_BYTES);
		flush(t, false);
	}
}

static void close_body(struct search_text *t)
{
	if (!t->is_reading)
		return;
	t->is_reading = false;
	body_text_end(&t->body, &t->text);
	flush(t, true);
	buf_reset(&t->text);
}

/* ---- stages ------------------------------------------------------------------------ */
/* The bytes of this stage: none of a body without words. */
static uint64_t stage_start(const struct search_text *t)
{
	const struct mime_part *p = &t->tree->parts[t->part];

	return t->in_body ? p->body_start : p->head_start;
}

static uint64_t stage_end(const struct search_text *t)
{
	const struct mime_part *p = &t->tree->parts[t->part];

	if (!t->in_body)
		return p->body_start;
	return is_text(p) ? p->body_end : p->body_start;
}

static void next_stage(struct search_text *t)
{
	if (t->in_body) {
		close_body(t);
		t->in_body = false;
		if (++t->part == t->tree->count)
			t->is_over = true;
		return;
	}
	give_head(t);
	t->in_body = true;
	if (!is_text(&t->tree->parts[t->part]) || t->is_over)
		return;
	body_text_init(&t->body, &t->tree->parts[t->part]);
	t->is_reading = t->is_first = true;
}

bool search_text_feed(struct search_text *t, struct span bytes)
{
	while (!t->is_over) {
		uint64_t start = stage_start(t), end = stage_end(t);
		struct span piece;

		if (t->at >= end) {
			next_stage(t);
			continue;
		}
		if (t->at < start) {
			piece = span_head(bytes, (size_t)(start - t->at));
		} else {
			piece = span_head(bytes, (size_t)(end - t->at));
			if (t->in_body)
				take_body(t, piece);
			else
				buf_put_most(&t->head, piece);
		}
		if (bytes.n == 0)
			break;
		t->at += piece.n;
		bytes = span_tail(bytes, piece.n);
	}
	return !t->is_over;
}

void search_text_end(struct search_text *t)
{
	while (!t->is_over)
		next_stage(t);
	close_body(t);
	buf_clear(&t->head);
	buf_clear(&t->text);
	buf_clear(&t->folded);
}
