/*
 * role.h - what every role's process has in common: its start, its channels,
 * its end.
 *
 * A role is one file, src/role/NAME.c, in this order: comment (purpose, what
 * it may touch, whom it talks to), open, one small function a message, and
 * its struct role_def at the end.  Master re-executes the binary as
 * `postrider --role NAME`, with a channel as descriptor 3, over which come
 * SETUP, then PEER and LISTEN with descriptors, then START.  Descriptor 4 is the
 * lock of data_dir: it is free when the last process that may touch the data has
 * ended, even if master was killed before.  role_main does
 * that, calls open (files are opened here), confines the process (the row in
 * confine.h), makes the channels, says READY and runs the loop.
 */
#ifndef POSTRIDER_ROLE_ROLE_H
#define POSTRIDER_ROLE_ROLE_H

#include "base/admin.h"
#include "config/config.h"
#include "ipc/channel.h"
#include "net/loop.h"

/* As many processes of one kind, and so channels to one kind, as there may be. */
#define ROLE_INSTANCES_MAX 64

struct role_def;

struct role_run {
	const struct role_def *def;
	struct loop *loop;
	uint32_t instance;
	const struct config *config; /* lives as long as the process */
	struct channel *master;
	struct channel *peers[ROLE_COUNT][ROLE_INSTANCES_MAX]; /* NULL: none now */
	bool no_sandbox;
	int lock_fd; /* only to be held; 0: none (a test) */
};

struct role_def {
	enum role role;
	/* Opens files, before confinement; *out_state is what all others get.
	 * An error ends the process with a log line, and master tries again. */
	enum code (*open)(struct role_run *r, void **out_state, struct err *e);
	/* After confinement, channels up, just before the loop.  May be NULL. */
	void (*begin)(void *state);
	/* Every message from any peer but master; arg is the state. */
	const struct frame_handler *handlers;
	/* A (new) channel to a peer; its old one, if any, was reported lost. */
	void (*peer_up)(void *state, enum role role, uint32_t instance);
	/* The channel to a peer broke; r->peers has NULL there already.  What
	 * was asked of it will not be answered. */
	void (*peer_lost)(void *state, enum role role, uint32_t instance);
	/* What was clogged towards this peer has gone out; may be NULL. */
	void (*peer_drained)(void *state, enum role role, uint32_t instance);
	/* A listening socket (front only); takes fd. */
	void (*listen)(void *state, enum service service, int fd);
	/* A file of the configuration (keys only); takes fd. */
	void (*tls_file)(void *state, const struct msg_tls_file *m, int fd);
	/* A program of this machine, and a file that one left (front only); both
	 * take fd.  id is for the answer. */
	void (*local_client)(void *state, const struct msg_local_client *m,
		int fd);
	void (*drop_file)(void *state, const struct msg_drop_file *m,
		uint64_t id, int fd);
	/* An administrator's command, or NULL. */
	admin_fn *admin;
	/* NULL, or asked before: true, it takes fd, and serves the command with
	 * admin_serve when it has what it needs; words live during the call. */
	bool (*admin_later)(void *state, struct span words, int fd);
	/* Finish what is in flight, then loop_stop; NULL: loop_stop at once. */
	void (*stop)(void *state);
};

/* The channel to instance 0 of a role, or NULL if it is not there now. */
static inline struct channel *role_peer(const struct role_run *r,
	enum role role)
{
	return r->peers[role][0];
}

/* The whole life of the process; returns its exit status. */
int role_main(const struct role_def *def);

/* From begin or what is called before it: the role cannot serve after all.  It
 * ends as if open had said so. */
void role_fail(struct err *e);

/* The roles that master starts, by enum role; NULL for the others. */
const struct role_def *role_def_of(enum role role);

#endif
