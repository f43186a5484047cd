/*
 * queue_group.c - the one transaction of a turn of the loop.
 *
 * All that came in one turn goes into one commit: new messages, what became
 * of recipients, notices, deletions.  Truth is in memory (struct work); if the
 * database says no before the commit, the new messages are refused and the
 * rest stays dirty and is tried again.  If the commit itself fails its outcome
 * is unknown, and the process ends (db.h); a repetition of what front was then
 * refused is recognised (queue_lost.c).
 *
 *	prepare  notices are made, spool files get their names
 *	write    one transaction
 *	after    answers to front, dispatch, FORGET, memory given back
 */
#include "role/queue_int.h"

#include <stdlib.h>

#include "base/mem.h"

#define IDS_RESERVED 4096u
#define ROOM_CHECK_MS 500
#define CLOCK_PUT_MS  60000
/* What may wait for the next group goes without one after this time: a commit
 * of its own would keep the next message waiting. */
#define LATER_MS      10

void group_want(struct queue *q)
{
	loop_defer(q->run->loop, &q->group);
}

static void on_later(void *arg)
{
	struct queue *q = arg;

	q->is_later_armed = false;
	group_want(q);
}

void group_init(struct queue *q)
{
	deferred_init(&q->group, group_run, q);
	timer_init(&q->later, q->run->loop, on_later, q);
}

void group_want_later(struct queue *q)
{
	if (q->is_later_armed)
		return;
	q->is_later_armed = true;
	timer_arm(&q->later, LATER_MS);
}

void queue_trouble(struct queue *q, const struct err *e)
{
	LOG(EV_QUEUE_TROUBLE, LOG_STR("why", e->text));
	q->trouble_until_ms = loop_mono_ms(q->run->loop) + TROUBLE_MS;
	load_wait(q, queue_now_ms(q) + TROUBLE_MS);
	if (!queue_store_is_broken(q->store))
		return;
	log_flush();
	exit(EXIT_TRY_AGAIN);
}

bool queue_is_in_trouble(struct queue *q)
{
	return loop_mono_ms(q->run->loop) < q->trouble_until_ms;
}

bool queue_take_qid(struct queue *q, uint32_t count, uint64_t *out_first)
{
	struct err e;

	if (q->ids_end - q->ids_next < count) {
		uint32_t more = count > IDS_RESERVED ? count : IDS_RESERVED;

		if (queue_store_reserve(q->store, more, &q->ids_next, &e) !=
			OK) {
			q->ids_next = q->ids_end;
			queue_trouble(q, &e);
			return false;
		}
		q->ids_end = q->ids_next + more;
		q->reserved_end = q->ids_end;
	}
	*out_first = q->ids_next;
	q->ids_next += count;
	return true;
}

/* ---- prepare ------------------------------------------------------------------ */
static void check_room(struct queue *q)
{
	int64_t now_ms = loop_mono_ms(q->run->loop);
	uint64_t room, all, least = ROOM_MIN_BYTES;
	bool was_tight = q->is_tight;

	if (q->room_checked_ms != 0 &&
		now_ms - q->room_checked_ms < ROOM_CHECK_MS)
		return;
	q->room_checked_ms = now_ms;
	if (!queue_spool_room(&q->spool, &room, &all))
		return;
	if (least > all / 10)
		least = all / 10;
	q->is_tight = room < least;
	if (q->is_tight && !was_tight)
		LOG(EV_QUEUE_TROUBLE, LOG_STR("why",
			"the disk is nearly full: nothing is accepted until "
			"there is room"));
}

/* Gives spool files of this group their names; false: this one is refused. */
static bool keep_spool(struct queue *q, struct work *w)
{
	struct err e;

	if (queue_store_has(q->store, w->msg.qid)) {
		w->verdict = TEMP; /* or another message's file would go */
		return false;
	}
	w->verdict = queue_spool_keep(&q->spool, w->msg.qid, w->msg.size, &e);
	if (w->verdict == OK)
		return true;
	LOG(EV_QUEUE_TROUBLE, LOG_STR("why", e.text));
	if (w->verdict != FULL)
		w->verdict = TEMP;
	return false;
}

static void prepare(struct queue *q)
{
	bool has_spool = false;
	struct err e;

	check_room(q);
	LIST_FOR_EACH(it, &q->dirty) {
		struct work *w = LIST_OF(struct work, link, it);

		if (w->busy == 0)
			notice_make(q, w);
	}
	LIST_FOR_EACH(it, &q->submits) {
		struct work *w = LIST_OF(struct work, link, it);

		w->verdict = OK;
		if (!w->is_submit || w->is_repeat)
			continue;
		if (q->is_tight)
			w->verdict = FULL;
		else if (w->msg.is_spooled)
			has_spool |= keep_spool(q, w);
	}
	if (has_spool && queue_spool_sync(&q->spool, &e) != OK) {
		LOG(EV_QUEUE_TROUBLE, LOG_STR("why", e.text));
		LIST_FOR_EACH(it, &q->submits) {
			struct work *w = LIST_OF(struct work, link, it);

			if (w->msg.is_spooled && w->is_submit)
				w->verdict = TEMP;
		}
	}
}

/* ---- write --------------------------------------------------------------------- */
static enum code write_submit(struct queue *q, struct work *w, struct err *e)
{
	enum code code = queue_store_add(q->store, &w->msg,
		span_of(w->body, w->body == NULL ? 0 : w->msg.size), e);

	if (code != EXISTS)
		return code;
	/* a number that is in use: front is broken or evil */
	w->verdict = TEMP;
	LOG(EV_QUEUE_TROUBLE, LOG_MID(w->msg.qid),
		LOG_STR("why", "front used a number twice"));
	return OK;
}

static enum code write_attempts(struct queue *q, struct work *w, struct err *e)
{
	enum code code = OK;

	for (struct tried *t = w->tried; t != NULL && code == OK; t = t->next)
		code = queue_store_attempt_add(q->store, w->msg.qid, &t->facts,
			e);
	return code;
}

static enum code write_rcpts(struct queue *q, struct work *w, struct err *e)
{
	enum code code = OK;

	if (!w->msg.is_split)
		return queue_store_split(q->store, &w->msg, e);
	for (size_t i = 0; i < w->msg.rcpt_count && code == OK; i++)
		if (w->seats[i]->is_dirty)
			code = queue_store_rcpt_put(q->store, w->msg.qid,
				&w->msg.rcpts[i], e);
	return code;
}

static enum code write_dirty(struct queue *q, struct work *w, struct err *e)
{
	enum code code = write_attempts(q, w, e);

	if (code != OK)
		return code;
	if (!work_is_open(w) && w->busy == 0)
		return queue_store_remove(q->store, &w->msg, w->has_history,
			queue_now_ms(q), e);
	code = write_rcpts(q, w, e);
	if (code == OK && w->wants_warned)
		code = queue_store_set_warned(q->store, w->msg.qid, e);
	return code;
}

/* 16 bytes of hash and 8 of number for each message that a client sent. */
static void put_pair(struct buf *out, const struct work *w, uint64_t qid)
{
	buf_put(out, queue_repeat_span(&w->repeat));
	for (size_t i = 0; i < 8; i++)
		buf_putc(out, (uint8_t)(qid >> (8 * i)));
}

static bool is_clock_due(struct queue *q)
{
	return loop_mono_ms(q->run->loop) - q->clock_put_ms > CLOCK_PUT_MS;
}

static enum code write_all(struct queue *q, struct err *e)
{
	enum code code = OK;

	buf_reset(&q->scratch);
	LIST_FOR_EACH(it, &q->submits) {
		struct work *w = LIST_OF(struct work, link, it);

		if (code == OK && w->verdict == OK && !w->is_repeat)
			code = write_submit(q, w, e);
		if (w->verdict == OK && w->is_submit)
			put_pair(&q->scratch, w, w->first_qid);
	}
	LIST_FOR_EACH(it, &q->dirty) {
		if (code == OK)
			code = write_dirty(q, LIST_OF(struct work, link, it),
				e);
	}
	if (code == OK)
		code = lost_write(q, buf_span(&q->scratch), e);
	if (code == OK && is_clock_due(q))
		code = queue_store_clock_put(q->store, queue_now_ms(q),
			loop_wall_ms(q->run->loop), e);
	return code;
}

/* ---- after ------------------------------------------------------------------------ */
static void answer(struct queue *q, struct work *w)
{
	struct channel *c = q->run->peers[ROLE_FRONT][w->front];
	struct msg_submitted m = {(uint8_t)w->verdict, w->first_qid};

	w->is_submit = false;
	if (c != NULL)
		channel_send(c, submitted, SUBMITTED, w->frame_id, &m, -1);
}

static void log_accepted(const struct work *w)
{
	if (w->is_repeat)
		LOG(EV_QUEUE_DUPLICATE, LOG_MID(w->first_qid),
			LOG_SID(w->msg.sid));
	else
		LOG(EV_QUEUE_ACCEPTED, LOG_MID(w->msg.qid),
			LOG_SID(w->msg.sid),
			LOG_SPAN("from", w->msg.reverse_path),
			LOG_NUM("rcpts", w->msg.rcpt_count),
			LOG_NUM("size", w->msg.size));
}

/* A message that was not stored, or need not be, leaves the memory. */
static void drop_submit(struct queue *q, struct work *w)
{
	for (size_t i = 0; i < w->msg.rcpt_count; i++)
		seat_move(w->seats[i], PLACE_NONE);
	if (w->msg.is_spooled)
		queue_spool_drop(&q->spool, w->msg.qid);
	work_free(q, w);
}

static void after_submit(struct queue *q, struct work *w)
{
	bool is_kept = w->verdict == OK && !w->is_repeat;

	if (w->verdict == OK && w->is_submit) {
		lost_remember(q, w);
		log_accepted(w);
	}
	if (w->is_submit)
		answer(q, w);
	if (!is_kept || w->msg.is_split) {
		if (is_kept)
			load_wait(q, queue_now_ms(q));
		drop_submit(q, w);
		return;
	}
	list_take(&w->link);
	w->is_stored = true;
	map_put(&q->works, w->msg.qid, w);
	work_dispatch(q, w);
	if (q->body_bytes > BODY_BYTES_MAX && w->body != NULL) {
		q->body_bytes -= w->msg.size;
		mem_free(w->body);
		w->body = NULL;
	}
}

static void finish(struct queue *q, struct work *w)
{
	LOG(EV_QUEUE_DONE, LOG_MID(w->msg.qid));
	for (size_t i = 0; i < w->msg.rcpt_count; i++)
		if (w->msg.rcpts[i].route == QUEUE_TO_LOCAL)
			local_forget(q, w->msg.rcpts[i].account, w->msg.qid);
	if (w->msg.is_spooled)
		queue_spool_remove(&q->spool, w->msg.qid);
	work_free(q, w);
}

static void after_dirty(struct queue *q, struct work *w)
{
	list_take(&w->link);
	w->tried = NULL;
	w->tried_end = &w->tried;
	w->msg.is_warned |= w->wants_warned;
	w->wants_warned = false;
	if (!work_is_open(w) && w->busy == 0) {
		finish(q, w);
		return;
	}
	w->msg.is_split = true;
	for (size_t i = 0; i < w->msg.rcpt_count; i++)
		w->seats[i]->is_dirty = false;
	if (w->wants_dispatch)
		work_dispatch(q, w);
	if (w->busy == 0 && list_is_empty(&w->link))
		work_free(q, w);
}

static void after(struct queue *q)
{
	struct list submits, dirty;

	/* what happens now may fill the lists anew */
	list_init(&submits);
	list_init(&dirty);
	while (!list_is_empty(&q->submits)) {
		struct list *first = q->submits.next;

		list_take(first);
		list_put(&submits, first);
	}
	while (!list_is_empty(&q->dirty)) {
		struct list *first = q->dirty.next;

		list_take(first);
		list_put(&dirty, first);
	}
	q->submit_count = q->submit_bytes = 0;
	while (!list_is_empty(&submits))
		after_submit(q, LIST_OF(struct work, link, submits.next));
	while (!list_is_empty(&dirty))
		after_dirty(q, LIST_OF(struct work, link, dirty.next));
	lost_written(q);
	if (is_clock_due(q))
		q->clock_put_ms = loop_mono_ms(q->run->loop);
}

/* The database said no: what front sent is refused, the rest waits. */
static void refuse(struct queue *q, enum code code)
{
	LIST_FOR_EACH(it, &q->submits) {
		struct work *w = LIST_OF(struct work, link, it);

		if (!w->is_submit)
			continue;
		w->verdict = code == FULL ? FULL : TEMP;
		answer(q, w);
		/* after a failed commit the message may be there */
		if (w->msg.is_spooled && !w->is_repeat &&
			!queue_store_is_broken(q->store) &&
			!queue_store_has(q->store, w->msg.qid))
			queue_spool_remove(&q->spool, w->msg.qid);
		drop_submit(q, w);
	}
	q->submit_count = q->submit_bytes = 0;
}

/* The answers must go out before the process ends. */
static void refuse_and_end(struct queue *q, enum code code, struct err *e)
{
	refuse(q, code);
	for (uint32_t i = 0; i < ROLE_INSTANCES_MAX; i++)
		if (q->run->peers[ROLE_FRONT][i] != NULL)
			channel_drain(q->run->peers[ROLE_FRONT][i]);
	queue_trouble(q, e);
}

void group_run(void *arg)
{
	struct queue *q = arg;
	struct err e;
	enum code code;

	if (list_is_empty(&q->submits) && list_is_empty(&q->dirty) &&
		list_is_empty(&q->lost_changes))
		return;
	prepare(q);
	code = queue_store_begin(q->store, &e);
	if (code == OK)
		code = write_all(q, &e);
	if (code == OK)
		code = queue_store_commit(q->store, &e);
	if (code == OK) {
		after(q);
		return;
	}
	queue_store_rollback(q->store);
	refuse_and_end(q, code, &e);
}
