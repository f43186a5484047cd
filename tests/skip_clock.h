/*
 * skip_clock.h - hours pass at once: for tests of what happens after a time.
 *
 * Included by one .c file of a test program: it takes the place of
 * clock_gettime(2) for all of the program and its libraries, so that
 * time_mono_ms, time_wall_ms and the timers of libevent agree about the time.  A
 * loop that waits in the kernel meanwhile does not notice: skip, then run it.
 */
#ifndef POSTRIDER_TESTS_SKIP_CLOCK_H
#define POSTRIDER_TESTS_SKIP_CLOCK_H

#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int64_t skipped_seconds;

int clock_gettime(clockid_t clock, struct timespec *out)
{
	int result = (int)syscall(SYS_clock_gettime, clock, out);

	if (result == 0 && clock != CLOCK_PROCESS_CPUTIME_ID &&
		clock != CLOCK_THREAD_CPUTIME_ID)
		out->tv_sec += skipped_seconds;
	return result;
}

static inline void skip_seconds(int64_t seconds)
{
	skipped_seconds += seconds;
}

#endif
