/*
 * queue_admin.h - `postrider queue list|show|try|hold|release|cancel|log`.
 *
 * The same function answers in the running role (which has messages in memory
 * and gives a `change` of its own) and offline on the database.
 */
#ifndef POSTRIDER_QUEUE_QUEUE_ADMIN_H
#define POSTRIDER_QUEUE_QUEUE_ADMIN_H

#include "base/admin.h"
#include "queue/queue_store.h"

/* What can be done to a message. */
enum queue_verb { QUEUE_TRY, QUEUE_HOLD, QUEUE_RELEASE, QUEUE_CANCEL };

/* Applies a verb to a recipient that nobody works on; false: nothing to do
 * for it. */
bool queue_verb_apply(enum queue_verb verb, struct queue_rcpt *r,
	int64_t now_ms);

struct queue_admin {
	struct queue_store *store;
	int64_t now_ms;      /* queue time; set before each command */
	int64_t now_wall_ms; /* set before each command */
	/* of the configuration; 0: not shown */
	int64_t give_up_after_ms, bounce_give_up_after_ms;
	/* Applies a verb to all recipients of a message.  OK; EXISTS: there
	 * was nothing to do; NOT_FOUND.  queue_admin_change, or the role's. */
	enum code (*change)(void *arg, uint64_t qid, enum queue_verb verb,
		struct err *e);
	void *arg;
};

/* module is a struct queue_admin. */
admin_fn queue_admin_run;
/* On the database alone, own transaction; arg is a struct queue_admin.  A
 * damaged message can be cancelled, and released when it was put right. */
enum code queue_admin_change(void *admin, uint64_t qid, enum queue_verb verb,
	struct err *e);

#endif
