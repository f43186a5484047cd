/*
 * queue_route.c - questions to directory, and aliases.  See queue_int.h.
 *
 * A recipient whose way is not known (one of a notice), or an alias, is asked
 * about.  An alias is replaced by its targets, recipients of the same message
 * with numbers of their own, in one transaction; only then are they delivered
 * to.  An address that is a recipient already gets nothing twice; one that is
 * an alias among its own forefathers is a loop, and so are DEPTH_MAX aliases
 * one after the other: 5.4.6.
 */
#include "role/queue_int.h"

#include <unistd.h>

#include "base/mem.h"
#include "smtp/smtp_address.h"
#include "smtp/smtp_dsn.h"

#define DEPTH_MAX 10u

struct route_wait {
	uint64_t id, qid;
	uint32_t idx;
};

void route_init(struct queue *q)
{
	map_init(&q->routes);
}

static void send_question(struct queue *q, const struct route_wait *wait)
{
	struct channel *c = role_peer(q->run, ROLE_DIRECTORY);
	struct work *w = map_get(&q->works, wait->qid);
	struct msg_route m;

	if (c == NULL || w == NULL)
		return; /* route_peer_up asks again */
	m.address = w->msg.rcpts[work_find(w, wait->idx)].address;
	m.sender = w->msg.reverse_path;
	channel_send(c, route, ROUTE, wait->id, &m, -1);
}

void route_ask(struct queue *q, struct seat *s)
{
	struct route_wait *wait = MEM_NEW(struct route_wait);

	wait->id = ++q->next_route;
	wait->qid = s->work->msg.qid;
	wait->idx = s->work->msg.rcpts[s->at].idx;
	map_put(&q->routes, wait->id, wait);
	seat_move(s, PLACE_ROUTING);
	send_question(q, wait);
}

void route_peer_up(struct queue *q)
{
	struct route_wait *wait;

	for (size_t i = 0; (wait = map_next(&q->routes, &i)) != NULL;)
		send_question(q, wait);
}

/* ---- expansion -------------------------------------------------------------------- */
static void settle(struct queue *q, struct seat *s, enum code result,
	const char *enhanced, const char *text)
{
	struct outcome o = {.result = result, .enhanced = span_str(enhanced),
		.text = span_str(text)};

	work_outcome(q, s, &o);
}

/* Do the two name the same recipient?  Domains are compared without case,
 * local parts as they are: RFC 5321 2.4. */
static bool is_same(struct span a, struct span b)
{
	size_t at = span_find_last(a, '@');

	return at == span_find_last(b, '@') &&
		span_eq(span_head(a, at), span_head(b, at)) &&
		span_eq_fold(span_tail(a, at), span_tail(b, at));
}

/* Is the address the recipient itself or one of the aliases before it? */
static bool is_forefather(const struct work *w, size_t at, struct span address)
{
	for (unsigned depth = 0; depth <= DEPTH_MAX; depth++) {
		const struct queue_rcpt *r = &w->msg.rcpts[at];

		if (is_same(r->address, address))
			return true;
		if (r->parent == 0)
			return false;
		at = work_find(w, r->parent - 1);
		if (at == w->msg.rcpt_count)
			return false;
	}
	return false;
}

/* One mailbox gets one copy, however many aliases lead there. */
static bool is_same_place(const struct queue_rcpt *r,
	const struct rec_rcpt *target)
{
	if (r->route == QUEUE_TO_LOCAL && target->route == ROUTE_LOCAL &&
		r->account == target->account)
		return span_eq_fold(smtp_address_detail(r->address),
			smtp_address_detail(target->address));
	return is_same(r->address, target->address);
}

/* Another recipient that gets the message at this address anyway. */
static bool is_known(const struct queue_rcpt *rcpts, size_t count,
	const struct rec_rcpt *target)
{
	for (size_t i = 0; i < count; i++)
		if (rcpts[i].state != QUEUE_EXPANDED &&
			rcpts[i].state != QUEUE_CANCELLED &&
			is_same_place(&rcpts[i], target))
			return true;
	return false;
}

static size_t count_targets(struct span targets)
{
	struct rec_rcpt r;
	size_t count = 0;

	while (rec_next_rcpt(&targets, &r) == MORE)
		count++;
	return count;
}

/* Copies the recipients into an array with room for more, twice as large: a
 * thousand aliases would else leave a thousand arrays in the arena. */
static void make_room(struct work *w, size_t more)
{
	size_t wanted = w->msg.rcpt_count + more;
	struct queue_rcpt *rcpts;

	if (wanted <= w->rcpt_room)
		return;
	w->rcpt_room = wanted * 2;
	rcpts = arena_alloc(&w->arena, w->rcpt_room, sizeof(*rcpts));
	for (size_t i = 0; i < w->msg.rcpt_count; i++)
		rcpts[i] = w->msg.rcpts[i];
	w->msg.rcpts = rcpts;
}

static uint32_t next_idx(const struct work *w)
{
	uint32_t next = 0;

	for (size_t i = 0; i < w->msg.rcpt_count; i++)
		if (w->msg.rcpts[i].idx >= next)
			next = w->msg.rcpts[i].idx + 1;
	return next;
}

/* What the target of an alias with several inherits: RFC 3461 5.2.7.3 (c). */
static uint8_t notify_of_many(uint8_t notify)
{
	if (!(notify & QUEUE_NOTIFY_SUCCESS))
		return notify;
	notify &= (uint8_t)~QUEUE_NOTIFY_SUCCESS;
	return notify == 0 ? QUEUE_NOTIFY_NEVER : notify;
}

/* As the sender wrote it, for notices: RFC 3461 5.2.1 (d). */
static struct span orcpt_of(struct work *w, const struct queue_rcpt *alias)
{
	struct buf text;
	struct span out;

	if (alias->orcpt.n > 0)
		return alias->orcpt;
	buf_init(&text, SMTP_ORCPT_MAX);
	smtp_dsn_put_orcpt(&text, alias->address);
	out = text.overflow ? SPAN_EMPTY
			    : arena_dup(&w->arena, buf_span(&text));
	buf_clear(&text);
	return out;
}

struct expansion {
	size_t added;
	bool has_loop; /* a target that is one of its forefathers */
	bool has_known; /* a target that gets it already */
};

/* Appends the targets of recipient `at` behind the others; sender: the reverse-path
 * of those that go to other servers. */
static struct expansion add_targets(struct work *w, size_t at,
	struct span targets, struct span sender)
{
	struct expansion x = {0};
	uint32_t idx = next_idx(w);
	size_t wanted = count_targets(targets);
	struct span orcpt;
	struct rec_rcpt t;

	make_room(w, wanted);
	orcpt = orcpt_of(w, &w->msg.rcpts[at]);
	sender = arena_dup(&w->arena, sender);
	while (rec_next_rcpt(&targets, &t) == MORE) {
		bool is_end = t.route == ROUTE_LOCAL || t.route == ROUTE_REMOTE;
		size_t count = w->msg.rcpt_count + x.added;
		struct queue_rcpt *r = &w->msg.rcpts[count];

		if (t.route > ROUTE_ALIAS || t.address.n == 0)
			continue;
		/* an account that has an alias of its own name is no loop */
		if (!is_end && is_forefather(w, at, t.address)) {
			x.has_loop = true;
			continue;
		}
		if (is_known(w->msg.rcpts, count, &t)) {
			x.has_known = true;
			continue;
		}
		*r = (struct queue_rcpt){
			.idx = idx++,
			.route = (enum queue_route)t.route,
			.state = QUEUE_SENDING,
			.account = t.account,
			.parent = w->msg.rcpts[at].idx + 1,
			.depth = w->msg.rcpts[at].depth + 1,
			.notify = wanted > 1
				? notify_of_many(w->msg.rcpts[at].notify)
				: w->msg.rcpts[at].notify,
			.orcpt = orcpt,
			.sender = t.route == ROUTE_REMOTE ? sender : SPAN_EMPTY,
			.address = arena_dup(&w->arena, t.address),
		};
		x.added++;
	}
	return x;
}

static void expand(struct queue *q, struct seat *s, struct span targets,
	struct span sender)
{
	struct work *w = s->work;
	struct queue_rcpt *r = &w->msg.rcpts[s->at];
	size_t before = w->msg.rcpt_count;
	struct expansion x;

	if (r->depth >= DEPTH_MAX ||
		before + count_targets(targets) > QUEUE_RCPTS_MAX) {
		settle(q, s, LIMIT, "5.4.6",
			"too many aliases, or aliases that go in a circle");
		return;
	}
	/* the state goes first: an alias may name itself as a mailbox */
	r->state = QUEUE_EXPANDED;
	x = add_targets(w, s->at, targets, sender);
	r = &w->msg.rcpts[s->at];
	if (x.added == 0 && !x.has_known) {
		r->state = QUEUE_SENDING;
		settle(q, s, LIMIT, "5.4.6", x.has_loop
			? "the alias goes in a circle"
			: "the alias has no target");
		return;
	}
	if (count_targets(targets) > 1 && work_wants_success(w, r))
		r->tell = QUEUE_TELL_EXPANDED;
	w->msg.rcpt_count += x.added;
	work_seat(w, before);
	for (size_t i = before; i < w->msg.rcpt_count; i++) {
		w->seats[i]->is_dirty = true;
		seat_move(w->seats[i], PLACE_CLAIMED);
	}
	seat_move(s, PLACE_NONE);
	s->is_dirty = true;
	w->wants_dispatch = true;
	LOG(EV_QUEUE_EXPANDED, LOG_MID(w->msg.qid),
		LOG_SPAN("rcpt", r->address), LOG_NUM("targets", x.added));
	work_dirty(q, w);
}

/* Where to, of an address that is no alias. */
static void take_route(struct queue *q, struct seat *s, struct span targets)
{
	struct queue_rcpt *r = &s->work->msg.rcpts[s->at];
	struct rec_rcpt t;

	if (rec_next_rcpt(&targets, &t) != MORE || (t.route != ROUTE_LOCAL &&
		t.route != ROUTE_REMOTE)) {
		settle(q, s, TEMP, "4.3.5", "the directory knows no way");
		return;
	}
	r->route = (enum queue_route)t.route;
	r->account = t.account;
	s->is_dirty = true;
	seat_move(s, PLACE_CLAIMED);
	work_dispatch(q, s->work);
}

static const struct {
	enum code result;
	const char *enhanced, *text;
} verdicts[] = {
	[RCPT_OK] = {OK, "", ""},
	[RCPT_NO_USER] = {NOT_FOUND, "5.1.1", "there is no such mailbox"},
	[RCPT_NO_RELAY] = {DENIED, "5.7.1", "relaying is not allowed"},
	[RCPT_FULL] = {FULL, "4.2.2", "the mailbox is full"},
	[RCPT_TEMP] = {TEMP, "4.3.0", "the directory cannot answer now"},
	[RCPT_BAD_DOMAIN] = {SYNTAX, "5.1.2", "this cannot be a mail domain"},
};

static bool are_records(struct span targets)
{
	struct rec_rcpt r;
	enum step step;

	while ((step = rec_next_rcpt(&targets, &r)) == MORE)
		;
	return step == DONE;
}

bool route_on_routed(void *arg, struct frame *f)
{
	struct queue *q = arg;
	struct route_wait *wait = map_take(&q->routes, f->id);
	struct msg_routed m;
	struct work *w;
	struct seat *s;

	if (f->fd >= 0)
		close(f->fd);
	if (!msg_get_routed(f->body, &m) || !are_records(m.targets) ||
		m.verdict >= sizeof(verdicts) / sizeof(verdicts[0])) {
		if (wait != NULL) /* asked again, of the next process */
			map_put(&q->routes, wait->id, wait);
		return false;
	}
	if (wait == NULL)
		return true;
	w = map_get(&q->works, wait->qid);
	must(w != NULL); /* it has a busy seat */
	s = w->seats[work_find(w, wait->idx)];
	mem_free(wait);
	if (w->msg.rcpts[s->at].state != QUEUE_SENDING) {
		seat_move(s, PLACE_NONE); /* held or cancelled meanwhile */
		work_dirty(q, w);
	} else if (m.verdict != RCPT_OK)
		settle(q, s, verdicts[m.verdict].result,
			verdicts[m.verdict].enhanced,
			verdicts[m.verdict].text);
	else if (m.was_alias != 0)
		expand(q, s, m.targets, m.sender);
	else
		take_route(q, s, m.targets);
	return true;
}
