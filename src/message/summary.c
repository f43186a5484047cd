/*
 * summary.c - what is worth knowing of a message.  See summary.h.
 *
 * The parser finds parts and envelope as the bytes go by; what is told of them
 * is put together at the end.  Only the preview needs bytes, and those of the
 * beginning are kept for it.
 */
#include "message/summary.h"

#include <string.h>

#include "base/err.h"
#include "message/jmap_view.h"
#include "message/msgid.h"
#include "message/preview.h"
#include "message/subject.h"
#include "message/words.h"

#include "base/banned.h"

/* Ids that a message says it answers; more are hardly meant. */
#define ANSWERED_MAX 4

void summary_begin(struct summary_maker *m, struct arena *a, uint64_t size)
{
	size_t room = size < SUMMARY_BEGINNING_BYTES ? (size_t)size
						     : SUMMARY_BEGINNING_BYTES;

	*m = (struct summary_maker){.arena = a, .beginning_room = room};
	m->beginning = arena_alloc(a, room == 0 ? 1 : room, 1);
	m->parser = mime_parser_new(a);
}

void summary_feed(struct summary_maker *m, struct span bytes)
{
	struct span kept = span_head(bytes,
		m->beginning_room - m->beginning_n);

	if (kept.n > 0)
		memcpy(m->beginning + m->beginning_n, kept.p, kept.n);
	m->beginning_n += kept.n;
	mime_parser_feed(m->parser, bytes);
}

/* ---- ids ------------------------------------------------------------------- */
static void add_ids(struct summary *s, struct span text, size_t max)
{
	struct span id;

	for (size_t i = 0; i < max && s->id_count < SUMMARY_IDS_MAX; i++)
		if (msgid_next(&text, &id))
			s->ids[s->id_count++] = id;
		else
			break;
}

/* The first, which began the thread, and the last, which are nearest: clients
 * that shorten the list cut its middle out (RFC 5322 3.6.4). */
static void add_references(struct summary *s, struct span text)
{
	size_t first = s->id_count;
	size_t room = SUMMARY_IDS_MAX - first;
	size_t oldest = first + 1;
	struct span id;

	for (size_t i = 0; i < MESSAGE_IDS_MAX && msgid_next(&text, &id); i++) {
		if (i < room) {
			s->ids[s->id_count++] = id;
			continue;
		}
		s->ids[oldest++] = id;
		if (oldest == SUMMARY_IDS_MAX)
			oldest = first + 1;
	}
}

/* ---- the end --------------------------------------------------------------- */
static struct span buf_keep(struct arena *a, struct buf *b)
{
	struct span kept = arena_dup(a, buf_span(b));

	buf_clear(b);
	return kept;
}

/* RFC 8621 3: subjects are compared without what was added automatically, and
 * without white space.  Case is no change of the subject either. */
static struct span thread_subject(struct arena *a, struct span raw)
{
	struct buf decoded, base, bare;
	struct span s;
	bool is_reply;

	buf_init(&decoded, 4 * SUMMARY_SUBJECT_BYTES);
	buf_init(&base, 4 * SUMMARY_SUBJECT_BYTES);
	buf_init(&bare, 4 * SUMMARY_SUBJECT_BYTES);
	words_put_decoded(&decoded, span_head(raw, SUMMARY_SUBJECT_BYTES));
	subject_put_base(&base, buf_span(&decoded), &is_reply);
	s = buf_span(&base);
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != ' ')
			buf_putc(&bare, ascii_lower(s.p[i]));
	buf_clear(&decoded);
	buf_clear(&base);
	return buf_keep(a, &bare);
}

static struct span make_preview(const struct summary_maker *m,
	const struct mime_tree *tree)
{
	struct buf preview;

	buf_init(&preview, PREVIEW_BYTES_MAX);
	preview_put(&preview, m->arena, tree,
		span_of(m->beginning, m->beginning_n));
	return buf_keep(m->arena, &preview);
}

void summary_end(struct summary_maker *m, struct summary *out)
{
	const struct mime_tree *tree = mime_parser_end(m->parser);
	const struct envelope *envelope = tree->parts[0].envelope;
	struct jmap_bodies bodies;
	struct date date;

	must(envelope != NULL);
	*out = (struct summary){.tree = tree, .envelope = envelope};
	out->has_sent = envelope_sent(envelope, &date);
	if (out->has_sent)
		out->sent_ms = date.seconds * 1000;
	jmap_bodies_find(m->arena, tree, &bodies);
	out->has_attachment = bodies.has_attachment;
	out->preview = make_preview(m, tree);
	out->subject = thread_subject(m->arena, envelope->subject);
	add_ids(out, envelope->message_id, 1);
	add_ids(out, envelope->in_reply_to, ANSWERED_MAX);
	add_references(out, envelope->references);
}
