/*
 * accounts.c - the role `accounts`: starts, finds and ends the processes of
 * single accounts.
 *
 * May touch: data_dir/accounts, its channels; it forks.  Talks to: directory
 * (who may attach, which accounts there are), queue (which wants channels to
 * accounts), front (which hands sessions over), and each account's process.
 *
 * This file: the messages of its peers and the role itself; accounts_wait.c: what
 * waits for an account; accounts_process.c: the processes.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "codec/charset.h"
#include "db/db.h"
#include "role/accounts_int.h"
#include "role/roles.h"
#include "store/store.h"

#include "base/banned.h"

/* ---- from queue and front ---------------------------------------------------------- */
static bool on_account_open(void *arg, struct frame *f)
{
	struct accounts *s = arg;
	struct msg_account_open m;
	struct account_slot *slot;

	if (!msg_get_account_open(f->body, &m))
		return false;
	slot = accounts_slot(s, m.account);
	list_put(&slot->waits, &wait_new(MSG_ACCOUNT_OPEN, f->id)->link);
	accounts_serve_waits(slot);
	return true;
}

/* The grant of this token, taken out of the list; NULL: there is none. */
static struct grant *take_grant(struct accounts *s, struct span token)
{
	int64_t now_ms = loop_mono_ms(s->run->loop);

	LIST_FOR_EACH(it, &s->grants) {
		struct grant *g = LIST_OF(struct grant, link, it);

		if (g->until_ms < now_ms) {
			list_take(&g->link);
			mem_free(g);
		} else if (span_eq(token, span_of(g->token, TOKEN_BYTES))) {
			list_take(&g->link);
			return g;
		}
	}
	return NULL;
}

static struct wait *wait_of_attach(const struct frame *f,
	const struct msg_attach *m)
{
	struct wait *w = wait_new(MSG_ATTACH, f->id);

	w->front = channel_peer_instance(f->from);
	w->fd = f->fd;
	w->sid = m->sid;
	w->service = m->service;
	buf_put(&w->user, m->user);
	buf_put(&w->tag, m->tag);
	buf_put(&w->ip, m->ip);
	buf_put(&w->pending, m->pending);
	return w;
}

static bool on_attach(void *arg, struct frame *f)
{
	struct accounts *s = arg;
	struct msg_attach m;
	struct account_slot *slot;
	struct grant *g;

	if (!msg_get_attach(f->body, &m) || (f->fd < 0 && !f->is_fd_lost))
		return false;
	if (f->is_fd_lost) {
		accounts_answer_attach(s, channel_peer_instance(f->from), f->id,
			TEMP);
		return true;
	}
	g = take_grant(s, m.token);
	if (g == NULL || g->service != m.service) {
		mem_free(g);
		close(f->fd);
		accounts_answer_attach(s, channel_peer_instance(f->from), f->id,
			DENIED);
		return true;
	}
	slot = accounts_slot(s, g->account);
	mem_free(g);
	list_put(&slot->waits, &wait_of_attach(f, &m)->link);
	accounts_serve_waits(slot);
	return true;
}

/* ---- from directory ------------------------------------------------------------------ */
static bool on_grant(void *arg, struct frame *f)
{
	struct accounts *s = arg;
	const struct msg_granted granted = {0};
	struct msg_grant m;
	struct grant *g;

	if (!msg_get_grant(f->body, &m) || m.token.n != TOKEN_BYTES)
		return false;
	mem_free(take_grant(s, SPAN_EMPTY)); /* drops those that are over */
	g = MEM_NEW(struct grant);
	memcpy(g->token, m.token.p, TOKEN_BYTES);
	g->service = m.service;
	g->account = m.account;
	g->until_ms = loop_mono_ms(s->run->loop) + TOKEN_LIFE_MS;
	list_init(&g->link);
	list_put(&s->grants, &g->link);
	channel_send(f->from, granted, GRANTED, f->id, &granted, -1);
	return true;
}

static bool on_account_facts(void *arg, struct frame *f)
{
	struct accounts *s = arg;
	struct msg_account_facts m;
	struct account_slot *slot;

	if (!msg_get_account_facts(f->body, &m))
		return false;
	slot = map_get(&s->slots, f->id);
	if (slot == NULL || slot->facts != FACTS_ASKED)
		return true;
	slot->facts = m.result == OK ? FACTS_KNOWN : FACTS_UNKNOWN;
	slot->quota = m.quota;
	buf_reset(&slot->address);
	buf_put(&slot->address, m.address);
	if (m.result == OK)
		accounts_serve_waits(slot);
	else
		accounts_fail_waits(slot,
			m.result == NOT_FOUND ? NOT_FOUND : TEMP);
	return true;
}

static bool on_account_quota(void *arg, struct frame *f)
{
	struct accounts *s = arg;
	struct msg_account_quota m;
	struct msg_quota quota;
	struct account_slot *slot;
	struct err e;

	if (!msg_get_account_quota(f->body, &m))
		return false;
	slot = map_get(&s->slots, m.account);
	if (slot == NULL || slot->facts != FACTS_KNOWN)
		return true; /* it will be asked for */
	slot->quota = m.quota;
	/* directory believes that it is full: it has to hear if it is not */
	if (slot->state == PROCESS_NONE && slot->is_full &&
		account_process_start(slot, &e) != OK)
		return true;
	quota.quota = m.quota;
	if (slot->state == PROCESS_RUNS)
		channel_send(slot->channel, quota, QUOTA, 0, &quota, -1);
	return true;
}

static bool on_mailbox_admin(void *arg, struct frame *f)
{
	struct accounts *s = arg;
	struct msg_mailbox_admin m;
	struct account_slot *slot;
	struct wait *w;

	if (!msg_get_mailbox_admin(f->body, &m) || f->fd < 0)
		return false;
	slot = accounts_slot(s, m.account);
	w = wait_new(MSG_MAILBOX_ADMIN, f->id);
	w->fd = f->fd;
	buf_put(&w->words, m.words);
	list_put(&slot->waits, &w->link);
	accounts_serve_waits(slot);
	return true;
}

static bool on_account_gone(void *arg, struct frame *f)
{
	struct accounts *s = arg;
	struct msg_account_gone m;
	struct account_slot *slot;

	if (!msg_get_account_gone(f->body, &m))
		return false;
	slot = accounts_slot(s, m.account);
	slot->facts = FACTS_UNKNOWN;
	slot->is_full = false;
	accounts_fail_waits(slot, NOT_FOUND);
	accounts_end_sleepers(slot, "the account is gone");
	if (slot->state == PROCESS_NONE) {
		account_folder_delete(slot);
	} else {
		slot->is_gone = true;
		account_process_end(slot);
	}
	return true;
}

/* Who was let in with the old credentials, and has not come in yet. */
static void forget_admitted(struct accounts *s, uint64_t account)
{
	struct account_slot *slot = map_get(&s->slots, account);

	LIST_FOR_EACH(it, &s->grants) {
		struct grant *g = LIST_OF(struct grant, link, it);

		if (g->account != account)
			continue;
		list_take(&g->link);
		mem_free(g);
	}
	if (slot == NULL)
		return;
	LIST_FOR_EACH(it, &slot->waits) {
		struct wait *w = LIST_OF(struct wait, link, it);

		if (w->type == MSG_ATTACH || w->type == MSG_RESUME)
			wait_answer(slot, w, DENIED);
	}
}

static bool on_account_logout(void *arg, struct frame *f)
{
	struct accounts *s = arg;
	const struct msg_logout logout = {0};
	struct msg_account_logout m;
	struct account_slot *slot;

	if (!msg_get_account_logout(f->body, &m))
		return false;
	forget_admitted(s, m.account);
	slot = map_get(&s->slots, m.account);
	if (slot == NULL)
		return true;
	accounts_end_sleepers(slot, "the account's credentials changed");
	if (slot->state == PROCESS_RUNS)
		channel_send(slot->channel, logout, LOGOUT, 0, &logout, -1);
	else if (slot->state == PROCESS_ENDS)
		slot->is_logged_out = true;
	return true;
}

/* ---- from the account's process ---------------------------------------------------- */
static bool on_account_ready(void *arg, struct frame *f)
{
	struct msg_account_ready m;

	(void)arg;
	/* if not OK it has said why in the log, and ends */
	return msg_get_account_ready(f->body, &m);
}

static bool on_session_taken(void *arg, struct frame *f)
{
	struct account_slot *slot = arg;
	struct msg_session_taken m;

	if (!msg_get_session_taken(f->body, &m))
		return false;
	LIST_FOR_EACH(it, &slot->attached) {
		struct wait *w = LIST_OF(struct wait, link, it);

		if (w->number == f->id) {
			wait_answer(slot, w, (enum code)m.result);
			break;
		}
	}
	return true;
}

static bool on_usage(void *arg, struct frame *f)
{
	struct account_slot *slot = arg;
	struct channel *directory = role_peer(slot->owner->run, ROLE_DIRECTORY);
	struct msg_usage m;
	struct msg_account_full full;

	if (!msg_get_usage(f->body, &m))
		return false;
	slot->is_full = m.is_full != 0;
	full.account = slot->account;
	full.is_full = m.is_full;
	full.used = m.used;
	if (directory != NULL)
		channel_send(directory, account_full, ACCOUNT_FULL, 0, &full,
			-1);
	return true;
}

static bool on_idle(void *arg, struct frame *f)
{
	struct account_slot *slot = arg;
	const struct msg_idle_end end = {0};
	struct msg_idle m;

	if (!msg_get_idle(f->body, &m))
		return false;
	/* a session is on its way there, or an answer from there */
	if (!list_is_empty(&slot->attached) ||
		loop_mono_ms(slot->owner->run->loop) < slot->busy_until_ms)
		return true;
	/* whoever comes now waits until it is gone, and gets a new one */
	channel_send(slot->channel, idle_end, IDLE_END, 0, &end, -1);
	channel_flush(slot->channel);
	slot->state = PROCESS_ENDS;
	return true;
}

const struct frame_handler accounts_process_handlers[] = {
	{MSG_ACCOUNT_READY, on_account_ready},
	{MSG_SESSION_TAKEN, on_session_taken},
	{MSG_USAGE, on_usage},
	{MSG_IDLE, on_idle},
	{MSG_STAY, accounts_on_stay},
	{MSG_SLEEP, accounts_on_sleep},
	{MSG_GIVE_BACK, accounts_on_give_back},
	{MSG_NONE, NULL},
};

/* ---- the role -------------------------------------------------------------------------- */
static void on_child(void *arg)
{
	account_processes_reap(arg);
}

static enum code open_role(struct role_run *r, void **out_state, struct err *e)
{
	struct accounts *s = MEM_NEW(struct accounts);
	char path[4096];

	(void)snprintf(path, sizeof(path), "%.*s/accounts",
		SPAN_ARG(r->config->data_dir));
	s->run = r;
	s->folder_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->folder_fd < 0)
		return err_errno(e, TEMP, "opening %s", path);
	map_init(&s->slots);
	list_init(&s->grants);
	accounts_sleep_init(s);
	s->has_new_names = true;
	s->next_sync = 1;
	deferred_init(&s->sync, account_processes_set_up, s);
	/* for the children: they cannot do it any more, or do it again */
	db_before_confinement();
	if (!charset_open())
		LOG(EV_CHARSET_MISSING,
			LOG_STR("why", "the library of ICU cannot be opened"));
	if (store_before_fork(e) != OK)
		return e->code;
	loop_on_signal(r->loop, SIGCHLD, on_child, s);
	*out_state = s;
	return OK;
}

static void directory_lost(struct accounts *s)
{
	struct account_slot *slot;

	for (size_t i = 0; (slot = map_next(&s->slots, &i)) != NULL;)
		if (slot->facts == FACTS_ASKED) {
			slot->facts = FACTS_UNKNOWN;
			accounts_fail_waits(slot, TEMP);
		}
}

static void peer_lost(void *state, enum role role, uint32_t instance)
{
	if (role == ROLE_DIRECTORY)
		directory_lost(state);
	else if (role == ROLE_FRONT)
		accounts_front_lost(state, instance);
}

static const struct frame_handler handlers[] = {
	{MSG_ACCOUNT_OPEN, on_account_open},
	{MSG_ATTACH, on_attach},
	{MSG_RESUME, accounts_on_resume},
	{MSG_SLEEPER_GONE, accounts_on_sleeper_gone},
	{MSG_GRANT, on_grant},
	{MSG_ACCOUNT_FACTS, on_account_facts},
	{MSG_ACCOUNT_QUOTA, on_account_quota},
	{MSG_ACCOUNT_GONE, on_account_gone},
	{MSG_ACCOUNT_LOGOUT, on_account_logout},
	{MSG_MAILBOX_ADMIN, on_mailbox_admin},
	{MSG_NONE, NULL},
};

const struct role_def role_accounts = {
	.role = ROLE_ACCOUNTS,
	.open = open_role,
	.handlers = handlers,
	.peer_lost = peer_lost,
};
