/*
 * smtp_cmd_misc.c - the commands of a line or two: RSET, NOOP, VRFY, HELP,
 * QUIT, and those that we know but do not offer.  RFC 5321 4.1.1.5-10
 */
#include "smtp/smtp_server_int.h"

#include "base/banned.h"

void smtp_cmd_rset(struct smtp_server *s, struct span args)
{
	(void)args;
	smtp_server_forget(s);
	smtp_server_reply(s, SMTP_REPLY_OK, SPAN_EMPTY);
}

void smtp_cmd_noop(struct smtp_server *s, struct span args)
{
	(void)args; /* RFC 5321 4.1.1.9: to be ignored */
	smtp_server_reply(s, SMTP_REPLY_OK, SPAN_EMPTY);
}

/* Who asks learns nothing that RCPT would not tell.  RFC 5321 3.5.3, 7.3 */
void smtp_cmd_vrfy(struct smtp_server *s, struct span args)
{
	if (args.n == 0)
		smtp_server_reply(s, SMTP_REPLY_SYNTAX,
			smtp_cmd_syntax("VRFY"));
	else
		smtp_server_reply(s, SMTP_REPLY_VRFY, SPAN_EMPTY);
}

void smtp_cmd_help(struct smtp_server *s, struct span args)
{
	struct buf names;

	(void)args;
	buf_init(&names, SMTP_LINE_MAX);
	for (size_t i = 0; i < smtp_cmd_count; i++) {
		if ((smtp_cmds[i].flags & SMTP_CMD_HIDDEN) != 0)
			continue;
		if (buf_len(&names) > 0)
			buf_putc(&names, ' ');
		buf_puts(&names, smtp_cmds[i].name);
	}
	smtp_server_reply(s, SMTP_REPLY_HELP, buf_span(&names));
	buf_clear(&names);
}

void smtp_cmd_quit(struct smtp_server *s, struct span args)
{
	(void)args;
	smtp_server_reply(s, SMTP_REPLY_BYE, s->config.hostname);
	smtp_server_end(s, SPAN("quit"));
}

void smtp_cmd_unimplemented(struct smtp_server *s, struct span args)
{
	(void)args;
	smtp_server_reply(s, SMTP_REPLY_NOT_IMPLEMENTED, SPAN_EMPTY);
}
