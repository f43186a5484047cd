/*
 * log_limit.h - how often an event may be logged in full, and how often it
 * happened beyond that.
 *
 * Of lines that strangers can cause at will, those of one cause (an event and, by
 * the event's row in log_events.def, the network or the account that it is
 * about) are let through LOG_LIMIT_LINES times in LOG_LIMIT_MS, from the first
 * one on; the rest is counted, and told as one number when that time is over.
 * Memory is bounded: causes for which there is no row share one an event.
 *
 * Pure: the caller has the clock and writes the lines.  All zero is empty.
 */
#ifndef POSTRIDER_BASE_LOG_LIMIT_H
#define POSTRIDER_BASE_LOG_LIMIT_H

#include "base/log.h"

/* Enough to see what goes on: one session's refused recipients fit. */
#define LOG_LIMIT_LINES     20
#define LOG_LIMIT_MS        60000
#define LOG_LIMIT_ROWS      128
/* As long as "2001:db8:ffff:ffff::/64" may be; a longer cause is cut. */
#define LOG_LIMIT_WHO_BYTES 48

struct log_limit_row {
	enum log_event event;
	uint8_t who[LOG_LIMIT_WHO_BYTES];
	uint8_t who_bytes;
	uint32_t lines;    /* let through since then */
	uint64_t left_out; /* the same, and counted only */
	int64_t until_ms;  /* monotonic; 0: the row is free */
};

struct log_limit {
	struct log_limit_row rows[LOG_LIMIT_ROWS];
	struct log_limit_row shared[LOG_EVENT_COUNT];
	int64_t due_ms; /* the first row with something left out is over; 0:
			   there is none */
};

/* May a line of the event, caused by who, be written at this time?  False: it
 * was counted. */
bool log_limit_may(struct log_limit *l, enum log_event event, struct span who,
	int64_t now_ms);
/* Takes one count that is due at that time (INT64_MAX: any); false: there is
 * none.  The span who lies in *out. */
bool log_limit_take(struct log_limit *l, int64_t now_ms,
	struct log_limit_row *out);

#endif
