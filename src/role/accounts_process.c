/*
 * accounts_process.c - the processes of single accounts: fork, end, reap.
 *
 *	          fork               IDLE_END, channel lost
 *	NONE --------------> RUNS ---------------------------> ENDS
 *	  ^-------------------------- reaped ------------------'
 *
 * A child is forked, not executed: that takes a fifth of a millisecond, and it
 * confines itself to its folder before it reads a byte of mail.  One that dies
 * unexpectedly is started again when it is needed, after a pause that doubles;
 * meanwhile whoever needs it hears TEMP.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "crypto/secret.h"
#include "role/account.h"
#include "role/accounts_int.h"
#include "store/store_change.h"

#include "base/banned.h"

/* Long enough that a fork in vain costs nothing, and short enough that who tries
 * again after a "not now" finds a healed disk healed. */
#define PAUSE_MIN_MS   100
#define PAUSE_MAX_MS   3200
#define LIVED_MS       10000 /* who lived so long did not fail at the start */
#define PATH_BYTES     4096

/* The account's folder; false: the path is too long. */
static bool put_path(const struct account_slot *slot, char path[PATH_BYTES])
{
	int n = snprintf(path, PATH_BYTES, "%.*s/accounts/%llu",
		SPAN_ARG(slot->owner->run->config->data_dir),
		(unsigned long long)slot->account);

	return n > 0 && n < PATH_BYTES;
}

static enum code make_folder(struct account_slot *slot, const char *path,
	struct err *e)
{
	if (mkdir(path, 0700) == 0)
		slot->owner->has_new_names = true;
	else if (errno != EEXIST)
		return err_errno(e, TEMP, "creating %s", path);
	return OK;
}

/* ---- the child -------------------------------------------------------------- */
static void close_between(int low, int high)
{
	if (high - low > 1)
		(void)close_range((unsigned)low + 1, (unsigned)high - 1, 0);
}

/* Nothing of accounts may be seen by the child: no channel, no other socket.
 * The lock it holds too, as it works on data. */
static void close_all_but(int fd, int lock_fd)
{
	int first = lock_fd < fd ? lock_fd : fd;
	int last = lock_fd < fd ? fd : lock_fd;

	close_between(STDERR_FILENO, first);
	close_between(first > STDERR_FILENO ? first : STDERR_FILENO, last);
	(void)close_range((unsigned)last + 1, ~0u, 0);
}

static noreturn void be_account(const struct account_slot *slot,
	const char *path, int fd)
{
	const struct account_start start = {
		.account = slot->account,
		.fd = fd,
		.config = slot->owner->run->config,
		.folder = path,
		.no_sandbox = slot->owner->run->no_sandbox,
	};

	(void)signal(SIGCHLD, SIG_DFL);
	close_all_but(fd, slot->owner->run->lock_fd);
	secret_wipe(slot->owner->seal_key, sizeof(slot->owner->seal_key));
	_exit(account_run(&start));
}

/* ---- start ---------------------------------------------------------------------- */
static void reaped(struct account_slot *slot, int status);

static void on_process_lost(void *arg, struct channel *c)
{
	struct account_slot *slot = arg;

	if (slot->channel != c)
		return;
	account_process_end(slot);
	if (slot->pid == 0)
		reaped(slot, slot->exit_status);
	else
		account_processes_reap(slot->owner);
}

static void send_setup(struct account_slot *slot)
{
	const struct msg_account_setup m = {
		.account = slot->account,
		.quota = slot->quota,
		.address = buf_span(&slot->address),
	};

	/* deferred work is done in order: the sync, then what waits in channels */
	slot->sync = slot->owner->next_sync;
	loop_defer(slot->owner->run->loop, &slot->owner->sync);
	channel_send(slot->channel, account_setup, ACCOUNT_SETUP, 0, &m, -1);
}

static enum code fork_child(struct account_slot *slot, const char *path,
	struct err *e)
{
	const struct channel_owner owner = {
		.handlers = accounts_process_handlers,
		.on_lost = on_process_lost,
		.arg = slot,
	};
	int fds[2];
	pid_t pid;

	if (!channel_pair(fds))
		return err_errno(e, TEMP, "making a channel");
	log_flush(); /* or the child would write it again */
	pid = fork();
	if (pid == 0)
		be_account(slot, path, fds[1]);
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return err_errno(e, TEMP, "fork");
	}
	slot->pid = pid;
	slot->state = PROCESS_RUNS;
	slot->channel = channel_new(slot->owner->run->loop, fds[0],
		ROLE_ACCOUNTS, ROLE_ACCOUNT, 0, &owner);
	return OK;
}

static void fail(struct account_slot *slot, int64_t now_ms)
{
	int64_t pause_ms = PAUSE_MIN_MS;

	for (unsigned i = 0; i < slot->failures && pause_ms < PAUSE_MAX_MS; i++)
		pause_ms *= 2;
	slot->failures++;
	slot->retry_ms = now_ms + pause_ms;
}

enum code account_process_start(struct account_slot *slot, struct err *e)
{
	int64_t now_ms = loop_mono_ms(slot->owner->run->loop);
	char path[PATH_BYTES];
	enum code code;

	must(slot->state == PROCESS_NONE);
	if (now_ms < slot->retry_ms)
		return err_set(e, TEMP, "it failed a moment ago");
	if (!put_path(slot, path))
		return err_set(e, TEMP, "the path of the data is too long");
	code = make_folder(slot, path, e);
	if (code == OK)
		code = fork_child(slot, path, e);
	if (code != OK) {
		LOG(EV_ACCOUNT_FAILED, LOG_NUM("account", slot->account),
			LOG_STR("why", e->text));
		fail(slot, now_ms);
		return code;
	}
	slot->started_ms = now_ms;
	slot->is_logged_out = false;
	send_setup(slot);
	/* whatever it is started for may be news for them */
	accounts_wake_sleepers(slot);
	return OK;
}

/* Their channels go with the SETUP unsent: they end, and who waits asks again. */
static void give_up(struct accounts *s, uint64_t sync, const char *why)
{
	int64_t now_ms = loop_mono_ms(s->run->loop);
	struct account_slot *slot;

	for (size_t i = 0; (slot = map_next(&s->slots, &i)) != NULL;) {
		if (slot->sync != sync || slot->state != PROCESS_RUNS)
			continue;
		LOG(EV_ACCOUNT_FAILED, LOG_NUM("account", slot->account),
			LOG_STR("why", why));
		fail(slot, now_ms);
		account_process_end(slot);
	}
}

void account_processes_set_up(void *accounts)
{
	struct accounts *s = accounts;
	uint64_t sync = s->next_sync++;
	struct err e;

	if (!s->has_new_names)
		return;
	if (fsync(s->folder_fd) == 0) {
		s->has_new_names = false;
		return;
	}
	(void)err_errno(&e, TEMP, "syncing the accounts folder");
	give_up(s, sync, e.text);
}

/* ---- end -------------------------------------------------------------------------- */
void account_process_end(struct account_slot *slot)
{
	if (slot->state == PROCESS_RUNS)
		slot->state = PROCESS_ENDS;
	channel_free(slot->channel);
	slot->channel = NULL;
	while (!list_is_empty(&slot->attached))
		wait_answer(slot,
			LIST_OF(struct wait, link, slot->attached.next), TEMP);
}

static struct account_slot *slot_of_pid(struct accounts *s, pid_t pid)
{
	struct account_slot *slot;

	for (size_t i = 0; (slot = map_next(&s->slots, &i)) != NULL;)
		if (slot->state != PROCESS_NONE && slot->pid == (int)pid)
			return slot;
	return NULL;
}

static void reaped(struct account_slot *slot, int status)
{
	int64_t now_ms = loop_mono_ms(slot->owner->run->loop);

	account_process_end(slot);
	slot->state = PROCESS_NONE;
	if (slot->is_gone) {
		slot->is_gone = false;
		account_folder_delete(slot);
		accounts_fail_waits(slot, NOT_FOUND);
		return;
	}
	if (now_ms - slot->started_ms >= LIVED_MS)
		slot->failures = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		slot->failures = 0;
	} else {
		char why[48];

		(void)snprintf(why, sizeof(why), "its process ended: %s %d",
			WIFSIGNALED(status) ? "signal" : "exit status",
			WIFSIGNALED(status) ? WTERMSIG(status)
					    : WEXITSTATUS(status));
		LOG(EV_ACCOUNT_FAILED, LOG_NUM("account", slot->account),
			LOG_STR("why", why));
		fail(slot, now_ms);
	}
	accounts_serve_waits(slot);
}

void account_processes_reap(struct accounts *s)
{
	struct account_slot *slot;
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		slot = slot_of_pid(s, pid);
		if (slot == NULL)
			continue;
		slot->pid = 0;
		slot->exit_status = status;
		/* what it said last, a session's sleep, may not be read yet:
		 * then the end of the channel comes behind it */
		if (slot->channel == NULL)
			reaped(slot, status);
	}
}

/* ---- removal ---------------------------------------------------------------------- */
void account_folder_delete(struct account_slot *slot)
{
	static const char *const names[] = {"mail.db-wal", "mail.db-journal",
		"mail.db.new", STORE_UPLOAD_NAME, "mail.db"};
	char path[PATH_BYTES];
	char file[PATH_BYTES + 16];

	must(slot->state == PROCESS_NONE);
	if (!put_path(slot, path))
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(file, sizeof(file), "%s/%s", path, names[i]);
		(void)unlink(file);
	}
	if (rmdir(path) != 0 && errno != ENOENT)
		LOG(EV_ACCOUNT_FAILED, LOG_NUM("account", slot->account),
			LOG_STR("why", "its folder cannot be removed"));
}
