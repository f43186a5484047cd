/*
 * sasl_plain.c - mechanisms that say the password: PLAIN (RFC 4616), and LOGIN,
 * which no standard describes and every client knows.
 *
 *	PLAIN   [authzid] NUL user NUL password
 *	LOGIN   S: Username:   C: user   S: Password:   C: password
 *
 * What is said is asked as it is, however long and even when it is empty, so
 * that a wrong password costs the same whatever is wrong with it.
 *
 * Deliberate: the password may be bytes that are no UTF-8 (RFC 4616 2): a hash
 * from an old server may be one of Latin-1.
 */
#include "base/utf8.h"
#include "sasl/sasl_int.h"

#include "base/banned.h"

static bool is_user(struct span user)
{
	return user.n > 0 && utf8_is_valid(user) &&
	       span_find(user, '\0') == user.n;
}

static struct sasl_step ask(struct sasl *s, struct span password)
{
	s->x->question.password = password;
	return sasl_next_ask(s, SASL_ASK_PASSWORD);
}

struct sasl_step sasl_plain_respond(struct sasl *s, struct span said)
{
	size_t authzid_n = span_find(said, '\0');
	struct span authzid = span_cut(&said, '\0');
	size_t user_n = span_find(said, '\0');
	struct span user = span_cut(&said, '\0');

	/* both were ended by a NUL, and there is no third */
	if (authzid_n + user_n + said.n + 2 != s->x->said_n ||
		span_find(said, '\0') != said.n || !is_user(user) ||
		!sasl_keep_user(s, user))
		return sasl_next_failed(s, SASL_BAD_SYNTAX);
	if (!sasl_may_act_for(s, authzid))
		return sasl_next_failed(s, SASL_WRONG);
	return ask(s, said);
}

struct sasl_step sasl_login_respond(struct sasl *s, struct span said)
{
	if (s->state == SASL_PASSWORD) {
		if (span_find(said, '\0') != said.n)
			return sasl_next_failed(s, SASL_BAD_SYNTAX);
		return ask(s, said);
	}
	if (!is_user(said) || !sasl_keep_user(s, said))
		return sasl_next_failed(s, SASL_BAD_SYNTAX);
	return sasl_next_challenge(s, SASL_PASSWORD, SPAN("Password:"));
}

/* An empty password is nobody's, whatever the answer. */
struct sasl_step sasl_password_answered(
	struct sasl *s, const struct sasl_answer *answer)
{
	if (s->x->question.password.n == 0 && answer->verdict == OK)
		return sasl_next_failed(s, SASL_WRONG);
	return sasl_verdict(s, answer);
}
