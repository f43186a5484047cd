/*
 * directory_login.c - who logs in, and who may send as whom.
 *
 * A login has two steps: the credentials are checked, then, if it is one to a
 * mailbox, accounts is told the token of the session (GRANT); front hears of
 * the success only when accounts has noted it, so the token always comes to
 * somebody who knows it.  A login to hand in mail has no second step: front
 * keeps its account in mind, and asks whom it may send as.
 */
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "crypto/secret.h"
#include "role/directory_int.h"

#include "base/banned.h"

#define TOKEN_BYTES 16

/* A login that waits for accounts to note it. */
struct grant {
	uint32_t front;    /* which front asked */
	uint64_t question; /* the id of its LOGIN */
	uint8_t token[TOKEN_BYTES];
	struct directory_account account;
};

/* Which services hand a connection over to the account's process. */
static const bool is_mailbox[SERVICE_COUNT] = {
	[SERVICE_POP3] = true,
	[SERVICE_POP3S] = true,
	[SERVICE_IMAP] = true,
	[SERVICE_IMAPS] = true,
};

/* ---- answers ------------------------------------------------------------- */
static void answer_no(struct channel *front, uint64_t question,
	enum code result)
{
	const struct msg_login_result answer = {.result = (uint8_t)result};

	if (front != NULL)
		channel_send(front, login_result, LOGIN_RESULT, question,
			&answer, -1);
}

static void answer_yes(struct channel *front, uint64_t question,
	const struct directory_account *account, struct span token)
{
	const struct msg_login_result answer = {
		.result = OK,
		.token = token,
		.account = account->account,
		.address = span_of(account->address, account->address_n),
	};

	if (front != NULL)
		channel_send(front, login_result, LOGIN_RESULT, question,
			&answer, -1);
}

/* ---- grants -------------------------------------------------------------- */
static void ask_grant(struct directory_role *role, const struct frame *f,
	enum service service, const struct directory_account *account)
{
	struct channel *accounts = role_peer(role->run, ROLE_ACCOUNTS);
	struct grant *grant;
	struct msg_grant m;

	if (accounts == NULL) {
		answer_no(f->from, f->id, TEMP);
		return;
	}
	grant = MEM_NEW(struct grant);
	grant->front = channel_peer_instance(f->from);
	grant->question = f->id;
	grant->account = *account;
	secret_random(grant->token, sizeof(grant->token));
	map_put(&role->grants, ++role->last_grant, grant);
	m = (struct msg_grant){
		.token = span_of(grant->token, sizeof(grant->token)),
		.service = (uint8_t)service,
		.account = account->account,
		.quota = account->quota_bytes,
	};
	channel_send(accounts, grant, GRANT, role->last_grant, &m, -1);
}

bool directory_on_granted(void *arg, struct frame *f)
{
	struct directory_role *role = arg;
	struct msg_granted m;
	struct grant *grant;

	if (!msg_get_granted(f->body, &m))
		return false;
	grant = map_take(&role->grants, f->id);
	if (grant == NULL) /* its front died meanwhile */
		return true;
	answer_yes(role->run->peers[ROLE_FRONT][grant->front],
		grant->question, &grant->account,
		span_of(grant->token, sizeof(grant->token)));
	mem_free(grant);
	return true;
}

/* Takes one grant that is for this front, or of any with ROLE_INSTANCES_MAX. */
static struct grant *take_grant(struct directory_role *role, uint32_t front)
{
	struct grant *grant;

	for (size_t i = 0; (grant = map_next(&role->grants, &i)) != NULL;) {
		if (front == ROLE_INSTANCES_MAX || grant->front == front) {
			/* map_next left i behind the slot */
			uint64_t id = role->grants.slots[i - 1].key;

			return map_take(&role->grants, id);
		}
	}
	return NULL;
}

void directory_login_front_lost(struct directory_role *role, uint32_t front)
{
	struct grant *grant;

	while ((grant = take_grant(role, front)) != NULL)
		mem_free(grant);
}

void directory_login_accounts_lost(struct directory_role *role)
{
	struct grant *grant;

	while ((grant = take_grant(role, ROLE_INSTANCES_MAX)) != NULL) {
		answer_no(role->run->peers[ROLE_FRONT][grant->front],
			grant->question, TEMP);
		mem_free(grant);
	}
}

/* ---- logins -------------------------------------------------------------- */
/* Deliberate: the hash is worked out here, 30 ms during which recipients wait.
 * A helper process would keep them apart. */
bool directory_on_login(void *arg, struct frame *f)
{
	struct directory_role *role = arg;
	struct directory_account account;
	struct msg_login m;
	struct err e;
	enum code code;

	if (!msg_get_login(f->body, &m) || m.service >= SERVICE_COUNT)
		return false;
	code = directory_login(role->directory, m.user, m.password, &account,
		&e);
	if (code == OK && is_mailbox[m.service]) {
		ask_grant(role, f, (enum service)m.service, &account);
		return true;
	}
	if (code == OK) {
		answer_yes(f->from, f->id, &account, SPAN_EMPTY);
		return true;
	}
	if (code != DENIED) {
		directory_note_trouble(role, &e);
		code = TEMP;
	}
	answer_no(f->from, f->id, code);
	return true;
}

/* ---- senders ------------------------------------------------------------- */
static enum code count_message(struct directory_role *role,
	const struct msg_sender_check *m)
{
	if (!m->is_new || rate_count(role->rates, m->account, RATE_MESSAGES,
		    loop_wall_ms(role->run->loop)))
		return OK;
	return LIMIT;
}

bool directory_on_sender_check(void *arg, struct frame *f)
{
	struct directory_role *role = arg;
	struct msg_sender_verdict answer = {.result = DENIED};
	struct msg_sender_check m;
	struct err e;
	bool may = false;

	if (!msg_get_sender_check(f->body, &m))
		return false;
	if (directory_may_send_as(role->directory, m.account, m.address,
		    &role->command, &may, &e) != OK) {
		err_wrap(&e, "%.*s", SPAN_ARG(m.address));
		directory_note_trouble(role, &e);
		answer.result = TEMP;
	} else if (may) {
		answer.result = (uint8_t)count_message(role, &m);
	}
	arena_reset(&role->command);
	channel_send(f->from, sender_verdict, SENDER_VERDICT, f->id, &answer,
		-1);
	return true;
}
