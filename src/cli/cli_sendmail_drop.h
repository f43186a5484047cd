/*
 * cli_sendmail_drop.h - leaves a message in data_dir/drop, for a server that
 * is not there now.
 */
#ifndef POSTRIDER_CLI_CLI_SENDMAIL_DROP_H
#define POSTRIDER_CLI_CLI_SENDMAIL_DROP_H

#include "config/config.h"
#include "message/drop_file.h"

/* On OK it is safely on disk: the server takes it up within a minute, or when
 * it starts.  NOT_FOUND: there is no such folder; DENIED, FULL, TEMP: it cannot
 * be left there, and nothing was. */
enum code cli_sendmail_drop(const struct config *config,
	const struct drop_file *head, struct span text, struct err *e) MUST_USE;

#endif
