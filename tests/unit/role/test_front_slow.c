/*
 * test_front_slow.c - clients that take their time: what each protocol gives them,
 * by a clock that skips.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "front_rig.h"
#include "skip_clock.h"

/* Says the same again and again, with so many seconds between, for so long; until
 * the server has something to say, which is how late that was.  What the test itself
 * takes comes on top: who asks leaves room for that. */
static int64_t trickle(const char *bytes, int64_t each_seconds, int64_t seconds)
{
	size_t n = strlen(bytes);
	char byte;
	int64_t at;

	for (at = 0; at < seconds; at += each_seconds) {
		if (recv(t.client, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0)
			break;
		assert_int_equal(send(t.client, bytes, n, MSG_NOSIGNAL), n);
		run_for(4);
		skip_seconds(each_seconds);
		run_for(4);
	}
	return at;
}

static int setup(void **state)
{
	(void)state;
	open_all(SERVICE_SMTP);
	return 0;
}

/* RFC 5321 4.5.3.2.7: five minutes for a command, not for each of its bytes. */
static void test_a_command_in_a_trickle(void **state)
{
	int64_t at;

	(void)state;
	at = trickle("N", 20, 3600);
	assert_true(at >= 240 && at <= 400);
	hear("421 4.4.2 ");
	expect_end();
}

/* Whoever completes commands has five minutes for each. */
static void test_slow_commands_are_served(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		skip_seconds(240);
		say("NOOP\r\n", "");
		hear("250 ");
	}
}

static void begin_data(void)
{
	begin_message("MAIL FROM:<f@else.test>\r\n");
	say("DATA\r\n", "");
	hear("354 ");
}

static void test_a_body_in_a_trickle(void **state)
{
	int64_t at;

	(void)state;
	begin_data();
	at = trickle("x", 20, 3600);
	assert_true(at >= 240 && at <= 400);
	hear("421 4.4.2 ");
	expect_end();
}

/* 100 bytes a second are too few for ever, but not for a while: each second uses up
 * four fifths of one. */
static void test_a_body_that_is_too_slow(void **state)
{
	char bytes[1001] = "";
	int64_t at;

	(void)state;
	memset(bytes, 'x', sizeof(bytes) - 1);
	memcpy(bytes + sizeof(bytes) - 3, "\r\n", 3);
	begin_data();
	at = trickle(bytes, 10, 3600);
	assert_true(at >= 320 && at <= 500);
	hear("421 4.4.2 ");
	expect_end();
}

/* A large message over a modem takes its hour. */
static void test_a_slow_body_is_taken(void **state)
{
	char bytes[6001] = "";

	(void)state;
	memset(bytes, 'x', sizeof(bytes) - 1);
	memcpy(bytes + 998, "\r\n", 2);
	for (size_t i = 1; i < 6; i++)
		memcpy(bytes + i * 1000, bytes, 1000);
	begin_data();
	assert_int_equal(trickle(bytes, 10, 100), 100);
	/* it may also stand still for less than five minutes */
	skip_seconds(240);
	run_for(4);
	say(".\r\n", "submit 1\n");
	answer_submit(t.question, OK, 1);
	hear("250 ");
}

static int setup_pop3(void **state)
{
	(void)state;
	open_to(SERVICE_POP3, "+OK ");
	return 0;
}

static int setup_imap(void **state)
{
	(void)state;
	open_to(SERVICE_IMAP, "* OK ");
	return 0;
}

static void test_pop3_in_a_trickle(void **state)
{
	int64_t at;

	(void)state;
	at = trickle("U", 5, 3600);
	assert_true(at >= 45 && at <= 90);
	hear("-ERR ");
	expect_end();
}

static void test_imap_in_a_trickle(void **state)
{
	int64_t at;

	(void)state;
	at = trickle("a", 5, 3600);
	assert_true(at >= 150 && at <= 240);
	hear("* BYE ");
	expect_end();
}

#define TEST(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_command_in_a_trickle, setup),
		TEST(test_slow_commands_are_served, setup),
		TEST(test_a_body_in_a_trickle, setup),
		TEST(test_a_body_that_is_too_slow, setup),
		TEST(test_a_slow_body_is_taken, setup),
		TEST(test_pop3_in_a_trickle, setup_pop3),
		TEST(test_imap_in_a_trickle, setup_imap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
