/*
 * pop3_login.h - POP3 up to the login: the AUTHORIZATION state, RFC 1939 4,
 * with CAPA and RESP-CODES of RFC 2449, STLS of RFC 2595, AUTH of RFC 5034.
 *
 * Pure, of the same shape as smtp_server.h.  It runs in front, which knows no
 * mailbox: after a good login the socket and the bytes not yet taken go to the
 * account process, whose pop3.h greets with the answer to PASS.
 */
#ifndef POSTRIDER_POP3_POP3_LOGIN_H
#define POSTRIDER_POP3_POP3_LOGIN_H

#include "base/arena.h"
#include "base/buf.h"
#include "sasl/sasl.h"

struct pop3_login;

struct pop3_login_config {
	struct span hostname; /* in the greeting */
	uint32_t errors_max;
	struct sasl_config login; /* without may_plain: -ERR before a password
	                         is read */
	bool has_tls;         /* STLS is offered */
};

enum pop3_login_effect_type {
	POP3_LOGIN_SEND,   /* write bytes */
	POP3_LOGIN_ASK,    /* question; after the answer to the last one:
	                      HANDOVER, -ERR [AUTH] if it was DENIED, else
	                      -ERR [SYS/TEMP] */
	POP3_LOGIN_ASK_TLS,   /* STLS: can a handshake begin?  tls_answer OK:
	                         +OK, then START_TLS; else -ERR [SYS/TEMP] */
	POP3_LOGIN_START_TLS, /* what was sent is the last in plain text:
	                         nothing is taken until pop3_login_secured */
	POP3_LOGIN_HANDOVER, /* the engine has ended; bytes from here on (what
	                      feed did not take) belong to the session */
	POP3_LOGIN_CLOSE
};

struct pop3_login_effect {
	enum pop3_login_effect_type type;
	struct span bytes;
	const struct sasl_question *question; /* ASK */
	struct span why; /* CLOSE: for the log */
};

#define POP3_LOGIN_ARENA_BYTES (16384 + SASL_ARENA_BYTES)

struct pop3_login *pop3_login_open(struct arena *a,
	const struct pop3_login_config *config);
void pop3_login_close(struct pop3_login *p);
size_t pop3_login_feed(struct pop3_login *p, struct span in);
bool pop3_login_next(struct pop3_login *p, struct pop3_login_effect *out);
void pop3_login_answer(struct pop3_login *p, const struct sasl_answer *answer);
void pop3_login_tls_answer(struct pop3_login *p, enum code verdict);
/* TLS is up, from the first byte or after START_TLS: then the session is as
 * after the greeting (RFC 2595 4).  login: what is known now. */
void pop3_login_secured(struct pop3_login *p, const struct sasl_config *login);
/* The login was good but the account cannot be opened now: says
 * -ERR [SYS/TEMP] (or [IN-USE] for BUSY) and waits for another command. */
void pop3_login_failed(struct pop3_login *p, enum code why);
/* The caller ends the session: CLOSE follows (with a last -ERR line). */
void pop3_login_shut(struct pop3_login *p, struct span text);

#define POP3_LOGIN_TIMEOUT_MS 60000

#endif
