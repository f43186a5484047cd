/*
 * imap_door.h - IMAP up to the login: the Not Authenticated state, RFC 9051 3.1
 * and 6.2, RFC 3501 6.2, with SASL-IR (RFC 4959), ID (RFC 2971), LITERAL+
 * (RFC 7888) and the response codes of RFC 5530.
 *
 * Pure, of the same shape as pop3_login.h.  It runs in front, which knows no
 * mailbox: after a good login the socket and the bytes not yet taken go to the
 * account process, whose session answers the tag of the login.
 */
#ifndef POSTRIDER_IMAP_IMAP_DOOR_H
#define POSTRIDER_IMAP_IMAP_DOOR_H

#include "sasl/sasl.h"

struct imap_door;

/* A stranger's line, literal, command with its literals; lists in lists there
 * are none. */
#define IMAP_DOOR_LINE_MAX    8192
#define IMAP_DOOR_LITERAL_MAX 4096
#define IMAP_DOOR_COMMAND_MAX 16384
#define IMAP_DOOR_DEPTH_MAX   1
/* A name or a password of LOGIN that is longer still is not the right one: it
 * is read to its end and refused like any other.  Who sends more, or any other
 * long command, is no mail program. */
#define IMAP_DOOR_THROWN_MAX 16384
/* A user name and a password that are worth a question. */
#define IMAP_DOOR_USER_MAX     SASL_USER_MAX
#define IMAP_DOOR_PASSWORD_MAX 4096
/* Nobody needs longer before a login; RFC 9051 5.4 speaks of what comes after.
 * */
#define IMAP_DOOR_TIMEOUT_MS (3 * 60 * 1000)

struct imap_door_config {
	struct span hostname; /* in the greeting */
	uint32_t errors_max;
	bool has_tls;            /* STARTTLS is offered */
	bool is_again;           /* after UNAUTHENTICATE: no greeting */
	struct sasl_config login; /* may_plain: else LOGINDISABLED, and no
	                             password is read */
};

enum imap_door_effect_type {
	IMAP_DOOR_SEND,      /* write bytes */
	IMAP_DOOR_ASK,       /* question; closed by imap_door_answer */
	IMAP_DOOR_ASK_TLS,   /* STARTTLS: can a handshake begin?  closed by
	                        imap_door_tls_answer */
	IMAP_DOOR_START_TLS, /* what was sent is the last in plain text: what was
	                        read and not taken is thrown away, and nothing
	                        is taken until imap_door_secured */
	IMAP_DOOR_HANDOVER,  /* tag: the engine has ended; bytes from here
	                        on belong to the session, which answers the tag;
	                        or imap_door_failed */
	IMAP_DOOR_CLOSE
};

struct imap_door_effect {
	enum imap_door_effect_type type;
	struct span bytes;
	const struct sasl_question *question;
	struct span tag;
	struct span why; /* CLOSE: for the log */
};

#define IMAP_DOOR_ARENA_BYTES (SASL_ARENA_BYTES + 8192)

/* The greeting waits for the first call of feed or next, after which it is too
 * late to say that TLS was there from the first byte. */
struct imap_door *imap_door_open(
	struct arena *a, const struct imap_door_config *config);
/* Wipes and frees what is not the arena's. */
void imap_door_close(struct imap_door *d);
size_t imap_door_feed(struct imap_door *d, struct span in);
bool imap_door_next(struct imap_door *d, struct imap_door_effect *out);
/* OK (and, for a password or a proof, the end): HANDOVER follows.  DENIED:
 * NO [AUTHENTICATIONFAILED]; else NO [UNAVAILABLE]. */
void imap_door_answer(struct imap_door *d, const struct sasl_answer *answer);
void imap_door_tls_answer(struct imap_door *d, enum code verdict);
/* TLS is up, from the first byte or after START_TLS: then the session is as
 * after the greeting (RFC 9051 6.2.1).  login: what is known now. */
void imap_door_secured(struct imap_door *d, const struct sasl_config *login);
/* After HANDOVER: the mailbox could not be opened.  BUSY: NO [INUSE]. */
void imap_door_failed(struct imap_door *d, enum code why);
/* Says BYE and ends: text may begin with a response code. */
void imap_door_shut(struct imap_door *d, struct span text);

#endif
