/*
 * confine.h - the sandbox of each role: reliability.md 4.
 *
 * One table row a role: files (Landlock), TCP ports, extra system calls
 * (seccomp), resource limits.  confine_linux.c enforces it, in this order:
 * chroot to an empty folder and user id (only when started as root), limits,
 * no_new_privs, Landlock as far as the kernel has it, seccomp.  What a kernel
 * does not have is logged, not silently left out.
 */
#ifndef POSTRIDER_ROLE_CONFINE_H
#define POSTRIDER_ROLE_CONFINE_H

#include "base/err.h"
#include "base/span.h"
#include "ipc/messages.h"

/* How many descriptors an account's process may have. */
#define CONFINE_ACCOUNT_FILES 256

struct confine_request {
	enum role role;
	/* The one folder that the role's row calls its own, absolute, or NULL:
	 * directory: data_dir/directory; queue: data_dir/queue; accounts:
	 * data_dir/accounts; account: data_dir/accounts/N */
	const char *folder;
	const char *user;  /* whom to become when started as root */
	uint16_t tcp_port; /* outbound may connect to it only; 0: to any */
};

/* Confines this process for ever, and logs the level (EV_CONFINED).  An error
 * means that the process must not go on. */
enum code confine_self(const struct confine_request *request,
	struct err *e) MUST_USE;

/* For tests: makes a scratch folder, and for each of some fifty actions a
 * process that confines itself as the role (as root: becomes nobody) and tries
 * it.  Prints a line each to stdout:
 *
 *	NAME denied|permitted|ALLOWED|BROKEN|UNCLEAR by=... without=works|fails
 *
 * by: what refused it ("seccomp" or the name of an errno); without: what the
 * same action does without the sandbox.  Returns how many lines are in
 * capitals: not as the role's row says; -1: the test could not be set up.
 * Only the program tests/confine_test calls it. */
int confine_test(enum role role);

#endif
