/*
 * queue_local.c - deliveries to account processes.  See queue_int.h.
 *
 *	            local_push: there is mail        ACCOUNT_OPENED OK
 *	CLOSED ----------------------------> OPENING -----------------> OPEN
 *	   ^                                    |                        |
 *	   +------------------------------------+------------------------+
 *	      not found, trouble, accounts died    channel lost, or unused
 *
 * A delivery may be repeated as often as needed: the account's store takes
 * each (qid, idx) once.  So what was outstanding on a channel that broke goes
 * to the front of the line, and is sent on the next channel.  If an account's
 * process dies again and again, its mail waits by the schedule.
 */
#include "role/queue_int.h"

#include <unistd.h>

#include "base/mem.h"

/* What an account's process may have before it. */
#define WINDOW_COUNT 256u
#define WINDOW_BYTES (4u << 20)
#define CHANNELS_MAX 1024u
#define FORGET_COUNT 64u
#define LOSSES_MAX   5u
#define BACKOFF_MS   100
#define TICK_MS      1000

enum account_state { ACCOUNT_CLOSED, ACCOUNT_OPENING, ACCOUNT_IS_OPEN };

struct account {
	uint64_t id;
	struct queue *queue;
	enum account_state state;
	struct channel *channel; /* owned; when open */
	struct list ready, flying; /* seats */
	size_t flying_count, flying_bytes;
	struct list lru;
	uint64_t forget[FORGET_COUNT];
	size_t forget_count;
	unsigned losses;       /* channels in turn that broke under load */
	int64_t not_before_ms; /* mono: not opened before */
};

static bool on_delivered(void *account, struct frame *f);
static void on_lost(void *account, struct channel *c);
static void on_drained(void *account, struct channel *c);
static void pump(struct account *a);

static const struct frame_handler account_handlers[] = {
	{MSG_DELIVERED, on_delivered},
	{MSG_NONE, NULL},
};

static struct account *get_account(struct queue *q, uint64_t id)
{
	struct account *a = map_get(&q->accounts, id);

	if (a != NULL)
		return a;
	a = MEM_NEW(struct account);
	a->id = id;
	a->queue = q;
	list_init(&a->ready);
	list_init(&a->flying);
	list_init(&a->lru);
	map_put(&q->accounts, id, a);
	return a;
}

/* ---- channels ------------------------------------------------------------------- */
static void send_forget(struct account *a, uint64_t below)
{
	struct queue *q = a->queue;
	struct msg_forget m = {.below = below};

	buf_reset(&q->scratch);
	for (size_t i = 0; i < a->forget_count; i++) {
		struct rec_qid r = {a->forget[i]};

		rec_put_qid(&q->scratch, &r);
	}
	m.qids = buf_span(&q->scratch);
	a->forget_count = 0;
	channel_send(a->channel, forget, FORGET, 0, &m, -1);
}

static void close_channel(struct account *a)
{
	channel_free(a->channel);
	a->channel = NULL;
	list_take(&a->lru);
	a->queue->channel_count--;
	a->forget_count = 0;
	a->state = ACCOUNT_CLOSED;
}

/* An account that nothing waits for and that has no channel is forgotten. */
static void free_if_unused(struct account *a)
{
	if (a->state != ACCOUNT_CLOSED || !list_is_empty(&a->ready))
		return;
	must(a->flying_count == 0);
	(void)map_take(&a->queue->accounts, a->id);
	mem_free(a);
}

/* Room for one channel more: the one that was unused longest goes. */
static void make_room(struct queue *q)
{
	LIST_FOR_EACH(it, &q->lru) {
		struct account *a = LIST_OF(struct account, lru, it);

		if (q->channel_count < CHANNELS_MAX)
			return;
		if (a->flying_count > 0 || !list_is_empty(&a->ready))
			continue;
		if (a->forget_count > 0)
			send_forget(a, 0);
		channel_drain(a->channel);
		close_channel(a);
		free_if_unused(a);
	}
}

static void open_channel(struct account *a)
{
	struct queue *q = a->queue;
	struct channel *accounts = role_peer(q->run, ROLE_ACCOUNTS);
	struct msg_account_open m = {a->id};
	int64_t wait_ms = a->not_before_ms - loop_mono_ms(q->run->loop);

	if (accounts == NULL || q->is_stopping)
		return; /* local_peer_up comes back to it */
	if (wait_ms > 0) {
		timer_arm(&q->local_timer,
			wait_ms < TICK_MS ? wait_ms : TICK_MS);
		return;
	}
	a->state = ACCOUNT_OPENING;
	channel_send(accounts, account_open, ACCOUNT_OPEN, a->id, &m, -1);
}

/* The whole line fails or waits, for a reason that lies in the account. */
static void settle_line(struct account *a, const struct outcome *o)
{
	while (!list_is_empty(&a->ready)) {
		struct seat *s = LIST_OF(struct seat, link, a->ready.next);

		list_take(&s->link);
		work_outcome(a->queue, s, o);
	}
}

static void cannot_open(struct account *a, enum code code)
{
	struct outcome o = {.result = TEMP, .enhanced = SPAN("4.3.0"),
		.text = SPAN("the mailbox cannot be opened now")};

	if (code == NOT_FOUND)
		o = (struct outcome){.result = NOT_FOUND,
			.enhanced = SPAN("5.1.1"),
			.text = SPAN("there is no such mailbox any more")};
	a->state = ACCOUNT_CLOSED;
	settle_line(a, &o);
	free_if_unused(a);
}

bool local_on_opened(void *arg, struct frame *f)
{
	struct queue *q = arg;
	struct channel_owner owner = {account_handlers, on_lost, on_drained,
		NULL};
	struct msg_account_opened m;
	struct account *a;
	uint64_t lowest;
	bool is_good = msg_get_account_opened(f->body, &m);

	a = is_good ? map_get(&q->accounts, m.account) : NULL;
	if (a == NULL || a->state != ACCOUNT_OPENING || f->fd < 0 ||
		m.result != OK) {
		if (f->fd >= 0)
			close(f->fd);
		if (a != NULL && a->state == ACCOUNT_OPENING)
			cannot_open(a, m.result == NOT_FOUND ? NOT_FOUND
							     : TEMP);
		return is_good;
	}
	make_room(q);
	owner.arg = a;
	a->channel = channel_new(q->run->loop, f->fd, ROLE_QUEUE, ROLE_ACCOUNT,
		0, &owner);
	a->state = ACCOUNT_IS_OPEN;
	q->channel_count++;
	list_put(&q->lru, &a->lru);
	if (queue_store_lowest(q->store, &lowest, NULL) == OK && lowest > 0)
		send_forget(a, lowest);
	pump(a);
	return true;
}

static void on_drained(void *arg, struct channel *c)
{
	(void)c;
	pump(arg);
}

/* What was outstanding goes back to the front of the line, in its order. */
static void take_all_back(struct account *a)
{
	while (!list_is_empty(&a->flying)) {
		struct list *last = a->flying.prev;
		struct seat *s = LIST_OF(struct seat, link, last);

		list_take(last);
		/* list_put puts before: the list's first member as its head */
		list_put(a->ready.next, last);
		seat_move(s, PLACE_READY);
	}
	a->flying_count = a->flying_bytes = 0;
}

static void on_lost(void *arg, struct channel *c)
{
	struct account *a = arg;
	struct outcome o = {.result = TEMP, .enhanced = SPAN("4.3.0"),
		.text = SPAN("the mailbox's process ended unexpectedly")};
	bool was_busy = a->flying_count > 0;

	(void)c;
	close_channel(a);
	take_all_back(a);
	if (was_busy) {
		a->not_before_ms = loop_mono_ms(a->queue->run->loop) +
			(BACKOFF_MS << a->losses);
		a->losses++;
	}
	if (a->losses > LOSSES_MAX) {
		a->losses = 0;
		settle_line(a, &o);
	}
	if (list_is_empty(&a->ready))
		free_if_unused(a);
	else
		open_channel(a);
}

/* ---- deliveries --------------------------------------------------------------------- */
static void cannot_read(struct queue *q, struct seat *s, const struct err *e)
{
	struct outcome o = {.result = CORRUPT, .enhanced = SPAN("4.3.0"),
		.text = SPAN("the stored message cannot be read")};

	LOG(EV_QUEUE_TROUBLE, LOG_MID(s->work->msg.qid),
		LOG_STR("why", e->text));
	work_outcome(q, s, &o);
}

static void deliver(struct account *a, struct seat *s)
{
	const struct queue_msg *m = &s->work->msg;
	const struct queue_rcpt *r = &m->rcpts[s->at];
	struct msg_deliver out = {m->qid, r->idx, m->received_wall_ms, m->flags,
		m->size, m->is_spooled, m->sha256, m->reverse_path, r->address,
		m->trace, SPAN_EMPTY};
	enum code code;
	struct err e;
	int fd = -1;

	list_take(&s->link);
	code = work_body(a->queue, s->work, &out.body, &e);
	if (code == OK && m->is_spooled)
		code = queue_spool_read(&a->queue->spool, m->qid, &fd, &e);
	if (code != OK) {
		cannot_read(a->queue, s, &e);
		return;
	}
	channel_send(a->channel, deliver, DELIVER, 0, &out, fd);
	list_put(&a->flying, &s->link);
	seat_move(s, PLACE_FLYING);
	a->flying_count++;
	a->flying_bytes += m->size;
}

static void pump(struct account *a)
{
	if (list_is_empty(&a->ready))
		return;
	if (a->state == ACCOUNT_CLOSED)
		open_channel(a);
	if (a->state != ACCOUNT_IS_OPEN)
		return;
	list_take(&a->lru);
	list_put(&a->queue->lru, &a->lru);
	while (!list_is_empty(&a->ready) && a->flying_count < WINDOW_COUNT &&
		a->flying_bytes < WINDOW_BYTES &&
		!channel_is_clogged(a->channel))
		deliver(a, LIST_OF(struct seat, link, a->ready.next));
}

void local_push(struct queue *q, struct seat *s)
{
	struct account *a = get_account(q,
		s->work->msg.rcpts[s->at].account);

	list_put(&a->ready, &s->link);
	seat_move(s, PLACE_READY);
	pump(a);
}

void local_take_back(struct queue *q, struct seat *s)
{
	(void)q;
	list_take(&s->link);
	seat_move(s, PLACE_NONE);
}

/* The words for what an account may answer. */
static struct outcome outcome_of(const struct rec_done *d)
{
	struct outcome o = {.result = d->result, .text = d->text};
	struct span text;

	switch (d->result) {
	case OK:
	case EXISTS:
		return o;
	case FULL:
		o.enhanced = SPAN("4.2.2");
		text = SPAN("the mailbox is full");
		break;
	case CORRUPT:
		o.enhanced = SPAN("4.3.0");
		text = SPAN("the mailbox is damaged");
		LOG(EV_QUEUE_TROUBLE, LOG_MID(d->qid), LOG_STR("why",
			"an account refused a delivery as corrupt"));
		break;
	case NOT_FOUND:
		o.enhanced = SPAN("5.1.1");
		text = SPAN("there is no such mailbox any more");
		break;
	case LIMIT:
		o.enhanced = SPAN("5.2.3");
		text = SPAN("the message is too long for the mailbox");
		break;
	default:
		o.result = TEMP;
		o.enhanced = SPAN("4.3.0");
		text = SPAN("the mailbox cannot take it now");
		break;
	}
	if (o.text.n == 0)
		o.text = text;
	return o;
}

static void settle_one(struct account *a, const struct rec_done *d)
{
	struct work *w = map_get(&a->queue->works, d->qid);
	size_t at = w == NULL ? 0 : work_find(w, d->idx);
	struct outcome o;
	struct seat *s;

	if (w == NULL || at == w->msg.rcpt_count)
		return; /* an answer to a delivery that was repeated */
	s = w->seats[at];
	if (s->place != PLACE_FLYING ||
		w->msg.rcpts[at].route != QUEUE_TO_LOCAL ||
		w->msg.rcpts[at].account != a->id)
		return;
	list_take(&s->link);
	a->flying_count--;
	a->flying_bytes -= w->msg.size;
	o = outcome_of(d);
	work_outcome(a->queue, s, &o);
}

static bool on_delivered(void *arg, struct frame *f)
{
	struct account *a = arg;
	struct msg_delivered m;
	struct rec_done d;
	enum step step;

	if (f->fd >= 0)
		close(f->fd);
	if (!msg_get_delivered(f->body, &m))
		return false;
	a->losses = 0;
	while ((step = rec_next_done(&m.done, &d)) == MORE)
		settle_one(a, &d);
	pump(a);
	return step == DONE;
}

void local_forget(struct queue *q, uint64_t account, uint64_t qid)
{
	struct account *a = map_get(&q->accounts, account);

	if (a == NULL || a->state != ACCOUNT_IS_OPEN)
		return; /* `below` of its next channel covers it */
	if (a->forget_count == 0 && q->forget_waits++ == 0)
		timer_arm(&q->local_timer, TICK_MS);
	a->forget[a->forget_count++] = qid;
	if (a->forget_count == FORGET_COUNT)
		send_forget(a, 0);
}

/* ---- time and peers --------------------------------------------------------------------- */
/* Opens what waits, tells what can be forgotten. */
static void on_tick(void *arg)
{
	struct queue *q = arg;
	struct account *a;

	q->forget_waits = 0;
	for (size_t i = 0; (a = map_next(&q->accounts, &i)) != NULL;) {
		if (a->state == ACCOUNT_IS_OPEN && a->forget_count > 0)
			send_forget(a, 0);
		if (a->state == ACCOUNT_CLOSED && !list_is_empty(&a->ready))
			open_channel(a);
	}
}

void local_init(struct queue *q)
{
	map_init(&q->accounts);
	list_init(&q->lru);
	timer_init(&q->local_timer, q->run->loop, on_tick, q);
}

void local_peer_up(struct queue *q)
{
	on_tick(q);
}

/* Questions that were open are asked again when accounts is back. */
void local_peer_lost(struct queue *q)
{
	struct account *a;

	for (size_t i = 0; (a = map_next(&q->accounts, &i)) != NULL;)
		if (a->state == ACCOUNT_OPENING)
			a->state = ACCOUNT_CLOSED;
}
