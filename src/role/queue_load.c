/*
 * queue_load.c - messages that are taken up again: at start, and when they
 * are due.  See queue_int.h.
 *
 * Never more than WORKS_MAX messages are in memory.  What waits stays in the
 * database, found by its time through an index, LOAD_COUNT at a time; what a
 * dead process was working on is found by walking over the packed messages.
 */
#include "role/queue_int.h"

#define CROWDED_MS   200
#define IDLE_MS      60000
#define WAIT_MAX_MS  60000
#define DAY_MS       (24 * 3600 * INT64_C(1000))

static void quarantine(struct queue *q, uint64_t qid, const struct err *why)
{
	struct err e;

	LOG(EV_QUEUE_TROUBLE, LOG_MID(qid), LOG_STR("why", why->text));
	if (queue_store_quarantine(q->store, qid, &e) != OK)
		queue_trouble(q, &e);
}

struct work *load_work(struct queue *q, uint64_t qid)
{
	struct work *w = work_new(0);
	struct err e;
	enum code code = queue_store_load(q->store, qid, &w->arena, &w->msg,
		&e);

	if (code == OK && w->msg.is_spooled)
		code = queue_spool_check(&q->spool, qid, w->msg.size, &e);
	if (code != OK) {
		work_free(q, w);
		if ((code == CORRUPT || code == NOT_FOUND) &&
			!queue_store_is_broken(q->store))
			quarantine(q, qid, &e);
		else
			queue_trouble(q, &e);
		return NULL;
	}
	work_seat(w, 0);
	w->is_stored = true;
	w->has_history = queue_store_has_attempts(q->store, qid);
	map_put(&q->works, qid, w);
	return w;
}

static struct work *get_work(struct queue *q, uint64_t qid)
{
	struct work *w = map_get(&q->works, qid);

	return w != NULL ? w : load_work(q, qid);
}

/* ---- what is due --------------------------------------------------------------- */
/* Recipients of the message that are nearly due come along: one connection
 * then serves more of them, and what fails for good is told in one notice. */
static void claim(struct queue *q, struct work *w, int64_t now_ms)
{
	int64_t until_ms = now_ms + q->schedule.retry_ms[0] / 10;
	bool has_claimed = false;

	for (size_t i = 0; i < w->msg.rcpt_count; i++) {
		struct queue_rcpt *r = &w->msg.rcpts[i];

		if (r->state != QUEUE_WAITING || r->next_ms > until_ms ||
			w->seats[i]->place != PLACE_NONE)
			continue;
		r->state = QUEUE_SENDING;
		w->seats[i]->is_dirty = true;
		seat_move(w->seats[i], PLACE_CLAIMED);
		has_claimed = true;
	}
	w->wants_dispatch |= has_claimed;
	/* also with nothing claimed: so that it leaves the memory again */
	work_dirty(q, w);
}

/* True: there may be more. */
static bool take_due(struct queue *q)
{
	uint64_t qids[LOAD_COUNT];
	struct queue_list list = {qids, LOAD_COUNT, 0};
	int64_t now_ms = queue_now_ms(q);
	struct err e;

	if (queue_store_due(q->store, now_ms, &list, &e) != OK) {
		queue_trouble(q, &e);
		return false;
	}
	for (size_t i = 0; i < list.count; i++) {
		struct work *w = get_work(q, qids[i]);

		if (w != NULL)
			claim(q, w, now_ms);
	}
	return list.count == LOAD_COUNT;
}

/* ---- what a dead process was working on ------------------------------------------- */
static void take_up(struct queue *q, struct work *w)
{
	for (size_t i = 0; i < w->msg.rcpt_count; i++) {
		struct queue_rcpt *r = &w->msg.rcpts[i];

		if (!queue_is_open(r->state))
			continue;
		r->state = QUEUE_SENDING;
		/* whether the other server has it is not known */
		if (r->route == QUEUE_TO_REMOTE)
			r->attempts = 1;
		seat_move(w->seats[i], PLACE_CLAIMED);
	}
	work_dispatch(q, w);
}

static bool walk(struct queue *q)
{
	uint64_t qids[LOAD_COUNT];
	struct queue_list list = {qids, LOAD_COUNT, 0};
	struct err e;

	if (queue_store_packed(q->store, q->walk_after, &list, &e) != OK) {
		queue_trouble(q, &e);
		return false;
	}
	for (size_t i = 0; i < list.count; i++) {
		struct work *w;

		q->walk_after = qids[i];
		if (map_get(&q->works, qids[i]) != NULL)
			continue;
		w = load_work(q, qids[i]);
		if (w != NULL)
			take_up(q, w);
	}
	q->is_walk_done = list.count < LOAD_COUNT;
	return !q->is_walk_done;
}

/* Failed in a process that died before the sender was told. */
static void take_untold(struct queue *q)
{
	uint64_t qids[LOAD_COUNT];
	struct queue_list list = {qids, LOAD_COUNT, 0};
	struct err e;

	if (queue_store_untold(q->store, &list, &e) != OK) {
		queue_trouble(q, &e);
		return;
	}
	for (size_t i = 0; i < list.count; i++) {
		struct work *w = get_work(q, qids[i]);

		if (w != NULL)
			work_dirty(q, w);
	}
}

/* ---- the timers -------------------------------------------------------------------- */
static void arm(struct queue *q, int64_t after_ms)
{
	q->armed_ms = queue_now_ms(q) + after_ms;
	timer_arm(&q->due, after_ms);
}

static void arm_for_next(struct queue *q)
{
	int64_t next_ms, after_ms = WAIT_MAX_MS;
	enum code code = queue_store_next_due(q->store, &next_ms, NULL);

	if (code == OK && next_ms - queue_now_ms(q) < after_ms)
		after_ms = next_ms - queue_now_ms(q);
	arm(q, after_ms < 1 ? 1 : after_ms);
}

void load_wait(struct queue *q, int64_t next_ms)
{
	int64_t after_ms = next_ms - queue_now_ms(q);

	if (q->armed_ms == 0 || next_ms < q->armed_ms)
		arm(q, after_ms < 1 ? 1 : after_ms);
}

static void on_due(void *arg)
{
	struct queue *q = arg;
	bool has_more = false;

	q->armed_ms = 0;
	if (q->is_stopping)
		return;
	/* what is dirty is written first: the database is asked next */
	group_run(q);
	if (queue_is_in_trouble(q)) {
		arm(q, TROUBLE_MS);
		return;
	}
	if (q->works.count >= WORKS_MAX) {
		arm(q, CROWDED_MS);
		return;
	}
	if (!q->is_walk_done)
		has_more = walk(q);
	has_more |= take_due(q);
	/* the claims must be written before the same question is put again */
	group_run(q);
	if (has_more)
		arm(q, 1);
	else
		arm_for_next(q);
}

static void on_idle(void *arg)
{
	struct queue *q = arg;
	int64_t now_ms = queue_now_ms(q);
	bool has_more;
	struct err e;

	timer_arm(&q->idle, IDLE_MS);
	if (q->is_stopping || queue_is_in_trouble(q))
		return;
	take_untold(q);
	lost_prune(q);
	if (queue_store_purge(q->store, now_ms -
		q->run->config->keep_history_ms, now_ms, &has_more, &e) != OK)
		queue_trouble(q, &e);
	else if (has_more)
		timer_arm(&q->idle, CROWDED_MS);
	if (q->works.count == 0)
		queue_store_rest(q->store);
}

void load_init(struct queue *q)
{
	timer_init(&q->due, q->run->loop, on_due, q);
	timer_init(&q->idle, q->run->loop, on_idle, q);
}

void load_begin(struct queue *q)
{
	int64_t count;
	struct err e;

	timer_arm(&q->idle, IDLE_MS);
	arm(q, 1);
	if (queue_store_interrupted(q->store, queue_now_ms(q), &count, &e) !=
		OK)
		queue_trouble(q, &e);
	take_untold(q);
}
