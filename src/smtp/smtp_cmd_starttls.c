/*
 * smtp_cmd_starttls.c - STARTTLS.  RFC 3207
 *
 *	STARTTLS --ask--> OK: 220, START_TLS --handshake--> smtp_server_secured
 *
 * It is a command behind which nothing may come in its group, so that what an
 * attacker put there is not taken for what the client says under TLS; what
 * comes before the 220 was read meets the handshake, which it breaks.
 */
#include "smtp/smtp_server_int.h"

#include "base/banned.h"

void smtp_cmd_starttls(struct smtp_server *s, struct span args)
{
	(void)args;
	if (s->peer.tls.n > 0)
		smtp_server_reply(s, SMTP_REPLY_TLS_TWICE, SPAN_EMPTY);
	else if (!s->config.has_tls)
		smtp_server_reply(s, SMTP_REPLY_NOT_IMPLEMENTED, SPAN_EMPTY);
	else
		smtp_server_ask(s, SMTP_QUESTION_TLS);
}

void smtp_cmd_starttls_answered(struct smtp_server *s, enum code verdict)
{
	if (verdict != OK) {
		smtp_server_reply(s, SMTP_REPLY_NO_TLS_NOW, SPAN_EMPTY);
		return;
	}
	smtp_server_reply(s, SMTP_REPLY_TLS, SPAN_EMPTY);
	s->must_flush = true;
	s->tls = SMTP_TLS_WANTED;
}

/* RFC 3207 4.2: what was said before is forgotten, the name of the client too.
 * Errors are not: they are this peer's. */
void smtp_server_secured(struct smtp_server *s, struct span tls,
	const struct sasl_config *login)
{
	s->peer.tls = tls;
	s->config.login = *login;
	s->is_logged_in = false;
	if (s->sasl != NULL)
		sasl_secured(s->sasl, login);
	/* from the first byte; or it was shut amid the handshake */
	if (s->state == SMTP_STATE_GREETING || s->state == SMTP_STATE_CLOSED)
		return;
	must(s->tls == SMTP_TLS_AWAITED);
	s->tls = SMTP_PLAIN;
	smtp_server_forget(s);
	s->transaction = (struct smtp_transaction){.is_esmtp = false};
	smtp_server_set_state(s, SMTP_STATE_START);
}
