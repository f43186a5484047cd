#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "net/loop.h"
#include "skip_clock.h"

/* One test at a time, so what callbacks share may stand here. */
static struct loop *loop;
static char trail[64]; /* a letter a callback */

static void note(char c)
{
	size_t n = strlen(trail);

	if (n < sizeof(trail) - 1) {
		trail[n] = c;
		trail[n + 1] = '\0';
	}
}

static int begin(void **state)
{
	(void)state;
	trail[0] = '\0';
	loop = loop_new();
	return 0;
}

static int end(void **state)
{
	(void)state;
	loop_free(loop);
	return 0;
}

static void make_pair(int fds[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
				 fds),
		0);
}

static void stop(void *arg)
{
	note(*(const char *)arg);
	loop_stop(loop);
}

static void say(void *arg)
{
	note(*(const char *)arg);
}

/* Runs the loop for so long. */
static void run_for(int64_t ms)
{
	struct timer t;

	timer_init(&t, loop, stop, (void *)(uintptr_t)"$");
	timer_arm(&t, ms);
	loop_run(loop);
	timer_clear(&t);
}

/* ---- timers ------------------------------------------------------------------ */
static void test_timers_fire_once_in_order(void **state)
{
	struct timer a, b, c;

	(void)state;
	timer_init(&a, loop, say, (void *)(uintptr_t)"a");
	timer_init(&b, loop, say, (void *)(uintptr_t)"b");
	timer_init(&c, loop, say, (void *)(uintptr_t)"c");
	timer_arm(&a, 30);
	timer_arm(&b, 5);
	timer_arm(&c, 10);
	timer_arm(&a, 15); /* moved */
	timer_arm(&c, 10);
	timer_disarm(&c);
	run_for(45);
	assert_string_equal(trail, "ba$");
	timer_arm(&c, -5);
	run_for(10);
	assert_string_equal(trail, "ba$c$");
	timer_clear(&a);
	timer_clear(&b);
	timer_clear(&c);
	timer_clear(&c);
	timer_disarm(&c);
}

static void clear_own(void *arg)
{
	struct timer *t = arg;

	note('x');
	timer_clear(t);
	mem_free(t);
}

static void test_a_timer_may_end_itself(void **state)
{
	struct timer *t = MEM_NEW(struct timer);

	(void)state;
	timer_init(t, loop, clear_own, t);
	timer_arm(t, 1);
	run_for(10);
	assert_string_equal(trail, "x$");
}

static void test_the_clock_stands_still_in_a_turn(void **state)
{
	int64_t wall, mono;

	(void)state;
	wall = loop_wall_ms(loop);
	mono = loop_mono_ms(loop);
	while (time_mono_ms() < mono + 3)
		;
	assert_true(loop_wall_ms(loop) == wall && loop_mono_ms(loop) == mono);
	run_for(1);
	assert_true(loop_mono_ms(loop) >= mono + 3);
}

/* ---- deferred work ------------------------------------------------------------ */
static struct deferred first, second, third;

static void defer_again(void *arg)
{
	(void)arg;
	note('1');
	loop_defer(loop, &first); /* for the next turn */
	deferred_cancel(&third);
}

static void test_deferred_work_is_done_once_in_order(void **state)
{
	struct timer t;

	(void)state;
	deferred_init(&first, say, (void *)(uintptr_t)"1");
	deferred_init(&second, say, (void *)(uintptr_t)"2");
	deferred_init(&third, say, (void *)(uintptr_t)"3");
	timer_init(&t, loop, say, (void *)(uintptr_t)"t");
	timer_arm(&t, 0);
	loop_defer(loop, &second);
	loop_defer(loop, &first);
	loop_defer(loop, &second);
	loop_defer(loop, &third);
	deferred_cancel(&third);
	deferred_cancel(&third);
	run_for(500);
	/* what is ready comes first */
	assert_string_equal(trail, "t21$");
	timer_clear(&t);
}

static void test_deferred_work_may_change_the_list(void **state)
{
	(void)state;
	deferred_init(&first, defer_again, NULL);
	deferred_init(&second, say, (void *)(uintptr_t)"2");
	deferred_init(&third, say, (void *)(uintptr_t)"3");
	loop_defer(loop, &first);
	loop_defer(loop, &second);
	loop_defer(loop, &third);
	run_for(500);
	assert_memory_equal(trail, "121", 3);
	assert_null(strchr(trail, '3'));
	deferred_cancel(&first);
}

/* Always ready: a peer that sends faster than we read. */
static void on_flood(void *arg, unsigned ready)
{
	unsigned *count = arg;

	(void)ready;
	if (++*count > 100000)
		loop_stop(loop);
}

static void stop_quietly(void *arg)
{
	(void)arg;
	loop_stop(loop);
}

static void test_a_flood_does_not_put_deferred_work_off(void **state)
{
	unsigned count = 0;
	int fds[2];
	struct watch *w;

	(void)state;
	make_pair(fds);
	assert_int_equal(write(fds[1], "x", 1), 1);
	w = watch_new(loop, fds[0], on_flood, &count);
	watch_want(w, WATCH_READ);
	deferred_init(&first, stop_quietly, NULL);
	loop_defer(loop, &first);
	loop_run(loop);
	assert_true(count < 100);
	watch_free(w);
	close(fds[0]);
	close(fds[1]);
}

/* ---- descriptors ---------------------------------------------------------------- */
struct seen {
	struct watch *watch;
	unsigned ready, calls;
};

static void on_seen(void *arg, unsigned ready)
{
	struct seen *s = arg;

	s->ready |= ready;
	s->calls++;
	watch_want(s->watch, 0);
}

static void test_only_what_is_wanted_is_told(void **state)
{
	struct seen s = {NULL, 0, 0};
	int fds[2];

	(void)state;
	make_pair(fds);
	s.watch = watch_new(loop, fds[0], on_seen, &s);
	run_for(3);
	assert_int_equal(s.calls, 0);
	watch_want(s.watch, WATCH_READ);
	run_for(3);
	assert_int_equal(s.calls, 0);
	watch_want(s.watch, WATCH_READ | WATCH_WRITE);
	run_for(3);
	assert_int_equal(s.ready, WATCH_WRITE);
	assert_int_equal(s.calls, 1);
	assert_int_equal(write(fds[1], "x", 1), 1);
	run_for(3);
	assert_int_equal(s.calls, 1);
	watch_want(s.watch, WATCH_WRITE);
	watch_want(s.watch, WATCH_READ);
	s.ready = 0;
	run_for(3);
	assert_int_equal(s.ready, WATCH_READ);
	watch_free(s.watch);
	watch_free(NULL);
	close(fds[0]);
	close(fds[1]);
}

static void free_other(void *arg, unsigned ready)
{
	struct watch **both = arg;

	(void)ready;
	note('f');
	watch_free(both[0]);
	watch_free(both[1]);
}

/* Both are ready in one turn; whoever is called first ends both. */
static void test_a_watch_may_be_freed_by_a_callback(void **state)
{
	struct watch *both[2];
	int a[2], b[2];

	(void)state;
	make_pair(a);
	make_pair(b);
	assert_int_equal(write(a[1], "x", 1) + write(b[1], "x", 1), 2);
	both[0] = watch_new(loop, a[0], free_other, both);
	both[1] = watch_new(loop, b[0], free_other, both);
	watch_want(both[0], WATCH_READ | WATCH_WRITE);
	watch_want(both[1], WATCH_READ | WATCH_WRITE);
	run_for(5);
	assert_string_equal(trail, "f$");
	close(a[0]);
	close(a[1]);
	close(b[0]);
	close(b[1]);
}

/* A descriptor that was passed on lives in another process (here: keep) after
 * it is closed; what happens there is none of our business any more. */
static void test_a_descriptor_that_was_passed_on_is_forgotten(void **state)
{
	struct seen s = {NULL, 0, 0}, other = {NULL, 0, 0};
	int fds[2], fresh[2], keep;

	(void)state;
	make_pair(fds);
	s.watch = watch_new(loop, fds[0], on_seen, &s);
	watch_want(s.watch, WATCH_READ);
	run_for(1);
	keep = dup(fds[0]);
	watch_free(s.watch);
	close(fds[0]);
	make_pair(fresh);
	assert_int_equal(fresh[0], fds[0]);
	other.watch = watch_new(loop, fresh[0], on_seen, &other);
	watch_want(other.watch, WATCH_READ);
	assert_int_equal(write(fds[1], "x", 1), 1);
	run_for(5);
	assert_int_equal(s.calls + other.calls, 0);
	watch_free(other.watch);
	close(fresh[0]);
	close(fresh[1]);
	close(fds[1]);
	close(keep);
}

/* libunbound has its own events in our loop. */
static void on_foreign(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	note(*(const char *)arg);
	if (strlen(trail) == 2)
		loop_stop(loop);
}

static void test_foreign_events_do_not_end_the_loop(void **state)
{
	const struct timeval soon = {0, 1000};
	struct event *foreign = event_new(loop_base(loop), -1, EV_PERSIST,
		on_foreign, (void *)(uintptr_t)"u");

	(void)state;
	assert_int_equal(event_add(foreign, &soon), 0);
	run_for(5000);
	event_free(foreign);
	assert_string_equal(trail, "uu");
}

static int log_fds[2];
static char log_text[65536];

static void on_log_lines(void *arg, unsigned ready)
{
	size_t have = strlen(log_text);
	ssize_t n = read(log_fds[0], log_text + have,
		sizeof(log_text) - 1 - have);

	(void)arg;
	(void)ready;
	log_text[have + (n > 0 ? (size_t)n : 0)] = '\0';
	if (strstr(log_text, "ev=log.limited") != NULL)
		loop_stop(loop);
}

/* Nothing happens any more in this process, and yet the log has to tell how many
 * there were. */
static void test_the_log_tells_what_it_left_out(void **state)
{
	struct watch *w;
	struct timer t;

	(void)state;
	make_pair(log_fds);
	log_open("test", log_fds[1], LOG_INFO);
	w = watch_new(loop, log_fds[0], on_log_lines, NULL);
	watch_want(w, WATCH_READ);
	timer_init(&t, loop, stop, (void *)(uintptr_t) "t");
	for (int i = 0; i < 100; i++)
		LOG(EV_LOGIN_FAILED, LOG_STR("ip", "192.0.2.7"));
	log_flush();
	timer_arm(&t, 50);
	loop_run(loop);
	assert_non_null(strstr(log_text, "ev=login.failed"));
	assert_null(strstr(log_text, "ev=log.limited"));
	skip_seconds(61);
	timer_arm(&t, 5000);
	loop_run(loop);
	assert_non_null(strstr(log_text, "count=80"));
	timer_clear(&t);
	watch_free(w);
	close(log_fds[0]);
	close(log_fds[1]);
	log_open("test", STDERR_FILENO, LOG_INFO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_timers_fire_once_in_order,
			begin, end),
		cmocka_unit_test_setup_teardown(test_a_timer_may_end_itself,
			begin, end),
		cmocka_unit_test_setup_teardown(
			test_the_clock_stands_still_in_a_turn, begin, end),
		cmocka_unit_test_setup_teardown(
			test_deferred_work_is_done_once_in_order, begin, end),
		cmocka_unit_test_setup_teardown(
			test_deferred_work_may_change_the_list, begin, end),
		cmocka_unit_test_setup_teardown(
			test_a_flood_does_not_put_deferred_work_off, begin,
			end),
		cmocka_unit_test_setup_teardown(
			test_only_what_is_wanted_is_told, begin, end),
		cmocka_unit_test_setup_teardown(
			test_a_watch_may_be_freed_by_a_callback, begin, end),
		cmocka_unit_test_setup_teardown(
			test_a_descriptor_that_was_passed_on_is_forgotten,
			begin, end),
		cmocka_unit_test_setup_teardown(
			test_foreign_events_do_not_end_the_loop, begin, end),
		cmocka_unit_test_setup_teardown(
			test_the_log_tells_what_it_left_out, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
