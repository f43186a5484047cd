/*
 * loop.c - the loop over libevent_core.  See loop.h.
 *
 * Two priorities: descriptors and timers first, then one event that runs all
 * deferred work.  Libevent looks for new events before it comes to the second
 * priority, so what arrived meanwhile joins the group.  Whoever gathers a group
 * counts what it holds and acts at its limit, so nothing is put off for ever.
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

#define PRIORITY_READY    0
#define PRIORITY_DEFERRED 1
#define SIGNALS_MAX       8

struct signal_hook {
	struct event *event;
	loop_fn *fn;
	void *arg;
};

struct loop {
	struct event_base *base; /* owned */
	struct event *deferred_event;
	struct list deferred;
	int64_t wall_ms; /* 0: not read in this turn */
	int64_t mono_ms;
	struct signal_hook signals[SIGNALS_MAX];
	unsigned signal_count;
};

struct watch {
	struct event event;
	struct loop *loop;
	watch_fn *fn;
	void *arg;
	unsigned wanted;
};

static void run_deferred(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;
	struct list now;

	(void)fd;
	(void)what;
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
	log_flush();
}

struct loop *loop_new(void)
{
	struct event_config *config = event_config_new();
	struct loop *l = MEM_NEW(struct loop);

	must(config != NULL);
	/* the clock is read by us; epoll's own cache of changes is safe as no
	 * descriptor is watched twice */
	must(event_config_set_flag(config,
		EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST |
		EVENT_BASE_FLAG_NOLOCK) == 0);
	l->base = event_base_new_with_config(config);
	event_config_free(config);
	must(l->base != NULL);
	must(event_base_priority_init(l->base, 2) == 0);
	list_init(&l->deferred);
	l->deferred_event = event_new(l->base, -1, 0, run_deferred, l);
	must(l->deferred_event != NULL);
	must(event_priority_set(l->deferred_event, PRIORITY_DEFERRED) == 0);
	return l;
}

void loop_free(struct loop *l)
{
	for (unsigned i = 0; i < l->signal_count; i++)
		event_free(l->signals[i].event);
	event_free(l->deferred_event);
	event_base_free(l->base);
	mem_free(l);
}

void loop_run(struct loop *l)
{
	int rc;

	do {
		l->wall_ms = l->mono_ms = 0;
		rc = event_base_loop(l->base, EVLOOP_ONCE);
		if (list_is_empty(&l->deferred))
			log_flush();
	} while (rc == 0 && !event_base_got_break(l->base));
	log_flush();
}

void loop_stop(struct loop *l)
{
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
	must(event_assign(&w->event, l->base, fd, EV_PERSIST, on_ready, w) ==
		0);
	return w;
}

void watch_want(struct watch *w, unsigned wanted)
{
	short what = EV_PERSIST;
	evutil_socket_t fd = event_get_fd(&w->event);

	if (wanted == w->wanted)
		return;
	if (w->wanted != 0)
		must(event_del(&w->event) == 0);
	w->wanted = wanted;
	if (wanted == 0)
		return;
	if (wanted & WATCH_READ)
		what |= EV_READ;
	if (wanted & WATCH_WRITE)
		what |= EV_WRITE;
	must(event_assign(&w->event, w->loop->base, fd, what, on_ready, w) ==
		0);
	must(event_priority_set(&w->event, PRIORITY_READY) == 0);
	must(event_add(&w->event, NULL) == 0);
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
	t->fn(t->arg);
}

void timer_init(struct timer *t, struct loop *l, loop_fn *fn, void *arg)
{
	t->fn = fn;
	t->arg = arg;
	t->event = evtimer_new(l->base, on_timer, t);
	must(t->event != NULL);
	must(event_priority_set(t->event, PRIORITY_READY) == 0);
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
	event_active(l->deferred_event, EV_TIMEOUT, 1);
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
	hook->fn(hook->arg);
}

void loop_on_signal(struct loop *l, int signal, loop_fn *fn, void *arg)
{
	struct signal_hook *hook;

	must(l->signal_count < SIGNALS_MAX);
	hook = &l->signals[l->signal_count++];
	hook->fn = fn;
	hook->arg = arg;
	hook->event = evsignal_new(l->base, signal, on_signal, hook);
	must(hook->event != NULL && evsignal_add(hook->event, NULL) == 0);
}
