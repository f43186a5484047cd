/*
 * smtp_server.h - the server's side of one SMTP connection: RFC 5321 with
 * PIPELINING, SIZE, 8BITMIME, SMTPUTF8, ENHANCEDSTATUSCODES, CHUNKING and
 * BINARYMIME; STARTTLS; and AUTH on a submission port; DSN.
 *
 * Pure: bytes and answers in, effects out.  The caller owns the socket, asks
 * other processes, keeps the body and the clock.
 *
 *	taken = smtp_server_feed(s, in, now_ms);
 *	while (smtp_server_next(s, &effect))
 *		...
 *
 * feed() stops while an effect waits or a question is open, and then takes
 * fewer bytes than it was given (perhaps none): the caller keeps the rest and
 * offers it again.  next() gives one effect at a time; its spans are valid
 * until the next call of feed, next or answer, and those of SMTP_BODY lie in
 * the bytes given to feed, which therefore stay until next() returned false.
 * A question (ASK_*) must be
 * answered by smtp_server_answer before anything else goes on; nothing but
 * time-outs of the caller can come between.
 *
 * Replies gather and come out as one SMTP_SEND as late as RFC 2920 3.2 allows:
 * when all that was fed is taken and no question is open.  So the bytes that
 * feed() did not take have to be offered again before the caller waits for
 * more.  How the input is cut never matters, but for two rules about
 * time: what is fed before the greeting was fetched is refused as early talk,
 * and so is what lies in the same feed behind a command whose reply has to be
 * awaited (EHLO, DATA, NOOP, ...: RFC 2920 3.1).
 */
#ifndef POSTRIDER_SMTP_SMTP_SERVER_H
#define POSTRIDER_SMTP_SMTP_SERVER_H

#include "base/arena.h"
#include "base/buf.h"
#include "sasl/sasl.h"

struct smtp_server;

struct smtp_server_config {
	struct span hostname;      /* in the greeting and in Received: */
	uint64_t message_size_max; /* bytes; announced by SIZE */
	uint32_t recipients_max;
	uint32_t errors_max;       /* then 421 and the end */
	uint32_t received_max;     /* Received: fields before it is a loop */
	bool has_tls;              /* STARTTLS is offered */
	bool is_submission;        /* ports 587 and 465: AUTH is offered, and
	                              wanted before MAIL: RFC 6409 4.3; also
	                              for a local peer, without AUTH */
	bool has_dsn;              /* DSN is offered: RFC 3461 */
	bool hides_client;         /* Received: does not say where who is
	                              logged in came from */
	struct sasl_config login;  /* for AUTH, while TLS is not up */
};

/* A program of this machine, on run_dir/submit.sock: who it is was known from
 * the start. */
struct smtp_local {
	uint32_t uid;       /* shown in Received: */
	struct span domain; /* what a name without one gets; set, at the latest,
	                       when the greeting is taken */
};

struct smtp_peer {
	struct span address;  /* 4 or 16 bytes */
	struct span tls;      /* "TLSv1.3 TLS_AES_256_GCM_SHA384"; empty: none */
	const struct smtp_local *local; /* NULL: it is none; it is not copied */
};

enum smtp_effect_type {
	SMTP_SEND,       /* write bytes to the client */
	SMTP_ASK_SENDER, /* MAIL on a submission port: may who is logged in send
	                    as this address (as below; empty: the null sender)?
	                    answer OK, DENIED (not his own), LIMIT (too many
	                    messages this hour), anything else: temporary
	                    trouble */
	SMTP_ASK_RCPT,   /* may this recipient be accepted?  address: without
	                    brackets and source route, RFC 5321 4.1.2, quoted
	                    only if it must be, domain in lower case;
	                    "postmaster" for <Postmaster>; answer OK, NOT_FOUND (no such user),
	                    DENIED (no relaying), FULL (over quota), SYNTAX (bad
	                    domain), LIMIT (too many recipients this hour),
	                    anything else: temporary trouble */
	SMTP_ASK_DATA,   /* DATA or the first BDAT: will a body be taken?
	                    answer OK; FULL: 452 4.3.1; else 451 4.3.0 */
	SMTP_BODY,       /* bytes of the body, in order, dots unstuffed; only
	                    between an ASK_DATA answered OK and the ASK_COMMIT
	                    or SMTP_DROP that ends it */
	SMTP_ASK_COMMIT, /* the body is complete: make it durable.  answer OK:
	                    250 with the mid given; FULL: 452; DENIED: who is
	                    named as the sender is somebody else; LIMIT: the
	                    header passes our limits; else 451 */
	SMTP_ASK_LOGIN,  /* AUTH: `login` is the question; closed by
	                    smtp_server_login_answer */
	SMTP_LOGGED_IN,  /* the exchange ended well: who was asked for last is
	                    who speaks from now on */
	SMTP_ASK_TLS,    /* STARTTLS: can a handshake begin?  answer OK: 220,
	                    then START_TLS; else 454 4.7.0 */
	SMTP_START_TLS,  /* what was sent is the last in plain text: nothing is
	                    taken until smtp_server_secured.  Bytes that the
	                    client sent before it saw the 220 belong to
	                    nobody: RFC 3207 4.2 */
	SMTP_DROP,       /* no message will come of it: forget the body.  The
	                    client may still be sending it */
	SMTP_LOG,        /* event, code and text for the log */
	SMTP_CLOSE       /* close, after what was sent has gone out */
};

struct smtp_effect {
	enum smtp_effect_type type;
	struct span bytes;   /* SEND, BODY */
	struct span address; /* ASK_SENDER, ASK_RCPT; LOG: whom it concerns */
	const struct sasl_question *login; /* ASK_LOGIN */
	int event;           /* LOG: enum log_event */
	uint32_t code;       /* LOG: the reply */
	struct span why;     /* LOG, CLOSE */
};

/* The transaction, for the caller that makes a message of it: valid from
 * ASK_DATA to the answer of ASK_COMMIT. */
struct smtp_rcpt {
	struct span address; /* as it was asked */
	uint64_t cookie;     /* what the caller gave with its answer */
	uint8_t route;       /* the same */
	uint8_t notify;      /* SMTP_NOTIFY_* of smtp_dsn.h */
	struct span orcpt;   /* ORCPT as it came; empty: none */
};

struct smtp_transaction {
	struct span reverse_path; /* empty: the null sender */
	uint32_t flags;           /* SMTP_MAIL_* */
	uint64_t size;            /* bytes of the body so far */
	uint64_t declared_size;   /* SIZE=, 0: none */
	uint8_t ret;              /* SMTP_RET_* of smtp_dsn.h */
	struct span envid;        /* ENVID as it came; empty: none */
	const struct smtp_rcpt *rcpts;
	size_t rcpt_count;
	struct span helo;         /* as the client named itself */
	bool is_esmtp;            /* it said EHLO */
};
#define SMTP_MAIL_8BIT   1u /* the same bits as MAIL_* of ipc/messages.h */
#define SMTP_MAIL_BINARY 2u
#define SMTP_MAIL_UTF8   4u
#define SMTP_MAIL_REQUIRETLS 16u

/* Memory of the session, bytes, whatever the peer sends: see NOTES.md */
#define SMTP_SERVER_ARENA_BYTES (1u << 20)

/* The engine lives in the arena that the caller gives (cap at least
 * SMTP_SERVER_ARENA_BYTES) until that is cleared.  The greeting waits as the
 * first effect. */
struct smtp_server *smtp_server_open(struct arena *a,
	const struct smtp_server_config *config, const struct smtp_peer *peer);
/* Gives back what the engine holds outside of its arena. */
void smtp_server_close(struct smtp_server *s);

size_t smtp_server_feed(struct smtp_server *s, struct span in, int64_t now_ms);
bool smtp_server_next(struct smtp_server *s, struct smtp_effect *out);
/* Closes the one open question.  cookie and route are kept with the recipient
 * (ASK_RCPT); mid is shown in the reply (ASK_COMMIT), else empty. */
void smtp_server_answer(struct smtp_server *s, enum code verdict,
	uint64_t cookie, uint8_t route, struct span mid);

/* The same for ASK_LOGIN. */
void smtp_server_login_answer(struct smtp_server *s,
	const struct sasl_answer *answer);
bool smtp_server_is_logged_in(const struct smtp_server *s);

/* TLS is up: from the first byte, before the greeting, or after START_TLS; then
 * the session is as after the greeting (RFC 3207 4.2), a login is forgotten.
 * tls: as in smtp_peer, for as long as the engine lives; login: for AUTH from now
 * on. */
void smtp_server_secured(struct smtp_server *s, struct span tls,
	const struct sasl_config *login);

const struct smtp_transaction *smtp_server_transaction(
	const struct smtp_server *s);
/* Is a transaction open (MAIL accepted, not ended)? */
bool smtp_server_is_busy(const struct smtp_server *s);
/* How long the caller waits for the client in this state, milliseconds.
 * RFC 5321 4.5.3.2 */
int64_t smtp_server_timeout_ms(const struct smtp_server *s);

/* The caller ends the session: a reply 421 with this enhanced code and text
 * waits as the next effect, then SMTP_CLOSE.  why is for the log. */
void smtp_server_shut(struct smtp_server *s, struct span enhanced,
	struct span text, struct span why);

/* The Received: field for the transaction, with its CRLF at the end:
 * interface.md "What a message looks like".  `for` only with one recipient. */
void smtp_server_put_received(const struct smtp_server *s, struct buf *out,
	struct span mid, int64_t now_ms);

#endif
