/*
 * smtp_cmd_mail.c - MAIL.  RFC 5321 4.1.1.2
 *
 *	mail = "MAIL FROM:" Reverse-path [SP Mail-parameters]
 *
 * Deliberate: blanks between the colon and the path are forgiven; clients
 * from before ESMTP and many scripts put one there.
 */
#include "base/log.h"
#include "smtp/smtp_params.h"
#include "smtp/smtp_server_int.h"

#include "base/banned.h"

static enum smtp_reply parse(struct smtp_server *s, struct span args,
	struct smtp_params *params)
{
	const struct span from = SPAN("FROM:");
	enum smtp_reply fault;
	struct span path;
	bool is_utf8;

	if (!span_starts_fold(args, from))
		return SMTP_REPLY_SYNTAX;
	args = path = span_trim(span_tail(args, from.n));
	if (smtp_server_take_path(s, &args, SMTP_PATH_NULL, &is_utf8) != OK) {
		buf_put(&s->address, path); /* for the log */
		return SMTP_REPLY_BAD_SENDER;
	}
	fault = smtp_mail_params_parse(args, params);
	if (fault != SMTP_REPLY_NONE)
		return fault;
	if (is_utf8 && (params->flags & SMTP_MAIL_UTF8) == 0)
		return SMTP_REPLY_UTF8_NEEDED;
	return SMTP_REPLY_NONE;
}

static enum smtp_reply judge(const struct smtp_server *s,
	const struct smtp_params *params)
{
	if (s->config.is_submission && !s->is_logged_in)
		return SMTP_REPLY_AUTH_REQUIRED; /* RFC 6409 4.3 */
	/* RFC 4954 5: only where AUTH is offered */
	if (params->has_auth && !s->config.is_submission)
		return SMTP_REPLY_UNKNOWN_PARAM;
	/* HELO asked for SMTP as it was without extensions */
	if (params->count > 0 && !s->transaction.is_esmtp)
		return SMTP_REPLY_UNKNOWN_PARAM;
	/* RFC 8689 2: only where TLS is up, or no network is */
	if ((params->flags & SMTP_MAIL_REQUIRETLS) != 0 &&
		s->peer.tls.n == 0 && s->peer.local == NULL)
		return SMTP_REPLY_TLS_NEEDED;
	if (params->size > s->config.message_size_max)
		return SMTP_REPLY_TOO_BIG; /* RFC 1870 6.1 */
	return SMTP_REPLY_NONE;
}

static void refuse(struct smtp_server *s, enum smtp_reply reply)
{
	smtp_server_log(s, EV_SMTP_MAIL_REFUSED, reply);
	smtp_server_reply(s, reply,
		reply == SMTP_REPLY_SYNTAX ? smtp_cmd_syntax("MAIL")
					   : SPAN_EMPTY);
}

static void begin(struct smtp_server *s)
{
	smtp_server_set_state(s, SMTP_STATE_MAIL);
	s->transaction.reverse_path = arena_dup(&s->arena,
		buf_span(&s->address));
	smtp_server_reply(s, SMTP_REPLY_MAIL_OK, SPAN_EMPTY);
}

void smtp_cmd_mail(struct smtp_server *s, struct span args)
{
	struct smtp_params params = {.may_dsn = s->config.has_dsn};
	enum smtp_reply reply = parse(s, args, &params);

	if (reply == SMTP_REPLY_NONE)
		reply = judge(s, &params);
	if (reply != SMTP_REPLY_NONE) {
		s->transaction.declared_size = params.size; /* is said */
		refuse(s, reply);
		s->transaction.declared_size = 0;
		return;
	}
	s->transaction.flags = params.flags;
	s->transaction.declared_size = params.size;
	s->transaction.ret = params.ret;
	s->transaction.envid = arena_dup(&s->arena, params.envid);
	if (s->config.is_submission)
		smtp_server_ask(s, SMTP_QUESTION_SENDER);
	else
		begin(s);
}

void smtp_cmd_mail_answered(struct smtp_server *s, enum code verdict)
{
	if (verdict == OK) {
		begin(s);
		return;
	}
	s->transaction.flags = 0;
	s->transaction.declared_size = 0;
	s->transaction.ret = 0;
	s->transaction.envid = SPAN_EMPTY;
	arena_reset(&s->arena);
	refuse(s, verdict == DENIED ? SMTP_REPLY_NOT_YOUR_SENDER
			: verdict == LIMIT ? SMTP_REPLY_MAIL_LIMIT
					   : SMTP_REPLY_TEMP);
}
