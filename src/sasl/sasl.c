/*
 * sasl.c - the exchange: lines in, lines out, base64 between, and the table of
 * mechanisms.
 *
 *	IDLE --begin--> FIRST --line--> ASKED --answer--> IDLE (done, failed)
 *	                  |               |
 *	                  |               +-> FINAL --line--> ASKED
 *	                  |               |     (SCRAM)         |
 *	                  |               |                   PROVEN --line--> IDLE
 *	                  +-> PASSWORD    +-> REFUSED <---------+
 *	                  |    (LOGIN)          |
 *	                  +-> REFUSED           +--line--> IDLE (failed)
 *
 * FIRST is passed in one go when the client sent a response with the name.
 * Any line may end it: too long, no base64, or "*" (RFC 4954 4).
 *
 * What the client said is wiped when the question about it is answered, and
 * with it all else but the user's name.
 */
#include "sasl/sasl.h"

#include <string.h>

#include "base/buf.h"
#include "codec/base64.h"
#include "codec/base64_whole.h"
#include "crypto/secret.h"
#include "sasl/sasl_int.h"

#include "base/banned.h"

_Static_assert(sizeof(struct sasl) + sizeof(struct sasl_exchange) + 256 <=
		       SASL_ARENA_BYTES,
	"the arena has room for an exchange");

/* clang-format off */
#define SCRAM_ROW(name, plus, sha1) {SPAN_INIT(name), {NULL, 0}, plus, sha1,   \
	false, false, sasl_scram_respond, sasl_scram_answered}
static const struct sasl_row rows[SASL_MECHANISM_COUNT] = {
	[SASL_SCRAM_SHA_256_PLUS] = SCRAM_ROW("SCRAM-SHA-256-PLUS", true, false),
	[SASL_SCRAM_SHA_1_PLUS] = SCRAM_ROW("SCRAM-SHA-1-PLUS", true, true),
	[SASL_SCRAM_SHA_256] = SCRAM_ROW("SCRAM-SHA-256", false, false),
	[SASL_SCRAM_SHA_1] = SCRAM_ROW("SCRAM-SHA-1", false, true),
	[SASL_EXTERNAL] = {.name = SPAN_INIT("EXTERNAL"),
		.wants_certificate = true, .respond = sasl_external_respond,
		.answered = sasl_verdict},
	[SASL_OAUTHBEARER] = {.name = SPAN_INIT("OAUTHBEARER"),
		.is_hidden = true, .respond = sasl_bearer_respond},
	[SASL_PLAIN] = {.name = SPAN_INIT("PLAIN"),
		.respond = sasl_plain_respond,
		.answered = sasl_password_answered},
	[SASL_LOGIN] = {.name = SPAN_INIT("LOGIN"),
		.hello = SPAN_INIT("Username:"), .respond = sasl_login_respond,
		.answered = sasl_password_answered},
};
/* clang-format on */

struct span sasl_mechanism_name(enum sasl_mechanism m)
{
	must(m < SASL_MECHANISM_COUNT);
	return rows[m].name;
}

/* Could the client use it, offered or not? */
static bool is_possible(
	const struct sasl_config *config, const struct sasl_row *row)
{
	if (row->is_plus && config->binding.n == 0)
		return false;
	if (row->wants_certificate && !config->has_certificate)
		return false;
	return config->may_plain;
}

bool sasl_is_offered(const struct sasl_config *config, enum sasl_mechanism m)
{
	must(m < SASL_MECHANISM_COUNT);
	return is_possible(config, &rows[m]) && !rows[m].is_hidden;
}

void sasl_put_offer(
	const struct sasl_config *config, struct span prefix, struct buf *out)
{
	for (int m = 0; m < SASL_MECHANISM_COUNT; m++) {
		if (!sasl_is_offered(config, (enum sasl_mechanism)m))
			continue;
		buf_put(out, prefix);
		buf_put(out, rows[m].name);
	}
}

struct sasl *sasl_open(struct arena *a, const struct sasl_config *config)
{
	struct sasl *s = ARENA_NEW(a, struct sasl);

	s->arena = a;
	s->config = *config;
	return s;
}

static void wipe(struct sasl *s)
{
	if (s->x != NULL)
		secret_wipe(s->x, sizeof(*s->x));
}

void sasl_close(struct sasl *s)
{
	wipe(s);
	secret_wipe(s->user, sizeof(s->user));
	s->user_n = 0;
	s->state = SASL_IDLE;
}

void sasl_secured(struct sasl *s, const struct sasl_config *config)
{
	sasl_close(s);
	s->config = *config;
}

/* Which states may follow which: a bit each. */
static void set_state(struct sasl *s, enum sasl_state state)
{
	enum {
		IDLE = 1 << SASL_IDLE,
		FIRST = 1 << SASL_FIRST,
		PASSWORD = 1 << SASL_PASSWORD,
		FINAL = 1 << SASL_FINAL,
		PROVEN = 1 << SASL_PROVEN,
		REFUSED = 1 << SASL_REFUSED,
		ASKED = 1 << SASL_ASKED
	};
	static const int next[] = {
		[SASL_IDLE] = IDLE | FIRST,
		[SASL_FIRST] = IDLE | FIRST | PASSWORD | REFUSED | ASKED,
		[SASL_PASSWORD] = IDLE | ASKED,
		[SASL_FINAL] = IDLE | REFUSED | ASKED,
		[SASL_PROVEN] = IDLE,
		[SASL_REFUSED] = IDLE,
		[SASL_ASKED] = IDLE | FINAL | PROVEN | REFUSED,
	};

	must((next[s->state] & 1 << state) != 0);
	s->state = state;
}

struct sasl_step sasl_next_challenge(
	struct sasl *s, enum sasl_state state, struct span say)
{
	struct sasl_exchange *x = s->x;

	must(say.n <= SCRAM_SAY_MAX);
	set_state(s, state);
	base64_put(say, x->line);
	return (struct sasl_step){.type = SASL_CHALLENGE,
		.text = span_of(x->line, base64_encoded_len(say.n))};
}

struct sasl_step sasl_next_ask(struct sasl *s, enum sasl_question_type type)
{
	struct sasl_question *q = &s->x->question;

	set_state(s, SASL_ASKED);
	q->type = type;
	q->user = span_of(s->user, s->user_n);
	q->is_sha1 = s->row->is_sha1;
	return (struct sasl_step){.type = SASL_ASK, .question = q};
}

struct sasl_step sasl_next_done(struct sasl *s)
{
	set_state(s, SASL_IDLE);
	wipe(s);
	return (struct sasl_step){.type = SASL_DONE};
}

struct sasl_step sasl_next_failed(struct sasl *s, enum sasl_failure failure)
{
	set_state(s, SASL_IDLE);
	wipe(s);
	return (struct sasl_step){.type = SASL_FAILED, .failure = failure};
}

bool sasl_keep_user(struct sasl *s, struct span user)
{
	if (user.n > sizeof(s->user))
		return false;
	if (user.n > 0)
		memcpy(s->user, user.p, user.n);
	s->user_n = user.n;
	return true;
}

bool sasl_may_act_for(struct sasl *s, struct span authzid)
{
	struct span user = span_of(s->user, s->user_n);
	size_t at = span_find_last(user, '@');

	if (authzid.n == 0)
		return true;
	return span_eq(span_head(authzid, at), span_head(user, at)) &&
	       span_eq_fold(span_tail(authzid, at), span_tail(user, at));
}

struct sasl_step sasl_verdict(struct sasl *s, const struct sasl_answer *answer)
{
	if (answer->verdict == OK)
		return sasl_next_done(s);
	return sasl_next_failed(
		s, answer->verdict == DENIED ? SASL_WRONG : SASL_TEMPORARY);
}

/* A response, after "*" and lengths: base64. */
static struct sasl_step respond(struct sasl *s, struct span line)
{
	struct sasl_exchange *x = s->x;

	if (!base64_get(line, x->said, sizeof(x->said), &x->said_n))
		return sasl_next_failed(s, SASL_BAD_BASE64);
	if (s->state == SASL_PROVEN)
		return x->said_n == 0 ? sasl_next_done(s)
				      : sasl_next_failed(s, SASL_BAD_SYNTAX);
	return s->row->respond(s, span_of(x->said, x->said_n));
}

struct sasl_step sasl_line(struct sasl *s, struct span line)
{
	must(s->state != SASL_IDLE && s->state != SASL_ASKED);
	if (s->state == SASL_REFUSED)
		return sasl_next_failed(s, s->failure);
	if (line.n > SASL_LINE_MAX)
		return sasl_next_failed(s, SASL_TOO_LONG);
	if (span_eq(line, SPAN("*")))
		return sasl_next_failed(s, SASL_CANCELLED);
	return respond(s, line);
}

/* NULL: none that is possible here. */
static const struct sasl_row *find(const struct sasl *s, struct span name)
{
	for (int m = 0; m < SASL_MECHANISM_COUNT; m++)
		if (span_eq_fold(rows[m].name, name))
			return is_possible(&s->config, &rows[m]) ? &rows[m]
								 : NULL;
	return NULL;
}

struct sasl_step sasl_begin(
	struct sasl *s, struct span name, bool has_initial, struct span initial)
{
	const struct sasl_row *row = find(s, name);

	must(s->state == SASL_IDLE);
	s->user_n = 0;
	if (row == NULL)
		return (struct sasl_step){
			.type = SASL_FAILED, .failure = SASL_UNKNOWN};
	if (s->x == NULL)
		s->x = ARENA_NEW(s->arena, struct sasl_exchange);
	s->row = row;
	s->mechanism = (enum sasl_mechanism)(row - rows);
	set_state(s, SASL_FIRST);
	if (!has_initial)
		return sasl_next_challenge(s, SASL_FIRST, row->hello);
	if (initial.n > SASL_LINE_MAX)
		return sasl_next_failed(s, SASL_TOO_LONG);
	if (span_eq(initial, SPAN("=")))
		initial = SPAN_EMPTY;
	return respond(s, initial);
}

struct sasl_step sasl_answer(struct sasl *s, const struct sasl_answer *answer)
{
	must(s->state == SASL_ASKED);
	return s->row->answered(s, answer);
}

struct span sasl_user(const struct sasl *s)
{
	return span_of(s->user, s->user_n);
}

enum sasl_mechanism sasl_current(const struct sasl *s)
{
	return s->mechanism;
}
