/*
 * loop.c - the loop over libevent_core.  See loop.h.
 *
 * A turn: what is ready is handled; if that left deferred work, what has
 * become ready meanwhile is handled too, so that it joins the group, but a few
 * times only, so that a peer that never stops sending puts nothing off; then
 * the deferred work is done.
 *
 * A watch is two events of libevent, one a direction: each is registered and
 * taken back at once.  Libevent's list of changes would take them back a turn
 * later, when the descriptor may be closed here but live on in the process to
 * which it was passed; then the kernel would report it to us for ever.
 */
#include "net/loop.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <signal.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"

#define SIGNALS_MAX   8
#define GATHER_ROUNDS 4 /* looks at what is ready before deferred work */

struct signal_hook {
	struct loop *loop;
	struct event *event;
	loop_fn *fn;
	void *arg;
};

struct loop {
	struct event_base *base; /* owned */
	struct list deferred;
	uint64_t calls; /* of callbacks, since the start */
	bool is_stopped;
	int64_t log_due_ms; /* what `log_timer` is armed for; 0: it is not */
	struct event *log_timer;
	int64_t wall_ms; /* 0: not read in this turn */
	int64_t mono_ms;
	struct signal_hook signals[SIGNALS_MAX];
	unsigned signal_count;
};

struct watch {
	struct event read, write;
	struct loop *loop;
	watch_fn *fn;
	void *arg;
	unsigned wanted;
};

static void run_deferred(struct loop *l)
{
	struct list now;

	/* what is deferred meanwhile waits for the next turn */
	list_init(&now);
	while (!list_is_empty(&l->deferred)) {
		struct list *first = l->deferred.next;

		list_take(first);
		list_put(&now, first);
	}
	while (!list_is_empty(&now)) {
		struct deferred *d = LIST_OF(struct deferred, link, now.next);

		list_take(&d->link);
		d->fn(d->arg);
	}
}

/* The end of the turn does the rest; early by a fraction, it is armed again. */
static void on_log_due(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;

	(void)fd;
	(void)what;
	l->log_due_ms = 0;
}

struct loop *loop_new(void)
{
	struct event_config *config = event_config_new();
	struct loop *l = MEM_NEW(struct loop);

	must(config != NULL);
	must(event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0);
	l->base = event_base_new_with_config(config);
	event_config_free(config);
	must(l->base != NULL);
	list_init(&l->deferred);
	l->log_timer = evtimer_new(l->base, on_log_due, l);
	must(l->log_timer != NULL);
	return l;
}

void loop_free(struct loop *l)
{
	for (unsigned i = 0; i < l->signal_count; i++)
		event_free(l->signals[i].event);
	event_free(l->log_timer);
	event_base_free(l->base);
	mem_free(l);
}

/* Handles what is ready; waits for it if nothing is deferred.  False if there
 * is nothing to wait for. */
static bool handle_ready(struct loop *l)
{
	int flags = EVLOOP_ONCE;

	if (!list_is_empty(&l->deferred))
		flags |= EVLOOP_NONBLOCK;
	return event_base_loop(l->base, flags) == 0;
}

/* More for the group, as long as more comes. */
static void gather(struct loop *l)
{
	uint64_t calls;
	unsigned round = 1;

	do {
		if (l->is_stopped || list_is_empty(&l->deferred))
			return;
		calls = l->calls;
		(void)handle_ready(l);
	} while (l->calls != calls && ++round < GATHER_ROUNDS);
}

/* What the log left out is told also if nothing else happens until then. */
static void arm_log(struct loop *l)
{
	int64_t due_ms = log_due_mono_ms(), left_ms;
	struct timeval tv;

	if (due_ms == l->log_due_ms)
		return;
	l->log_due_ms = due_ms;
	(void)evtimer_del(l->log_timer);
	if (due_ms == 0)
		return;
	left_ms = due_ms - time_mono_ms();
	left_ms = left_ms < 0 ? 0 : left_ms;
	tv.tv_sec = left_ms / 1000;
	tv.tv_usec = left_ms % 1000 * 1000;
	must(evtimer_add(l->log_timer, &tv) == 0);
}

void loop_run(struct loop *l)
{
	bool is_alive = true;

	l->is_stopped = false;
	while (is_alive && !l->is_stopped) {
		l->wall_ms = l->mono_ms = 0;
		is_alive = handle_ready(l);
		gather(l);
		if (!l->is_stopped && !list_is_empty(&l->deferred)) {
			run_deferred(l);
			is_alive = true;
		}
		log_flush();
		arm_log(l);
	}
}

void loop_stop(struct loop *l)
{
	l->is_stopped = true;
	event_base_loopbreak(l->base);
}

int64_t loop_wall_ms(struct loop *l)
{
	if (l->wall_ms == 0)
		l->wall_ms = time_wall_ms();
	return l->wall_ms;
}

int64_t loop_mono_ms(struct loop *l)
{
	if (l->mono_ms == 0)
		l->mono_ms = time_mono_ms();
	return l->mono_ms;
}

struct event_base *loop_base(struct loop *l)
{
	return l->base;
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct watch *w = arg;
	unsigned ready = 0;

	(void)fd;
	w->loop->calls++;
	if (what & EV_READ)
		ready |= WATCH_READ;
	if (what & EV_WRITE)
		ready |= WATCH_WRITE;
	w->fn(w->arg, ready);
}

struct watch *watch_new(struct loop *l, int fd, watch_fn *fn, void *arg)
{
	struct watch *w = MEM_NEW(struct watch);

	w->loop = l;
	w->fn = fn;
	w->arg = arg;
	must(event_assign(&w->read, l->base, fd, EV_READ | EV_PERSIST, on_ready,
		     w) == 0);
	must(event_assign(&w->write, l->base, fd, EV_WRITE | EV_PERSIST,
		     on_ready, w) == 0);
	return w;
}

void watch_want(struct watch *w, unsigned wanted)
{
	unsigned changed = wanted ^ w->wanted;

	w->wanted = wanted;
	if (changed & WATCH_READ)
		must((wanted & WATCH_READ ? event_add(&w->read, NULL)
					  : event_del(&w->read)) == 0);
	if (changed & WATCH_WRITE)
		must((wanted & WATCH_WRITE ? event_add(&w->write, NULL)
					   : event_del(&w->write)) == 0);
}

void watch_free(struct watch *w)
{
	if (w == NULL)
		return;
	watch_want(w, 0);
	mem_free(w);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct timer *t = arg;

	(void)fd;
	(void)what;
	t->loop->calls++;
	t->fn(t->arg);
}

void timer_init(struct timer *t, struct loop *l, loop_fn *fn, void *arg)
{
	t->loop = l;
	t->fn = fn;
	t->arg = arg;
	t->event = evtimer_new(l->base, on_timer, t);
	must(t->event != NULL);
}

void timer_arm(struct timer *t, int64_t after_ms)
{
	struct timeval tv;

	if (after_ms < 0)
		after_ms = 0;
	tv.tv_sec = after_ms / 1000;
	tv.tv_usec = after_ms % 1000 * 1000;
	must(evtimer_add(t->event, &tv) == 0);
}

void timer_disarm(struct timer *t)
{
	if (t->event != NULL)
		must(evtimer_del(t->event) == 0);
}

void timer_clear(struct timer *t)
{
	if (t->event != NULL)
		event_free(t->event);
	t->event = NULL;
}

void deferred_init(struct deferred *d, loop_fn *fn, void *arg)
{
	list_init(&d->link);
	d->fn = fn;
	d->arg = arg;
}

void loop_defer(struct loop *l, struct deferred *d)
{
	if (!list_is_empty(&d->link))
		return;
	list_put(&l->deferred, &d->link);
}

void deferred_cancel(struct deferred *d)
{
	list_take(&d->link);
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	struct signal_hook *hook = arg;

	(void)number;
	(void)what;
	hook->loop->calls++;
	hook->fn(hook->arg);
}

void loop_on_signal(struct loop *l, int signal, loop_fn *fn, void *arg)
{
	struct signal_hook *hook;

	must(l->signal_count < SIGNALS_MAX);
	hook = &l->signals[l->signal_count++];
	hook->loop = l;
	hook->fn = fn;
	hook->arg = arg;
	hook->event = evsignal_new(l->base, signal, on_signal, hook);
	must(hook->event != NULL && evsignal_add(hook->event, NULL) == 0);
}
