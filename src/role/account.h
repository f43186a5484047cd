/*
 * account.h - the process of one account: what accounts.c calls in the child
 * that it forked.
 */
#ifndef POSTRIDER_ROLE_ACCOUNT_H
#define POSTRIDER_ROLE_ACCOUNT_H

#include "config/config.h"

struct account_start {
	uint64_t account;
	int fd;                      /* the channel to accounts */
	const struct config *config; /* lives as long as the process */
	const char *folder;          /* of the account, absolute */
	bool no_sandbox;
};

/* The whole life of the process: confines itself, waits for ACCOUNT_SETUP,
 * serves; returns its exit status. */
int account_run(const struct account_start *start);

#endif
