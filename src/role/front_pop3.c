/*
 * front_pop3.c - what the effects of POP3 before the login mean.
 */
#include "base/log.h"
#include "role/front_int.h"

#include "base/banned.h"

static void begin_session(struct session *s)
{
	const struct config *config = s->front->run->config;
	struct pop3_login_config engine = {
		.hostname = config->hostname,
		.errors_max = config->errors_max,
		.has_tls = !service_is_tls(s->service) &&
			front_tls_may_begin(s),
	};

	front_login_config(s, &engine.login);
	s->pop3 = pop3_login_open(&s->arena, &engine);
}

static void end_session(struct session *s)
{
	if (s->pop3 != NULL)
		pop3_login_close(s->pop3);
	s->pop3 = NULL;
}

static size_t feed(struct session *s, struct span in)
{
	return pop3_login_feed(s->pop3, in);
}

static bool act(struct session *s)
{
	struct pop3_login_effect e;

	if (!pop3_login_next(s->pop3, &e))
		return false;
	switch (e.type) {
	case POP3_LOGIN_SEND:
		session_write(s, e.bytes);
		break;
	case POP3_LOGIN_ASK:
		front_login_ask(s, e.question);
		break;
	case POP3_LOGIN_ASK_TLS:
		pop3_login_tls_answer(s->pop3,
			front_tls_may_begin(s) ? OK : TEMP);
		break;
	case POP3_LOGIN_START_TLS:
		front_tls_begin(s);
		break;
	case POP3_LOGIN_HANDOVER:
		front_login_attach(s, SPAN_EMPTY);
		break;
	case POP3_LOGIN_CLOSE:
		session_end(s, e.why);
		break;
	default:
		unreachable();
	}
	return true;
}

static void login_answered(struct session *s, const struct sasl_answer *answer)
{
	pop3_login_answer(s->pop3, answer);
}

static void attach_failed(struct session *s, enum code why)
{
	pop3_login_failed(s->pop3, why);
}

static void shut(struct session *s, bool is_timeout)
{
	pop3_login_shut(s->pop3, is_timeout ? SPAN("[SYS/TEMP] Timeout")
					    : SPAN("[SYS/TEMP] Server stops"));
}

static int64_t timeout_ms(const struct session *s)
{
	(void)s;
	return POP3_LOGIN_TIMEOUT_MS;
}

static void secured(struct session *s)
{
	struct sasl_config login;

	front_login_config(s, &login);
	pop3_login_secured(s->pop3, &login);
}

const struct front_protocol front_pop3 = {
	.open = begin_session,
	.close = end_session,
	.feed = feed,
	.act = act,
	.login_answered = login_answered,
	.attach_failed = attach_failed,
	.wait_failed = front_login_wait_failed,
	.shut = shut,
	.timeout_ms = timeout_ms,
	.secured = secured,
	.is_idle = front_login_is_idle,
};
