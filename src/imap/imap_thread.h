/*
 * imap_thread.h - messages as conversations.  RFC 5256 3 (THREAD:
 * ORDEREDSUBJECT, REFERENCES), draft-ietf-morg-inthread-01 (REFS: REFERENCES
 * without the subjects, and the thread that got a message last comes last)
 *
 * What threading needs of each message is taken when it is found.  Then the
 * messages are nodes of a forest, and so are those that are only named in
 * References ("dummies").  Nothing is recursive, and no chain of nodes is
 * longer than IMAP_THREAD_DEPTH_MAX.
 */
#ifndef POSTRIDER_IMAP_IMAP_THREAD_H
#define POSTRIDER_IMAP_IMAP_THREAD_H

#include "base/arena.h"
#include "base/buf.h"
#include "imap/imap_read.h"
#include "store/store_view.h"

#define IMAP_THREAD_DEPTH_MAX 500
/* References of one message: the last ones. */
#define IMAP_THREAD_IDS_MAX   50
#define IMAP_THREAD_NONE      UINT32_MAX
/* What all messages of a command may take. */
#define IMAP_THREAD_BYTES     (512u << 20)

struct imap_thread_node {
	uint32_t parent, child, next, previous; /* siblings; NONE */
	uint32_t uid;          /* 0: a dummy */
	uint32_t id_count;
	bool is_reply;         /* or forwarded, by its subject */
	bool is_gone;          /* a dummy that was left out */
	int64_t date;          /* sent; milliseconds */
	int64_t latest;        /* arrival; REFS, of a root: of all below it */
	struct span subject;   /* base, folded */
	struct span id;        /* empty: none */
	const struct span *ids; /* it refers to, the oldest first */
};

struct imap_thread {
	bool by_references; /* else ORDEREDSUBJECT */
	bool is_refs;       /* REFS: by references alone */
	struct arena arena;
	struct arena message;
	struct imap_thread_node *nodes; /* owned; messages first */
	size_t count, room;
	size_t messages;
	uint32_t *roots;    /* owned; in order, after imap_thread_run */
	size_t root_count;
};

/* The name of the algorithm. */
bool imap_thread_read(struct imap_reader *r, struct imap_thread *out);
/* Takes one message more, in the order of the mailbox.  LIMIT: too many; else
 * the codes of store_message_meta. */
enum code imap_thread_add(struct imap_thread *t, struct store *store,
	const struct store_row *row, struct err *e) MUST_USE;
void imap_thread_run(struct imap_thread *t);
/* "(3 6 (4 23)(44 7 96))" of a root; shown: what stands for a uid. */
typedef uint32_t imap_thread_shown_fn(void *arg, uint32_t uid);
void imap_thread_put(const struct imap_thread *t, uint32_t root,
	struct buf *out, imap_thread_shown_fn *shown, void *arg);
void imap_thread_clear(struct imap_thread *t);

#endif
