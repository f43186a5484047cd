/*
 * account.c - the role `account`: one person's mail, and nothing else.
 *
 * May touch: its folder, its channels, the sockets of sessions that accounts
 * passes to it.  Talks to: accounts (which forked it), queue, POP3 and IMAP clients
 * after their login.  See account_int.h for the other files.
 *
 *	forked --ACCOUNT_SETUP--> serving --nothing to do--> IDLE --IDLE_END--> end
 *
 * It may end at any moment, by a crash too: what was answered is durable, what
 * was not will be asked again under the same key.
 */
#include "role/account.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "db/db.h"
#include "role/account_int.h"
#include "role/admin.h"
#include "role/confine.h"
#include "role/role.h"
#include "store/store_admin.h"
#include "store/store_signature.h"

#include "base/banned.h"

/* Between two slices of what idle time is for. */
#define FILL_PAUSE_MS 10

#define EXIT_FAILED 75

#define FILES_RESERVED 8

/* ---- the end -------------------------------------------------------------- */
static void end(struct account *a, int exit_status)
{
	a->exit_status = exit_status;
	loop_stop(a->loop);
}

void account_fail(struct account *a, const char *why)
{
	LOG(EV_ACCOUNT_FAILED, LOG_NUM("account", a->start->account),
		LOG_STR("why", why));
	end(a, EXIT_FAILED);
}

bool account_is_broken(struct account *a, const struct err *e)
{
	if (!store_is_broken(a->store))
		return false;
	account_fail(a, e->text);
	return true;
}

static void on_accounts_lost(void *arg, struct channel *c)
{
	struct account *a = arg;

	(void)c;
	account_settle(a);
	end(a, a->exit_status);
}

static void on_queue_lost(void *arg, struct channel *c)
{
	struct account *a = arg;

	account_settle(a);
	if (a->queue == c)
		a->queue = NULL;
	channel_free(c);
}

/* ---- idle ------------------------------------------------------------------- */
void account_touch(struct account *a)
{
	const struct config *config = a->start->config;
	int64_t after_ms = config->account_idle_ms;

	if (!list_is_empty(&a->imap_sessions) && config->hibernate_after_ms > 0)
		after_ms = config->hibernate_after_ms;
	timer_arm(&a->idle, after_ms);
}

/* Nobody is served, or only clients that wait for mail, whom the fronts can
 * keep. */
static bool may_end(const struct account *a)
{
	if (a->session != NULL)
		return false;
	return list_is_empty(&a->imap_sessions) ||
		(a->start->config->hibernate_after_ms > 0 &&
			account_imap_may_sleep(a));
}

/* Reads messages of which nothing is known yet, then signs those that have no
 * signature, a slice at a time; true: there are more, and the next slice comes
 * soon. */
static bool fill(struct account *a)
{
	struct err e = {.code = OK};
	bool has_more = false;

	enum code code = store_fill(a->store, &has_more, &e);

	if (code == OK && !has_more && store_wants_sign(a->store))
		code = store_sign(a->store, &has_more, &e);
	if (code != OK) {
		(void)account_is_broken(a, &e);
		return false;
	}
	if (has_more)
		timer_arm(&a->idle, FILL_PAUSE_MS);
	return has_more;
}

static void on_idle(void *arg)
{
	struct account *a = arg;
	const struct msg_idle m = {0};
	struct err e = {.code = TEMP, .text = "writing in idle time failed"};

	account_touch(a);
	if (a->session != NULL || a->store == NULL)
		return;
	account_settle(a);
	account_forget(a);
	if (store_is_broken(a->store) || fill(a) || store_is_broken(a->store))
		return;
	store_tidy(a->store);
	/* whom it told of a mailbox shall find it again */
	if (!list_is_empty(&a->imap_sessions) &&
		store_be_durable(a->store, &e) != OK) {
		(void)account_is_broken(a, &e);
		return;
	}
	if (account_is_broken(a, &e))
		return;
	if (may_end(a))
		channel_send(a->accounts, idle, IDLE, 0, &m, -1);
}

static bool on_idle_end(void *arg, struct frame *f)
{
	struct account *a = arg;
	const struct msg_stay stay = {0};
	struct msg_idle_end m;

	if (!msg_get_idle_end(f->body, &m))
		return false;
	account_settle(a);
	if (store_is_broken(a->store))
		return true; /* it has failed, and ends */
	if (!may_end(a)) {
		channel_send(a->accounts, stay, STAY, 0, &stay, -1);
		return true;
	}
	account_imap_sleep(a);
	LOG(EV_ACCOUNT_CLOSED, LOG_NUM("account", a->start->account));
	end(a, a->exit_status);
	return true;
}

/* ---- quota -------------------------------------------------------------------- */
void account_report_usage(struct account *a)
{
	bool is_full = store_is_full(a->store);
	const struct msg_usage m = {.is_full = is_full,
		.used = store_used_bytes(a->store)};

	if (is_full == a->was_full)
		return;
	a->was_full = is_full;
	channel_send(a->accounts, usage, USAGE, 0, &m, -1);
}

static bool on_quota(void *arg, struct frame *f)
{
	struct account *a = arg;
	struct msg_quota m;

	if (!msg_get_quota(f->body, &m) || a->store == NULL)
		return false;
	store_set_quota(a->store, m.quota);
	/* whatever directory believes now, this is how it is */
	a->was_full = !store_is_full(a->store);
	account_report_usage(a);
	return true;
}

/* ---- sessions ------------------------------------------------------------------- */
static bool on_logout(void *arg, struct frame *f)
{
	struct msg_logout m;

	if (!msg_get_logout(f->body, &m))
		return false;
	account_pop3_end(arg, "the account's credentials changed");
	account_imap_end_all(arg, "the account's credentials changed");
	return true;
}

/* ---- start ---------------------------------------------------------------------- */
static enum code open_store(struct account *a, const struct msg_account_setup *m,
	struct err *e)
{
	char path[4096];
	int n = snprintf(path, sizeof(path), "%s/mail.db", a->start->folder);
	enum code code;

	if (n < 0 || (size_t)n >= sizeof(path))
		return err_set(e, LIMIT, "the path of the data is too long");
	code = store_open(path, m->account, loop_wall_ms(a->loop), &a->store,
		e);
	if (code != OK)
		return code;
	store_set_quota(a->store, m->quota);
	store_set_message_limit(a->store,
		a->start->config->messages_per_account);
	account_imap_listen(a);
	return OK;
}

static bool on_setup(void *arg, struct frame *f)
{
	struct account *a = arg;
	struct msg_account_setup m;
	struct msg_account_ready ready = {.result = OK};
	struct err e = {.code = OK};
	int64_t began_ms = time_mono_ms();

	if (!msg_get_account_setup(f->body, &m) || a->store != NULL ||
		m.account != a->start->account)
		return false;
	a->has_plus = span_find(span_head(m.address,
		span_find_last(m.address, '@')), '+') < span_find_last(
		m.address, '@');
	ready.result = (uint8_t)open_store(a, &m, &e);
	ready.why = span_str(ready.result == OK ? "" : e.text);
	channel_send(a->accounts, account_ready, ACCOUNT_READY, 0, &ready, -1);
	if (ready.result != OK) {
		channel_drain(a->accounts);
		account_fail(a, e.text);
		return true;
	}
	LOG(EV_ACCOUNT_OPENED, LOG_NUM("account", m.account),
		LOG_NUM("ms", time_mono_ms() - began_ms));
	account_report_usage(a);
	return true;
}

static bool on_queue_peer(void *arg, struct frame *f)
{
	static const struct frame_handler handlers[] = {
		{MSG_DELIVER, account_on_deliver},
		{MSG_FORGET, account_on_forget},
		{MSG_NONE, NULL},
	};
	struct account *a = arg;
	const struct channel_owner owner = {
		.handlers = handlers,
		.on_lost = on_queue_lost,
		.arg = a,
	};
	struct msg_queue_peer m;

	if (!msg_get_queue_peer(f->body, &m) || f->fd < 0)
		return false;
	if (a->store == NULL) { /* it could not be opened: we end */
		close(f->fd);
		return true;
	}
	/* an answer to the old one would go nowhere */
	account_settle(a);
	channel_free(a->queue);
	a->queue = channel_new(a->loop, f->fd, ROLE_ACCOUNT, ROLE_QUEUE, 0,
		&owner);
	account_touch(a);
	return true;
}

static enum code begin_session(struct account *a, const struct msg_session *m,
	int fd, struct err *e)
{
	if (m->service == SERVICE_POP3)
		return account_pop3_begin(a, m, fd, e);
	if (m->service != SERVICE_IMAP)
		return err_set(e, TEMP, "no such service");
	account_imap_begin(a, m, fd);
	return OK;
}

static bool on_admin(void *arg, struct frame *f)
{
	struct account *a = arg;
	const struct role_run run = {.loop = a->loop};
	struct err e = {.code = TEMP, .text = "a command failed"};
	struct msg_account_admin m;

	if (!msg_get_account_admin(f->body, &m) || f->fd < 0)
		return false;
	if (a->store == NULL) { /* it could not be opened: we end */
		close(f->fd);
		return true;
	}
	account_settle(a);
	admin_serve(&run, store_admin_run, a->store, f->fd, m.words);
	if (account_is_broken(a, &e))
		return true;
	account_report_usage(a);
	account_touch(a);
	return true;
}

static bool on_session(void *arg, struct frame *f)
{
	struct account *a = arg;
	struct msg_session m;
	struct msg_session_taken taken = {.result = TEMP};
	struct err e = {.code = OK};

	if (!msg_get_session(f->body, &m) || (f->fd < 0 && !f->is_fd_lost))
		return false;
	/* numbers are given from below: one so high is one of the last */
	if (a->store != NULL && f->fd >= 0 && f->fd < a->session_files) {
		account_settle(a);
		taken.result = (uint8_t)begin_session(a, &m, f->fd, &e);
	}
	if (taken.result != OK && f->fd >= 0)
		close(f->fd);
	if (a->store != NULL && account_is_broken(a, &e))
		return true;
	channel_send(a->accounts, session_taken, SESSION_TAKEN, f->id, &taken,
		-1);
	account_touch(a);
	return true;
}

static bool on_woken(void *arg, struct frame *f)
{
	struct account *a = arg;
	struct msg_woken m;

	if (!msg_get_woken(f->body, &m) || f->fd < 0)
		return false;
	/* it could not be opened: we end; or it is one of the last numbers */
	if (a->store == NULL || f->fd >= a->session_files) {
		close(f->fd);
		return true;
	}
	account_settle(a);
	account_imap_wake(a, &m, f->fd);
	account_touch(a);
	return true;
}

static enum code confine(const struct account_start *start, struct err *e)
{
	char user[64];
	const struct confine_request request = {
		.role = ROLE_ACCOUNT,
		.folder = start->folder,
		.user = user,
	};

	if (start->no_sandbox)
		return OK;
	(void)snprintf(user, sizeof(user), "%.*s",
		SPAN_ARG(start->config->user));
	return confine_self(&request, e);
}

static void clear(struct account *a)
{
	account_pop3_end(a, "the account's process ends");
	account_imap_end_all(a, "the server is going down");
	channel_drain(a->accounts);
	if (a->queue != NULL)
		channel_flush(a->queue);
	channel_free(a->queue);
	channel_free(a->accounts);
	if (a->store != NULL)
		store_unlisten(&a->listener);
	store_close(a->store);
	arena_clear(&a->batch.arena);
	buf_clear(&a->forget);
}

/* Sessions leave some descriptors to the store and to queue: nobody's mail stops
 * because he reads it with a hundred programs. */
static int files_for_sessions(void)
{
	struct rlimit files = {CONFINE_ACCOUNT_FILES, CONFINE_ACCOUNT_FILES};

	if (getrlimit(RLIMIT_NOFILE, &files) != 0 ||
		files.rlim_cur > CONFINE_ACCOUNT_FILES)
		files.rlim_cur = CONFINE_ACCOUNT_FILES;
	return (int)files.rlim_cur - FILES_RESERVED;
}

int account_run(const struct account_start *start)
{
	static const struct frame_handler handlers[] = {
		{MSG_ACCOUNT_SETUP, on_setup},
		{MSG_QUEUE_PEER, on_queue_peer},
		{MSG_SESSION, on_session},
		{MSG_WOKEN, on_woken},
		{MSG_QUOTA, on_quota},
		{MSG_LOGOUT, on_logout},
		{MSG_ACCOUNT_ADMIN, on_admin},
		{MSG_IDLE_END, on_idle_end},
		{MSG_NONE, NULL},
	};
	struct account *a = MEM_NEW(struct account);
	const struct channel_owner owner = {
		.handlers = handlers,
		.on_lost = on_accounts_lost,
		.arg = a,
	};
	struct err e = {.code = OK};
	int exit_status;

	log_open("account", STDERR_FILENO, start->config->log_level);
	a->start = start;
	a->session_files = files_for_sessions();
	a->loop = loop_new();
	a->accounts = channel_new(a->loop, start->fd, ROLE_ACCOUNT,
		ROLE_ACCOUNTS, 0, &owner);
	account_deliver_init(a);
	account_imap_init(a);
	timer_init(&a->idle, a->loop, on_idle, a);
	account_touch(a);
	if (confine(start, &e) == OK)
		loop_run(a->loop);
	else
		account_fail(a, e.text);
	clear(a);
	log_end();
	exit_status = a->exit_status;
	mem_free(a);
	return exit_status;
}
