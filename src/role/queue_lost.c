/*
 * queue_lost.c - 250 that were perhaps not heard (RFC 1047).  See queue_int.h.
 *
 * Each group that is committed leaves the hashes of its transactions in one
 * row of `recent`.  They become unconfirmed when front says so, when front
 * died within UNSURE_MS of the submission, or when we died (at start); not
 * when front, or we after it, ended in order (HEARD).  A
 * transaction whose hash is unconfirmed is answered with the number of the
 * first one and not stored; then it is confirmed, until we hear otherwise.
 */
#include "role/queue_int.h"

#include <string.h>

#include "base/mem.h"

#define UNSURE_MS       10000
#define UNCONFIRMED_MAX 65536u
#define RECENT_SLOTS    8u
#define RING_MIN        1024u
/* 2.6 MiB: 10 s of 6,500 messages a second; beyond, the oldest go early. */
#define RING_MAX        65536u
#define PRUNE_COUNT     256u
#define FRONT_NONE      UINT32_MAX

struct lost {
	struct list link; /* in queue.lost_changes, while not written */
	struct queue_repeat hash;
	uint64_t qid; /* 0: to be dropped */
	int64_t until_ms;
};

static void put(struct queue *q, struct span hash, uint64_t qid,
	int64_t until_ms)
{
	struct lost *l = dict_get(&q->unconfirmed, hash);

	if (l == NULL) {
		if (q->unconfirmed.count >= UNCONFIRMED_MAX)
			return;
		l = MEM_NEW(struct lost);
		list_init(&l->link);
		for (size_t i = 0; i < sizeof(l->hash.bytes); i++)
			l->hash.bytes[i] = hash.p[i];
		dict_put(&q->unconfirmed, hash, l);
	}
	l->qid = qid;
	l->until_ms = until_ms;
}

static void want_write(struct queue *q, struct lost *l)
{
	if (list_is_empty(&l->link))
		list_put(&q->lost_changes, &l->link);
	group_want(q);
}

/* The 250 of this submission was perhaps not heard. */
static void doubt(struct queue *q, const struct queue_repeat *r, uint64_t qid)
{
	struct lost *l;

	put(q, queue_repeat_span(r), qid,
		queue_now_ms(q) + QUEUE_REPEAT_KEEP_MS);
	l = dict_get(&q->unconfirmed, queue_repeat_span(r));
	if (l != NULL)
		want_write(q, l);
}

static void on_pair(void *arg, struct span hash, uint64_t qid, int64_t until_ms)
{
	struct queue *q = arg;
	int64_t now_ms = queue_now_ms(q);
	struct queue_repeat r;

	if (hash.n != QUEUE_REPEAT_BYTES || qid == 0)
		return;
	if (until_ms == 0) { /* of our last life's last groups */
		for (size_t i = 0; i < hash.n; i++)
			r.bytes[i] = hash.p[i];
		doubt(q, &r, qid);
	} else if (until_ms > now_ms) {
		put(q, hash, qid, until_ms);
	}
}

void lost_init(struct queue *q)
{
	dict_init(&q->unconfirmed);
	list_init(&q->lost_changes);
	q->ring_room = RING_MIN;
	q->ring = mem_new(q->ring_room, sizeof(*q->ring));
}

void lost_begin(struct queue *q)
{
	struct err e;

	if (queue_store_pairs(q->store, on_pair, q, &e) != OK)
		queue_trouble(q, &e);
}

bool lost_is_repeat(struct queue *q, struct work *w)
{
	struct lost *l;

	if (q->unconfirmed.count == 0)
		return false;
	l = dict_get(&q->unconfirmed, queue_repeat_span(&w->repeat));
	if (l == NULL || l->qid == 0 || l->until_ms < queue_now_ms(q))
		return false;
	w->first_qid = l->qid;
	l->qid = 0;
	want_write(q, l);
	return true;
}

/* Twice the room, the oldest entry first. */
static void grow_ring(struct queue *q)
{
	size_t room = q->ring_room * 2, tail = q->ring_room - q->ring_next;
	struct ring_entry *ring = mem_new(room, sizeof(*ring));

	memcpy(ring, q->ring + q->ring_next, tail * sizeof(*ring));
	memcpy(ring + tail, q->ring, q->ring_next * sizeof(*ring));
	mem_free(q->ring);
	q->ring = ring;
	q->ring_next = q->ring_room;
	q->ring_room = room;
}

void lost_remember(struct queue *q, const struct work *w)
{
	int64_t now_ms = loop_mono_ms(q->run->loop);
	const struct ring_entry *oldest = &q->ring[q->ring_next];

	if (oldest->qid != 0 && oldest->at_mono_ms >= now_ms - UNSURE_MS &&
		q->ring_room < RING_MAX)
		grow_ring(q);
	q->ring[q->ring_next] = (struct ring_entry){w->repeat, w->first_qid,
		w->front, now_ms};
	q->ring_next = (q->ring_next + 1) % q->ring_room;
}

/* Newest first; entries with one number have one hash. */
void lost_unheard(struct queue *q, uint64_t qid)
{
	for (size_t i = 0; i < q->ring_room; i++) {
		const struct ring_entry *entry = &q->ring[(q->ring_next +
			q->ring_room - 1 - i) % q->ring_room];

		if (entry->qid == 0)
			return;
		if (entry->qid != qid)
			continue;
		doubt(q, &entry->repeat, qid);
		return;
	}
}

void lost_front(struct queue *q, uint32_t front)
{
	int64_t since_ms = loop_mono_ms(q->run->loop) - UNSURE_MS;

	for (size_t i = 0; i < q->ring_room; i++)
		if (q->ring[i].qid != 0 && q->ring[i].front == front &&
			q->ring[i].at_mono_ms >= since_ms)
			doubt(q, &q->ring[i].repeat, q->ring[i].qid);
}

void lost_heard(struct queue *q, uint32_t front)
{
	for (size_t i = 0; i < q->ring_room; i++)
		if (q->ring[i].front == front)
			q->ring[i].front = FRONT_NONE;
}

/* Does no front live, or has died, whose 250s may be doubted? */
static bool is_all_heard(const struct queue *q)
{
	for (size_t i = 0; i < q->ring_room; i++)
		if (q->ring[i].qid != 0 && q->ring[i].front != FRONT_NONE)
			return false;
	return true;
}

void lost_stop(struct queue *q)
{
	struct err e;
	enum code code;

	if (!is_all_heard(q))
		return;
	code = queue_store_begin(q->store, &e);
	for (uint32_t slot = 0; slot < RECENT_SLOTS && code == OK; slot++)
		code = queue_store_recent_put(q->store, slot, SPAN_EMPTY, &e);
	if (code == OK)
		code = queue_store_commit(q->store, &e);
	if (code != OK) {
		queue_store_rollback(q->store);
		LOG(EV_QUEUE_TROUBLE, LOG_STR("why", e.text));
	}
}

void lost_prune(struct queue *q)
{
	struct lost *old[PRUNE_COUNT], *l;
	struct dict_walk walk = {0};
	int64_t now_ms = queue_now_ms(q);
	size_t count = 0;

	while (count < PRUNE_COUNT &&
		(l = dict_next(&q->unconfirmed, &walk, NULL)) != NULL)
		if (l->until_ms < now_ms && list_is_empty(&l->link))
			old[count++] = l;
	for (size_t i = 0; i < count; i++) {
		(void)dict_take(&q->unconfirmed,
			queue_repeat_span(&old[i]->hash));
		mem_free(old[i]);
	}
}

enum code lost_write(struct queue *q, struct span pairs, struct err *e)
{
	enum code code = OK;

	if (pairs.n > 0)
		code = queue_store_recent_put(q->store,
			q->recent_slot % RECENT_SLOTS, pairs, e);
	LIST_FOR_EACH(it, &q->lost_changes) {
		struct lost *l = LIST_OF(struct lost, link, it);
		struct span hash = queue_repeat_span(&l->hash);

		if (code != OK)
			break;
		code = l->qid == 0
			? queue_store_unconfirmed_drop(q->store, hash, e)
			: queue_store_unconfirmed_put(q->store, hash, l->qid,
				l->until_ms, e);
	}
	return code;
}

void lost_written(struct queue *q)
{
	q->recent_slot++;
	LIST_FOR_EACH(it, &q->lost_changes) {
		struct lost *l = LIST_OF(struct lost, link, it);

		list_take(&l->link);
		if (l->qid != 0)
			continue;
		(void)dict_take(&q->unconfirmed, queue_repeat_span(&l->hash));
		mem_free(l);
	}
}
