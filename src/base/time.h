/*
 * time.h - the two clocks, and how a moment is written.
 *
 * Wall time is milliseconds since 1970-01-01 UTC; the monotonic clock only
 * measures distances.  Engines do not call these: their caller gives `now`.
 * Moments are written in UTC, so no process needs the time zone files.
 */
#ifndef POSTRIDER_BASE_TIME_H
#define POSTRIDER_BASE_TIME_H

#include "base/span.h"

struct buf;

int64_t time_wall_ms(void);
int64_t time_mono_ms(void);

/* "Sun, 22 Nov 2026 15:27:39 +0000".  RFC 5322 3.3 */
void time_put_rfc5322(struct buf *out, int64_t wall_ms);
/* "2026-11-22T15:27:39.123Z".  RFC 3339 5.6 */
void time_put_rfc3339(struct buf *out, int64_t wall_ms);

#endif
