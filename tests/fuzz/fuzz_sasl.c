/*
 * fuzz_sasl.c - any bytes to the exchange of a login.
 *
 * The first byte says what the connection is, the second what the answers to
 * questions are; then come lines.  "a NAME TEXT" begins, with TEXT in base64 as
 * its response, and "A NAME TEXT" with TEXT as it is; "l TEXT" and "L TEXT" are
 * lines of the client likewise.  Whatever was said: nobody is in without an OK
 * to the question that his mechanism ends with, what was secret is wiped when
 * the exchange is over, and it is over soon.
 */
#include <stdio.h>

#include "base/buf.h"
#include "codec/base64.h"
#include "codec/base64_whole.h"
#include "sasl/sasl.h"

#define TURNS_MAX 5 /* LOGIN and SCRAM: three lines, and a last word */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

struct play {
	struct sasl *engine;
	struct sasl_step step;
	bool is_open;     /* the client's line is awaited */
	uint8_t verdicts; /* two bits an answer, used in turn */
	unsigned turns;
	enum code last;                /* the last verdict, and … */
	enum sasl_question_type about; /* … what it was about */
	struct span password;          /* of the last question for one */
};

static enum code next_verdict(struct play *p)
{
	static const enum code verdicts[] = {OK, OK, DENIED, TEMP};
	enum code v = verdicts[p->verdicts & 3];

	p->verdicts = (uint8_t)(p->verdicts >> 2 | p->verdicts << 6);
	return v;
}

static void check_question(const struct sasl_question *q, enum sasl_mechanism m)
{
	must(q->user.n <= SASL_USER_MAX);
	must(q->user.n > 0 || q->type == SASL_ASK_CERTIFICATE);
	if (q->type == SASL_ASK_PASSWORD)
		must(m == SASL_PLAIN || m == SASL_LOGIN);
	if (q->type == SASL_ASK_CERTIFICATE)
		must(m == SASL_EXTERNAL);
	if (q->type != SASL_ASK_PROOF)
		return;
	must(m <= SASL_SCRAM_SHA_1);
	must(q->proof.n == (q->is_sha1 ? 20u : 32u));
	must(q->text.n <= SASL_LINE_MAX);
	/* our nonce is in it twice */
	must(span_find_span(q->text, SPAN("AAAAAAAAAAAAAAAA,s=")) != q->text.n);
}

static void answer(struct play *p)
{
	static const uint8_t key[32] = {1};
	const struct sasl_question *q = p->step.question;
	struct sasl_answer a = {.verdict = next_verdict(p),
		.salt = SPAN("0123456789abcdef"),
		.rounds = 4096,
		.signature = span_of(key, q->is_sha1 ? 20 : 32)};

	check_question(q, sasl_current(p->engine));
	p->last = a.verdict;
	p->about = q->type;
	p->password = q->type == SASL_ASK_PASSWORD ? q->password : SPAN_EMPTY;
	p->step = sasl_answer(p->engine, &a);
}

static void check_in(const struct play *p)
{
	enum sasl_mechanism m = sasl_current(p->engine);

	must(p->last == OK);
	must(m != SASL_OAUTHBEARER);
	if (m <= SASL_SCRAM_SHA_1)
		must(p->about == SASL_ASK_PROOF);
	else if (m == SASL_EXTERNAL)
		must(p->about == SASL_ASK_CERTIFICATE);
	else
		must(p->about == SASL_ASK_PASSWORD && p->password.n > 0);
}

/* Takes a step and those that need no client. */
static void take(struct play *p)
{
	static uint8_t plain[SASL_LINE_MAX];
	size_t n;

	while (p->step.type == SASL_ASK)
		answer(p);
	if (p->step.type == SASL_CHALLENGE) {
		must(base64_get(p->step.text, plain, sizeof(plain), &n));
		must(++p->turns <= TURNS_MAX);
		p->is_open = true;
		return;
	}
	p->is_open = false;
	if (p->step.type == SASL_DONE)
		check_in(p);
	else
		must(p->step.failure <= SASL_UNKNOWN);
	for (size_t i = 0; i < p->password.n; i++)
		must(p->password.p[i] == 0);
	p->password = SPAN_EMPTY;
	p->last = TEMP;
	p->turns = 0;
}

static struct span encode(struct span plain)
{
	static uint8_t letters[SASL_LINE_MAX * 2];

	plain = span_head(plain, SASL_LINE_MAX);
	base64_put(plain, letters);
	return span_of(letters, base64_encoded_len(plain.n));
}

static void begin(struct play *p, struct span said, bool is_plain)
{
	size_t blank = span_find(said, ' ');
	struct span name = span_head(said, blank);
	struct span initial = span_tail(said, blank + 1);

	if (p->is_open)
		return;
	p->step = sasl_begin(p->engine, name, blank < said.n,
		is_plain ? encode(initial) : initial);
	take(p);
}

static void play_line(struct play *p, struct span line)
{
	struct span said = span_tail(line, 2);

	if (line.n == 0)
		return;
	if (line.p[0] == 'a' || line.p[0] == 'A') {
		begin(p, said, line.p[0] == 'a');
	} else if (p->is_open) {
		p->step = sasl_line(
			p->engine, line.p[0] == 'l' ? encode(said) : said);
		take(p);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct span in = span_of(bytes, n);
	struct sasl_config config = {0};
	struct arena arena;
	struct play p = {.last = TEMP};

	if (n < 2)
		return 0;
	config.may_plain = (in.p[0] & 1) == 0;
	config.has_certificate = (in.p[0] & 2) == 0;
	if ((in.p[0] & 4) == 0)
		config.binding = SPAN("0123456789abcdef0123456789ABCDEF");
	p.verdicts = in.p[1];
	in = span_tail(in, 2);
	arena_init(&arena, SASL_ARENA_BYTES);
	p.engine = sasl_open(&arena, &config);
	while (in.n > 0)
		play_line(&p, span_cut(&in, '\n'));
	sasl_close(p.engine);
	arena_clear(&arena);
	return 0;
}
