/*
 * cli_mail_text.h - text of strangers on a terminal, and names for files.
 */
#ifndef POSTRIDER_CLI_CLI_MAIL_TEXT_H
#define POSTRIDER_CLI_CLI_MAIL_TEXT_H

#include "base/buf.h"
#include "base/span.h"

/* Writes text so that it cannot steer a terminal or pretend to be something
 * else: control characters, bytes that are no UTF-8, and the characters that
 * turn the direction of writing come out as \xNN.  keep_lines: LF and tab stay
 * and CRLF becomes LF; else they are shown as a blank. */
void cli_text_put(struct buf *out, struct span text, bool keep_lines);

/* Writes a name for a file made of what a sender suggested: no folders, no
 * hidden file, no character that a shell or a file system minds, at most
 * CLI_NAME_MAX bytes; fallback if nothing is left. */
#define CLI_NAME_MAX 120
void cli_text_put_file_name(struct buf *out, struct span suggested,
	struct span fallback);

#endif
