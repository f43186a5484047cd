/*
 * queue_int.h - what the files of the role queue share.
 *
 * queue.c        the role: open, messages from front, start, end
 * queue_group.c  the one transaction of a turn of the loop
 * queue_work.c   messages that are being worked on, outcomes of attempts
 * queue_load.c   messages that are taken up again: at start, when due
 * queue_local.c  deliveries to account processes
 * queue_remote.c jobs for outbound
 * queue_route.c  questions to directory, aliases
 * queue_notice.c notices to senders
 * queue_lost.c   250 that were perhaps not heard
 * queue_change.c what an administrator wants
 */
#ifndef POSTRIDER_ROLE_QUEUE_INT_H
#define POSTRIDER_ROLE_QUEUE_INT_H

#include "base/dict.h"
#include "base/log.h"
#include "base/map.h"
#include "queue/queue_admin.h"
#include "queue/queue_repeat.h"
#include "queue/queue_schedule.h"
#include "queue/queue_spool.h"
#include "queue/queue_store.h"
#include "role/role.h"

/* INLINE_BYTES of messages.def */
#define INLINE_BYTES_MAX 65536u
/* One transaction takes at most so much; a client waits for it. */
#define GROUP_COUNT_MAX 256u
#define GROUP_BYTES_MAX (8u << 20)
/* Bodies kept in memory until their first delivery. */
#define BODY_BYTES_MAX (64u << 20)
/* Messages in memory; beyond it new ones wait in the database. */
#define WORKS_MAX 20000u
/* Messages taken up again in one turn. */
#define LOAD_COUNT 256u
/* After trouble with the database or the disk. */
#define TROUBLE_MS 1000
/* Room on the disk below which nothing is accepted: what is accepted must be
 * able to leave (a deletion needs room too), at most a tenth of the disk. */
#define ROOM_MIN_BYTES (32u << 20)

/* Where a recipient is in this process.  In any place but PLACE_NONE it is
 * busy: its message stays in memory. */
enum place {
	PLACE_NONE,
	PLACE_CLAIMED, /* to be dispatched after the next commit */
	PLACE_ROUTING, /* directory is asked */
	PLACE_READY,   /* in the line for an account or for a domain */
	PLACE_FLYING   /* account or outbound has it */
};

struct work;

struct seat {
	struct list link; /* in account.ready or account.flying */
	struct work *work;
	uint32_t at;      /* index in work->msg.rcpts */
	enum place place;
	bool is_dirty;    /* differs from its row */
};

/* An attempt to be written with the next commit. */
struct tried {
	struct tried *next;
	struct queue_attempt facts; /* bytes in the work's arena */
};

/* A message in memory.  Truth is here; the database follows in run_group. */
struct work {
	struct queue_msg msg;
	struct arena arena;
	uint8_t *body;       /* owned; NULL: in the database or the spool */
	struct seat **seats; /* beside msg.rcpts, same index */
	size_t rcpt_room, seat_room; /* of the arrays, once they grew */
	size_t busy;
	struct list link;    /* in queue.submits or queue.dirty */
	struct tried *tried, **tried_end;
	bool is_stored, has_history, wants_dispatch, wants_warned;
	/* valid until the answer: */
	bool is_submit;      /* front waits */
	bool is_repeat;      /* stored long ago, as first_qid */
	enum code verdict;
	uint64_t first_qid, frame_id;
	uint32_t front;
	struct queue_repeat repeat;
};

struct outcome {
	enum code result;
	uint32_t code;
	struct span enhanced, text, peer, dialogue;
	bool is_remote;
	bool has_dsn; /* the other server tells the sender: RFC 3461 */
};

/* A submission whose 250 may turn out not to have been heard. */
struct ring_entry {
	struct queue_repeat repeat;
	uint64_t qid; /* 0: none */
	uint32_t front;
	int64_t at_mono_ms;
};

struct queue {
	struct role_run *run;
	struct queue_store *store;
	struct queue_spool spool;
	struct queue_schedule schedule;
	struct queue_clock clock;
	uint64_t seed; /* by chance, of this process */
	struct queue_admin admin;
	struct map works; /* struct work by qid; stored ones */
	struct map spools; /* files that a front writes: by qid, front + 1 */
	size_t body_bytes;

	/* the group */
	struct deferred group;
	struct timer later;
	bool is_later_armed;
	struct list submits; /* not stored yet, ours (notices) too */
	struct list dirty;
	size_t submit_count, submit_bytes;
	int64_t trouble_until_ms; /* mono; 0: none */
	int64_t room_checked_ms;  /* mono */
	int64_t clock_put_ms;     /* mono */
	bool is_tight;            /* little room on the disk */
	struct buf scratch;

	/* numbers */
	uint64_t reserved_end;     /* all below were reserved at some time */
	uint64_t ids_next, ids_end; /* at hand, to grant */

	/* taking up again */
	struct timer due, idle;
	int64_t armed_ms;    /* queue time at which `due` fires; 0: not armed */
	uint64_t walk_after; /* packed messages up to this were taken up */
	bool is_walk_done;

	struct map accounts; /* struct account by id */
	struct list lru;     /* accounts with a channel, longest unused first */
	size_t channel_count;
	size_t forget_waits; /* FORGETs gathered since the last tick */
	struct timer local_timer;

	struct dict domains;
	struct list active;  /* domains with jobs that are ready */
	struct map jobs;     /* flying, by id */
	size_t flying_bytes;
	uint64_t next_job;

	struct map routes;   /* struct route_wait by id */
	uint64_t next_route;

	struct ring_entry *ring; /* owned */
	size_t ring_room, ring_next;
	struct dict unconfirmed; /* hash to struct lost */
	uint32_t recent_slot;
	struct list lost_changes;

	bool is_stopping;
	struct timer stop_timer;
	unsigned stop_ticks;
};

static inline int64_t queue_now_ms(struct queue *q)
{
	return queue_clock_now_ms(&q->clock, loop_mono_ms(q->run->loop));
}

/* ---- queue_group.c ---- */
void group_init(struct queue *q);
void group_want(struct queue *q); /* at the end of this turn */
void group_want_later(struct queue *q); /* with the next group, or soon */
void group_run(void *queue);
/* Logs what went wrong with the database; ends the process when its state is
 * unknown: master starts it again, and everything is in queue.db. */
void queue_trouble(struct queue *q, const struct err *e);
bool queue_is_in_trouble(struct queue *q);
bool queue_take_qid(struct queue *q, uint32_t count, uint64_t *out_first);

/* ---- queue_work.c ---- */
/* A work with room for count recipients; not in any list or map. */
struct work *work_new(size_t rcpt_count);
/* Seats for msg.rcpts[from..] after they were set. */
void work_seat(struct work *w, size_t from);
void work_free(struct queue *q, struct work *w);
size_t work_find(const struct work *w, uint32_t idx); /* rcpt_count: none */
bool work_is_open(const struct work *w);
/* Puts it among those that the next commit writes. */
void work_dirty(struct queue *q, struct work *w);
void seat_move(struct seat *s, enum place place);
/* Sends every claimed recipient on its way. */
void work_dispatch(struct queue *q, struct work *w);
/* Has the sender to be told that it went well?  RFC 3461 4.1 */
bool work_wants_success(const struct work *w, const struct queue_rcpt *r);
void work_outcome(struct queue *q, struct seat *s, const struct outcome *o);
/* Not tried at all: waits until next_ms. */
void work_put_off(struct queue *q, struct seat *s, int64_t next_ms,
	const char *why);
/* Its body; empty and an error if it cannot be had.  Valid until the next
 * call of the store. */
enum code work_body(struct queue *q, struct work *w, struct span *out,
	struct err *e) MUST_USE;

/* ---- queue_load.c ---- */
void load_init(struct queue *q);
void load_begin(struct queue *q);
/* Something waits for this queue time. */
void load_wait(struct queue *q, int64_t next_ms);
struct work *load_work(struct queue *q, uint64_t qid);

/* ---- queue_local.c ---- */
void local_init(struct queue *q);
void local_push(struct queue *q, struct seat *s);
void local_take_back(struct queue *q, struct seat *s);
void local_forget(struct queue *q, uint64_t account, uint64_t qid);
void local_peer_up(struct queue *q);
void local_peer_lost(struct queue *q);
bool local_on_opened(void *queue, struct frame *f);

/* ---- queue_remote.c ---- */
void remote_init(struct queue *q);
/* All claimed recipients of the message that go to other servers. */
void remote_push(struct queue *q, struct work *w);
void remote_pump(struct queue *q);
void remote_peer_lost(struct queue *q);
void remote_unblock(struct queue *q, struct span address);
bool remote_on_sent(void *queue, struct frame *f);

/* ---- queue_route.c ---- */
void route_init(struct queue *q);
void route_ask(struct queue *q, struct seat *s);
void route_peer_up(struct queue *q);
bool route_on_routed(void *queue, struct frame *f);

/* ---- queue_notice.c ---- */
/* Before the commit: what the sender has to hear of a message that rests. */
void notice_make(struct queue *q, struct work *w);

/* ---- queue_lost.c ---- */
void lost_init(struct queue *q);
/* What our last life left unconfirmed. */
void lost_begin(struct queue *q);
/* True: the transaction is one whose 250 was perhaps not heard. */
bool lost_is_repeat(struct queue *q, struct work *w);
void lost_remember(struct queue *q, const struct work *w);
void lost_unheard(struct queue *q, uint64_t qid);
void lost_front(struct queue *q, uint32_t front);
/* The front ends in order: nothing of it is in doubt. */
void lost_heard(struct queue *q, uint32_t front);
/* At an orderly end: forgets what nobody doubts. */
void lost_stop(struct queue *q);
/* Idle time: forgets some whose time is over. */
void lost_prune(struct queue *q);
/* Part of the group's transaction; the first error is in *e. */
enum code lost_write(struct queue *q, struct span pairs, struct err *e)
	MUST_USE;
void lost_written(struct queue *q);

/* ---- queue_change.c ---- */
enum code change_message(void *queue, uint64_t qid, enum queue_verb verb,
	struct err *e);

#endif
