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
 * What is found is kept as uids, and put when the last message was tried: a
 * client with IMAP4rev1 gets "* SEARCH" with all numbers, in pieces.
 */
#include <stdlib.h>

#include "imap/imap_int.h"
#include "imap/imap_search.h"
#include "imap/imap_sort.h"
#include "imap/imap_thread.h"

#include "base/banned.h"

/* So many messages are read before others have their turn. */
#define SLICE_MESSAGES 50

struct searching {
	bool is_sort;
	struct imap_sort sort;
	bool is_thread;
	struct imap_thread thread;
	struct imap_search search;
	struct imap_trial trial;
	struct arena arena;
	struct buf scratch, scratch2;
	uint32_t number;        /* tried up to here */
	struct store_uids found; /* owned */
	uint64_t modseq;        /* the highest of those found */
	bool is_extended;       /* RETURN, or IMAP4rev2 */
	bool wants_min, wants_max, wants_all, wants_count, wants_save;
	bool wants_window;      /* PARTIAL: RFC 9394 */
	struct imap_window window;
	bool has_damaged, has_too_many;
	bool is_tried;          /* all were */
	size_t at;              /* of found: put so far */
};

/* ---- reading ---------------------------------------------------------------------- */
static bool read_partial(struct imap_reader *r, struct searching *q)
{
	if (q->wants_window)
		return imap_read_fails(r, "PARTIAL stands there twice");
	q->wants_window = true;
	return imap_read_sp(r) && imap_read_window(r, &q->window);
}

static bool read_option(struct imap_reader *r, struct searching *q)
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
	else if (imap_skip_word(r, SPAN("PARTIAL")))
		return read_partial(r, q);
	else
		return imap_read_fails(r, "no such thing to return");
	return true;
}

static bool read_options(struct imap_reader *r, struct searching *q)
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
	/* RFC 4731 3.1: nothing named means ALL; RFC 5182 2.1: but not SAVE */
	if (!q->wants_min && !q->wants_max && !q->wants_count &&
		!q->wants_save && !q->wants_window)
		q->wants_all = true;
	return imap_read_sp(r);
}

/* What stands before the keys. */
static bool read_order(struct imap_reader *r, struct searching *q)
{
	if (q->is_thread)
		return imap_thread_read(r, &q->thread) && imap_read_sp(r);
	if (!read_options(r, q))
		return false;
	return !q->is_sort ||
		(imap_sort_read(r, &q->sort) && imap_read_sp(r));
}

/* ---- answers ------------------------------------------------------------------------- */
static uint32_t shown(struct imap_session *s, uint32_t uid)
{
	return s->call.is_uid ? uid : store_cursor_number(&s->cursor, uid);
}

/* In the order that was asked for. */
static uint32_t found_at(const struct searching *q, size_t i)
{
	return q->is_sort ? q->sort.items[i].uid : q->found.items[i];
}

/* False: there is none, and nothing was put. */
static bool put_set(struct imap_session *s, const struct searching *q,
	size_t first, size_t end)
{
	struct imap_set_writer w = {.out = &s->out};

	for (size_t i = first; i < end; i++)
		imap_set_put(&w, shown(s, found_at(q, i)));
	return imap_set_put_end(&w);
}

/* " PARTIAL (-1:-100 23665:23764)", the range as it was asked for. */
static void put_partial(struct imap_session *s, const struct searching *q)
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
static bool is_returned(const struct searching *q, size_t i)
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
static uint64_t returned_modseq(struct imap_session *s,
	const struct searching *q)
{
	uint64_t highest = 0;

	for (size_t i = 0; i < q->found.count; i++) {
		const struct store_row *row = is_returned(q, i)
			? store_view_row(s->cursor.view, found_at(q, i))
			: NULL;

		if (row != NULL && row->modseq > highest)
			highest = row->modseq;
	}
	return highest == 0 || highest > q->modseq ? q->modseq : highest;
}

/* "* ESEARCH (TAG "a") UID MIN 2 ALL 2,10:11".  RFC 4731 3.1 */
static void put_esearch(struct imap_session *s, const struct searching *q)
{
	size_t n = q->found.count;

	buf_puts(&s->out, "* ESEARCH (TAG \"");
	buf_put(&s->out, buf_span(&s->tag));
	buf_puts(&s->out, s->call.is_uid ? "\") UID" : "\")");
	if (q->wants_min && n > 0)
		put_word(s, " MIN ", shown(s, found_at(q, 0)));
	if (q->wants_max && n > 0)
		put_word(s, " MAX ", shown(s, found_at(q, n - 1)));
	if (q->wants_all && n > 0) {
		buf_puts(&s->out, " ALL ");
		(void)put_set(s, q, 0, n);
	}
	if (q->wants_window)
		put_partial(s, q);
	if (q->wants_count)
		put_word(s, " COUNT ", n);
	if (q->search.has_modseq && n > 0)
		put_word(s, " MODSEQ ", returned_modseq(s, q));
	buf_puts(&s->out, "\r\n");
}

static enum step put_numbers(struct imap_session *s, struct searching *q)
{
	if (q->at == 0)
		buf_puts(&s->out, q->is_sort ? "* SORT" : "* SEARCH");
	while (q->at < q->found.count) {
		if (!imap_has_room(s))
			return MORE;
		put_word(s, " ", shown(s, found_at(q, q->at++)));
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

static enum step put_threads(struct imap_session *s, struct searching *q)
{
	if (q->at == 0)
		buf_puts(&s->out,
			q->thread.root_count > 0 ? "* THREAD " : "* THREAD");
	while (q->at < q->thread.root_count) {
		if (!imap_has_room(s))
			return MORE;
		imap_thread_put(&q->thread, q->thread.roots[q->at++], &s->out,
			shown_in_thread, s);
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
static void save(struct imap_session *s, struct searching *q)
{
	store_uids_clear(&s->saved);
	for (size_t i = 0; i < q->found.count; i++)
		if (is_returned(q, i))
			store_uids_put(&s->saved, found_at(q, i));
	if (q->is_sort && s->saved.count > 1)
		qsort(s->saved.items, s->saved.count, sizeof(uint32_t),
			by_uid);
}

static enum step answer(struct imap_session *s, struct searching *q)
{
	bool says = q->wants_min || q->wants_max || q->wants_all ||
		q->wants_count || q->wants_window;

	if (q->wants_save)
		save(s, q);
	if (q->is_thread) {
		if (put_threads(s, q) == MORE)
			return MORE;
	} else if (!q->is_extended) {
		if (put_numbers(s, q) == MORE)
			return MORE;
	} else if (says) {
		put_esearch(s, q);
	}
	if (q->has_too_many)
		imap_no(s, "[LIMIT] too many messages to sort");
	else if (q->has_damaged)
		imap_no(s, "[CORRUPTION] a message is damaged");
	else
		imap_ok(s, "that is all");
	return DONE;
}

/* ---- trying ---------------------------------------------------------------------------- */
/* What the order needs of it; false: it is gone, or damaged. */
static bool sort_one(struct imap_session *s, struct searching *q)
{
	struct err e;
	enum code code;

	store_metas_end(&q->trial.metas); /* it may have to write */
	code = q->is_sort
		? imap_sort_add(&q->sort, s->store, &q->trial.row, &e)
		: imap_thread_add(&q->thread, s->store, &q->trial.row, &e);

	if (code == LIMIT)
		q->has_too_many = true;
	else if (code != OK && code != NOT_FOUND) {
		imap_trouble(s, &e);
		q->has_damaged = true;
	}
	return code == OK;
}

static void try_one(struct imap_session *s, struct searching *q)
{
	const struct store_row *row;
	uint32_t uid;
	bool is_one = false;
	struct err e;
	enum code code;

	store_cursor_at(&s->cursor, q->number, &uid, &row);
	if (row == NULL)
		return;
	q->trial.number = q->number;
	q->trial.row = *row;
	code = imap_search_try(&q->trial, &is_one, &e);
	if (code != OK && code != NOT_FOUND) {
		imap_trouble(s, &e);
		q->has_damaged = true;
	}
	if (is_one && (q->is_sort || q->is_thread))
		is_one = sort_one(s, q);
	if (!is_one)
		return;
	store_uids_put(&q->found, uid);
	if (q->trial.row.modseq > q->modseq)
		q->modseq = q->trial.row.modseq;
}

static bool is_dear(const struct searching *q)
{
	return q->is_sort || q->is_thread || q->search.is_costly[IMAP_COST_HEAD] ||
		q->search.is_costly[IMAP_COST_TEXT];
}

/* MORE: enough for one turn. */
static enum step try_some(struct imap_session *s, struct searching *q)
{
	uint32_t count = store_cursor_count(&s->cursor);
	unsigned tried = 0;

	while (!q->is_tried && q->number < count) {
		if (is_dear(q) && tried++ == SLICE_MESSAGES)
			return MORE;
		q->number++;
		try_one(s, q);
	}
	return DONE;
}

static enum step job_search(struct imap_session *s)
{
	struct searching *q = s->job_state;
	enum step step = try_some(s, q);

	store_metas_end(&q->trial.metas);
	if (step == MORE)
		return MORE;
	if (!q->is_tried && q->is_sort)
		imap_sort_run(&q->sort);
	if (!q->is_tried && q->is_thread)
		imap_thread_run(&q->thread);
	q->is_tried = true;
	return answer(s, q);
}

static void clear_order(struct searching *q)
{
	imap_sort_clear(&q->sort);
	imap_thread_clear(&q->thread);
}

static void end_search(struct imap_session *s)
{
	struct searching *q = s->job_state;

	store_uids_clear(&q->found);
	clear_order(q);
	arena_clear(&q->arena);
	buf_clear(&q->scratch);
	buf_clear(&q->scratch2);
}

static void begin_trial(struct imap_session *s, struct searching *q)
{
	arena_init(&q->arena, STORE_META_ARENA_BYTES);
	buf_init(&q->scratch, IMAP_SEARCH_SCRATCH_BYTES);
	buf_init(&q->scratch2, IMAP_SEARCH_SCRATCH_BYTES);
	q->trial = (struct imap_trial){
		.search = &q->search,
		.store = s->store,
		.cursor = &s->cursor,
		.arena = &q->arena,
		.scratch = &q->scratch,
		.scratch2 = &q->scratch2,
	};
}

void imap_cmd_search(struct imap_session *s, struct imap_reader *r)
{
	struct searching *q = ARENA_NEW(&s->arena, struct searching);
	bool bad_charset = false;

	q->is_sort = s->call.verb == IMAP_SORT;
	q->is_thread = s->call.verb == IMAP_THREAD;
	q->is_extended = q->wants_all = s->is_rev2 && !q->is_sort &&
		!q->is_thread;
	if (!imap_read_sp(r) || !read_order(r, q) ||
		!imap_search_read(s, r, &q->search, &bad_charset)) {
		clear_order(q);
		imap_bad(s, r->why);
		return;
	}
	if (bad_charset) {
		clear_order(q);
		if (q->wants_save)
			store_uids_clear(&s->saved);
		imap_no(s, "[BADCHARSET (US-ASCII UTF-8)] not this one");
		return;
	}
	begin_trial(s, q);
	imap_work(s, job_search, q, end_search);
}
