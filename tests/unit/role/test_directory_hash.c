/*
 * test_directory_hash.c - the queue before the hashers: who goes first, who is
 * not taken, and what becomes of the job of a hasher that dies or is silent.
 *
 * The hashers are channels in the same process, and answer when the test says.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "role/directory_hash.h"

#define HASHERS 2

static struct {
	struct role_run run;
	struct hash_pool pool;
	struct channel *ours[HASHERS], *theirs[HASHERS];
	struct hash_job jobs[HASH_WAITING_MAX + 16];
	char work[HASHERS][64]; /* the password that each was given last */
	uint64_t id[HASHERS];
	char done[4096];
	unsigned done_count;
	struct timer limit, pause;
} t;

/* ---- the frame ------------------------------------------------------------------ */
static uint32_t number_of(const struct channel *c)
{
	return channel_peer_instance(c);
}

static void take_work(struct frame *f, struct span password)
{
	uint32_t i = 0;

	while (t.theirs[i] != f->from)
		i++;
	assert_string_equal(t.work[i], ""); /* one at a time */
	(void)snprintf(t.work[i], sizeof(t.work[i]), "%.*s",
		SPAN_ARG(password));
	t.id[i] = f->id;
}

static bool on_check(void *arg, struct frame *f)
{
	struct msg_hash_check m;

	(void)arg;
	assert_true(msg_get_hash_check(f->body, &m));
	take_work(f, m.password);
	return true;
}

static bool on_make(void *arg, struct frame *f)
{
	struct msg_hash_make m;

	(void)arg;
	assert_true(msg_get_hash_make(f->body, &m));
	take_work(f, m.password);
	return true;
}

static bool on_checked(void *arg, struct frame *f)
{
	struct msg_hash_checked m;

	(void)arg;
	assert_true(msg_get_hash_checked(f->body, &m));
	hash_answered(&t.pool, f, (enum code)m.result, m.keys);
	return true;
}

static void lost(void *arg, struct channel *c)
{
	(void)arg;
	(void)c;
}

static void stop(void *arg)
{
	(void)arg;
	loop_stop(t.run.loop);
}

static void too_late(void *arg)
{
	(void)arg;
	fail_msg("nothing came");
}

static void join(uint32_t i)
{
	static const struct frame_handler directory[] = {
		{MSG_HASH_CHECKED, on_checked}, {MSG_NONE, NULL}};
	static const struct frame_handler hasher[] = {
		{MSG_HASH_CHECK, on_check}, {MSG_HASH_MAKE, on_make},
		{MSG_NONE, NULL}};
	const struct channel_owner ours = {.handlers = directory,
		.on_lost = lost};
	const struct channel_owner theirs = {.handlers = hasher,
		.on_lost = lost};
	int fds[2];

	assert_true(channel_pair(fds));
	t.ours[i] = t.run.peers[ROLE_HASHER][i] = channel_new(t.run.loop,
		fds[0], ROLE_DIRECTORY, ROLE_HASHER, i, &ours);
	t.theirs[i] = channel_new(t.run.loop, fds[1], ROLE_HASHER,
		ROLE_DIRECTORY, i, &theirs);
	assert_int_equal(number_of(t.ours[i]), i);
	t.work[i][0] = '\0';
	hash_hasher_up(&t.pool, i);
}

static void part(uint32_t i)
{
	channel_free(t.theirs[i]);
	channel_free(t.ours[i]);
	t.ours[i] = t.theirs[i] = t.run.peers[ROLE_HASHER][i] = NULL;
	t.work[i][0] = '\0';
}

static void die(uint32_t i)
{
	part(i);
	hash_hasher_lost(&t.pool, i);
}

static int setup(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	t.run.loop = loop_new();
	hash_pool_init(&t.pool, &t.run);
	timer_init(&t.limit, t.run.loop, too_late, NULL);
	timer_init(&t.pause, t.run.loop, stop, NULL);
	timer_arm(&t.limit, 300000); /* against hanging for ever */
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < HASHERS; i++)
		part(i);
	timer_clear(&t.limit);
	timer_clear(&t.pause);
	loop_free(t.run.loop);
	return 0;
}

/* Until the hasher has this to do. */
static void wait_for_work(uint32_t i, const char *password)
{
	while (t.work[i][0] == '\0') {
		timer_arm(&t.pause, 1);
		loop_run(t.run.loop);
	}
	assert_string_equal(t.work[i], password);
}

static void wait_for_done(unsigned count)
{
	while (t.done_count < count) {
		timer_arm(&t.pause, 1);
		loop_run(t.run.loop);
	}
	assert_int_equal(t.done_count, count);
}

static void say(uint32_t i, enum code result)
{
	const struct msg_hash_checked m = {.result = (uint8_t)result};

	t.work[i][0] = '\0';
	channel_send(t.theirs[i], hash_checked, HASH_CHECKED, t.id[i], &m, -1);
}

static void done(struct hash_job *job, enum code verdict, struct span keys)
{
	size_t n = strlen(t.done);

	(void)keys;
	t.done_count++;
	(void)snprintf(t.done + n, sizeof(t.done) - n, "%.*s %s,",
		SPAN_ARG(job->password), code_word(verdict));
}

static bool put(size_t i, enum hash_class class, const char *password)
{
	t.jobs[i] = (struct hash_job){.class = class,
		.password = span_str(password), .done = done};
	return hash_put(&t.pool, &t.jobs[i]);
}

/* ---- tests ----------------------------------------------------------------------- */
static void test_known_go_first(void **state)
{
	(void)state;
	join(0);
	assert_true(put(0, HASH_UNKNOWN, "first"));
	assert_true(put(1, HASH_UNKNOWN, "stranger"));
	assert_true(put(2, HASH_KNOWN, "friend"));
	assert_true(put(3, HASH_KNOWN, "neighbour"));
	assert_true(put(4, HASH_ADMIN, "admin"));
	wait_for_work(0, "first");
	say(0, DENIED);
	wait_for_work(0, "admin");
	say(0, OK);
	wait_for_work(0, "friend");
	say(0, OK);
	wait_for_work(0, "neighbour");
	say(0, TEMP);
	wait_for_work(0, "stranger");
	say(0, OK);
	wait_for_done(5);
	assert_string_equal(t.done, "first denied,admin ok,friend ok,"
		"neighbour temp,stranger ok,");
}

static void test_each_has_one_job(void **state)
{
	(void)state;
	join(0);
	join(1);
	for (size_t i = 0; i < 3; i++)
		assert_true(put(i, HASH_UNKNOWN, &"abc"[i]));
	wait_for_work(0, "abc");
	wait_for_work(1, "bc");
	say(1, OK);
	wait_for_work(1, "c");
	say(0, OK);
	say(1, OK);
	wait_for_done(3);
}

/* Strangers fill the line; who is known takes the place of the last. */
static void test_the_line_is_bounded(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < HASH_WAITING_MAX; i++)
		assert_true(put(i, HASH_UNKNOWN,
			i < HASH_WAITING_MAX - 1 ? "x" : "last"));
	assert_false(put(i, HASH_UNKNOWN, "one more"));
	assert_string_equal(t.done, "");
	assert_true(put(i++, HASH_KNOWN, "friend"));
	assert_string_equal(t.done, "last temp,");
	assert_false(put(i, HASH_UNKNOWN, "one more"));
	/* a command is never refused */
	assert_true(put(i++, HASH_ADMIN, "admin"));
	for (size_t k = 0; k < i; k++)
		if (t.jobs[k].done != NULL && k != HASH_WAITING_MAX - 1)
			hash_cancel(&t.jobs[k]);
	assert_int_equal(t.pool.count, 0);
	for (i = 0; i < HASH_WAITING_MAX; i++)
		assert_true(put(i, HASH_KNOWN, "friend"));
	assert_false(put(i, HASH_KNOWN, "one more"));
	for (size_t k = 0; k < i; k++)
		hash_cancel(&t.jobs[k]);
}

/* Who comes from where nobody failed goes before who comes from where many did,
 * and takes his place. */
static void test_fresh_go_second(void **state)
{
	size_t i = 0;

	(void)state;
	while (i < HASH_WAITING_MAX - 1)
		assert_true(put(i++, HASH_UNKNOWN, "x"));
	assert_true(put(i++, HASH_UNKNOWN, "last"));
	assert_true(put(i++, HASH_FRESH, "new"));
	assert_string_equal(t.done, "last temp,");
	assert_true(put(i++, HASH_KNOWN, "friend"));
	join(0);
	wait_for_work(0, "friend");
	say(0, OK);
	wait_for_work(0, "new");
	say(0, OK);
	wait_for_work(0, "x");
	for (size_t k = 0; k < HASH_WAITING_MAX - 2; k++)
		hash_cancel(&t.jobs[k]);
}

static void test_a_job_outlives_one_hasher(void **state)
{
	(void)state;
	join(0);
	join(1);
	assert_true(put(0, HASH_KNOWN, "killer"));
	wait_for_work(0, "killer");
	die(0);
	wait_for_work(1, "killer");
	assert_int_equal(t.done_count, 0);
	/* and no second one: it may be what kills them */
	die(1);
	assert_string_equal(t.done, "killer temp,");
	/* who comes now waits for a new process */
	assert_true(put(0, HASH_UNKNOWN, "next"));
	join(1);
	wait_for_work(1, "next");
	say(1, OK);
	wait_for_done(2);
}

static void test_nobody_waits_for_ever(void **state)
{
	(void)state;
	t.pool.deadline_ms = 50;
	assert_true(put(0, HASH_UNKNOWN, "no hasher"));
	wait_for_done(1);
	join(0);
	assert_true(put(0, HASH_KNOWN, "silent"));
	assert_true(put(1, HASH_KNOWN, "behind"));
	wait_for_work(0, "silent");
	wait_for_done(3);
	assert_non_null(strstr(t.done, "no hasher temp,"));
	assert_non_null(strstr(t.done, "silent temp,"));
	assert_non_null(strstr(t.done, "behind temp,"));
	/* a late answer is nobody's; then it may work again */
	t.pool.deadline_ms = HASH_DEADLINE_MS;
	assert_true(put(2, HASH_KNOWN, "next"));
	say(0, OK);
	wait_for_work(0, "next");
	say(0, DENIED);
	wait_for_done(4);
	assert_non_null(strstr(t.done, ",next denied,"));
}

/* A07: an answer goes to the job that was asked, whatever comes in between. */
static void test_an_answer_is_its_own_jobs(void **state)
{
	const struct msg_hash_checked m = {.result = OK};

	(void)state;
	join(0);
	assert_true(put(0, HASH_KNOWN, "old"));
	wait_for_work(0, "old");
	hash_cancel(&t.jobs[0]);
	assert_true(put(1, HASH_KNOWN, "new"));
	/* not given to it before it has answered the one that is gone */
	say(0, OK);
	wait_for_work(0, "new");
	assert_int_equal(t.done_count, 0);
	/* the same answer again, and one of another number */
	channel_send(t.theirs[0], hash_checked, HASH_CHECKED, t.id[0] - 1, &m,
		-1);
	channel_send(t.theirs[0], hash_checked, HASH_CHECKED, t.id[0] + 1, &m,
		-1);
	say(0, DENIED);
	wait_for_done(1);
	assert_string_equal(t.done, "new denied,");
}

/* A long command leaves room: its next password waits behind one login. */
static void chain(struct hash_job *job, enum code verdict, struct span keys)
{
	done(job, verdict, keys);
	if (t.done_count < 6) {
		struct hash_job again = {.class = HASH_ADMIN, .is_new = true,
			.password = SPAN("admin"), .done = chain};

		*job = again;
		assert_true(hash_put(&t.pool, job));
	}
}

static void test_a_command_takes_turns_with_logins(void **state)
{
	(void)state;
	join(0);
	t.jobs[0] = (struct hash_job){.class = HASH_ADMIN,
		.password = SPAN("admin"), .done = chain};
	assert_true(hash_put(&t.pool, &t.jobs[0]));
	assert_true(put(1, HASH_UNKNOWN, "one"));
	assert_true(put(2, HASH_UNKNOWN, "two"));
	for (int i = 0; i < 5; i++) {
		wait_for_work(0, i % 2 == 0 ? "admin"
			: i == 1	   ? "one"
					   : "two");
		say(0, OK);
	}
	wait_for_done(5);
	assert_string_equal(t.done, "admin ok,one ok,admin ok,two ok,"
		"admin ok,");
	hash_cancel(&t.jobs[0]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_known_go_first),
		TEST(test_each_has_one_job),
		TEST(test_the_line_is_bounded),
		TEST(test_fresh_go_second),
		TEST(test_a_job_outlives_one_hasher),
		TEST(test_nobody_waits_for_ever),
		TEST(test_an_answer_is_its_own_jobs),
		TEST(test_a_command_takes_turns_with_logins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
