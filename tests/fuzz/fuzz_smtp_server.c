/*
 * fuzz_smtp_server.c - the SMTP server: two plays of the same bytes, cut
 * differently, have to end the same.
 *
 * The last bytes of the input choose the answers and the cuts; what is before
 * is what the client sends; half of them make it a submission port.  Checked: the order of effects, one reply a command,
 * a body that is complete, no control byte in an address; and that the cuts
 * do not matter.  Commands that have to be the last of their group are the one
 * thing where they do (RFC 2920 3.1), so the first play is byte by byte and
 * in the other each feed ends at a line end at most.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "smtp/smtp_server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHOICES 4

struct play {
	struct arena arena;
	struct smtp_server *smtp;
	struct sasl_config login;
	const uint8_t *choices;
	unsigned asked;
	struct buf out;
	struct buf body;      /* of all messages that were committed */
	struct buf message;   /* of the one in hand */
	bool has_body, is_closed;
	uint64_t body_bytes;
};

static enum code choose(struct play *p)
{
	static const enum code codes[] = {OK, OK, OK, NOT_FOUND, DENIED, FULL,
		LIMIT, SYNTAX};
	unsigned n = p->asked++;

	return codes[(p->choices[n % CHOICES] >> n % 5) & 7];
}

static void check_address(struct span address)
{
	must(address.n > 0 && address.n <= 254);
	for (size_t i = 0; i < address.n; i++)
		must(address.p[i] >= ' ' && address.p[i] != 0x7f);
}

static bool is_submission(const struct play *p)
{
	return (p->choices[0] & 0x80) != 0;
}

static void ask(struct play *p, const struct smtp_effect *e)
{
	const struct smtp_transaction *t = smtp_server_transaction(p->smtp);
	enum code verdict = choose(p);

	if (e->type == SMTP_ASK_SENDER) {
		must(!p->has_body && smtp_server_is_logged_in(p->smtp));
		if (e->address.n > 0)
			check_address(e->address);
	} else if (e->type == SMTP_ASK_RCPT) {
		must(!p->has_body);
		must(!is_submission(p) || smtp_server_is_logged_in(p->smtp));
		check_address(e->address);
	} else if (e->type == SMTP_ASK_DATA) {
		must(!p->has_body && t->rcpt_count > 0);
		p->has_body = verdict == OK;
		p->body_bytes = 0;
		buf_reset(&p->message);
	} else {
		struct buf trace;

		must(p->has_body && t->size == p->body_bytes);
		p->has_body = false;
		buf_put(&p->body, buf_span(&p->message));
		buf_init(&trace, 2048);
		smtp_server_put_received(p->smtp, &trace, SPAN("9KD"), 0);
		must(!trace.overflow && trace.end > 0);
		buf_clear(&trace);
	}
	smtp_server_answer(p->smtp, verdict, 1, 1, SPAN("9KD"));
}

static void answer_login(struct play *p, const struct sasl_question *q)
{
	static const uint8_t signature[32] = {'s'};
	const struct sasl_answer a = {.verdict = choose(p),
		.salt = SPAN("salt"), .rounds = 4096,
		.signature = span_of(signature, q->is_sha1 ? 20 : 32)};

	must(is_submission(p) && !p->has_body);
	smtp_server_login_answer(p->smtp, &a);
}

static void act(struct play *p, const struct smtp_effect *e)
{
	must(!p->is_closed);
	switch (e->type) {
	case SMTP_SEND:
		must(e->bytes.n > 0);
		buf_put(&p->out, e->bytes);
		break;
	case SMTP_BODY:
		must(p->has_body && e->bytes.n > 0);
		p->body_bytes += e->bytes.n;
		buf_put(&p->message, e->bytes);
		break;
	case SMTP_ASK_LOGIN:
		answer_login(p, e->login);
		break;
	case SMTP_LOGGED_IN:
		must(smtp_server_is_logged_in(p->smtp));
		break;
	case SMTP_ASK_SENDER:
	case SMTP_ASK_RCPT:
	case SMTP_ASK_DATA:
	case SMTP_ASK_COMMIT:
		ask(p, e);
		break;
	case SMTP_ASK_TLS:
		smtp_server_answer(p->smtp, choose(p), 0, 0, SPAN_EMPTY);
		break;
	case SMTP_START_TLS:
		smtp_server_secured(p->smtp, SPAN("TLSv1.3 CIPHER"),
			&p->login);
		break;
	case SMTP_DROP:
		must(p->has_body);
		p->has_body = false;
		break;
	case SMTP_LOG:
		must(e->code >= 400 && e->why.n > 0);
		break;
	case SMTP_CLOSE:
		must(!p->has_body);
		p->is_closed = true;
		break;
	}
}

static bool act_all(struct play *p)
{
	struct smtp_effect e;
	bool has_any = false;

	while (smtp_server_next(p->smtp, &e)) {
		act(p, &e);
		has_any = true;
	}
	return has_any;
}

static void open_play(struct play *p, const uint8_t *choices)
{
	static const uint8_t ip[16] = {0x20, 0x01, 0x0d, 0xb8};
	struct smtp_server_config config = {.hostname = SPAN("mx.test"),
		.message_size_max = 3000, .recipients_max = 5,
		.errors_max = 50, .received_max = 3, .has_tls = true};
	const struct smtp_peer peer = {.address = span_of(ip, sizeof(ip))};

	*p = (struct play){.choices = choices};
	p->login = (struct sasl_config){.may_plain = true,
		.has_certificate = true};
	config.login = p->login;
	config.is_submission = is_submission(p);
	config.hides_client = config.has_dsn = (choices[1] & 0x80) != 0;
	arena_init(&p->arena, SMTP_SERVER_ARENA_BYTES + SASL_ARENA_BYTES);
	buf_init(&p->out, 1 << 26);
	buf_init(&p->body, 1 << 26);
	buf_init(&p->message, 1 << 26);
	p->smtp = smtp_server_open(&p->arena, &config, &peer);
	act_all(p);
}

static void close_play(struct play *p)
{
	smtp_server_close(p->smtp);
	arena_clear(&p->arena);
	buf_clear(&p->out);
	buf_clear(&p->body);
	buf_clear(&p->message);
}

/* Offers a copy of its exact size, until all is taken. */
static void offer(struct play *p, struct span in)
{
	bool goes_on = true;

	while (goes_on && !p->is_closed && in.n > 0) {
		uint8_t *copy = mem_new(in.n, 1);
		size_t n;

		memcpy(copy, in.p, in.n);
		n = smtp_server_feed(p->smtp, span_of(copy, in.n), 0);
		must(n <= in.n);
		goes_on = act_all(p) || n > 0;
		mem_free(copy);
		in = span_tail(in, n);
	}
	must(p->is_closed || in.n == 0);
}

/* How much of in comes at once: up to a line end, or less. */
static size_t piece_len(struct span in, unsigned limit)
{
	size_t n = span_find(in, '\n') + 1;

	if (n > in.n)
		n = in.n;
	return limit > 0 && n > limit ? limit : n;
}

static void run(struct play *p, struct span in, unsigned limit)
{
	while (in.n > 0 && !p->is_closed) {
		size_t n = piece_len(in, limit);

		offer(p, span_head(in, n));
		in = span_tail(in, n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct play one, two, all;
	const uint8_t *choices;
	struct span in;

	if (size < CHOICES + 1)
		return 0;
	in = span_of(data, size - CHOICES - 1);
	choices = data + in.n;
	open_play(&one, choices);
	open_play(&two, choices);
	open_play(&all, choices);
	run(&one, in, 1);
	run(&two, in, choices[CHOICES]);
	offer(&all, in);
	must(span_eq(buf_span(&one.out), buf_span(&two.out)));
	must(span_eq(buf_span(&one.body), buf_span(&two.body)));
	must(one.is_closed == two.is_closed);
	must(one.has_body == two.has_body);
	close_play(&one);
	close_play(&two);
	close_play(&all);
	return 0;
}
