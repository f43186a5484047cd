/*
 * directory_hash.c - see directory_hash.h.
 *
 * When too many wait, somebody of a better class takes the place of the last
 * of the worst: who guesses passwords cannot keep out those who know theirs.
 */
#include "role/directory_hash.h"

#include "base/log.h"

#include "base/banned.h"

void hash_pool_init(struct hash_pool *p, struct role_run *run)
{
	p->run = run;
	p->deadline_ms = HASH_DEADLINE_MS;
	for (size_t i = 0; i < HASH_CLASSES; i++)
		list_init(&p->waiting[i]);
}

/* ---- in and out of the queue ------------------------------------------------ */
static bool is_login(const struct hash_job *job)
{
	return job->class != HASH_ADMIN;
}

static void wait_in_line(struct hash_job *job)
{
	list_put(&job->pool->waiting[job->class], &job->link);
	if (is_login(job))
		job->pool->count++;
}

static void leave_line(struct hash_job *job)
{
	if (list_is_empty(&job->link))
		return;
	list_take(&job->link);
	if (is_login(job))
		job->pool->count--;
}

static void finish(struct hash_job *job, enum code verdict, struct span keys)
{
	leave_line(job);
	timer_clear(&job->deadline);
	job->done(job, verdict, keys);
}

/* ---- to a hasher ------------------------------------------------------------- */
static void send_job(struct hash_pool *p, uint32_t instance,
	struct hash_job *job)
{
	struct channel *hasher = p->run->peers[ROLE_HASHER][instance];
	struct hash_slot *slot = &p->slots[instance];
	const struct msg_hash_make make = {job->password, job->salt};
	const struct msg_hash_check check = {job->hash, job->password,
		job->wants_keys, job->salt};

	leave_line(job);
	*slot = (struct hash_slot){job, true, ++p->last_id};
	if (job->is_new)
		channel_send(hasher, hash_make, HASH_MAKE, slot->id, &make,
			-1);
	else
		channel_send(hasher, hash_check, HASH_CHECK, slot->id, &check,
			-1);
}

static struct hash_job *first(const struct hash_pool *p)
{
	for (size_t i = 0; i < HASH_CLASSES; i++)
		if (!list_is_empty(&p->waiting[i]))
			return LIST_OF(struct hash_job, link,
				p->waiting[i].next);
	return NULL;
}

static void dispatch(struct hash_pool *p)
{
	struct hash_job *job = first(p);

	for (uint32_t i = 0; job != NULL && i < ROLE_INSTANCES_MAX; i++) {
		if (p->run->peers[ROLE_HASHER][i] == NULL ||
			p->slots[i].is_busy)
			continue;
		send_job(p, i, job);
		job = first(p);
	}
}

/* ---- for the owner -------------------------------------------------------------- */
/* It may be at a hasher, who goes on with it. */
static void take_back(struct hash_job *job)
{
	leave_line(job);
	for (size_t i = 0; i < ROLE_INSTANCES_MAX; i++)
		if (job->pool->slots[i].job == job)
			job->pool->slots[i].job = NULL;
}

static void too_late(void *arg)
{
	struct hash_job *job = arg;

	take_back(job);
	finish(job, TEMP, SPAN_EMPTY);
}

/* Makes room: the last of the lowest class below goes. */
static bool displace(struct hash_pool *p, const struct hash_job *by)
{
	for (size_t class = HASH_CLASSES - 1; class > by->class; class--) {
		struct list *line = &p->waiting[class];

		if (list_is_empty(line))
			continue;
		finish(LIST_OF(struct hash_job, link, line->prev), TEMP,
			SPAN_EMPTY);
		return true;
	}
	return false;
}

bool hash_put(struct hash_pool *p, struct hash_job *job)
{
	if (is_login(job) && p->count >= HASH_WAITING_MAX && !displace(p, job))
		return false;
	job->pool = p;
	job->was_lost = false;
	list_init(&job->link);
	timer_init(&job->deadline, p->run->loop, too_late, job);
	timer_arm(&job->deadline, p->deadline_ms);
	wait_in_line(job);
	dispatch(p);
	return true;
}

void hash_cancel(struct hash_job *job)
{
	take_back(job);
	timer_clear(&job->deadline);
}

/* ---- from hashers ------------------------------------------------------------------ */
void hash_answered(struct hash_pool *p, const struct frame *f,
	enum code verdict, struct span keys)
{
	struct hash_slot *slot = &p->slots[channel_peer_instance(f->from)];
	struct hash_job *job = slot->job;

	if (!slot->is_busy || slot->id != f->id)
		return;
	*slot = (struct hash_slot){.id = slot->id};
	/* before done, which may put the next job of a long command: logins
	 * take turns with it */
	dispatch(p);
	if (job != NULL)
		finish(job, verdict, keys);
}

void hash_hasher_up(struct hash_pool *p, uint32_t instance)
{
	p->slots[instance] = (struct hash_slot){.job = NULL};
	dispatch(p);
}

void hash_hasher_lost(struct hash_pool *p, uint32_t instance)
{
	struct hash_job *job = p->slots[instance].job;

	p->slots[instance] = (struct hash_slot){.job = NULL};
	if (job == NULL)
		return;
	if (job->was_lost) {
		finish(job, TEMP, SPAN_EMPTY);
		return;
	}
	job->was_lost = true;
	wait_in_line(job);
	dispatch(p);
}
