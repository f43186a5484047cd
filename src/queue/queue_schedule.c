/*
 * queue_schedule.c - waits, ends, and queue time.  See queue_schedule.h.
 */
#include "queue/queue_schedule.h"

int64_t queue_schedule_wait_ms(const struct queue_schedule *s,
	uint32_t attempts, uint32_t chance)
{
	size_t i = attempts == 0 ? 0 : attempts - 1;
	int64_t wait_ms;

	if (i >= s->retry_count)
		i = s->retry_count - 1;
	wait_ms = s->retry_ms[i];
	return wait_ms + (int64_t)((uint64_t)(wait_ms / 10) * chance >> 32);
}

bool queue_schedule_is_over(const struct queue_schedule *s, bool is_null_sender,
	int64_t since_ms, int64_t next_ms)
{
	return next_ms - since_ms > (is_null_sender
		? s->bounce_give_up_after_ms : s->give_up_after_ms);
}

bool queue_schedule_wants_warning(const struct queue_schedule *s,
	int64_t since_ms, int64_t now_ms)
{
	return now_ms - since_ms >= s->warn_after_ms;
}

bool queue_clock_start(struct queue_clock *c, int64_t stored_queue_ms,
	int64_t stored_wall_ms, int64_t wall_ms, int64_t mono_ms)
{
	int64_t gap_ms = wall_ms - stored_wall_ms;
	bool is_sane = gap_ms >= 0 && gap_ms <= QUEUE_CLOCK_GAP_MAX_MS;

	c->mono_ms = mono_ms;
	if (stored_queue_ms == 0) { /* a new queue */
		c->queue_ms = wall_ms;
		return true;
	}
	c->queue_ms = stored_queue_ms +
		(is_sane ? gap_ms : QUEUE_CLOCK_DOUBTFUL_MS);
	return is_sane;
}
