/*
 * queue_rig.h - the role queue in a process of its own, which a test may kill,
 * and the test in the place of all its peers.
 */
#ifndef TEST_QUEUE_RIG_H
#define TEST_QUEUE_RIG_H

#include "config/config.h"
#include "ipc/messages.h"

struct rig {
	char dir[64]; /* data_dir */
	struct config config;
	int pid;
	int front, directory, outbound, accounts, control;
	int account; /* the one account's channel, -1: none */
	uint8_t notify; /* of each recipient that rig_submit names */
	uint8_t ret;    /* the same of the message */
	const char *sender; /* of ROUTED; NULL: none */
	bool has_dsn;   /* rig_sent: the server knows DSN */
};

/* One frame that came; body is valid until the next. */
struct got {
	unsigned type;
	uint64_t id;
	struct span body;
	int fd;
};

void rig_open(struct rig *r);  /* a new data folder, no process yet */
void rig_close(struct rig *r); /* removes it; kills the process */
void rig_start(struct rig *r);
void rig_kill(struct rig *r); /* SIGKILL, as a power cut of the process */
void rig_stop(struct rig *r); /* in order */

/* Starts a frame, to be filled and then sent. */
struct buf *rig_begin(enum message_type type, uint64_t id);
void rig_send(int to, int fd);
/* Waits for the next frame; false: none came in time. */
bool rig_get(int from, struct got *out, int timeout_ms);
/* Does a frame come in this time?  It stays to be read. */
bool rig_is_heard(int from, int timeout_ms);
/* Waits for a frame of this type and fails the test when another comes. */
void rig_want(int from, enum message_type type, struct got *out);
void rig_want_silence(int from, int for_ms);

/* Runs a command of `postrider queue` in the role; its exit status. */
int rig_admin(struct rig *r, const char *verb, const char *word);

/* ---- whole steps ---- */
uint64_t rig_ids(struct rig *r, uint32_t count); /* the first number */
struct rig_rcpt {
	enum route route;
	uint64_t account;
	const char *address;
};
/* Sends a message from alice@crepes.fr (from NULL) with this text. */
void rig_submit(struct rig *r, uint64_t qid, const char *from,
	const struct rig_rcpt *rcpts, size_t count, const char *body);
/* Waits for SUBMITTED; its result must be OK; the number in it. */
uint64_t rig_submitted(struct rig *r);
void rig_account_dies(struct rig *r);
/* Answers ACCOUNT_OPEN for the account with a channel, r->account. */
void rig_account(struct rig *r, uint64_t account);
/* Waits for DELIVER, skipping FORGET. */
void rig_deliver(struct rig *r, struct msg_deliver *out);
void rig_delivered(struct rig *r, uint64_t qid, uint32_t idx, enum code result);
/* Waits for SEND; *out_idx: its first recipient. */
uint64_t rig_sending(struct rig *r, struct msg_send *out, uint32_t *out_idx);
void rig_sent(struct rig *r, uint64_t job, uint64_t qid, uint32_t idx,
	enum code result, uint32_t code, const char *text);
void rig_routed(struct rig *r, enum rcpt_verdict verdict, bool was_alias,
	const struct rig_rcpt *targets, size_t count);

#endif
