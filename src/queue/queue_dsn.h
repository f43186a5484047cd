/*
 * queue_dsn.h - notices to the sender: "could not be delivered", "is delayed",
 * and, if he asked for it, "went well".  Pure: facts in, a whole message out.
 *
 * The message is a multipart/report (RFC 6522) of a text that a layman
 * understands, a message/delivery-status (RFC 3464) for programs, and the
 * original: of a failure whole up to QUEUE_DSN_WHOLE_MAX bytes, unless RET=HDRS
 * was said; else its header.  It needs SMTPUTF8 only if the address it goes to
 * does.  It is to be sent with the null reverse-path, RFC 5321 4.5.5, and never
 * to it.
 */
#ifndef POSTRIDER_QUEUE_QUEUE_DSN_H
#define POSTRIDER_QUEUE_QUEUE_DSN_H

#include "config/config.h"
#include "queue/queue_pack.h"

#define QUEUE_DSN_WHOLE_MAX  (50u * 1024u)
#define QUEUE_DSN_HEADER_MAX (64u * 1024u)
/* A notice is never longer, whatever failed. */
#define QUEUE_DSN_MAX (8u << 20)

enum queue_dsn_kind {
	QUEUE_DSN_FAILED,
	QUEUE_DSN_DELAYED,
	QUEUE_DSN_DONE, /* delivered, relayed or expanded: what `tell` says */
	QUEUE_DSN_KINDS
};

struct queue_dsn {
	enum queue_dsn_kind kind;
	enum config_language language; /* of the text and the subject */
	struct span hostname;      /* ours */
	uint64_t qid;              /* of the notice */
	uint64_t about_qid;        /* of the message that failed */
	struct span to;            /* its reverse-path; not empty */
	int64_t now_wall_ms;
	int64_t received_wall_ms;  /* when the message came */
	int64_t give_up_wall_ms;   /* valid when DELAYED */
	/* Those it is about: queue_dsn_concerns; others are skipped. */
	const struct queue_rcpt *rcpts;
	size_t rcpt_count;
	struct span envid;         /* as it came, in xtext; empty: none */
	struct span trace;         /* our Received: on top of the original */
	/* The original, or as much of its beginning as is at hand: at least
	 * its header, or QUEUE_DSN_HEADER_MAX bytes. */
	struct span original;
	uint64_t original_size;    /* of all of it */
	bool is_binary;            /* it may have bytes that no line has */
	bool is_header_only;       /* no more of it: RFC 8689 5, RET=HDRS */
};

/* Is a notice of this kind about this recipient, as the sender wants it?  RFC 3461
 * 5.2.5, 5.2.6 */
bool queue_dsn_concerns(enum queue_dsn_kind kind, const struct queue_rcpt *r);

/* Appends the notice; *out_flags: QUEUE_MAIL_* that it needs.  out->max must
 * be at least QUEUE_DSN_MAX. */
void queue_dsn_put(struct buf *out, const struct queue_dsn *d,
	uint32_t *out_flags);

#endif
