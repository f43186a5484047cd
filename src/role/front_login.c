/*
 * front_login.c - what every protocol does to let somebody in: the questions of
 * an exchange (sasl.h) become messages to directory, and a session that is in
 * goes to its account process.
 *
 *	engine ── question ──▶ LOGIN, SCRAM_SALT, SCRAM_PROOF, CERTIFICATE_LOGIN
 *	engine ◀── answer ──── LOGIN_RESULT, SCRAM_SALTED
 *	POP3, IMAP: token ──▶ ATTACH ──▶ the account's process
 *
 * Nothing is judged here and no hash is known: who breaks into this process
 * learns the passwords that are said to it from then on, and no other.  What it
 * says of its connections is believed, though: whose certificate was shown, what
 * a proof is about, for which account a message is.  How many tries there may be,
 * and how fast, is directory's to say.
 */
#include <fcntl.h>
#include <string.h>

#include "base/log.h"
#include "crypto/secret.h"
#include "role/front_int.h"

#include "base/banned.h"

/* ---- what is known of the connection --------------------------------------- */
void front_login_config(struct session *s, struct sasl_config *out)
{
	enum config_plaintext rule = s->front->run->config->login_plaintext;

	*out = (struct sasl_config){
		.may_plain = s->tls_text.n > 0 || s->is_loopback ||
			rule == PLAINTEXT_ALWAYS};
	if (rule == PLAINTEXT_NEVER && s->tls_text.n == 0)
		out->may_plain = false;
	if (s->tls_text.n > 0 && tls_exporter(s->tls, s->login.binding))
		out->binding = span_of(s->login.binding,
			sizeof(s->login.binding));
	s->login.has_certificate = s->tls_text.n > 0 &&
		tls_peer_fingerprint(s->tls, s->login.fingerprint);
	out->has_certificate = s->login.has_certificate;
}

/* ---- questions --------------------------------------------------------------- */
static void answer(struct session *s, const struct sasl_answer *a)
{
	front_protocol_of(s->service)->login_answered(s, a);
}

static void answer_code(struct session *s, enum code verdict)
{
	const struct sasl_answer a = {.verdict = verdict};

	answer(s, &a);
}

static void send_password(struct session *s, struct channel *to,
	const struct sasl_question *q)
{
	struct msg_login m = {.service = (uint8_t)service_plain(s->service),
		.user = q->user, .password = q->password, .ip = session_ip(s)};

	channel_send(to, login, LOGIN, session_question(s), &m, -1);
}

static void send_salt(struct session *s, struct channel *to,
	const struct sasl_question *q)
{
	struct msg_scram_salt m = {.is_sha1 = q->is_sha1, .user = q->user,
		.ip = session_ip(s)};

	channel_send(to, scram_salt, SCRAM_SALT, session_question(s), &m, -1);
}

static void send_proof(struct session *s, struct channel *to,
	const struct sasl_question *q)
{
	struct msg_scram_proof m = {
		.service = (uint8_t)service_plain(s->service),
		.is_sha1 = q->is_sha1, .user = q->user, .ip = session_ip(s),
		.text = q->text, .proof = q->proof};

	channel_send(to, scram_proof, SCRAM_PROOF, session_question(s), &m,
		-1);
}

static void send_certificate(struct session *s, struct channel *to,
	const struct sasl_question *q)
{
	struct msg_certificate_login m = {
		.service = (uint8_t)service_plain(s->service),
		.user = q->user, .ip = session_ip(s),
		.fingerprint = span_of(s->login.fingerprint,
			sizeof(s->login.fingerprint))};

	channel_send(to, certificate_login, CERTIFICATE_LOGIN,
		session_question(s), &m, -1);
}

void front_login_ask(struct session *s, const struct sasl_question *q)
{
	static void (*const senders[])(struct session *s, struct channel *to,
		const struct sasl_question *q) = {
		[SASL_ASK_PASSWORD] = send_password,
		[SASL_ASK_SALT] = send_salt,
		[SASL_ASK_PROOF] = send_proof,
		[SASL_ASK_CERTIFICATE] = send_certificate,
	};
	struct channel *directory = role_peer(s->front->run, ROLE_DIRECTORY);

	if (directory == NULL) {
		answer_code(s, TEMP);
		return;
	}
	s->login.user = arena_dup(&s->arena, q->user);
	senders[q->type](s, directory, q);
	session_wait(s, WAIT_LOGIN);
}

/* ---- answers ------------------------------------------------------------------ */
static void write_log(struct session *s, enum log_event event)
{
	char room[46];

	LOG(event, LOG_SID(s->sid),
		LOG_STR("service", service_name(s->service)),
		LOG_SPAN("user", s->login.user),
		LOG_SPAN("ip", session_ip_text(s, room)));
}

static void note_result(struct session *s, enum code result)
{
	if (result == OK)
		write_log(s, EV_LOGIN_OK);
	else if (result == DENIED)
		write_log(s, EV_LOGIN_FAILED);
	else
		LOG(EV_LOGIN_TROUBLE, LOG_SID(s->sid),
			LOG_STR("why", code_word(result)));
}

bool front_on_login_result(void *arg, struct frame *frame)
{
	struct session *s = session_of_answer(arg, frame->id, WAIT_LOGIN);
	struct msg_login_result m;
	struct sasl_answer a = {0};

	if (!msg_get_login_result(frame->body, &m))
		return false;
	if (s == NULL)
		return true;
	a.verdict = (enum code)m.result;
	a.signature = m.signature;
	if (m.result == OK && (m.token.n == 0 || m.token.n == TOKEN_BYTES)) {
		s->login.has_token = m.token.n > 0;
		if (s->login.has_token)
			memcpy(s->login.token, m.token.p, TOKEN_BYTES);
		s->login.account = m.account;
		s->login.address = arena_dup(&s->arena, m.address);
	} else if (m.result == OK) {
		a.verdict = TEMP;
	}
	note_result(s, a.verdict);
	answer(s, &a);
	session_resume(s);
	return true;
}

bool front_on_scram_salted(void *arg, struct frame *frame)
{
	struct session *s = session_of_answer(arg, frame->id, WAIT_LOGIN);
	struct msg_scram_salted m;
	struct sasl_answer a = {0};

	if (!msg_get_scram_salted(frame->body, &m))
		return false;
	if (s == NULL)
		return true;
	a.verdict = (enum code)m.result;
	a.salt = m.salt;
	a.rounds = m.rounds;
	secret_random(a.nonce, sizeof(a.nonce));
	if (a.verdict != OK)
		note_result(s, a.verdict);
	answer(s, &a);
	session_resume(s);
	return true;
}

/* ---- the way to the account's process --------------------------------------------- */
void front_login_attach(struct session *s, struct span tag)
{
	struct channel *accounts = role_peer(s->front->run, ROLE_ACCOUNTS);
	struct msg_attach m = {.sid = s->sid,
		.service = (uint8_t)service_plain(s->service),
		.token = span_of(s->login.token, TOKEN_BYTES),
		.user = s->login.user, .tag = tag, .ip = session_ip(s)};
	int fd = -1;

	/* under TLS the relay carries what was sent ahead */
	if (s->tls == NULL)
		m.pending = buf_span(&s->in);
	if (accounts != NULL && s->login.has_token && s->tls == NULL)
		fd = fcntl(s->fd, F_DUPFD_CLOEXEC, 0);
	else if (accounts != NULL && s->login.has_token &&
		!front_relay_open(s, &fd))
		fd = -1;
	if (fd < 0) {
		front_protocol_of(s->service)->attach_failed(s, TEMP);
		return;
	}
	channel_send(accounts, attach, ATTACH, session_question(s), &m, fd);
	session_wait(s, WAIT_ATTACH);
}

bool front_on_attached(void *arg, struct frame *frame)
{
	struct session *s = session_of_answer(arg, frame->id, WAIT_ATTACH);
	struct msg_attached m;

	if (!msg_get_attached(frame->body, &m))
		return false;
	if (s == NULL)
		return true;
	if (m.result == OK && s->tls != NULL) {
		front_relay_begin(s);
	} else if (m.result == OK) {
		session_free(s);
	} else {
		front_relay_close(s);
		front_protocol_of(s->service)->attach_failed(s,
			(enum code)m.result);
		session_resume(s);
	}
	return true;
}

bool front_login_is_idle(const struct session *s)
{
	return s->wait == WAIT_NONE;
}

void front_login_wait_failed(struct session *s, enum code why)
{
	(void)why;
	if (s->wait == WAIT_ATTACH) {
		/* accounts may have passed the socket on: it is not ours to
		 * write to any more */
		session_free(s);
		return;
	}
	answer_code(s, TEMP);
	session_resume(s);
}
