/*
 * test_queue_notice.c - what senders are told, and how often.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "queue_rig.h"
#include "smtp/smtp_dsn.h"

#define CAROL {ROUTE_REMOTE, 0, "carol@example.org"}
#define DAVE  {ROUTE_REMOTE, 0, "dave@alive.org"}
#define ERIN  {ROUTE_REMOTE, 0, "erin@third.org"}

static const struct rig_rcpt all[] = {CAROL, DAVE, ERIN};
static const char text[] = "Subject: hi\r\n\r\nDo you like ketchup?\r\n";

static int setup(void **state)
{
	static struct rig r;

	rig_open(&r);
	*state = &r;
	return 0;
}

static int teardown(void **state)
{
	rig_close(*state);
	return 0;
}

/* One attempt that outbound has in hand. */
struct attempt {
	uint64_t job;
	uint32_t idx;
};

static uint64_t submit(struct rig *r, size_t count)
{
	uint64_t qid = rig_ids(r, 1);

	rig_submit(r, qid, NULL, all, count, text);
	assert_int_equal(rig_submitted(r), qid);
	return qid;
}

/* Takes the attempts for `count` recipients, in the place of their idx. */
static void take(struct rig *r, struct attempt *out, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct msg_send m;
		uint32_t idx;
		uint64_t job = rig_sending(r, &m, &idx);

		out[idx] = (struct attempt){job, idx};
	}
}

static void answer(struct rig *r, uint64_t qid, const struct attempt *a,
	enum code result)
{
	rig_sent(r, a->job, qid, a->idx, result,
		result == OK ? 250 : result == TEMP ? 451 : 550, "said");
}

/* The next notice, delivered to alice; its body is valid until the next. */
static struct span notice(struct rig *r, bool is_first)
{
	static const struct rig_rcpt alice[] = {
		{ROUTE_LOCAL, 9, "alice@crepes.fr"}};
	struct msg_deliver d;

	rig_routed(r, RCPT_OK, false, alice, 1);
	if (is_first)
		rig_account(r, 9);
	rig_deliver(r, &d);
	rig_delivered(r, d.qid, 0, OK);
	return d.body;
}

static bool names(struct span body, const char *words)
{
	return span_find_span(body, span_str(words)) < body.n;
}

static void one_for_failures_known_together(void **state)
{
	struct rig *r = *state;
	struct attempt a[3];
	struct span body;
	uint64_t qid;

	rig_start(r);
	qid = submit(r, 3);
	take(r, a, 3);
	answer(r, qid, &a[0], DENIED);
	rig_want_silence(r->directory, 100); /* the others are not known */
	answer(r, qid, &a[1], OK);
	answer(r, qid, &a[2], DENIED);
	body = notice(r, true);
	assert_true(names(body, "Final-Recipient: rfc822; carol@example.org"));
	assert_true(names(body, "Final-Recipient: rfc822; erin@third.org"));
	assert_false(names(body, "dave@"));
	rig_want_silence(r->directory, 300);
}

static void one_for_each_settled_moment(void **state)
{
	struct rig *r = *state;
	struct attempt a[3];
	struct span body;
	uint64_t qid;

	rig_start(r);
	qid = submit(r, 3);
	take(r, a, 3);
	answer(r, qid, &a[0], TEMP);
	answer(r, qid, &a[1], OK);
	answer(r, qid, &a[2], DENIED);
	body = notice(r, true); /* erin's does not wait for carol's */
	assert_true(names(body, "Final-Recipient: rfc822; erin@third.org"));
	assert_false(names(body, "carol@") || names(body, "dave@"));
	take(r, a, 1);
	answer(r, qid, &a[0], DENIED);
	body = notice(r, false);
	assert_true(names(body, "Final-Recipient: rfc822; carol@example.org"));
	assert_false(names(body, "erin@") || names(body, "dave@"));
	rig_want_silence(r->directory, 300);
}

/* What failed at different times is tried again, and given up, together. */
static void one_when_the_time_is_over(void **state)
{
	struct rig *r = *state;
	struct attempt a[3];
	struct span body;
	uint64_t qid;

	r->config.retry_ms[0] = 4000;
	r->config.give_up_after_ms = 7000;
	rig_start(r);
	qid = submit(r, 3);
	take(r, a, 3);
	for (size_t i = 0; i < 3; i++) {
		answer(r, qid, &a[i], TEMP);
		rig_want_silence(r->outbound, 20);
	}
	take(r, a, 3);
	for (size_t i = 0; i < 3; i++)
		answer(r, qid, &a[i], TEMP);
	body = notice(r, true);
	for (size_t i = 0; i < 3; i++)
		assert_true(names(body, all[i].address));
	assert_true(names(body, "Status: 4.4.7"));
	assert_true(names(body, "Action: failed"));
	rig_want_silence(r->directory, 300);
}

static void warns_once(void **state)
{
	struct rig *r = *state;
	struct attempt a[3];
	struct span body;
	uint64_t qid;

	r->config.warn_after_ms = 2000;
	rig_start(r);
	qid = submit(r, 2);
	take(r, a, 2);
	answer(r, qid, &a[0], TEMP);
	answer(r, qid, &a[1], OK);
	rig_want_silence(r->directory, 50); /* it is not late yet */
	do {
		take(r, a, 1);
		answer(r, qid, &a[0], TEMP);
	} while (!rig_is_heard(r->directory, 100));
	body = notice(r, true);
	assert_true(names(body, "Subject: Your message is delayed"));
	assert_true(names(body, "Final-Recipient: rfc822; carol@example.org\r\n"
		"Action: delayed\r\nStatus: 4."));
	assert_true(names(body, "Will-Retry-Until: "));
	assert_true(names(body, "Last-Attempt-Date: "));
	assert_false(names(body, "dave@"));
	take(r, a, 1);
	answer(r, qid, &a[0], TEMP);
	rig_want_silence(r->directory, 100);
	rig_kill(r); /* nor by the next process */
	rig_start(r);
	take(r, a, 1);
	answer(r, qid, &a[0], TEMP);
	rig_want_silence(r->directory, 100);
	take(r, a, 1);
	answer(r, qid, &a[0], DENIED);
	body = notice(r, true);
	assert_true(names(body, "Action: failed"));
}

static void never_warns_the_null_sender(void **state)
{
	struct rig *r = *state;
	struct attempt a[3];
	uint64_t qid;

	r->config.warn_after_ms = 1;
	rig_start(r);
	qid = rig_ids(r, 1);
	rig_submit(r, qid, "", all, 1, text);
	(void)rig_submitted(r);
	for (size_t i = 0; i < 2; i++) {
		take(r, a, 1);
		answer(r, qid, &a[0], TEMP);
	}
	rig_want_silence(r->directory, 100);
}

/* No server spoke, and the notice does not say that one did. */
static void tells_of_silence(void **state)
{
	struct rig *r = *state;
	struct attempt a[3];
	struct span body;
	uint64_t qid;

	rig_start(r);
	qid = submit(r, 1);
	take(r, a, 1);
	rig_sent(r, a[0].job, qid, 0, NOT_FOUND, 0, "no such domain");
	body = notice(r, true);
	assert_true(names(body, "no such domain"));
	assert_false(names(body, " said:") || names(body, "Diagnostic-Code") ||
		names(body, "Remote-MTA"));
}

/* ---- what the sender asked for: RFC 3461 ------------------------------------- */
/* His message to a mailbox of ours, which takes it. */
static void deliver_here(struct rig *r, bool is_first)
{
	static const struct rig_rcpt bob[] = {
		{ROUTE_LOCAL, 9, "bob@hamburger.edu"}};
	struct msg_deliver d;
	uint64_t qid = rig_ids(r, 1);

	rig_submit(r, qid, NULL, bob, 1, text);
	assert_int_equal(rig_submitted(r), qid);
	if (is_first)
		rig_account(r, 9);
	rig_deliver(r, &d);
	rig_delivered(r, qid, 0, OK);
}

static void tells_of_delivery(void **state)
{
	struct rig *r = *state;
	struct span body;

	r->notify = SMTP_NOTIFY_SUCCESS;
	rig_start(r);
	deliver_here(r, true);
	body = notice(r, false);
	assert_true(names(body, "Subject: Your message has arrived"));
	assert_true(names(body, "It is in the mailbox."));
	assert_true(names(body, "Original-Envelope-Id: QQ+314\r\n"));
	assert_true(names(body, "Final-Recipient: rfc822; bob@hamburger.edu\r\n"
		"Action: delivered\r\nStatus: 2.0.0\r\n"));
	assert_true(names(body, "text/rfc822-headers"));
	assert_false(names(body, "ketchup"));
	rig_want_silence(r->directory, 200);
	r->notify = SMTP_NOTIFY_FAILURE | SMTP_NOTIFY_DELAY;
	deliver_here(r, false);
	rig_want_silence(r->directory, 200);
}

/* The process dies between the delivery and the notice's way out. */
static void tells_of_delivery_after_death(void **state)
{
	struct rig *r = *state;
	struct got g;

	r->notify = SMTP_NOTIFY_SUCCESS;
	rig_start(r);
	deliver_here(r, true);
	rig_want(r->directory, MSG_ROUTE, &g); /* the notice is stored */
	rig_kill(r);
	rig_start(r);
	assert_true(names(notice(r, true), "Action: delivered"));
	rig_want_silence(r->directory, 200);
}

static void tells_of_relaying(void **state)
{
	struct rig *r = *state;
	struct attempt a[3];
	struct msg_send m;
	struct rec_rcpt rcpt;
	struct span body;
	uint32_t idx;
	uint64_t job, qid;

	r->notify = SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_FAILURE;
	r->ret = SMTP_RET_HDRS;
	rig_start(r);
	qid = rig_ids(r, 1);
	rig_submit(r, qid, NULL, all, 1, text);
	(void)rig_submitted(r);
	job = rig_sending(r, &m, &idx);
	assert_true(span_eq(m.envid, SPAN("QQ+2B314")));
	assert_int_equal(m.ret, SMTP_RET_HDRS);
	assert_int_equal(rec_next_rcpt(&m.rcpts, &rcpt), MORE);
	assert_int_equal(rcpt.notify, r->notify);
	rig_sent(r, job, qid, idx, OK, 250, "said");
	body = notice(r, true);
	assert_true(names(body, "Final-Recipient: rfc822; carol@example.org\r\n"
		"Action: relayed\r\nStatus: 2.0.0\r\n"
		"Remote-MTA: dns; mx.hamburger.edu\r\n"));
	/* this one tells the sender itself */
	r->has_dsn = true;
	qid = submit(r, 1);
	take(r, a, 1);
	answer(r, qid, &a[0], OK);
	rig_want_silence(r->directory, 200);
	/* of a failure we tell, whatever it knows; RET=HDRS */
	qid = submit(r, 1);
	take(r, a, 1);
	answer(r, qid, &a[0], DENIED);
	body = notice(r, false);
	assert_true(names(body, "Action: failed"));
	assert_false(names(body, "ketchup"));
}

static void keeps_silent(void **state)
{
	static const uint8_t asked[] = {SMTP_NOTIFY_NEVER, SMTP_NOTIFY_SUCCESS,
		SMTP_NOTIFY_DELAY};
	struct rig *r = *state;
	struct attempt a[3];

	rig_start(r);
	for (size_t i = 0; i < sizeof(asked); i++) {
		uint64_t qid;

		r->notify = asked[i];
		qid = submit(r, 1);
		take(r, a, 1);
		answer(r, qid, &a[0], DENIED);
		rig_want_silence(r->directory, 100);
	}
}

static void tells_of_expansion(void **state)
{
	static const struct rig_rcpt list[] = {
		{ROUTE_ALIAS, 0, "list@hamburger.edu"}};
	struct rig *r = *state;
	struct span body;
	struct msg_send m;
	struct rec_rcpt rcpt;
	uint32_t idx;
	uint64_t qid, job;

	r->notify = SMTP_NOTIFY_SUCCESS;
	rig_start(r);
	qid = rig_ids(r, 1);
	rig_submit(r, qid, NULL, list, 1, text);
	(void)rig_submitted(r);
	rig_routed(r, RCPT_OK, true, all, 2);
	for (size_t i = 0; i < 2; i++) {
		job = rig_sending(r, &m, &idx);
		assert_int_equal(rec_next_rcpt(&m.rcpts, &rcpt), MORE);
		assert_int_equal(rcpt.notify, SMTP_NOTIFY_NEVER);
		assert_true(span_eq(rcpt.orcpt,
			SPAN("rfc822;list@hamburger.edu")));
		rig_sent(r, job, qid, idx, OK, 250, "said");
	}
	body = notice(r, true);
	assert_true(names(body, "Final-Recipient: rfc822; list@hamburger.edu\r\n"
		"Action: expanded\r\nStatus: 2.0.0\r\n"));
	assert_false(names(body, "carol@") || names(body, "dave@"));
	rig_want_silence(r->directory, 200);
}

/* An alias of one passes everything on, and says nothing itself. */
static void passes_on_what_was_asked(void **state)
{
	static const struct rig_rcpt alias[] = {
		{ROUTE_ALIAS, 0, "c+d@hamburger.edu"}};
	struct rig *r = *state;
	struct msg_send m;
	struct rec_rcpt rcpt;
	uint32_t idx;
	uint64_t qid, job;

	r->notify = SMTP_NOTIFY_SUCCESS;
	r->has_dsn = true;
	rig_start(r);
	qid = rig_ids(r, 1);
	rig_submit(r, qid, NULL, alias, 1, text);
	(void)rig_submitted(r);
	rig_routed(r, RCPT_OK, true, all, 1);
	job = rig_sending(r, &m, &idx);
	assert_int_equal(rec_next_rcpt(&m.rcpts, &rcpt), MORE);
	assert_int_equal(rcpt.notify, SMTP_NOTIFY_SUCCESS);
	assert_true(span_eq(rcpt.orcpt, SPAN("rfc822;c+2Bd@hamburger.edu")));
	rig_sent(r, job, qid, idx, OK, 250, "said");
	rig_want_silence(r->directory, 200);
}

/* What goes on to another server goes under our name, also after a death; a failure
 * is told to its sender. */
static void passes_on_under_our_name(void **state)
{
	static const struct rig_rcpt alias[] = {
		{ROUTE_ALIAS, 0, "bob@hamburger.edu"}};
	struct rig *r = *state;
	struct msg_send m;
	uint32_t idx;
	uint64_t qid, job;

	r->sender = "SRS0=x=y=crepes.fr=alice@hamburger.edu";
	rig_start(r);
	qid = rig_ids(r, 1);
	rig_submit(r, qid, NULL, alias, 1, text);
	(void)rig_submitted(r);
	rig_routed(r, RCPT_OK, true, all, 1);
	job = rig_sending(r, &m, &idx);
	assert_true(span_eq(m.reverse_path, span_str(r->sender)));
	rig_kill(r);
	rig_start(r);
	job = rig_sending(r, &m, &idx);
	assert_true(span_eq(m.reverse_path, span_str(r->sender)));
	rig_sent(r, job, qid, idx, DENIED, 550, "said");
	assert_true(names(notice(r, true), "To: <alice@crepes.fr>"));
}

int main(void)
{
#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		ROW(one_for_failures_known_together),
		ROW(one_for_each_settled_moment),
		ROW(one_when_the_time_is_over),
		ROW(warns_once),
		ROW(never_warns_the_null_sender),
		ROW(tells_of_silence),
		ROW(tells_of_delivery),
		ROW(tells_of_delivery_after_death),
		ROW(tells_of_relaying),
		ROW(keeps_silent),
		ROW(tells_of_expansion),
		ROW(passes_on_what_was_asked),
		ROW(passes_on_under_our_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
