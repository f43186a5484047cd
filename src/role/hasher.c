/*
 * hasher.c - the role that works out hashes which are slow to guess.
 *
 * It may touch: nothing but its channel and memory; no file, no network.  It
 * talks to the directory only, which sends one question at a time to each of
 * the login.workers processes, keeps the queue, and forgets who does not
 * answer: here everything else may stand still.
 */
#include "base/log.h"
#include "base/mem.h"
#include "crypto/credential.h"
#include "crypto/secret.h"
#include "role/role.h"
#include "role/roles.h"

#include "base/banned.h"

#define KEYS_BYTES 1024 /* of messages.def */

static bool is_salt(struct span salt)
{
	return salt.n == SCRAM_SALT_BYTES;
}

/* What a new hash is kept as, into keys, which its caller wipes. */
static enum code make(struct span password, struct span salt, struct buf *keys)
{
	struct credential made;
	struct err e = {.code = OK};
	enum code code = credential_make(password, salt, &made, &e);

	if (code == OK)
		credential_pack(&made, keys);
	else
		LOG(EV_HASH_FAILED, LOG_STR("why", e.text));
	credential_wipe(&made);
	return code == OK && !keys->overflow ? OK : TEMP;
}

static void forget(struct buf *keys)
{
	if (keys->p != NULL)
		secret_wipe(keys->p, keys->room);
	buf_clear(keys);
}

static bool on_hash_check(void *arg, struct frame *f)
{
	struct msg_hash_checked answer = {.result = DENIED};
	struct msg_hash_check m;
	struct buf keys;

	(void)arg;
	if (!msg_get_hash_check(f->body, &m) || !is_salt(m.salt))
		return false;
	buf_init(&keys, KEYS_BYTES);
	if (m.hash.n == 0)
		password_verify_nothing(m.password);
	else if (password_verify(m.hash, m.password))
		answer.result = OK;
	/* without keys the login is good, and the next one tries again */
	if (answer.result == OK && m.wants_keys != 0 &&
		make(m.password, m.salt, &keys) == OK)
		answer.keys = buf_span(&keys);
	channel_send(f->from, hash_checked, HASH_CHECKED, f->id, &answer, -1);
	forget(&keys);
	return true;
}

static bool on_hash_make(void *arg, struct frame *f)
{
	struct msg_hash_made answer = {.result = TEMP};
	struct msg_hash_make m;
	struct buf keys;

	(void)arg;
	if (!msg_get_hash_make(f->body, &m) || !is_salt(m.salt))
		return false;
	buf_init(&keys, KEYS_BYTES);
	answer.result = (uint8_t)make(m.password, m.salt, &keys);
	answer.keys = buf_span(&keys);
	channel_send(f->from, hash_made, HASH_MADE, f->id, &answer, -1);
	forget(&keys);
	return true;
}

static enum code open_role(struct role_run *run, void **out_state,
	struct err *e)
{
	(void)e;
	secret_init();
	*out_state = run;
	return OK;
}

static const struct frame_handler handlers[] = {
	{MSG_HASH_CHECK, on_hash_check},
	{MSG_HASH_MAKE, on_hash_make},
	{MSG_NONE, NULL},
};

const struct role_def role_hasher = {
	.role = ROLE_HASHER,
	.open = open_role,
	.handlers = handlers,
};
