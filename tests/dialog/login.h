/*
 * login.h - questions of a login as lines of a dialogue, for all drivers.
 *
 *	?: login USER PASSWORD -> ok
 *	?: salt sha-256 USER -> ok SALT ROUNDS        salt in base64
 *	?: proof sha-256 USER PROOF TEXT -> ok SIGNATURE  both in base64
 *	?: certificate USER -> denied
 *
 * The nonce of a server is always the same: 24 times "n".
 */
#ifndef POSTRIDER_TESTS_LOGIN_H
#define POSTRIDER_TESTS_LOGIN_H

#include "sasl/sasl.h"

void login_put_question(struct buf *out, const struct sasl_question *q);

struct login_answer {
	struct sasl_answer answer;
	uint8_t bytes[256]; /* of its spans */
};
/* answer: what stands behind the arrow; false: it is no answer to that. */
bool login_read_answer(struct span question, struct span answer,
	struct login_answer *out);
/* Is it one that login_put_question wrote? */
bool login_is_question(struct span question);

#endif
