/*
 * cli_mail.h - `postrider mail send|list|read|save`: the user agent.
 *
 * It is a client like any other: it sends over SMTP and reads over POP3, and
 * works against any server.  Without --server it talks to the one that the
 * configuration describes: `listen submission`, else `listen smtp`, to send;
 * `listen pop3` to read; a wildcard address becomes the loopback.
 *
 *	mail send -f ADDRESS -t ADDRESS… -s SUBJECT [-a FILE]… [--notify WORDS]
 *	          [--return hdrs|full] [--envid ID] < TEXT
 *	mail list -u ADDRESS
 *	mail read -u ADDRESS N
 *	mail save -u ADDRESS N [PART] [-o DIRECTORY]
 *
 * The password comes from --password-stdin (its first line), from the
 * environment (POSTRIDER_PASSWORD), or from the terminal without echo.
 */
#ifndef POSTRIDER_CLI_CLI_MAIL_H
#define POSTRIDER_CLI_CLI_MAIL_H

#include "base/admin.h"

/* An admin_fn.  module is the const struct config *; words[0] is "mail" and
 * the rest is as it was typed.  Rows of `list` go to out; a message that is
 * shown goes to stdout, its control characters made visible. */
admin_fn cli_mail_run;

/* What `postrider mail` without a verb says. */
extern const char cli_mail_usage[];

#endif
