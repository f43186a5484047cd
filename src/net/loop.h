/*
 * loop.h - the one loop of a process: descriptors, timers, deferred work.
 *
 * Callbacks are called only from loop_run, one at a time.  A callback may free
 * any watch or timer, also its own.  Only the loop reads the clock.
 */
#ifndef POSTRIDER_NET_LOOP_H
#define POSTRIDER_NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct loop;
struct watch;
struct event;
struct event_base;

struct loop *loop_new(void);
void loop_free(struct loop *l);
/* Runs until loop_stop, or until nothing is left that could happen; flushes
 * the log at the end of each turn. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);
/* The clocks as read at the start of this turn. */
int64_t loop_wall_ms(struct loop *l);
int64_t loop_mono_ms(struct loop *l);
/* For libunbound only, which runs in our loop. */
struct event_base *loop_base(struct loop *l);

#define WATCH_READ  1u
#define WATCH_WRITE 2u

/* ready: WATCH_READ or WATCH_WRITE; both are two calls. */
typedef void watch_fn(void *arg, unsigned ready);

/* Watches a non-blocking descriptor, which stays the caller's.  Nothing is
 * wanted at first. */
struct watch *watch_new(struct loop *l, int fd, watch_fn *fn, void *arg);
void watch_want(struct watch *w, unsigned wanted);
void watch_free(struct watch *w); /* takes NULL; does not close */

typedef void loop_fn(void *arg);

/* A timer that its owner embeds; fires once each time it is armed. */
struct timer {
	struct loop *loop;
	struct event *event;
	loop_fn *fn;
	void *arg;
};
void timer_init(struct timer *t, struct loop *l, loop_fn *fn, void *arg);
void timer_arm(struct timer *t, int64_t after_ms); /* again: moves it */
void timer_disarm(struct timer *t);
void timer_clear(struct timer *t);

/* Work to do once after everything that is ready now has been handled: the
 * place for group commits and for flushing what was written.  Embedded. */
struct deferred {
	struct list link;
	loop_fn *fn;
	void *arg;
};
void deferred_init(struct deferred *d, loop_fn *fn, void *arg);
void loop_defer(struct loop *l, struct deferred *d); /* again: no effect */
void deferred_cancel(struct deferred *d);

/* Master only: fn is called in the loop when the signal came. */
void loop_on_signal(struct loop *l, int signal, loop_fn *fn, void *arg);

#endif
