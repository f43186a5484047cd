/*
 * queue_admin_change.c - the other half of queue_admin.h: what hold, release,
 * try and cancel do to a message that only the database has.
 */
#include "queue/queue_admin.h"

#define MESSAGE_MAX (64u << 20) /* the memory of one message */

bool queue_verb_apply(enum queue_verb verb, struct queue_rcpt *r,
	int64_t now_ms)
{
	static const struct {
		unsigned from; /* set of states */
		enum queue_state to;
	} moves[] = {
		[QUEUE_TRY] = {1u << QUEUE_WAITING, QUEUE_WAITING},
		[QUEUE_HOLD] = {1u << QUEUE_WAITING | 1u << QUEUE_SENDING,
			QUEUE_HELD},
		[QUEUE_RELEASE] = {1u << QUEUE_HELD, QUEUE_WAITING},
		[QUEUE_CANCEL] = {1u << QUEUE_WAITING | 1u << QUEUE_SENDING |
				1u << QUEUE_HELD | 1u << QUEUE_FAILED,
			QUEUE_CANCELLED},
	};

	if ((moves[verb].from >> r->state & 1u) == 0)
		return false;
	r->state = moves[verb].to;
	r->next_ms = now_ms;
	return true;
}

static enum code write_change(struct queue_store *s, struct queue_msg *m,
	int64_t now_ms, struct err *e)
{
	bool is_open = false;
	enum code code = OK;

	for (size_t i = 0; i < m->rcpt_count; i++)
		is_open |= queue_rcpt_is_open(&m->rcpts[i]);
	if (!is_open)
		return queue_store_remove(s, m,
			queue_store_has_attempts(s, m->qid), now_ms, e);
	if (!m->is_split)
		return queue_store_split(s, m, e);
	for (size_t i = 0; i < m->rcpt_count && code == OK; i++)
		code = queue_store_rcpt_put(s, m->qid, &m->rcpts[i], e);
	return code;
}

static enum code change_loaded(struct queue_admin *admin, struct queue_msg *m,
	enum queue_verb verb, struct err *e)
{
	bool has_changed = false;
	enum code code;

	for (size_t i = 0; i < m->rcpt_count; i++)
		has_changed |= queue_verb_apply(verb, &m->rcpts[i],
			admin->now_ms);
	if (!has_changed)
		return EXISTS;
	code = queue_store_begin(admin->store, e);
	if (code == OK)
		code = write_change(admin->store, m, admin->now_ms, e);
	if (code == OK)
		code = queue_store_commit(admin->store, e);
	if (code != OK)
		queue_store_rollback(admin->store);
	return code == EXISTS ? TEMP : code;
}

/* Somebody put a damaged message right: what was open is tried again. */
static enum code release_mended(struct queue_admin *admin, struct queue_msg *m,
	struct err *e)
{
	for (size_t i = 0; i < m->rcpt_count; i++)
		if (m->rcpts[i].state <= QUEUE_SENDING ||
			m->rcpts[i].state == QUEUE_HELD) {
			m->rcpts[i].state = QUEUE_WAITING;
			m->rcpts[i].next_ms = admin->now_ms;
		}
	return write_change(admin->store, m, admin->now_ms, e);
}

/* EXISTS: it is as damaged as before. */
static enum code mend(struct queue_admin *admin, uint64_t qid, struct err *e)
{
	struct queue_msg m;
	struct arena a;
	enum code code = queue_store_mend(admin->store, qid, e);

	if (code != OK)
		return code;
	arena_init(&a, MESSAGE_MAX);
	code = queue_store_load(admin->store, qid, &a, &m, e);
	if (code == OK)
		code = release_mended(admin, &m, e);
	arena_clear(&a);
	return code == CORRUPT ? EXISTS : code;
}

static enum code change_damaged(struct queue_admin *admin, uint64_t qid,
	enum queue_verb verb, struct err *e)
{
	enum code code;

	if (verb != QUEUE_CANCEL && verb != QUEUE_RELEASE)
		return EXISTS;
	code = queue_store_begin(admin->store, e);
	if (code == OK)
		code = verb == QUEUE_CANCEL
			? queue_store_drop(admin->store, qid, e)
			: mend(admin, qid, e);
	if (code == OK)
		code = queue_store_commit(admin->store, e);
	if (code != OK)
		queue_store_rollback(admin->store);
	return code;
}

enum code queue_admin_change(void *arg, uint64_t qid, enum queue_verb verb,
	struct err *e)
{
	struct queue_admin *admin = arg;
	struct queue_msg m;
	struct arena a;
	enum code code;

	arena_init(&a, MESSAGE_MAX);
	code = queue_store_load(admin->store, qid, &a, &m, e);
	if (code == OK)
		code = change_loaded(admin, &m, verb, e);
	else if (code == CORRUPT)
		code = change_damaged(admin, qid, verb, e);
	arena_clear(&a);
	return code;
}
