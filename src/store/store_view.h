/*
 * store_view.h - an open mailbox in memory, and what a session sees of it.
 *
 * A view is the mailbox as it is: a packed array of 40 bytes a message, in order
 * of uids, shared by all who have the mailbox open.  Verbs that commit bring it
 * up to date before they return: messages come at its end, those that were
 * expunged are closed up.  Nothing here touches SQL but opening the first view
 * of a mailbox.
 *
 * A cursor is one session's eye on a view.  A client counts messages from 1, and
 * its numbers may only change when it is told (RFC 9051 7.5.1), so a cursor sees
 *   - no message that came since store_cursor_take_new (its uid is not below
 *     uid_limit),
 *   - for each that was expunged since, a ghost in its place, until
 *     store_cursor_take_expunged took it,
 *   - all else as it is now: flags are always the latest.  What changed and was
 *     not told is found by modseq (store_cursor_next_changed).
 * A cursor costs a few bytes for each ghost and nothing for each message.
 *
 * A listener hears of every commit, after views and cursors know of it.  In it
 * nothing may be asked of the store but what touches no SQL, and no view,
 * cursor or listener be opened or closed: note it, and act in the loop's turn.
 */
#ifndef POSTRIDER_STORE_STORE_VIEW_H
#define POSTRIDER_STORE_STORE_VIEW_H

#include "base/list.h"
#include "store/store.h"

/* A message in a mailbox. */
struct store_row {
	uint32_t uid;
	uint32_t size;         /* UINT32_MAX: that or more; store_message_meta
	                          knows */
	uint64_t keywords;     /* bit i: keyword i of the view */
	uint64_t modseq : 56;
	uint64_t flags : 8;    /* STORE_FLAG_* */
	int64_t received_ms;   /* internal date */
	uint32_t message;      /* its id */
	uint32_t saved_s;      /* when it came here, seconds since 1970 */
};

/* How many names of keywords a mailbox may have. */
#define STORE_KEYWORDS_MAX     64u
#define STORE_KEYWORD_BYTES    255u

/* Read-only for all but the store. */
struct store_view {
	uint64_t mailbox;
	struct store_row *rows; /* moves when a verb commits */
	size_t count;
	uint32_t uidvalidity;
	uint32_t uidnext;
	uint64_t highestmodseq;
	/* Empty: this bit has no name now.  A bit may get another name when no
	 * message has it any more. */
	const struct span *keywords;
	size_t keyword_count;   /* bits from here on have no name */
	uint64_t keyword_serial; /* rises whenever a name comes or goes */
	bool is_deleted;        /* the mailbox is gone; it is empty for ever */
	struct store_view_state *state; /* the store's */
};

/* The view of a mailbox; the same for all who ask.  The one that was closed last
 * stays in memory, and up to date, until another is or the store is tidied.  All
 * are closed before the store.  NOT_FOUND: no such mailbox. */
enum code store_view_open(struct store *s, uint64_t mailbox,
	struct store_view **out_view, struct err *e) MUST_USE;
void store_view_close(struct store_view *v); /* takes NULL */
/* The first row whose uid is at least this, by its index; count: none. */
size_t store_view_find(const struct store_view *v, uint32_t uid);
/* NULL: no message has this uid. */
const struct store_row *store_view_row(const struct store_view *v,
	uint32_t uid);
/* The bit of a keyword, whatever its case; -1: no message can have it. */
int store_view_keyword(const struct store_view *v, struct span name);
/* May another keyword be made (the \* of PERMANENTFLAGS)? */
bool store_view_has_keyword_room(const struct store_view *v);

/* ---- cursors ---------------------------------------------------------------- */
/* Uids from `from` to before `to`. */
struct store_range {
	uint32_t from, to;
};

/* The fields are read-only. */
struct store_cursor {
	struct store_view *view;
	uint32_t uid_limit;     /* sees what is below */
	uint64_t told_modseq;   /* changes up to here were told */
	uint64_t told_keywords; /* keyword_serial that was told */
	uint32_t *ghosts;       /* uids, rising; owned */
	size_t ghost_count, ghost_room;
	struct store_range *recent; /* claimed; owned */
	size_t recent_count;
	struct list siblings;
};

/* Sees all that is there now.  Takes a reference to the view of its own. */
void store_cursor_open(struct store_cursor *c, struct store_view *v);
void store_cursor_close(struct store_cursor *c);

/* What a client was told, in few bytes: a cursor that nothing waits for can be
 * closed, and a later one goes on from there, in another process too. */
#define STORE_MARK_RECENT_MAX 32u
struct store_mark {
	uint32_t uidvalidity;
	uint32_t uid_limit;
	uint64_t told_modseq;
	uint64_t keywords; /* of the names that were told, a hash */
	uint32_t recent_count;
	struct store_range recent[STORE_MARK_RECENT_MAX];
};
/* False: there is something to tell, or it is too much. */
bool store_cursor_mark(const struct store_cursor *c, struct store_mark *out)
	MUST_USE;
/* As store_cursor_open, but sees what the marked one would see now if it had
 * lived on: what was expunged are ghosts, what came is new, what changed is to
 * be told.  NOT_FOUND: that is not known any more (tombstones are dropped when
 * there are too many), or the mailbox is another one; *c was not opened then, as
 * after any error. */
enum code store_cursor_resume(struct store_cursor *c, struct store_view *v,
	const struct store_mark *m, struct err *e) MUST_USE;

/* Messages that the client knows of, ghosts too: sequence numbers are 1 to
 * this. */
uint32_t store_cursor_count(const struct store_cursor *c);
/* The message with a sequence number, which must be one.  *out_row is NULL for a
 * ghost; else valid until a verb commits. */
void store_cursor_at(const struct store_cursor *c, uint32_t number,
	uint32_t *out_uid, const struct store_row **out_row);
/* The number of a uid, a ghost's too; 0: the client does not know it. */
uint32_t store_cursor_number(const struct store_cursor *c, uint32_t uid);
/* The first number whose uid is at least this; count + 1: none. */
uint32_t store_cursor_number_from(const struct store_cursor *c, uint32_t uid);
/* The number of a row of the view, by its index: quick for walks over all. */
uint32_t store_cursor_number_of(const struct store_cursor *c, size_t index);

/* What there is to tell, as bits. */
#define STORE_NEWS_NEW      1u /* store_cursor_take_new gives more */
#define STORE_NEWS_EXPUNGED 2u /* there are ghosts */
#define STORE_NEWS_CHANGED  4u /* maybe: flags, by modseq */
#define STORE_NEWS_KEYWORDS 8u /* the names of keywords: FLAGS */
#define STORE_NEWS_DELETED  16u /* the mailbox is gone, the view empty */
unsigned store_cursor_news(const struct store_cursor *c);

/* Takes one ghost, the one with the highest number first: the number that
 * EXPUNGE tells, and its uid for VANISHED.  0: there are none. */
uint32_t store_cursor_take_expunged(struct store_cursor *c, uint32_t *out_uid);
/* The next message after this number (0: from the first) whose flags changed
 * since told_modseq; 0: no more.  To be used before store_cursor_take_new, as
 * what is new has changed too. */
uint32_t store_cursor_next_changed(const struct store_cursor *c,
	uint32_t after);
/* All changes and names of keywords were told, up to now.  A session tells what
 * others changed before it stores flags itself, and after that it knows: so a
 * silent STORE is not told. */
void store_cursor_told(struct store_cursor *c);
/* Sees what has come since.  Returns the count: EXISTS. */
uint32_t store_cursor_take_new(struct store_cursor *c);

/* \Recent, for IMAP4rev1: what this cursor sees and no cursor claimed before is
 * its own from now on.  SELECT claims, EXAMINE does not.  Not durable to the
 * last: after a crash a message may be recent twice. */
void store_cursor_claim_recent(struct store_cursor *c);
bool store_cursor_is_recent(const struct store_cursor *c, uint32_t uid);
uint32_t store_cursor_recent_count(const struct store_cursor *c);
/* How many would be claimed now, or a little more if nobody has the mailbox open:
 * STATUS (RECENT), EXAMINE. */
uint32_t store_mailbox_unclaimed(const struct store *s, uint64_t mailbox);

/* ---- listeners ---------------------------------------------------------------- */
#define STORE_EVENT_NEW        1u  /* messages came */
#define STORE_EVENT_EXPUNGED   2u
#define STORE_EVENT_FLAGS      4u
#define STORE_EVENT_CREATED    8u  /* the mailbox was made */
#define STORE_EVENT_DELETED    16u
#define STORE_EVENT_RENAMED    32u /* or its use set */
#define STORE_EVENT_SUBSCRIBED 64u /* a subscription came or went; mailbox 0: of
                                      a name without one */
#define STORE_EVENT_ALONG      128u /* RENAMED because one above it was */
#define STORE_EVENT_ANNOTATED  256u /* mailbox 0: the server */

struct store_event {
	uint64_t mailbox;
	unsigned what; /* STORE_EVENT_* */
	/* RENAMED: the name it had (empty: it has it still); DELETED: it had;
	 * SUBSCRIBED: that came or went; ANNOTATED: of the entry.  During the
	 * call. */
	struct span name;
	bool was_subscribed; /* DELETED */
};

typedef void store_listener_fn(void *arg, const struct store_event *event);

struct store_listener {
	store_listener_fn *fn;
	void *arg;
	struct list siblings;
};

/* fn and arg are set by the caller, who keeps the struct until unlisten. */
void store_listen(struct store *s, struct store_listener *l);
void store_unlisten(struct store_listener *l);

#endif
