/*
 * imap_search_job.c - tries the messages of a mailbox.
 *
 * What is found is kept as uids, and put when the last message was tried: a
 * client with IMAP4rev1 gets "* SEARCH" with all numbers.
 */
#include "imap/imap_context.h"

#include "base/banned.h"

/* So many messages are read before others have their turn. */
#define SLICE_MESSAGES 50

/* What the order needs of it; false: it is gone, or damaged. */
static bool sort_one(struct imap_session *s, struct imap_searching *q)
{
	struct err e;
	enum code code;

	imap_search_pause(&q->trial); /* it may have to write */
	q->sort.score = q->trial.score;
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

static void try_one(struct imap_session *s, struct imap_searching *q)
{
	const struct store_row *row;
	uint32_t uid;
	bool is_one = false;
	struct err e;
	enum code code;

	store_cursor_at(q->cursor, q->number, &uid, &row);
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
	if (q->wants_relevancy && !q->is_sort)
		buf_putc(&q->scores, (uint8_t)q->trial.score);
	if (q->trial.row.modseq > q->modseq)
		q->modseq = q->trial.row.modseq;
}

/* Does it have to read messages? */
static bool is_dear(const struct imap_searching *q)
{
	return q->is_sort || q->is_thread || q->search.is_costly[IMAP_COST_HEAD] ||
		q->search.is_costly[IMAP_COST_TEXT];
}

static enum step try_some(struct imap_session *s, struct imap_searching *q)
{
	uint32_t count = store_cursor_count(q->cursor);
	unsigned tried = 0;

	while (!q->is_tried && q->number < count) {
		if (is_dear(q) && tried++ == SLICE_MESSAGES)
			return MORE;
		q->number++;
		try_one(s, q);
	}
	return DONE;
}

enum step imap_search_some(struct imap_session *s, struct imap_searching *q)
{
	enum step step;

	if (imap_search_sign(&q->trial))
		return MORE;
	step = try_some(s, q);
	imap_search_pause(&q->trial);
	if (step == MORE)
		return MORE;
	if (!q->is_tried && q->is_sort)
		imap_sort_run(&q->sort);
	if (!q->is_tried && q->is_thread)
		imap_thread_run(&q->thread);
	q->is_tried = true;
	return DONE;
}

void imap_search_begin(struct imap_session *s, struct imap_searching *q,
	const struct store_cursor *cursor)
{
	if (q->trial.search == NULL) {
		arena_init(&q->arena, STORE_META_ARENA_BYTES);
		buf_init(&q->scratch, IMAP_SEARCH_SCRATCH_BYTES);
		buf_init(&q->scratch2, IMAP_SEARCH_SCRATCH_BYTES);
		buf_init(&q->scores, UINT32_MAX);
	}
	q->cursor = cursor;
	q->number = 0;
	q->found.count = 0;
	buf_reset(&q->scores);
	q->modseq = 0;
	q->is_tried = false;
	q->trial = (struct imap_trial){
		.search = &q->search,
		.store = s->store,
		.cursor = cursor,
		.arena = &q->arena,
		.scratch = &q->scratch,
		.scratch2 = &q->scratch2,
	};
}

void imap_search_end(struct imap_searching *q)
{
	imap_context_free(q->context);
	store_uids_clear(&q->found);
	imap_sort_clear(&q->sort);
	imap_thread_clear(&q->thread);
	arena_clear(&q->arena);
	buf_clear(&q->scratch);
	buf_clear(&q->scratch2);
	buf_clear(&q->scores);
}
