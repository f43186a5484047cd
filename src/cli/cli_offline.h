/*
 * cli_offline.h - a command on the data of a server that does not run.
 */
#ifndef POSTRIDER_CLI_CLI_OFFLINE_H
#define POSTRIDER_CLI_CLI_OFFLINE_H

#include "base/admin.h"
#include "config/config.h"

/* Carries out a domain, account, alias or queue command under the lock of the
 * data directory.  As root this process becomes the server's user for good. */
enum admin_exit cli_offline(const struct config *config,
	const struct span *words, size_t count, const struct admin_out *out,
	struct err *e);

#endif
