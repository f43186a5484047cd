/*
 * test_store_thread.c - which messages are a conversation.  RFC 8621 3
 */
#include "verify.h"

static uint64_t thread_of(struct fixture *f, uint64_t message)
{
	struct store_meta m;
	struct arena a;

	arena_init(&a, STORE_META_ARENA_BYTES);
	if (store_message_meta(f->store, message, &a, &m, &f->e) != OK)
		fail_msg("%s", f->e.text);
	arena_clear(&a);
	assert_true(m.thread > 0);
	return m.thread;
}

static uint64_t put(struct fixture *f, const char *fields)
{
	static uint64_t qid;
	char text[4096];
	uint64_t uid = 0;
	int n = snprintf(text, sizeof(text), "%s\r\nhello\r\n", fields);

	assert_true(n > 0 && (size_t)n < sizeof(text));
	assert_int_equal(deliver(f, ++qid, span_of(text, (size_t)n), &uid), OK);
	return thread_of(f, uid); /* the first uid is 1, and so is the id */
}

static int64_t references_of(struct fixture *f)
{
	sqlite3 *db;
	sqlite3_stmt *q;
	int64_t n;

	store_close(f->store);
	f->store = NULL;
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db,
		"SELECT count(*) FROM thread_reference", -1, &q, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	n = sqlite3_column_int64(q, 0);
	assert_int_equal(sqlite3_finalize(q), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	fixture_open(f);
	return n;
}

#define MESSAGES_MAX 4

/* Messages in the order in which they come, and their threads: the same letter
 * is the same thread. */
static const struct {
	const char *name;
	const char *threads;
	const char *fields[MESSAGES_MAX];
} rows[] = {
	{"an answer", "aa", {
		"Message-ID: <1@x>\r\nSubject: ketchup\r\n",
		"Message-ID: <2@x>\r\nIn-Reply-To: <1@x>\r\n"
		"Subject: Re: ketchup\r\n"}},
	{"an answer that comes first", "aa", {
		"Message-ID: <2@x>\r\nReferences: <1@x>\r\n"
		"Subject: Re: ketchup\r\n",
		"Message-ID: <1@x>\r\nSubject: ketchup\r\n"}},
	{"two answers to what never came", "aa", {
		"Message-ID: <2@x>\r\nReferences: <1@x>\r\nSubject: k\r\n",
		"Message-ID: <3@x>\r\nIn-Reply-To: <1@x>\r\nSubject: k\r\n"}},
	{"another subject", "aba", {
		"Message-ID: <1@x>\r\nSubject: ketchup\r\n",
		"Message-ID: <2@x>\r\nIn-Reply-To: <1@x>\r\n"
		"Subject: mustard\r\n",
		"Message-ID: <3@x>\r\nIn-Reply-To: <2@x>\r\n"
		"References: <1@x> <2@x>\r\nSubject: Re: ketchup\r\n"}},
	{"answers to the other subject", "abb", {
		"Message-ID: <1@x>\r\nSubject: ketchup\r\n",
		"Message-ID: <2@x>\r\nIn-Reply-To: <1@x>\r\n"
		"Subject: mustard\r\n",
		"Message-ID: <3@x>\r\nReferences: <1@x> <2@x>\r\n"
		"Subject: Re: mustard\r\n"}},
	{"what is added to a subject", "aaaa", {
		"Message-ID: <1@x>\r\nSubject: the ketchup\r\n",
		"Message-ID: <2@x>\r\nIn-Reply-To: <1@x>\r\n"
		"Subject: [list] Re: The  Ketchup\r\n",
		"Message-ID: <3@x>\r\nIn-Reply-To: <1@x>\r\n"
		"Subject: Fwd: =?utf-8?q?the_ketchup?= (fwd)\r\n",
		"Message-ID: <4@x>\r\nIn-Reply-To: <1@x>\r\n"
		"Subject: Re: the\r\n ketchup\r\n"}},
	{"the same subject alone", "ab", {
		"Message-ID: <1@x>\r\nSubject: ketchup\r\n",
		"Message-ID: <2@x>\r\nSubject: Re: ketchup\r\n"}},
	{"the same id again", "aab", {
		"Message-ID: <1@x>\r\nSubject: ketchup\r\n",
		"Message-ID: <1@x>\r\nSubject: ketchup\r\n",
		"Message-ID: <1@x>\r\nSubject: mustard\r\n"}},
	{"a circle", "aaa", {
		"Message-ID: <1@x>\r\nReferences: <3@x>\r\nSubject: k\r\n",
		"Message-ID: <2@x>\r\nReferences: <1@x>\r\nSubject: k\r\n",
		"Message-ID: <3@x>\r\nReferences: <2@x> <3@x> <3@x>\r\n"
		"Subject: k\r\n"}},
	{"no ids at all", "abc", {
		"Subject: k\r\n", "Subject: k\r\n", "From: <a@x>\r\n"}},
	{"no subjects", "aab", {
		"Message-ID: <1@x>\r\n",
		"Message-ID: <2@x>\r\nIn-Reply-To: <1@x>\r\nSubject: Re:\r\n",
		"Message-ID: <3@x>\r\n"}},
	{"one that belongs to two joins the older", "abab", {
		"Message-ID: <1@x>\r\nSubject: k\r\n",
		"Message-ID: <2@x>\r\nSubject: k\r\n",
		"Message-ID: <3@x>\r\nReferences: <2@x> <1@x>\r\n"
		"Subject: k\r\n",
		"Message-ID: <4@x>\r\nIn-Reply-To: <2@x>\r\nSubject: k\r\n"}},
};

static void finds_conversations(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture f = {0};
		uint64_t threads[MESSAGES_MAX] = {0};
		size_t n = strlen(rows[i].threads);

		fixture_path(&f);
		fixture_open(&f);
		for (size_t k = 0; k < n; k++)
			threads[k] = put(&f, rows[i].fields[k]);
		for (size_t k = 0; k < n; k++)
			for (size_t j = 0; j < k; j++)
				if ((threads[k] == threads[j]) !=
					(rows[i].threads[k] ==
						rows[i].threads[j]))
					fail_msg("%s: %zu and %zu",
						rows[i].name, j, k);
		assert_int_equal(broken(&f), 0);
		fixture_remove(&f);
	}
}

/* A thread is known by its first message and the nearest ones: what lies
 * between may be longer than anybody looks. */
static void looks_at_both_ends_of_a_long_list(void **state)
{
	struct fixture *f = *state;
	char text[4000];
	size_t n;
	uint64_t first = put(f, "Message-ID: <first@x>\r\nSubject: k\r\n");
	uint64_t last = put(f, "Message-ID: <last@x>\r\nSubject: k\r\n");
	uint64_t middle = put(f, "Message-ID: <100@x>\r\nSubject: k\r\n");

	for (int i = 0; i < 2; i++) {
		n = (size_t)snprintf(text, sizeof(text),
			"Message-ID: <new%d@x>\r\nSubject: k\r\nReferences:%s",
			i, i == 0 ? " <first@x>" : "");
		for (int k = 0; k < 200; k++)
			n += (size_t)snprintf(text + n, sizeof(text) - n,
				"\r\n <%d@x>", i * 1000 + k);
		(void)snprintf(text + n, sizeof(text) - n, "%s\r\n",
			i == 0 ? "" : " <last@x>");
		assert_int_equal(put(f, text), i == 0 ? first : last);
	}
	assert_int_equal(thread_of(f, 3), middle);
	/* three ids, twice 32 less one that is there, and no more */
	assert_int_equal(references_of(f), 3 + 31 + 31);
	assert_int_equal(broken(f), 0);
}

/* Many messages, one thread: each costs what the first did. */
static void does_not_mind_a_crowd(void **state)
{
	struct fixture *f = *state;
	uint64_t first = 0;

	assert_int_equal(store_delivery_begin(f->store, &f->e), OK);
	for (uint64_t i = 0; i < 3000; i++) {
		char text[256];
		struct sha256 sum;
		struct store_delivery d;
		uint64_t uid;
		int n = snprintf(text, sizeof(text), "Message-ID: <same@x>\r\n"
			"References: <same@x> <%llu@x>\r\nSubject: k\r\n\r\n",
			(unsigned long long)(i / 2));

		d = delivery_of(i, span_of(text, (size_t)n), &sum);
		assert_int_equal(store_delivery_add(f->store, &d, &uid, &f->e),
			OK);
	}
	assert_int_equal(store_delivery_commit(f->store, &f->e), OK);
	first = thread_of(f, 1);
	for (uint64_t i = 1; i <= 3000; i += 100)
		assert_int_equal(thread_of(f, i), first);
	assert_int_equal(references_of(f), 1501);
	assert_int_equal(broken(f), 0);
}

static void goes_with_its_last_message(void **state)
{
	struct fixture *f = *state;
	uint64_t uids[] = {1, 2}, other, old;

	old = put(f, "Message-ID: <1@x>\r\nSubject: k\r\n");
	assert_int_equal(put(f, "Message-ID: <2@x>\r\nReferences: <1@x>\r\n"
				"Subject: k\r\n"), old);
	other = put(f, "Message-ID: <3@x>\r\nSubject: k\r\n");
	assert_int_equal(store_messages_expunge(f->store, store_inbox(f->store),
		&uids[0], 1, &f->e), OK);
	assert_int_equal(references_of(f), 3);
	/* the one that is left still tells of the one that went */
	assert_int_equal(put(f, "Message-ID: <4@x>\r\nReferences: <1@x>\r\n"
				"Subject: k\r\n"), old);
	uids[0] = 4;
	assert_int_equal(store_messages_expunge(f->store, store_inbox(f->store),
		uids, 2, &f->e), OK);
	assert_int_equal(references_of(f), 1);
	assert_int_equal(broken(f), 0);
	old = put(f, "Message-ID: <2@x>\r\nSubject: k\r\n");
	assert_true(old > other); /* a number is never used again */
	assert_int_equal(broken(f), 0);
}

/* A number that was given out in a batch that failed is not lost, and no row of
 * it stays. */
static void is_rolled_back_with_its_message(void **state)
{
	struct fixture *f = *state;
	struct span body = SPAN("Message-ID: <1@x>\r\nSubject: k\r\n\r\n");
	struct sha256 sum;
	struct store_delivery d = delivery_of(1000000, body, &sum);
	uint64_t uid, thread;

	assert_int_equal(store_delivery_begin(f->store, &f->e), OK);
	assert_int_equal(store_delivery_add(f->store, &d, &uid, &f->e), OK);
	store_delivery_rollback(f->store);
	assert_int_equal(references_of(f), 0);
	thread = put(f, "Message-ID: <2@x>\r\nSubject: k\r\n");
	assert_int_equal(thread, 1);
	assert_int_equal(broken(f), 0);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {cmocka_unit_test(finds_conversations),
		T(looks_at_both_ends_of_a_long_list), T(does_not_mind_a_crowd),
		T(goes_with_its_last_message),
		T(is_rolled_back_with_its_message)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
