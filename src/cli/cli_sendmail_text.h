/*
 * cli_sendmail_text.h - what a local program writes to `sendmail`, as the text
 * of a message.
 *
 * Pure, and fed piece by piece, as the end may be a line with a dot alone on a
 * terminal.  Lines end with CRLF afterwards, the last one too.  What no SMTP
 * server takes, and the output of cron's jobs is full of, is made harmless: a
 * NUL goes; a CR alone is the end of a line in the body, and a blank in the
 * header, where a line of its own could be a recipient that nobody meant.
 */
#ifndef POSTRIDER_CLI_CLI_SENDMAIL_TEXT_H
#define POSTRIDER_CLI_CLI_SENDMAIL_TEXT_H

#include "base/buf.h"

/* Zeroed by the caller, but for the first. */
struct sendmail_text {
	bool ignores_dots; /* a line with a dot alone is text, too */
	bool is_over;      /* it came: nothing is taken any more */
	enum { SENDMAIL_LINE_START, SENDMAIL_DOT, SENDMAIL_LINE } at;
	bool has_cr;       /* the last byte was one; what it means comes next */
	bool is_body;      /* an empty line came */
};

/* Appends what it means to out, whose overflow the caller looks at. */
void sendmail_text_feed(struct sendmail_text *t, struct span in,
	struct buf *out);
/* That was all. */
void sendmail_text_end(struct sendmail_text *t, struct buf *out);

#endif
