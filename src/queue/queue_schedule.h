/*
 * queue_schedule.h - when is the next attempt, when is it too late, and what
 * time is it for the queue.  Pure: the caller gives clocks and chance.
 */
#ifndef POSTRIDER_QUEUE_SCHEDULE_H
#define POSTRIDER_QUEUE_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The part of the configuration that concerns time; kept by pointer. */
struct queue_schedule {
	const int64_t *retry_ms; /* the first waits, then the last for ever */
	size_t retry_count;      /* at least 1 */
	int64_t warn_after_ms, give_up_after_ms, bounce_give_up_after_ms;
};

/* How long to wait after the n-th attempt (from 1) failed: the list's value
 * plus up to a tenth of it by chance (0 … UINT32_MAX), so that what failed
 * together does not come back together. */
int64_t queue_schedule_wait_ms(const struct queue_schedule *s,
	uint32_t attempts, uint32_t chance);
/* Is it too late for another attempt at next_ms?  RFC 5321 4.5.4.1 */
bool queue_schedule_is_over(const struct queue_schedule *s, bool is_null_sender,
	int64_t since_ms, int64_t next_ms);
bool queue_schedule_wants_warning(const struct queue_schedule *s,
	int64_t since_ms, int64_t now_ms);

/*
 * Queue time: milliseconds that go on as the monotonic clock does while the
 * process runs, and as the wall clock did while it did not run.  A wall clock
 * that is set wrong cannot make all messages expire: a gap of more than a day,
 * or a backward one, counts as QUEUE_CLOCK_DOUBTFUL_MS, long enough that every
 * wait is over and short enough that nothing expires by it.
 */
#define QUEUE_CLOCK_GAP_MAX_MS  (24 * 3600 * INT64_C(1000))
#define QUEUE_CLOCK_DOUBTFUL_MS (3600 * INT64_C(1000))

struct queue_clock {
	int64_t queue_ms; /* at mono_ms */
	int64_t mono_ms;
};

/* stored_*: as last written, 0 for none.  False: the gap was doubtful. */
bool queue_clock_start(struct queue_clock *c, int64_t stored_queue_ms,
	int64_t stored_wall_ms, int64_t wall_ms, int64_t mono_ms);
static inline int64_t queue_clock_now_ms(const struct queue_clock *c,
	int64_t mono_ms)
{
	return c->queue_ms + (mono_ms - c->mono_ms);
}

#endif
