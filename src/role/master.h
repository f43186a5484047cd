/*
 * master.h - the process that starts all others.
 */
#ifndef POSTRIDER_ROLE_MASTER_H
#define POSTRIDER_ROLE_MASTER_H

#include <stdbool.h>

#include "base/err.h"

struct config;

/* Folders, lock, ports, roles: serves until SIGTERM or SIGINT, in the
 * foreground; prints "ready" to stdout when all ports are open and all roles
 * serve.  Returns the exit status; a server that cannot start whole does not
 * start at all. */
int master_run(const struct config *config, bool no_sandbox);

/* What `serve --check` checks beyond the configuration itself: folders can be
 * made, ports can be bound.  e says what is wrong. */
enum code master_check(const struct config *config, struct err *e) MUST_USE;

#endif
