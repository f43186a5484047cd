/*
 * imap_progress.c - how far a command is that takes long: INPROGRESS.  RFC 9585
 *
 * The session knows no clock but the moment that each call of feed brings; a job
 * that pauses is fed, if only nothing, before it goes on.
 *
 * Deliberate: STORE, COPY, MOVE and EXPUNGE say nothing.  Each is one transaction
 * that ends within a turn of the loop; and what FETCH gives shows how far it is.
 */
#include "imap/imap_int.h"

#include "base/banned.h"

void imap_progress_begin(struct imap_session *s)
{
	s->progress_ms = s->now_ms;
}

/* "* OK [INPROGRESS ("a" 175 1000)]": the second is above the first, and a tag
 * with "]" could not stand there. */
void imap_progress(struct imap_session *s, uint64_t done, uint64_t total)
{
	struct span tag = buf_span(&s->tag);

	if (s->now_ms < s->progress_ms) /* the clock was set back */
		s->progress_ms = s->now_ms;
	if (s->now_ms - s->progress_ms < IMAP_PROGRESS_MS || !imap_has_room(s))
		return;
	s->progress_ms = s->now_ms;
	buf_puts(&s->out, "* OK [INPROGRESS (");
	if (span_find(tag, ']') < tag.n)
		buf_puts(&s->out, "NIL");
	else
		buf_printf(&s->out, "\"%.*s\"", SPAN_ARG(tag));
	buf_printf(&s->out, " %llu ", (unsigned long long)done);
	if (total > done)
		buf_put_u64(&s->out, total);
	else
		buf_puts(&s->out, "NIL");
	buf_puts(&s->out, ")] still at work\r\n");
}
