/*
 * test_queue.c - the role queue among false peers, killed at every step.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/mid.h"
#include "queue/queue_store.h"
#include "queue_rig.h"

#define BOB   {ROUTE_LOCAL, 5, "bob@hamburger.edu"}
#define CAROL {ROUTE_REMOTE, 0, "carol@example.org"}
#define LIST  {ROUTE_ALIAS, 0, "list@hamburger.edu"}

static const struct rig_rcpt bob[] = {BOB};
static const struct rig_rcpt carol[] = {CAROL};
static const char text[] = "Subject: hi\r\n\r\nDo you like ketchup?\r\n";

static int setup(void **state)
{
	static struct rig r;

	rig_open(&r);
	rig_start(&r);
	*state = &r;
	return 0;
}

static int teardown(void **state)
{
	rig_close(*state);
	return 0;
}

static void on_finding(void *arg, struct span sentence)
{
	(void)arg;
	print_message("queue.db: %.*s\n", SPAN_ARG(sentence));
}

/* After the end of the role: its invariants hold, so many messages wait. */
static void check_store(struct rig *r, size_t messages)
{
	char path[128];
	uint64_t qids[16];
	struct queue_list list = {qids, 16, 0};
	struct queue_store *s;
	struct err e;

	(void)snprintf(path, sizeof(path), "%s/queue/queue.db", r->dir);
	assert_int_equal(queue_store_open(path, &s, &e), OK);
	assert_int_equal(queue_store_check(s, on_finding, NULL), 0);
	assert_int_equal(queue_store_messages(s, 0, &list, &e), OK);
	assert_int_equal(list.count, messages);
	queue_store_close(s);
}

static uint64_t submit(struct rig *r, const struct rig_rcpt *to, size_t count)
{
	uint64_t qid = rig_ids(r, 1);

	rig_submit(r, qid, NULL, to, count, text);
	assert_int_equal(rig_submitted(r), qid);
	return qid;
}

/* ---- local ---------------------------------------------------------------------- */
static void delivers_into_a_mailbox(void **state)
{
	struct rig *r = *state;
	uint64_t qid = submit(r, bob, 1);
	struct msg_deliver d;
	struct msg_forget m;
	struct rec_qid forgotten;
	struct got g;

	rig_account(r, 5);
	rig_deliver(r, &d);
	assert_int_equal(d.qid, qid);
	assert_true(span_eq(d.body, span_str(text)));
	assert_true(span_eq(d.rcpt, SPAN("bob@hamburger.edu")));
	assert_true(span_eq(d.reverse_path, SPAN("alice@crepes.fr")));
	assert_true(span_eq(d.trace, SPAN("Received: from test\r\n")));
	rig_delivered(r, qid, 0, OK);
	rig_want(r->account, MSG_FORGET, &g);
	assert_true(msg_get_forget(g.body, &m));
	assert_int_equal(rec_next_qid(&m.qids, &forgotten), MORE);
	assert_int_equal(forgotten.qid, qid);
	rig_stop(r);
	check_store(r, 0);
}

static void delivers_after_being_killed(void **state)
{
	struct rig *r = *state;
	uint64_t qid = submit(r, bob, 1);
	struct msg_deliver d;

	rig_kill(r); /* nothing delivered yet */
	rig_start(r);
	rig_account(r, 5);
	rig_deliver(r, &d);
	assert_int_equal(d.qid, qid);
	rig_kill(r); /* delivered, not heard */
	rig_start(r);
	rig_account(r, 5);
	rig_deliver(r, &d);
	assert_int_equal(d.qid, qid);
	assert_int_equal(d.idx, 0);
	assert_true(span_eq(d.body, span_str(text)));
	rig_delivered(r, qid, 0, EXISTS);
	rig_stop(r);
	check_store(r, 0);
}

static void repeats_on_a_new_channel(void **state)
{
	struct rig *r = *state;
	uint64_t qid = submit(r, bob, 1);
	struct msg_deliver d;

	rig_account(r, 5);
	rig_deliver(r, &d);
	/* the account's process dies */
	rig_account_dies(r);
	rig_account(r, 5);
	rig_deliver(r, &d);
	assert_int_equal(d.qid, qid);
	rig_delivered(r, qid, 0, OK);
	rig_stop(r);
	check_store(r, 0);
}

static void retries_a_full_mailbox(void **state)
{
	struct rig *r = *state;
	uint64_t qid = submit(r, bob, 1);
	struct msg_deliver d;

	rig_account(r, 5);
	rig_deliver(r, &d);
	rig_delivered(r, qid, 0, FULL);
	rig_deliver(r, &d); /* after retry_ms */
	assert_int_equal(d.qid, qid);
	assert_true(span_eq(d.body, span_str(text)));
	rig_delivered(r, qid, 0, OK);
	rig_stop(r);
	check_store(r, 0);
}

/* ---- remote ---------------------------------------------------------------------- */
static void retries_another_server(void **state)
{
	struct rig *r = *state;
	uint64_t qid = submit(r, carol, 1), job;
	struct msg_send m;
	uint32_t idx;

	job = rig_sending(r, &m, &idx);
	assert_int_equal(m.qid, qid);
	assert_true(span_eq(m.domain, SPAN("example.org")));
	rig_sent(r, job, qid, idx, TEMP, 451, "4.7.1 greylisted");
	job = rig_sending(r, &m, &idx);
	assert_true(span_eq(m.body, span_str(text)));
	rig_sent(r, job, qid, idx, OK, 250, "2.0.0 ok");
	rig_stop(r);
	check_store(r, 0);
}

static void sends_again_after_an_interruption(void **state)
{
	struct rig *r = *state;
	uint64_t qid = submit(r, carol, 1), job;
	struct msg_send m;
	uint32_t idx;

	(void)rig_sending(r, &m, &idx);
	rig_kill(r);
	rig_start(r);
	job = rig_sending(r, &m, &idx);
	assert_int_equal(m.qid, qid);
	rig_sent(r, job, qid, idx, TEMP, 451, "later");
	(void)rig_sending(r, &m, &idx);
	rig_kill(r); /* now it is split and "sending" */
	rig_start(r);
	job = rig_sending(r, &m, &idx);
	rig_sent(r, job, qid, idx, OK, 250, "ok");
	rig_stop(r);
	check_store(r, 0);
}

static void tells_the_sender(void **state)
{
	static const struct rig_rcpt alice[] = {
		{ROUTE_LOCAL, 9, "alice@crepes.fr"}};
	struct rig *r = *state;
	uint64_t qid = submit(r, carol, 1), job;
	struct msg_send m;
	struct msg_deliver d;
	uint32_t idx;

	job = rig_sending(r, &m, &idx);
	rig_sent(r, job, qid, idx, DENIED, 550, "5.1.1 nobody here");
	rig_routed(r, RCPT_OK, false, alice, 1);
	rig_account(r, 9);
	rig_deliver(r, &d);
	assert_int_equal(d.reverse_path.n, 0);
	assert_true(span_eq(d.rcpt, SPAN("alice@crepes.fr")));
	assert_true(span_find_span(d.body, SPAN("carol@example.org")) <
		d.body.n);
	assert_true(span_find_span(d.body, SPAN("550 5.1.1 nobody here")) <
		d.body.n);
	assert_true(span_find_span(d.body, SPAN("Do you like ketchup?")) <
		d.body.n);
	rig_delivered(r, d.qid, 0, OK);
	rig_stop(r);
	check_store(r, 0);
}

static void notice_survives_a_kill(void **state)
{
	struct rig *r = *state;
	uint64_t qid = submit(r, carol, 1), job;
	struct msg_send m;
	struct got g;
	uint32_t idx;

	job = rig_sending(r, &m, &idx);
	rig_sent(r, job, qid, idx, DENIED, 550, "no");
	rig_want(r->directory, MSG_ROUTE, &g);
	rig_kill(r);
	check_store(r, 1); /* the notice, and not the message */
	rig_start(r);
	rig_want(r->directory, MSG_ROUTE, &g);
	rig_want_silence(r->outbound, 300);
}

static void never_tells_the_null_sender(void **state)
{
	struct rig *r = *state;
	uint64_t qid = rig_ids(r, 1), job;
	struct msg_send m;
	uint32_t idx;

	rig_submit(r, qid, "", carol, 1, text);
	(void)rig_submitted(r);
	job = rig_sending(r, &m, &idx);
	rig_sent(r, job, qid, idx, DENIED, 550, "no");
	rig_want_silence(r->directory, 300);
	rig_stop(r);
	check_store(r, 0);
}

static void leaves_a_dead_domain_alone(void **state)
{
	static const struct rig_rcpt dave[] = {
		{ROUTE_REMOTE, 0, "dave@alive.org"}};
	struct rig *r = *state;
	uint64_t qid, fresh, job;
	struct msg_send m;
	uint32_t idx;

	/* long enough for all that comes before the next attempt */
	rig_kill(r);
	r->config.retry_ms[0] = 3000;
	rig_start(r);
	qid = submit(r, carol, 1);
	job = rig_sending(r, &m, &idx);
	rig_sent(r, job, qid, idx, TEMP, 0, "connection refused");
	(void)submit(r, carol, 1);
	rig_want_silence(r->outbound, 50);
	fresh = submit(r, dave, 1);
	(void)rig_sending(r, &m, &idx);
	assert_int_equal(m.qid, fresh);
	(void)rig_sending(r, &m, &idx); /* one tries whether it is back */
	assert_true(span_eq(m.domain, SPAN("example.org")));
	rig_want_silence(r->outbound, 300);
}

/* ---- aliases ---------------------------------------------------------------------- */
static void expands_an_alias(void **state)
{
	static const struct rig_rcpt to[] = {LIST, BOB};
	static const struct rig_rcpt targets[] = {BOB, CAROL,
		{ROUTE_ALIAS, 0, "inner@hamburger.edu"}};
	static const struct rig_rcpt inner[] = {LIST,
		{ROUTE_LOCAL, 5, "robert@hamburger.edu"},
		{ROUTE_LOCAL, 5, "robert+x@hamburger.edu"}};
	struct rig *r = *state;
	uint64_t qid = submit(r, to, 2), job;
	struct msg_deliver d;
	struct msg_send m;
	uint32_t idx;

	rig_account(r, 5);
	rig_deliver(r, &d);
	assert_int_equal(d.idx, 1);
	rig_routed(r, RCPT_OK, true, targets, 3);
	job = rig_sending(r, &m, &idx); /* bob was there already */
	assert_int_equal(idx, 2);
	/* the loop is cut, and robert is bob: one mailbox, one copy */
	rig_routed(r, RCPT_OK, true, inner, 3);
	rig_deliver(r, &d);
	assert_true(span_eq(d.rcpt, SPAN("robert+x@hamburger.edu")));
	rig_delivered(r, qid, 1, OK);
	rig_delivered(r, qid, d.idx, OK);
	rig_sent(r, job, qid, idx, OK, 250, "ok");
	rig_want_silence(r->directory, 100);
	rig_stop(r);
	check_store(r, 0);
}

static void breaks_an_alias_loop(void **state)
{
	static const struct rig_rcpt to[] = {LIST};
	static const struct rig_rcpt other[] = {
		{ROUTE_ALIAS, 0, "other@hamburger.edu"}};
	struct rig *r = *state;
	struct msg_route m;
	struct got g;

	(void)submit(r, to, 1);
	rig_routed(r, RCPT_OK, true, other, 1);
	rig_routed(r, RCPT_OK, true, to, 1);
	rig_want(r->directory, MSG_ROUTE, &g); /* the notice's recipient */
	assert_true(msg_get_route(g.body, &m));
	assert_true(span_eq(m.address, SPAN("alice@crepes.fr")));
	rig_kill(r);
	check_store(r, 1);
}

/* ---- 250 that were not heard ---------------------------------------------------------- */
static void stores_a_repetition_once(void **state)
{
	struct rig *r = *state;
	uint64_t qid = submit(r, carol, 1), second, third;
	struct msg_send m;
	uint32_t idx;

	(void)rig_sending(r, &m, &idx);
	rig_kill(r); /* who knows what the client heard */
	rig_start(r);
	(void)rig_sending(r, &m, &idx);
	second = rig_ids(r, 2);
	rig_submit(r, second, NULL, carol, 1, text);
	assert_int_equal(rig_submitted(r), qid);
	rig_want_silence(r->outbound, 100);
	/* and now it was heard: sent on purpose */
	third = second + 1;
	rig_submit(r, third, NULL, carol, 1, text);
	assert_int_equal(rig_submitted(r), third);
	(void)rig_sending(r, &m, &idx);
	assert_int_equal(m.qid, third);
}

static void believes_front_about_250(void **state)
{
	struct rig *r = *state;
	uint64_t qid = submit(r, carol, 1), second;
	struct msg_unconfirmed m = {qid};

	msg_put_unconfirmed(rig_begin(MSG_UNCONFIRMED, 0), &m);
	rig_send(r->front, -1);
	second = rig_ids(r, 1);
	rig_submit(r, second, NULL, carol, 1, text);
	assert_int_equal(rig_submitted(r), qid);
	rig_stop(r);
	check_store(r, 1);
}

/* ---- commands ------------------------------------------------------------------------- */
static const char *mid_text(uint64_t qid)
{
	static char room[MID_MAX + 1];
	struct mid mid = mid_of(qid);

	memcpy(room, mid.text, mid.len);
	room[mid.len] = '\0';
	return room;
}

static void holds_releases_tries(void **state)
{
	struct rig *r = *state;
	uint64_t qid = submit(r, carol, 1), job;
	struct msg_send m;
	uint32_t idx;

	job = rig_sending(r, &m, &idx);
	assert_int_equal(rig_admin(r, "hold", mid_text(qid)), 0);
	rig_sent(r, job, qid, idx, TEMP, 451, "later");
	rig_want_silence(r->outbound, 400); /* retry_ms is over */
	rig_kill(r);
	rig_start(r);
	rig_want_silence(r->outbound, 300);
	assert_int_equal(rig_admin(r, "list", ""), 0);
	assert_int_equal(rig_admin(r, "show", mid_text(qid)), 0);
	assert_int_equal(rig_admin(r, "show", "99999"), 3);
	assert_int_equal(rig_admin(r, "release", mid_text(qid)), 0);
	job = rig_sending(r, &m, &idx);
	rig_sent(r, job, qid, idx, OK, 250, "ok");
	rig_stop(r);
	check_store(r, 0);
}

static void cancels_in_delivery(void **state)
{
	struct rig *r = *state;
	uint64_t qid = submit(r, carol, 1), job;
	struct msg_send m;
	uint32_t idx;

	job = rig_sending(r, &m, &idx);
	assert_int_equal(rig_admin(r, "cancel", mid_text(qid)), 0);
	rig_sent(r, job, qid, idx, TEMP, 451, "later");
	rig_want_silence(r->outbound, 400);
	rig_want_silence(r->directory, 1); /* nobody is told */
	rig_stop(r);
	check_store(r, 0);
}

static void cancel_survives_a_kill(void **state)
{
	struct rig *r = *state;
	uint64_t qid = submit(r, carol, 1);
	struct msg_send m;
	uint32_t idx;

	(void)rig_sending(r, &m, &idx);
	assert_int_equal(rig_admin(r, "cancel", mid_text(qid)), 0);
	rig_kill(r);
	rig_start(r);
	rig_want_silence(r->outbound, 300);
}

static void refuses_a_malformed_front(void **state)
{
	struct rig *r = *state;
	uint64_t qid = rig_ids(r, 1);
	struct got g;

	rig_submit(r, qid + 1000000, NULL, bob, 1, text); /* never granted */
	assert_false(rig_get(r->front, &g, 300));
}

/* Two recipients with one number would be settled as one. */
static void refuses_a_number_twice(void **state)
{
	static const uint8_t client[4] = {127, 0, 0, 1}, hash[32] = {0};
	const struct rec_rcpt rcpt = {.idx = 1, .route = ROUTE_REMOTE,
		.address = SPAN("a@far.org")};
	struct rig *r = *state;
	struct msg_submit m = {
		.qid = rig_ids(r, 1),
		.client = span_of(client, 4),
		.sha256 = span_of(hash, 32),
	};
	struct buf records;
	struct got g;

	buf_init(&records, 4096);
	rec_put_rcpt(&records, &rcpt);
	rec_put_rcpt(&records, &rcpt);
	m.rcpts = buf_span(&records);
	msg_put_submit(rig_begin(MSG_SUBMIT, 1), &m);
	rig_send(r->front, -1);
	assert_false(rig_get(r->front, &g, 300));
	rig_want_silence(r->outbound, 1);
	buf_clear(&records);
}

int main(void)
{
#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		ROW(delivers_into_a_mailbox),
		ROW(delivers_after_being_killed),
		ROW(repeats_on_a_new_channel),
		ROW(retries_a_full_mailbox),
		ROW(retries_another_server),
		ROW(sends_again_after_an_interruption),
		ROW(tells_the_sender),
		ROW(notice_survives_a_kill),
		ROW(never_tells_the_null_sender),
		ROW(leaves_a_dead_domain_alone),
		ROW(expands_an_alias),
		ROW(breaks_an_alias_loop),
		ROW(stores_a_repetition_once),
		ROW(believes_front_about_250),
		ROW(holds_releases_tries),
		ROW(cancels_in_delivery),
		ROW(cancel_survives_a_kill),
		ROW(refuses_a_malformed_front),
		ROW(refuses_a_number_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
