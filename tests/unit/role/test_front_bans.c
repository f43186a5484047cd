/*
 * test_front_bans.c - who is turned away at the door, and what he hears.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/network.h"
#include "base/time.h"
#include "role/front_int.h"

static const struct config config = {.hostname = SPAN_INIT("mx.test")};
static struct role_run run;
static struct front front;

/* A role's state lives as long as its process, and is never given back. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

static int setup(void **state)
{
	(void)state;
	run = (struct role_run){.loop = loop_new(), .config = &config};
	front = (struct front){.run = &run};
	front_bans_open(&front);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	loop_free(run.loop);
	return 0;
}

static struct rec_ban row_of(const struct network *n, int64_t until_ms)
{
	return (struct rec_ban){network_ip(n), n->bits, until_ms};
}

static bool tell(bool is_all, struct span rows)
{
	const struct msg_bans m = {is_all, rows};
	struct frame frame = {.type = MSG_BANS, .fd = -1};
	struct buf body;
	bool is_good;

	buf_init(&body, MESSAGE_BYTES_MAX);
	msg_put_bans(&body, &m);
	frame.body = buf_span(&body);
	is_good = front_on_bans(&front, &frame);
	buf_clear(&body);
	return is_good;
}

/* Directory says that; until: from now. */
static void ban(const char *network, int64_t until_ms, bool is_all)
{
	struct network n;
	struct rec_ban row;
	struct buf rows;

	assert_true(network_parse(span_str(network), &n));
	row = row_of(&n, until_ms);
	buf_init(&rows, 1000);
	rec_put_ban(&rows, &row);
	assert_true(tell(is_all, buf_span(&rows)));
	buf_clear(&rows);
}

static enum front_away ask(const char *ip)
{
	struct network n;

	assert_true(network_parse(span_str(ip), &n));
	return front_bans_ask(&front, SERVICE_SMTP, network_ip(&n));
}

static void test_bans_come_and_end(void **state)
{
	int64_t now_ms = time_wall_ms();

	(void)state;
	assert_int_equal(ask("192.0.2.1"), AWAY_NOT);
	ban("192.0.2.99", now_ms, false);
	assert_false(front.has_bans); /* the doors stay shut */
	assert_true(tell(true, SPAN_EMPTY));
	assert_true(front.has_bans);
	ban("192.0.2.1", now_ms + 3600000, false);
	ban("2001:db8:0:1::/64", now_ms + 3600000, false);
	ban("198.51.100.0/24", INT64_MAX, false);
	ban("203.0.113.1", now_ms - 1, false);
	assert_int_equal(ask("192.0.2.1"), AWAY_BANNED);
	assert_int_equal(ask("192.0.2.2"), AWAY_NOT);
	assert_int_equal(ask("2001:db8:0:1:5:6:7:8"), AWAY_BANNED);
	assert_int_equal(ask("2001:db8:0:2:5:6:7:8"), AWAY_NOT);
	assert_int_equal(ask("198.51.100.77"), AWAY_FOR_EVER);
	assert_int_equal(ask("203.0.113.1"), AWAY_NOT);
	/* one that is over hides none around it */
	ban("198.51.100.77", now_ms - 1, false);
	assert_int_equal(ask("198.51.100.77"), AWAY_FOR_EVER);
	ban("192.0.2.1", 0, false);
	assert_int_equal(ask("192.0.2.1"), AWAY_NOT);
	/* all there are: these, and no others */
	ban("192.0.2.9", now_ms + 3600000, true);
	assert_int_equal(ask("198.51.100.77"), AWAY_NOT);
	assert_int_equal(ask("192.0.2.9"), AWAY_BANNED);
	assert_true(tell(true, SPAN_EMPTY));
	assert_int_equal(ask("192.0.2.9"), AWAY_NOT);
}

static void test_what_is_no_network_is_refused(void **state)
{
	struct rec_ban row = {SPAN("12345"), 32, INT64_MAX};
	struct buf rows;

	(void)state;
	buf_init(&rows, 1000);
	rec_put_ban(&rows, &row);
	assert_false(tell(false, buf_span(&rows)));
	buf_clear(&rows);
	assert_false(tell(false, SPAN("\1")));
}

/* Bans that are over take no memory for ever. */
static void test_memory(void **state)
{
	int64_t now_ms = time_wall_ms();
	struct rec_ban row = {.bits = 32};
	struct buf rows;

	(void)state;
	buf_init(&rows, 98304);
	for (uint32_t i = 0; i < 200000; i++) {
		const uint8_t ip[4] = {10, (uint8_t)(i >> 16),
			(uint8_t)(i >> 8), (uint8_t)i};

		row.ip = span_of(ip, 4);
		row.until_ms = i % 1000 == 0 ? now_ms + 3600000 : now_ms - 5;
		rec_put_ban(&rows, &row);
		if (i % 1000 == 999) {
			assert_true(tell(false, buf_span(&rows)));
			buf_reset(&rows);
		}
	}
	assert_true(front_bans_count(&front) < 200 + 3000);
	assert_int_equal(ask("10.0.0.0"), AWAY_BANNED);
	assert_int_equal(ask("10.0.0.1"), AWAY_NOT);
	buf_clear(&rows);
}

static void expect_words(enum service service, enum front_away away,
	const char *want)
{
	char text[512] = "";
	size_t n = 0;
	ssize_t got;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	front_turn_away(&front, service, fds[0], away);
	while ((got = recv(fds[1], text + n, sizeof(text) - 1 - n, 0)) > 0)
		n += (size_t)got;
	close(fds[1]);
	assert_string_equal(text, want);
}

static void test_words_of_each_protocol(void **state)
{
	(void)state;
	expect_words(SERVICE_SMTP, AWAY_BUSY,
		"421 4.7.0 mx.test Too many connections: "
		"close some, or try again later\r\n");
	expect_words(SERVICE_SUBMISSION, AWAY_BANNED, "421 4.7.0 mx.test Too "
		"many failed logins from your network, try again later\r\n");
	expect_words(SERVICE_SMTP, AWAY_FOR_EVER,
		"554 5.7.1 mx.test Your network is not served here: "
		"ask the administrator\r\n");
	expect_words(SERVICE_POP3, AWAY_BUSY,
		"-ERR [SYS/TEMP] Too many connections: "
		"close some, or try again later\r\n");
	expect_words(SERVICE_POP3, AWAY_BANNED, "-ERR [SYS/TEMP] Too many "
		"failed logins from your network, try again later\r\n");
	expect_words(SERVICE_POP3, AWAY_FOR_EVER,
		"-ERR [SYS/PERM] Your network is not served here: "
		"ask the administrator\r\n");
	expect_words(SERVICE_IMAP, AWAY_BANNED, "* BYE [UNAVAILABLE] Too many "
		"failed logins from your network, try again later\r\n");
	expect_words(SERVICE_IMAP, AWAY_FOR_EVER,
		"* BYE [CONTACTADMIN] Your network is not served here: "
		"ask the administrator\r\n");
	/* nothing can be said before a handshake */
	expect_words(SERVICE_POP3S, AWAY_BANNED, "");
	expect_words(SERVICE_SUBMISSIONS, AWAY_FOR_EVER, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_bans_come_and_end),
		TEST(test_what_is_no_network_is_refused),
		TEST(test_memory),
		TEST(test_words_of_each_protocol),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
