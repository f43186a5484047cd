/*
 * cli_sendmail.h - `postrider sendmail`, and the names sendmail, mailq and
 * newaliases: the way in for programs of this machine.
 *
 * Nothing here is trusted: who runs it has the rights of its user, and the
 * server sees who that is at its end of run_dir/submit.sock, or by the owner of
 * the file in data_dir/drop.
 *
 * The exit status is 0 only when the message is safely on a disk: the queue's,
 * or as a file in data_dir/drop when the server is not there.
 */
#ifndef POSTRIDER_CLI_CLI_SENDMAIL_H
#define POSTRIDER_CLI_CLI_SENDMAIL_H

#include "base/admin.h"

/* words[0] is the name ("sendmail", "mailq", "newaliases").  Of module
 * CLI_SELF. */
admin_fn cli_sendmail_run;

/* Is it one of these names?  Then all words behind it are its own. */
bool cli_sendmail_is_name(struct span name);

#endif
