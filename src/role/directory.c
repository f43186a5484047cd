/*
 * directory.c - the role that knows who is who, and who may log in.
 *
 * May touch: data_dir/directory.  Talks to front (recipients, logins), queue
 * (routes), accounts (sessions it allows, facts about accounts), and answers
 * the commands domain, account and alias.
 *
 * Logins are in directory_login.c.  What is slow about them hashers do, so that
 * recipients do not wait.
 *
 * Trouble with the file is never the sender's fault: the answer is a temporary
 * one, the log says why, and a file whose state is unknown ends this process,
 * so that it is opened anew.
 */
#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "db/db.h"
#include "role/directory_int.h"
#include "role/roles.h"

#include "base/banned.h"

#define PATH_BYTES 4096
/* A whole expansion: DIRECTORY_TARGETS_MAX addresses and the way there. */
#define EXPANSION_BYTES (64u << 20)
#define TARGETS_BYTES   98304 /* RECORDS_BYTES of messages.def */

/* ---- trouble ------------------------------------------------------------------ */
void directory_note_trouble(struct directory_role *role, const struct err *e)
{
	LOG(EV_DIRECTORY_TROUBLE, LOG_STR("why", e->text));
	if (directory_is_broken(role->directory))
		loop_stop(role->run->loop);
}

/* ---- recipients ------------------------------------------------------------------- */
static const struct {
	enum rcpt_verdict verdict;
	enum route route;
} answers[] = {
	[DIRECTORY_ACCOUNT] = {RCPT_OK, ROUTE_LOCAL},
	[DIRECTORY_ALIAS] = {RCPT_OK, ROUTE_ALIAS},
	[DIRECTORY_FOREIGN] = {RCPT_OK, ROUTE_REMOTE},
	[DIRECTORY_NO_USER] = {RCPT_NO_USER, ROUTE_UNKNOWN},
	[DIRECTORY_BAD_DOMAIN] = {RCPT_BAD_DOMAIN, ROUTE_UNKNOWN},
};

/* Full is a matter of the door: what was accepted goes on to the account. */
static enum rcpt_verdict verdict_at_door(const struct directory_hit *hit,
	bool may_relay)
{
	if (hit->kind == DIRECTORY_FOREIGN && !may_relay)
		return RCPT_NO_RELAY;
	if (hit->kind == DIRECTORY_ACCOUNT && hit->is_full)
		return RCPT_FULL;
	return answers[hit->kind].verdict;
}

/* Only a recipient that is accepted counts, and only one of an account. */
static enum rcpt_verdict count_rcpt(struct directory_role *role,
	uint64_t account, enum rcpt_verdict verdict)
{
	if (verdict != RCPT_OK || account == 0 ||
		rate_count(role->rates, account, RATE_RECIPIENTS,
			loop_wall_ms(role->run->loop)))
		return verdict;
	return RCPT_LIMIT;
}

static bool on_rcpt_check(void *arg, struct frame *f)
{
	struct directory_role *role = arg;
	struct msg_rcpt_check m;
	struct msg_rcpt_verdict answer = {.verdict = RCPT_TEMP};
	struct directory_hit hit;
	struct err e;

	if (!msg_get_rcpt_check(f->body, &m))
		return false;
	if (directory_resolve(role->directory, m.address, &hit, &e) != OK) {
		directory_note_trouble(role, &e);
	} else {
		answer.verdict = (uint8_t)count_rcpt(role, m.account,
			verdict_at_door(&hit, m.may_relay));
		answer.route = (uint8_t)answers[hit.kind].route;
		answer.account = hit.account;
	}
	channel_send(f->from, rcpt_verdict, RCPT_VERDICT, f->id, &answer, -1);
	return true;
}

/* ---- users of this machine ------------------------------------------------ */
static bool on_local_user(void *arg, struct frame *f)
{
	struct directory_role *role = arg;
	struct directory_address address;
	struct msg_local_user m;
	struct msg_local_user_is answer = {.result = TEMP};
	struct err e;
	enum code code;

	if (!msg_get_local_user(f->body, &m))
		return false;
	code = directory_local_user(role->directory, m.name, &address,
		&answer.account, &e);
	if (code == OK && address.local_n < address.n)
		answer.domain = directory_address_domain(&address);
	/* a name that no address can have: nobody here */
	if (code == OK || code == SYNTAX)
		answer.result = OK;
	else
		directory_note_trouble(role, &e);
	channel_send(f->from, local_user_is, LOCAL_USER_IS, f->id, &answer,
		-1);
	return true;
}

/* ---- routes --------------------------------------------------------------------------- */
/* A target that is not there gets ROUTE_UNKNOWN: queue asks for it alone, and
 * so its sender hears of it. */
static void put_targets(struct buf *out, const struct directory_targets *t)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct directory_target *row = &t->rows[i];
		struct rec_rcpt rcpt = {
			.idx = (uint32_t)i,
			.route = (uint8_t)answers[row->hit.kind].route,
			.account = row->hit.account,
			.address = row->address,
		};

		rec_put_rcpt(out, &rcpt);
	}
}

/* Fills the answer; targets is for its bytes. */
static enum code route(struct directory_role *role, struct span address,
	struct msg_routed *answer, struct buf *targets, struct err *e)
{
	struct directory_targets found = {0};
	struct directory_hit hit;
	enum code code = directory_resolve(role->directory, address, &hit, e);

	if (code == OK)
		code = directory_expand(role->directory, address,
			&role->command, &found, e);
	if (code != OK)
		return code;
	put_targets(targets, &found);
	if (targets->overflow)
		return err_set(e, LIMIT, "an alias has too many targets");
	answer->was_alias = hit.kind == DIRECTORY_ALIAS;
	answer->verdict = (uint8_t)answers[hit.kind].verdict;
	if (found.count == 0 && answer->verdict == RCPT_OK)
		answer->verdict = RCPT_NO_USER; /* aliases in a circle */
	answer->targets = buf_span(targets);
	return OK;
}

static bool on_route(void *arg, struct frame *f)
{
	struct directory_role *role = arg;
	struct msg_route m;
	struct msg_routed answer = {0};
	struct buf targets, sender;
	struct err e;

	if (!msg_get_route(f->body, &m))
		return false;
	buf_init(&targets, TARGETS_BYTES);
	buf_init(&sender, DIRECTORY_ADDRESS_BYTES_MAX);
	if (route(role, m.address, &answer, &targets, &e) != OK) {
		answer = (struct msg_routed){.verdict = RCPT_TEMP};
		err_wrap(&e, "%.*s", SPAN_ARG(m.address));
		directory_note_trouble(role, &e);
	} else if (answer.was_alias != 0) {
		answer.sender = directory_rewrite_sender(role->directory,
			m.sender, m.address, loop_wall_ms(role->run->loop),
			&sender);
	}
	channel_send(f->from, routed, ROUTED, f->id, &answer, -1);
	buf_clear(&targets);
	buf_clear(&sender);
	arena_reset(&role->command);
	return true;
}

/* ---- accounts ------------------------------------------------------------------------------- */
static bool on_account_info(void *arg, struct frame *f)
{
	struct directory_role *role = arg;
	struct directory_account account;
	struct msg_account_info m;
	struct msg_account_facts answer = {0};
	struct err e;
	enum code code;

	if (!msg_get_account_info(f->body, &m))
		return false;
	code = directory_account_of(role->directory, m.account, &account, &e);
	if (code != OK && code != NOT_FOUND) {
		directory_note_trouble(role, &e);
		code = TEMP;
	}
	answer.result = (uint8_t)code;
	answer.quota = account.quota_bytes;
	answer.address = span_of(account.address, account.address_n);
	channel_send(f->from, account_facts, ACCOUNT_FACTS, f->id, &answer, -1);
	return true;
}

static bool on_account_full(void *arg, struct frame *f)
{
	struct directory_role *role = arg;
	struct msg_account_full m;
	struct err e;

	if (!msg_get_account_full(f->body, &m))
		return false;
	if (directory_account_set_full(role->directory, m.account,
		    m.is_full != 0, m.used, &e) != OK)
		directory_note_trouble(role, &e);
	return true;
}

static void tell_quota(void *arg, uint64_t account, uint64_t quota_bytes)
{
	struct directory_role *role = arg;
	struct channel *accounts = role_peer(role->run, ROLE_ACCOUNTS);
	const struct msg_account_quota m = {account, quota_bytes};

	if (accounts != NULL)
		channel_send(accounts, account_quota, ACCOUNT_QUOTA, 0, &m, -1);
}

static void tell_fronts(const struct directory_role *role, uint64_t account)
{
	const struct msg_sender_logout m = {account};

	for (uint32_t i = 0; i < ROLE_INSTANCES_MAX; i++)
		if (role->run->peers[ROLE_FRONT][i] != NULL)
			channel_send(role->run->peers[ROLE_FRONT][i],
				sender_logout, SENDER_LOGOUT, 0, &m, -1);
}

static void tell_logout(void *arg, uint64_t account)
{
	struct directory_role *role = arg;
	struct channel *accounts = role_peer(role->run, ROLE_ACCOUNTS);
	const struct msg_account_logout m = {account};

	directory_login_changed(role, account);
	tell_fronts(role, account);
	if (accounts != NULL)
		channel_send(accounts, account_logout, ACCOUNT_LOGOUT, 0, &m,
			-1);
}

static void tell_gone(void *arg, uint64_t account)
{
	struct directory_role *role = arg;
	struct channel *accounts = role_peer(role->run, ROLE_ACCOUNTS);
	const struct msg_account_gone m = {account};

	directory_login_changed(role, account);
	tell_fronts(role, account);
	if (accounts != NULL)
		channel_send(accounts, account_gone, ACCOUNT_GONE, 0, &m, -1);
}

/* ---- hashers ------------------------------------------------------------------------------------- */
static bool on_hash_checked(void *arg, struct frame *f)
{
	struct directory_role *role = arg;
	struct msg_hash_checked m;

	if (!msg_get_hash_checked(f->body, &m))
		return false;
	hash_answered(&role->hashes, f, (enum code)m.result, m.keys);
	return true;
}

static bool on_hash_made(void *arg, struct frame *f)
{
	struct directory_role *role = arg;
	struct msg_hash_made m;

	if (!msg_get_hash_made(f->body, &m))
		return false;
	hash_answered(&role->hashes, f, (enum code)m.result, m.keys);
	return true;
}

/* ---- the life of the role -------------------------------------------------------------------- */
static enum code open_role(struct role_run *run, void **out_state,
	struct err *e)
{
	struct directory_role *role = MEM_NEW(struct directory_role);
	struct directory_listener listener = {tell_quota, tell_gone,
		tell_logout, role};
	char path[PATH_BYTES];
	enum code code;

	(void)snprintf(path, sizeof(path), "%.*s/directory/directory.db",
		SPAN_ARG(run->config->data_dir));
	db_before_confinement();
	code = directory_open(path, &role->directory, e);
	if (code != OK) {
		mem_free(role);
		return code;
	}
	role->run = run;
	role->rates = rate_new((const uint32_t[RATE_KIND_COUNT]){
		[RATE_MESSAGES] = run->config->messages_per_hour,
		[RATE_RECIPIENTS] = run->config->recipients_per_hour});
	arena_init(&role->command, EXPANSION_BYTES);
	map_init(&role->grants);
	list_init(&role->logins);
	hash_pool_init(&role->hashes, run);
	directory_listen(role->directory, &listener);
	directory_listen_bans(role->directory, directory_guess_changed, role);
	*out_state = role;
	return directory_guess_open(role, e);
}

/* What was removed while accounts did not listen, or the server stood. */
static void peer_up(void *state, enum role peer, uint32_t instance)
{
	struct directory_role *role = state;
	struct err e;

	if (peer == ROLE_HASHER)
		hash_hasher_up(&role->hashes, instance);
	if (peer == ROLE_FRONT)
		directory_guess_front_up(role, instance);
	if (peer == ROLE_ACCOUNTS &&
		directory_tell_removed(role->directory, &e) != OK)
		directory_note_trouble(role, &e);
}

static void front_lost(struct directory_role *role, uint32_t front)
{
	directory_login_front_lost(role, front);
	directory_grant_front_lost(role, front);
}

static void peer_lost(void *state, enum role peer, uint32_t instance)
{
	struct directory_role *role = state;

	if (peer == ROLE_FRONT)
		front_lost(role, instance);
	else if (peer == ROLE_ACCOUNTS)
		directory_grant_accounts_lost(role);
	else if (peer == ROLE_HASHER)
		hash_hasher_lost(&role->hashes, instance);
}

enum admin_exit directory_run_command(void *state, const struct span *words,
	size_t count, const struct admin_out *out, struct err *e)
{
	struct directory_role *role = state;
	enum admin_exit exit;

	if (span_eq(words[0], SPAN("mailbox")))
		return directory_refuse_mailbox(role, words, count, e);
	directory_guess_save_now(role);
	exit = directory_admin(role->directory, words, count, out, e);
	if (directory_is_broken(role->directory))
		directory_note_trouble(role, e);
	return exit;
}

static void stop(void *state)
{
	struct directory_role *role = state;

	directory_guess_save_now(role);
	loop_stop(role->run->loop);
}

static const struct frame_handler handlers[] = {
	{MSG_RCPT_CHECK, on_rcpt_check},
	{MSG_LOCAL_USER, on_local_user},
	{MSG_ROUTE, on_route},
	{MSG_LOGIN, directory_on_login},
	{MSG_SCRAM_SALT, directory_on_scram_salt},
	{MSG_SCRAM_PROOF, directory_on_scram_proof},
	{MSG_CERTIFICATE_LOGIN, directory_on_certificate_login},
	{MSG_HASH_CHECKED, on_hash_checked},
	{MSG_HASH_MADE, on_hash_made},
	{MSG_GRANTED, directory_on_granted},
	{MSG_SENDER_CHECK, directory_on_sender_check},
	{MSG_ACCOUNT_INFO, on_account_info},
	{MSG_ACCOUNT_FULL, on_account_full},
	{MSG_NONE, NULL},
};

const struct role_def role_directory = {
	.role = ROLE_DIRECTORY,
	.open = open_role,
	.handlers = handlers,
	.peer_up = peer_up,
	.peer_lost = peer_lost,
	.admin = directory_run_command,
	.admin_later = directory_take_command,
	.stop = stop,
};
