/*
 * smtp_cmd_data.c - DATA.  RFC 5321 4.1.1.4
 */
#include "base/log.h"
#include "smtp/smtp_server_int.h"

#include "base/banned.h"

void smtp_cmd_data(struct smtp_server *s, struct span args)
{
	(void)args;
	if ((s->transaction.flags & SMTP_MAIL_BINARY) != 0)
		/* RFC 3030 3 */
		smtp_server_reply(s, SMTP_REPLY_BINARY_NEEDS_BDAT, SPAN_EMPTY);
	else
		smtp_server_ask(s, SMTP_QUESTION_DATA);
}

void smtp_cmd_data_answered(struct smtp_server *s, enum code verdict)
{
	if (verdict == OK) {
		smtp_transfer_begin(s, SMTP_INPUT_DATA);
		smtp_server_reply(s, SMTP_REPLY_DATA, SPAN_EMPTY);
		return;
	}
	smtp_server_forget(s);
	smtp_server_log(s, EV_SMTP_DATA_REFUSED,
		smtp_transfer_trouble(verdict));
	smtp_server_reply(s, smtp_transfer_trouble(verdict), SPAN_EMPTY);
}
