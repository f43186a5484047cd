/*
 * test_store.c - every verb of the queue's store, on real files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "crypto/hash.h"
#include "db/db.h"
#include "queue/queue_store.h"

static char dir[64], path[96];
static struct queue_store *store;
static struct err e;

#define GOOD(call) assert_int_equal((call), OK)

static int setup(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/queue.XXXXXX");
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/queue.db", dir);
	GOOD(queue_store_open(path, &store, &e));
	return 0;
}

static int teardown(void **state)
{
	char name[128];

	(void)state;
	queue_store_close(store);
	(void)unlink(path);
	(void)snprintf(name, sizeof(name), "%s-wal", path);
	(void)unlink(name);
	return rmdir(dir);
}

static void reopen(void)
{
	queue_store_close(store);
	GOOD(queue_store_open(path, &store, &e));
}

static void on_finding(void *arg, struct span sentence)
{
	(void)arg;
	print_message("finding: %.*s\n", SPAN_ARG(sentence));
}

static size_t findings(void)
{
	return queue_store_check(store, on_finding, NULL);
}

/* A span that may stand in a static initializer. */
#define WORDS(literal) {(const uint8_t *)("" literal), sizeof(literal) - 1}

static const struct queue_rcpt two[] = {
	{.idx = 0, .route = QUEUE_TO_LOCAL, .state = QUEUE_SENDING,
		.account = 5, .address = WORDS("bob@hamburger.edu"),
		.notify = QUEUE_NOTIFY_SUCCESS, .tell = QUEUE_TELL_EXPANDED,
		.orcpt = WORDS("rfc822;list@hamburger.edu"),
		.sender = WORDS("SRS0=x=y=z=a@hamburger.edu")},
	{.idx = 1, .route = QUEUE_TO_REMOTE, .state = QUEUE_SENDING,
		.address = WORDS("carol@example.org")},
};

static struct queue_msg message(uint64_t qid)
{
	static struct queue_rcpt rcpts[2];
	static const uint8_t hash[32] = {1, 2, 3};

	rcpts[0] = two[0];
	rcpts[1] = two[1];
	return (struct queue_msg){.qid = qid, .sid = 77,
		.received_wall_ms = 1000, .since_ms = 2000,
		.flags = QUEUE_MAIL_8BIT, .size = 5,
		.sha256 = span_of(hash, 32),
		.reverse_path = SPAN("alice@crepes.fr"),
		.ret = 2, .envid = SPAN("QQ314"),
		.trace = SPAN("Received: x\r\n"), .rcpts = rcpts,
		.rcpt_count = 2};
}

static uint64_t add(bool is_split)
{
	struct queue_msg m;
	uint64_t qid;

	GOOD(queue_store_reserve(store, 1, &qid, &e));
	m = message(qid);
	m.is_split = is_split;
	GOOD(queue_store_begin(store, &e));
	GOOD(queue_store_add(store, &m, SPAN("hello"), &e));
	GOOD(queue_store_commit(store, &e));
	return qid;
}

static void numbers_never_come_again(void **state)
{
	uint64_t first, second, third, next;

	(void)state;
	GOOD(queue_store_reserve(store, 1000, &first, &e));
	GOOD(queue_store_reserve(store, 10, &second, &e));
	assert_int_equal(first, 1);
	assert_int_equal(second, 1001);
	reopen();
	GOOD(queue_store_next_qid(store, &next, &e));
	assert_int_equal(next, 1011);
	GOOD(queue_store_reserve(store, 1, &third, &e));
	assert_int_equal(third, 1011);
}

static void check_message(uint64_t qid, bool is_split)
{
	struct queue_msg m, want = message(qid);
	struct arena a;
	struct span body;

	arena_init(&a, 1 << 20);
	GOOD(queue_store_load(store, qid, &a, &m, &e));
	assert_int_equal(m.is_split, is_split);
	assert_int_equal(m.sid, 77);
	assert_int_equal(m.received_wall_ms, 1000);
	assert_int_equal(m.since_ms, 2000);
	assert_int_equal(m.flags, QUEUE_MAIL_8BIT);
	assert_int_equal(m.size, 5);
	assert_false(m.is_spooled || m.is_warned);
	assert_true(span_eq(m.sha256, want.sha256));
	assert_true(span_eq(m.reverse_path, want.reverse_path));
	assert_true(span_eq(m.trace, want.trace));
	assert_int_equal(m.ret, 2);
	assert_true(span_eq(m.envid, SPAN("QQ314")));
	assert_int_equal(m.rcpt_count, 2);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(m.rcpts[i].notify, two[i].notify);
		assert_int_equal(m.rcpts[i].tell, two[i].tell);
		assert_true(span_eq(m.rcpts[i].orcpt, two[i].orcpt));
		if (is_split)
			assert_true(span_eq(m.rcpts[i].sender, two[i].sender));
		assert_int_equal(m.rcpts[i].idx, i);
		assert_int_equal(m.rcpts[i].route, two[i].route);
		assert_int_equal(m.rcpts[i].state, two[i].state);
		assert_int_equal(m.rcpts[i].account, two[i].account);
		assert_true(span_eq(m.rcpts[i].address, two[i].address));
	}
	GOOD(queue_store_body(store, qid, &body, &e));
	assert_true(span_eq(body, SPAN("hello")));
	arena_clear(&a);
}

static void keeps_both_forms(void **state)
{
	uint64_t packed = add(false), split = add(true);
	uint64_t qids[8];
	struct queue_list list = {qids, 8, 0};

	(void)state;
	reopen();
	check_message(packed, false);
	check_message(split, true);
	assert_int_equal(findings(), 0);
	GOOD(queue_store_packed(store, 0, &list, &e));
	assert_int_equal(list.count, 1);
	assert_int_equal(qids[0], packed);
	GOOD(queue_store_messages(store, packed, &list, &e));
	assert_int_equal(list.count, 1);
	assert_int_equal(qids[0], split);
}

static void refuses_a_number_in_use(void **state)
{
	uint64_t qid = add(false);
	struct queue_msg m = message(qid);
	uint64_t other;

	(void)state;
	GOOD(queue_store_reserve(store, 1, &other, &e));
	GOOD(queue_store_begin(store, &e));
	assert_int_equal(queue_store_add(store, &m, SPAN("other"), &e),
		EXISTS);
	m.qid = other; /* the rest of the group goes on */
	GOOD(queue_store_add(store, &m, SPAN("hello"), &e));
	GOOD(queue_store_commit(store, &e));
	check_message(qid, false);
	check_message(other, false);
}

static void forgets_without_a_commit(void **state)
{
	struct queue_msg m = message(1);

	(void)state;
	GOOD(queue_store_begin(store, &e));
	GOOD(queue_store_add(store, &m, SPAN("hello"), &e));
	reopen(); /* as a kill does */
	assert_false(queue_store_has(store, 1));
}

static void finds_what_is_due(void **state)
{
	uint64_t early = add(true), late = add(true), qids[8], lowest;
	struct queue_list list = {qids, 8, 0};
	struct queue_rcpt r = two[0];
	int64_t next_ms, count;

	(void)state;
	GOOD(queue_store_begin(store, &e));
	r.state = QUEUE_WAITING;
	r.next_ms = 500;
	GOOD(queue_store_rcpt_put(store, late, &r, &e));
	r.next_ms = 400;
	GOOD(queue_store_rcpt_put(store, early, &r, &e));
	GOOD(queue_store_commit(store, &e));
	GOOD(queue_store_next_due(store, &next_ms, &e));
	assert_int_equal(next_ms, 400);
	GOOD(queue_store_due(store, 399, &list, &e));
	assert_int_equal(list.count, 0);
	GOOD(queue_store_due(store, 500, &list, &e));
	assert_int_equal(list.count, 2);
	assert_int_equal(qids[0], early);
	/* carol's two attempts were interrupted */
	GOOD(queue_store_interrupted(store, 100, &count, &e));
	assert_int_equal(count, 2);
	GOOD(queue_store_due(store, 100, &list, &e));
	assert_int_equal(list.count, 2);
	GOOD(queue_store_lowest(store, &lowest, &e));
	assert_int_equal(lowest, early);
}

static void splits_and_removes(void **state)
{
	uint64_t qid = add(false);
	struct queue_msg m = message(qid), past;
	struct queue_attempt a = {.idx = 1, .at_wall_ms = 5, .result = TEMP,
		.code = 451, .text = SPAN("later"), .dialogue = SPAN("C: x")};
	struct arena arena;
	bool has_more;

	(void)state;
	GOOD(queue_store_begin(store, &e));
	GOOD(queue_store_split(store, &m, &e));
	m.is_split = true;
	GOOD(queue_store_attempt_add(store, qid, &a, &e));
	GOOD(queue_store_set_warned(store, qid, &e));
	GOOD(queue_store_commit(store, &e));
	assert_int_equal(findings(), 0);
	assert_true(queue_store_has_attempts(store, qid));
	GOOD(queue_store_begin(store, &e));
	GOOD(queue_store_remove(store, &m, true, 9000, &e));
	GOOD(queue_store_commit(store, &e));
	assert_false(queue_store_has(store, qid));
	assert_int_equal(findings(), 0);
	arena_init(&arena, 1 << 20);
	GOOD(queue_store_past_load(store, qid, &arena, &past, &e));
	assert_int_equal(past.rcpt_count, 2);
	assert_true(span_eq(past.rcpts[0].orcpt, two[0].orcpt));
	assert_true(span_eq(past.reverse_path, SPAN("alice@crepes.fr")));
	/* the history ends */
	GOOD(queue_store_purge(store, 9000, 0, &has_more, &e));
	assert_true(queue_store_has_attempts(store, qid));
	GOOD(queue_store_purge(store, 9001, 0, &has_more, &e));
	assert_false(queue_store_has_attempts(store, qid));
	assert_int_equal(queue_store_past_load(store, qid, &arena, &past, &e),
		NOT_FOUND);
	arena_clear(&arena);
}

static void damage(const char *sql)
{
	struct db *db;

	queue_store_close(store);
	GOOD(db_open(path, &db, &e));
	GOOD(db_script(db, sql, &e));
	db_close(db);
	GOOD(queue_store_open(path, &store, &e));
}

static void quarantines_a_damaged_row(void **state)
{
	static const char *const damages[] = {
		"UPDATE message SET packed = x'0102' WHERE qid = 1",
		"UPDATE message SET packed = x'01000000000963' WHERE qid = 1",
		"UPDATE message SET form = 7 WHERE qid = 1",
		"UPDATE message SET form = 1 WHERE qid = 1",
	};
	uint64_t first = add(false), second = add(false), qids[4];
	struct queue_list list = {qids, 4, 0};
	struct queue_msg m;
	struct arena a;

	(void)state;
	assert_int_equal(first, 1);
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		damage(damages[i]);
		arena_init(&a, 1 << 20);
		assert_int_equal(queue_store_load(store, 1, &a, &m, &e),
			CORRUPT);
		arena_clear(&a);
	}
	GOOD(queue_store_quarantine(store, 1, &e));
	GOOD(queue_store_packed(store, 0, &list, &e));
	assert_int_equal(list.count, 1);
	check_message(second, false);
	assert_true(findings() > 0);
}

static void finds_broken_invariants(void **state)
{
	static const char *const breaks[] = {
		"UPDATE meta SET value = 1 WHERE name = 'next_qid'",
		"UPDATE message SET form = 0 WHERE qid = 2",
		"DELETE FROM rcpt WHERE qid = 2",
		"DELETE FROM message WHERE qid = 2",
		"UPDATE rcpt SET state = 4, tell = 0 WHERE qid = 2",
		"UPDATE message SET body = x'00' WHERE qid = 1",
		"UPDATE rcpt SET parent = 1 WHERE qid = 2 AND idx = 1",
		"INSERT INTO past VALUES (1, 1, 1, x'', x'')",
		"INSERT INTO asked VALUES (9, 1, x'')",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(breaks) / sizeof(breaks[0]); i++) {
		(void)add(false);
		(void)add(true);
		assert_int_equal(findings(), 0);
		damage(breaks[i]);
		assert_true(findings() > 0);
		teardown(NULL);
		setup(NULL);
	}
}

struct pairs {
	size_t count;
	uint64_t qid;
	int64_t until_ms;
};

static void on_pair(void *arg, struct span hash, uint64_t qid, int64_t until_ms)
{
	struct pairs *p = arg;

	assert_int_equal(hash.n, 16);
	p->count++;
	p->qid = qid;
	p->until_ms = until_ms;
}

static void keeps_what_is_unconfirmed(void **state)
{
	uint8_t pairs[48] = {7};
	struct span hash = span_of(pairs, 16);
	struct pairs p = {0};
	bool has_more;

	(void)state;
	pairs[16] = 9;
	pairs[40] = 9;
	GOOD(queue_store_begin(store, &e));
	GOOD(queue_store_recent_put(store, 0, span_of(pairs, 48), &e));
	GOOD(queue_store_commit(store, &e));
	GOOD(queue_store_pairs(store, on_pair, &p, &e));
	assert_int_equal(p.count, 2);
	assert_int_equal(p.qid, 9);
	assert_int_equal(p.until_ms, 0);
	GOOD(queue_store_begin(store, &e));
	GOOD(queue_store_recent_put(store, 0, SPAN_EMPTY, &e));
	GOOD(queue_store_unconfirmed_put(store, hash, 3, 100, &e));
	GOOD(queue_store_unconfirmed_put(store, hash, 4, 200, &e));
	GOOD(queue_store_commit(store, &e));
	p.count = 0;
	GOOD(queue_store_pairs(store, on_pair, &p, &e));
	assert_int_equal(p.count, 1);
	assert_int_equal(p.qid, 4);
	assert_int_equal(p.until_ms, 200);
	GOOD(queue_store_purge(store, 0, 201, &has_more, &e));
	p.count = 0;
	GOOD(queue_store_pairs(store, on_pair, &p, &e));
	assert_int_equal(p.count, 0);
}

static void keeps_queue_time(void **state)
{
	int64_t queue_ms, wall_ms;

	(void)state;
	GOOD(queue_store_clock_get(store, &queue_ms, &wall_ms, &e));
	assert_int_equal(queue_ms, 0);
	GOOD(queue_store_begin(store, &e));
	GOOD(queue_store_clock_put(store, 11, 22, &e));
	GOOD(queue_store_commit(store, &e));
	reopen();
	GOOD(queue_store_clock_get(store, &queue_ms, &wall_ms, &e));
	assert_int_equal(queue_ms, 11);
	assert_int_equal(wall_ms, 22);
}

static struct sha256 hash_of_file(void)
{
	static uint8_t bytes[1u << 20];
	FILE *file = fopen(path, "rb");
	size_t n;

	assert_non_null(file);
	n = fread(bytes, 1, sizeof(bytes), file);
	(void)fclose(file);
	assert_true(n > 0 && n < sizeof(bytes));
	return sha256_of(span_of(bytes, n));
}

static void refuses_another_schema(void **state)
{
	struct sha256 before, after;
	struct queue_store *other;

	(void)state;
	damage("PRAGMA user_version = 2"); /* the right one */
	queue_store_close(store);
	store = NULL;
	{
		struct db *db;

		GOOD(db_open(path, &db, &e));
		GOOD(db_script(db, "PRAGMA user_version = 99", &e));
		db_close(db);
	}
	before = hash_of_file();
	assert_int_equal(queue_store_open(path, &other, &e), CORRUPT);
	assert_non_null(strstr(e.text, "newer version"));
	after = hash_of_file();
	assert_memory_equal(&before, &after, sizeof(before));
}

/* Who failed, and of whom there is good news: both wait for a notice. */
static void finds_who_is_untold(void **state)
{
	uint64_t qids[4], qid = add(true);
	struct queue_list list = {qids, 4, 0};

	(void)state;
	GOOD(queue_store_untold(store, &list, &e));
	assert_int_equal(list.count, 1); /* told once, whatever is to tell */
	assert_int_equal(qids[0], qid);
	damage("UPDATE rcpt SET state = 4");
	assert_int_equal(findings(), 0);
	damage("UPDATE rcpt SET tell = 0");
	assert_int_equal(findings(), 1); /* 4: nothing is left to do */
	GOOD(queue_store_untold(store, &list, &e));
	assert_int_equal(list.count, 0);
}

/* A file from before RFC 3461 was known here. */
static void takes_over_version_1(void **state)
{
	uint64_t qid = add(true);
	struct queue_msg m;
	struct arena a;

	(void)state;
	damage("DROP INDEX rcpt_tell; DROP TABLE asked;"
	       "ALTER TABLE rcpt DROP COLUMN notify;"
	       "ALTER TABLE rcpt DROP COLUMN tell;"
	       "ALTER TABLE rcpt DROP COLUMN sender;"
	       "ALTER TABLE rcpt DROP COLUMN orcpt; PRAGMA user_version = 1");
	arena_init(&a, 1 << 20);
	GOOD(queue_store_load(store, qid, &a, &m, &e));
	assert_int_equal(m.rcpts[0].notify | m.rcpts[0].tell | m.ret, 0);
	arena_clear(&a);
	assert_int_equal(findings(), 0);
	(void)add(false);
}

int main(void)
{
#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		ROW(numbers_never_come_again),
		ROW(keeps_both_forms),
		ROW(refuses_a_number_in_use),
		ROW(forgets_without_a_commit),
		ROW(finds_what_is_due),
		ROW(splits_and_removes),
		ROW(quarantines_a_damaged_row),
		ROW(finds_broken_invariants),
		ROW(keeps_what_is_unconfirmed),
		ROW(keeps_queue_time),
		ROW(refuses_another_schema),
		ROW(finds_who_is_untold),
		ROW(takes_over_version_1),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
