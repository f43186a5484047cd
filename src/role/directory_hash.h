/*
 * directory_hash.h - the queue of what hashers work out for the directory.
 *
 *	hash_put ──▶ waiting, by classes ──a hasher is free──▶ at work ──▶ done
 *	                       │                                     │
 *	                       ╰──── HASH_DEADLINE_MS ──▶ done(TEMP) ◀╯
 *
 * Each hasher has one job at a time.  The job of one that died is given to
 * another, once.  Every job is done, and once, unless it is taken back.
 */
#ifndef POSTRIDER_ROLE_DIRECTORY_HASH_H
#define POSTRIDER_ROLE_DIRECTORY_HASH_H

#include "role/role.h"

/* Logins that wait; a hasher checks some 30 a second. */
#define HASH_WAITING_MAX 64
#define HASH_DEADLINE_MS 10000

enum hash_class {
	HASH_ADMIN,   /* an administrator's command: each has one job at most */
	HASH_KNOWN,   /* a user from where he logged in before */
	HASH_FRESH,   /* anybody, from where nobody failed lately */
	HASH_UNKNOWN, /* anybody else */
	HASH_CLASSES
};

struct hash_pool;

/* Embedded by its owner, who fills it in; the spans live until done. */
struct hash_job {
	enum hash_class class;
	bool is_new;          /* HASH_MAKE; else HASH_CHECK */
	struct span hash;     /* HASH_CHECK; empty: nobody's */
	struct span password;
	struct span salt;     /* of SCRAM, for new keys */
	bool wants_keys;      /* HASH_CHECK */
	/* OK, DENIED, TEMP; keys is of credential_pack, or empty, and is valid
	 * during the call.  May free the job. */
	void (*done)(struct hash_job *job, enum code verdict, struct span keys);
	void *owner;

	/* the queue's */
	struct list link;
	struct hash_pool *pool;
	struct timer deadline;
	bool was_lost; /* a hasher died of it, or with it */
};

struct hash_slot {
	struct hash_job *job; /* NULL: nobody waits for its answer */
	bool is_busy;
	uint64_t id; /* of what it works on */
};

struct hash_pool {
	struct role_run *run;
	struct list waiting[HASH_CLASSES];
	int64_t deadline_ms; /* HASH_DEADLINE_MS; shorter in tests */
	size_t count; /* that wait, but those of HASH_ADMIN */
	struct hash_slot slots[ROLE_INSTANCES_MAX];
	uint64_t last_id;
};

void hash_pool_init(struct hash_pool *p, struct role_run *run);
/* False: too many wait; done is not called. */
bool hash_put(struct hash_pool *p, struct hash_job *job);
/* Takes it back: done is not called. */
void hash_cancel(struct hash_job *job);

void hash_hasher_up(struct hash_pool *p, uint32_t instance);
void hash_hasher_lost(struct hash_pool *p, uint32_t instance);
/* HASH_CHECKED, HASH_MADE. */
void hash_answered(struct hash_pool *p, const struct frame *f,
	enum code verdict, struct span keys);

#endif
