/*
 * store_int.h - what the files of src/store share; for nobody else.
 */
#ifndef POSTRIDER_STORE_STORE_INT_H
#define POSTRIDER_STORE_STORE_INT_H

#include "base/arena.h"
#include "base/buf.h"
#include "db/db.h"
#include "message/summary.h"
#include "store/store.h"

#define STORE_VERSION    2
#define STORE_UUID_BYTES 16

/* The numbers of the account row and of the inbox, kept here by the only
 * process that writes them, and written once a transaction. */
struct store_counters {
	int64_t next_message;
	int64_t next_thread;
	int64_t modseq;
	int64_t used_bytes;
	int64_t uidnext;
	int64_t highestmodseq;
	int64_t entries;
};

/* What becomes known of the message at hand. */
struct store_making {
	struct arena arena; /* emptied by each store_meta_begin */
	struct summary_maker maker;
	struct summary summary; /* from here on: after store_meta_end */
	int64_t thread;
	struct buf envelope, structure; /* packed */
};

struct store {
	struct db *db; /* owned */
	int64_t account;
	int64_t inbox;
	uint64_t quota_bytes; /* 0: none */
	uint8_t uuid[STORE_UUID_BYTES];
	struct store_counters now;       /* with what the open transaction did */
	struct store_counters committed; /* to go back to */
	bool is_born;  /* the rows of account and inbox are durable */
	int64_t born_ms;     /* until then: what they will say */
	int64_t uidvalidity; /* the same */
	bool is_dirty; /* now differs from the rows */
	struct buf head;  /* of the message being delivered or read */
	struct buf piece; /* of the body being read */
	struct buf tagged; /* what a tag, or a reference, is made of */
	struct store_making meta;
	int64_t fill_after; /* the idle pass was up to this message */
};

extern const char store_schema_sql[];

/* An error of SQL as the store's callers know it: a full disk is TEMP (FULL is
 * the quota), a constraint that cannot fail did: CORRUPT. */
enum code store_trouble(enum code code, struct err *e);

enum code store_begin(struct store *s, struct err *e) MUST_USE;
/* Writes the counters and commits. */
enum code store_commit(struct store *s, struct err *e) MUST_USE;
void store_rollback(struct store *s);

/* What binds a message to this account: SHA-256 over the uuid, the id, the
 * body's hash and the head. */
struct sha256 store_tag(struct store *s, int64_t message, struct span sha256,
	struct span head);

void store_meta_init(struct store *s);
void store_meta_clear(struct store *s);
/* A message of this size is about to come, in pieces. */
void store_meta_begin(struct store *s, uint64_t size);
void store_meta_feed(struct store *s, struct span bytes);
/* All of it came: s->meta says what it is; its thread, too, in the open
 * transaction. */
enum code store_meta_end(struct store *s, struct err *e) MUST_USE;
/* As parameters: thread, sent_ms, has_attachment, preview, envelope,
 * structure. */
void store_meta_bind(const struct store *s, struct db_stmt *q, int first);
/* It is stored: what it took is given back, as one message may have taken
 * SUMMARY_ARENA_BYTES. */
void store_meta_done(struct store *s);

/* The thread of a message, a new one if need be; its ids are put down. */
enum code store_thread_find(struct store *s, const struct summary *m,
	int64_t *out_thread, struct err *e) MUST_USE;
/* A message of this thread was removed: its rows go with the last one. */
enum code store_thread_left(struct store *s, int64_t thread,
	struct err *e) MUST_USE;

/* Makes a file of version 1 one of STORE_VERSION, in one transaction. */
enum code store_upgrade(struct store *s, struct err *e) MUST_USE;

#endif
