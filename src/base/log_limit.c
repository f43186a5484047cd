/*
 * log_limit.c - how often an event may be logged in full.  See log_limit.h.
 *
 * A row stands for one cause and one stretch of time; when that is over the row is
 * free, once what it left out was taken.  They are few and looked through one
 * after the other: the line that is saved would cost more.
 */
#include "base/log_limit.h"

#include <string.h>

static bool is_free(const struct log_limit_row *r, int64_t now_ms)
{
	return r->until_ms <= now_ms && r->left_out == 0;
}

static struct log_limit_row *row_of(struct log_limit *l, enum log_event event,
	struct span who, int64_t now_ms)
{
	struct log_limit_row *free_row = &l->shared[event];

	for (size_t i = LOG_LIMIT_ROWS; i-- > 0;) {
		struct log_limit_row *r = &l->rows[i];

		if (is_free(r, now_ms))
			free_row = r;
		else if (r->event == event &&
			span_eq(span_of(r->who, r->who_bytes), who))
			return r;
	}
	return free_row;
}

bool log_limit_may(struct log_limit *l, enum log_event event, struct span who,
	int64_t now_ms)
{
	struct log_limit_row *r;

	who = span_head(who, LOG_LIMIT_WHO_BYTES);
	r = row_of(l, event, who, now_ms);
	if (is_free(r, now_ms)) {
		*r = (struct log_limit_row){.event = event,
			.until_ms = now_ms + LOG_LIMIT_MS};
		if (r != &l->shared[event]) {
			r->who_bytes = (uint8_t)who.n;
			if (who.n > 0)
				memcpy(r->who, who.p, who.n);
		}
	}
	if (r->lines < LOG_LIMIT_LINES) {
		r->lines++;
		return true;
	}
	r->left_out++;
	if (l->due_ms == 0 || r->until_ms < l->due_ms)
		l->due_ms = r->until_ms;
	return false;
}

/* NULL: none of these is due; *first becomes when the next one is. */
static struct log_limit_row *find_due(struct log_limit_row *rows, size_t count,
	int64_t now_ms, int64_t *first)
{
	for (size_t i = 0; i < count; i++) {
		struct log_limit_row *r = &rows[i];

		if (r->left_out == 0)
			continue;
		if (r->until_ms <= now_ms)
			return r;
		if (*first == 0 || r->until_ms < *first)
			*first = r->until_ms;
	}
	return NULL;
}

bool log_limit_take(struct log_limit *l, int64_t now_ms,
	struct log_limit_row *out)
{
	struct log_limit_row *r;
	int64_t first = 0;

	if (l->due_ms == 0 || l->due_ms > now_ms)
		return false;
	r = find_due(l->rows, LOG_LIMIT_ROWS, now_ms, &first);
	if (r == NULL)
		r = find_due(l->shared, LOG_EVENT_COUNT, now_ms, &first);
	if (r == NULL) {
		l->due_ms = first;
		return false;
	}
	*out = *r;
	*r = (struct log_limit_row){0};
	return true;
}
