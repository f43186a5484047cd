/*
 * smtp_client.h - the client's side of one SMTP connection: RFC 5321 with
 * PIPELINING, SIZE, 8BITMIME, SMTPUTF8, ENHANCEDSTATUSCODES, STARTTLS (RFC
 * 3207), REQUIRETLS (RFC 8689), DSN (RFC 3461) and AUTH PLAIN (RFC 4954); any number of messages,
 * one after the other.
 *
 * Pure: bytes in, effects out, of the shape of smtp_server.h.  The caller owns
 * the socket, TLS, the clock and the file of a large body.
 *
 *	taken = smtp_client_feed(c, in);
 *	while (smtp_client_next(c, &effect))
 *		...
 *
 * feed() stops while an effect waits.  next() gives one effect at a time; its
 * spans are valid until the next call of any function here.
 *
 * A message may be given (begin) when none is there, also before the server's
 * greeting.  It stays the caller's, with all its spans, until SETTLED: then
 * every recipient has its outcome.
 */
#ifndef POSTRIDER_SMTP_SMTP_CLIENT_H
#define POSTRIDER_SMTP_SMTP_CLIENT_H

#include "base/arena.h"
#include "base/buf.h"

struct smtp_client;

/* What is wanted of STARTTLS.  MUST: nothing of a message is said in plain
 * text, not even its sender; a server that cannot do so gets none. */
enum smtp_client_tls {
	SMTP_CLIENT_TLS_NEVER,
	SMTP_CLIENT_TLS_MAY, /* if the server offers it */
	SMTP_CLIENT_TLS_MUST
};

struct smtp_client_config {
	enum smtp_client_tls tls;
	bool is_local;        /* nothing of it leaves this machine: as good as
	                         TLS with a server whose name is certain */
	bool may_login;       /* LOGIN is asked where the server offers it */
	struct span hostname; /* for EHLO; kept by reference */
	struct buf *dialogue; /* lines "C: …", "S: …" with LF are appended, as
	                         far as they fit; never message text, nor a
	                         password.  NULL:
	                         none are wanted */
};

struct smtp_client_rcpt {
	struct span address;
	uint8_t notify;       /* SMTP_NOTIFY_* of smtp_dsn.h */
	struct span orcpt;    /* as it came; empty: none */
	/* Zeroed by the caller; set by the engine: */
	bool is_settled;      /* what follows is valid */
	enum code result;     /* OK, TEMP, DENIED (failed for good) */
	uint32_t code;        /* the server's; 0: no server said it, we did */
	struct span enhanced; /* "5.1.1" or empty */
	struct span text;
	bool has_dsn;     /* the server knows DSN (RFC 3461), and was told what
	                     the sender wants to hear */
	bool was_cut;     /* the trouble was with the session, before the server
	                     had the message: another server may be tried */
	bool was_crowded; /* too many recipients: once more, in another
	                     transaction, at once.  RFC 5321 4.5.3.1.10 */
	bool was_unfit;   /* this server lacks SMTPUTF8 or what REQUIRETLS
	                     wants: nothing was sent, and another of the domain
	                     may have it.  RFC 6531 3.5, RFC 8689 4.2.1 */
	bool is_sent;     /* the engine's own notes */
	bool is_accepted;
};

struct smtp_client_message {
	struct span reverse_path; /* empty: the null sender */
	uint32_t flags;           /* SMTP_CLIENT_MAIL_*: the bits of MAIL_* */
	uint8_t ret;              /* SMTP_RET_* of smtp_dsn.h */
	struct span envid;        /* as it came; empty: none */
	uint64_t size;            /* bytes of head and body */
	struct span head;         /* goes before the body: our Received: */
	bool is_streamed;         /* BODY asks for pieces; else: */
	struct span body;
	bool may_convert;         /* the caller answers CONVERT; else what the
	                             server does not take fails with 5.6.3 */
	struct smtp_client_rcpt *rcpts; /* those settled before are left out */
	size_t rcpt_count;
	struct arena *arena; /* for texts of outcomes */
};
#define SMTP_CLIENT_MAIL_8BIT   1u
#define SMTP_CLIENT_MAIL_BINARY 2u
#define SMTP_CLIENT_MAIL_UTF8   4u
#define SMTP_CLIENT_MAIL_REQUIRETLS 16u

enum smtp_client_effect_type {
	SMTP_CLIENT_SEND,    /* write bytes to the server */
	SMTP_CLIENT_START_TLS, /* begin the handshake; what comes next is said
	                        with smtp_client_secured or _tls_failed */
	SMTP_CLIENT_LOGIN,   /* the server takes a password, in this very form:
	                        answer with smtp_client_login */
	SMTP_CLIENT_CONVERT, /* the server takes less than the message may hold:
	                        answer with smtp_client_converted */
	SMTP_CLIENT_BODY,    /* give the next piece with smtp_client_body */
	SMTP_CLIENT_SETTLED, /* all recipients have outcomes; the message is the
	                        caller's again */
	SMTP_CLIENT_CLOSE    /* close, after what was sent has gone out */
};

struct smtp_client_effect {
	enum smtp_client_effect_type type;
	struct span bytes; /* SEND */
	struct span why;   /* CLOSE */
};

/* Lives in the arena until that is cleared. */
#define SMTP_CLIENT_ARENA_BYTES 16384
struct smtp_client *smtp_client_open(struct arena *a,
	const struct smtp_client_config *config);
/* Gives back what the engine holds outside of its arena. */
void smtp_client_close(struct smtp_client *c);

size_t smtp_client_feed(struct smtp_client *c, struct span in);
bool smtp_client_next(struct smtp_client *c, struct smtp_client_effect *out);

/* The handshake is over: everything is now said under TLS, and what the server
 * told before is forgotten.  RFC 3207 4.2.  is_verified: the name of the server
 * is certain, and its certificate is good for it. */
void smtp_client_secured(struct smtp_client *c, bool is_verified);
/* The handshake failed: the connection is of no more use. */
void smtp_client_tls_failed(struct smtp_client *c, struct span why);

/* The answer to LOGIN.  Without a user the session goes on as a stranger's.  A
 * refusal settles the message: 5xx for good.  RFC 4616: no NUL in either, and
 * both together at most SMTP_CLIENT_LOGIN_BYTES. */
#define SMTP_CLIENT_LOGIN_BYTES 2048
void smtp_client_login(struct smtp_client *c, struct span user,
	struct span password);

/* No message is there and the session has not ended. */
bool smtp_client_is_free(const struct smtp_client *c);
void smtp_client_begin(struct smtp_client *c, struct smtp_client_message *m);
/* Behind CONVERT: bytes above 127 may stay. */
bool smtp_client_takes_8bit(const struct smtp_client *c);
/* The answer to CONVERT.  OK: BODY will ask for the pieces of the converted
 * body, whether the message is streamed or not; body_bytes is its size.  TEMP:
 * it cannot be read; else why says why it cannot be converted, and lasts as
 * long as the arena of the message.  RFC 6152 3 */
void smtp_client_converted(struct smtp_client *c, enum code code,
	uint64_t body_bytes, struct span why);
/* The answer to BODY: up to SMTP_CLIENT_PIECE_BYTES, in order. */
#define SMTP_CLIENT_PIECE_BYTES 65536
void smtp_client_body(struct smtp_client *c, struct span piece, bool is_last);
/* The piece could not be read: the connection ends, the message is temporarily
 * failed by our own trouble. */
void smtp_client_body_failed(struct smtp_client *c);
/* The server has been given the whole message, and has not answered yet. */
bool smtp_client_is_committed(const struct smtp_client *c);
/* Has the session not come so far that a message may be said?  The greeting, or
 * the answer to EHLO or STARTTLS, is still awaited, or the handshake. */
bool smtp_client_is_opening(const struct smtp_client *c);

/* Says QUIT; only when free.  CLOSE follows. */
void smtp_client_quit(struct smtp_client *c);
/* The connection is gone: closed by the server, or nothing came in time
 * (code TIMEOUT).  SETTLED and CLOSE follow. */
void smtp_client_lost(struct smtp_client *c, enum code code);

/* How long the caller waits in this state without any progress, in
 * milliseconds; 0: as long as it likes (idle).  RFC 5321 4.5.3.2 */
int64_t smtp_client_timeout_ms(const struct smtp_client *c);

#endif
