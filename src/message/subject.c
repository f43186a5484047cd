/*
 * subject.c - what a subject is about.  See subject.h.
 *
 * The steps have the numbers of RFC 5256 2.1.  They only move the two ends of
 * a span inwards; what is left is written at the end.  A row of blobs without
 * "Re:" behind it is looked over once, not once for each of its blobs.
 */
#include "message/subject.h"

#include "message/token.h"

#include "base/banned.h"

struct subject {
	struct span text;
	const uint8_t *no_reply_before; /* no "Re:" behind the blobs that begin
					before this place */
	bool is_reply;
};

/* Step 2: "(fwd)" and blanks at the end. */
static void cut_trailers(struct subject *s)
{
	static const struct span mark = SPAN_INIT("(fwd)");

	s->text = token_trim_end(s->text);
	while (s->text.n >= mark.n &&
		span_eq_fold(span_tail(s->text, s->text.n - mark.n), mark)) {
		s->text = token_trim_end(span_head(s->text, s->text.n - mark.n));
		s->is_reply = true;
	}
}

/* subj-blob: "[...]" and blanks; empty, as s begins, if there is none. */
static bool cut_blob(struct span *s)
{
	if (s->n == 0 || s->p[0] != '[')
		return false;
	for (size_t i = 1; i < s->n && s->p[i] != '['; i++)
		if (s->p[i] == ']') {
			*s = token_trim_start(span_tail(*s, i + 1));
			return true;
		}
	return false;
}

/* subj-refwd: Re, Fw or Fwd, perhaps a blob, and a colon. */
static bool cut_refwd(struct span *s)
{
	struct span rest = *s;

	if (span_starts_fold(rest, SPAN("re")))
		rest = span_tail(rest, 2);
	else if (span_starts_fold(rest, SPAN("fwd")))
		rest = span_tail(rest, 3);
	else if (span_starts_fold(rest, SPAN("fw")))
		rest = span_tail(rest, 2);
	else
		return false;
	rest = token_trim_start(rest);
	(void)cut_blob(&rest);
	if (rest.n == 0 || rest.p[0] != ':')
		return false;
	*s = token_trim_start(span_tail(rest, 1));
	return true;
}

/* Step 3, once. */
static bool cut_leader(struct subject *s)
{
	struct span rest = s->text;

	if (s->no_reply_before != NULL && rest.p < s->no_reply_before)
		return false;
	while (cut_blob(&rest))
		continue;
	if (!cut_refwd(&rest)) {
		s->no_reply_before = rest.p;
		return false;
	}
	s->text = rest;
	s->is_reply = true;
	return true;
}

/* Step 4: a blob, unless nothing is left without it. */
static bool cut_tag(struct subject *s)
{
	struct span rest = s->text;

	if (!cut_blob(&rest) || rest.n == 0)
		return false;
	s->text = rest;
	return true;
}

/* Step 6: "[fwd: ...]" around all of it. */
static bool unwrap(struct subject *s)
{
	static const struct span mark = SPAN_INIT("[fwd:");

	if (s->text.n <= mark.n || s->text.p[s->text.n - 1] != ']' ||
		!span_starts_fold(s->text, mark))
		return false;
	s->text = span_tail(span_head(s->text, s->text.n - 1), mark.n);
	/* what was a blob is text now */
	s->no_reply_before = NULL;
	s->is_reply = true;
	return true;
}

static void put_squeezed(struct buf *out, struct span text)
{
	while (text.n > 0) {
		size_t n = 0;

		while (n < text.n && !token_is_blank(text.p[n]))
			n++;
		buf_put(out, span_head(text, n));
		text = token_trim_start(span_tail(text, n));
		if (text.n > 0)
			buf_putc(out, ' ');
	}
}

void subject_put_base(struct buf *out, struct span decoded_subject,
	bool *out_is_reply)
{
	struct subject s = {.text = decoded_subject};

	do {
		cut_trailers(&s);
		s.text = token_trim_start(s.text);
		while (cut_leader(&s) || cut_tag(&s))
			continue;
	} while (unwrap(&s));
	put_squeezed(out, s.text);
	*out_is_reply = s.is_reply;
}
