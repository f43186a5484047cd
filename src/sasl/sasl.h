/*
 * sasl.h - the server's side of a login in a mail protocol: RFC 4422, with
 * PLAIN (RFC 4616), LOGIN, SCRAM-SHA-256 and -SHA-1, each also -PLUS
 * (RFC 5802, 7677, 9266), EXTERNAL (RFC 4422 A), OAUTHBEARER (RFC 7628).
 *
 * Pure, and it knows no password: it reads what the client says, asks what has
 * to be known, and says what the client is to be told.  It runs in front; who
 * answers its questions is the directory.  SMTP, POP3 and IMAP frame an
 * exchange alike (RFC 4954 4, RFC 5034 4, RFC 9051 6.2.2), so the lines of the
 * exchange are read and written here, base64 and all:
 *
 *	C: AUTH name [initial]   sasl_begin
 *	S: 334 / "+ "            SASL_CHALLENGE: text, without what comes before
 *	C: base64                sasl_line            or CRLF at its end
 *	                         SASL_ASK: question, closed by sasl_answer
 *	S: 235 / +OK / OK        SASL_DONE
 *	S: 535 / -ERR / NO       SASL_FAILED: failure says why
 *
 * Each of begin, line and answer gives the next step: begin when no exchange is
 * under way, line after CHALLENGE, answer after ASK, never otherwise.  Spans of
 * a step are valid until the next call.  The engine wipes what was secret when
 * it ends, and in sasl_close.
 *
 * Where SCRAM fails, its "e=" goes as a CHALLENGE first, and the line after it,
 * whatever it is, gives FAILED.  So does our "v=", whose line gives DONE.
 */
#ifndef POSTRIDER_SASL_SASL_H
#define POSTRIDER_SASL_SASL_H

#include "base/arena.h"
#include "base/err.h"

/* A line of the exchange without CRLF.  RFC 4954 4 */
#define SASL_LINE_MAX 12288
#define SASL_USER_MAX 512
#define SASL_NONCE_BYTES 24

enum sasl_mechanism {
	SASL_SCRAM_SHA_256_PLUS,
	SASL_SCRAM_SHA_1_PLUS,
	SASL_SCRAM_SHA_256,
	SASL_SCRAM_SHA_1,
	SASL_EXTERNAL,
	SASL_OAUTHBEARER, /* framed, and never offered: nobody issues tokens */
	SASL_PLAIN,
	SASL_LOGIN,
	SASL_MECHANISM_COUNT
};
/* "SCRAM-SHA-256-PLUS" */
struct span sasl_mechanism_name(enum sasl_mechanism m);

/* What is known of the connection. */
struct sasl_config {
	bool may_plain;       /* passwords may be said: TLS, or login.plaintext;
	                         without it no mechanism is offered at all */
	bool has_certificate; /* the client showed one: EXTERNAL */
	struct span binding;  /* tls-exporter, 32 bytes (RFC 9266); empty:
	                         no TLS 1.3; must live as long as the engine */
};
bool sasl_is_offered(const struct sasl_config *config, enum sasl_mechanism m);
/* " NAME NAME …", each with the prefix before it (" ", " AUTH=");
 * nothing when none is offered. */
struct buf;
void sasl_put_offer(const struct sasl_config *config, struct span prefix,
	struct buf *out);

enum sasl_question_type {
	SASL_ASK_PASSWORD,    /* user, password: are they good? */
	SASL_ASK_SALT,        /* user: the salt, the rounds, and a nonce; also for
	                         users who do not exist */
	SASL_ASK_PROOF,       /* user, text, proof: is it one? */
	SASL_ASK_CERTIFICATE  /* user (empty: whose it is): is the certificate of
	                         this connection bound to the account? */
};

struct sasl_question {
	enum sasl_question_type type;
	struct span user;     /* as the client wrote it; for SCRAM unescaped */
	struct span password; /* PASSWORD; may be longer than any that is good */
	bool is_sha1;         /* SALT, PROOF: SCRAM-SHA-1 */
	struct span text;     /* PROOF: AuthMessage, RFC 5802 3 */
	struct span proof;    /* PROOF: ClientProof, 32 or 20 bytes */
};

struct sasl_answer {
	enum code verdict;     /* OK, DENIED, anything else: our trouble */
	struct span salt;      /* SALT */
	uint32_t rounds;       /* SALT */
	uint8_t nonce[SASL_NONCE_BYTES]; /* SALT: random, from the caller */
	struct span signature; /* PROOF: ServerSignature, 32 or 20 bytes */
};

enum sasl_step_type { SASL_CHALLENGE, SASL_ASK, SASL_DONE, SASL_FAILED };

enum sasl_failure {
	SASL_WRONG,       /* 535 5.7.8: not these credentials */
	SASL_TEMPORARY,   /* 454 4.7.0: our trouble */
	SASL_BAD_BASE64,  /* 501 5.5.2 */
	SASL_BAD_SYNTAX,  /* 501 5.5.2: decoded, it is not what the mechanism
	                     says */
	SASL_TOO_LONG,    /* 500 5.5.6 */
	SASL_CANCELLED,   /* 501 5.7.0: the client said "*" */
	SASL_UNKNOWN      /* 504 5.5.4: no such mechanism, or not offered here */
};

struct sasl_step {
	enum sasl_step_type type;
	struct span text; /* CHALLENGE: base64; may be empty */
	const struct sasl_question *question; /* ASK */
	enum sasl_failure failure;            /* FAILED */
};

struct sasl;
#define SASL_ARENA_BYTES 32768

/* The engine lives in the arena, which must have room for SASL_ARENA_BYTES: a
 * little at once, most at the first sasl_begin, nothing for later ones.  Once a
 * connection. */
struct sasl *sasl_open(struct arena *a, const struct sasl_config *config);
/* TLS came up: what is known changed, an exchange under way is over. */
void sasl_secured(struct sasl *s, const struct sasl_config *config);
/* name: in any case of letters.  has_initial: the client sent a response with
 * it (SASL-IR, RFC 4959): base64, or "=" for an empty one. */
struct sasl_step sasl_begin(struct sasl *s, struct span name,
	bool has_initial, struct span initial);
/* A line of the client, in answer to a CHALLENGE, without CRLF; of one that is
 * too long its first SASL_LINE_MAX + 1 bytes are enough. */
struct sasl_step sasl_line(struct sasl *s, struct span line);
struct sasl_step sasl_answer(struct sasl *s, const struct sasl_answer *answer);
/* Who logs in; after SASL_DONE the user that was asked for. */
struct span sasl_user(const struct sasl *s);
enum sasl_mechanism sasl_current(const struct sasl *s);
/* Wipes; harmless at any time. */
void sasl_close(struct sasl *s);

#endif
