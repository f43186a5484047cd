/*
 * queue_spool.h - the files of bodies that are too big for the database.
 *
 * A file is NAME.tmp while front writes it, and NAME, the message's number,
 * once it is durable.  All calls are relative to the folder's descriptor, so
 * the process needs no path.  A file without a message in queue.db is garbage,
 * removed at start.
 */
#ifndef POSTRIDER_QUEUE_QUEUE_SPOOL_H
#define POSTRIDER_QUEUE_QUEUE_SPOOL_H

#include "base/err.h"
#include "base/span.h"

struct queue_spool {
	int folder; /* owned */
};

enum code queue_spool_open(struct queue_spool *s, const char *path,
	struct err *e) MUST_USE;
void queue_spool_close(struct queue_spool *s);

/* A new file to append to, write-only; *out_fd is the caller's.  EXISTS: the
 * number was used. */
enum code queue_spool_create(struct queue_spool *s, uint64_t qid, int *out_fd,
	struct err *e) MUST_USE;
/* The file must have this length; it is synced and gets its name, which is
 * durable after queue_spool_sync.  CORRUPT: another length; NOT_FOUND. */
enum code queue_spool_keep(struct queue_spool *s, uint64_t qid, uint64_t size,
	struct err *e) MUST_USE;
enum code queue_spool_sync(struct queue_spool *s, struct err *e) MUST_USE;
/* Writes a whole file of our own, as create and keep. */
enum code queue_spool_write(struct queue_spool *s, uint64_t qid,
	struct span body, struct err *e) MUST_USE;
/* The body of a message, read-only; *out_fd is the caller's. */
enum code queue_spool_read(struct queue_spool *s, uint64_t qid, int *out_fd,
	struct err *e) MUST_USE;
/* CORRUPT: there is no finished file of this length. */
enum code queue_spool_check(struct queue_spool *s, uint64_t qid, uint64_t size,
	struct err *e) MUST_USE;
/* Removes the file that is not finished, if there is one. */
void queue_spool_drop(struct queue_spool *s, uint64_t qid);
/* Removes the file, finished or not, if there is one. */
void queue_spool_remove(struct queue_spool *s, uint64_t qid);
/* Removes all that is unfinished, and what is_wanted does not know. */
void queue_spool_sweep(struct queue_spool *s,
	bool (*is_wanted)(void *arg, uint64_t qid), void *arg);
/* Bytes that the file system has left for us, and has in all. */
bool queue_spool_room(struct queue_spool *s, uint64_t *out_free,
	uint64_t *out_all);

#endif
