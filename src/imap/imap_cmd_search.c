/*
 * imap_cmd_search.c - SEARCH, SORT, THREAD.  RFC 9051 6.4.4, RFC 3501 6.4.4, RFC 4731
 * (ESEARCH), RFC 5182 (SEARCHRES), RFC 5256 3 (SORT,
 * THREAD), RFC 5267 3 (ESORT), RFC 9394 3.1 (PARTIAL)
 *
 *	search = "SEARCH" [SP "RETURN" SP "(" [options] ")"] SP
 *	         ["CHARSET" SP charset SP] keys
 *	sort   = "SORT" SP ["RETURN" SP "(" [options] ")" SP]
 *	         "(" order ")" SP charset SP keys
 *	thread = "THREAD" SP algorithm SP charset SP keys
 *
 * What stands between the words is in other files, see imap_searching.h.
 */
#include "imap/imap_context.h"

#include "base/banned.h"

/* What stands before the keys. */
static bool read_order(struct imap_reader *r, struct imap_searching *q)
{
	if (q->is_thread)
		return imap_thread_read(r, &q->thread) && imap_read_sp(r);
	if (!imap_read_search_options(r, q))
		return false;
	return !q->is_sort ||
		(imap_sort_read(r, &q->sort) && imap_read_sp(r));
}

static enum step job_search(struct imap_session *s)
{
	struct imap_searching *q = s->job_state;

	if (imap_search_some(s, q) == MORE) {
		imap_progress(s, q->number, store_cursor_count(q->cursor));
		return MORE;
	}
	if (imap_put_found(s, q) == MORE)
		return MORE;
	imap_context_keep(s, q);
	return DONE;
}

static void end_search(struct imap_session *s)
{
	imap_search_end(s->job_state);
}

static bool read_all(struct imap_session *s, struct imap_reader *r,
	struct imap_searching *q, bool *out_bad_charset)
{
	size_t keys;
	const char *wrong;

	if (!imap_read_sp(r) || !read_order(r, q))
		return false;
	keys = r->at;
	if (!imap_search_read(s, &s->cursor, r, &q->search, out_bad_charset))
		return false;
	wrong = imap_context_wrong(s, q);
	if (wrong == NULL && !*out_bad_charset)
		wrong = imap_search_wrong(q);
	if (wrong != NULL)
		return imap_read_fails(r, wrong);
	if (q->wants_update && !*out_bad_charset)
		imap_context_begin(s, q, span_tail(r->text, keys));
	return true;
}

void imap_cmd_search(struct imap_session *s, struct imap_reader *r)
{
	struct imap_searching *q = ARENA_NEW(&s->arena, struct imap_searching);
	bool bad_charset = false;

	q->is_sort = s->call.verb == IMAP_SORT;
	q->is_thread = s->call.verb == IMAP_THREAD;
	q->is_uid = s->call.is_uid;
	q->is_extended = q->wants_all = s->is_rev2 && !q->is_sort &&
		!q->is_thread;
	if (!read_all(s, r, q, &bad_charset)) {
		imap_search_end(q);
		imap_bad(s, r->why);
		return;
	}
	if (bad_charset) {
		imap_search_end(q);
		imap_refuse_charset(s, q);
		return;
	}
	imap_search_begin(s, q, &s->cursor);
	imap_work(s, job_search, q, end_search);
}
