/*
 * imap_search_answer.c - what a search found.  RFC 9051 7.3.4, RFC 3501 7.2.5,
 * RFC 4731 3.1 (ESEARCH), RFC 5182 (SEARCHRES), RFC 5256 4 (SORT, THREAD)
 */
#include <stdlib.h>

#include "imap/imap_searching.h"

#include "base/banned.h"

static uint32_t shown(const struct imap_searching *q, uint32_t uid)
{
	return q->is_uid ? uid : store_cursor_number(q->cursor, uid);
}

uint32_t imap_found_at(const struct imap_searching *q, size_t i)
{
	return q->is_sort ? q->sort.items[i].uid : q->found.items[i];
}

/* False: there is none, and nothing was put. */
static bool put_set(struct imap_session *s, const struct imap_searching *q,
	size_t first, size_t end)
{
	struct imap_set_writer w = {.out = &s->out};

	for (size_t i = first; i < end; i++)
		imap_set_put(&w, shown(q, imap_found_at(q, i)));
	return imap_set_put_end(&w);
}

/* " PARTIAL (-1:-100 23665:23764)", the range as it was asked for. */
static void put_partial(struct imap_session *s, const struct imap_searching *q)
{
	const char *sign = q->window.is_from_end ? "-" : "";
	size_t first, end;

	imap_window_find(&q->window, q->found.count, &first, &end);
	buf_printf(&s->out, " PARTIAL (%s%u:%s%u ", sign, q->window.from, sign,
		q->window.to);
	if (!put_set(s, q, first, end))
		buf_puts(&s->out, "NIL");
	buf_putc(&s->out, ')');
}

static void put_word(struct imap_session *s, const char *word, uint64_t number)
{
	buf_puts(&s->out, word);
	buf_put_u64(&s->out, number);
}

/* Is what was found at this place of the order a part of the answer, or only
 * counted?  RFC 5182 2.4, RFC 9394 3.2 */
static bool is_returned(const struct imap_searching *q, size_t i)
{
	size_t n = q->found.count, first = 0, end = 0;
	bool some = q->wants_min || q->wants_max || q->wants_window;

	if (!some || q->wants_all || q->wants_count)
		return true;
	if (q->wants_window)
		imap_window_find(&q->window, n, &first, &end);
	return (i >= first && i < end) || (q->wants_min && i == 0) ||
		(q->wants_max && i == n - 1);
}

/* The highest of those returned (RFC 4731 3.2), of what was seen: one that was
 * changed since counts as it is told then. */
static uint64_t returned_modseq(const struct imap_searching *q)
{
	uint64_t highest = 0;

	for (size_t i = 0; i < q->found.count; i++) {
		const struct store_row *row = is_returned(q, i)
			? store_view_row(q->cursor->view,
				  imap_found_at(q, i))
			: NULL;

		if (row != NULL && row->modseq > highest)
			highest = row->modseq;
	}
	return highest == 0 || highest > q->modseq ? q->modseq : highest;
}

static void put_mailbox(struct imap_session *s, const struct store_view *v)
{
	const struct store_mailbox *m = store_mailbox_get(s->store,
		v->mailbox);

	if (m == NULL)
		return; /* it went while it was searched */
	buf_puts(&s->out, " MAILBOX ");
	imap_put_mailbox(s, m->name);
	put_word(s, " UIDVALIDITY ", v->uidvalidity);
}

void imap_put_esearch_begin(struct imap_session *s, struct span tag,
	const struct store_view *mailbox, bool is_uid)
{
	buf_puts(&s->out, "* ESEARCH (TAG \"");
	buf_put(&s->out, tag);
	buf_putc(&s->out, '"');
	if (mailbox != NULL)
		put_mailbox(s, mailbox);
	buf_puts(&s->out, is_uid ? ") UID" : ")");
}

static unsigned score_at(const struct imap_searching *q, size_t i)
{
	return q->is_sort ? q->sort.items[i].score : buf_span(&q->scores).p[i];
}

/* " RELEVANCY (4 99 42)": of the messages that are returned, in their order.
 * RFC 6203 4 */
static void put_scores(struct imap_session *s, const struct imap_searching *q)
{
	bool is_first = true;

	buf_puts(&s->out, " RELEVANCY (");
	for (size_t i = 0; i < q->found.count; i++) {
		if (!is_returned(q, i))
			continue;
		put_word(s, is_first ? "" : " ", score_at(q, i));
		is_first = false;
	}
	buf_putc(&s->out, ')');
}

/* "* ESEARCH (TAG "a") UID MIN 2 ALL 2,10:11".  RFC 4731 3.1 */
void imap_put_esearch(struct imap_session *s, const struct imap_searching *q)
{
	size_t n = q->found.count;

	imap_put_esearch_begin(s, buf_span(&s->tag),
		q->is_multi ? q->cursor->view : NULL, q->is_uid);
	if (q->wants_min && n > 0)
		put_word(s, " MIN ", shown(q, imap_found_at(q, 0)));
	if (q->wants_max && n > 0)
		put_word(s, " MAX ", shown(q, imap_found_at(q, n - 1)));
	if (q->wants_all && n > 0) {
		buf_puts(&s->out, " ALL ");
		(void)put_set(s, q, 0, n);
	}
	if (q->wants_window)
		put_partial(s, q);
	if (q->wants_count)
		put_word(s, " COUNT ", n);
	if (q->wants_relevancy && n > 0)
		put_scores(s, q);
	if (q->search.has_modseq && n > 0)
		put_word(s, " MODSEQ ", returned_modseq(q));
	buf_puts(&s->out, "\r\n");
}

static enum step put_numbers(struct imap_session *s, struct imap_searching *q)
{
	if (q->at == 0)
		buf_puts(&s->out, q->is_sort ? "* SORT" : "* SEARCH");
	while (q->at < q->found.count) {
		if (!imap_has_room(s))
			return MORE;
		put_word(s, " ", shown(q, imap_found_at(q, q->at++)));
	}
	if (q->search.has_modseq && q->found.count > 0) {
		put_word(s, " (MODSEQ ", q->modseq);
		buf_putc(&s->out, ')');
	}
	buf_puts(&s->out, "\r\n");
	return DONE;
}

static uint32_t shown_in_thread(void *arg, uint32_t uid)
{
	return shown(arg, uid);
}

static enum step put_threads(struct imap_session *s, struct imap_searching *q)
{
	if (q->at == 0)
		buf_puts(&s->out,
			q->thread.root_count > 0 ? "* THREAD " : "* THREAD");
	while (q->at < q->thread.root_count) {
		if (!imap_has_room(s))
			return MORE;
		imap_thread_put(&q->thread, q->thread.roots[q->at++], &s->out,
			shown_in_thread, q);
	}
	buf_puts(&s->out, "\r\n");
	return DONE;
}

static int by_uid(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* "$": what was asked for of the outcome (RFC 5182 2.4, RFC 9394 3.2). */
void imap_save_found(struct imap_session *s, const struct imap_searching *q)
{
	store_uids_clear(&s->saved);
	for (size_t i = 0; i < q->found.count; i++)
		if (is_returned(q, i))
			store_uids_put(&s->saved, imap_found_at(q, i));
	if (q->is_sort && s->saved.count > 1)
		qsort(s->saved.items, s->saved.count, sizeof(uint32_t),
			by_uid);
}

bool imap_wants_answer(const struct imap_searching *q)
{
	return q->wants_min || q->wants_max || q->wants_all ||
		q->wants_count || q->wants_window || q->wants_update ||
		q->has_hint || q->wants_relevancy;
}

void imap_refuse_charset(struct imap_session *s,
	const struct imap_searching *q)
{
	if (q->wants_save)
		store_uids_clear(&s->saved);
	imap_no(s, "[BADCHARSET (US-ASCII UTF-8)] not this one");
}

void imap_end_found(struct imap_session *s, const struct imap_searching *q)
{
	if (q->has_too_many)
		imap_no(s, "[LIMIT] too many messages to sort");
	else if (q->has_damaged)
		imap_no(s, "[CORRUPTION] a message is damaged");
	else
		imap_ok(s, "that is all");
}

enum step imap_put_found(struct imap_session *s, struct imap_searching *q)
{
	if (q->wants_save)
		imap_save_found(s, q);
	if (q->is_thread) {
		if (put_threads(s, q) == MORE)
			return MORE;
	} else if (!q->is_extended) {
		if (put_numbers(s, q) == MORE)
			return MORE;
	} else if (imap_wants_answer(q)) {
		imap_put_esearch(s, q);
	}
	imap_end_found(s, q);
	return DONE;
}
