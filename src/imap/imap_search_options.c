/*
 * imap_search_options.c - what a search shall return.  RFC 4731 3.1 (ESEARCH),
 * RFC 5182 2.1 (SAVE), RFC 9394 3.1 (PARTIAL), RFC 5267 4.2, 4.3 (CONTEXT, UPDATE),
 * RFC 5465 7
 */
#include "imap/imap_fetch.h"
#include "imap/imap_searching.h"

#include "base/banned.h"

static bool read_partial(struct imap_reader *r, struct imap_searching *q)
{
	if (q->wants_window)
		return imap_read_fails(r, "PARTIAL stands there twice");
	q->wants_window = true;
	return imap_read_sp(r) && imap_read_window(r, &q->window);
}

/* ["(" item *(SP item) ")"], with a blank before it as in the RFC's example. */
static bool read_update(struct imap_reader *r, struct imap_searching *q)
{
	size_t start;

	q->wants_update = true;
	if (span_starts(span_tail(r->text, r->at), SPAN(" (")) &&
		!imap_read_sp(r))
		return false;
	start = r->at;
	if (imap_next(r) != '(')
		return true;
	if (!imap_fetch_read_list(r, ARENA_NEW(r->arena, struct imap_fetch)))
		return false;
	q->update_items = span_head(span_tail(r->text, start), r->at - start);
	return true;
}

static bool read_option(struct imap_reader *r, struct imap_searching *q)
{
	if (imap_skip_word(r, SPAN("MIN")))
		q->wants_min = true;
	else if (imap_skip_word(r, SPAN("MAX")))
		q->wants_max = true;
	else if (imap_skip_word(r, SPAN("ALL")))
		q->wants_all = true;
	else if (imap_skip_word(r, SPAN("COUNT")))
		q->wants_count = true;
	else if (imap_skip_word(r, SPAN("SAVE")))
		q->wants_save = true;
	else if (imap_skip_word(r, SPAN("UPDATE")))
		return read_update(r, q);
	else if (imap_skip_word(r, SPAN("RELEVANCY")))
		q->wants_relevancy = true;
	else if (imap_skip_word(r, SPAN("CONTEXT")))
		q->has_hint = true;
	else if (imap_skip_word(r, SPAN("PARTIAL")))
		return read_partial(r, q);
	else
		return imap_read_fails(r, "no such thing to return");
	return true;
}

bool imap_read_search_options(struct imap_reader *r, struct imap_searching *q)
{
	if (!imap_skip_word(r, SPAN("RETURN")))
		return true;
	q->is_extended = true;
	q->wants_all = false;
	if (!imap_read_sp(r) || !imap_read_open(r))
		return false;
	for (bool first = true; imap_read_more(r, first); first = false)
		if (!read_option(r, q))
			return false;
	if (r->why != NULL)
		return false;
	if (q->wants_window && q->wants_all)
		return imap_read_fails(r, "either ALL or PARTIAL");
	/* RFC 4731 3.1: nothing named means ALL; but not SAVE (RFC 5182 2.1), nor
	 * what is no result (RFC 5267 4.3) */
	if (!q->wants_min && !q->wants_max && !q->wants_count &&
		!q->wants_save && !q->wants_window && !q->wants_update &&
		!q->has_hint && !q->wants_relevancy)
		q->wants_all = true;
	return imap_read_sp(r);
}

const char *imap_search_wrong(const struct imap_searching *q)
{
	bool wants = q->wants_relevancy || (q->is_sort && q->sort.needs_score);

	return wants && !q->search.has_fuzzy ? "RELEVANCY is for FUZZY" : NULL;
}
