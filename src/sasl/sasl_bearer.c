/*
 * sasl_bearer.c - OAUTHBEARER, framed so that a client which tries it is told in
 * its own terms that its token is none.  RFC 7628 3.1, 3.2.2, 3.2.3
 *
 *	C: n,a=user@example.org,^Aauth=Bearer TOKEN^A^A
 *	S: {"status":"invalid_token"}
 *	C: ^A
 *
 * Nobody issues tokens for this server, so it is never offered.
 */
#include "sasl/sasl_int.h"

#include "base/banned.h"

/* kvpairs of RFC 7628 3.1: each ends with ^A, one more ends the message. */
static bool has_token(struct span pairs)
{
	const uint8_t end = 1;
	bool found = false;

	if (!span_ends(pairs, SPAN("\1\1")))
		return false;
	pairs.n--;
	while (pairs.n > 0) {
		struct span pair = span_cut(&pairs, end);

		found = found || span_starts_fold(pair, SPAN("auth=Bearer "));
	}
	return found;
}

struct sasl_step sasl_bearer_respond(struct sasl *s, struct span said)
{
	struct span flag = span_cut(&said, ',');
	struct span authzid = span_cut(&said, ',');

	if (!(span_eq(flag, SPAN("n")) || span_eq(flag, SPAN("y"))) ||
		!(authzid.n == 0 || span_starts(authzid, SPAN("a="))) ||
		!span_starts(said, SPAN("\1")) ||
		!has_token(span_tail(said, 1)))
		return sasl_next_failed(s, SASL_BAD_SYNTAX);
	s->failure = SASL_WRONG;
	return sasl_next_challenge(
		s, SASL_REFUSED, SPAN("{\"status\":\"invalid_token\"}"));
}
