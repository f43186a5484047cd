/*
 * test_db_ahead.c - pages that a scan will want are asked for before.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "db/db.h"
#include "db/db_ahead.h"

#define PAGE 4096
#define PAGES 2000

static char folder[] = "/tmp/postrider-ahead-XXXXXX";
static char path[64];

static int begin(void **state)
{
	(void)state;
	(void)memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/try.db", folder);
	return 0;
}

static int end(void **state)
{
	static const char *const suffixes[] = {"", "-wal", "-journal"};
	char name[80];

	(void)state;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		(void)snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		(void)unlink(name);
	}
	assert_int_equal(rmdir(folder), 0);
	return 0;
}

/* ---- pages ------------------------------------------------------------------- */
/* An inner page of a table over these. */
static void make_page(uint8_t page[PAGE], size_t start, uint8_t kind,
	const uint8_t *below, size_t count)
{
	memset(page, 0, PAGE);
	page[start] = kind;
	page[start + 4] = (uint8_t)(count - 1);
	page[start + 11] = below[count - 1];
	for (size_t i = 0; i + 1 < count; i++) {
		size_t cell = PAGE - 8 * (i + 1);

		page[start + 12 + 2 * i] = (uint8_t)(cell >> 8);
		page[start + 13 + 2 * i] = (uint8_t)cell;
		page[cell + 3] = below[i];
	}
}

/* Asks in a way that makes the kernel read nothing. */
static bool is_at_hand(int fd, uint64_t number)
{
	unsigned char is_there = 0;
	void *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd,
		(off_t)((number - 1) * PAGE));

	assert_true(p != MAP_FAILED);
	assert_int_equal(mincore(p, PAGE, &is_there), 0);
	assert_int_equal(munmap(p, PAGE), 0);
	return (is_there & 1) != 0;
}

/* A file of pages, none of which is in memory; false: this file system keeps
 * them there. */
static bool make_cold_file(int *out_fd)
{
	static uint8_t zeros[PAGE * 100];
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	for (int i = 0; i < PAGES / 100; i++)
		assert_int_equal(write(fd, zeros, sizeof(zeros)), sizeof(zeros));
	assert_int_equal(fsync(fd), 0);
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	/* it is looked page by page where the kernel reads no others */
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	*out_fd = fd;
	return !is_at_hand(fd, 20) && !is_at_hand(fd, 140);
}

static bool comes(int fd, uint64_t number)
{
	for (int i = 0; i < 6000 && !is_at_hand(fd, number); i++)
		(void)usleep(10000);
	return is_at_hand(fd, number);
}

static void asks_for_what_a_page_names(void **state)
{
	static const struct {
		uint8_t kind, below[4];
		size_t start;
	} cases[] = {
		{5, {20, 60, 100, 140}, 0},
		{2, {170, 30, 110, 70}, 0}, /* in any order */
		{5, {40, 80, 120, 160}, 100},
	};
	uint8_t page[PAGE];
	int fd;
	bool is_cold = make_cold_file(&fd);

	(void)state;
	for (size_t i = 0; is_cold && i < 3; i++) {
		make_page(page, cases[i].start, cases[i].kind, cases[i].below,
			4);
		db_ahead(fd, span_of(page, PAGE), cases[i].start > 0);
		for (size_t k = 0; k < 4; k++)
			assert_true(comes(fd, cases[i].below[k]));
	}
	if (is_cold)
		assert_false(is_at_hand(fd, 200));
	close(fd);
}

/* Leaves, and anything else. */
static void asks_for_nothing_else(void **state)
{
	static const uint8_t below[] = {20, 60, 100, 140};
	uint8_t page[PAGE];
	int fd;
	bool is_cold = make_cold_file(&fd);

	(void)state;
	for (unsigned kind = 0; kind < 256; kind++) {
		if (kind == 2 || kind == 5)
			continue;
		make_page(page, 0, (uint8_t)kind, below, 4);
		db_ahead(fd, span_of(page, PAGE), false);
	}
	db_ahead(fd, SPAN_EMPTY, false);
	db_ahead(fd, span_of(page, 3), true);
	if (is_cold)
		assert_false(is_at_hand(fd, 20) || is_at_hand(fd, 140));
	close(fd);
}

/* No page is too wild, and no offset on it. */
static void survives_damaged_pages(void **state)
{
	uint8_t page[PAGE];
	uint64_t seed = 1;
	int fd;

	(void)state;
	(void)make_cold_file(&fd);
	for (int turn = 0; turn < 300; turn++) {
		for (size_t i = 0; i < PAGE; i++) {
			seed = seed * 6364136223846793005u + 1;
			page[i] = (uint8_t)(seed >> 56);
		}
		page[0] = turn % 2 != 0 ? 5 : 2;
		db_ahead(fd, span_of(page, turn % 3 != 0 ? PAGE : 512), false);
	}
	memset(page, 0xff, PAGE);
	page[0] = 5;
	db_ahead(fd, span_of(page, PAGE), false);
	close(fd);
}

/* ---- a database ---------------------------------------------------------------- */
static struct db *fill(void)
{
	struct db *db;
	struct err e;

	assert_int_equal(db_open(path, &db, &e), OK);
	assert_int_equal(db_script(db,
		"CREATE TABLE t(a INTEGER PRIMARY KEY, b BLOB);"
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
		"WHERE i < 4000) INSERT INTO t SELECT i, zeroblob(1500) FROM n",
		&e), OK);
	db_checkpoint(db);
	return db;
}

static int open_elsewhere(void)
{
	struct db *other;
	struct err e;
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		_exit((int)db_open(path, &other, &e));
	assert_int_equal(waitpid(child, &status, 0), child);
	return WEXITSTATUS(status);
}

static void scans_and_stays_locked(void **state)
{
	static const char sql[] = "SELECT a FROM t";
	struct db *db = fill();
	struct err e;
	int64_t rows = 0;

	(void)state;
	db_close(db);
	assert_int_equal(db_open(path, &db, &e), OK);
	for (int turn = 0; turn < 2; turn++) {
		db_scan_begin(db);
		while (db_step(db_stmt(db, sql), &e) == OK)
			rows++;
		db_scan_end(db);
		/* closing any descriptor of it would have let go the lock */
		assert_int_equal(open_elsewhere(), BUSY);
	}
	assert_int_equal(rows, 8000);
	assert_false(db_is_broken(db));
	db_close(db);
	assert_int_equal(open_elsewhere(), OK);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, begin, end)
	const struct CMUnitTest tests[] = {
		T(asks_for_what_a_page_names),
		T(asks_for_nothing_else),
		T(survives_damaged_pages),
		T(scans_and_stays_locked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
