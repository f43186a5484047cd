/*
 * cli_mail_pop3.h - a POP3 session of the user agent.  RFC 1939
 */
#ifndef POSTRIDER_CLI_CLI_MAIL_POP3_H
#define POSTRIDER_CLI_CLI_MAIL_POP3_H

#include "cli/cli_mail_conn.h"
#include "pop3/pop3_client.h"

/* The largest message that is read, bytes. */
#define CLI_MESSAGE_MAX (256u << 20)

struct cli_pop3 {
	struct cli_conn conn;
	struct pop3_client reader;
	/* Lines "C: …" and "S: …" with LF, as far as they fit; passwords are
	 * stars, messages their size.  NULL: not wanted. */
	struct buf *dialogue;
};

/* Connects and logs in.  DENIED: wrong user or password; BUSY: another session
 * has the mailbox; TEMP, GONE, TIMEOUT.  On OK cli_pop3_close or
 * _quit follows. */
enum code cli_pop3_open(struct cli_pop3 *p, struct span server,
	struct span user, struct span password, struct err *e) MUST_USE;

/* One command (without CRLF) and its reply, which is in p->reader.  NOT_FOUND:
 * the server said -ERR. */
enum code cli_pop3_do(struct cli_pop3 *p, struct span command,
	bool is_multiline, struct err *e) MUST_USE;

/* How many messages there are. */
enum code cli_pop3_count(struct cli_pop3 *p, uint32_t *out_count,
	struct err *e) MUST_USE;
/* RETR: the message is in p->reader.body. */
enum code cli_pop3_get(struct cli_pop3 *p, uint32_t n, struct err *e) MUST_USE;

/* Says QUIT, which makes deletions true, and closes whatever comes back. */
enum code cli_pop3_quit(struct cli_pop3 *p, struct err *e) MUST_USE;
/* The same for a session that deleted nothing. */
void cli_pop3_close(struct cli_pop3 *p);

#endif
