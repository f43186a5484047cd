/*
 * cli_sendmail_int.h - what the files of `postrider sendmail` share.
 */
#ifndef POSTRIDER_CLI_CLI_SENDMAIL_INT_H
#define POSTRIDER_CLI_CLI_SENDMAIL_INT_H

#include "base/arena.h"
#include "base/buf.h"
#include "cli/cli.h"
#include "cli/cli_sendmail_flags.h"

struct sendmail {
	const struct cli *cli;
	const struct admin_out *out;
	struct err *e;
	struct arena *arena; /* of the command */
	struct sendmail_flags flags;
	struct span user;    /* who runs it, as far as we know */
	struct span server;  /* run_dir/submit.sock */
	/* of a message: */
	struct span from;    /* empty: the null sender */
	struct span *rcpts;
	size_t rcpt_count, rcpt_room;
	struct buf text;     /* with CRLF, complete */
};

/* cli_sendmail_submit.c: hands the message to the server, or leaves it for it;
 * says what became of it. */
enum admin_exit sendmail_submit(struct sendmail *s);
/* cli_sendmail_talk.c: -bs; -bv and -bt. */
enum admin_exit sendmail_talk(struct sendmail *s);
enum admin_exit sendmail_verify(struct sendmail *s);

/* cli_sendmail.c: adds what stands in text ("Bob <bob@x>, ann") to the
 * recipients. */
void sendmail_add_rcpts(struct sendmail *s, struct span text);
/* A warning, or what happened, on stderr. */
void sendmail_say(const char *format, ...) FORMAT(1, 2);

#endif
