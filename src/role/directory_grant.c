/*
 * directory_grant.c - what front is answered about a login.
 *
 * A login to a mailbox has a second step: accounts is told the token of the
 * session (GRANT), and front hears of the success only when accounts has noted
 * it, so the token always comes to somebody who knows it.  A login to hand in
 * mail attaches nothing, and is over.
 */
#include <string.h>

#include "base/mem.h"
#include "crypto/secret.h"
#include "role/directory_int.h"

#include "base/banned.h"

#define TOKEN_BYTES 16

/* A login that waits for accounts to note it. */
struct grant {
	struct directory_success success;
	uint8_t token[TOKEN_BYTES];
};

static struct channel *front_of(const struct directory_role *role,
	uint32_t front)
{
	return role->run->peers[ROLE_FRONT][front];
}

void directory_answer_no(const struct directory_role *role, uint32_t front,
	uint64_t question, enum code result)
{
	const struct msg_login_result answer = {.result = (uint8_t)result};

	if (front_of(role, front) != NULL)
		channel_send(front_of(role, front), login_result, LOGIN_RESULT,
			question, &answer, -1);
}

static void answer_yes(const struct directory_role *role,
	const struct directory_success *s, struct span token)
{
	const struct msg_login_result answer = {
		.result = OK,
		.token = token,
		.account = s->account.account,
		.address = span_of(s->account.address, s->account.address_n),
		.signature = span_of(s->signature, s->signature_n),
	};

	if (front_of(role, s->front) != NULL)
		channel_send(front_of(role, s->front), login_result,
			LOGIN_RESULT, s->question, &answer, -1);
}

static void ask_grant(struct directory_role *role,
	const struct directory_success *s)
{
	struct channel *accounts = role_peer(role->run, ROLE_ACCOUNTS);
	struct grant *grant;
	struct msg_grant m;

	if (accounts == NULL) {
		directory_answer_no(role, s->front, s->question, TEMP);
		return;
	}
	grant = MEM_NEW(struct grant);
	grant->success = *s;
	secret_random(grant->token, sizeof(grant->token));
	map_put(&role->grants, ++role->last_grant, grant);
	m = (struct msg_grant){
		.token = span_of(grant->token, sizeof(grant->token)),
		.service = (uint8_t)s->service,
		.account = s->account.account,
		.quota = s->account.quota_bytes,
	};
	channel_send(accounts, grant, GRANT, role->last_grant, &m, -1);
}

void directory_answer_yes(struct directory_role *role,
	const struct directory_success *s)
{
	if (s->is_mailbox)
		ask_grant(role, s);
	else
		answer_yes(role, s, SPAN_EMPTY);
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
	answer_yes(role, &grant->success,
		span_of(grant->token, sizeof(grant->token)));
	mem_free(grant);
	return true;
}

/* Takes one grant that is for this front, or of any with ROLE_INSTANCES_MAX. */
static struct grant *take_grant(struct directory_role *role, uint32_t front)
{
	struct grant *grant;

	for (size_t i = 0; (grant = map_next(&role->grants, &i)) != NULL;) {
		if (front == ROLE_INSTANCES_MAX ||
			grant->success.front == front) {
			/* map_next left i behind the slot */
			uint64_t id = role->grants.slots[i - 1].key;

			return map_take(&role->grants, id);
		}
	}
	return NULL;
}

void directory_grant_front_lost(struct directory_role *role, uint32_t front)
{
	struct grant *grant;

	while ((grant = take_grant(role, front)) != NULL)
		mem_free(grant);
}

void directory_grant_accounts_lost(struct directory_role *role)
{
	struct grant *grant;

	while ((grant = take_grant(role, ROLE_INSTANCES_MAX)) != NULL) {
		directory_answer_no(role, grant->success.front,
			grant->success.question, TEMP);
		mem_free(grant);
	}
}
