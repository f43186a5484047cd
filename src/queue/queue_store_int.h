/*
 * queue_store_int.h - what the two halves of the queue's store share.
 */
#ifndef POSTRIDER_QUEUE_QUEUE_STORE_INT_H
#define POSTRIDER_QUEUE_QUEUE_STORE_INT_H

#include "db/db.h"
#include "queue/queue_store.h"

struct queue_store {
	struct db *db;   /* owned */
	struct buf pack; /* packed recipients while they are bound; a body */
};

enum code queue_store_run_qid(struct queue_store *s, const char *sql,
	uint64_t qid, struct err *e) MUST_USE;
enum code queue_store_past_add(struct queue_store *s,
	const struct queue_msg *m, int64_t now_ms, struct err *e) MUST_USE;

#endif
