/*
 * smtp_cmd_auth.c - AUTH, and the lines of its exchange.  RFC 4954
 *
 *	auth = "AUTH" SP mechanism [SP (initial / "=")]
 *
 * The exchange itself is sasl.h's; here it gets its replies:
 *
 *	AUTH ──▶ 334, a line ──▶ ... ──▶ ASK_LOGIN ──▶ 235, LOGGED_IN, or 5xx
 *
 * Only a submission port knows AUTH (RFC 6409 4.3); on port 25 it is a command
 * like any unknown one.
 */
#include "smtp/smtp_server_int.h"

#include "base/banned.h"

static const enum smtp_reply failures[] = {
	[SASL_WRONG] = SMTP_REPLY_AUTH_WRONG,
	[SASL_TEMPORARY] = SMTP_REPLY_AUTH_TEMP,
	[SASL_BAD_BASE64] = SMTP_REPLY_AUTH_BASE64,
	[SASL_BAD_SYNTAX] = SMTP_REPLY_AUTH_SYNTAX,
	[SASL_TOO_LONG] = SMTP_REPLY_AUTH_TOO_LONG,
	[SASL_CANCELLED] = SMTP_REPLY_AUTH_CANCELLED,
	[SASL_UNKNOWN] = SMTP_REPLY_AUTH_UNKNOWN,
};

static void take_step(struct smtp_server *s, struct sasl_step step)
{
	s->input = SMTP_INPUT_LINE;
	s->must_flush = true;
	switch (step.type) {
	case SASL_CHALLENGE:
		buf_puts(&s->out, "334 ");
		buf_put(&s->out, step.text);
		buf_puts(&s->out, "\r\n");
		s->input = SMTP_INPUT_AUTH;
		/* what grows leaves copies of a password behind */
		(void)buf_reserve(&s->line, SMTP_LINE_AUTH);
		break;
	case SASL_ASK:
		s->login = step.question;
		smtp_server_ask(s, SMTP_QUESTION_LOGIN);
		break;
	case SASL_DONE:
		s->is_logged_in = true;
		s->has_logged_in = true;
		smtp_server_put(s, SMTP_REPLY_AUTH_OK, SPAN_EMPTY);
		break;
	case SASL_FAILED:
		smtp_server_reply(s, failures[step.failure], SPAN_EMPTY);
		break;
	default:
		unreachable();
	}
}

/* What keeps AUTH from being heard now. */
static enum smtp_reply obstacle(const struct smtp_server *s)
{
	if (s->sasl == NULL)
		return SMTP_REPLY_NOT_IMPLEMENTED;
	if (s->state == SMTP_STATE_START)
		return SMTP_REPLY_HELLO_FIRST;
	if (s->is_logged_in)
		return SMTP_REPLY_AUTH_TWICE; /* also amid a message */
	if (!s->config.login.may_plain)
		return SMTP_REPLY_AUTH_NEEDS_TLS;
	return SMTP_REPLY_NONE;
}

void smtp_cmd_auth(struct smtp_server *s, struct span args)
{
	enum smtp_reply reply = obstacle(s);
	struct span initial = args;
	struct span name = span_cut(&initial, ' ');
	bool has_initial = name.n < args.n;

	if (reply != SMTP_REPLY_NONE)
		smtp_server_reply(s, reply, SPAN_EMPTY);
	else if (name.n == 0)
		smtp_server_reply(s, SMTP_REPLY_SYNTAX,
			smtp_cmd_syntax("AUTH"));
	else
		take_step(s, sasl_begin(s->sasl, name, has_initial,
			span_trim(initial)));
}

void smtp_cmd_auth_line(struct smtp_server *s, struct span line)
{
	take_step(s, sasl_line(s->sasl, line));
}

void smtp_cmd_auth_break(struct smtp_server *s)
{
	if (s->sasl != NULL)
		sasl_close(s->sasl);
}

void smtp_server_login_answer(struct smtp_server *s,
	const struct sasl_answer *answer)
{
	smtp_server_settle(s);
	if (s->question != SMTP_QUESTION_LOGIN)
		return; /* the session was shut meanwhile */
	s->question = SMTP_QUESTION_NONE;
	s->login = NULL;
	take_step(s, sasl_answer(s->sasl, answer));
}

bool smtp_server_is_logged_in(const struct smtp_server *s)
{
	return s->is_logged_in;
}
