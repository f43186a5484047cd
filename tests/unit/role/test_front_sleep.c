/*
 * test_front_sleep.c - what comes back from an account process has to be what it
 * was given: nobody takes the session of another account by naming it.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "front_rig.h"
#include "role/front_int.h"

static struct channel *accounts;
static struct session *session; /* relayed; its account's process is this test */
static int end;                 /* of the relay, the process's */

static bool on_gone(void *arg, struct frame *f)
{
	(void)arg;
	(void)f;
	return true;
}

static const struct frame_handler accounts_handlers[] = {
	{MSG_SLEEPER_GONE, on_gone},
	{MSG_NONE, NULL},
};

static int setup(void **state)
{
	const struct channel_owner owner = {.handlers = accounts_handlers,
		.on_lost = on_lost};
	struct channel_owner front = {.handlers = role_front.handlers,
		.on_lost = on_lost};
	struct front *f;
	size_t i = 0;
	int fds[2];

	(void)state;
	open_to(SERVICE_IMAP, "* OK ");
	f = front.arg = t.state;
	assert_true(channel_pair(fds));
	t.run.peers[ROLE_ACCOUNTS][0] = channel_new(t.run.loop, fds[0],
		ROLE_FRONT, ROLE_ACCOUNTS, 0, &front);
	accounts = channel_new(t.run.loop, fds[1], ROLE_ACCOUNTS, ROLE_FRONT,
		0, &owner);
	session = map_next(&f->sessions, &i);
	assert_non_null(session);
	assert_true(front_relay_open(session, &end));
	front_relay_begin(session);
	return 0;
}

static int end_test(void **state)
{
	channel_free(accounts);
	channel_free(t.run.peers[ROLE_ACCOUNTS][0]);
	t.run.peers[ROLE_ACCOUNTS][0] = NULL;
	return teardown(state);
}

/* One that is not of this relay. */
static int foreign_socket(void)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	close(fds[0]);
	return fds[1];
}

static void send_sleeper(int fd)
{
	const struct msg_sleeper m = {.sid = session->sid, .left_ms = 60000,
		.state = SPAN("sealed")};

	channel_send(accounts, sleeper, SLEEPER, 1, &m, fd);
	run_for(20);
}

static void send_given_back(int fd)
{
	const struct msg_given_back m = {.sid = session->sid,
		.pending = SPAN("a CAPABILITY\r\n")};

	channel_send(accounts, given_back, GIVEN_BACK, 0, &m, fd);
	run_for(20);
}

/* It is still with its process: what that writes arrives. */
static void expect_relayed(void)
{
	assert_true(session->is_relay);
	assert_null(session->sleep);
	assert_int_equal(send(end, "* OK yours\r\n", 12, 0), 12);
	hear("* OK yours");
}

static void test_nobody_lays_down_another_session(void **state)
{
	(void)state;
	send_sleeper(foreign_socket());
	expect_relayed();
	close(end);
}

static void test_nobody_gives_back_another_session(void **state)
{
	(void)state;
	send_given_back(foreign_socket());
	expect_relayed();
	close(end);
}

static void test_its_own_process_gives_it_back(void **state)
{
	(void)state;
	send_given_back(end);
	assert_false(session->is_relay);
	hear("a OK ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nobody_lays_down_another_session),
		TEST(test_nobody_gives_back_another_session),
		TEST(test_its_own_process_gives_it_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
