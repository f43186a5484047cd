/*
 * queue_pack.h - a message in the queue, and its recipients in one blob.
 */
#ifndef POSTRIDER_QUEUE_PACK_H
#define POSTRIDER_QUEUE_PACK_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

/* Where a recipient goes; the same numbers as enum route of ipc/messages.h. */
enum queue_route {
	QUEUE_TO_UNKNOWN, /* directory has to be asked */
	QUEUE_TO_LOCAL,
	QUEUE_TO_REMOTE,
	QUEUE_TO_ALIAS, /* directory knows the targets */
	QUEUE_ROUTE_COUNT
};

/* The state of a recipient; the drawing is in NOTES.md.  Stored as a number:
 * keep the order.  Up to QUEUE_HELD the recipient is open. */
enum queue_state {
	QUEUE_WAITING,   /* for next_ms */
	QUEUE_SENDING,   /* an attempt was begun, or was about to be */
	QUEUE_FAILED,    /* for good; the sender was not told yet */
	QUEUE_HELD,      /* until an administrator releases it */
	QUEUE_DONE,      /* in a mailbox, or taken by another server */
	QUEUE_TOLD,      /* failed, and the sender was told (or cannot be) */
	QUEUE_EXPANDED,  /* an alias; its targets are recipients of their own */
	QUEUE_CANCELLED, /* by an administrator */
	QUEUE_STATE_COUNT
};
const char *queue_state_word(enum queue_state state);
static inline bool queue_is_open(enum queue_state state)
{
	return state <= QUEUE_HELD;
}

/* The same bits as MAIL_* of ipc/messages.h. */
#define QUEUE_MAIL_8BIT     1u
#define QUEUE_MAIL_UTF8     4u
#define QUEUE_MAIL_INTERNAL 8u

/* The same bits as SMTP_NOTIFY_* of smtp/smtp_dsn.h: what the sender wants to
 * hear of a recipient; 0: failure and delay.  RFC 3461 4.1 */
#define QUEUE_NOTIFY_NEVER   1u
#define QUEUE_NOTIFY_SUCCESS 2u
#define QUEUE_NOTIFY_FAILURE 4u
#define QUEUE_NOTIFY_DELAY   8u

/* What the sender still has to be told of a recipient that is settled.  Stored as
 * a number: keep the order.  RFC 3464 2.3.3 */
enum queue_tell {
	QUEUE_TELL_NOTHING,
	QUEUE_TELL_DELIVERED, /* it is in the mailbox */
	QUEUE_TELL_RELAYED,   /* a server has it that knows no DSN */
	QUEUE_TELL_EXPANDED,  /* it went to all of a list */
	QUEUE_TELL_COUNT
};

struct queue_rcpt {
	uint32_t idx;
	enum queue_route route;
	enum queue_state state;
	uint64_t account;
	uint32_t parent; /* idx + 1 of the alias it came from; 0: none */
	uint32_t depth;
	uint32_t attempts;
	int64_t next_ms;
	int64_t tried_wall_ms; /* the last attempt, in this process; 0: none */
	uint8_t notify; /* QUEUE_NOTIFY_* */
	enum queue_tell tell;
	uint32_t code; /* of the last reply; 0: no server spoke */
	struct span address;
	struct span sender; /* the reverse-path for it, if it is not the
	                       message's: SRS; a failure is told to that all the
	                       same */
	struct span orcpt; /* as it came: "rfc822;…" in xtext; empty: none */
	struct span enhanced, text, peer; /* of the last reply */
};

/* What is known of a message; the body stands apart. */
struct queue_msg {
	uint64_t qid, sid;
	int64_t received_wall_ms;
	int64_t since_ms;
	uint32_t flags;
	uint64_t size;
	bool is_spooled, is_warned, is_split;
	uint8_t ret; /* SMTP_RET_* of smtp/smtp_dsn.h */
	struct span envid; /* xtext */
	struct span sha256, reverse_path, trace;
	struct queue_rcpt *rcpts;
	size_t rcpt_count;
};

/* Does something have to happen yet? */
static inline bool queue_rcpt_is_open(const struct queue_rcpt *r)
{
	return queue_is_open(r->state) || r->tell != QUEUE_TELL_NOTHING;
}

/* More recipients of one message are not stored: aliases could explode. */
#define QUEUE_RCPTS_MAX 10000u
#define QUEUE_PACKED_MAX (8u << 20)

/* The recipients, all fields but the times and the texts of the last reply;
 * idx must rise from one to the next. */
void queue_pack(struct buf *out, const struct queue_rcpt *rcpts, size_t count);
/* The array lives in the arena, addresses borrow from packed.  CORRUPT: not
 * what queue_pack wrote. */
enum code queue_unpack(struct span packed, struct arena *a,
	struct queue_rcpt **out_rcpts, size_t *out_count, struct err *e) MUST_USE;

#endif
