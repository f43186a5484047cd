/*
 * test_accounts_sleep.c - what a front may do with the sessions that it keeps:
 * give back those that it has, as they were, once, while the login holds.  I13
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "role/accounts_int.h"

#define STATE   "some bytes of an engine"
#define SID     77
#define HEAD_BYTES 12 /* of a frame: type, id */

static struct world {
	struct role_run run;
	struct accounts accounts;
	struct account_slot *slot, *other;
	int front_fd; /* the front's end of its channel */
	uint64_t number;
	uint8_t sealed[4096];
	size_t sealed_bytes;
	int client; /* of the socket that came last */
} w;

static void nothing_lost(void *arg, struct channel *c)
{
	(void)arg;
	(void)c;
}

static int set_up(void **state)
{
	static const struct frame_handler none[] = {{MSG_NONE, NULL}};
	static const struct channel_owner owner = {.handlers = none,
		.on_lost = nothing_lost};
	int fds[2];

	(void)state;
	memset(&w, 0, sizeof(w));
	w.client = -1;
	w.run.loop = loop_new();
	w.accounts.run = &w.run;
	map_init(&w.accounts.slots);
	list_init(&w.accounts.grants);
	accounts_sleep_init(&w.accounts);
	assert_true(channel_pair(fds));
	w.run.peers[ROLE_FRONT][0] = channel_new(w.run.loop, fds[0],
		ROLE_ACCOUNTS, ROLE_FRONT, 0, &owner);
	w.front_fd = fds[1];
	w.slot = accounts_slot(&w.accounts, 5);
	w.other = accounts_slot(&w.accounts, 6);
	return 0;
}

static void free_slot(struct account_slot *slot)
{
	accounts_end_sleepers(slot, "the test is over");
	buf_clear(&slot->address);
	mem_free(slot);
}

static int tear_down(void **state)
{
	(void)state;
	free_slot(w.slot);
	free_slot(w.other);
	map_clear(&w.accounts.slots);
	map_clear(&w.accounts.sleepers);
	channel_free(w.run.peers[ROLE_FRONT][0]);
	close(w.front_fd);
	if (w.client >= 0)
		close(w.client);
	loop_free(w.run.loop);
	return 0;
}

/* A socket for a client; the other end stays here. */
static int client_fd(void)
{
	int fds[2];

	if (w.client >= 0)
		close(w.client);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	w.client = fds[1];
	return fds[0];
}

static void expect_bye(const char *want)
{
	char text[200] = "";
	ssize_t n = recv(w.client, text, sizeof(text) - 1, MSG_DONTWAIT);

	assert_true(n > 0);
	if (strstr(text, want) == NULL)
		fail_msg("%s", text);
}

/* Takes the frame that the front got; its type. */
static unsigned front_gets(struct span *out_body)
{
	static uint8_t room[8192];
	ssize_t n;

	channel_flush(w.run.peers[ROLE_FRONT][0]);
	n = recv(w.front_fd, room, sizeof(room), MSG_DONTWAIT);
	assert_true(n >= HEAD_BYTES);
	memcpy(&w.number, room + 4, 8);
	*out_body = span_of(room + HEAD_BYTES, (size_t)n - HEAD_BYTES);
	return room[0] | (unsigned)room[1] << 8;
}

static void go_to_sleep(void)
{
	const struct msg_sleep sleep = {.sid = SID, .left_ms = 1000,
		.state = SPAN(STATE)};
	struct msg_sleeper m;
	struct span body;
	struct buf bytes;
	struct frame f = {.fd = client_fd()};

	buf_init(&bytes, 4096);
	msg_put_sleep(&bytes, &sleep);
	f.body = buf_span(&bytes);
	w.slot->state = PROCESS_ENDS;
	assert_true(accounts_on_sleep(w.slot, &f));
	w.slot->state = PROCESS_NONE;
	buf_clear(&bytes);
	assert_int_equal(front_gets(&body), MSG_SLEEPER);
	assert_true(msg_get_sleeper(body, &m));
	assert_true(m.state.n > sizeof(STATE));
	memcpy(w.sealed, m.state.p, m.state.n);
	w.sealed_bytes = m.state.n;
}

/* What became of it is heard by the client. */
static bool resume(uint64_t number, uint64_t sid, struct span sealed)
{
	const struct msg_resume m = {.sid = sid, .left_ms = 1000,
		.state = sealed};
	struct buf bytes;
	struct frame f = {.from = w.run.peers[ROLE_FRONT][0], .id = number,
		.fd = client_fd()};
	bool is_good;

	buf_init(&bytes, 8192);
	msg_put_resume(&bytes, &m);
	f.body = buf_span(&bytes);
	is_good = accounts_on_resume(&w.accounts, &f);
	buf_clear(&bytes);
	return is_good;
}

static struct span sealed(void)
{
	return span_of(w.sealed, w.sealed_bytes);
}

static void once_as_it_was(void **state)
{
	(void)state;
	go_to_sleep();
	/* it is let in: and then nobody is there to ask about the account */
	assert_true(resume(w.number, SID, sealed()));
	expect_bye("[UNAVAILABLE]");
	assert_true(resume(w.number, SID, sealed()));
	expect_bye("credentials");
}

static void each_byte_counts(void **state)
{
	(void)state;
	go_to_sleep();
	for (size_t i = 0; i < w.sealed_bytes; i++) {
		w.sealed[i] ^= 1;
		assert_false(resume(w.number, SID, sealed()));
		w.sealed[i] ^= 1;
		assert_false(resume(w.number, SID,
			span_head(sealed(), i)));
	}
	assert_true(resume(w.number, SID, sealed()));
	expect_bye("[UNAVAILABLE]");
}

/* The seal of another sleep, and of another session. */
static void nobody_elses(void **state)
{
	uint8_t first[4096];
	size_t n;

	(void)state;
	go_to_sleep();
	n = w.sealed_bytes;
	memcpy(first, w.sealed, n);
	go_to_sleep();
	assert_false(resume(w.number, SID, span_of(first, n)));
	assert_true(resume(w.number, SID + 1, sealed()));
	expect_bye("credentials");
	assert_true(resume(w.number + 1, SID, sealed()));
	expect_bye("credentials");
}

static void not_after_the_login_ended(void **state)
{
	struct msg_sleeper_end m;
	struct span body;
	uint64_t number;

	(void)state;
	go_to_sleep();
	number = w.number;
	accounts_end_sleepers(w.slot, "over");
	assert_int_equal(front_gets(&body), MSG_SLEEPER_END);
	assert_true(msg_get_sleeper_end(body, &m));
	assert_int_equal(w.number, number);
	assert_true(span_eq(m.why, SPAN("over")));
	assert_true(resume(number, SID, sealed()));
	expect_bye("credentials");
}

/* The credentials change while it is on its way to sleep. */
static void not_while_it_ends(void **state)
{
	const struct msg_sleep sleep = {.sid = SID, .state = SPAN(STATE)};
	struct buf bytes;
	struct frame f = {.fd = client_fd()};

	(void)state;
	buf_init(&bytes, 4096);
	msg_put_sleep(&bytes, &sleep);
	f.body = buf_span(&bytes);
	w.slot->state = PROCESS_ENDS;
	w.slot->is_logged_out = true;
	assert_true(accounts_on_sleep(w.slot, &f));
	expect_bye("credentials");
	assert_true(list_is_empty(&w.slot->sleepers));
	/* and a process that goes on may not send any to sleep */
	w.slot->state = PROCESS_RUNS;
	f.fd = client_fd();
	assert_false(accounts_on_sleep(w.slot, &f));
	close(f.fd);
	buf_clear(&bytes);
	w.slot->state = PROCESS_NONE;
}

static void a_front_that_died_has_none(void **state)
{
	(void)state;
	go_to_sleep();
	accounts_front_lost(&w.accounts, 0);
	assert_true(list_is_empty(&w.slot->sleepers));
	assert_true(resume(w.number, SID, sealed()));
	expect_bye("credentials");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(once_as_it_was, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(each_byte_counts, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(nobody_elses, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(not_after_the_login_ended,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(not_while_it_ends, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(a_front_that_died_has_none,
			set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
