/*
 * directory_int.h - what the files of the directory role share.
 *
 * directory.c: recipients, routes, accounts, the life of the role;
 * directory_login.c: who logs in, and who may send as whom.
 */
#ifndef POSTRIDER_ROLE_DIRECTORY_INT_H
#define POSTRIDER_ROLE_DIRECTORY_INT_H

#include "base/map.h"
#include "directory/directory.h"
#include "directory/rate.h"
#include "role/role.h"

struct directory_role {
	struct role_run *run;
	struct directory *directory;
	struct arena command; /* of one question */
	struct map grants;    /* id of the GRANT to struct grant, owned */
	uint64_t last_grant;
	struct rate *rates; /* what accounts sent */
};

/* Logs it; after the worst the process ends, and master starts it again. */
void directory_note_trouble(struct directory_role *role, const struct err *e);

/* ---- directory_login.c -------------------------------------------------- */
frame_fn directory_on_login;
frame_fn directory_on_granted;
frame_fn directory_on_sender_check;
/* What this front asked is not answered any more. */
void directory_login_front_lost(struct directory_role *role, uint32_t front);
/* Nobody notes a grant: who waits for one hears TEMP. */
void directory_login_accounts_lost(struct directory_role *role);

#endif
