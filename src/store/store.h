/*
 * store.h - the mailbox store of one account: verbs over accounts/<id>/mail.db.
 *
 * The tables and their invariants are in schema.sql.  One process owns the
 * file; a struct store is not global, so a process may hold several.  A verb is
 * one transaction, except deliveries, which come in batches.
 *
 * Errors are codes: NOT_FOUND, EXISTS, FULL (the quota), CORRUPT (a row that
 * cannot be right), BUSY (another process has the file), TEMP (our
 * surroundings, a full disk among them).  After any error with
 * store_is_broken the state of the file is unknown: close it (the process
 * ends), open it again, and let the caller repeat.
 */
#ifndef POSTRIDER_STORE_STORE_H
#define POSTRIDER_STORE_STORE_H

#include "base/err.h"
#include "base/span.h"
#include "crypto/hash.h"
#include "message/mime.h"

struct store;

/* Up to here a body is one row; larger ones are in pieces. */
#define STORE_SMALL_BYTES 65536u
#define STORE_PIECE_BYTES 262144u
/* What Return-Path, Delivered-To and trace may need together. */
#define STORE_HEAD_BYTES 4096u

/* Bits of entry.flags: RFC 9051 2.3.2. */
#define STORE_FLAG_SEEN     1u
#define STORE_FLAG_ANSWERED 2u
#define STORE_FLAG_FLAGGED  4u
#define STORE_FLAG_DELETED  8u
#define STORE_FLAG_DRAFT    16u

/* ---- open ----------------------------------------------------------------- */
/* Makes what all new stores have in common; for a process that forks those which
 * open stores.  Without it each does so itself: half a millisecond. */
enum code store_before_fork(struct err *e) MUST_USE;
/* Opens, or makes, the store of an account: path is that of mail.db, absolute;
 * its folder is there already.  What a new store says of itself (uuid, ...) is
 * durable with its first transaction.  now_ms is the wall clock.  CORRUPT: the file is another account's, or from a newer
 * release; one of an older release is changed into ours.  *out_store is for store_close. */
enum code store_open(const char *path, uint64_t account, int64_t now_ms,
	struct store **out_store, struct err *e) MUST_USE;
void store_close(struct store *s); /* takes NULL; rolls back what is open */
bool store_is_broken(const struct store *s);
/* A new store that nothing was written to is another one when it is opened again:
 * makes it this one, so that what was told of it (UIDVALIDITY) holds on. */
enum code store_be_durable(struct store *s, struct err *e) MUST_USE;
/* For idle time: reads some of the messages that a store of an older release
 * holds and nothing is known of yet, at most STORE_FILL_MESSAGES or as many as
 * have STORE_FILL_BYTES, in one transaction; *out_more: there may be others.
 * Messages whose bytes are damaged are passed over. */
#define STORE_FILL_MESSAGES 64u
#define STORE_FILL_BYTES    (4u << 20)
enum code store_fill(struct store *s, bool *out_more, struct err *e) MUST_USE;
/* For idle time: moves the log into the file and gives memory back. */
void store_tidy(struct store *s);

/* Bytes that all messages may have together; 0: no limit. */
void store_set_quota(struct store *s, uint64_t quota_bytes);
uint64_t store_quota(const struct store *s); /* 0: none */
/* Messages that all mailboxes may have together, each copy counts; 0: no limit. */
void store_set_message_limit(struct store *s, uint64_t limit);
uint64_t store_message_limit(const struct store *s); /* 0: none */
uint64_t store_messages(const struct store *s);
uint64_t store_used_bytes(const struct store *s);
/* So little room is left that a sender should hear of it at RCPT. */
bool store_is_full(const struct store *s);
/* 16 random bytes of this store's birth: tells it from any other. */
struct span store_uuid(const struct store *s);
/* The id of the mailbox that deliveries go to. */
uint64_t store_inbox(const struct store *s);

/* ---- deliveries --------------------------------------------------------------- */
struct store_delivery {
	uint64_t qid;         /* with idx: the key under which it happens once */
	uint32_t idx;
	uint32_t flags;       /* MAIL_* */
	int64_t received_ms;
	struct span reverse_path; /* empty: the null sender */
	struct span rcpt;     /* for Delivered-To; empty: none */
	struct span folder;   /* the mailbox of this very name gets it, if there
	                         is one that has no special use; else, or empty,
	                         the inbox */
	struct span trace;    /* Received: with its CRLF */
	struct span body;     /* the bytes, if fd is -1 */
	int fd;               /* else they are read from it, from offset 0; stays
	                         the caller's */
	uint64_t size;        /* of the body */
	struct span sha256;   /* of the body, 32 bytes */
};

/* A batch: one transaction for all that waits. */
enum code store_delivery_begin(struct store *s, struct err *e) MUST_USE;
/* OK: it will be in the inbox under *out_uid; EXISTS: it is there already,
 * under that uid; FULL: over the quota; CORRUPT: the bytes are not those of
 * sha256.  After these the batch goes on.  Anything else: the batch must be
 * rolled back, nothing of it is stored. */
enum code store_delivery_add(struct store *s, const struct store_delivery *d,
	uint64_t *out_uid, struct err *e) MUST_USE;
/* Makes the batch durable.  When it fails the outcome is unknown, and
 * store_is_broken. */
enum code store_delivery_commit(struct store *s, struct err *e) MUST_USE;
void store_delivery_rollback(struct store *s);

/* The queue will not deliver these numbers again, nor any below `below`.  In an
 * open batch it becomes a part of it, else it is a transaction. */
enum code store_forget(struct store *s, uint64_t below, const uint64_t *qids,
	size_t count, struct err *e) MUST_USE;

/* ---- reading -------------------------------------------------------------------- */
/* A mailbox as a packed array, by uid. */
struct store_item {
	uint64_t uid;
	uint64_t message; /* its id, which never changes and is never reused */
	uint64_t size;    /* bytes */
};

struct store_list {
	struct store_item *items; /* owned */
	size_t count;
	uint64_t bytes; /* of all */
};

/* For store_list_clear, also after an error. */
enum code store_message_list(struct store *s, uint64_t mailbox,
	struct store_list *out, struct err *e) MUST_USE;
void store_list_clear(struct store_list *l);

/* Where a read of a message stands. */
struct store_reader {
	uint64_t message;
	uint64_t piece;     /* the next to be read */
	uint64_t left;      /* bytes of the body that were not read yet */
	struct sha256 sha256;
	struct hasher *hasher; /* owned; NULL: the body is one piece */
};

/* Begins to read.  *out_first is the beginning of the message: head, then the
 * body or its first piece; valid until the next verb on the store.  CORRUPT: it
 * is not this account's message, or damaged; nothing was given.  NOT_FOUND. */
struct store_text {
	struct span head, body;
};
enum code store_reader_open(struct store *s, uint64_t message,
	struct store_reader *r, struct store_text *out_first,
	struct err *e) MUST_USE;
/* The next piece: OK; NOT_FOUND: the end, all was right.  CORRUPT: what was
 * given so far is not what was stored; tell the reader in no uncertain way. */
enum code store_reader_next(struct store *s, struct store_reader *r,
	struct span *out, struct err *e) MUST_USE;
/* Ends it, at any time; harmless when it has ended. */
void store_reader_close(struct store_reader *r);

/* What is known of a message without reading it, found once when it came. */
struct store_meta {
	uint64_t message;
	uint64_t size;        /* bytes of head and body */
	uint64_t thread;      /* the same number: the same conversation */
	int64_t received_ms;
	int64_t sent_ms;      /* Date:, valid if has_sent */
	bool has_sent;
	bool has_attachment;
	struct span preview;  /* one line of UTF-8, maybe empty */
	const struct envelope *envelope;
	const struct mime_tree *tree; /* offsets count from the head's start;
				parts[0].envelope is the envelope above */
};

/* All of it lives in the arena, which needs STORE_META_ARENA_BYTES at most.  A
 * message that nobody read yet (store_fill) is read by this, in the open
 * transaction or one of its own.  NOT_FOUND: there is no such message; CORRUPT:
 * its row, or what it would be read from, is damaged. */
#define STORE_META_ARENA_BYTES (MIME_ARENA_BYTES + (4u << 20))
enum code store_message_meta(struct store *s, uint64_t message, struct arena *a,
	struct store_meta *out, struct err *e) MUST_USE;

/* The same for many messages, one after the other: as long as their ids rise, one
 * statement goes through them.  Before anything is written, and before the loop's
 * turn is over, it is ended; it may be used again then.  All 0 to begin with. */
#define STORE_MANY 256u
#define STORE_META_ENVELOPE 1u
#define STORE_META_TREE     2u
#define STORE_META_FACTS    4u /* received_ms, thread, sent_ms, has_attachment */
#define STORE_META_ALL      7u /* and the preview */
struct store_metas {
	/* What is wanted, as bits; less costs less.  The size is always there,
	 * the rest is NULL, 0 and empty. */
	unsigned what;
	/* At least STORE_MANY will be asked for: the disk is told before. */
	bool is_long;
	struct db *db;     /* the store's; NULL: not told */
	struct db_stmt *q; /* the same */
	uint64_t message;  /* whose row is at hand */
};

enum code store_metas_get(struct store *s, struct store_metas *m,
	uint64_t message, struct arena *a, struct store_meta *out,
	struct err *e) MUST_USE;
void store_metas_end(struct store_metas *m);

/* ---- removing -------------------------------------------------------------------- */
/* Expunges these uids from a mailbox: all, in one transaction, or none.  Those
 * that are gone already are passed over.  A tombstone stays for each. */
enum code store_messages_expunge(struct store *s, uint64_t mailbox,
	const uint64_t *uids, size_t count, struct err *e) MUST_USE;

/* ---- checking -------------------------------------------------------------------- */
typedef void store_finding_fn(void *arg, int invariant, const char *sentence);
/* Verifies every invariant of schema.sql; fn hears of each broken row.  OK:
 * all hold; CORRUPT: some do not; else it could not be checked. */
enum code store_check(struct store *s, store_finding_fn *fn, void *arg,
	struct err *e) MUST_USE;

#endif
