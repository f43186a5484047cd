/*
 * cli_mail_imap.h - an IMAP session of the user agent.  RFC 9051
 *
 * One command at a time, and the bytes of its answer; a literal (RFC 9051 4.3)
 * is kept apart, for it is what a message or a part of it comes in.
 */
#ifndef POSTRIDER_CLI_CLI_MAIL_IMAP_H
#define POSTRIDER_CLI_CLI_MAIL_IMAP_H

#include "cli/cli_mail_conn.h"

/* The largest literal that is read, bytes; and a line. */
#define CLI_IMAP_LITERAL_MAX (256u << 20)
#define CLI_IMAP_LINE_MAX    65536

struct cli_imap {
	struct cli_conn conn;
	unsigned tag;       /* of the last command */
	struct buf line;    /* the last line, without its end */
	struct buf literal; /* the last one of the answer; empty: none came */
	/* Lines "C: …" and "S: …" with LF, as far as they fit; passwords are
	 * stars, literals their size.  NULL: not wanted. */
	struct buf *dialogue;
};

/* Connects and logs in; p->dialogue is set before.  DENIED: wrong user or
 * password; TEMP, GONE, TIMEOUT.  On OK cli_imap_close follows. */
enum code cli_imap_open(struct cli_imap *p, struct span server,
	struct span user, struct span password, struct err *e) MUST_USE;
/* One command (without tag and CRLF) and all of its answer.  NOT_FOUND: the
 * server said NO or BAD; e has its words. */
enum code cli_imap_do(struct cli_imap *p, struct span command,
	struct err *e) MUST_USE;
/* Says LOGOUT and closes, whatever comes back. */
void cli_imap_close(struct cli_imap *p);

#endif
