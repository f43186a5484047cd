/*
 * cli_serve.h - `postrider serve [--check] [--no-sandbox]`: the server, in the
 * foreground.
 */
#ifndef POSTRIDER_CLI_CLI_SERVE_H
#define POSTRIDER_CLI_CLI_SERVE_H

#include "base/admin.h"

/* An admin_fn.  module is the const struct config *; words[0] is "serve".
 * Returns when the server has ended. */
admin_fn cli_serve_run;

#endif
