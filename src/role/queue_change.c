/*
 * queue_change.c - what an administrator wants.  See queue_int.h.
 *
 * A message that is not in memory is changed in the database.  One that is
 * worked on is changed here: what is in the hands of an account or of
 * outbound cannot be called back, so it is marked and stored as held or
 * cancelled, and if the attempt succeeds it is done all the same; but there is
 * no other attempt, and never a second copy.
 */
#include "role/queue_int.h"

/* A recipient that somebody works on; false: nothing to do. */
static bool change_busy(enum queue_verb verb, struct queue_rcpt *r)
{
	switch (verb) {
	case QUEUE_TRY:
		return false; /* it is being tried */
	case QUEUE_HOLD:
		if (r->state != QUEUE_SENDING)
			return false;
		r->state = QUEUE_HELD;
		return true;
	case QUEUE_RELEASE:
		if (r->state != QUEUE_HELD)
			return false;
		r->state = QUEUE_SENDING;
		return true;
	case QUEUE_CANCEL:
		if (!queue_is_open(r->state))
			return false;
		r->state = QUEUE_CANCELLED;
		return true;
	}
	unreachable();
}

static bool change_one(struct queue *q, struct seat *s, enum queue_verb verb)
{
	struct queue_rcpt *r = &s->work->msg.rcpts[s->at];

	if (verb == QUEUE_TRY && r->route == QUEUE_TO_REMOTE)
		remote_unblock(q, r->address);
	if (s->place == PLACE_NONE)
		return queue_verb_apply(verb, r, queue_now_ms(q));
	if (!change_busy(verb, r))
		return false;
	if (s->place == PLACE_READY && r->route == QUEUE_TO_LOCAL &&
		r->state != QUEUE_SENDING)
		local_take_back(q, s);
	return true;
}

/* A message that only the database has: domains are opened all the same. */
static void unblock_all(struct queue *q, uint64_t qid)
{
	struct arena a;
	struct queue_msg m;

	arena_init(&a, 64u << 20);
	if (queue_store_load(q->store, qid, &a, &m, NULL) == OK)
		for (size_t i = 0; i < m.rcpt_count; i++)
			if (m.rcpts[i].route == QUEUE_TO_REMOTE)
				remote_unblock(q, m.rcpts[i].address);
	arena_clear(&a);
}

enum code change_message(void *arg, uint64_t qid, enum queue_verb verb,
	struct err *e)
{
	struct queue *q = arg;
	struct work *w;
	bool has_changed = false;
	enum code code;

	w = map_get(&q->works, qid);
	if (w == NULL) {
		if (verb == QUEUE_TRY)
			unblock_all(q, qid);
		code = queue_admin_change(&q->admin, qid, verb, e);
		if (code == OK && !queue_store_has(q->store, qid))
			queue_spool_remove(&q->spool, qid);
		load_wait(q, queue_now_ms(q));
		return code;
	}
	for (size_t i = 0; i < w->msg.rcpt_count; i++) {
		if (!change_one(q, w->seats[i], verb))
			continue;
		w->seats[i]->is_dirty = true;
		has_changed = true;
	}
	work_dirty(q, w);
	/* durable before the administrator reads that it is done */
	group_run(q);
	load_wait(q, queue_now_ms(q));
	if (queue_is_in_trouble(q))
		return err_set(e, TEMP, "the database cannot be written now");
	return has_changed ? OK : EXISTS;
}
