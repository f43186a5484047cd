/*
 * sasl_external.c - EXTERNAL: who the client is, TLS said.  RFC 4422 A
 *
 * The response is whom to act for; empty: whose certificate it is.
 */
#include "base/utf8.h"
#include "sasl/sasl_int.h"

#include "base/banned.h"

struct sasl_step sasl_external_respond(struct sasl *s, struct span said)
{
	if (!utf8_is_valid(said) || span_find(said, '\0') != said.n ||
		!sasl_keep_user(s, said))
		return sasl_next_failed(s, SASL_BAD_SYNTAX);
	return sasl_next_ask(s, SASL_ASK_CERTIFICATE);
}
