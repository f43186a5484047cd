/*
 * imap_search_text.c - BODY and TEXT: the words of a message, read once for all
 * keys that look for some.
 *
 * What is looked at: of every text part its text, decoded; of every part
 * its head, encoded words decoded, and that of the message itself for TEXT only.
 * Attachments that are no text have no words.  The bytes come in order, and so
 * do the parts.
 */
#include "codec/fold.h"
#include "imap/imap_bytes.h"
#include "imap/imap_search.h"
#include "message/body_text.h"
#include "message/header.h"
#include "message/words.h"

#include "base/banned.h"

/* Text is folded a line at a time, or so much of it. */
#define LINE_BYTES  16384u
/* Of a head that is no head of people. */
#define HEAD_BYTES  (1u << 20)

struct looking {
	struct imap_trial *trial;
	struct buf text;   /* decoded, not folded yet */
	struct buf folded;
	bool in_head;      /* of the message itself: nothing for BODY */
};

/* ---- needles -------------------------------------------------------------------- */
static bool is_looking(const struct looking *l, const struct imap_key *k)
{
	return k->cost == IMAP_COST_TEXT &&
		!(l->in_head && k->has == imap_has_body);
}

static bool is_all_found(const struct looking *l)
{
	const struct imap_search *s = l->trial->search;

	for (size_t i = 0; i < s->key_count; i++)
		if (s->keys[i].cost == IMAP_COST_TEXT &&
			!s->keys[i].needle.is_found)
			return false;
	return true;
}

static void feed_needles(struct looking *l, struct span text)
{
	struct imap_search *s = l->trial->search;

	buf_reset(&l->folded);
	fold_put(&l->folded, text);
	for (size_t i = 0; i < s->key_count; i++)
		if (is_looking(l, &s->keys[i]))
			imap_needle_feed(&s->keys[i].needle,
				buf_span(&l->folded));
}

/* A new run of text: nothing is found across two of them. */
static void begin_run(struct looking *l)
{
	struct imap_search *s = l->trial->search;

	for (size_t i = 0; i < s->key_count; i++)
		s->keys[i].needle.at = 0;
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

static void flush(struct looking *l, bool is_end)
{
	size_t n = is_end ? buf_len(&l->text) : foldable(buf_span(&l->text));

	if (n == 0)
		return;
	feed_needles(l, span_head(buf_span(&l->text), n));
	buf_consume(&l->text, n);
}

/* ---- heads ------------------------------------------------------------------------ */
static void look_at_head(struct looking *l, struct span head)
{
	struct header_field f;

	while (header_next(&head, &f)) {
		begin_run(l);
		buf_reset(&l->text);
		buf_put(&l->text, f.name);
		buf_puts(&l->text, ": ");
		words_put_decoded(&l->text, f.value);
		flush(l, true);
	}
}

static enum code look_at_part_head(struct looking *l, struct imap_bytes *b,
	const struct mime_part *p, struct err *e)
{
	struct buf head;
	struct span piece;
	enum code code = OK;

	buf_init(&head, HEAD_BYTES);
	while ((code = imap_bytes_next(b, p->head_start, p->body_start, &piece,
			e)) == OK)
		buf_put_most(&head, piece);
	if (code == NOT_FOUND)
		look_at_head(l, buf_span(&head));
	buf_clear(&head);
	return code == NOT_FOUND ? OK : code;
}

/* ---- bodies ------------------------------------------------------------------------- */
static enum code look_at_body(struct looking *l, struct imap_bytes *b,
	const struct mime_part *p, struct err *e)
{
	struct body_text body;
	struct span piece;
	enum code code;

	begin_run(l);
	buf_reset(&l->text);
	body_text_init(&body, p);
	while ((code = imap_bytes_next(b, p->body_start, p->body_end, &piece,
			e)) == OK) {
		while (piece.n > 0) {
			body_text_feed(&body, span_head(piece, LINE_BYTES),
				&l->text);
			piece = span_tail(piece, LINE_BYTES);
			flush(l, false);
		}
	}
	body_text_end(&body, &l->text);
	flush(l, true);
	return code == NOT_FOUND ? OK : code;
}

static bool is_text(const struct mime_part *p)
{
	return p->kind == MIME_LEAF && span_eq_fold(p->type, SPAN("text"));
}

static enum code look(struct looking *l, struct imap_bytes *b, struct err *e)
{
	const struct mime_tree *t = l->trial->meta.tree;
	enum code code = OK;

	for (uint32_t i = 0; i < t->count && code == OK; i++) {
		l->in_head = i == 0;
		code = look_at_part_head(l, b, &t->parts[i], e);
		l->in_head = false;
		if (code == OK && is_text(&t->parts[i]))
			code = look_at_body(l, b, &t->parts[i], e);
		if (is_all_found(l))
			break;
	}
	return code;
}

enum code imap_search_text(struct imap_trial *t, struct err *e)
{
	struct looking l = {.trial = t};
	struct imap_search *s = t->search;
	struct imap_bytes b;
	enum code code;

	for (size_t i = 0; i < s->key_count; i++)
		if (s->keys[i].cost == IMAP_COST_TEXT)
			imap_needle_begin(&s->keys[i].needle);
	code = imap_bytes_open(&b, t->store, t->row.message, e);
	if (code != OK)
		return code;
	buf_init(&l.text, HEAD_BYTES * 4 + LINE_BYTES * BODY_TEXT_GROWTH);
	buf_init(&l.folded, (HEAD_BYTES * 4 + LINE_BYTES * BODY_TEXT_GROWTH) *
			FOLD_GROWTH);
	code = look(&l, &b, e);
	imap_bytes_close(&b);
	buf_clear(&l.text);
	buf_clear(&l.folded);
	return code;
}
