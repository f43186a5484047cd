/*
 * front_pop3.c - POP3 up to the login, and the hand-over of the connection to
 * the account's process.
 */
#include <fcntl.h>
#include <string.h>

#include "base/log.h"
#include "role/front_int.h"

static bool may_login(const struct session *s)
{
	enum config_plaintext rule = s->front->run->config->login_plaintext;

	return s->tls_text.n > 0 || rule == PLAINTEXT_ALWAYS ||
		(rule == PLAINTEXT_LOOPBACK && s->may_relay);
}

static void begin_session(struct session *s)
{
	const struct config *config = s->front->run->config;
	const struct pop3_login_config engine = {
		.hostname = config->hostname,
		.errors_max = config->errors_max,
		.may_login = may_login(s),
		.has_tls = !service_is_tls(s->service) &&
			front_tls_may_begin(s),
	};

	list_init(&s->turn);
	s->pop3 = pop3_login_open(&s->arena, &engine);
}

static void end_session(struct session *s)
{
	list_take(&s->turn);
	pop3_login_close(s->pop3);
}

static size_t feed(struct session *s, struct span in)
{
	return pop3_login_feed(s->pop3, in);
}

static void send_login(struct session *s, struct channel *directory)
{
	struct msg_login m = {.service = SERVICE_POP3, .user = s->user,
		.password = s->password, .ip = session_ip(s)};

	s->front->logins_open++;
	channel_send(directory, login, LOGIN, session_question(s), &m, -1);
	s->password = SPAN_EMPTY;
	session_wait(s, WAIT_LOGIN);
}

static void ask_login(struct session *s, const struct pop3_login_effect *e)
{
	struct front *f = s->front;
	struct channel *directory = role_peer(f->run, ROLE_DIRECTORY);

	if (directory == NULL) {
		pop3_login_answer(s->pop3, TEMP);
		return;
	}
	s->user = arena_dup(&s->arena, e->user);
	s->password = e->password;
	if (f->logins_open < FRONT_LOGINS_MAX) {
		send_login(s, directory);
		return;
	}
	list_put(&f->turns, &s->turn);
	session_wait(s, WAIT_TURN);
}

void front_pop3_next_turn(struct front *f)
{
	struct channel *directory = role_peer(f->run, ROLE_DIRECTORY);
	struct session *s;

	if (f->logins_open > 0)
		f->logins_open--;
	if (list_is_empty(&f->turns) || directory == NULL)
		return;
	s = LIST_OF(struct session, turn, f->turns.next);
	list_take(&s->turn);
	send_login(s, directory);
}

static void attach(struct session *s)
{
	struct channel *accounts = role_peer(s->front->run, ROLE_ACCOUNTS);
	struct msg_attach m = {.sid = s->sid, .service = SERVICE_POP3,
		.token = span_of(s->token, sizeof(s->token)), .user = s->user,
		.ip = session_ip(s), .pending = buf_span(&s->in)};
	int fd = -1;

	/* what was sent ahead is more than a session begins with */
	if (m.pending.n > 8192) {
		session_end(s, SPAN("too much pipelined"));
		return;
	}
	if (accounts != NULL && s->tls == NULL)
		fd = fcntl(s->fd, F_DUPFD_CLOEXEC, 0);
	else if (accounts != NULL && !front_relay_open(s, &fd))
		fd = -1;
	if (fd < 0) {
		pop3_login_failed(s->pop3, TEMP);
		return;
	}
	channel_send(accounts, attach, ATTACH, session_question(s), &m,
		fd);
	session_wait(s, WAIT_ATTACH);
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
		ask_login(s, &e);
		break;
	case POP3_LOGIN_ASK_TLS:
		pop3_login_answer(s->pop3,
			front_tls_may_begin(s) ? OK : TEMP);
		break;
	case POP3_LOGIN_START_TLS:
		front_tls_begin(s);
		break;
	case POP3_LOGIN_HANDOVER:
		attach(s);
		break;
	case POP3_LOGIN_CLOSE:
		session_end(s, e.why);
		break;
	default:
		unreachable();
	}
	return true;
}

static void write_log(struct session *s, enum log_event event)
{
	char room[46];

	LOG(event, LOG_SID(s->sid), LOG_STR("service", "pop3"),
		LOG_SPAN("user", s->user),
		LOG_SPAN("ip", session_ip_text(s, room)));
}

void front_pop3_login_result(struct session *s,
	const struct msg_login_result *m)
{
	enum code result = (enum code)m->result;

	if (result == OK && m->token.n != sizeof(s->token))
		result = TEMP;
	if (result == DENIED)
		write_log(s, EV_LOGIN_FAILED);
	if (result == OK) {
		memcpy(s->token, m->token.p, sizeof(s->token));
		write_log(s, EV_LOGIN_OK);
	}
	if (result != OK && result != DENIED)
		LOG(EV_LOGIN_TROUBLE, LOG_SID(s->sid),
			LOG_STR("why", code_word(result)));
	pop3_login_answer(s->pop3, result);
	session_resume(s);
}

void front_pop3_attached(struct session *s, enum code result)
{
	if (result == OK && s->tls != NULL) {
		buf_reset(&s->in); /* what was pending is the account's now */
		front_relay_begin(s);
		return;
	}
	if (result == OK) {
		session_free(s);
		return;
	}
	front_relay_close(s);
	pop3_login_failed(s->pop3, result);
	session_resume(s);
}

static void wait_failed(struct session *s, enum code why)
{
	(void)why;
	if (s->wait == WAIT_ATTACH) {
		/* accounts may have passed the socket on: it is not ours to
		 * write to any more */
		session_free(s);
		return;
	}
	list_take(&s->turn);
	pop3_login_answer(s->pop3, TEMP);
	session_resume(s);
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
	pop3_login_secured(s->pop3, may_login(s));
}

static bool is_idle(const struct session *s)
{
	return s->wait == WAIT_NONE;
}

const struct front_protocol front_pop3 = {
	.open = begin_session,
	.close = end_session,
	.feed = feed,
	.act = act,
	.wait_failed = wait_failed,
	.shut = shut,
	.timeout_ms = timeout_ms,
	.secured = secured,
	.is_idle = is_idle,
};
