/*
 * queue_dsn.h - notices to the sender: "could not be delivered" and "is
 * delayed".  Pure: facts in, a whole message out.
 *
 * The message is a multipart/report (RFC 6522) of a text that a layman
 * understands, a message/delivery-status (RFC 3464) for programs, and the
 * original: whole up to QUEUE_DSN_WHOLE_MAX bytes, else its header.  It is to
 * be sent with the null reverse-path, RFC 5321 4.5.5, and never to it.
 */
#ifndef POSTRIDER_QUEUE_QUEUE_DSN_H
#define POSTRIDER_QUEUE_QUEUE_DSN_H

#include "queue/queue_pack.h"

#define QUEUE_DSN_WHOLE_MAX  (50u * 1024u)
#define QUEUE_DSN_HEADER_MAX (64u * 1024u)
/* A notice is never longer, whatever failed. */
#define QUEUE_DSN_MAX (8u << 20)

enum queue_dsn_kind { QUEUE_DSN_FAILED, QUEUE_DSN_DELAYED };

struct queue_dsn {
	enum queue_dsn_kind kind;
	struct span hostname;      /* ours */
	uint64_t qid;              /* of the notice */
	uint64_t about_qid;        /* of the message that failed */
	struct span to;            /* its reverse-path; not empty */
	int64_t now_wall_ms;
	int64_t received_wall_ms;  /* when the message came */
	int64_t give_up_wall_ms;   /* valid when DELAYED */
	/* Those it is about: recipients in state FAILED, or in state WAITING;
	 * others in the array are skipped. */
	const struct queue_rcpt *rcpts;
	size_t rcpt_count;
	struct span trace;         /* our Received: on top of the original */
	/* The original, or as much of its beginning as is at hand: at least
	 * its header, or QUEUE_DSN_HEADER_MAX bytes. */
	struct span original;
	uint64_t original_size;    /* of all of it */
	bool is_binary;            /* it may have bytes that no line has */
	bool is_header_only;       /* no more of it: RFC 8689 5 */
};

/* Appends the notice; *out_flags: QUEUE_MAIL_* that it needs.  out->max must
 * be at least QUEUE_DSN_MAX. */
void queue_dsn_put(struct buf *out, const struct queue_dsn *d,
	uint32_t *out_flags);

#endif
