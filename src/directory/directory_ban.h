/*
 * directory_ban.h - what guess.h has in mind, in directory.db: bans, and the
 * networks that accounts are known from.
 *
 * Both outlive a restart: a ban, or who is banned would only have to wait for
 * one; what is known, or the first attack after a restart would hit everybody.
 * Counts of failures do not: they fade within the hour anyway.
 */
#ifndef POSTRIDER_DIRECTORY_DIRECTORY_BAN_H
#define POSTRIDER_DIRECTORY_DIRECTORY_BAN_H

#include "directory/directory.h"
#include "directory/guess.h"

/* Networks that one account is known from in the file; older ones go. */
#define DIRECTORY_KNOWN_MAX 32

/* Reads all that still counts into a new struct guess; the rest is deleted. */
enum code directory_guess_load(struct directory *d, struct guess *g,
	int64_t now_ms, struct err *e) MUST_USE;

/* Whose address it is (in its one form, directory_login_user); 0: nobody's, or
 * our own trouble. */
uint64_t directory_guess_account(struct directory *d, struct span address);

/* An account logged in from a network; guess_known_put's arguments. */
struct directory_known {
	uint64_t account, network;
	int64_t seen_ms;
};
/* What is new, in one transaction. */
struct directory_guess_news {
	const struct guess_ban *bans;
	size_t ban_count;
	const struct directory_known *known;
	size_t known_count;
};
enum code directory_guess_save(struct directory *d,
	const struct directory_guess_news *news, struct err *e) MUST_USE;

/* Told after the commit of an administrator's command: a network is banned, or
 * no longer (until_ms 0). */
typedef void directory_ban_fn(void *arg, const struct guess_ban *ban);
void directory_listen_bans(struct directory *d, directory_ban_fn *fn,
	void *arg);

#endif
