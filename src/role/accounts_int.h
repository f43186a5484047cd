/*
 * accounts_int.h - what the files of the role `accounts` share.
 *
 * accounts.c: its peers and their messages; accounts_wait.c: who waits for an
 * account; accounts_process.c: the processes that it forks; accounts_sleep.c: the
 * sessions that fronts keep for them.
 */
#ifndef POSTRIDER_ROLE_ACCOUNTS_INT_H
#define POSTRIDER_ROLE_ACCOUNTS_INT_H

#include "base/list.h"
#include "base/map.h"
#include "role/role.h"

#define TOKEN_BYTES   16
#define TOKEN_LIFE_MS 30000

enum process_state {
	PROCESS_NONE,    /* not running */
	PROCESS_RUNS,    /* forked; what is sent to it waits in its channel */
	PROCESS_ENDS     /* was told to end, or its channel broke: not reaped */
};

enum facts_state { FACTS_UNKNOWN, FACTS_ASKED, FACTS_KNOWN };

/* Who waits for an account: queue for a channel, or front for a session. */
struct wait {
	struct list link;
	enum message_type type; /* MSG_ACCOUNT_OPEN, MSG_ATTACH, MSG_RESUME or
	                           MSG_MAILBOX_ADMIN */
	uint64_t id;            /* of the question */
	uint32_t front;         /* MSG_ATTACH, MSG_RESUME: which */
	uint64_t number;        /* MSG_ATTACH: of the SESSION, once it was sent */
	int fd;                 /* the socket of a session, or of an
	                           administrator, owned; -1: none */
	uint64_t sid;
	uint8_t service;
	int64_t left_ms;        /* MSG_RESUME */
	struct buf user, tag, ip;
	struct buf pending;     /* MSG_RESUME: the session's state */
	struct buf words;       /* MSG_MAILBOX_ADMIN */
};

struct account_slot {
	struct accounts *owner;
	uint64_t account;
	enum facts_state facts;
	uint64_t quota;
	struct buf address;
	enum process_state state;
	int pid;                 /* 0: it was reaped */
	int exit_status;         /* then: as waitpid told it */
	struct channel *channel; /* NULL: none */
	uint64_t sync;           /* its SETUP waits for the sync of this number */
	int64_t started_ms;
	int64_t retry_ms;        /* not forked before; monotonic */
	unsigned failures;       /* in a row */
	int64_t busy_until_ms;   /* it answers an administrator; monotonic */
	bool is_full;            /* as it reported last */
	bool is_gone;            /* removed: the folder goes after the process */
	bool is_logged_out;      /* while it ends: its sessions may not sleep */
	struct list sleepers;    /* of accounts_sleep.c */
	struct list waits;       /* of struct wait: for facts or the process */
	struct list attached;    /* of struct wait: SESSION sent, no answer yet */
};

struct grant {
	struct list link;
	uint8_t token[TOKEN_BYTES];
	uint8_t service;
	uint64_t account;
	int64_t until_ms; /* monotonic */
};

struct accounts {
	struct role_run *run;
	int folder_fd; /* data_dir/accounts */
	/* The folder has names of accounts that may not be durable; those of an
	 * earlier run at first. */
	bool has_new_names;
	uint64_t next_sync; /* number, from 1 */
	struct deferred sync;
	struct map slots; /* of struct account_slot, by account */
	struct list grants;
	uint64_t next_number; /* of a SESSION, of a SLEEPER */
	struct map sleepers;  /* of accounts_sleep.c, by number */
	uint8_t seal_key[32];
};

struct account_slot *accounts_slot(struct accounts *s, uint64_t account);
/* Answers all that wait for the account with this code. */
void accounts_fail_waits(struct account_slot *slot, enum code code);
/* Sends what waits to the process; starts it if there is none. */
void accounts_serve_waits(struct account_slot *slot);
struct wait *wait_new(enum message_type type, uint64_t id);
void wait_free(struct wait *w);
/* ATTACHED to a front, if it is still there. */
void accounts_answer_attach(struct accounts *s, uint32_t front, uint64_t id,
	enum code code);
/* Answers a wait, and frees it. */
void wait_answer(struct account_slot *slot, struct wait *w, enum code code);

/* Forks the process; OK: its channel is there, ACCOUNT_SETUP is on its way. */
enum code account_process_start(struct account_slot *slot, struct err *e)
	MUST_USE;
/* Sets up the processes that were started in this turn: their folders' names
 * must be durable before mail in them is.  One sync serves them all. */
void account_processes_set_up(void *accounts);
/* Lets it end: it sees that its channel is gone. */
void account_process_end(struct account_slot *slot);
/* Takes up the children that ended. */
void account_processes_reap(struct accounts *s);
/* Deletes the account's files; the process is not running. */
void account_folder_delete(struct account_slot *slot);

/* accounts_sleep.c */
void accounts_sleep_init(struct accounts *s);
/* BYE on the socket of a session that cannot go on; takes fd. */
void accounts_refuse_sleeper(uint64_t sid, int fd, enum code code);
/* Tells all fronts that have sessions of this account to send them. */
void accounts_wake_sleepers(struct account_slot *slot);
/* Tells them to say BYE. */
void accounts_end_sleepers(struct account_slot *slot, const char *why);
void accounts_front_lost(struct accounts *s, uint32_t front);
bool accounts_on_give_back(void *arg, struct frame *f);
bool accounts_on_sleep(void *arg, struct frame *f);
bool accounts_on_stay(void *arg, struct frame *f);
bool accounts_on_resume(void *arg, struct frame *f);
bool accounts_on_sleeper_gone(void *arg, struct frame *f);

/* Messages of the account's process: accounts.c. */
extern const struct frame_handler accounts_process_handlers[];

#endif
