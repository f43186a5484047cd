/*
 * queue_remote.c - jobs for outbound.  See queue_int.h.
 *
 * A job is one message to up to JOB_RCPTS recipients of one domain.  Jobs stand
 * in the line of their domain; domains that have jobs take turns, and only a
 * few jobs of one domain are in flight, so that no domain delays another.  A
 * domain whose servers could not be reached is left alone for a while, then
 * one job tries whether they are back; meanwhile its messages wait in the
 * database, and that does not count as an attempt.
 */
#include "role/queue_int.h"

#include <string.h>
#include <unistd.h>

#include "base/mem.h"

/* RECORDS_BYTES of messages.def has room for as many with the longest names. */
#define JOB_RCPTS      90u
#define FLYING_MAX     200u
#define FLYING_BYTES   (16u << 20)
#define DOMAIN_FLYING  64u
#define DOMAIN_NAME    256u /* RFC 5321 4.5.3.1.2: 255 octets */
#define PROBE_LINE_MAX 100u /* jobs that wait in memory for a probe */
#define PROBE_WAIT_MS  60000
#define DOMAINS_MAX    20000u

struct domain {
	size_t name_len;
	uint8_t name[DOMAIN_NAME];
	struct list link;  /* in queue.active */
	struct list ready; /* jobs */
	size_t ready_count, flying;
	struct job *filling; /* the last job, if it is still being filled */
	unsigned failures;   /* jobs in turn that reached no server */
	int64_t blocked_until_ms; /* queue time */
};

struct job {
	uint64_t id, qid;
	struct domain *domain;
	struct list link;
	uint32_t idxs[JOB_RCPTS];
	size_t count;
	size_t bytes;
};

void remote_init(struct queue *q)
{
	dict_init(&q->domains);
	list_init(&q->active);
	map_init(&q->jobs);
}

/* ---- domains ------------------------------------------------------------------- */
/* The domain of an address in lower case, in *room; RFC 5321 2.4. */
static struct span domain_of(struct span address, uint8_t room[DOMAIN_NAME])
{
	struct span name = span_tail(address, span_find_last(address, '@') + 1);

	name = span_head(name, DOMAIN_NAME);
	for (size_t i = 0; i < name.n; i++)
		room[i] = ascii_lower(name.p[i]);
	return span_of(room, name.n);
}

static void forget_domain(struct queue *q, struct domain *d)
{
	(void)dict_take(&q->domains, span_of(d->name, d->name_len));
	mem_free(d);
}

static bool is_forgettable(struct queue *q, const struct domain *d)
{
	return list_is_empty(&d->ready) && d->flying == 0 &&
		(d->failures == 0 || d->blocked_until_ms < queue_now_ms(q));
}

/* Domains that failed are remembered, but not without end. */
static void prune_domains(struct queue *q)
{
	struct dict_walk walk = {0};
	struct domain *d, *old = NULL;

	if (q->domains.count < DOMAINS_MAX)
		return;
	while (old == NULL &&
		(d = dict_next(&q->domains, &walk, NULL)) != NULL)
		if (is_forgettable(q, d))
			old = d;
	if (old != NULL)
		forget_domain(q, old);
}

static struct domain *get_domain(struct queue *q, struct span name)
{
	struct domain *d = dict_get(&q->domains, name);

	if (d != NULL)
		return d;
	prune_domains(q);
	d = MEM_NEW(struct domain);
	memcpy(d->name, name.p, name.n);
	d->name_len = name.n;
	list_init(&d->link);
	list_init(&d->ready);
	dict_put(&q->domains, name, d);
	return d;
}

/* No new job for it now: until when?  0: it is open. */
static int64_t closed_until_ms(struct queue *q, const struct domain *d)
{
	int64_t now_ms = queue_now_ms(q);

	if (d->failures == 0)
		return 0;
	if (d->blocked_until_ms > now_ms)
		return d->blocked_until_ms;
	return d->ready_count >= PROBE_LINE_MAX ? now_ms + PROBE_WAIT_MS : 0;
}

void remote_unblock(struct queue *q, struct span address)
{
	uint8_t room[DOMAIN_NAME];
	struct domain *d = dict_get(&q->domains, domain_of(address, room));

	if (d != NULL) {
		d->failures = 0;
		d->blocked_until_ms = 0;
	}
}

/* ---- jobs in their lines ----------------------------------------------------------- */
/* One transaction has one reverse-path. */
static bool is_of_sender(const struct work *w, const struct job *j,
	struct span sender)
{
	const struct queue_rcpt *first =
		&w->msg.rcpts[work_find(w, j->idxs[0])];

	return span_eq(first->sender, sender);
}

static struct job *get_job(struct queue *q, struct domain *d,
	const struct work *w, struct span sender)
{
	struct job *j = d->filling;

	if (j != NULL && j->qid == w->msg.qid && j->count < JOB_RCPTS &&
		is_of_sender(w, j, sender))
		return j;
	j = MEM_NEW(struct job);
	j->id = ++q->next_job;
	j->qid = w->msg.qid;
	j->domain = d;
	j->bytes = w->msg.is_spooled ? 0 : w->msg.size;
	list_init(&j->link);
	list_put(&d->ready, &j->link);
	d->ready_count++;
	d->filling = j;
	if (list_is_empty(&d->link))
		list_put(&q->active, &d->link);
	return j;
}

static void push_one(struct queue *q, struct work *w, struct seat *s)
{
	struct queue_rcpt *r = &w->msg.rcpts[s->at];
	uint8_t room[DOMAIN_NAME];
	struct domain *d = get_domain(q, domain_of(r->address, room));
	int64_t closed_ms = closed_until_ms(q, d);
	struct job *j;

	if (closed_ms != 0) {
		work_put_off(q, s, closed_ms +
			(int64_t)(w->msg.qid % 10) * 1000,
			"the domain's servers cannot be reached");
		return;
	}
	j = get_job(q, d, w, r->sender);
	j->idxs[j->count++] = r->idx;
	seat_move(s, PLACE_READY);
}

void remote_push(struct queue *q, struct work *w)
{
	for (size_t i = 0; i < w->msg.rcpt_count; i++)
		if (w->seats[i]->place == PLACE_CLAIMED &&
			w->msg.rcpts[i].route == QUEUE_TO_REMOTE)
			push_one(q, w, w->seats[i]);
	remote_pump(q);
}

static void free_job(struct queue *q, struct job *j)
{
	struct domain *d = j->domain;

	if (d->filling == j)
		d->filling = NULL;
	mem_free(j);
	if (list_is_empty(&d->ready) && d->flying == 0 && d->failures == 0) {
		list_take(&d->link);
		forget_domain(q, d);
	}
}

/* ---- sending --------------------------------------------------------------------------- */
/* Those of the job that are still wanted, as records in q->scratch. */
static size_t put_rcpts(struct queue *q, struct work *w, struct job *j)
{
	size_t count = 0;

	buf_reset(&q->scratch);
	for (size_t i = 0; i < j->count; i++) {
		size_t at = work_find(w, j->idxs[i]);
		const struct queue_rcpt *r = &w->msg.rcpts[at];
		struct rec_rcpt out = {.idx = r->idx, .route = ROUTE_REMOTE,
			.notify = r->notify, .address = r->address,
			.orcpt = r->orcpt};

		if (r->state != QUEUE_SENDING) { /* held, cancelled */
			seat_move(w->seats[at], PLACE_NONE);
			continue;
		}
		rec_put_rcpt(&q->scratch, &out);
		seat_move(w->seats[at], PLACE_FLYING);
		j->idxs[count++] = r->idx;
	}
	j->count = count;
	if (count == 0)
		work_dirty(q, w);
	return count;
}

static void settle_all(struct queue *q, struct job *j, const struct outcome *o)
{
	struct work *w = map_get(&q->works, j->qid);
	struct outcome rest = *o;

	for (size_t i = 0; i < j->count && w != NULL; i++) {
		struct seat *s = w->seats[work_find(w, j->idxs[i])];

		if (s->place != PLACE_FLYING)
			continue;
		work_outcome(q, s, &rest);
		rest.dialogue = SPAN_EMPTY;
	}
}

static void send_job(struct queue *q, struct channel *c, struct job *j)
{
	struct work *w = map_get(&q->works, j->qid);
	struct domain *d = j->domain;
	const struct queue_rcpt *first;
	struct msg_send m = {.qid = j->qid, .flags = w->msg.flags,
		.size = w->msg.size, .is_spooled = w->msg.is_spooled,
		.domain = span_of(d->name, d->name_len),
		.reverse_path = w->msg.reverse_path, .ret = w->msg.ret,
		.envid = w->msg.envid, .trace = w->msg.trace};
	struct outcome bad = {.result = CORRUPT, .is_remote = true,
		.enhanced = SPAN("4.3.0"),
		.text = SPAN("the stored message cannot be read")};
	struct err e;
	enum code code;
	int fd = -1;

	if (put_rcpts(q, w, j) == 0) {
		free_job(q, j);
		return;
	}
	m.rcpts = buf_span(&q->scratch);
	first = &w->msg.rcpts[work_find(w, j->idxs[0])];
	if (first->sender.n > 0)
		m.reverse_path = first->sender;
	code = work_body(q, w, &m.body, &e);
	if (code == OK && w->msg.is_spooled)
		code = queue_spool_read(&q->spool, j->qid, &fd, &e);
	if (code != OK) {
		LOG(EV_QUEUE_TROUBLE, LOG_MID(j->qid), LOG_STR("why", e.text));
		settle_all(q, j, &bad);
		free_job(q, j);
		return;
	}
	channel_send(c, send, SEND, j->id, &m, fd);
	map_put(&q->jobs, j->id, j);
	d->flying++;
	q->flying_bytes += j->bytes;
}

static bool may_fly(const struct domain *d)
{
	return d->flying < (d->failures > 0 ? 1 : DOMAIN_FLYING);
}

/* The next job of the domain whose turn it is; NULL: none may go. */
static struct job *next_job(struct queue *q)
{
	LIST_FOR_EACH(it, &q->active) {
		struct domain *d = LIST_OF(struct domain, link, it);
		struct job *j;

		if (!may_fly(d))
			continue;
		j = LIST_OF(struct job, link, d->ready.next);
		list_take(&j->link);
		d->ready_count--;
		if (d->filling == j)
			d->filling = NULL;
		list_take(&d->link);
		if (!list_is_empty(&d->ready))
			list_put(&q->active, &d->link);
		return j;
	}
	return NULL;
}

void remote_pump(struct queue *q)
{
	struct channel *c = role_peer(q->run, ROLE_OUTBOUND);
	struct job *j;

	if (c == NULL || q->is_stopping || queue_is_in_trouble(q))
		return;
	while (q->jobs.count < FLYING_MAX && q->flying_bytes < FLYING_BYTES &&
		!channel_is_clogged(c) && (j = next_job(q)) != NULL)
		send_job(q, c, j);
}

/* ---- what became of it ------------------------------------------------------------------- */
/* All that stands in the domain's line waits in the database. */
static void put_off_line(struct queue *q, struct domain *d)
{
	while (!list_is_empty(&d->ready)) {
		struct job *j = LIST_OF(struct job, link, d->ready.next);
		struct work *w = map_get(&q->works, j->qid);

		list_take(&j->link);
		d->ready_count--;
		for (size_t i = 0; i < j->count; i++)
			work_put_off(q, w->seats[work_find(w, j->idxs[i])],
				d->blocked_until_ms +
					(int64_t)(j->qid % 10) * 1000,
				"the domain's servers cannot be reached");
		if (d->filling == j)
			d->filling = NULL;
		mem_free(j);
	}
	list_take(&d->link);
}

static void note_reach(struct queue *q, struct domain *d, bool is_reached)
{
	if (is_reached) {
		d->failures = 0;
		return;
	}
	d->failures++;
	d->blocked_until_ms = queue_now_ms(q) +
		queue_schedule_wait_ms(&q->schedule, d->failures, 0);
	put_off_line(q, d);
}

static struct span default_status(const struct rec_outcome *r)
{
	if (r->code == 0 && r->result != OK)
		return r->result == TEMP ? SPAN("4.4.1") : SPAN("5.4.4");
	if (r->result == OK)
		return SPAN("2.0.0");
	return r->result == TEMP ? SPAN("4.0.0") : SPAN("5.0.0");
}

/* One record of the answer; false: not of this job. */
static bool settle_rcpt(struct queue *q, struct work *w,
	const struct rec_outcome *r, const struct msg_sent *m, bool is_first)
{
	size_t at = work_find(w, r->idx);
	struct outcome o = {
		.result = r->result < CODE_COUNT ? (enum code)r->result : TEMP,
		.code = r->code,
		.enhanced = r->enhanced.n > 0 ? r->enhanced
					      : default_status(r),
		.text = r->text,
		.peer = m->peer,
		.dialogue = is_first ? m->dialogue : SPAN_EMPTY,
		.is_remote = true,
		.has_dsn = r->has_dsn != 0,
	};

	if (at == w->msg.rcpt_count || w->seats[at]->place != PLACE_FLYING ||
		w->msg.rcpts[at].route != QUEUE_TO_REMOTE)
		return false;
	/* of a server everything that is not OK or "later" is "no" */
	if (o.result == FULL || o.result == BUSY || o.result == TIMEOUT ||
		o.result == GONE || o.result == CORRUPT)
		o.result = TEMP;
	work_outcome(q, w->seats[at], &o);
	return true;
}

/* What the answer did not mention was not tried to its end. */
static void settle_rest(struct queue *q, struct work *w, const struct job *j)
{
	struct outcome o = {.result = TEMP, .is_remote = true,
		.enhanced = SPAN("4.3.0"),
		.text = SPAN("the attempt was interrupted")};

	for (size_t i = 0; i < j->count; i++) {
		size_t at = work_find(w, j->idxs[i]);

		if (w->seats[at]->place == PLACE_FLYING)
			work_outcome(q, w->seats[at], &o);
	}
}

static void land(struct queue *q, struct job *j)
{
	(void)map_take(&q->jobs, j->id);
	j->domain->flying--;
	q->flying_bytes -= j->bytes;
}

bool remote_on_sent(void *arg, struct frame *f)
{
	struct queue *q = arg;
	struct msg_sent m;
	struct rec_outcome r;
	struct job *j = map_get(&q->jobs, f->id);
	struct work *w;
	bool is_first = true, is_reached = false;
	enum step step;

	if (f->fd >= 0)
		close(f->fd);
	if (!msg_get_sent(f->body, &m))
		return false;
	if (j == NULL || j->qid != m.qid)
		return true; /* the answer to a job of an earlier life */
	land(q, j);
	w = map_get(&q->works, j->qid);
	must(w != NULL); /* it has busy seats */
	while ((step = rec_next_outcome(&m.outcomes, &r)) == MORE) {
		is_reached |= r.code != 0 || r.result != TEMP;
		if (settle_rcpt(q, w, &r, &m, is_first))
			is_first = false;
	}
	settle_rest(q, w, j);
	note_reach(q, j->domain, is_reached);
	free_job(q, j);
	remote_pump(q);
	return step == DONE;
}

void remote_peer_lost(struct queue *q)
{
	struct outcome o = {.result = TEMP, .is_remote = true,
		.enhanced = SPAN("4.3.0"),
		.text = SPAN("the attempt was interrupted")};
	struct job *j;
	size_t i = 0;

	while ((j = map_next(&q->jobs, &i)) != NULL) {
		land(q, j);
		settle_all(q, j, &o);
		free_job(q, j);
		i = 0; /* the map changed */
	}
}
