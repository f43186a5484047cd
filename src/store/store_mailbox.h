/*
 * store_mailbox.h - the mailboxes of an account: names, counts, subscriptions.
 *
 * All of them stand in memory as long as the store is open, with what is
 * counted of them, so that LIST and STATUS touch no SQL.  Each verb is one
 * transaction of its own and may only be called outside of a batch.
 *
 * A name is UTF-8 in NFC, its levels separated by '/'.  Every parent of a
 * mailbox exists too: it is made with it, and not removed before it.  INBOX is
 * written in capitals, as the first level of a name too, in whatever case it is
 * asked for.  UIDVALIDITY is from a counter of the account that only rises: no
 * name ever gets one again (RFC 9051 2.3.1.1).
 *
 * What a protocol forbids (deleting INBOX, or a special mailbox) is for the
 * protocol to refuse; the store only guards its invariants.
 */
#ifndef POSTRIDER_STORE_STORE_MAILBOX_H
#define POSTRIDER_STORE_STORE_MAILBOX_H

#include "base/buf.h"
#include "store/store.h"

#define STORE_NAME_BYTES    1000u /* of a whole name */
#define STORE_LEVEL_BYTES   255u
#define STORE_LEVELS_MAX    32u
#define STORE_MAILBOXES_MAX 5000u
/* Names that are subscribed to, with and without a mailbox. */
#define STORE_SUBSCRIPTIONS_MAX 10000u

/* RFC 6154.  At most one mailbox has each of them; all but NONE and INBOX may
 * be set. */
enum store_use {
	STORE_USE_NONE,
	STORE_USE_INBOX,
	STORE_USE_DRAFTS,
	STORE_USE_SENT,
	STORE_USE_JUNK,
	STORE_USE_TRASH,
	STORE_USE_ARCHIVE,
};

struct store_mailbox {
	uint64_t id;       /* survives a rename; never reused: RFC 8474 */
	struct span name;
	enum store_use use;
	bool is_subscribed;
	bool has_children;
	uint32_t uidvalidity;
	uint32_t uidnext;
	uint64_t highestmodseq;
	uint64_t messages; /* entries */
	uint64_t unseen;   /* without \Seen */
	uint64_t deleted;  /* with \Deleted */
	uint64_t bytes;    /* of all its messages: STATUS=SIZE, RFC 8438 */
};

/* A name as the store writes it, into out (reset, with a max of at least
 * STORE_NAME_BYTES): NFC, INBOX in capitals, one '/' at the end dropped (RFC
 * 9051 6.3.4).  SYNTAX: it cannot be one: not UTF-8, empty, an empty level, a
 * control character (RFC 9051 5.1), '%' or '*'.  LIMIT: too long. */
enum code store_name_make(struct span name, struct buf *out,
	struct err *e) MUST_USE;

/* ---- reading; what is pointed at is valid until the next verb --------------- */
/* In order of names: INBOX first, then by bytes, but '/' before all others, so
 * that children follow their parent. */
size_t store_mailbox_count(const struct store *s);
const struct store_mailbox *store_mailbox_at(const struct store *s,
	size_t index);
/* NULL: there is none.  The name is taken through store_name_make. */
const struct store_mailbox *store_mailbox_find(const struct store *s,
	struct span name);
const struct store_mailbox *store_mailbox_get(const struct store *s,
	uint64_t id);
const struct store_mailbox *store_mailbox_of_use(const struct store *s,
	enum store_use use);
const char *store_use_word(enum store_use use); /* "drafts"; NONE: "" */

/* ---- changing ---------------------------------------------------------------- */
/* Makes it and the parents that are missing; not subscribed.  EXISTS: the name,
 * or the use, is taken; SYNTAX, LIMIT: of the name or of the number. */
enum code store_mailbox_create(struct store *s, struct span name,
	enum store_use use, uint64_t *out_id, struct err *e) MUST_USE;
/* Removes it with its messages.  EXISTS: it has children, and they were not
 * asked for; DENIED: it, or one of them, is the inbox.  Subscriptions stay (RFC
 * 9051 6.3.7).  An open view of it is emptied, see store_view.h. */
enum code store_mailbox_delete(struct store *s, uint64_t id, bool with_children,
	struct err *e) MUST_USE;
/* Gives it, and all below it, another name; parents that are missing are made.
 * Ids, UIDVALIDITY and uids stay, subscriptions too (RFC 9051 6.3.6).  EXISTS:
 * a mailbox has that name; DENIED: it is the inbox, or the new name is below
 * the old one. */
enum code store_mailbox_rename(struct store *s, uint64_t id, struct span name,
	struct err *e) MUST_USE;
/* What RENAME does to INBOX (RFC 9051 6.3.6): a new mailbox of this name takes
 * all its messages; INBOX stays, empty, and so do its children. */
enum code store_inbox_rename(struct store *s, struct span name, int64_t now_ms,
	uint64_t *out_id, struct err *e) MUST_USE;
/* EXISTS: another one has this use; DENIED: it is the inbox, or shall be. */
enum code store_mailbox_set_use(struct store *s, uint64_t id,
	enum store_use use, struct err *e) MUST_USE;

/* ---- subscriptions ------------------------------------------------------------- */
/* The name need not exist (RFC 9051 6.3.7).  What is so already is OK. */
enum code store_subscribe(struct store *s, struct span name, bool on,
	struct err *e) MUST_USE;
/* All names that are subscribed to, in the order of mailboxes; valid until the
 * next verb. */
enum code store_subscription_list(struct store *s, const struct span **out_names,
	size_t *out_count, struct err *e) MUST_USE;

#endif
