/*
 * test_store.c - every verb of the store, on a real file.
 */
#include "verify.h"

#include <fcntl.h>
#include <sys/wait.h>

static void assert_message(struct fixture *f, uint64_t message,
	struct span want)
{
	struct buf got;

	buf_init(&got, 8u << 20);
	assert_int_equal(read_message(f, message, &got), OK);
	assert_int_equal(buf_len(&got), want.n);
	assert_memory_equal(buf_span(&got).p, want.p, want.n);
	buf_clear(&got);
}

/* ---- deliveries ---------------------------------------------------------- */
static void delivers_byte_for_byte(void **state)
{
	struct fixture *f = *state;
	uint64_t uid = 0;
	struct store_list l;

	assert_int_equal(deliver(f, 1, BODY, &uid), OK);
	assert_int_equal(uid, 1);
	assert_int_equal(store_message_list(f->store, store_inbox(f->store),
		&l, &f->e), OK);
	assert_int_equal(l.count, 1);
	assert_int_equal(l.items[0].uid, 1);
	assert_int_equal(l.items[0].size, sizeof(HEAD) - 1 + BODY.n);
	assert_int_equal(l.bytes, l.items[0].size);
	assert_int_equal(store_used_bytes(f->store), l.bytes);
	assert_message(f, l.items[0].message,
		SPAN(HEAD "Subject: pickles\r\n\r\nDo you like ketchup?\r\n"
			  ".\r\n"));
	store_list_clear(&l);
	assert_int_equal(broken(f), 0);
}

static void delivers_once(void **state)
{
	struct fixture *f = *state;
	uint64_t uid = 0;

	assert_int_equal(deliver(f, 5, BODY, &uid), OK);
	assert_int_equal(deliver(f, 6, BODY, &uid), OK);
	assert_int_equal(uid, 2);
	assert_int_equal(deliver(f, 5, BODY, &uid), EXISTS);
	assert_int_equal(uid, 1);
	/* and after a crash and a restart as well */
	reopen(f);
	assert_int_equal(deliver(f, 6, BODY, &uid), EXISTS);
	assert_int_equal(uid, 2);
	assert_int_equal(count_of(f), 2);
	assert_int_equal(broken(f), 0);
}

static void delivers_each_recipient(void **state)
{
	struct fixture *f = *state;
	struct sha256 sum;
	struct store_delivery d = delivery_of(5, BODY, &sum);
	uint64_t uid = 0;

	assert_int_equal(store_delivery_begin(f->store, &f->e), OK);
	assert_int_equal(store_delivery_add(f->store, &d, &uid, &f->e), OK);
	d.idx = 1;
	assert_int_equal(store_delivery_add(f->store, &d, &uid, &f->e), OK);
	assert_int_equal(uid, 2);
	/* the same twice in one batch */
	assert_int_equal(store_delivery_add(f->store, &d, &uid, &f->e),
		EXISTS);
	assert_int_equal(uid, 2);
	assert_int_equal(store_delivery_commit(f->store, &f->e), OK);
	assert_int_equal(count_of(f), 2);
}

static void rolls_back(void **state)
{
	struct fixture *f = *state;
	struct sha256 sum;
	struct store_delivery d = delivery_of(5, BODY, &sum);
	uint64_t uid = 0;

	assert_int_equal(store_delivery_begin(f->store, &f->e), OK);
	assert_int_equal(store_delivery_add(f->store, &d, &uid, &f->e), OK);
	store_delivery_rollback(f->store);
	assert_int_equal(store_used_bytes(f->store), 0);
	assert_int_equal(count_of(f), 0);
	assert_int_equal(deliver(f, 5, BODY, &uid), OK);
	assert_int_equal(uid, 1);
	assert_int_equal(broken(f), 0);
}

/* What was committed is there without any close: kill -9 in a child. */
static void survives_kill(void **state)
{
	struct fixture *f = *state;
	uint64_t uid = 0;
	pid_t child;

	store_close(f->store);
	f->store = NULL;
	child = fork();
	if (child == 0) {
		struct sha256 sum;
		struct store_delivery d = delivery_of(9, BODY, &sum);

		fixture_open(f);
		if (deliver(f, 8, BODY, &uid) != OK ||
			store_delivery_begin(f->store, &f->e) != OK ||
			store_delivery_add(f->store, &d, &uid, &f->e) != OK)
			_exit(1);
		_exit(0); /* without commit, without close */
	}
	assert_true(child > 0);
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	fixture_open(f);
	assert_int_equal(count_of(f), 1);
	assert_int_equal(deliver(f, 8, BODY, &uid), EXISTS);
	assert_int_equal(deliver(f, 9, BODY, &uid), OK);
	assert_int_equal(uid, 2);
	assert_int_equal(broken(f), 0);
}

static void refuses_wrong_bytes(void **state)
{
	struct fixture *f = *state;
	struct sha256 sum;
	struct store_delivery d = delivery_of(5, BODY, &sum);
	uint64_t uid = 0;

	d.body = SPAN("not what was queued");
	d.size = d.body.n;
	assert_int_equal(store_delivery_begin(f->store, &f->e), OK);
	assert_int_equal(store_delivery_add(f->store, &d, &uid, &f->e),
		CORRUPT);
	d.size = 1;
	assert_int_equal(store_delivery_add(f->store, &d, &uid, &f->e),
		CORRUPT);
	assert_int_equal(store_delivery_commit(f->store, &f->e), OK);
	assert_int_equal(count_of(f), 0);
	assert_int_equal(broken(f), 0);
	/* the key is free for the right bytes */
	assert_int_equal(deliver(f, 5, BODY, &uid), OK);
}

static void keeps_lines_whole(void **state)
{
	struct fixture *f = *state;
	struct sha256 sum;
	struct store_delivery d = delivery_of(5, SPAN(""), &sum);
	uint64_t uid = 0;

	d.reverse_path = SPAN("a@b\r\nX-Forged: yes");
	d.rcpt = SPAN_EMPTY;
	assert_int_equal(store_delivery_begin(f->store, &f->e), OK);
	assert_int_equal(store_delivery_add(f->store, &d, &uid, &f->e), OK);
	assert_int_equal(store_delivery_commit(f->store, &f->e), OK);
	assert_message(f, 1,
		SPAN("Return-Path: <a@bX-Forged: yes>\r\n"
		     "Received: by here\r\n"));
	assert_int_equal(broken(f), 0);
}

/* ---- large bodies ------------------------------------------------------------ */
static struct span large_body(size_t n)
{
	uint8_t *p = mem_new(n, 1);

	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(i * 31 + i / 251);
	return span_of(p, n);
}

static void check_large(struct fixture *f, uint64_t qid, size_t n, bool by_fd)
{
	struct span body = large_body(n);
	struct sha256 sum;
	struct store_delivery d = delivery_of(qid, body, &sum);
	struct buf want;
	uint64_t uid = 0;
	char path[] = "/tmp/test-spool-XXXXXX";

	if (by_fd) {
		d.fd = mkstemp(path);
		assert_int_equal(write(d.fd, body.p, body.n), body.n);
		d.body = SPAN_EMPTY;
	}
	assert_int_equal(store_delivery_begin(f->store, &f->e), OK);
	assert_int_equal(store_delivery_add(f->store, &d, &uid, &f->e), OK);
	assert_int_equal(store_delivery_commit(f->store, &f->e), OK);
	if (by_fd) {
		close(d.fd);
		unlink(path);
	}
	buf_init(&want, 8u << 20);
	buf_puts(&want, HEAD);
	buf_put(&want, body);
	assert_message(f, uid, buf_span(&want));
	buf_clear(&want);
	mem_free((void *)(uintptr_t)body.p);
}

static void delivers_large_bodies(void **state)
{
	struct fixture *f = *state;

	check_large(f, 1, STORE_SMALL_BYTES, false);
	check_large(f, 2, STORE_SMALL_BYTES + 1, false);
	check_large(f, 3, STORE_PIECE_BYTES, false);
	check_large(f, 4, 1000, true);
	check_large(f, 5, STORE_PIECE_BYTES * 2, true);
	check_large(f, 6, STORE_PIECE_BYTES * 3 + 17, true);
	assert_int_equal(broken(f), 0);
}

static void refuses_short_spool(void **state)
{
	struct fixture *f = *state;
	struct span body = large_body(600000);
	struct sha256 sum;
	struct store_delivery d = delivery_of(1, body, &sum);
	char path[] = "/tmp/test-spool-XXXXXX";
	uint64_t uid = 0;

	d.fd = mkstemp(path);
	unlink(path);
	assert_int_equal(write(d.fd, body.p, 500000), 500000);
	assert_int_equal(store_delivery_begin(f->store, &f->e), OK);
	assert_int_equal(store_delivery_add(f->store, &d, &uid, &f->e),
		CORRUPT);
	/* as long as promised, but one byte differs */
	assert_int_equal(pwrite(d.fd, body.p, body.n, 0), body.n);
	assert_int_equal(pwrite(d.fd, "X", 1, 400000), 1);
	assert_int_equal(store_delivery_add(f->store, &d, &uid, &f->e),
		CORRUPT);
	assert_int_equal(store_delivery_commit(f->store, &f->e), OK);
	close(d.fd);
	mem_free((void *)(uintptr_t)body.p);
	assert_int_equal(broken(f), 0);
	assert_int_equal(store_used_bytes(f->store), 0);
}

/* ---- quota ----------------------------------------------------------------------- */
static void keeps_the_quota(void **state)
{
	struct fixture *f = *state;
	size_t each = sizeof(HEAD) - 1 + BODY.n;
	uint64_t uid = 0;

	assert_false(store_is_full(f->store));
	store_set_quota(f->store, 2 * each);
	assert_int_equal(deliver(f, 1, BODY, &uid), OK);
	assert_int_equal(deliver(f, 2, BODY, &uid), OK);
	assert_int_equal(deliver(f, 3, BODY, &uid), FULL);
	assert_true(store_is_full(f->store));
	/* what was delivered is not refused afterwards */
	assert_int_equal(deliver(f, 2, BODY, &uid), EXISTS);
	assert_int_equal(uid, 2);
	assert_int_equal(broken(f), 0);
	uid = 1;
	assert_int_equal(store_messages_expunge(f->store,
		store_inbox(f->store), &uid, 1, &f->e), OK);
	assert_int_equal(store_used_bytes(f->store), each);
	assert_int_equal(deliver(f, 3, BODY, &uid), OK);
	store_set_quota(f->store, 1u << 20);
	assert_false(store_is_full(f->store));
}

/* ---- forget -------------------------------------------------------------------------- */
/* A limit of messages, copies too; what is expunged makes room. */
static void keeps_the_limit_of_messages(void **state)
{
	struct fixture *f = *state;
	uint64_t uid = 0;

	store_set_message_limit(f->store, 2);
	assert_int_equal(deliver(f, 1, BODY, &uid), OK);
	assert_false(store_is_full(f->store));
	assert_int_equal(deliver(f, 2, BODY, &uid), OK);
	assert_true(store_is_full(f->store));
	assert_int_equal(deliver(f, 3, BODY, &uid), FULL);
	/* one that came before the limit was reached did come */
	assert_int_equal(deliver(f, 2, BODY, &uid), EXISTS);
	assert_int_equal(store_messages(f->store), 2);
	assert_int_equal(store_messages_expunge(f->store,
		store_inbox(f->store), &uid, 1, &f->e), OK);
	assert_int_equal(deliver(f, 3, BODY, &uid), OK);
	assert_int_equal(broken(f), 0);
}

static void forgets(void **state)
{
	struct fixture *f = *state;
	static const uint64_t qids[] = {12};
	uint64_t uid = 0;

	for (uint64_t qid = 9; qid <= 13; qid++)
		assert_int_equal(deliver(f, qid, BODY, &uid), OK);
	assert_int_equal(store_forget(f->store, 11, qids, 1, &f->e), OK);
	assert_int_equal(deliver(f, 11, BODY, &uid), EXISTS);
	assert_int_equal(deliver(f, 13, BODY, &uid), EXISTS);
	assert_int_equal(deliver(f, 12, BODY, &uid), OK);
	assert_int_equal(deliver(f, 10, BODY, &uid), OK);
}

static void forgets_in_a_batch(void **state)
{
	struct fixture *f = *state;
	uint64_t uid = 0;

	assert_int_equal(deliver(f, 1, BODY, &uid), OK);
	assert_int_equal(store_delivery_begin(f->store, &f->e), OK);
	assert_int_equal(store_forget(f->store, 2, NULL, 0, &f->e), OK);
	store_delivery_rollback(f->store);
	assert_int_equal(deliver(f, 1, BODY, &uid), EXISTS);
	assert_int_equal(store_delivery_begin(f->store, &f->e), OK);
	assert_int_equal(store_forget(f->store, 2, NULL, 0, &f->e), OK);
	assert_int_equal(store_delivery_commit(f->store, &f->e), OK);
	reopen(f);
	assert_int_equal(deliver(f, 1, BODY, &uid), OK);
}

/* ---- expunge ------------------------------------------------------------------------- */
static void expunges(void **state)
{
	struct fixture *f = *state;
	static const uint64_t uids[] = {2, 4, 4, 77};
	struct store_list l;
	struct buf got;
	uint64_t uid = 0;

	for (uint64_t qid = 1; qid <= 4; qid++)
		assert_int_equal(deliver(f, qid, BODY, &uid), OK);
	assert_int_equal(store_messages_expunge(f->store,
		store_inbox(f->store), uids, 4, &f->e), OK);
	assert_int_equal(store_message_list(f->store, store_inbox(f->store),
		&l, &f->e), OK);
	assert_int_equal(l.count, 2);
	assert_int_equal(l.items[0].uid, 1);
	assert_int_equal(l.items[1].uid, 3);
	store_list_clear(&l);
	buf_init(&got, 1u << 20);
	assert_int_equal(read_message(f, 2, &got), NOT_FOUND);
	buf_clear(&got);
	assert_int_equal(broken(f), 0);
	/* uids and ids are never given out again, not even the last ones */
	reopen(f);
	assert_int_equal(deliver(f, 9, BODY, &uid), OK);
	assert_int_equal(uid, 5);
	assert_message(f, 5, SPAN(HEAD "Subject: pickles\r\n\r\n"
				  "Do you like ketchup?\r\n.\r\n"));
	assert_int_equal(broken(f), 0);
}

/* ---- foreign and damaged files ------------------------------------------------------- */
static void refuses_another_account(void **state)
{
	struct fixture *f = *state;
	struct store *other = NULL;
	uint64_t uid;

	assert_int_equal(deliver(f, 1, BODY, &uid), OK);
	store_close(f->store);
	f->store = NULL;
	assert_int_equal(store_open(f->path, FIXTURE_ACCOUNT + 1, 0, &other,
		&f->e), CORRUPT);
	fixture_open(f);
	tamper(f, "UPDATE mailbox SET uidnext = 9");
	store_close(f->store);
	f->store = NULL;
	sqlite3 *db;
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version=99", NULL, NULL,
		NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_int_equal(store_open(f->path, FIXTURE_ACCOUNT, 0, &other,
		&f->e), CORRUPT);
	assert_null(other);
}

static void refuses_a_second_opener(void **state)
{
	struct fixture *f = *state;
	struct store *other = NULL;

	assert_int_equal(store_open(f->path, FIXTURE_ACCOUNT, 0, &other,
		&f->e), BUSY);
	assert_null(other);
}

/* ---- birth ------------------------------------------------------------------------- */
static void write_file(const char *path, struct span bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes.p, bytes.n), bytes.n);
	close(fd);
}

static struct span beside(const struct fixture *f, const char *end,
	char path[128])
{
	(void)snprintf(path, 128, "%s%s", f->path, end);
	return span_str(path);
}

/* The name of the store is that of its first transaction. */
static void is_born_with_the_first_message(void **state)
{
	struct fixture *f = *state;
	uint8_t uuid[16];
	uint64_t uid;

	reopen(f);
	assert_int_equal(count_of(f), 0);
	assert_int_equal(broken(f), 0);
	memcpy(uuid, store_uuid(f->store).p, sizeof(uuid));
	rolls_back(state);
	reopen(f);
	assert_memory_equal(store_uuid(f->store).p, uuid, sizeof(uuid));
	assert_int_equal(deliver(f, 6, BODY, &uid), OK);
	assert_int_equal(uid, 2);
	assert_int_equal(broken(f), 0);
}

/* A file that lost its account is not a new one. */
static void refuses_a_lost_account(void **state)
{
	struct fixture *f = *state;
	struct store *again = NULL;
	uint64_t uid;

	assert_int_equal(deliver(f, 1, BODY, &uid), OK);
	change(f, "DELETE FROM account");
	assert_int_equal(store_open(f->path, FIXTURE_ACCOUNT, 0, &again, &f->e),
		CORRUPT);
	assert_null(again);
}

/* What an end in the middle of a birth leaves, and the log of another file. */
static void is_born_again(void **state)
{
	struct fixture *f = *state;
	char path[128];
	uint64_t uid;

	assert_int_equal(deliver(f, 1, BODY, &uid), OK);
	store_close(f->store);
	f->store = NULL;
	assert_int_equal(unlink(f->path), 0);
	write_file(f->path, SPAN(""));
	write_file((const char *)beside(f, ".new", path).p, SPAN("half"));
	fixture_open(f);
	assert_int_equal(count_of(f), 0);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(deliver(f, 2, BODY, &uid), OK);
	assert_int_equal(uid, 1);
	assert_int_equal(broken(f), 0);
}

/* A way to damage one message of three, and what is seen of it. */
static const struct damage {
	const char *sql;
	enum code read; /* of message 2 */
	unsigned invariants;
} damages[] = {
	{"UPDATE message SET message = 9 WHERE message = 2;"
	 "UPDATE body SET message = 9 WHERE message = 2",
		NOT_FOUND, 1u << 2 | 1u << 5 | 1u << 6 | 1u << 8},
	{"UPDATE account SET uuid = x'00112233445566778899aabbccddeeff'",
		CORRUPT, 1u << 8},
	{"UPDATE message SET tag = (SELECT tag FROM message WHERE message = 1)"
	 " WHERE message = 2", CORRUPT, 1u << 8},
	{"UPDATE message SET head = cast('Return-Path: <eve@x>' as blob) WHERE message = 2",
		CORRUPT, 1u << 7 | 1u << 8},
	{"UPDATE body SET content = cast('Subject: ketchup' || "
	 "substr(cast(content as text), 17) as blob) WHERE message = 2",
		CORRUPT, 1u << 8},
	{"UPDATE body SET content = x'00' WHERE message = 2", CORRUPT,
		1u << 7 | 1u << 8},
	{"UPDATE body SET piece = 1 WHERE message = 2", NOT_FOUND, 1u << 7},
	{"DELETE FROM body WHERE message = 2", NOT_FOUND, 1u << 7},
	{"DELETE FROM message WHERE message = 2", NOT_FOUND,
		1u << 5 | 1u << 10 | 1u << 13},
	{"DELETE FROM entry WHERE uid = 2", OK, 1u << 6 | 1u << 11},
	{"UPDATE account SET next_message = 2", OK, 1u << 2},
	{"UPDATE account SET next_mailbox = 1", OK, 1u << 2},
	{"UPDATE mailbox SET uidnext = 3", OK, 1u << 3},
	{"UPDATE mailbox SET highestmodseq = 3", OK, 1u << 4},
	{"UPDATE account SET modseq = 3", OK, 1u << 4},
	{"UPDATE account SET used_bytes = 1", OK, 1u << 10},
	{"UPDATE mailbox SET entries = 1", OK, 1u << 11},
	{"INSERT INTO tombstone VALUES (7, 1, 2, 2, 3)", OK, 1u << 9},
	{"INSERT INTO account VALUES (8, x'00', 0, 1, 2, 1, 1, 1, 0, 1)", OK,
		1u << 1},
	{"INSERT INTO annotation VALUES (7, 9, '/private/comment', x'00')", OK,
		1u << 23},
	{"INSERT INTO annotation VALUES (7, 0, '/private/comment', x'00')", OK,
		0},
	{"INSERT INTO annotation VALUES (7, 0, '/Private/comment', x'00')", OK,
		1u << 25},
	{"INSERT INTO annotation VALUES (7, 0, 'private', x'00')", OK,
		1u << 25},
	{"INSERT INTO annotation VALUES (7, 0, '/a', zeroblob(65537))", OK,
		1u << 25},
	{"UPDATE account SET unsigned_message = 4;"
	 "INSERT INTO signature VALUES (7, 5, x'00')", OK, 1u << 24},
	{"INSERT INTO signature VALUES (7, 2, x'00')", OK, 1u << 24},
	{"UPDATE account SET unsigned_message = 5", OK, 1u << 24},
};

static void finds_damage(void **state)
{
	struct buf got;

	(void)state;
	buf_init(&got, 1u << 20);
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		const struct damage *d = &damages[i];
		struct fixture f = {0};
		uint64_t uid = 0;
		unsigned seen;

		fixture_path(&f);
		fixture_open(&f);
		for (uint64_t qid = 1; qid <= 3; qid++)
			assert_int_equal(deliver(&f, qid, BODY, &uid), OK);
		tamper(&f, d->sql);
		if (read_message(&f, 2, &got) != d->read)
			fail_msg("%s: read differs", d->sql);
		seen = broken(&f);
		if (seen != d->invariants)
			fail_msg("%s: %#x, not %#x", d->sql, seen,
				d->invariants);
		fixture_remove(&f);
	}
	buf_clear(&got);
}

/* Two stores of the same shape, and the files change places (F17 of the faults
 * we know): the owner sees that the messages are not its own. */
static void finds_a_swapped_message(void **state)
{
	struct fixture *f = *state;
	struct fixture other = {0};
	struct buf got;
	char sql[256];
	uint64_t uid = 0;

	fixture_path(&other);
	fixture_open(&other);
	assert_int_equal(deliver(f, 1, BODY, &uid), OK);
	assert_int_equal(deliver(&other, 1, SPAN("another's\r\n"), &uid), OK);
	store_close(other.store);
	other.store = NULL;
	(void)snprintf(sql, sizeof(sql),
		"ATTACH '%s' AS o; DELETE FROM message; DELETE FROM body;"
		"INSERT INTO message SELECT * FROM o.message;"
		"INSERT INTO body SELECT * FROM o.body", other.path);
	tamper(f, sql);
	buf_init(&got, 1u << 20);
	assert_int_equal(read_message(f, 1, &got), CORRUPT);
	buf_clear(&got);
	assert_true(broken(f) & 1u << 8);
	fixture_remove(&other);
}

static void finds_a_damaged_piece(void **state)
{
	struct fixture *f = *state;
	struct buf got;

	check_large(f, 1, STORE_PIECE_BYTES * 2 + 5, false);
	tamper(f, "UPDATE body SET content = x'0102030405' WHERE piece = 2");
	buf_init(&got, 1u << 20);
	assert_int_equal(read_message(f, 1, &got), CORRUPT);
	tamper(f, "DELETE FROM body WHERE piece = 1");
	assert_int_equal(read_message(f, 1, &got), CORRUPT);
	buf_clear(&got);
	assert_int_equal(broken(f), 1u << 7 | 1u << 8);
}

static void tidies(void **state)
{
	struct fixture *f = *state;
	uint64_t uid = 0;

	assert_int_equal(deliver(f, 1, BODY, &uid), OK);
	store_tidy(f->store);
	assert_int_equal(deliver(f, 2, BODY, &uid), OK);
	reopen(f);
	assert_int_equal(count_of(f), 2);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {T(delivers_byte_for_byte),
		T(delivers_once), T(delivers_each_recipient), T(rolls_back),
		T(survives_kill), T(refuses_wrong_bytes), T(keeps_lines_whole),
		T(delivers_large_bodies), T(refuses_short_spool),
		T(keeps_the_quota), T(keeps_the_limit_of_messages), T(forgets), T(forgets_in_a_batch),
		T(expunges), T(refuses_another_account),
		T(is_born_with_the_first_message), T(refuses_a_lost_account),
		T(is_born_again), T(refuses_a_second_opener), cmocka_unit_test(finds_damage),
		T(finds_a_swapped_message), T(finds_a_damaged_piece),
		T(tidies)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
