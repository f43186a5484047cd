/*
 * test_admin.c - every verb and filter of `postrider queue`, on a real file
 * as the CLI has it when the server stands.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "db/db.h"
#include "queue/queue_admin.h"

#define GOOD(call) assert_int_equal((call), OK)
#define NOW        INT64_C(2000000000)
#define MINUTE     60000
#define WORDS(literal) {(const uint8_t *)("" literal), sizeof(literal) - 1}

static char dir[64], path[96];
static struct queue_store *store;
static struct queue_admin admin;
static struct err e;
static struct buf rows; /* of the last command; cells end with '|' */

/* ---- four messages: 1 waits, 2 is packed, 3 is held, 4 left ------------------ */
static struct queue_rcpt waiting[] = {
	{.idx = 0, .route = QUEUE_TO_LOCAL, .state = QUEUE_DONE,
		.attempts = 1, .address = WORDS("bob@hamburger.edu")},
	{.idx = 1, .route = QUEUE_TO_REMOTE, .state = QUEUE_WAITING,
		.next_ms = NOW + 12 * MINUTE, .attempts = 2, .code = 451,
		.enhanced = WORDS("4.7.1"), .text = WORDS("greylisted"),
		.peer = WORDS("mx.example.org[192.0.2.1]:25"),
		.address = WORDS("carol@example.org")},
};
static struct queue_rcpt sending[] = {
	{.idx = 0, .route = QUEUE_TO_REMOTE, .state = QUEUE_SENDING,
		.address = WORDS("dave@Alive.org")},
};
static struct queue_rcpt held[] = {
	{.idx = 0, .route = QUEUE_TO_REMOTE, .state = QUEUE_HELD,
		.address = WORDS("erin@example.org")},
};
static struct queue_rcpt left[] = {
	{.idx = 0, .route = QUEUE_TO_REMOTE, .state = QUEUE_TOLD,
		.address = WORDS("frank@example.org")},
};

struct row {
	uint64_t qid;
	bool is_split;
	const char *from;
	int64_t age_ms;
	size_t size;
	struct queue_rcpt *rcpts;
	size_t rcpt_count;
};

static const struct row messages[] = {
	{1, true, "alice@crepes.fr", 3 * 3600000, 1843, waiting, 2},
	{2, false, "", 5000, 12, sending, 1},
	{3, true, "alice@crepes.fr", 2 * MINUTE, 20480, held, 1},
	{4, true, "zoe@crepes.fr", 50 * 3600000, 7, left, 1},
};

static void add(const struct row *row)
{
	static uint8_t body[20480], hash[32];
	struct queue_msg m = {
		.qid = row->qid,
		.sid = 0xabc,
		.received_wall_ms = 1700000000000 - row->age_ms,
		.since_ms = NOW - row->age_ms,
		.size = row->size,
		.is_split = row->is_split,
		.sha256 = span_of(hash, 32),
		.reverse_path = span_str(row->from),
		.trace = SPAN("Received: x\r\n"),
		.rcpts = row->rcpts,
		.rcpt_count = row->rcpt_count,
	};
	struct queue_attempt a = {.idx = row->rcpts[row->rcpt_count - 1].idx,
		.at_wall_ms = 1700000000000, .result = TEMP, .code = 451,
		.enhanced = SPAN("4.7.1"), .text = SPAN("greylisted"),
		.peer = SPAN("mx.example.org[192.0.2.1]:25"),
		.dialogue = SPAN("C: EHLO me\r\nS: 250 you\r\n")};

	GOOD(queue_store_begin(store, &e));
	GOOD(queue_store_add(store, &m, span_of(body, m.size), &e));
	if (row->qid % 3 == 1)
		GOOD(queue_store_attempt_add(store, row->qid, &a, &e));
	if (row->qid == 4)
		GOOD(queue_store_remove(store, &m, true, NOW, &e));
	GOOD(queue_store_commit(store, &e));
}

static int setup(void **state)
{
	uint64_t first;

	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/admin.XXXXXX");
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/queue.db", dir);
	GOOD(queue_store_open(path, &store, &e));
	GOOD(queue_store_reserve(store, 100, &first, &e));
	for (size_t i = 0; i < 4; i++)
		add(&messages[i]);
	admin = (struct queue_admin){.store = store, .now_ms = NOW,
		.now_wall_ms = 1700000000000, .change = queue_admin_change,
		.arg = &admin, .give_up_after_ms = 5 * 24 * 3600000,
		.bounce_give_up_after_ms = 24 * 3600000};
	buf_init(&rows, 1u << 20);
	return 0;
}

static int teardown(void **state)
{
	char command[96];

	(void)state;
	queue_store_close(store);
	buf_clear(&rows);
	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static void take_row(void *arg, const struct span *cells, size_t count)
{
	(void)arg;
	for (size_t i = 0; i < count; i++) {
		buf_put(&rows, cells[i]);
		buf_putc(&rows, '|');
	}
	buf_putc(&rows, '\n');
}

/* Runs "list --from x"; the rows without their head go to `rows`. */
static enum admin_exit run(const char *line)
{
	const struct admin_out out = {take_row, NULL};
	struct span words[16] = {SPAN("queue")}, rest = span_str(line);
	size_t count = 1;
	enum admin_exit status;

	while (rest.n > 0)
		words[count++] = span_cut(&rest, ' ');
	buf_reset(&rows);
	e.text[0] = '\0';
	status = queue_admin_run(&admin, words, count, &out, &e);
	buf_consume(&rows, span_find(buf_span(&rows), '\n') <
		buf_len(&rows) ? span_find(buf_span(&rows), '\n') + 1 : 0);
	return status;
}

static bool shows(const char *text)
{
	bool is_there = span_find_span(buf_span(&rows), span_str(text)) <
		buf_len(&rows);

	if (!is_there)
		print_message("%.*s", SPAN_ARG(buf_span(&rows)));
	return is_there;
}

#define ROW1 "1|3h|1.8K|waiting|2|12m|alice@crepes.fr|carol@example.org|\n"
#define ROW2 "2|5s|12|sending|0||<>|dave@Alive.org|\n"
#define ROW3 "3|2m|20K|held|0||alice@crepes.fr|erin@example.org|\n"

static const struct {
	const char *line;
	enum admin_exit status;
	const char *rows;
} lists[] = {
	{"list", EXIT_OK, ROW1 ROW2 ROW3},
	{"list 3 1", EXIT_OK, ROW3 ROW1},
	{"list 9", EXIT_NO_MATCH, ""},
	{"list --from alice@crepes.fr", EXIT_OK, ROW1 ROW3},
	{"list --from=ALICE@CREPES.FR", EXIT_OK, ROW1 ROW3},
	{"list --from <>", EXIT_OK, ROW2},
	{"list --to carol@example.org", EXIT_OK, ROW1},
	{"list --to CAROL@example.org", EXIT_OK, ROW1},
	{"list --to carol", EXIT_NO_MATCH, ""},
	{"list --domain example.org", EXIT_OK, ROW1 ROW3},
	{"list --domain alive.org", EXIT_OK, ROW2},
	{"list --domain org", EXIT_NO_MATCH, ""},
	{"list --state waiting", EXIT_OK, ROW1},
	{"list --state held", EXIT_OK, ROW3},
	{"list --state damaged", EXIT_NO_MATCH, ""},
	{"list --state done", EXIT_OK,
		"1|3h|1.8K|done|1||alice@crepes.fr|bob@hamburger.edu|\n"},
	{"list --older 1h", EXIT_OK, ROW1},
	{"list --older=2m", EXIT_OK, ROW1 ROW3},
	{"list --domain example.org --state held", EXIT_OK, ROW3},
	{"list --domain example.org 1", EXIT_OK, ROW1},
	{"list 2 --domain example.org", EXIT_NO_MATCH, ""},
	{"list --state wating", EXIT_USAGE, NULL},
	{"list --older soon", EXIT_USAGE, NULL},
	{"list --from", EXIT_USAGE, NULL},
	{"list --form x", EXIT_USAGE, NULL},
	{"list !", EXIT_USAGE, NULL},
	{"show", EXIT_USAGE, NULL},
	{"hold", EXIT_USAGE, NULL},
	{"release", EXIT_USAGE, NULL},
	{"cancel", EXIT_USAGE, NULL},
	{"eat 1", EXIT_USAGE, NULL},
};

static void lists_by_filter(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		enum admin_exit status = run(lists[i].line);

		if (status != lists[i].status || (lists[i].rows != NULL &&
			!span_eq(buf_span(&rows), span_str(lists[i].rows))))
			fail_msg("%s: %d\n%.*s", lists[i].line, status,
				SPAN_ARG(buf_span(&rows)));
		assert_int_equal(e.text[0] == '\0', status == EXIT_OK);
	}
}

static void shows_what_comes_next(void **state)
{
	(void)state;
	assert_int_equal(run("show 1"), EXIT_OK);
	assert_true(shows("id|1|\nreceived|2023-11-14T19:13:20.000Z|\n"));
	assert_true(shows("from|alice@crepes.fr|\n"));
	assert_true(shows("size|1843 bytes, in queue.db|\nsession|abc|\n"));
	assert_true(shows("gives up|2023-11-19T19:13:20.000Z (in 4d)|\n"));
	assert_true(shows("recipient|bob@hamburger.edu (mailbox here)|\n"
		"state|delivered|\ntried|1 attempt|\n"));
	assert_true(shows("recipient|carol@example.org (another server)|\n"
		"state|waiting; next attempt 2023-11-14T22:25:20.000Z (in "
		"12m)|\ntried|2 attempts, the last: 451 greylisted|\n"));
	assert_true(shows("attempt|2023-11-14T22:13:20.000Z carol@example.org: no:"
		" 451 4.7.1 greylisted, server mx.example.org[192.0.2.1]:25|\n"
		"dialogue|C: EHLO me|\ndialogue|S: 250 you|\n"));
	assert_int_equal(run("show 2"), EXIT_OK);
	assert_true(shows("from|<>|\n"));
	assert_true(shows("(in 23h)|\n"));
	assert_true(shows("dave@Alive.org (another server)|\n"
		"state|on its way now|"));
	assert_int_equal(run("show 3"), EXIT_OK);
	assert_true(shows("held until it is released|"));
	assert_int_equal(run("show 4"), EXIT_OK); /* it left */
	assert_true(shows("frank@example.org (another server)|\nstate|"
		"failed; the sender was told"));
	assert_true(shows("no: 451 4.7.1 greylisted"));
	assert_false(shows("gives up") || shows("session"));
}

static void logs_attempts(void **state)
{
#define LOG1 "2023-11-14T22:13:20.000Z|1|alice@crepes.fr|carol@example.org|temp|" \
	"451 greylisted|mx.example.org[192.0.2.1]:25|\n"
#define LOG4 "2023-11-14T22:13:20.000Z|4|zoe@crepes.fr|frank@example.org|temp|" \
	"451 greylisted|mx.example.org[192.0.2.1]:25|\n"
	(void)state;
	assert_int_equal(run("log"), EXIT_OK);
	assert_true(span_eq(buf_span(&rows), SPAN(LOG4 LOG1)));
	assert_int_equal(run("log --to frank@example.org"), EXIT_OK);
	assert_true(span_eq(buf_span(&rows), SPAN(LOG4)));
	assert_int_equal(run("log 1"), EXIT_OK);
	assert_true(span_eq(buf_span(&rows), SPAN(LOG1)));
	assert_int_equal(run("log 9"), EXIT_NO_MATCH);
}

/* What list says of a message, after the file was closed and opened. */
static void check_list(const char *line, const char *want)
{
	queue_store_close(store);
	GOOD(queue_store_open(path, &store, &e));
	admin.store = store;
	(void)run(line);
	if (!span_eq(buf_span(&rows), span_str(want)))
		fail_msg("%s:\n%.*s", line, SPAN_ARG(buf_span(&rows)));
}

static void on_finding(void *arg, struct span sentence)
{
	(void)arg;
	print_message("queue.db: %.*s\n", SPAN_ARG(sentence));
}

static void check_invariants(void)
{
	assert_int_equal(queue_store_check(store, on_finding, NULL), 0);
}

static void tries_now(void **state)
{
	(void)state;
	assert_int_equal(run("try"), EXIT_PARTLY); /* one of three waits */
	assert_true(span_eq(buf_span(&rows), SPAN("1|\n")));
	assert_true(span_eq(span_str(e.text),
		SPAN("2 of 3 messages: nothing to do")));
	check_list("list 1", "1|3h|1.8K|waiting|2|now|alice@crepes.fr|"
		"carol@example.org|\n");
	assert_int_equal(run("try 3"), EXIT_NO_MATCH);
	check_invariants();
}

static void holds_and_releases(void **state)
{
	(void)state;
	assert_int_equal(run("hold 1 2"), EXIT_OK);
	assert_true(span_eq(buf_span(&rows), SPAN("1|\n2|\n")));
	check_list("list --state held",
		"1|3h|1.8K|held|2||alice@crepes.fr|carol@example.org|\n"
		"2|5s|12|held|0||<>|dave@Alive.org|\n" ROW3);
	assert_int_equal(run("hold 1"), EXIT_NO_MATCH); /* it is held */
	assert_int_equal(run("release --domain example.org"), EXIT_OK);
	assert_true(span_eq(buf_span(&rows), SPAN("1|\n3|\n")));
	check_list("list",
		"1|3h|1.8K|waiting|2|now|alice@crepes.fr|carol@example.org|\n"
		"2|5s|12|held|0||<>|dave@Alive.org|\n"
		"3|2m|20K|waiting|0|now|alice@crepes.fr|erin@example.org|\n");
	/* what was delivered stays so */
	assert_int_equal(run("show 1"), EXIT_OK);
	assert_true(shows("bob@hamburger.edu (mailbox here)|\nstate|"
		"delivered"));
	check_invariants();
}

static void cancels(void **state)
{
	(void)state;
	assert_int_equal(run("cancel 1 --state waiting"), EXIT_OK);
	check_list("list", ROW2 ROW3);
	assert_int_equal(run("show 1"), EXIT_OK); /* in the history */
	assert_true(shows("carol@example.org (another server)|\nstate|"
		"cancelled"));
	assert_int_equal(run("cancel 2 3"), EXIT_OK);
	check_list("list", "");
	assert_int_equal(run("show 2"), EXIT_NO_MATCH); /* never tried */
	assert_int_equal(run("cancel 2"), EXIT_NO_MATCH);
	check_invariants();
}

static void script(const char *sql)
{
	struct db *db;

	queue_store_close(store);
	GOOD(db_open(path, &db, &e));
	GOOD(db_script(db, sql, &e));
	db_close(db);
	GOOD(queue_store_open(path, &store, &e));
	admin.store = store;
}

static const struct {
	const char *sql, *list;
} damages[] = {
	{"UPDATE message SET packed = x'0100' WHERE qid = 2",
		"2|5s|12|damaged|0||<>||\n"},
	{"UPDATE message SET body = x'' WHERE qid = 2",
		"2|5s|12|damaged|0||<>|dave@Alive.org|\n"},
	{"UPDATE message SET size = -1 WHERE qid = 2",
		"2|5s|0|damaged|0||<>|dave@Alive.org|\n"},
	{"UPDATE message SET since_ms = -5 WHERE qid = 2", NULL},
	{"UPDATE message SET received_wall_ms = -5 WHERE qid = 2", NULL},
	{"UPDATE message SET flags = -1 WHERE qid = 2", NULL},
	{"UPDATE message SET is_spooled = 7 WHERE qid = 2", NULL},
	{"UPDATE message SET is_warned = 2 WHERE qid = 2", NULL},
	{"UPDATE message SET sha256 = x'00' WHERE qid = 2", NULL},
	{"UPDATE message SET form = 9 WHERE qid = 2", NULL},
	{"UPDATE rcpt SET state = 99 WHERE qid = 3", NULL},
	{"UPDATE rcpt SET state = -1 WHERE qid = 3", NULL},
	{"UPDATE rcpt SET route = 4 WHERE qid = 3", NULL},
	{"UPDATE rcpt SET idx = -1 WHERE qid = 3", NULL},
	{"UPDATE rcpt SET idx = 4294967296 WHERE qid = 3", NULL},
	{"UPDATE rcpt SET next_ms = -1 WHERE qid = 3", NULL},
	{"UPDATE rcpt SET attempts = -1 WHERE qid = 3", NULL},
	{"UPDATE rcpt SET parent = -1 WHERE qid = 3", NULL},
	{"UPDATE rcpt SET depth = -1 WHERE qid = 3", NULL},
	{"UPDATE rcpt SET code = -1 WHERE qid = 3", NULL},
	{"UPDATE rcpt SET address = x'' WHERE qid = 3", NULL},
	{"DELETE FROM rcpt WHERE qid = 3", NULL},
};

static void shows_damage(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		script(damages[i].sql);
		if (run("list --state damaged") != EXIT_OK ||
			(damages[i].list != NULL && !span_eq(buf_span(&rows),
				span_str(damages[i].list))))
			fail_msg("%s:\n%.*s", damages[i].sql,
				SPAN_ARG(buf_span(&rows)));
		assert_int_equal(run("list 1"), EXIT_OK);
		assert_true(span_eq(buf_span(&rows), SPAN(ROW1)));
		teardown(NULL);
		setup(NULL);
	}
}

static void releases_what_was_put_right(void **state)
{
	(void)state;
	script("UPDATE message SET size = 13 WHERE qid = 2");
	GOOD(queue_store_quarantine(store, 2, &e));
	GOOD(queue_store_quarantine(store, 1, &e));
	assert_int_equal(run("show 2"), EXIT_OK);
	assert_true(shows("damaged|message 2: its row has numbers or bytes "));
	assert_int_equal(run("try 2"), EXIT_NO_MATCH);
	assert_int_equal(run("hold 2"), EXIT_NO_MATCH);
	assert_int_equal(run("release 2"), EXIT_NO_MATCH); /* not yet right */
	check_list("list --domain alive.org",
		"2|5s|13|damaged|0||<>|dave@Alive.org|\n");
	script("UPDATE message SET size = 12 WHERE qid = 2");
	assert_int_equal(run("release 1 2"), EXIT_OK);
	check_list("list --older 1s",
		"1|3h|1.8K|waiting|2|now|alice@crepes.fr|carol@example.org|\n"
		"2|5s|12|waiting|0|now|<>|dave@Alive.org|\n" ROW3);
	/* nothing is delivered twice */
	assert_int_equal(run("list --state done"), EXIT_OK);
	assert_true(shows("bob@hamburger.edu"));
	check_invariants();
}

/* A sender who asked to hear of bob's delivery has not heard of it yet. */
static void cancels_no_notice(void **state)
{
	(void)state;
	script("UPDATE rcpt SET tell = 1 WHERE qid = 1 AND state = 4");
	assert_int_equal(run("cancel 1"), EXIT_OK);
	check_list("list --state done",
		"1|3h|1.8K|done|1||alice@crepes.fr|bob@hamburger.edu|\n");
	check_invariants();
}

static void cancels_what_is_damaged(void **state)
{
	(void)state;
	script("UPDATE message SET packed = x'0100' WHERE qid = 2;"
	       "UPDATE rcpt SET state = 99 WHERE qid = 3");
	assert_int_equal(run("cancel --state damaged"), EXIT_OK);
	assert_true(span_eq(buf_span(&rows), SPAN("2|\n3|\n")));
	check_list("list", ROW1);
	check_invariants();
}

int main(void)
{
#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		ROW(lists_by_filter),
		ROW(shows_what_comes_next),
		ROW(logs_attempts),
		ROW(tries_now),
		ROW(holds_and_releases),
		ROW(cancels),
		ROW(shows_damage),
		ROW(releases_what_was_put_right),
		ROW(cancels_no_notice),
		ROW(cancels_what_is_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
