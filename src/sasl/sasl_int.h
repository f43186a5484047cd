/*
 * sasl_int.h - what the mechanisms share with the exchange, sasl.c.
 *
 * A mechanism is a row: it gets what the client says, decoded, and what was
 * answered to its question, and ends each with one of the sasl_next_ calls.
 */
#ifndef POSTRIDER_SASL_SASL_INT_H
#define POSTRIDER_SASL_SASL_INT_H

#include "sasl/sasl.h"

/* What a line of SASL_LINE_MAX decodes to. */
#define SASL_SAID_MAX (SASL_LINE_MAX / 4 * 3)
/* Messages of SCRAM: of ours, of the client's first and of his last.  A user's
 * name of SASL_USER_MAX is a third of it when all of it is escaped. */
#define SCRAM_FIRST_MAX  2048
#define SCRAM_FINAL_MAX  4096
#define SCRAM_SAY_MAX    (SCRAM_FIRST_MAX + 256)
#define SCRAM_TEXT_MAX   (SCRAM_FIRST_MAX + SCRAM_SAY_MAX + SCRAM_FINAL_MAX)
#define SCRAM_SALT_MAX   64
#define SCRAM_PROOF_MAX  32

enum sasl_state {
	SASL_IDLE,     /* no exchange is under way; user is of the last one */
	SASL_FIRST,    /* the mechanism's first response is awaited */
	SASL_PASSWORD, /* LOGIN: the user was said */
	SASL_FINAL,    /* SCRAM: salt and nonce were said */
	SASL_PROVEN,   /* SCRAM: our signature was said */
	SASL_REFUSED,  /* the client was told why; he may say a last word */
	SASL_ASKED     /* a question is open */
};

struct scram_exchange {
	uint8_t gs2[SCRAM_FIRST_MAX]; /* GS2 header */
	size_t gs2_n;
	/* AuthMessage as it grows: client-first-message-bare, then ours, then
	 * client-final-message-without-proof */
	uint8_t text[SCRAM_TEXT_MAX];
	size_t text_n;
	size_t nonce_at, nonce_n; /* in text: the client's, then the whole one */
	uint8_t proof[SCRAM_PROOF_MAX];
};

/* What one exchange needs: made for the first, wiped after each. */
struct sasl_exchange {
	uint8_t said[SASL_SAID_MAX]; /* the client, decoded */
	size_t said_n;
	uint8_t line[(SCRAM_SAY_MAX + 2) / 3 * 4]; /* our challenge, in base64 */
	struct sasl_question question;
	struct scram_exchange scram;
};

struct sasl_row {
	struct span name;
	struct span hello;    /* the challenge before the first response */
	bool is_plus, is_sha1;
	bool is_hidden;       /* not offered, but known */
	bool wants_certificate;
	struct sasl_step (*respond)(struct sasl *s, struct span said);
	struct sasl_step (*answered)(struct sasl *s,
		const struct sasl_answer *answer);
};

struct sasl {
	struct arena *arena; /* not owned */
	struct sasl_config config;
	enum sasl_mechanism mechanism;
	const struct sasl_row *row; /* of mechanism */
	enum sasl_state state;
	enum sasl_failure failure; /* REFUSED: what is told at its end */
	uint8_t user[SASL_USER_MAX];
	size_t user_n;
	struct sasl_exchange *x; /* NULL: there was none yet */
};

/* The four ways to end a turn.  Challenge: say is at most SCRAM_SAY_MAX bytes,
 * and state what the response will be. */
struct sasl_step sasl_next_challenge(struct sasl *s, enum sasl_state state,
	struct span say);
/* The question is s->x->question, for the user of s. */
struct sasl_step sasl_next_ask(struct sasl *s, enum sasl_question_type type);
struct sasl_step sasl_next_done(struct sasl *s);
struct sasl_step sasl_next_failed(struct sasl *s, enum sasl_failure failure);

/* False: it is too long for a user. */
bool sasl_keep_user(struct sasl *s, struct span user);
/* Is the client allowed to act for authzid?  As himself only: empty, or the
 * user, of whose domain the case means nothing.  RFC 4422 3.4.1 */
bool sasl_may_act_for(struct sasl *s, struct span authzid);
/* The step after the verdict on the one question of a simple mechanism. */
struct sasl_step sasl_verdict(struct sasl *s, const struct sasl_answer *answer);

struct sasl_step sasl_plain_respond(struct sasl *s, struct span said);
struct sasl_step sasl_login_respond(struct sasl *s, struct span said);
struct sasl_step sasl_password_answered(struct sasl *s,
	const struct sasl_answer *answer);
struct sasl_step sasl_scram_respond(struct sasl *s, struct span said);
struct sasl_step sasl_scram_answered(struct sasl *s,
	const struct sasl_answer *answer);
struct sasl_step sasl_external_respond(struct sasl *s, struct span said);
struct sasl_step sasl_bearer_respond(struct sasl *s, struct span said);

#endif
