/*
 * store_change.h - what sessions do to messages: flags, new ones, copies, moves,
 * and what changed since a moment.
 *
 * Each verb is one transaction for all that it is given: all or nothing, durable
 * when it returns OK, and known to every view and listener then (store_view.h).
 * None may be called inside a batch of deliveries.  All that one transaction
 * changes gets one modseq.
 *
 * uids are rising and without repetition; those that are not there are passed
 * over.
 */
#ifndef POSTRIDER_STORE_STORE_CHANGE_H
#define POSTRIDER_STORE_STORE_CHANGE_H

#include "store/store_view.h"

/* A list of uids, rising; for store_uids_clear. */
struct store_uids {
	uint32_t *items; /* owned */
	size_t count, room;
};

void store_uids_put(struct store_uids *l, uint32_t uid);
void store_uids_clear(struct store_uids *l);

/* ---- flags ------------------------------------------------------------------ */
enum store_flags_how {
	STORE_FLAGS_ADD,
	STORE_FLAGS_REMOVE,
	STORE_FLAGS_REPLACE,
};

struct store_flags_change {
	enum store_flags_how how;
	unsigned flags;              /* STORE_FLAG_* */
	const struct span *keywords; /* names; new ones are made */
	size_t keyword_count;
	bool has_unchanged_since;    /* RFC 7162 3.1.3 */
	uint64_t unchanged_since;
};

struct store_flags_result {
	uint64_t modseq; /* of all rows that changed; 0: nothing was written */
	size_t changed;
	struct store_uids failed; /* UNCHANGEDSINCE; for store_uids_clear, also
	                             after an error */
};

/* A message whose flags are so already is not touched and keeps its modseq.
 * LIMIT: no room for a keyword's name, or it is too long; nothing was done.
 * SYNTAX: a name that is no atom. */
enum code store_flags_store(struct store_view *v, const uint32_t *uids,
	size_t uid_count, const struct store_flags_change *change,
	struct store_flags_result *out, struct err *e) MUST_USE;

/* ---- append ------------------------------------------------------------------- */
/* A message on its way in: its bytes, in memory if they are few, else in a file
 * without a name.  No transaction is open meanwhile. */
struct store_upload;

/* The name of that file in the account's folder, for the moment that it has one
 * on a file system that knows no others. */
#define STORE_UPLOAD_NAME "mail.upload"

/* size: how many bytes are going to come.  FULL: that would be over the quota.
 * *out_upload is for store_upload_free. */
enum code store_upload_begin(struct store *s, uint64_t size,
	struct store_upload **out_upload, struct err *e) MUST_USE;
/* The same for store_replace: what goes when the message of that uid does counts
 * as room.  NOT_FOUND: it is not there. */
enum code store_upload_begin_instead(struct store_view *v, uint32_t uid,
	uint64_t size, struct store_upload **out_upload,
	struct err *e) MUST_USE;
/* So many bytes more are going to come; the caller looks at the quota.  The same
 * codes as feed; after an error it can only be freed. */
enum code store_upload_more(struct store *s, struct store_upload *u,
	uint64_t bytes, struct err *e) MUST_USE;
/* LIMIT: more than was said; TEMP: the disk. */
enum code store_upload_feed(struct store_upload *u, struct span bytes,
	struct err *e) MUST_USE;
uint64_t store_upload_bytes(const struct store_upload *u); /* that came */
void store_upload_free(struct store_upload *u); /* takes NULL */

struct store_append {
	struct store_upload *upload; /* stays the caller's */
	unsigned flags;              /* STORE_FLAG_* */
	const struct span *keywords;
	size_t keyword_count;
	int64_t received_ms;         /* internal date */
};

/* Stores them all in one transaction (MULTIAPPEND, RFC 3502); their uids are
 * *out_first_uid and what follows it.  The
 * bytes are what came, no head is put before them.  FULL: over the quota.
 * NOT_FOUND: no such mailbox.  LIMIT, SYNTAX: keywords, as above. */
enum code store_append(struct store *s, uint64_t mailbox,
	const struct store_append *items, size_t count, int64_t now_ms,
	uint32_t *out_first_uid, struct err *e) MUST_USE;

/* The same for commands that a client sent ahead: one transaction for all of
 * them, and each is stored or not for itself. */
struct store_appending {
	uint64_t mailbox;
	const struct store_append *items;
	size_t count;
	/* What became of it, when store_append_many is OK: the code that
	 * store_append would give, and why; OK: the uid. */
	enum code code;
	struct err err;
	uint32_t first_uid;
};

/* OK: those whose code is OK are durable.  Else none of them is stored. */
enum code store_append_many(struct store *s, struct store_appending *commands,
	size_t count, int64_t now_ms, struct err *e) MUST_USE;

/* As store_append, and one message goes in the same transaction: RFC 8508.  The quota is
 * that of the end, not of the moment when both are there.  NOT_FOUND: that uid
 * is not there (any more); nothing was done. */
enum code store_replace(struct store_view *v, uint32_t uid, uint64_t mailbox,
	const struct store_append *item, int64_t now_ms, uint32_t *out_uid,
	struct err *e) MUST_USE;

/* ---- copy and move ------------------------------------------------------------- */
struct store_copied {
	struct store_uids from; /* which were there */
	uint32_t first_uid;     /* the first's in its new mailbox; the others'
	                           follow without a gap: COPYUID */
};

/* Flags, keywords and internal date go along; no bytes are copied, and the quota
 * does not count them twice; a limit of messages does: FULL.  A keyword that the target has no room for stays
 * behind.  The target may be the same mailbox.  NOT_FOUND: no such mailbox.
 * out->from is for store_uids_clear, also after an error. */
enum code store_copy(struct store_view *v, const uint32_t *uids,
	size_t uid_count, uint64_t to_mailbox, int64_t now_ms,
	struct store_copied *out, struct err *e) MUST_USE;
/* The same, and they leave the mailbox of the view: RFC 6851. */
enum code store_move(struct store_view *v, const uint32_t *uids,
	size_t uid_count, uint64_t to_mailbox, int64_t now_ms,
	struct store_copied *out, struct err *e) MUST_USE;
/* Expunges those that are there; out_gone as `from` above. */
enum code store_expunge(struct store_view *v, const uint32_t *uids,
	size_t uid_count, struct store_uids *out_gone, struct err *e) MUST_USE;

/* ---- changes --------------------------------------------------------------------- */
/* What was expunged after a modseq: QRESYNC's VANISHED (EARLIER).  What changed
 * is seen in the view.  *out_is_complete is false if so much time went by that
 * not all is known any more: then whatever a client knows and the view does not
 * have has vanished.  out is for store_uids_clear, also after an error. */
enum code store_vanished_since(struct store_view *v, uint64_t modseq,
	struct store_uids *out, bool *out_is_complete, struct err *e) MUST_USE;

#endif
