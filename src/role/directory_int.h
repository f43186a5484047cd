/*
 * directory_int.h - what the files of the directory role share.
 *
 * directory.c: recipients, routes, accounts, the life of the role;
 * directory_login.c: who logs in; directory_grant.c: what front is answered;
 * directory_hash.c: the queue of what hashers work out; directory_sender.c:
 * who may send as whom; directory_admin.c: commands that make passwords.
 */
#ifndef POSTRIDER_ROLE_DIRECTORY_INT_H
#define POSTRIDER_ROLE_DIRECTORY_INT_H

#include "base/map.h"
#include "directory/directory_credential.h"
#include "directory/directory_ban.h"
#include "directory/rate.h"
#include "role/directory_hash.h"
#include "role/role.h"

struct directory_role {
	struct role_run *run;
	struct directory *directory;
	struct arena command; /* of one question */
	struct map grants;    /* id of the GRANT to struct grant, owned */
	uint64_t last_grant;
	struct list logins;   /* of struct login, owned */
	size_t login_count;
	struct hash_pool hashes;
	struct rate *rates; /* what accounts sent */
	struct directory_guess *guess; /* see directory_guess.c */
};

/* Logs it; after the worst the process ends, and master starts it again. */
void directory_note_trouble(struct directory_role *role, const struct err *e);

/* ---- directory_login.c -------------------------------------------------- */
frame_fn directory_on_login;
frame_fn directory_on_scram_salt;
frame_fn directory_on_scram_proof;
frame_fn directory_on_certificate_login;
/* What this front asked is not answered any more. */
void directory_login_front_lost(struct directory_role *role, uint32_t front);
/* Credentials of the account were changed or taken away. */
void directory_login_changed(struct directory_role *role, uint64_t account);

/* ---- directory_guess.c -------------------------------------------------- */
enum code directory_guess_open(struct directory_role *role,
	struct err *e) MUST_USE;
uint32_t directory_guess_mark(const struct directory_role *role,
	struct span user, struct span password);
/* Before the work of a login. */
struct guess_word directory_guess_ask(struct directory_role *role,
	const struct guess_try *t);
/* After it: for how long the answer has to be held back, ms; DENIED takes the
 * place of a verdict that came too late. */
int64_t directory_guess_settle(struct directory_role *role,
	const struct guess_try *t, enum code *verdict);
/* Tells a front who is banned. */
void directory_guess_front_up(struct directory_role *role, uint32_t front);
/* An administrator's word: for directory_listen_bans. */
directory_ban_fn directory_guess_changed;
/* What is not in the file yet: before a command reads it, and at the end. */
void directory_guess_save_now(struct directory_role *role);

/* ---- directory_grant.c -------------------------------------------------- */
/* A login that is good. */
struct directory_success {
	uint32_t front;    /* which front asked */
	uint64_t question; /* the id of what it asked */
	enum service service;
	bool is_mailbox;   /* a session is attached: there has to be a grant */
	struct directory_account account;
	uint8_t signature[SCRAM_KEY_MAX]; /* SCRAM: the server's */
	size_t signature_n;
};

void directory_answer_yes(struct directory_role *role,
	const struct directory_success *s);
void directory_answer_no(const struct directory_role *role, uint32_t front,
	uint64_t question, enum code result);
frame_fn directory_on_granted;
void directory_grant_front_lost(struct directory_role *role, uint32_t front);
/* Nobody notes a grant: who waits for one hears TEMP. */
void directory_grant_accounts_lost(struct directory_role *role);

/* ---- directory_sender.c ------------------------------------------------- */
frame_fn directory_on_sender_check;

/* ---- directory_admin.c -------------------------------------------------- */
/* Takes fd, and true, if the command makes passwords or is another role's. */
bool directory_take_command(void *state, struct span words, int fd);
/* The command itself; module is the struct directory_role (directory.c). */
admin_fn directory_run_command;

/* ---- directory_mailbox.c ------------------------------------------------ */
/* Passes `mailbox` on to accounts; false: it is another command, or there is
 * nobody to pass it to, and directory_refuse_mailbox says why. */
bool directory_pass_mailbox(struct directory_role *role, struct span words,
	int fd);
enum admin_exit directory_refuse_mailbox(struct directory_role *role,
	const struct span *words, size_t count, struct err *e);

#endif
