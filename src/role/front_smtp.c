/*
 * front_smtp.c - what the effects of the SMTP engine mean: questions become
 * messages to directory and queue, and their answers verdicts.
 */
#include "base/log.h"
#include "base/mid.h"
#include "role/front_int.h"

/* The two lists of flags are one: the engine cannot include ours. */
_Static_assert(SMTP_MAIL_8BIT == MAIL_8BIT && SMTP_MAIL_BINARY == MAIL_BINARY &&
		SMTP_MAIL_UTF8 == MAIL_UTF8 &&
		SMTP_MAIL_REQUIRETLS == MAIL_REQUIRETLS,
	"flags of an envelope");

static void begin_session(struct session *s)
{
	const struct config *config = s->front->run->config;
	struct smtp_server_config engine = {
		.hostname = config->hostname,
		.message_size_max = config->message_size_max,
		.recipients_max = config->recipients_max,
		.errors_max = config->errors_max,
		.received_max = config->received_max,
		.has_tls = !service_is_tls(s->service) && s->local == NULL &&
			front_tls_may_begin(s),
		.is_submission = front_is_submission(s),
		/* strangers' notices of success would go to whoever they name */
		.has_dsn = front_is_submission(s) || s->may_relay,
		.hides_client = config->submission_hide_client,
	};
	const struct smtp_peer peer = {.address = session_ip(s),
		.local = s->local == NULL ? NULL : &s->local->smtp};
	char room[46];

	front_login_config(s, &engine.login);
	s->smtp = smtp_server_open(&s->arena, &engine, &peer);
	front_body_init(s);
	LOG(EV_SMTP_CONNECTED, LOG_SID(s->sid),
		LOG_SPAN("ip", session_ip_text(s, room)),
		LOG_STR("service", service_name(s->service)));
	if (s->local != NULL)
		front_local_begin(s);
}

static void end_session(struct session *s)
{
	char room[46];

	/* a 250 that nothing has confirmed by now */
	front_smtp_unconfirmed(s);
	front_body_drop(s);
	smtp_server_close(s->smtp);
	/* where a message came from stands nowhere else */
	if (s->messages > 0)
		LOG_ALWAYS(EV_SMTP_CLOSED, LOG_SID(s->sid),
			LOG_SPAN("ip", session_ip_text(s, room)),
			LOG_NUM("messages", s->messages),
			LOG_SPAN("why", s->end_why));
	else
		LOG(EV_SMTP_CLOSED, LOG_SID(s->sid),
			LOG_SPAN("ip", session_ip_text(s, room)),
			LOG_NUM("messages", 0), LOG_SPAN("why", s->end_why));
}

static size_t feed(struct session *s, struct span in)
{
	return smtp_server_feed(s->smtp, in,
		loop_wall_ms(s->front->run->loop));
}

static void answer(struct session *s, enum code verdict)
{
	smtp_server_answer(s->smtp, verdict, 0, 0, SPAN_EMPTY);
}

static void ask_rcpt(struct session *s, struct span address)
{
	struct channel *directory = role_peer(s->front->run, ROLE_DIRECTORY);
	struct msg_rcpt_check m = {
		.may_relay = s->may_relay || s->account != 0,
		.account = s->account,
		.address = address};

	if (directory == NULL) {
		answer(s, TEMP);
		return;
	}
	channel_send(directory, rcpt_check, RCPT_CHECK,
		session_question(s), &m, -1);
	session_wait(s, WAIT_RCPT);
}

static void write_log(struct session *s, const struct smtp_effect *e)
{
	const char *key = e->event == EV_SMTP_MAIL_REFUSED ? "from" : "rcpt";
	char room[46];

	if (e->event == EV_SMTP_DATA_REFUSED)
		LOG(EV_SMTP_DATA_REFUSED, LOG_SID(s->sid),
			LOG_MID(s->body.qid),
			LOG_SPAN("ip", session_ip_text(s, room)),
			LOG_NUM("code", e->code), LOG_SPAN("why", e->why));
	else
		LOG((enum log_event)e->event, LOG_SID(s->sid),
			LOG_SPAN("ip", session_ip_text(s, room)),
			LOG_SPAN(key, e->address), LOG_NUM("code", e->code),
			LOG_SPAN("why", e->why));
}

static void take_body(struct session *s, struct span bytes)
{
	if (front_is_submission(s))
		front_submission_add(s, bytes);
	else
		front_body_add(s, bytes);
}

static void commit(struct session *s)
{
	if (front_is_submission(s))
		front_submission_commit(s);
	else
		front_body_commit(s);
}

static bool act(struct session *s)
{
	struct smtp_effect e;

	if (!smtp_server_next(s->smtp, &e))
		return false;
	switch (e.type) {
	case SMTP_SEND:
		session_write(s, e.bytes);
		break;
	case SMTP_ASK_SENDER:
		front_submission_sender(s, e.address);
		break;
	case SMTP_ASK_RCPT:
		ask_rcpt(s, e.address);
		break;
	case SMTP_ASK_DATA:
		if (s->local != NULL && s->local->must_wait)
			answer(s, TEMP);
		else
			front_body_begin(s);
		break;
	case SMTP_BODY:
		take_body(s, e.bytes);
		break;
	case SMTP_ASK_COMMIT:
		commit(s);
		break;
	case SMTP_ASK_LOGIN:
		front_login_ask(s, e.login);
		break;
	case SMTP_LOGGED_IN:
		s->account = s->login.account;
		session_note_login(s);
		s->address = s->login.address;
		break;
	case SMTP_ASK_TLS:
		answer(s, front_tls_may_begin(s) ? OK : TEMP);
		break;
	case SMTP_START_TLS:
		front_tls_begin(s);
		break;
	case SMTP_DROP:
		front_body_drop(s);
		break;
	case SMTP_LOG:
		write_log(s, &e);
		break;
	case SMTP_CLOSE:
		session_end(s, e.why);
		break;
	default:
		unreachable();
	}
	return true;
}

void front_smtp_verdict(struct session *s, const struct msg_rcpt_verdict *m)
{
	static const enum code codes[] = {
		[RCPT_OK] = OK,
		[RCPT_NO_USER] = NOT_FOUND,
		[RCPT_NO_RELAY] = DENIED,
		[RCPT_FULL] = FULL,
		[RCPT_TEMP] = TEMP,
		[RCPT_BAD_DOMAIN] = SYNTAX,
		[RCPT_LIMIT] = LIMIT,
	};

	unsigned verdict = s->local == NULL ? m->verdict
					    : front_local_judge_rcpt(s, m);

	smtp_server_answer(s->smtp,
		verdict < sizeof(codes) / sizeof(codes[0]) ? codes[verdict]
							   : TEMP,
		m->account, m->route, SPAN_EMPTY);
	session_resume(s);
}

void front_smtp_submitted(struct session *s, const struct msg_submitted *m)
{
	struct mid mid = mid_of(m->qid);

	front_body_clear(s);
	if (m->result == OK) {
		s->messages++;
		s->unconfirmed_qid = m->qid;
	}
	/* its file is still there */
	if (m->result == OK && s->local != NULL && s->local->is_drop)
		front_smtp_unconfirmed(s);
	smtp_server_answer(s->smtp, (enum code)m->result, 0, 0,
		mid_span(&mid));
	session_resume(s);
}

void front_unconfirmed(struct front *f, uint64_t sid, uint64_t qid)
{
	struct channel *queue = role_peer(f->run, ROLE_QUEUE);
	struct msg_unconfirmed m = {.qid = qid};

	if (queue != NULL)
		channel_send(queue, unconfirmed, UNCONFIRMED, sid, &m, -1);
}

void front_smtp_unconfirmed(struct session *s)
{
	if (s->unconfirmed_qid != 0)
		front_unconfirmed(s->front, s->sid, s->unconfirmed_qid);
	s->unconfirmed_qid = 0;
}

static void wait_failed(struct session *s, enum code why)
{
	switch (s->wait) {
	case WAIT_SENDER:
	case WAIT_OWN:
		front_submission_wait_failed(s);
		return;
	case WAIT_RCPT:
		answer(s, TEMP);
		break;
	case WAIT_IDS:
		answer(s, TEMP);
		break;
	case WAIT_SPOOL:
		front_body_spool_opened(s, why, -1);
		return;
	case WAIT_COMMIT:
		/* the outcome is unknown: the client tries again, and queue
		 * knows the message by its hash */
		front_body_clear(s);
		answer(s, TEMP);
		break;
	case WAIT_LOGIN:
		front_login_wait_failed(s, why);
		return;
	case WAIT_LOCAL:
		front_local_wait_failed(s);
		return;
	case WAIT_NONE:
	case WAIT_ATTACH:
	default:
		return;
	}
	session_resume(s);
}

static void login_answered(struct session *s, const struct sasl_answer *a)
{
	smtp_server_login_answer(s->smtp, a);
}

static void shut(struct session *s, bool is_timeout)
{
	if (is_timeout)
		smtp_server_shut(s->smtp, SPAN("4.4.2"),
			SPAN("Timeout, closing"), SPAN("timeout"));
	else
		smtp_server_shut(s->smtp, SPAN("4.3.2"),
			SPAN("Service is going down, try again later"),
			SPAN("server stops"));
}

void front_smtp_log_out(struct session *s)
{
	smtp_server_shut(s->smtp, SPAN("4.7.0"),
		SPAN("The password was changed, log in again"),
		SPAN("credentials changed"));
}

static int64_t timeout_ms(const struct session *s)
{
	return smtp_server_timeout_ms(s->smtp);
}

static void secured(struct session *s)
{
	struct sasl_config login;

	front_login_config(s, &login);
	smtp_server_secured(s->smtp, s->tls_text, &login);
	s->account = 0;
	session_note_login(s);
}

static bool is_idle(const struct session *s)
{
	return s->wait == WAIT_NONE && !smtp_server_is_busy(s->smtp);
}

const struct front_protocol front_smtp = {
	.open = begin_session,
	.close = end_session,
	.feed = feed,
	.act = act,
	.login_answered = login_answered,
	.wait_failed = wait_failed,
	.shut = shut,
	.timeout_ms = timeout_ms,
	.secured = secured,
	.is_idle = is_idle,
};
