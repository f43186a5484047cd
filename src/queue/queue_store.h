/*
 * queue_store.h - queue.db: schema.sql as verbs.
 *
 * Verbs that write run inside the transaction of queue_store_begin, so that
 * the role puts all that one turn of its loop brought into one commit; those
 * marked "own transaction" are complete by themselves.  Verbs that read may be
 * called at any time.
 *
 * FULL: no room on the disk.  After an error with queue_store_is_broken the
 * outcome is unknown, and the process ends.
 */
#ifndef POSTRIDER_QUEUE_QUEUE_STORE_H
#define POSTRIDER_QUEUE_QUEUE_STORE_H

#include "queue/queue_pack.h"

struct queue_store;

/* One attempt for one recipient. */
struct queue_attempt {
	uint32_t idx;
	int64_t at_wall_ms;
	enum code result;
	uint32_t code;
	struct span enhanced, text, peer;
	struct span dialogue; /* with the first recipient of a job only */
};

/* Opens or makes the file (absolute path).  *out is for queue_store_close. */
enum code queue_store_open(const char *path, struct queue_store **out,
	struct err *e) MUST_USE;
void queue_store_close(struct queue_store *s); /* takes NULL */
bool queue_store_is_broken(const struct queue_store *s);
/* Idle time: puts the log into the file. */
void queue_store_rest(struct queue_store *s);

enum code queue_store_begin(struct queue_store *s, struct err *e) MUST_USE;
enum code queue_store_commit(struct queue_store *s, struct err *e) MUST_USE;
void queue_store_rollback(struct queue_store *s);

/* Own transaction.  Numbers that were never given out and never will be
 * again, whatever happens next. */
enum code queue_store_reserve(struct queue_store *s, uint32_t count,
	uint64_t *out_first, struct err *e) MUST_USE;
/* The first number that is not reserved. */
enum code queue_store_next_qid(struct queue_store *s, uint64_t *out,
	struct err *e) MUST_USE;

/* ---- messages ----------------------------------------------------------- */
/* A new message, packed or (m->is_split) split.  EXISTS: its number is taken;
 * nothing was changed. */
enum code queue_store_add(struct queue_store *s, const struct queue_msg *m,
	struct span body, struct err *e) MUST_USE;
/* A packed message becomes split: rows for all its recipients as they are. */
enum code queue_store_split(struct queue_store *s, struct queue_msg *m,
	struct err *e) MUST_USE;
/* Writes one recipient of a split message, new or changed. */
enum code queue_store_rcpt_put(struct queue_store *s, uint64_t qid,
	const struct queue_rcpt *r, struct err *e) MUST_USE;
enum code queue_store_set_warned(struct queue_store *s, uint64_t qid,
	struct err *e) MUST_USE;
enum code queue_store_attempt_add(struct queue_store *s, uint64_t qid,
	const struct queue_attempt *a, struct err *e) MUST_USE;
/* The message left.  has_history: attempts were stored, keep them and who it
 * was for. */
enum code queue_store_remove(struct queue_store *s, const struct queue_msg *m,
	bool has_history, int64_t now_ms, struct err *e) MUST_USE;
/* A row that cannot be read is left alone from now on.  Own transaction. */
enum code queue_store_quarantine(struct queue_store *s, uint64_t qid,
	struct err *e) MUST_USE;
/* It is to be read again, because somebody put it right. */
enum code queue_store_mend(struct queue_store *s, uint64_t qid,
	struct err *e) MUST_USE;
/* It goes without a trace, whatever it is. */
enum code queue_store_drop(struct queue_store *s, uint64_t qid,
	struct err *e) MUST_USE;

/* All but the body, into the arena.  NOT_FOUND; CORRUPT: a damaged row; *out
 * then has what could be read of it, and perhaps no recipients. */
enum code queue_store_load(struct queue_store *s, uint64_t qid,
	struct arena *a, struct queue_msg *out, struct err *e) MUST_USE;
/* The body that is not in the spool; valid until the next call of the store.*/
enum code queue_store_body(struct queue_store *s, uint64_t qid,
	struct span *out, struct err *e) MUST_USE;
/* Has the message attempts in the history? */
bool queue_store_has_attempts(struct queue_store *s, uint64_t qid);

/* ---- what is to do --------------------------------------------------------- */
struct queue_list {
	uint64_t *qids; /* of the caller */
	size_t room;
	size_t count;   /* set by the verb */
};
/* Messages with a recipient that waits for a time up to now_ms, longest due
 * first; a qid may stand there more than once. */
enum code queue_store_due(struct queue_store *s, int64_t now_ms,
	struct queue_list *out, struct err *e) MUST_USE;
/* NOT_FOUND: nothing waits. */
enum code queue_store_next_due(struct queue_store *s, int64_t *out_ms,
	struct err *e) MUST_USE;
/* Packed messages with numbers above `after`, in their order. */
enum code queue_store_packed(struct queue_store *s, uint64_t after,
	struct queue_list *out, struct err *e) MUST_USE;
/* All messages with numbers above `after`. */
enum code queue_store_messages(struct queue_store *s, uint64_t after,
	struct queue_list *out, struct err *e) MUST_USE;
/* At start: recipients whose attempt was interrupted wait for now_ms again.
 * Their count goes to *out.  Own transaction. */
enum code queue_store_interrupted(struct queue_store *s, int64_t now_ms,
	int64_t *out, struct err *e) MUST_USE;
/* Messages with recipients that failed and whose sender was not told. */
enum code queue_store_untold(struct queue_store *s, struct queue_list *out,
	struct err *e) MUST_USE;
/* The lowest number of a message that is here; 0: none. */
enum code queue_store_lowest(struct queue_store *s, uint64_t *out,
	struct err *e) MUST_USE;
bool queue_store_has(struct queue_store *s, uint64_t qid);

/* ---- queue time -------------------------------------------------------------- */
enum code queue_store_clock_get(struct queue_store *s, int64_t *out_queue_ms,
	int64_t *out_wall_ms, struct err *e) MUST_USE;
enum code queue_store_clock_put(struct queue_store *s, int64_t queue_ms,
	int64_t wall_ms, struct err *e) MUST_USE;

/* ---- 250 that were perhaps not heard: queue_repeat.h --------------------------- */
enum code queue_store_recent_put(struct queue_store *s, uint32_t slot,
	struct span pairs, struct err *e) MUST_USE;
enum code queue_store_unconfirmed_put(struct queue_store *s, struct span hash,
	uint64_t qid, int64_t until_ms, struct err *e) MUST_USE;
enum code queue_store_unconfirmed_drop(struct queue_store *s, struct span hash,
	struct err *e) MUST_USE;
typedef void queue_pair_fn(void *arg, struct span hash, uint64_t qid,
	int64_t until_ms);
/* Those of `recent` come with until_ms 0. */
enum code queue_store_pairs(struct queue_store *s, queue_pair_fn *fn,
	void *arg, struct err *e) MUST_USE;

/* ---- history ---------------------------------------------------------------- */
typedef void queue_attempt_fn(void *arg, const struct queue_attempt *a);
enum code queue_store_attempts(struct queue_store *s, uint64_t qid,
	queue_attempt_fn *fn, void *arg, struct err *e) MUST_USE;
/* A message that left: qid, received_wall_ms, reverse_path, rcpts; since_ms
 * is the queue time of its end. */
enum code queue_store_past_load(struct queue_store *s, uint64_t qid,
	struct arena *a, struct queue_msg *out, struct err *e) MUST_USE;
enum code queue_store_past(struct queue_store *s, uint64_t after,
	struct queue_list *out, struct err *e) MUST_USE;
/* Own transaction: forgets up to a few hundred that left before `before_ms`,
 * and what is unconfirmed no longer; *out_more: call again. */
enum code queue_store_purge(struct queue_store *s, int64_t before_ms,
	int64_t now_ms, bool *out_more, struct err *e) MUST_USE;

/* Checks the invariants in the head of schema.sql; each broken one is told to
 * fn as a sentence.  The number of them. */
typedef void queue_finding_fn(void *arg, struct span sentence);
size_t queue_store_check(struct queue_store *s, queue_finding_fn *fn,
	void *arg);

#endif
