#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/db.h"
#include "dies.h"

static char folder[] = "/tmp/postrider-db-XXXXXX";
static char path[64];
static struct db *db;
static struct err e;

static void open_db(void)
{
	e.text[0] = '\0';
	if (db_open(path, &db, &e) != OK)
		fail_msg("%s", e.text);
}

static void begin_folder(void)
{
	(void)memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/try.db", folder);
}

static int begin(void **state)
{
	(void)state;
	begin_folder();
	open_db();
	assert_int_equal(db_script(db,
				 "CREATE TABLE t(a INTEGER PRIMARY KEY,"
				 " b BLOB UNIQUE, c TEXT) STRICT;"
				 "CREATE TABLE child(a INTEGER NOT NULL"
				 " REFERENCES t(a)) STRICT", &e),
		OK);
	return 0;
}

static void remove_file(const char *suffix)
{
	char name[80];

	(void)snprintf(name, sizeof(name), "%s%s", path, suffix);
	(void)unlink(name);
}

static int end(void **state)
{
	(void)state;
	db_close(db);
	db = NULL;
	remove_file("");
	remove_file("-wal");
	remove_file("-shm");
	remove_file("-journal");
	return rmdir(folder);
}

static const char insert[] = "INSERT INTO t(a,b,c) VALUES($1,$2,$3)";
static const char count[] = "SELECT count(*) FROM t";

static enum code put(int64_t a, struct span b)
{
	struct db_stmt *s = db_stmt(db, insert);

	db_bind_i64(s, 1, a);
	db_bind_blob(s, 2, b);
	db_bind_text(s, 3, SPAN("text"));
	return db_run(s, &e);
}

static int64_t rows(void)
{
	struct db_stmt *s = db_stmt(db, count);
	int64_t n;

	assert_int_equal(db_step(s, &e), OK);
	n = db_i64(s, 0);
	db_reset(s);
	return n;
}

/* The promise of "250" stands on these. */
static void test_settings_hold(void **state)
{
	static const struct {
		const char *sql;
		int64_t value;
	} numbers[] = {
		{"PRAGMA synchronous", 2},   {"PRAGMA temp_store", 2},
		{"PRAGMA auto_vacuum", 2},   {"PRAGMA foreign_keys", 1},
		{"PRAGMA trusted_schema", 0}, {"PRAGMA secure_delete", 2},
		{"PRAGMA cell_size_check", 1}, {"PRAGMA mmap_size", 0},
		{"PRAGMA wal_autocheckpoint", 512},
		{"PRAGMA journal_size_limit", 4194304},
	};
	struct db_stmt *s;

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		s = db_stmt(db, numbers[i].sql);
		assert_int_equal(db_step(s, &e), OK);
		assert_true(db_i64(s, 0) == numbers[i].value);
		db_reset(s);
	}
	s = db_stmt(db, "PRAGMA journal_mode");
	assert_int_equal(db_step(s, &e), OK);
	assert_true(span_eq(db_bytes(s, 0), SPAN("wal")));
	db_reset(s);
	s = db_stmt(db, "PRAGMA locking_mode");
	assert_int_equal(db_step(s, &e), OK);
	assert_true(span_eq(db_bytes(s, 0), SPAN("exclusive")));
	db_reset(s);
}

static void test_no_shared_memory_file(void **state)
{
	char name[80];
	struct stat st;

	(void)state;
	assert_int_equal(put(1, SPAN("x")), OK);
	(void)snprintf(name, sizeof(name), "%s-shm", path);
	assert_int_equal(stat(name, &st), -1);
	(void)snprintf(name, sizeof(name), "%s-wal", path);
	assert_int_equal(stat(name, &st), 0);
}

static void test_values_come_back(void **state)
{
	static const int64_t numbers[] = {0, 1, -1, INT64_MAX, INT64_MIN};
	struct db_stmt *s;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		s = db_stmt(db, "SELECT $1, $2, $3, $4, NULL");
		db_bind_i64(s, 1, numbers[i]);
		db_bind_blob(s, 2, SPAN("a\0b"));
		db_bind_blob(s, 3, SPAN_EMPTY);
		db_bind_null(s, 4);
		assert_int_equal(db_step(s, &e), OK);
		assert_true(db_i64(s, 0) == numbers[i]);
		assert_true(span_eq(db_bytes(s, 1), SPAN("a\0b")));
		assert_int_equal(db_bytes(s, 2).n, 0);
		assert_false(db_is_null(s, 2));
		assert_true(db_is_null(s, 3) && db_is_null(s, 4));
		assert_true(db_i64(s, 3) == 0);
		assert_int_equal(db_bytes(s, 4).n, 0);
		assert_int_equal(db_step(s, &e), NOT_FOUND);
	}
}

/* $2 before $1, $1 twice, and two digits. */
static void test_parameters_go_by_their_number(void **state)
{
	struct db_stmt *s = db_stmt(db,
		"SELECT $2, $1, $1, $11, $10, $3, $4, $5, $6, $7, $8, $9");

	(void)state;
	for (int i = 1; i <= 11; i++)
		db_bind_i64(s, i, i * 10);
	assert_int_equal(db_step(s, &e), OK);
	assert_true(db_i64(s, 0) == 20 && db_i64(s, 1) == 10);
	assert_true(db_i64(s, 2) == 10 && db_i64(s, 3) == 110);
	assert_true(db_i64(s, 4) == 100 && db_i64(s, 5) == 30);
	db_reset(s);
}

static void test_reset_forgets_what_was_bound(void **state)
{
	struct db_stmt *s = db_stmt(db, "SELECT $1");

	(void)state;
	db_bind_i64(s, 1, 5);
	assert_int_equal(db_step(s, &e), OK);
	db_reset(s);
	assert_int_equal(db_step(s, &e), OK);
	assert_true(db_is_null(s, 0));
	db_reset(s);
}

static void test_a_key_exists(void **state)
{
	(void)state;
	assert_int_equal(put(1, SPAN("x")), OK);
	assert_true(db_changes(db) == 1);
	assert_int_equal(put(1, SPAN("y")), EXISTS);
	assert_int_equal(put(2, SPAN("x")), EXISTS);
	assert_false(db_is_broken(db));
	/* the statement may be used again */
	assert_int_equal(put(2, SPAN("y")), OK);
	assert_true(rows() == 2);
}

/* A missing parent, a NULL where none may be: bugs of ours or a bad file, and
 * not "it is there already", which callers take for success. */
static void test_other_constraints_are_not_exists(void **state)
{
	(void)state;
	assert_int_not_equal(db_script(db, "INSERT INTO child VALUES(99)", &e),
		EXISTS);
	assert_int_not_equal(db_script(db, "INSERT INTO child VALUES(99)", &e),
		OK);
	assert_int_not_equal(db_script(db, "INSERT INTO child VALUES(NULL)",
				     &e),
		EXISTS);
}

static void test_rollback(void **state)
{
	(void)state;
	assert_int_equal(put(1, SPAN("x")), OK);
	assert_false(db_in_transaction(db));
	assert_int_equal(db_begin(db, &e), OK);
	assert_true(db_in_transaction(db));
	assert_int_equal(put(2, SPAN("y")), OK);
	db_rollback(db);
	assert_false(db_in_transaction(db));
	db_rollback(db); /* harmless */
	assert_false(db_is_broken(db));
	assert_true(rows() == 1);
}

static void test_a_second_opener_gets_busy(void **state)
{
	struct db *other = NULL;

	(void)state;
	assert_int_equal(db_open(path, &other, &e), BUSY);
	assert_non_null(strstr(e.text, path));
	assert_int_equal(put(1, SPAN("x")), OK);
	db_close(db);
	open_db();
	assert_true(rows() == 1);
}

static void test_what_was_committed_is_there_after_a_kill(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	db_close(db);
	pid = fork();
	if (pid == 0) {
		open_db();
		if (db_begin(db, &e) != OK || put(1, SPAN("x")) != OK ||
			db_commit(db, &e) != OK || db_begin(db, &e) != OK ||
			put(2, SPAN("y")) != OK)
			_exit(1);
		(void)kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	open_db();
	assert_true(rows() == 1);
}

/* More than SQLite's cache: pages go to the log before the commit, and come
 * back from it, also those that were written a moment ago. */
static void test_a_large_transaction_reads_itself(void **state)
{
	static const char put[] = "INSERT INTO t (a, b) VALUES ($1, $2)";
	static const char get[] = "SELECT a, b FROM t ORDER BY a";
	static uint8_t body[4000];
	struct db_stmt *s = db_stmt(db, put);
	int64_t rows = 0;

	(void)state;
	assert_int_equal(db_begin(db, &e), OK);
	for (int64_t i = 0; i < 1500; i++) {
		(void)memset(body, (int)(i & 255), sizeof(body));
		(void)memcpy(body, &i, sizeof(i));
		db_bind_i64(s, 1, i);
		db_bind_blob(s, 2, span_of(body, sizeof(body)));
		assert_int_equal(db_run(s, &e), OK);
		/* touches old pages, so that new ones are spilled */
		if (i % 100 != 99)
			continue;
		s = db_stmt(db, get);
		for (rows = 0; db_step(s, &e) == OK; rows++) {
			assert_int_equal(db_i64(s, 0), rows);
			assert_int_equal(db_bytes(s, 1).p[sizeof(rows)],
				rows & 255);
		}
		assert_int_equal(rows, i + 1);
		s = db_stmt(db, put);
	}
	assert_int_equal(db_commit(db, &e), OK);
}

/* As many commands on a stopped server do. */
static void test_short_lives_keep_the_log_short(void **state)
{
	static const char put[] = "INSERT INTO t (a, b) VALUES ($1, $2)";
	static uint8_t body[16384];
	char log[80];
	struct stat st;

	(void)state;
	(void)snprintf(log, sizeof(log), "%s-wal", path);
	for (int64_t i = 0; i < 600; i++) {
		struct db_stmt *s = db_stmt(db, put);

		(void)memcpy(body, &i, sizeof(i));
		db_bind_i64(s, 1, i);
		db_bind_blob(s, 2, span_of(body, sizeof(body)));
		assert_int_equal(db_run(s, &e), OK);
		db_close(db);
		open_db();
	}
	assert_int_equal(stat(log, &st), 0);
	assert_true(st.st_size < 5 << 20);
}

static void test_version(void **state)
{
	int64_t version = -1;

	(void)state;
	assert_int_equal(db_version(db, &version, &e), OK);
	assert_true(version == 0);
	assert_int_equal(db_begin(db, &e), OK);
	assert_int_equal(db_set_version(db, 7, &e), OK);
	db_rollback(db);
	assert_int_equal(db_version(db, &version, &e), OK);
	assert_true(version == 0);
	assert_int_equal(db_begin(db, &e), OK);
	assert_int_equal(db_set_version(db, 7, &e), OK);
	assert_int_equal(db_commit(db, &e), OK);
	db_close(db);
	open_db();
	assert_int_equal(db_version(db, &version, &e), OK);
	assert_true(version == 7);
}

/* Closing leaves the log, idle time empties it. */
static void test_checkpoint(void **state)
{
	char name[80];
	struct stat st;

	(void)state;
	(void)snprintf(name, sizeof(name), "%s-wal", path);
	assert_int_equal(put(1, SPAN("x")), OK);
	assert_int_equal(stat(name, &st), 0);
	assert_true(st.st_size > 0);
	db_checkpoint(db);
	assert_int_equal(stat(name, &st), 0);
	assert_true(st.st_size == 0);
	assert_true(rows() == 1);
}

static void test_a_file_that_is_none(void **state)
{
	struct db *other = NULL;
	int fd;

	(void)state;
	db_close(db);
	db = NULL;
	fd = open(path, O_WRONLY | O_TRUNC);
	assert_true(fd >= 0);
	for (int i = 0; i < 512; i++)
		assert_int_equal(write(fd, "not a database, ", 16), 16);
	close(fd);
	remove_file("-wal");
	assert_int_equal(db_open(path, &other, &e), CORRUPT);
	assert_non_null(strstr(e.text, path));
	open(path, O_WRONLY | O_TRUNC);
}

static void test_a_folder_that_is_not_there(void **state)
{
	struct db *other = NULL;

	(void)state;
	assert_int_equal(db_open("/nonexistent/x.db", &other, &e), TEMP);
	assert_int_equal(symlink(path, "/tmp/postrider-db-link"), 0);
	assert_int_not_equal(db_open("/tmp/postrider-db-link", &other, &e),
		OK);
	assert_int_equal(unlink("/tmp/postrider-db-link"), 0);
}

/* Pages run out as on a full disk. */
static void test_full(void **state)
{
	static uint8_t bytes[20000];
	enum code code = OK;

	(void)state;
	assert_int_equal(db_script(db, "PRAGMA max_page_count=20", &e), OK);
	assert_int_equal(db_begin(db, &e), OK);
	for (int64_t i = 0; code == OK && i < 50; i++) {
		bytes[0] = (uint8_t)i;
		code = put(i, span_of(bytes, sizeof(bytes)));
	}
	assert_int_equal(code, FULL);
	assert_false(db_is_broken(db));
	db_rollback(db);
	assert_true(rows() == 0);
}

static void prepare_nonsense(void)
{
	(void)db_stmt(db, "SELECT nonsense FROM nowhere");
}

static void bind_too_many(void)
{
	db_bind_i64(db_stmt(db, count), 1, 1);
}

static void test_our_own_mistakes_end_the_process(void **state)
{
	(void)state;
	assert_true(dies(prepare_nonsense));
	assert_true(dies(bind_too_many));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_settings_hold),
		TEST(test_no_shared_memory_file),
		TEST(test_values_come_back),
		TEST(test_parameters_go_by_their_number),
		TEST(test_reset_forgets_what_was_bound),
		TEST(test_a_key_exists),
		TEST(test_other_constraints_are_not_exists),
		TEST(test_rollback),
		TEST(test_a_second_opener_gets_busy),
		TEST(test_what_was_committed_is_there_after_a_kill),
		TEST(test_a_large_transaction_reads_itself),
		TEST(test_short_lives_keep_the_log_short),
		TEST(test_version),
		TEST(test_checkpoint),
		TEST(test_a_file_that_is_none),
		TEST(test_a_folder_that_is_not_there),
		TEST(test_full),
		TEST(test_our_own_mistakes_end_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
