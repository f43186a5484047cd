/*
 * account_int.h - what the files of the account's process share.
 *
 * account.c: its start, its channels, its end; account_deliver.c: batches of
 * deliveries; account_pop3.c: POP3 sessions; account_imap.c: those of IMAP.
 * Nothing is global: all stands in
 * one struct account.
 */
#ifndef POSTRIDER_ROLE_ACCOUNT_INT_H
#define POSTRIDER_ROLE_ACCOUNT_INT_H

#include "base/arena.h"
#include "base/buf.h"
#include "ipc/channel.h"
#include "net/loop.h"
#include "role/account.h"
#include "store/store_view.h"

/* A batch ends at the end of the loop's turn, or here. */
#define BATCH_MESSAGES 128
#define BATCH_BYTES    (8u << 20)

/* One delivery of the open batch. */
struct batch_row {
	uint64_t qid;
	uint32_t idx;
	enum code result;
	uint64_t uid;
	uint64_t size;
	struct span rcpt; /* in batch.arena */
	struct span why;  /* the same */
};

struct batch {
	bool is_open; /* the store's transaction is */
	size_t count;
	uint64_t bytes;
	struct batch_row rows[BATCH_MESSAGES];
	struct arena arena;
	struct deferred commit;
};

struct pop3_session;

struct account {
	const struct account_start *start;
	struct loop *loop;
	struct channel *accounts; /* its loss is our end */
	struct channel *queue;    /* NULL: none now */
	struct store *store;      /* NULL before ACCOUNT_SETUP */
	struct batch batch;
	struct pop3_session *session; /* NULL: nobody reads */
	struct list imap_sessions;
	struct store_listener listener; /* for them */
	struct deferred news;           /* those that idle are told */
	/* What queue will not deliver again, to be dropped with the next batch
	 * or in idle time: an fsync of its own would be too much honour. */
	uint64_t forget_below;
	struct buf forget; /* of uint64_t */
	struct timer idle;
	int session_files; /* the sockets of sessions are below this number */
	bool has_plus; /* in its own local part: it has no details */
	bool was_full; /* what accounts was told last */
	int exit_status;
};

/* Ends the process with a log line; the queue repeats what was not answered. */
void account_fail(struct account *a, const char *why);
/* True, and the process is about to end, if the store's state is unknown. */
bool account_is_broken(struct account *a, const struct err *e);
/* Something happened: not idle for a while. */
void account_touch(struct account *a);
/* Tells accounts if the account became full, or no longer is. */
void account_report_usage(struct account *a);

/* Commits what was gathered, and answers it.  Sessions call it before they
 * touch the store: a transaction is open until then. */
void account_settle(struct account *a);
bool account_on_deliver(void *arg, struct frame *f);
bool account_on_forget(void *arg, struct frame *f);
/* Drops the keys now; for idle time. */
void account_forget(struct account *a);
void account_deliver_init(struct account *a);

/* Begins a session; takes fd when OK.  BUSY: there is one. */
enum code account_pop3_begin(struct account *a, const struct msg_session *m,
	int fd, struct err *e) MUST_USE;
/* Ends the session at once; harmless if there is none. */
void account_pop3_end(struct account *a, const char *why);

void account_imap_init(struct account *a);
/* From the opening of the store to its end. */
void account_imap_listen(struct account *a);
/* Begins one more session; takes fd. */
void account_imap_begin(struct account *a, const struct msg_session *m, int fd);
/* Only sessions that may sleep are there, or none. */
bool account_imap_may_sleep(const struct account *a);
/* They go to the fronts that they came through. */
void account_imap_sleep(struct account *a);
/* One comes back; takes fd. */
void account_imap_wake(struct account *a, const struct msg_woken *m, int fd);
/* Says BYE to all, if they hear it, and ends them. */
void account_imap_end_all(struct account *a, const char *why);

#endif
