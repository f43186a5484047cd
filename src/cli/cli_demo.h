/*
 * cli_demo.h - `postrider demo [--stay] [--break full|down|greylist]`.
 *
 * Starts two whole servers of this very binary on loopback addresses with
 * throw-away data, sends a message from one to the other, shows every step
 * with its dialogue, and checks what it shows.  It ends what it started and
 * removes what it made, also after an error or a signal.
 */
#ifndef POSTRIDER_CLI_CLI_DEMO_H
#define POSTRIDER_CLI_CLI_DEMO_H

#include "base/admin.h"

/* An admin_fn.  It needs no configuration: module is not used.  words[0] is
 * "demo".  EXIT_CHECK_FAILED: something came out different from what it should;
 * e says what. */
admin_fn cli_demo_run;

#endif
