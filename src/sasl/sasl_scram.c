/*
 * sasl_scram.c - SCRAM-SHA-256 and -SHA-1, and both with channel binding: the
 * client proves that he knows the password, and we that we know it too, and
 * neither says it.  RFC 5802 3, 5, 6; RFC 7677; RFC 9266
 *
 *	C: n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL
 *	               SALT
 *	S: r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096
 *	C: c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0C…
 *	               PROOF
 *	S: v=rmF9pqV8S7suAoZWja4dJRkFsKQ=
 *	C:
 *
 * What was said up to the proof is one text, AuthMessage, that proof and
 * signature are about: nothing of it can be changed on the way.
 *
 * A failure that is SCRAM's is told as "e=" first, and the client may say a last
 * word; that the user does not exist is never told.
 *
 * Deliberate: of channel bindings only tls-exporter.  RFC 5802 6.1 wants
 * tls-unique, which TLS 1.3 does not have (RFC 9266 1); with TLS 1.2 the caller
 * has no binding for us, and no -PLUS is offered.
 */
#include <stdio.h>
#include <string.h>

#include "codec/base64.h"
#include "codec/base64_whole.h"
#include "sasl/sasl_int.h"
#include "sasl/sasl_scram_read.h"

#include "base/banned.h"

/* base64 of SASL_NONCE_BYTES, of a salt: without a NUL */
#define NONCE_LETTERS ((SASL_NONCE_BYTES + 2) / 3 * 4)
#define SALT_LETTERS  ((SCRAM_SALT_MAX + 2) / 3 * 4)
#define ROUNDS_MAX    16

static struct sasl_step refuse(struct sasl *s, enum scram_error why)
{
	uint8_t say[64] = "e=";
	struct span name = scram_error_name(why);

	if (why == SCRAM_SYNTAX)
		return sasl_next_failed(s, SASL_BAD_SYNTAX);
	must(name.n > 0 && name.n + 2 <= sizeof(say));
	memcpy(say + 2, name.p, name.n);
	s->failure = SASL_WRONG;
	return sasl_next_challenge(s, SASL_REFUSED, span_of(say, name.n + 2));
}

/* The sum of what is put is below SCRAM_TEXT_MAX: messages were measured. */
static void put(struct scram_exchange *x, struct span s)
{
	must(s.n <= sizeof(x->text) - x->text_n);
	memcpy(x->text + x->text_n, s.p, s.n);
	x->text_n += s.n;
}

/* Do flag and mechanism agree?  RFC 5802 6 */
static enum scram_error check_flag(
	const struct sasl *s, const struct scram_first *f)
{
	bool is_plus = s->row->is_plus;

	if (f->flag == 'p' && !is_plus)
		return SCRAM_NO_BINDING;
	if (f->flag == 'p')
		return span_eq(f->type, SPAN("tls-exporter")) ? SCRAM_GOOD
							      : SCRAM_TYPE;
	if (f->flag == 'y' && s->config.binding.n > 0)
		return SCRAM_DOWNGRADE;
	return is_plus ? SCRAM_BINDING : SCRAM_GOOD;
}

static enum scram_error check_names(struct sasl *s, const struct scram_first *f)
{
	uint8_t name[SCRAM_FIRST_MAX];
	size_t n;

	if (!scram_name_unescape(f->user, name, &n) ||
		!sasl_keep_user(s, span_of(name, n)) ||
		!scram_name_unescape(f->authzid, name, &n))
		return SCRAM_USERNAME;
	return sasl_may_act_for(s, span_of(name, n)) ? SCRAM_GOOD : SCRAM_OTHER;
}

static struct sasl_step first(struct sasl *s, struct span said)
{
	struct scram_exchange *x = &s->x->scram;
	struct scram_first f;
	enum scram_error why = SCRAM_SYNTAX;

	if (said.n <= SCRAM_FIRST_MAX)
		why = scram_first_read(said, &f);
	if (why == SCRAM_GOOD)
		why = check_flag(s, &f);
	if (why == SCRAM_GOOD)
		why = check_names(s, &f);
	if (why != SCRAM_GOOD)
		return refuse(s, why);
	memcpy(x->gs2, f.gs2.p, f.gs2.n);
	x->gs2_n = f.gs2.n;
	put(x, f.bare);
	x->nonce_at = (size_t)(f.nonce.p - f.bare.p);
	x->nonce_n = f.nonce.n;
	return sasl_next_ask(s, SASL_ASK_SALT);
}

/* server-first-message, behind what the client said. */
static struct sasl_step say_salt(struct sasl *s, const struct sasl_answer *a)
{
	struct scram_exchange *x = &s->x->scram;
	uint8_t nonce[NONCE_LETTERS], salt[SALT_LETTERS];
	char rounds[ROUNDS_MAX];
	size_t begin, nonce_at;

	base64_put(span_of(a->nonce, sizeof(a->nonce)), nonce);
	base64_put(a->salt, salt);
	(void)snprintf(rounds, sizeof(rounds), "%u", a->rounds);
	put(x, SPAN(","));
	begin = x->text_n;
	put(x, SPAN("r="));
	nonce_at = x->text_n;
	put(x, span_of(x->text + x->nonce_at, x->nonce_n));
	put(x, span_of(nonce, sizeof(nonce)));
	x->nonce_at = nonce_at;
	x->nonce_n = x->text_n - nonce_at;
	put(x, SPAN(",s="));
	put(x, span_of(salt, base64_encoded_len(a->salt.n)));
	put(x, SPAN(",i="));
	put(x, span_str(rounds));
	return sasl_next_challenge(
		s, SASL_FINAL, span_of(x->text + begin, x->text_n - begin));
}

/* Is it our own "c=": the header that began it all, and what only the two ends
 * of this very TLS connection know? */
static bool is_binding(const struct sasl *s, struct span letters)
{
	const struct scram_exchange *x = &s->x->scram;
	struct span secret = s->row->is_plus ? s->config.binding : SPAN_EMPTY;
	uint8_t bytes[SCRAM_FINAL_MAX];
	size_t n;

	return base64_get(letters, bytes, sizeof(bytes), &n) &&
	       n == x->gs2_n + secret.n &&
	       span_starts(span_of(bytes, n), span_of(x->gs2, x->gs2_n)) &&
	       span_ends(span_of(bytes, n), secret);
}

static enum scram_error check_final(struct sasl *s, const struct scram_final *f)
{
	struct scram_exchange *x = &s->x->scram;
	const size_t proof_n = s->row->is_sha1 ? 20 : 32;
	size_t n;

	if (!is_binding(s, f->binding))
		return SCRAM_BINDING;
	if (!span_eq(f->nonce, span_of(x->text + x->nonce_at, x->nonce_n)))
		return SCRAM_OTHER;
	if (!base64_get(f->proof, x->proof, sizeof(x->proof), &n) ||
		n != proof_n)
		return SCRAM_PROOF;
	s->x->question.proof = span_of(x->proof, n);
	return SCRAM_GOOD;
}

static struct sasl_step final(struct sasl *s, struct span said)
{
	struct scram_exchange *x = &s->x->scram;
	struct scram_final f;
	enum scram_error why = SCRAM_SYNTAX;

	if (said.n <= SCRAM_FINAL_MAX)
		why = scram_final_read(said, &f);
	if (why == SCRAM_GOOD)
		why = check_final(s, &f);
	if (why != SCRAM_GOOD)
		return refuse(s, why);
	put(x, SPAN(","));
	put(x, f.bare);
	s->x->question.text = span_of(x->text, x->text_n);
	return sasl_next_ask(s, SASL_ASK_PROOF);
}

struct sasl_step sasl_scram_respond(struct sasl *s, struct span said)
{
	return s->state == SASL_FINAL ? final(s, said) : first(s, said);
}

static struct sasl_step say_signature(struct sasl *s, struct span signature)
{
	uint8_t say[2 + (SCRAM_PROOF_MAX + 2) / 3 * 4] = "v=";

	base64_put(signature, say + 2);
	return sasl_next_challenge(s, SASL_PROVEN,
		span_of(say, 2 + base64_encoded_len(signature.n)));
}

struct sasl_step sasl_scram_answered(
	struct sasl *s, const struct sasl_answer *a)
{
	const struct sasl_question *q = &s->x->question;

	if (q->type == SASL_ASK_PROOF && a->verdict == DENIED)
		return refuse(s, SCRAM_PROOF);
	if (a->verdict != OK)
		return sasl_verdict(s, a);
	if (q->type == SASL_ASK_PROOF && a->signature.n == q->proof.n)
		return say_signature(s, a->signature);
	if (q->type == SASL_ASK_SALT && a->rounds > 0 && a->salt.n > 0 &&
		a->salt.n <= SCRAM_SALT_MAX)
		return say_salt(s, a);
	/* an answer to another question: not the client's fault */
	return sasl_next_failed(s, SASL_TEMPORARY);
}
