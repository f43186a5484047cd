/*
 * verify.h - what the store's own tests share: to read all, to check all, and
 * to change the file behind the store's back.
 */
#ifndef TESTS_UNIT_STORE_VERIFY_H
#define TESTS_UNIT_STORE_VERIFY_H

#include "fixture.h"

#include <sqlite3.h>

#include "base/buf.h"
#include "base/mem.h"

static inline int set_up(void **state)
{
	struct fixture *f = MEM_NEW(struct fixture);

	fixture_path(f);
	fixture_open(f);
	*state = f;
	return 0;
}

static inline int tear_down(void **state)
{
	fixture_remove(*state);
	mem_free(*state);
	return 0;
}

static inline void reopen(struct fixture *f)
{
	store_close(f->store);
	fixture_open(f);
}

/* A message of 100 bytes and some. */
#define BODY SPAN("Subject: pickles\r\n\r\nDo you like ketchup?\r\n.\r\n")

static inline void finding(void *arg, int invariant, const char *sentence)
{
	unsigned *seen = arg;

	*seen |= 1u << invariant;
	(void)sentence;
}

/* Which invariants do not hold, as bits. */
static inline unsigned broken(struct fixture *f)
{
	unsigned seen = 0;
	enum code code = store_check(f->store, finding, &seen, &f->e);

	assert_int_equal(code, seen == 0 ? OK : CORRUPT);
	return seen;
}

/* Changes the file of the store, which is closed then. */
static inline void change(struct fixture *f, const char *sql)
{
	sqlite3 *db;
	char *why = NULL;

	store_close(f->store);
	f->store = NULL;
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", sql, why);
	assert_true(sqlite3_total_changes(db) > 0);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Changes the file behind the store's back. */
static inline void tamper(struct fixture *f, const char *sql)
{
	change(f, sql);
	fixture_open(f);
}

/* The whole message into out. */
static inline enum code read_message(struct fixture *f, uint64_t message,
	struct buf *out)
{
	struct store_reader r;
	struct store_text first;
	struct span piece;
	enum code code = store_reader_open(f->store, message, &r, &first,
		&f->e);

	buf_reset(out);
	if (code != OK)
		return code;
	buf_put(out, first.head);
	buf_put(out, first.body);
	while ((code = store_reader_next(f->store, &r, &piece, &f->e)) == OK)
		buf_put(out, piece);
	store_reader_close(&r);
	return code == NOT_FOUND ? OK : code;
}

static inline size_t count_of(struct fixture *f)
{
	struct store_list l;
	size_t n;

	assert_int_equal(store_message_list(f->store, store_inbox(f->store),
		&l, &f->e), OK);
	n = l.count;
	store_list_clear(&l);
	return n;
}

#endif
