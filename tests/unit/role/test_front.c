/*
 * test_front.c - the front role, whose peers answer late, twice, or not at all.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "front_rig.h"

static int setup(void **state)
{
	(void)state;
	open_all(SERVICE_SMTP);
	return 0;
}

static int setup_submission(void **state)
{
	(void)state;
	open_all(SERVICE_SUBMISSION);
	say("AUTH PLAIN AGFubgBzZWNyZXQ=\r\n", "");
	hear("235 ");
	return 0;
}

/* ---- tests ------------------------------------------------------------------- */
/* Directory was so slow that the client was told 451: what it says in the end
 * must not be taken for its word about the next recipient. */
static void test_a_late_verdict_is_nobodys(void **state)
{
	uint64_t first;

	(void)state;
	begin_message("MAIL FROM:<f@else.test>\r\n");
	first = t.question;
	say("RCPT TO:<nobody@here.test>\r\n", "rcpt 16\n");
	answer_rcpt(first, RCPT_OK);
	hear("");
	answer_rcpt(t.question, RCPT_NO_USER);
	hear("550 5.1.1 ");
}

/* RFC 3207 4.2: bytes that came before the handshake are nobody's. */
static void test_plain_text_behind_starttls(void **state)
{
	(void)state;
	say("STARTTLS\r\n", "");
	hear("220 ");
	say("NOOP\r\nRSET\r\n", "");
	expect_end();
}

static void test_without_keys_no_tls(void **state)
{
	struct channel *gone = t.run.peers[ROLE_KEYS][0];

	(void)state;
	t.run.peers[ROLE_KEYS][0] = NULL;
	say("STARTTLS\r\n", "");
	hear("454 4.7.0 ");
	say("NOOP\r\n", "");
	hear("250 ");
	t.run.peers[ROLE_KEYS][0] = gone;
}

/* Nor must a commit be taken for that of another message; the client that
 * cannot hear of it will send it again. */
static void test_a_late_commit_is_nobodys(void **state)
{
	uint64_t first;

	(void)state;
	begin_message("MAIL FROM:<f@else.test>\r\n");
	say("DATA\r\n", "");
	hear("354 ");
	say("\r\nfirst\r\n.\r\n", "submit 1\n");
	first = t.question;
	answer_submit(first, OK, 1);
	hear("250 2.0.0 ");
	begin_message("MAIL FROM:<f@else.test>\r\n");
	say("DATA\r\n", "");
	hear("354 ");
	say("\r\nsecond\r\n.\r\n", "submit 2\n");
	answer_submit(first, OK, 1);
	hear("");
	say("", "unconfirmed 1\n");
	answer_submit(first + 1, TEMP, 0); /* the RCPT's, answered before */
	hear("");
	answer_submit(first + 2, OK, 2);
	hear("250 2.0.0 ");
}

/* Queue has no room for a large body: the next one must not stumble. */
static void test_a_refused_spool_file_is_forgotten(void **state)
{
	const struct msg_spool_opened full = {.result = FULL};

	(void)state;
	for (int i = 0; i < 2; i++) {
		begin_message("MAIL FROM:<f@else.test> SIZE=100000\r\n");
		say("DATA\r\n", "open 0\n");
		channel_send(t.queue, spool_opened, SPOOL_OPENED, t.question,
			&full, -1);
		hear("452 ");
		buf_reset(&t.heard);
	}
	begin_message("MAIL FROM:<f@else.test>\r\n");
	say("DATA\r\n", "");
	hear("354 ");
}

/* The client's end came first, so it may have gone without hearing 250. */
static void test_a_client_that_went_before_250_is_unconfirmed(void **state)
{
	(void)state;
	begin_message("MAIL FROM:<f@else.test>\r\n");
	say("DATA\r\n", "");
	hear("354 ");
	say("\r\nfirst\r\n.\r\n", "submit 1\n");
	close(t.client);
	t.client = -1;
	run_for(30);
	answer_submit(t.question, OK, 1);
	peers_hear("unconfirmed 1\n");
}

/* One that only says no more, and reads, has it. */
static void test_a_half_closed_client_is_confirmed(void **state)
{
	(void)state;
	begin_message("MAIL FROM:<f@else.test>\r\n");
	say("DATA\r\n", "");
	hear("354 ");
	say("\r\nfirst\r\n.\r\n", "submit 1\n");
	assert_int_equal(shutdown(t.client, SHUT_WR), 0);
	run_for(30);
	answer_submit(t.question, OK, 1);
	hear("250 2.0.0 ");
	run_for(500);
	assert_int_equal(buf_len(&t.heard), 0);
}

/* What was sent ahead is not begun when the server stops: it hears 421. */
static void test_a_stop_comes_before_the_next_transaction(void **state)
{
	(void)state;
	begin_message("MAIL FROM:<f@else.test>\r\n");
	say("DATA\r\n", "");
	hear("354 ");
	say("\r\nfirst\r\n.\r\nMAIL FROM:<g@else.test>\r\n", "submit 1\n");
	role_front.stop(t.state);
	answer_submit(t.question, OK, 1);
	hear("421 4.3.2 ");
}

/* ---- submission ---------------------------------------------------------------- */
static void begin_own_message(void)
{
	say("MAIL FROM:<ann@here.test>\r\n", "sender 13\n");
	answer_sender(OK);
	hear("250 ");
	say("RCPT TO:<bob@here.test>\r\n", "rcpt 13\n");
	answer_rcpt(t.question, RCPT_OK);
	hear("250 ");
	say("DATA\r\n", "");
	hear("354 ");
}

#define COMPLETE "Date: x\r\nMessage-ID: <y>\r\n"

/* Only who is not known to be ann is asked for, one after the other; size is that
 * of what is handed in, not of what came. */
static void test_each_foreign_sender_is_asked_for(void **state)
{
	(void)state;
	begin_own_message();
	say("From: Ann@here.test, sales@here.test\r\nSender: ann@here.test\r\n"
	    "Bcc: c@d\r\nResent-From: s@far.test\r\n" COMPLETE "\r\nx\r\n.\r\n",
		"own 15\n");
	answer_sender(OK);
	peers_hear("own 10\n");
	answer_sender(OK);
	peers_hear("submit by ann 1\n");
	assert_int_equal(t.submitted_bytes,
		strlen("From: Ann@here.test, sales@here.test\r\n"
		       "Sender: ann@here.test\r\nResent-From: s@far.test\r\n"
			COMPLETE "\r\nx\r\n"));
	answer_submit(t.question, OK, 1);
	hear("250 2.0.0 ");
	begin_own_message();
	say("From: ann@here.test\r\n\r\n.\r\n", "submit by ann 2\n");
}

/* RFC 1047: what was added is new each time, what was given is not. */
static void test_a_repetition_can_be_known(void **state)
{
	struct sha256 first;

	(void)state;
	begin_own_message();
	say("Bcc: c@d\r\n\r\nx\r\n.\r\n", "submit by ann 1\n");
	first = t.given;
	answer_submit(t.question, OK, 1);
	hear("250 2.0.0 ");
	begin_own_message();
	say("\r\nx\r\n.\r\n", "submit by ann 2\n");
	assert_memory_equal(first.bytes, t.given.bytes, SHA256_BYTES);
	answer_submit(t.question, OK, 2);
	hear("250 2.0.0 ");
	begin_own_message();
	say("\r\ny\r\n.\r\n", "submit by ann 3\n");
	assert_memory_not_equal(first.bytes, t.given.bytes, SHA256_BYTES);
}

static void test_a_foreign_sender_is_refused(void **state)
{
	(void)state;
	begin_own_message();
	say("From: boss@here.test, more@here.test\r\n\r\nx\r\n.\r\n",
		"own 14\n");
	answer_sender(DENIED);
	hear("550 5.7.1 ");
	say("MAIL FROM:<boss@here.test>\r\n", "sender 14\n");
	answer_sender(DENIED);
	hear("550 5.7.1 ");
	say("MAIL FROM:<ann@here.test>\r\n", "sender 13\n");
	answer_sender(LIMIT);
	hear("451 4.7.1 ");
	/* nothing is left of all that */
	begin_own_message();
	say("\r\nx\r\n.\r\n", "submit by ann 2\n");
}

/* Directory dies while it is asked. */
static void test_a_lost_directory_is_our_own_trouble(void **state)
{
	(void)state;
	say("MAIL FROM:<ann@here.test>\r\n", "sender 13\n");
	role_front.peer_lost(t.state, ROLE_DIRECTORY, 0);
	hear("451 4.3.0 ");
	answer_sender(OK);
	hear("");
	begin_own_message();
	say("From: boss@here.test\r\n\r\nx\r\n.\r\n", "own 14\n");
	role_front.peer_lost(t.state, ROLE_DIRECTORY, 0);
	hear("451 4.3.0 ");
	answer_sender(OK);
	hear("");
	begin_own_message();
	say("\r\nx\r\n.\r\n", "submit by ann 2\n");
}

static void send_wide_header(const char *end)
{
	for (int i = 0; i < 100; i++) {
		char line[1000];

		memset(line, 'x', sizeof(line));
		line[4] = ':';
		line[998] = '\r';
		line[999] = '\n';
		assert_int_equal(send(t.client, line, sizeof(line), 0),
			sizeof(line));
	}
	say(end, "open 0\n");
}

/* A header that is all of a message goes out at its end, and then it needs a
 * file; what it is, is looked at when there is one. */
static void test_a_header_that_needs_a_file(void **state)
{
	struct msg_spool_opened m = {.result = OK};
	int fds[2];

	(void)state;
	begin_own_message();
	send_wide_header("From: boss@here.test\r\n.\r\n");
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	channel_send(t.queue, spool_opened, SPOOL_OPENED, t.question, &m,
		fds[0]);
	peers_hear("own 14\n");
	answer_sender(OK);
	peers_hear("submit by ann 1\n");
	assert_in_range(t.submitted_bytes, 100000, 101000);
	answer_submit(t.question, OK, 1);
	hear("250 2.0.0 ");
	close(fds[1]);

	begin_own_message();
	send_wide_header(".\r\n");
	m.result = FULL;
	channel_send(t.queue, spool_opened, SPOOL_OPENED, t.question, &m, -1);
	hear("452 4.3.1 ");
	buf_reset(&t.heard); /* SPOOL_DROP */
	begin_own_message();
	say("\r\nx\r\n.\r\n", "submit by ann 3\n");
}

#define SUBMISSION(name)                                                       \
	cmocka_unit_test_setup_teardown(name, setup_submission, teardown)
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_late_verdict_is_nobodys),
		TEST(test_plain_text_behind_starttls),
		TEST(test_without_keys_no_tls),
		TEST(test_a_late_commit_is_nobodys),
		TEST(test_a_refused_spool_file_is_forgotten),
		TEST(test_a_client_that_went_before_250_is_unconfirmed),
		TEST(test_a_half_closed_client_is_confirmed),
		TEST(test_a_stop_comes_before_the_next_transaction),
		SUBMISSION(test_each_foreign_sender_is_asked_for),
		SUBMISSION(test_a_repetition_can_be_known),
		SUBMISSION(test_a_foreign_sender_is_refused),
		SUBMISSION(test_a_lost_directory_is_our_own_trouble),
		SUBMISSION(test_a_header_that_needs_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
