/*
 * queue_work.c - messages that are being worked on.  See queue_int.h.
 *
 * A recipient's way in this process (its states in the database stand in
 * src/queue/NOTES.md):
 *
 *	CLAIMED -> ROUTING -> READY -> FLYING -> NONE     work_dispatch and
 *	       \-------------/  ^        |                work_outcome
 *	                        +--------+ the account's process died
 */
#include "role/queue_int.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

/* Bytes of one message in memory but its body: recipients of an exploding
 * alias included. */
#define WORK_ARENA_MAX (64u << 20)

struct work *work_new(size_t rcpt_count)
{
	struct work *w = MEM_NEW(struct work);

	arena_init(&w->arena, WORK_ARENA_MAX);
	list_init(&w->link);
	w->tried_end = &w->tried;
	w->msg.rcpts = arena_alloc(&w->arena, rcpt_count + 1,
		sizeof(struct queue_rcpt));
	return w;
}

void work_seat(struct work *w, size_t from)
{
	struct seat **seats = w->seats;

	if (w->msg.rcpt_count > w->seat_room) {
		w->seat_room = w->msg.rcpt_count * 2;
		seats = arena_alloc(&w->arena, w->seat_room, sizeof(struct seat *));
		for (size_t i = 0; i < from; i++)
			seats[i] = w->seats[i];
	}
	for (size_t i = from; i < w->msg.rcpt_count; i++) {
		struct seat *s = ARENA_NEW(&w->arena, struct seat);

		list_init(&s->link);
		s->work = w;
		s->at = (uint32_t)i;
		seats[i] = s;
	}
	w->seats = seats;
}

void work_free(struct queue *q, struct work *w)
{
	must(w->busy == 0);
	list_take(&w->link);
	if (w->is_stored)
		(void)map_take(&q->works, w->msg.qid);
	if (w->body != NULL)
		q->body_bytes -= w->msg.size;
	mem_free(w->body);
	arena_clear(&w->arena);
	mem_free(w);
}

size_t work_find(const struct work *w, uint32_t idx)
{
	if (idx < w->msg.rcpt_count && w->msg.rcpts[idx].idx == idx)
		return idx;
	for (size_t i = 0; i < w->msg.rcpt_count; i++)
		if (w->msg.rcpts[i].idx == idx)
			return i;
	return w->msg.rcpt_count;
}

bool work_is_open(const struct work *w)
{
	for (size_t i = 0; i < w->msg.rcpt_count; i++)
		if (queue_rcpt_is_open(&w->msg.rcpts[i]))
			return true;
	return false;
}

/* False: it is written with its group anyway. */
static bool put_dirty(struct queue *q, struct work *w)
{
	if (!w->is_stored)
		return false;
	if (list_is_empty(&w->link))
		list_put(&q->dirty, &w->link);
	return true;
}

void work_dirty(struct queue *q, struct work *w)
{
	if (put_dirty(q, w))
		group_want(q);
}

static void work_dirty_later(struct queue *q, struct work *w)
{
	if (put_dirty(q, w))
		group_want_later(q);
}

void seat_move(struct seat *s, enum place place)
{
	if (s->place == PLACE_NONE && place != PLACE_NONE)
		s->work->busy++;
	if (s->place != PLACE_NONE && place == PLACE_NONE)
		s->work->busy--;
	s->place = place;
}

void work_dispatch(struct queue *q, struct work *w)
{
	bool has_remote = false;

	w->wants_dispatch = false;
	for (size_t i = 0; i < w->msg.rcpt_count; i++) {
		struct seat *s = w->seats[i];

		if (s->place != PLACE_CLAIMED)
			continue;
		if (w->msg.rcpts[i].state != QUEUE_SENDING)
			seat_move(s, PLACE_NONE);
		else if (w->msg.rcpts[i].route == QUEUE_TO_LOCAL)
			local_push(q, s);
		else if (w->msg.rcpts[i].route == QUEUE_TO_REMOTE)
			has_remote = true;
		else
			route_ask(q, s);
	}
	if (has_remote)
		remote_push(q, w);
	if (w->busy == 0)
		work_dirty(q, w);
}

/* ---- outcomes ---------------------------------------------------------------- */
static void remember_attempt(struct queue *q, struct work *w, uint32_t idx,
	const struct outcome *o)
{
	struct tried *t = ARENA_NEW(&w->arena, struct tried);

	t->facts = (struct queue_attempt){
		.idx = idx,
		.at_wall_ms = loop_wall_ms(q->run->loop),
		.result = o->result,
		.code = o->code,
		.enhanced = arena_dup(&w->arena, o->enhanced),
		.text = arena_dup(&w->arena, o->text),
		.peer = arena_dup(&w->arena, o->peer),
		.dialogue = arena_dup(&w->arena, o->dialogue),
	};
	*w->tried_end = t;
	w->tried_end = &t->next;
	w->has_history = true;
}

/* By chance from message to message, but the same for all recipients of one:
 * they go on together (queue_load.c, claim). */
static uint32_t chance_of(const struct queue *q, const struct work *w)
{
	uint64_t mixed = (w->msg.qid ^ q->seed) * UINT64_C(0x9e3779b97f4a7c15);

	return (uint32_t)(mixed >> 32);
}

/* "451 4.2.0 later": as the server said it; our own words have no code. */
static struct span reply_of(struct queue *q, const struct queue_rcpt *r)
{
	struct buf *b = &q->scratch;

	buf_reset(b);
	if (r->code != 0)
		buf_printf(b, "%u ", r->code);
	if (r->code != 0 && r->enhanced.n > 0) {
		buf_put(b, r->enhanced);
		buf_putc(b, ' ');
	}
	buf_put(b, r->text);
	return buf_span(b);
}

static void log_deferred(struct queue *q, const struct work *w,
	const struct queue_rcpt *r)
{
	LOG(EV_QUEUE_DEFERRED, LOG_MID(w->msg.qid),
		LOG_SPAN("rcpt", r->address), LOG_NUM("attempt", r->attempts),
		LOG_NUM("next", (r->next_ms - queue_now_ms(q)) / 1000),
		LOG_SPAN("reply", reply_of(q, r)));
}

static void fail(struct queue *q, struct work *w, struct queue_rcpt *r)
{
	r->state = QUEUE_FAILED;
	LOG(EV_QUEUE_FAILED, LOG_MID(w->msg.qid), LOG_SPAN("rcpt", r->address),
		LOG_SPAN("reply", reply_of(q, r)));
}

static bool is_over(struct queue *q, const struct work *w,
	const struct queue_rcpt *r)
{
	return queue_schedule_is_over(&q->schedule,
		w->msg.reverse_path.n == 0, w->msg.since_ms, r->next_ms);
}

/* It did not work for now: wait, or give up. */
static void postpone(struct queue *q, struct work *w, struct queue_rcpt *r)
{
	r->next_ms = queue_now_ms(q) + queue_schedule_wait_ms(&q->schedule,
		r->attempts, chance_of(q, w));
	if (r->state != QUEUE_SENDING)
		return; /* held or cancelled meanwhile: stays so */
	if (is_over(q, w, r)) {
		r->enhanced = SPAN("4.4.7");
		fail(q, w, r);
		return;
	}
	r->state = QUEUE_WAITING;
	load_wait(q, r->next_ms);
	log_deferred(q, w, r);
}

static void note_reply(struct work *w, struct queue_rcpt *r,
	const struct outcome *o)
{
	r->code = o->code;
	r->enhanced = arena_dup(&w->arena, o->enhanced);
	r->text = arena_dup(&w->arena, o->text);
	r->peer = arena_dup(&w->arena, o->peer);
}

bool work_wants_success(const struct work *w, const struct queue_rcpt *r)
{
	return r->notify & QUEUE_NOTIFY_SUCCESS &&
		w->msg.reverse_path.n > 0 &&
		!(w->msg.flags & MAIL_INTERNAL);
}

static void succeed(struct queue *q, struct work *w, struct queue_rcpt *r,
	const struct outcome *o)
{
	r->state = QUEUE_DONE;
	/* RFC 3461 5.2.2, 5.2.3; a server that knows DSN does it itself */
	if (work_wants_success(w, r) && !o->has_dsn)
		r->tell = o->is_remote ? QUEUE_TELL_RELAYED
				       : QUEUE_TELL_DELIVERED;
	if (o->is_remote)
		LOG(EV_QUEUE_SENT, LOG_MID(w->msg.qid),
			LOG_SPAN("rcpt", r->address), LOG_SPAN("peer", o->peer),
			LOG_SPAN("reply", reply_of(q, r)));
}

void work_outcome(struct queue *q, struct seat *s, const struct outcome *o)
{
	struct work *w = s->work;
	struct queue_rcpt *r = &w->msg.rcpts[s->at];
	bool is_good = o->result == OK || o->result == EXISTS;
	bool was_plain = is_good && !o->is_remote && r->attempts == 0 &&
		!w->msg.is_split;

	must(s->place != PLACE_NONE);
	seat_move(s, PLACE_NONE);
	r->attempts++;
	r->tried_wall_ms = loop_wall_ms(q->run->loop);
	s->is_dirty = true;
	if (!was_plain) {
		note_reply(w, r, o);
		remember_attempt(q, w, r->idx, o);
	}
	if (is_good)
		succeed(q, w, r, o);
	else if (o->result == TEMP || o->result == FULL ||
		o->result == CORRUPT || o->result == BUSY ||
		o->result == TIMEOUT || o->result == GONE)
		postpone(q, w, r);
	else if (r->state == QUEUE_SENDING)
		fail(q, w, r);
	/* deliveries into mailboxes are safe to repeat, so what is done is
	 * written only when the whole message rests, and with the next group;
	 * for the rest of the world it is written at once */
	if (!is_good || o->is_remote)
		work_dirty(q, w);
	else if (w->busy == 0)
		work_dirty_later(q, w);
}

void work_put_off(struct queue *q, struct seat *s, int64_t next_ms,
	const char *why)
{
	struct work *w = s->work;
	struct queue_rcpt *r = &w->msg.rcpts[s->at];

	seat_move(s, PLACE_NONE);
	s->is_dirty = true;
	if (r->text.n == 0) {
		r->text = arena_dup(&w->arena, span_str(why));
		r->enhanced = SPAN("4.4.1");
	}
	if (r->state == QUEUE_SENDING) {
		r->next_ms = next_ms;
		r->state = QUEUE_WAITING;
		load_wait(q, next_ms);
		if (is_over(q, w, r)) {
			r->enhanced = SPAN("4.4.7");
			fail(q, w, r);
		}
	}
	work_dirty(q, w);
}

enum code work_body(struct queue *q, struct work *w, struct span *out,
	struct err *e)
{
	enum code code;

	*out = SPAN_EMPTY;
	if (w->body != NULL) {
		*out = span_of(w->body, w->msg.size);
		return OK;
	}
	if (w->msg.is_spooled)
		return OK;
	code = queue_store_body(q->store, w->msg.qid, out, e);
	if (code == OK && out->n != w->msg.size)
		return err_set(e, CORRUPT, "the body has another length");
	return code == NOT_FOUND ? CORRUPT : code;
}
