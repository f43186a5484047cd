/*
 * store_int.h - what the files of src/store share; for nobody else.
 */
#ifndef POSTRIDER_STORE_STORE_INT_H
#define POSTRIDER_STORE_STORE_INT_H

#include "base/arena.h"
#include "base/buf.h"
#include "crypto/checksum.h"
#include "db/db.h"
#include "message/summary.h"
#include "store/store_change.h"
#include "store/store_mailbox.h"
#include "store/store_signature_filter.h"

#define STORE_VERSION    4
#define STORE_UUID_BYTES 16
#define STORE_FLAGS_ALL  31u
/* More tombstones than this of a mailbox are halved in idle time. */
#define STORE_TOMBSTONES_MAX 65536

/* The numbers of the account row, kept here by the only process that writes
 * them, and written once a transaction. */
struct store_counters {
	int64_t next_message;
	int64_t next_mailbox;
	int64_t next_thread;
	int64_t uidvalidity;
	int64_t modseq;
	int64_t used_bytes;
	int64_t unsigned_message;
};

/* What becomes known of the message at hand. */
struct store_making {
	struct arena arena; /* emptied by each store_meta_begin */
	struct summary_maker maker;
	struct summary summary; /* from here on: after store_meta_end */
	int64_t thread;
	struct buf envelope, structure; /* packed */
};

/* Bodies that were found to be right: store_proof.c. */
struct store_proofs {
	struct checksum_key key; /* valid with words */
	uint64_t *words;         /* owned; NULL: none yet */
};

/* ---- mailboxes in memory: store_box.c ------------------------------------------- */
/* The names of a mailbox's keywords: store_keyword.c. */
struct store_keywords {
	struct span names[STORE_KEYWORDS_MAX]; /* owned; empty: none */
	size_t count;
	uint64_t serial;
	uint64_t unwritten; /* bits whose names have no row yet */
	uint64_t written;   /* by the open transaction */
};

/* A mailbox as the open transaction has it, and what a rollback goes back to. */
struct store_box {
	struct store_mailbox m; /* its name is owned */
	struct store_mailbox committed; /* if is_touched */
	bool is_touched; /* by the open transaction */
	bool is_new;     /* made by it */
	bool is_leaving; /* removed by it */
	unsigned events; /* STORE_EVENT_*: what it did */
	struct span old_name; /* owned; of STORE_EVENT_RENAMED, until it is told */
	int64_t floor_modseq;
	bool has_expunged; /* since it was looked whether tombstones are many */
	uint32_t recent_uid;        /* from here on no cursor claimed */
	uint32_t stored_recent_uid; /* as its row has it */
	struct store_keywords *keywords; /* owned; NULL: not read yet */
	struct store_view_state *view; /* NULL: not in memory */
};

/* A message that the open transaction puts into a mailbox that is open. */
struct store_coming {
	struct store_box *box;
	struct store_row row;
};

/* Uids that it takes out of one. */
struct store_going {
	struct store_box *box;
	struct store_uids uids; /* rising */
};

struct store {
	struct db *db; /* owned */
	int64_t account;
	uint64_t quota_bytes; /* 0: none */
	uint64_t message_limit; /* 0: none */
	uint8_t uuid[STORE_UUID_BYTES];
	struct store_counters now;       /* with what the open transaction did */
	struct store_counters committed; /* to go back to */
	bool is_born;  /* the rows of account and mailboxes are durable */
	int64_t born_ms; /* until then: what they will say */
	bool is_dirty; /* now differs from the row */

	struct store_box **boxes; /* owned, in the order of names */
	size_t box_count, box_room;
	struct store_box *inbox;
	struct span *subscriptions; /* owned, in the same order; NULL: not read */
	size_t subscription_count, subscription_room;
	bool has_subscriptions; /* they were read */

	struct store_coming *coming; /* owned */
	size_t coming_count, coming_room;
	struct store_going *going; /* owned */
	size_t going_count, going_room;
	struct store_view_state *kept_view; /* nobody has it open; NULL: none */
	struct list listeners;

	struct buf folder; /* its path, with a NUL */
	struct buf name;   /* of the mailbox at hand */
	struct buf head;   /* of the message being delivered or read */
	struct buf piece;  /* of the body being read */
	struct buf tagged; /* what a tag, or a reference, is made of */
	struct store_making meta;
	struct store_proofs proofs;
	int64_t fill_after; /* the idle pass was up to this message */
	uint8_t sign_rules; /* 0: not looked up yet */
	bool has_stale;     /* a signature was made by other rules */
};

extern const char store_schema_sql[];

/* ---- store.c -------------------------------------------------------------------- */
/* An error of SQL as the store's callers know it: a full disk is TEMP (FULL is
 * the quota), a constraint that cannot fail did: CORRUPT. */
enum code store_trouble(enum code code, struct err *e);

enum code store_begin(struct store *s, struct err *e) MUST_USE;
/* Writes the counters, commits, brings views up to date and tells listeners. */
enum code store_commit(struct store *s, struct err *e) MUST_USE;
/* The same without the views and listeners, for what has more to tell them. */
enum code store_commit_quietly(struct store *s, struct err *e) MUST_USE;
/* The same for what may be there or not, whatever the caller is told: after a
 * full disk the store goes on. */
enum code store_commit_either(struct store *s, struct err *e) MUST_USE;
void store_rollback(struct store *s);
/* Ends the transaction of a verb, by what became of it; returns that. */
enum code store_finish(struct store *s, enum code code, struct err *e) MUST_USE;
/* The number of this transaction's changes in a mailbox, which is touched. */
int64_t store_modseq(struct store *s, struct store_box *b);

/* What binds a message to this account: SHA-256 over the uuid, the id, the
 * body's hash and the head. */
struct sha256 store_tag(struct store *s, int64_t message, struct span sha256,
	struct span head);

/* ---- store_name.c ----------------------------------------------------------------- */
struct span store_name_parent(struct span name); /* empty: none */
bool store_name_is_below(struct span name, struct span parent);
int store_name_cmp(struct span a, struct span b);

/* ---- store_box.c ------------------------------------------------------------------- */
/* The mailboxes that every account has, in memory only. */
void store_boxes_bear(struct store *s);
/* Their rows, in the first transaction. */
enum code store_boxes_put_first(struct store *s, struct err *e) MUST_USE;
enum code store_boxes_load(struct store *s, struct err *e) MUST_USE;
void store_boxes_clear(struct store *s);
/* Writes what the transaction changed of their numbers. */
enum code store_boxes_put(struct store *s, struct err *e) MUST_USE;
void store_boxes_committed(struct store *s);
void store_boxes_rolled_back(struct store *s);
/* Notes what a rollback goes back to; before any change of b->m. */
void store_box_touch(struct store_box *b);
struct store_box *store_box_get(const struct store *s, uint64_t id);
/* NULL: none has this name, which is as store_name_make wrote it. */
struct store_box *store_box_find(const struct store *s, struct span name);
/* A new one with its row. */
enum code store_box_make(struct store *s, struct span name, enum store_use use,
	struct store_box **out_box, struct err *e) MUST_USE;
void store_box_set_name(struct store_box *b, struct span name);
/* Its special use, in the open transaction; errors: store_mailbox_set_use. */
enum code store_box_set_use(struct store *s, struct store_box *b,
	enum store_use use, struct err *e) MUST_USE;
/* After names changed: the order, and who has children. */
void store_boxes_sort(struct store *s);
/* It was committed that some are leaving: their views and listeners hear it. */
void store_boxes_leave(struct store *s);
/* Uids or ids for so many more messages; FULL: there are none left. */
enum code store_box_has_ids(const struct store *s, const struct store_box *b,
	size_t count, struct err *e) MUST_USE;
/* STORE_USE_* of its word; -1: there is none. */
int store_use_of(struct span word);
/* A copy on the heap, for mem_free of its p. */
struct span store_span_dup(struct span s);

/* ---- store_subscription.c ------------------------------------------------------------- */
enum code store_subscriptions_load(struct store *s, struct err *e) MUST_USE;
/* Whether each mailbox is subscribed to, by its name; they were loaded. */
void store_subscriptions_apply(struct store *s);

/* ---- store_annotation.c --------------------------------------------------------------- */
/* LIMIT: there would be too many. */
enum code store_annotations_copy(struct store *s, const struct store_box *from,
	const struct store_box *to, struct err *e) MUST_USE;

/* ---- store_keyword.c ------------------------------------------------------------------ */
enum code store_keywords_load(struct store *s, struct store_box *b,
	struct err *e) MUST_USE;
void store_keywords_free(struct store_keywords *k); /* takes NULL */
/* The bit of a name, whatever its case; -1: none. */
int store_keyword_find(const struct store_keywords *k, struct span name);
/* The bits of names; those that are missing are made, or passed over. */
enum code store_keyword_bits(struct store *s, struct store_box *b,
	const struct span *names, size_t count, bool may_make,
	uint64_t *out_bits, struct err *e) MUST_USE;
/* Writes names that have no row yet, in the open transaction. */
enum code store_keywords_put(struct store *s, struct store_box *b,
	struct err *e) MUST_USE;

/* ---- store_view.c ------------------------------------------------------------------- */
struct store_view_state {
	struct store_view view;
	struct store *store;
	struct store_box *box; /* NULL: it was deleted */
	unsigned references;
	size_t room;
	uint64_t flags_modseq; /* of the last change of flags */
	struct list cursors;
};

/* Notes for the views that the open transaction puts a message there, or takes
 * one away.  The box is touched by the caller. */
void store_view_coming(struct store *s, struct store_box *b,
	const struct store_row *row);
void store_view_going(struct store *s, struct store_box *b, uint32_t uid);
void store_view_forget(struct store *s); /* it was rolled back */
/* It was committed: views and cursors, then listeners. */
void store_publish(struct store *s);
/* Its mailbox is gone. */
void store_view_detach(struct store_box *b);
/* Outside of a transaction: frees the view that is kept for who comes next. */
void store_view_drop_kept(struct store *s);
/* Listeners only. */
void store_tell(struct store *s, const struct store_event *event);
struct store *store_view_store(struct store_view *v);
/* store_cursor.c: these uids, rising, left the view. */
void store_cursor_expunged(struct store_cursor *c,
	const struct store_uids *gone);

/* ---- store_message.c ------------------------------------------------------------------ */
/* A message that comes in, from wherever. */
struct store_incoming {
	struct span head;     /* ours; maybe empty */
	struct span body;     /* the bytes, if fd is -1 */
	int fd;               /* else they are read from it, from offset 0 */
	uint64_t size;        /* of the body */
	struct span sha256;   /* of the body; empty: not known yet */
	unsigned mail_flags;  /* MAIL_* */
	int64_t received_ms;
	struct store_box *box;
	unsigned flags;       /* STORE_FLAG_* */
	uint64_t keywords;
	int64_t saved_ms;
};

/* Writes it with its entry in the open transaction, and counts it.  SYNTAX: the
 * bytes are not those of sha256, and nothing of it is there.  Anything else: the
 * transaction must be rolled back. */
enum code store_message_put(struct store *s, const struct store_incoming *m,
	uint32_t *out_uid, struct err *e) MUST_USE;
/* freed: bytes that go in the same transaction. */
bool store_message_fits(const struct store *s, uint64_t bytes, uint64_t freed);
/* May so many more stand in the mailboxes?  store_set_message_limit. */
bool store_entries_fit(const struct store *s, uint64_t count);
/* What the store would hold less if this message left the mailbox: 0 when others
 * hold it too.  NOT_FOUND: it is not there. */
enum code store_entry_alone_bytes(struct store_view *v, uint32_t uid,
	uint64_t *out_bytes, struct err *e) MUST_USE;
/* An entry for a message, by its row but for the uid, which it gets.  Counts. */
enum code store_entry_put(struct store *s, struct store_box *b,
	struct store_row *row, uint64_t size, int64_t saved_ms,
	struct err *e) MUST_USE;

/* ---- store_proof.c -------------------------------------------------------------------- */
/* Has a body, all of it, this SHA-256?  That of a body which was found right before
 * is not worked out again. */
bool store_proof_check(struct store *s, uint64_t message,
	const struct sha256 *sum, struct span body);
/* It has: the SHA-256 was just made of it. */
void store_proof_put(struct store *s, uint64_t message,
	const struct sha256 *sum, struct span body);
/* All is forgotten, and its memory given back. */
void store_proofs_drop(struct store *s);

/* ---- store_meta.c --------------------------------------------------------------------- */
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

/* ---- store_signature.c ------------------------------------------------------------------- */
/* A filter and the byte before it. */
#define STORE_SIGNATURE_ROW_BYTES (STORE_FILTER_BYTES + 1)
/* What the row of a message's signature holds, into out, which is emptied. */
enum code store_signature_make(struct store *s, uint64_t message,
	struct buf *out, struct err *e) MUST_USE;
/* Is its row, if there is one, what store_signature_make says?  CORRUPT: no. */
enum code store_signature_check(struct store *s, uint64_t message,
	struct buf *scratch, struct err *e) MUST_USE;
/* The signatures of messages from one id to another that stand nowhere any
 * more. */
enum code store_signatures_drop(struct store *s, int64_t from, int64_t to,
	struct err *e) MUST_USE;

/* ---- store_thread.c -------------------------------------------------------------------- */
/* The thread of a message, a new one if need be; its ids are put down. */
enum code store_thread_find(struct store *s, const struct summary *m,
	int64_t *out_thread, struct err *e) MUST_USE;
/* A message of this thread was removed: its rows go with the last one. */
enum code store_thread_left(struct store *s, int64_t thread,
	struct err *e) MUST_USE;

/* ---- store_expunge.c ------------------------------------------------------------------ */
/* Takes an entry out in the open transaction, counts it, and drops its message
 * with the last one.  A tombstone stays, unless the mailbox is leaving too.
 * NOT_FOUND: it is not there. */
enum code store_entry_drop(struct store *s, struct store_box *b, uint32_t uid,
	struct err *e) MUST_USE;

/* The same for uids of an open mailbox, rising; those that were there are put
 * into out_gone. */
enum code store_entries_drop(struct store_view *v, const uint32_t *uids,
	size_t uid_count, struct store_uids *out_gone,
	struct err *e) MUST_USE;

/* ---- store_changes.c ------------------------------------------------------------------- */
/* For idle time: drops old tombstones, writes what was claimed as recent. */
void store_changes_tidy(struct store *s);

/* ---- store_upgrade.c ------------------------------------------------------------------- */
/* Makes a file of an older version one of STORE_VERSION, in one transaction. */
enum code store_upgrade(struct store *s, int64_t version,
	struct err *e) MUST_USE;

#endif
