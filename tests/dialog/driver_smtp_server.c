/*
 * driver_smtp_server.c - plays dialogues on the SMTP server's engine, and
 * checks what its caller relies on: a body only between its question and its
 * end, a question only once, nothing after the close.
 */
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "driver.h"
#include "login.h"
#include "smtp/smtp_reply.h"
#include "smtp/smtp_server.h"

#include "base/banned.h"

struct engine {
	struct arena arena;
	struct smtp_server *smtp;
	struct smtp_server_config config;
	struct smtp_peer peer;
	struct smtp_local local; /* uid 1000, names get hamburger.edu */
	bool has_certificate; /* the client shows one under TLS */
	struct buf text;      /* of the effect that was given last */
	bool has_body;        /* ASK_DATA was answered OK, nothing ended it */
	bool is_closed;
	int64_t busy_ms;      /* when the last bytes came */
	uint64_t received;    /* bytes of the body */
};

static const uint8_t peer_ip[] = {192, 0, 2, 7};
static bool was_seen[SMTP_REPLY_COUNT];

static bool take_number(struct engine *e, struct span name, struct span value)
{
	uint64_t n;

	if (!num_parse_u64(value, UINT32_MAX, &n))
		return false;
	if (span_eq(name, SPAN("message_size_max")))
		e->config.message_size_max = n;
	else if (span_eq(name, SPAN("recipients_max")))
		e->config.recipients_max = (uint32_t)n;
	else if (span_eq(name, SPAN("errors_max")))
		e->config.errors_max = (uint32_t)n;
	else if (span_eq(name, SPAN("received_max")))
		e->config.received_max = (uint32_t)n;
	else
		return false;
	return true;
}

static bool take_option(struct engine *e, struct span option)
{
	struct span name = driver_word(&option);

	if (span_eq(name, SPAN("engine")))
		return true;
	if (span_eq(name, SPAN("submission")))
		e->config.is_submission = true;
	else if (span_eq(name, SPAN("dsn")))
		e->config.has_dsn = true;
	else if (span_eq(name, SPAN("may_login")))
		e->config.login.may_plain = true;
	else if (span_eq(name, SPAN("certificate")))
		e->has_certificate = true;
	else if (span_eq(name, SPAN("tls")))
		e->config.has_tls = true;
	else if (span_eq(name, SPAN("local")))
		e->peer.local = &e->local;
	else
		return take_number(e, name, option);
	return true;
}

static void close_engine(void *engine)
{
	struct engine *e = engine;

	if (e->smtp != NULL)
		smtp_server_close(e->smtp);
	arena_clear(&e->arena);
	buf_clear(&e->text);
	mem_free(e);
}

static void *open_engine(const struct span *options, size_t count)
{
	struct engine *e = MEM_NEW(struct engine);

	arena_init(&e->arena, SMTP_SERVER_ARENA_BYTES + SASL_ARENA_BYTES);
	buf_init(&e->text, 1 << 16);
	e->config = (struct smtp_server_config){.hostname = SPAN("mx.test"),
		.message_size_max = 52428800, .recipients_max = 1000,
		.errors_max = 10, .received_max = 50};
	e->peer.address = span_of(peer_ip, sizeof(peer_ip));
	e->local = (struct smtp_local){1000, SPAN("hamburger.edu")};
	for (size_t i = 0; i < count; i++) {
		if (take_option(e, options[i]))
			continue;
		close_engine(e);
		return NULL;
	}
	e->smtp = smtp_server_open(&e->arena, &e->config, &e->peer);
	return e;
}

static size_t feed(void *engine, struct span in, int64_t now_ms)
{
	struct engine *e = engine;

	e->busy_ms = now_ms;
	return smtp_server_feed(e->smtp, in, now_ms);
}

/* ---- which rows were seen --------------------------------------------------- */

static bool is_row(struct span line, enum smtp_reply reply)
{
	struct span text = span_str(smtp_reply_row(reply)->text);
	struct span sample;
	struct buf row;
	bool is_it;

	buf_init(&row, 1024);
	smtp_reply_put(&row, reply, SPAN("\x01"));
	sample = buf_span(&row);
	sample.n -= 2;
	if (span_find(text, '$') == text.n)
		is_it = span_eq(line, sample);
	else if (reply == SMTP_REPLY_HELO)
		is_it = span_eq(line, SPAN("250 mx.test"));
	else
		is_it = span_starts(line,
				span_head(sample, span_find(sample, 1))) &&
			span_ends(line,
				span_tail(sample, span_find(sample, 1) + 1));
	buf_clear(&row);
	return is_it;
}

static void mark_rows(struct span bytes)
{
	while (bytes.n > 0) {
		struct span line = span_cut(&bytes, '\n');

		line.n -= line.n > 0;
		for (int i = 1; i < SMTP_REPLY_COUNT; i++)
			if (is_row(line, (enum smtp_reply)i))
				was_seen[i] = true;
	}
}

static size_t put_unseen(struct buf *out)
{
	size_t count = 0;

	for (int i = 1; i < SMTP_REPLY_COUNT; i++) {
		if (was_seen[i])
			continue;
		buf_puts(out, "  reply ");
		smtp_reply_put(out, (enum smtp_reply)i, SPAN("$"));
		count++;
	}
	return count;
}

/* ---- effects ------------------------------------------------------------------ */

static void put_log(struct engine *e, const struct smtp_effect *effect)
{
	static const char *const names[] = {
#define EVENT(name, level, text, fields, sentence) [name] = text,
#include "base/log_events.def"
#undef EVENT
	};

	buf_printf(&e->text, "log %s %u %.*s", names[effect->event],
		effect->code, SPAN_ARG(effect->why));
}

static enum driver_effect_type end_body(struct engine *e, const char *word)
{
	must(e->has_body);
	e->has_body = false;
	buf_puts(&e->text, word);
	return DRIVER_EVENT;
}

static enum driver_effect_type translate(struct engine *e,
	const struct smtp_effect *effect)
{
	const struct smtp_transaction *t = smtp_server_transaction(e->smtp);

	switch (effect->type) {
	case SMTP_SEND:
		mark_rows(effect->bytes);
		buf_put(&e->text, effect->bytes);
		return DRIVER_SEND;
	case SMTP_BODY:
		break; /* next() passes it on without a copy */
	case SMTP_ASK_SENDER:
		must(!e->has_body && t->rcpt_count == 0);
		buf_puts(&e->text, "sender <");
		buf_put(&e->text, effect->address);
		buf_putc(&e->text, '>');
		return DRIVER_QUESTION;
	case SMTP_ASK_RCPT:
		must(!e->has_body && effect->address.n > 0);
		buf_puts(&e->text, "rcpt ");
		buf_put(&e->text, effect->address);
		return DRIVER_QUESTION;
	case SMTP_ASK_DATA:
		must(!e->has_body && t->rcpt_count > 0);
		buf_puts(&e->text, "data");
		return DRIVER_QUESTION;
	case SMTP_ASK_COMMIT:
		must(e->has_body && t->rcpt_count > 0);
		must(t->size == e->received);
		buf_puts(&e->text, "commit");
		return DRIVER_QUESTION;
	case SMTP_ASK_LOGIN:
		login_put_question(&e->text, effect->login);
		return DRIVER_QUESTION;
	case SMTP_LOGGED_IN:
		must(smtp_server_is_logged_in(e->smtp));
		buf_puts(&e->text, "logged in");
		return DRIVER_EVENT;
	case SMTP_ASK_TLS:
		buf_puts(&e->text, "tls");
		return DRIVER_QUESTION;
	case SMTP_START_TLS:
		/* the handshake is over at once */
		e->config.login = (struct sasl_config){.may_plain = true,
			.has_certificate = e->has_certificate,
			.binding = SPAN("0123456789abcdef0123456789abcdef")};
		smtp_server_secured(e->smtp, SPAN("TLSv1.3 CIPHER"),
			&e->config.login);
		buf_puts(&e->text, "tls");
		return DRIVER_EVENT;
	case SMTP_DROP:
		return end_body(e, "drop");
	case SMTP_LOG:
		put_log(e, effect);
		return DRIVER_EVENT;
	case SMTP_CLOSE:
		must(!e->has_body && effect->why.n > 0);
		e->is_closed = true;
		return DRIVER_CLOSE;
	}
	unreachable();
}

static bool next(void *engine, struct driver_effect *out)
{
	struct engine *e = engine;
	struct smtp_effect effect;

	if (!smtp_server_next(e->smtp, &effect))
		return false;
	must(!e->is_closed);
	if (effect.type == SMTP_BODY) { /* may be long: not copied */
		must(e->has_body);
		e->received += effect.bytes.n;
		*out = (struct driver_effect){DRIVER_BODY, effect.bytes};
		return true;
	}
	buf_reset(&e->text);
	out->type = translate(e, &effect);
	out->bytes = buf_span(&e->text);
	must(!e->text.overflow);
	return true;
}

static bool answer(void *engine, struct span question, struct span answer)
{
	struct engine *e = engine;
	struct login_answer login;
	enum code verdict;

	if (login_is_question(question)) {
		if (!login_read_answer(question, answer, &login))
			return false;
		smtp_server_login_answer(e->smtp, &login.answer);
		return true;
	}
	verdict = driver_code(driver_word(&answer));
	if (verdict == CODE_COUNT)
		return false;
	if (span_eq(question, SPAN("data")) && verdict == OK) {
		e->has_body = true;
		e->received = 0;
	}
	if (span_eq(question, SPAN("commit")))
		e->has_body = false;
	smtp_server_answer(e->smtp, verdict, 1, 1, answer);
	return true;
}

static void tick(void *engine, int64_t now_ms)
{
	struct engine *e = engine;

	if (now_ms - e->busy_ms >= smtp_server_timeout_ms(e->smtp))
		smtp_server_shut(e->smtp, SPAN("4.4.2"),
			SPAN("Timeout, closing"), SPAN("timeout"));
}

const struct driver dialog_driver = {
	.name = "smtp_server",
	.open = open_engine,
	.close = close_engine,
	.feed = feed,
	.next = next,
	.answer = answer,
	.tick = tick,
	.put_unseen = put_unseen,
};
