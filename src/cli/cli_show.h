/*
 * cli_show.h - `postrider mail show`: a message that lies in a file.
 *
 *	mail show FILE              as a person reads it
 *	mail show FILE --structure  its parts: where they are, what they are
 *	mail show FILE --headers    all fields of its head, decoded
 *	mail show FILE --part N     the bytes of a part, decoded, to stdout
 *	mail show FILE --json       all of it, as one JSON object
 *
 * FILE is anything, "-" is standard input; whatever it holds is shown, within
 * 64 MiB of memory.  What goes to a terminal has its control characters made
 * visible; --part writes the bytes as they are.
 */
#ifndef POSTRIDER_CLI_CLI_SHOW_H
#define POSTRIDER_CLI_CLI_SHOW_H

#include "base/admin.h"

/* An admin_fn of module CLI_ALONE. */
admin_fn cli_show_run;

#endif
