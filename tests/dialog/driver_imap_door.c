/*
 * driver_imap_door.c - plays dialogues on IMAP before the login.
 *
 *	?: login bob secret -> ok      and the others of login.h
 *	?: tls -> ok                   STARTTLS: the handshake is over at once
 *	?: attach a1 -> ok             the session takes over, and answers a1:
 *	                               here the play is over (X: server closes)
 *	               -> busy         it can't
 *
 * Options: errors_max N, tls (is offered), no_login (logins need TLS),
 * certificate (the client shows one under TLS).
 */
#include "base/mem.h"
#include "base/num.h"
#include "driver.h"
#include "imap/imap_door.h"
#include "login.h"

#include "base/banned.h"

struct engine {
	struct arena arena;
	struct imap_door_config config;
	struct imap_door *door;
	struct buf text;
	bool has_certificate;
	bool is_handed;
	bool is_closed;
};

static void close_engine(void *engine)
{
	struct engine *e = engine;

	if (e->door != NULL)
		imap_door_close(e->door);
	arena_clear(&e->arena);
	buf_clear(&e->text);
	mem_free(e);
}

static bool take_option(struct engine *e, struct span option)
{
	struct span name = driver_word(&option);

	if (span_eq(name, SPAN("no_login")))
		e->config.login.may_plain = false;
	else if (span_eq(name, SPAN("tls")))
		e->config.has_tls = true;
	else if (span_eq(name, SPAN("certificate")))
		e->has_certificate = true;
	else if (span_eq(name, SPAN("errors_max")))
		return num_parse_u32(option, UINT32_MAX, &e->config.errors_max);
	else
		return span_eq(name, SPAN("engine"));
	return true;
}

static void *open_engine(const struct span *options, size_t count)
{
	struct engine *e = MEM_NEW(struct engine);

	arena_init(&e->arena, IMAP_DOOR_ARENA_BYTES);
	buf_init(&e->text, 1 << 20);
	e->config = (struct imap_door_config){.hostname = SPAN("mx.test"),
		.errors_max = 20,
		.login = {.may_plain = true}};
	for (size_t i = 0; i < count; i++) {
		if (take_option(e, options[i]))
			continue;
		close_engine(e);
		return NULL;
	}
	e->door = imap_door_open(&e->arena, &e->config);
	return e;
}

static size_t feed(void *engine, struct span in, int64_t now_ms)
{
	struct engine *e = engine;

	(void)now_ms;
	return imap_door_feed(e->door, in);
}

static struct driver_effect question(struct engine *e)
{
	return (struct driver_effect){DRIVER_QUESTION, buf_span(&e->text)};
}

static struct driver_effect secure(struct engine *e)
{
	const struct sasl_config login = {.may_plain = true,
		.has_certificate = e->has_certificate,
		.binding = SPAN("0123456789abcdef0123456789abcdef")};

	imap_door_secured(e->door, &login);
	return (struct driver_effect){DRIVER_EVENT, SPAN("tls")};
}

static bool next(void *engine, struct driver_effect *out)
{
	struct engine *e = engine;
	struct imap_door_effect effect;

	if (e->is_handed && !e->is_closed) {
		e->is_closed = true;
		*out = (struct driver_effect){DRIVER_CLOSE, SPAN("handed")};
		return true;
	}
	if (e->is_handed || !imap_door_next(e->door, &effect))
		return false;
	must(!e->is_closed);
	buf_reset(&e->text);
	switch (effect.type) {
	case IMAP_DOOR_SEND:
		*out = (struct driver_effect){DRIVER_SEND, effect.bytes};
		return true;
	case IMAP_DOOR_ASK:
		login_put_question(&e->text, effect.question);
		*out = question(e);
		return true;
	case IMAP_DOOR_ASK_TLS:
		buf_puts(&e->text, "tls");
		*out = question(e);
		return true;
	case IMAP_DOOR_START_TLS:
		*out = secure(e);
		return true;
	case IMAP_DOOR_HANDOVER:
		buf_printf(&e->text, "attach %.*s", SPAN_ARG(effect.tag));
		*out = question(e);
		return true;
	case IMAP_DOOR_CLOSE:
		e->is_closed = true;
		*out = (struct driver_effect){DRIVER_CLOSE, effect.why};
		return true;
	}
	unreachable();
}

static bool answer(void *engine, struct span question, struct span answer)
{
	struct engine *e = engine;
	struct login_answer login;
	enum code verdict;

	if (login_is_question(question)) {
		if (!login_read_answer(question, answer, &login))
			return false;
		imap_door_answer(e->door, &login.answer);
		return true;
	}
	verdict = driver_code(driver_word(&answer));
	if (verdict == CODE_COUNT)
		return false;
	if (span_eq(question, SPAN("tls")))
		imap_door_tls_answer(e->door, verdict);
	else if (verdict == OK)
		e->is_handed = true;
	else
		imap_door_failed(e->door, verdict);
	return true;
}

const struct driver dialog_driver = {
	.name = "imap-door",
	.open = open_engine,
	.close = close_engine,
	.feed = feed,
	.next = next,
	.answer = answer,
};
