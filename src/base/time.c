/*
 * time.c - the two clocks, and how a moment is written.  See time.h.
 */
#include "base/time.h"

#include <stdio.h>
#include <time.h>

#include "base/buf.h"

static int64_t read_clock(clockid_t clock)
{
	struct timespec t;

	must(clock_gettime(clock, &t) == 0);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t time_wall_ms(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t time_mono_ms(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

/* Of a moment, also of one before 1970: what a broken clock shows. */
static int milliseconds(int64_t wall_ms)
{
	return (int)((wall_ms % 1000 + 1000) % 1000);
}

static struct tm split(int64_t wall_ms)
{
	time_t seconds = (time_t)((wall_ms - milliseconds(wall_ms)) / 1000);
	struct tm parts;

	must(gmtime_r(&seconds, &parts) != NULL);
	return parts;
}

void time_put_rfc5322(struct buf *out, int64_t wall_ms)
{
	static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri",
		"Sat"};
	static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	struct tm t = split(wall_ms);

	buf_printf(out, "%s, %d %s %d %02d:%02d:%02d +0000", days[t.tm_wday],
		t.tm_mday, months[t.tm_mon], t.tm_year + 1900, t.tm_hour,
		t.tm_min, t.tm_sec);
}

/* Every line of the log has a time, and most are of the same second. */
void time_put_rfc3339(struct buf *out, int64_t wall_ms)
{
	static char text[80]; /* as gcc counts: years of any length */
	static int64_t second_ms = INT64_MIN;
	int ms = milliseconds(wall_ms);

	if (second_ms != wall_ms - ms) {
		struct tm t = split(wall_ms);

		(void)snprintf(text, sizeof(text),
			"%04d-%02d-%02dT%02d:%02d:%02d.", t.tm_year + 1900,
			t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec);
		second_ms = wall_ms - ms;
	}
	buf_puts(out, text);
	buf_putc(out, (uint8_t)('0' + ms / 100));
	buf_putc(out, (uint8_t)('0' + ms / 10 % 10));
	buf_putc(out, (uint8_t)('0' + ms % 10));
	buf_putc(out, 'Z');
}
