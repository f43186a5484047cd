/*
 * front_imap.c - what the effects of IMAP before the login mean.
 */
#include "base/log.h"
#include "role/front_int.h"

#include "base/banned.h"

static void begin_session(struct session *s)
{
	const struct config *config = s->front->run->config;
	struct imap_door_config engine = {
		.hostname = config->hostname,
		.errors_max = config->errors_max,
		.has_tls =
			!service_is_tls(s->service) && front_tls_may_begin(s),
		.is_again = s->is_again,
	};

	front_login_config(s, &engine.login);
	s->imap = imap_door_open(&s->arena, &engine);
	if (s->is_again && s->tls_text.n > 0)
		imap_door_secured(s->imap, &engine.login);
}

static void end_session(struct session *s)
{
	if (s->imap != NULL)
		imap_door_close(s->imap);
	s->imap = NULL;
}

static size_t feed(struct session *s, struct span in)
{
	return imap_door_feed(s->imap, in);
}

static bool act(struct session *s)
{
	struct imap_door_effect e;

	if (!imap_door_next(s->imap, &e))
		return false;
	switch (e.type) {
	case IMAP_DOOR_SEND:
		session_write(s, e.bytes);
		break;
	case IMAP_DOOR_ASK:
		front_login_ask(s, e.question);
		break;
	case IMAP_DOOR_ASK_TLS:
		imap_door_tls_answer(
			s->imap, front_tls_may_begin(s) ? OK : TEMP);
		break;
	case IMAP_DOOR_START_TLS:
		front_tls_begin(s);
		break;
	case IMAP_DOOR_HANDOVER:
		front_login_attach(s, e.tag);
		break;
	case IMAP_DOOR_CLOSE:
		session_end(s, e.why);
		break;
	default:
		unreachable();
	}
	return true;
}

static void login_answered(struct session *s, const struct sasl_answer *answer)
{
	imap_door_answer(s->imap, answer);
}

static void attach_failed(struct session *s, enum code why)
{
	imap_door_failed(s->imap, why);
}

static void shut(struct session *s, bool is_timeout)
{
	imap_door_shut(s->imap, is_timeout
					? SPAN("[UNAVAILABLE] Timeout")
					: SPAN("[UNAVAILABLE] Server stops"));
}

static int64_t timeout_ms(const struct session *s)
{
	(void)s;
	return IMAP_DOOR_TIMEOUT_MS;
}

static void secured(struct session *s)
{
	struct sasl_config login;

	front_login_config(s, &login);
	imap_door_secured(s->imap, &login);
}

const struct front_protocol front_imap = {
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
