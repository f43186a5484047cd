/*
 * queue.c - the role that owns every accepted message.
 *
 * It may touch data_dir/queue: queue.db and the spool folder.  It talks to
 * front (takes messages), directory (asks for routes), accounts and account
 * processes (delivers), outbound (sends), master.  It parses no message: what
 * it knows is the envelope.
 *
 * This file: start, what front asks for, start and loss of peers, the end.
 * The other files of the role are listed in queue_int.h.
 */
#include "role/queue_int.h"

#include <sys/random.h>
#include <unistd.h>

#include "base/mem.h"
#include "crypto/hash.h"
#include "role/roles.h"

#define ID_BLOCK_MAX 1000u
#define STOP_TICK_MS 50
/* Files under way at once: more than connections that any server holds. */
#define SPOOLS_MAX   100000u
#define STOP_TICKS   60u /* 3 s for what is in flight */

_Static_assert((int)ROUTE_ALIAS == (int)QUEUE_TO_ALIAS &&
	(int)ROUTE_LOCAL == (int)QUEUE_TO_LOCAL &&
	(int)ROUTE_REMOTE == (int)QUEUE_TO_REMOTE,
	"routes are stored as they travel");
_Static_assert(MAIL_8BIT == QUEUE_MAIL_8BIT && MAIL_UTF8 == QUEUE_MAIL_UTF8 &&
	MAIL_INTERNAL == QUEUE_MAIL_INTERNAL, "flags are stored as they travel");

/* ---- open, begin ------------------------------------------------------------------ */
static bool is_wanted(void *arg, uint64_t qid)
{
	struct queue *q = arg;

	return queue_store_has(q->store, qid);
}

static enum code open_files(struct queue *q, struct err *e)
{
	struct span folder = q->run->config->data_dir;
	struct arena a;
	struct buf path;
	enum code code;

	arena_init(&a, 65536);
	buf_init(&path, 4096);
	buf_printf(&path, "%.*s/queue/queue.db", SPAN_ARG(folder));
	code = queue_store_open(arena_cstr(&a, buf_span(&path)), &q->store, e);
	if (code == OK) {
		buf_reset(&path);
		buf_printf(&path, "%.*s/queue/spool", SPAN_ARG(folder));
		code = queue_spool_open(&q->spool,
			arena_cstr(&a, buf_span(&path)), e);
	}
	buf_clear(&path);
	arena_clear(&a);
	return code;
}

static enum code start_clock(struct queue *q, struct err *e)
{
	int64_t stored_queue_ms, stored_wall_ms;
	enum code code = queue_store_clock_get(q->store, &stored_queue_ms,
		&stored_wall_ms, e);

	if (code == OK && !queue_clock_start(&q->clock, stored_queue_ms,
		stored_wall_ms, loop_wall_ms(q->run->loop),
		loop_mono_ms(q->run->loop)))
		LOG(EV_QUEUE_TROUBLE, LOG_STR("why", "the clock jumped by more "
			"than a day, or the server was off so long; messages "
			"expire as if it had been an hour"));
	return code;
}

static void set_schedule(struct queue *q)
{
	const struct config *c = q->run->config;

	q->schedule = (struct queue_schedule){
		.retry_ms = c->retry_ms,
		.retry_count = c->retry_count,
		.warn_after_ms = c->warn_after_ms,
		.give_up_after_ms = c->give_up_after_ms,
		.bounce_give_up_after_ms = c->bounce_give_up_after_ms,
	};
}

static enum code open_role(struct role_run *r, void **out_state, struct err *e)
{
	struct queue *q = MEM_NEW(struct queue);
	enum code code;

	q->run = r;
	q->spool.folder = -1;
	map_init(&q->works);
	map_init(&q->spools);
	list_init(&q->submits);
	list_init(&q->dirty);
	group_init(q);
	buf_init(&q->scratch, 1u << 20);
	set_schedule(q);
	must(getrandom(&q->seed, sizeof(q->seed), 0) == sizeof(q->seed));
	load_init(q);
	local_init(q);
	remote_init(q);
	route_init(q);
	lost_init(q);
	*out_state = q;
	code = open_files(q, e);
	if (code == OK)
		code = start_clock(q, e);
	if (code == OK)
		code = queue_store_next_qid(q->store, &q->reserved_end, e);
	if (code != OK) /* the process ends; the state goes with it */
		return code;
	q->clock_put_ms = loop_mono_ms(r->loop) - 3600 * 1000;
	queue_spool_sweep(&q->spool, is_wanted, q);
	return OK;
}

static void begin(void *state)
{
	struct queue *q = state;

	q->admin = (struct queue_admin){.store = q->store,
		.change = change_message, .arg = q,
		.give_up_after_ms = q->schedule.give_up_after_ms,
		.bounce_give_up_after_ms = q->schedule.bounce_give_up_after_ms};
	lost_begin(q);
	load_begin(q);
}

/* ---- what front asks for ----------------------------------------------------------- */
/* Rows without a descriptor: one that came is closed. */
static void no_fd(struct frame *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

static bool on_ids(void *state, struct frame *f)
{
	struct queue *q = state;
	struct msg_ids m;
	struct msg_id_block block = {0};

	no_fd(f);
	if (!msg_get_ids(f->body, &m))
		return false;
	block.count = m.count == 0 || m.count > ID_BLOCK_MAX ? ID_BLOCK_MAX
							     : m.count;
	if (!queue_take_qid(q, block.count, &block.first))
		block.count = 0; /* none for now: front asks again */
	channel_send(f->from, id_block, ID_BLOCK, f->id, &block, -1);
	return true;
}

/* A file belongs to the front that asked for it: only that one may hand it in
 * or drop it.  True if it does; it is nobody's then. */
static bool take_spool(struct queue *q, uint64_t qid, uint32_t front)
{
	if ((uintptr_t)map_get(&q->spools, qid) != (uintptr_t)front + 1)
		return false;
	(void)map_take(&q->spools, qid);
	return true;
}

/* Bodies that nobody will finish. */
static void drop_spools(struct queue *q, uint32_t front)
{
	uintptr_t of;

	for (size_t i = 0; (of = (uintptr_t)map_next(&q->spools, &i)) != 0;) {
		/* map_next left i behind the slot */
		uint64_t qid = q->spools.slots[i - 1].key;

		if (of != (uintptr_t)front + 1)
			continue;
		queue_spool_drop(&q->spool, qid);
		(void)map_take(&q->spools, qid);
		i = 0; /* the others may have moved */
	}
}

static bool on_spool_open(void *state, struct frame *f)
{
	struct queue *q = state;
	struct msg_spool_open m;
	struct msg_spool_opened answer;
	struct err e;
	int fd = -1;

	no_fd(f);
	if (!msg_get_spool_open(f->body, &m) || m.qid >= q->reserved_end)
		return false;
	answer.result = TEMP;
	if (q->is_tight)
		answer.result = FULL;
	else if (q->spools.count < SPOOLS_MAX &&
		!queue_store_has(q->store, m.qid))
		answer.result = (uint8_t)queue_spool_create(&q->spool, m.qid,
			&fd, &e);
	if (answer.result == OK)
		map_put(&q->spools, m.qid, (void *)(uintptr_t)(
			channel_peer_instance(f->from) + 1));
	if (answer.result != OK && answer.result != FULL)
		answer.result = TEMP;
	channel_send(f->from, spool_opened, SPOOL_OPENED, f->id, &answer, fd);
	return true;
}

static bool on_spool_drop(void *state, struct frame *f)
{
	struct queue *q = state;
	struct msg_spool_drop m;

	no_fd(f);
	if (!msg_get_spool_drop(f->body, &m))
		return false;
	if (take_spool(q, m.qid, channel_peer_instance(f->from)))
		queue_spool_drop(&q->spool, m.qid);
	return true;
}

static bool on_unconfirmed(void *state, struct frame *f)
{
	struct queue *q = state;
	struct msg_unconfirmed m;

	no_fd(f);
	if (!msg_get_unconfirmed(f->body, &m))
		return false;
	lost_unheard(q, m.qid);
	return true;
}

static bool on_heard(void *state, struct frame *f)
{
	struct msg_heard m;

	no_fd(f);
	if (!msg_get_heard(f->body, &m))
		return false;
	lost_heard(state, channel_peer_instance(f->from));
	return true;
}

/* How many recipients; false: they are malformed. */
static bool count_rcpts(struct span rcpts, size_t *out)
{
	struct rec_rcpt r;
	enum step step;
	int64_t last = -1;

	*out = 0;
	while ((step = rec_next_rcpt(&rcpts, &r)) == MORE) {
		/* queue_pack.h: their numbers rise */
		if (r.route > ROUTE_ALIAS || r.address.n == 0 ||
			r.idx <= last || ++*out > QUEUE_RCPTS_MAX)
			return false;
		last = r.idx;
	}
	return step == DONE && *out > 0;
}

/* All that the frame says, copied; it lives in the work's arena. */
static struct work *take_submit(struct queue *q, const struct msg_submit *m,
	size_t rcpt_count)
{
	struct work *w = work_new(rcpt_count);
	struct span left = m->rcpts;
	bool is_crowded = q->works.count >= WORKS_MAX;
	struct rec_rcpt r;

	w->msg.qid = w->first_qid = m->qid;
	w->msg.sid = m->sid;
	w->msg.received_wall_ms = m->received_ms;
	w->msg.since_ms = queue_now_ms(q);
	w->msg.flags = m->flags & ~MAIL_INTERNAL;
	w->msg.size = m->size;
	w->msg.is_spooled = m->is_spooled != 0;
	w->msg.is_split = is_crowded;
	w->msg.sha256 = arena_dup(&w->arena, m->sha256);
	w->msg.reverse_path = arena_dup(&w->arena, m->reverse_path);
	w->msg.trace = arena_dup(&w->arena, m->trace);
	w->msg.ret = m->ret;
	w->msg.envid = arena_dup(&w->arena, m->envid);
	while (rec_next_rcpt(&left, &r) == MORE)
		w->msg.rcpts[w->msg.rcpt_count++] = (struct queue_rcpt){
			.idx = r.idx,
			.route = (enum queue_route)r.route,
			.account = r.account,
			.address = arena_dup(&w->arena, r.address),
			.notify = r.notify,
			.orcpt = arena_dup(&w->arena, r.orcpt),
			.state = is_crowded ? QUEUE_WAITING : QUEUE_SENDING,
			.next_ms = is_crowded ? w->msg.since_ms : 0,
		};
	work_seat(w, 0);
	for (size_t i = 0; i < rcpt_count && !is_crowded; i++)
		seat_move(w->seats[i], PLACE_CLAIMED);
	return w;
}

static void take_body(struct queue *q, struct work *w, struct span body)
{
	struct buf copy;

	if (w->msg.is_spooled)
		return;
	buf_init(&copy, INLINE_BYTES_MAX);
	buf_put(&copy, body);
	w->body = copy.p; /* the work's from now on */
	if (w->body != NULL)
		q->body_bytes += body.n;
}

static bool is_sound(const struct queue *q, const struct msg_submit *m)
{
	return m->qid > 0 && m->qid < q->reserved_end &&
		m->sha256.n == SHA256_BYTES &&
		(m->given.n == 0 || m->given.n == SHA256_BYTES) &&
		(m->client.n == 4 || m->client.n == 16) &&
		(m->is_spooled != 0 ? m->body.n == 0 : m->body.n == m->size);
}

static bool on_submit(void *state, struct frame *f)
{
	struct queue *q = state;
	const struct msg_submitted lost = {.result = TEMP};
	struct msg_submit m;
	struct work *w;
	size_t count;

	no_fd(f);
	if (!msg_get_submit(f->body, &m) || !is_sound(q, &m) ||
		!count_rcpts(m.rcpts, &count))
		return false;
	if (m.is_spooled != 0 &&
		!take_spool(q, m.qid, channel_peer_instance(f->from))) {
		/* our last life opened it */
		channel_send(f->from, submitted, SUBMITTED, f->id, &lost, -1);
		return true;
	}
	w = take_submit(q, &m, count);
	take_body(q, w, m.body);
	w->is_submit = true;
	w->front = channel_peer_instance(f->from);
	w->frame_id = f->id;
	w->repeat = queue_repeat_of(&w->msg,
		m.given.n > 0 ? m.given : m.sha256, m.client, &q->scratch);
	w->is_repeat = lost_is_repeat(q, w);
	list_put(&q->submits, &w->link);
	q->submit_count++;
	q->submit_bytes += m.body.n;
	if (q->submit_count >= GROUP_COUNT_MAX ||
		q->submit_bytes >= GROUP_BYTES_MAX)
		group_run(q);
	else
		group_want(q);
	return true;
}

/* ---- peers -------------------------------------------------------------------------- */
static void peer_up(void *state, enum role role, uint32_t instance)
{
	struct queue *q = state;

	(void)instance;
	if (role == ROLE_ACCOUNTS)
		local_peer_up(q);
	else if (role == ROLE_OUTBOUND)
		remote_pump(q);
	else if (role == ROLE_DIRECTORY)
		route_peer_up(q);
}

static void peer_lost(void *state, enum role role, uint32_t instance)
{
	struct queue *q = state;

	if (role == ROLE_FRONT) {
		group_run(q); /* what it sent last counts too */
		lost_front(q, instance);
		drop_spools(q, instance);
	} else if (role == ROLE_ACCOUNTS)
		local_peer_lost(q);
	else if (role == ROLE_OUTBOUND)
		remote_peer_lost(q);
}

static void peer_drained(void *state, enum role role, uint32_t instance)
{
	(void)instance;
	if (role == ROLE_OUTBOUND)
		remote_pump(state);
}

static const struct frame_handler handlers[] = {
	{MSG_SUBMIT, on_submit},
	{MSG_IDS, on_ids},
	{MSG_SPOOL_OPEN, on_spool_open},
	{MSG_SPOOL_DROP, on_spool_drop},
	{MSG_UNCONFIRMED, on_unconfirmed},
	{MSG_HEARD, on_heard},
	{MSG_SENT, remote_on_sent},
	{MSG_ROUTED, route_on_routed},
	{MSG_ACCOUNT_OPENED, local_on_opened},
	{MSG_NONE, NULL},
};

/* ---- commands, the end ------------------------------------------------------------------ */
static enum admin_exit on_admin(void *state, const struct span *words,
	size_t count, const struct admin_out *out, struct err *e)
{
	struct queue *q = state;

	group_run(q); /* the database is what is shown */
	q->admin.now_ms = queue_now_ms(q);
	q->admin.now_wall_ms = loop_wall_ms(q->run->loop);
	return queue_admin_run(&q->admin, words, count, out, e);
}

static bool is_flying(struct queue *q)
{
	struct work *w;

	for (size_t i = 0; (w = map_next(&q->works, &i)) != NULL;)
		for (size_t k = 0; k < w->msg.rcpt_count; k++)
			if (w->seats[k]->place == PLACE_FLYING)
				return true;
	return false;
}

/* What is in flight may land: a remote server that has taken a message must
 * not get it again. */
static void on_stop_tick(void *state)
{
	struct queue *q = state;

	group_run(q);
	if (is_flying(q) && ++q->stop_ticks < STOP_TICKS) {
		timer_arm(&q->stop_timer, STOP_TICK_MS);
		return;
	}
	for (uint32_t i = 0; i < ROLE_INSTANCES_MAX; i++)
		if (q->run->peers[ROLE_FRONT][i] != NULL)
			channel_drain(q->run->peers[ROLE_FRONT][i]);
	lost_stop(q);
	queue_store_close(q->store);
	queue_spool_close(&q->spool);
	loop_stop(q->run->loop);
}

static void stop(void *state)
{
	struct queue *q = state;

	if (q->is_stopping)
		return;
	q->is_stopping = true;
	q->clock_put_ms = 0;
	timer_init(&q->stop_timer, q->run->loop, on_stop_tick, q);
	timer_arm(&q->stop_timer, 0);
}

const struct role_def role_queue = {
	.role = ROLE_QUEUE,
	.open = open_role,
	.begin = begin,
	.handlers = handlers,
	.peer_up = peer_up,
	.peer_lost = peer_lost,
	.peer_drained = peer_drained,
	.admin = on_admin,
	.stop = stop,
};
