/*
 * test_accounts.c - the roles accounts and account as they run: forked and
 * confined processes, real stores; the test plays queue, directory and front.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "role/accounts_int.h"
#include "role/roles.h"

/* Against hanging for ever; no measure of anything. */
#define WAIT_MS 300000

static struct world {
	struct loop *loop;
	struct role_run run;
	struct config config;
	struct arena arena;
	char data_dir[64];
	void *state;
	struct channel *queue, *directory, *front; /* our ends */
	struct channel *account; /* as queue has it */
	struct timer late, pause;
	bool is_late, is_rested;
	/* what came */
	bool knows_account; /* what directory will say */
	bool is_silent;     /* it says nothing for now */
	uint64_t quota;
	unsigned infos, opened, lost, granted, attached, usages;
	enum code opened_result, attached_result;
	bool is_full;
	unsigned done;
	struct rec_done last_done;
	unsigned results[CODE_COUNT];
} w;

/* ---- the peers ------------------------------------------------------------------ */
static void came(void)
{
	loop_stop(w.loop);
}

static bool on_delivered(void *arg, struct frame *f)
{
	struct msg_delivered m;
	enum step step;

	(void)arg;
	assert_true(msg_get_delivered(f->body, &m));
	while ((step = rec_next_done(&m.done, &w.last_done)) == MORE) {
		w.results[w.last_done.result]++;
		w.done++;
	}
	assert_int_equal(step, DONE);
	came();
	return true;
}

static void on_account_lost(void *arg, struct channel *c)
{
	(void)arg;
	assert_ptr_equal(c, w.account);
	w.account = NULL;
	channel_free(c);
	w.lost++;
	came();
}

static bool on_opened(void *arg, struct frame *f)
{
	static const struct frame_handler handlers[] = {
		{MSG_DELIVERED, on_delivered},
		{MSG_NONE, NULL},
	};
	const struct channel_owner owner = {.handlers = handlers,
		.on_lost = on_account_lost};
	struct msg_account_opened m;

	(void)arg;
	assert_true(msg_get_account_opened(f->body, &m));
	w.opened++;
	w.opened_result = (enum code)m.result;
	if (m.result == OK) {
		assert_true(f->fd >= 0);
		channel_free(w.account);
		w.account = channel_new(w.loop, f->fd, ROLE_QUEUE,
			ROLE_ACCOUNT, 0, &owner);
	}
	came();
	return true;
}

static bool on_info(void *arg, struct frame *f)
{
	const struct msg_account_facts facts = {
		.result = w.knows_account ? OK : NOT_FOUND,
		.quota = w.quota,
		.address = SPAN("bob@hamburger.edu"),
	};

	(void)arg;
	w.infos++;
	came();
	if (w.is_silent)
		return true;
	channel_send(f->from, account_facts, ACCOUNT_FACTS, f->id, &facts, -1);
	return true;
}

static bool on_full(void *arg, struct frame *f)
{
	struct msg_account_full m;

	(void)arg;
	assert_true(msg_get_account_full(f->body, &m));
	w.usages++;
	w.is_full = m.is_full;
	came();
	return true;
}

static bool on_granted(void *arg, struct frame *f)
{
	(void)arg;
	(void)f;
	w.granted++;
	came();
	return true;
}

static bool on_attached(void *arg, struct frame *f)
{
	struct msg_attached m;

	(void)arg;
	assert_true(msg_get_attached(f->body, &m));
	w.attached++;
	w.attached_result = (enum code)m.result;
	came();
	return true;
}

static const struct frame_handler peer_handlers[] = {
	{MSG_ACCOUNT_OPENED, on_opened},
	{MSG_ACCOUNT_INFO, on_info},
	{MSG_ACCOUNT_FULL, on_full},
	{MSG_GRANTED, on_granted},
	{MSG_ATTACHED, on_attached},
	{MSG_NONE, NULL},
};

static void never_lost(void *arg, struct channel *c)
{
	(void)arg;
	fail_msg("channel to %s lost", role_name(channel_peer(c)));
}

static struct channel *add_peer(enum role role)
{
	const struct channel_owner ours = {.handlers = peer_handlers,
		.on_lost = never_lost};
	const struct channel_owner theirs = {
		.handlers = role_accounts.handlers,
		.on_lost = never_lost,
		.arg = w.state,
	};
	int fds[2];

	assert_true(channel_pair(fds));
	w.run.peers[role][0] = channel_new(w.loop, fds[0], ROLE_ACCOUNTS, role,
		0, &theirs);
	return channel_new(w.loop, fds[1], role, ROLE_ACCOUNTS, 0, &ours);
}

/* ---- the world -------------------------------------------------------------------- */
static void on_late(void *arg)
{
	(void)arg;
	w.is_late = true;
	loop_stop(w.loop);
}

/* Runs the loop until the condition holds. */
#define WAIT(condition)                                                        \
	do {                                                                   \
		timer_arm(&w.late, WAIT_MS);                                   \
		while (!(condition) && !w.is_late)                             \
			loop_run(w.loop);                                      \
		timer_disarm(&w.late);                                         \
		if (!(condition))                                              \
			fail_msg("never: %s", #condition);                     \
	} while (0)

static void on_rested(void *arg)
{
	(void)arg;
	w.is_rested = true;
	loop_stop(w.loop);
}

/* Lets the loop turn for a while. */
static void pause_ms(int64_t ms)
{
	w.is_rested = false;
	timer_arm(&w.pause, ms);
	while (!w.is_rested)
		loop_run(w.loop);
}

/* Waits for the end of the account's process. */
static void wait_reaped(struct account_slot *slot)
{
	for (int i = 0; i < WAIT_MS / 5; i++) {
		if (slot->state == PROCESS_NONE)
			return;
		pause_ms(5);
	}
	fail_msg("the account's process does not end");
}

static int set_up(void **state)
{
	char path[96];
	struct err e;

	(void)state;
	memset(&w, 0, sizeof(w));
	log_open("test", STDERR_FILENO, LOG_ERROR);
	w.loop = loop_new();
	timer_init(&w.late, w.loop, on_late, NULL);
	timer_init(&w.pause, w.loop, on_rested, NULL);
	arena_init(&w.arena, 1 << 20);
	config_default(&w.config, &w.arena);
	(void)snprintf(w.data_dir, sizeof(w.data_dir), "/tmp/test-role-XXXXXX");
	assert_non_null(mkdtemp(w.data_dir));
	(void)snprintf(path, sizeof(path), "%s/accounts", w.data_dir);
	assert_int_equal(mkdir(path, 0700), 0);
	w.config.data_dir = span_str(w.data_dir);
	w.config.log_level = LOG_ERROR;
	w.run = (struct role_run){.def = &role_accounts, .loop = w.loop,
		.config = &w.config};
	assert_int_equal(role_accounts.open(&w.run, &w.state, &e), OK);
	w.queue = add_peer(ROLE_QUEUE);
	w.directory = add_peer(ROLE_DIRECTORY);
	w.front = add_peer(ROLE_FRONT);
	w.knows_account = true;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type,
	struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static int tear_down(void **state)
{
	struct accounts *s = w.state;
	struct account_slot *slot;

	(void)state;
	/* the end of accounts: its processes see their channels go */
	for (size_t i = 0; (slot = map_next(&s->slots, &i)) != NULL;)
		if (slot->state != PROCESS_NONE)
			account_process_end(slot);
	for (size_t i = 0; (slot = map_next(&s->slots, &i)) != NULL;)
		wait_reaped(slot);
	for (size_t i = 0; (slot = map_next(&s->slots, &i)) != NULL;) {
		buf_clear(&slot->address);
		mem_free(slot);
	}
	map_clear(&s->slots);
	close(s->folder_fd);
	mem_free(s);
	for (enum role r = ROLE_MASTER; r < ROLE_COUNT; r++)
		channel_free(w.run.peers[r][0]);
	channel_free(w.account);
	channel_free(w.queue);
	channel_free(w.directory);
	channel_free(w.front);
	timer_clear(&w.late);
	timer_clear(&w.pause);
	loop_free(w.loop);
	arena_clear(&w.arena);
	(void)nftw(w.data_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}

static void open_account(uint64_t account)
{
	const struct msg_account_open m = {.account = account};
	unsigned before = w.opened;

	channel_send(w.queue, account_open, ACCOUNT_OPEN, 1, &m, -1);
	WAIT(w.opened > before);
}

static void send_delivery(uint64_t qid, struct span body)
{
	struct sha256 sum = sha256_of(body);
	const struct msg_deliver m = {.qid = qid, .received_ms = 1,
		.size = body.n, .sha256 = sha256_span(&sum),
		.reverse_path = SPAN("alice@crepes.fr"),
		.rcpt = SPAN("bob@hamburger.edu"),
		.trace = SPAN("Received: x\r\n"), .body = body};

	channel_send(w.account, deliver, DELIVER, 0, &m, -1);
}

#define BODY SPAN("Subject: x\r\n\r\nhello\r\n")

/* Asks for a session; the client's end of the connection, or -1. */
static int attach(uint8_t token, uint64_t account, struct span pending)
{
	uint8_t bytes[TOKEN_BYTES] = {token};
	const struct msg_grant grant = {
		.token = span_of(bytes, sizeof(bytes)),
		.service = SERVICE_POP3, .account = account};
	const struct msg_attach m = {.sid = 1, .service = SERVICE_POP3,
		.token = span_of(bytes, sizeof(bytes)), .user = SPAN("bob"),
		.pending = pending};
	unsigned before = w.attached, granted = w.granted;
	int fds[2];

	if (account != 0) {
		channel_send(w.directory, grant, GRANT, 1, &grant, -1);
		WAIT(w.granted > granted);
	}
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	channel_send(w.front, attach, ATTACH, 5, &m, fds[1]);
	WAIT(w.attached > before);
	if (w.attached_result == OK)
		return fds[0];
	close(fds[0]);
	return -1;
}

/* Reads from the session until the text ends with this. */
static void expect(int fd, const char *end, char *got, size_t room)
{
	size_t n = 0, len = strlen(end);

	while (n < len || memcmp(got + n - len, end, len) != 0) {
		ssize_t r = read(fd, got + n, room - 1 - n);

		if (r <= 0)
			fail_msg("only: %.*s", (int)n, got);
		n += (size_t)r;
	}
	got[n] = '\0';
}

static void say(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* ---- deliveries ----------------------------------------------------------------------- */
static void delivers(void **state)
{
	(void)state;
	open_account(3);
	assert_int_equal(w.opened_result, OK);
	assert_int_equal(w.infos, 1);
	for (uint64_t qid = 1; qid <= 300; qid++)
		send_delivery(qid, BODY);
	WAIT(w.done == 300);
	assert_int_equal(w.results[OK], 300);
	assert_int_equal(w.last_done.qid, 300);
	assert_int_equal(w.last_done.uid, 300);
	/* once only, with the uid of then */
	send_delivery(7, BODY);
	WAIT(w.done == 301);
	assert_int_equal(w.results[EXISTS], 1);
	assert_int_equal(w.last_done.uid, 7);
}

static void refuses_unknown_accounts(void **state)
{
	(void)state;
	w.knows_account = false;
	open_account(3);
	assert_int_equal(w.opened_result, NOT_FOUND);
	w.knows_account = true;
	open_account(3);
	assert_int_equal(w.opened_result, OK);
}

static void answers_by_row(void **state)
{
	struct msg_deliver m = {.qid = 9, .size = 5, .body = SPAN("hello")};
	struct sha256 sum = sha256_of(SPAN("other"));

	(void)state;
	w.quota = 4000;
	open_account(3);
	m.sha256 = sha256_span(&sum);
	send_delivery(1, BODY);
	channel_send(w.account, deliver, DELIVER, 0, &m, -1);
	for (uint64_t qid = 10; qid < 50; qid++)
		send_delivery(qid, BODY);
	WAIT(w.done == 42);
	assert_int_equal(w.results[CORRUPT], 1);
	assert_true(w.results[FULL] > 0);
	assert_int_equal(w.results[OK] + w.results[FULL], 41);
	WAIT(w.usages > 0);
	assert_true(w.is_full);
}

static void tells_a_new_quota(void **state)
{
	struct msg_account_quota m = {.account = 3, .quota = 11};

	(void)state;
	w.quota = 10;
	open_account(3);
	WAIT(w.usages == 1);
	assert_true(w.is_full);
	/* directory hears how it is, also when that did not change */
	channel_send(w.directory, account_quota, ACCOUNT_QUOTA, 0, &m, -1);
	WAIT(w.usages == 2);
	assert_true(w.is_full);
	m.quota = 1 << 20;
	channel_send(w.directory, account_quota, ACCOUNT_QUOTA, 0, &m, -1);
	WAIT(w.usages == 3);
	assert_false(w.is_full);
	send_delivery(1, BODY);
	WAIT(w.done == 1);
	assert_int_equal(w.results[OK], 1);
}

/* At first there is no descriptor for it: queue hears so, and asks again. */
static void reads_spool_files(void **state)
{
	static const uint8_t bytes[700000];
	const struct rlimit none = {0, 64}, some = {64, 64};
	char path[] = "/tmp/test-spool-XXXXXX";
	struct sha256 sum = sha256_of(span_of(bytes, sizeof(bytes)));
	struct msg_deliver m = {.qid = 4, .is_spooled = 1,
		.size = sizeof(bytes), .sha256 = sha256_span(&sum)};
	int fd = mkstemp(path), pid;

	(void)state;
	assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
	unlink(path);
	open_account(3);
	send_delivery(1, BODY);
	WAIT(w.done == 1);
	pid = accounts_slot(w.state, 3)->pid;
	assert_int_equal(prlimit(pid, RLIMIT_NOFILE, &none, NULL), 0);
	channel_send(w.account, deliver, DELIVER, 0, &m, dup(fd));
	WAIT(w.done == 2 && w.results[TEMP] == 1);
	assert_int_equal(prlimit(pid, RLIMIT_NOFILE, &some, NULL), 0);
	channel_send(w.account, deliver, DELIVER, 0, &m, fd);
	WAIT(w.done == 3 && w.results[OK] == 2);
}

static void forgets(void **state)
{
	struct msg_forget m = {.below = 2};

	(void)state;
	open_account(3);
	send_delivery(1, BODY);
	WAIT(w.done == 1);
	channel_send(w.account, forget, FORGET, 0, &m, -1);
	/* nobody would do that; it shows that the key is gone */
	send_delivery(1, BODY);
	WAIT(w.done == 2);
	assert_int_equal(w.results[OK], 2);
}

/* ---- processes --------------------------------------------------------------------------- */
static struct account_slot *slot_of(uint64_t account)
{
	return accounts_slot(w.state, account);
}

static void survives_a_kill(void **state)
{
	(void)state;
	open_account(3);
	send_delivery(1, BODY);
	WAIT(w.done == 1);
	assert_int_equal(kill(slot_of(3)->pid, SIGKILL), 0);
	WAIT(w.lost == 1);
	wait_reaped(slot_of(3));
	/* for a moment it is not started again; we make it a long one */
	assert_true(slot_of(3)->retry_ms > slot_of(3)->started_ms);
	slot_of(3)->retry_ms += 3600000;
	open_account(3);
	assert_int_equal(w.opened_result, TEMP);
	slot_of(3)->retry_ms -= 3600000;
	pause_ms(150);
	open_account(3);
	assert_int_equal(w.opened_result, OK);
	send_delivery(1, BODY);
	send_delivery(2, BODY);
	WAIT(w.done == 3);
	assert_int_equal(w.results[EXISTS], 1);
	assert_int_equal(w.results[OK], 2);
}

/* As queue does: asks again when the process ends just before it hears. */
static void deliver_surely(uint64_t qid)
{
	unsigned done = w.done;

	while (w.done == done) {
		unsigned lost = w.lost;

		open_account(3);
		assert_int_equal(w.opened_result, OK);
		if (w.account != NULL)
			send_delivery(qid, BODY);
		WAIT(w.done > done || w.lost > lost);
	}
}

static void ends_when_idle(void **state)
{
	int pid;

	(void)state;
	w.config.account_idle_ms = 50;
	deliver_surely(1);
	pid = slot_of(3)->pid;
	WAIT(w.account == NULL);
	wait_reaped(slot_of(3));
	assert_int_not_equal(kill(pid, 0), 0);
	/* and is there at once when it is needed */
	deliver_surely(1);
	assert_int_equal(w.done, 2);
	assert_int_equal(w.results[EXISTS], 1);
}

static void does_not_end_a_session(void **state)
{
	char got[256];
	int fd;

	(void)state;
	w.config.account_idle_ms = 20;
	fd = attach(1, 3, SPAN_EMPTY);
	expect(fd, "\r\n", got, sizeof(got));
	pause_ms(200);
	say(fd, "NOOP\r\n");
	expect(fd, "\r\n", got, sizeof(got));
	assert_string_equal(got, "+OK\r\n");
	say(fd, "QUIT\r\n");
	expect(fd, "\r\n", got, sizeof(got));
	close(fd);
}

static void removes_an_account(void **state)
{
	const struct msg_account_gone m = {.account = 3};
	char path[128];
	struct stat st;

	(void)state;
	open_account(3);
	send_delivery(1, BODY);
	WAIT(w.done == 1);
	(void)snprintf(path, sizeof(path), "%s/accounts/3", w.data_dir);
	assert_int_equal(stat(path, &st), 0);
	channel_send(w.directory, account_gone, ACCOUNT_GONE, 0, &m, -1);
	WAIT(w.lost == 1);
	wait_reaped(slot_of(3));
	assert_int_not_equal(stat(path, &st), 0);
	w.knows_account = false;
	open_account(3);
	assert_int_equal(w.opened_result, NOT_FOUND);
}

static void says_why_it_cannot_open(void **state)
{
	char path[128];
	int fd;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/accounts/3", w.data_dir);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/accounts/3/mail.db", w.data_dir);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	for (int i = 0; i < 100; i++)
		assert_int_equal(write(fd, "this is no database, it is text\n",
			32), 32);
	close(fd);
	log_open("test", open("/dev/null", O_WRONLY), LOG_ERROR);
	open_account(3);
	WAIT(w.lost == 1);
	wait_reaped(slot_of(3));
	assert_int_equal(attach(1, 3, SPAN_EMPTY), -1);
	assert_int_equal(w.attached_result, TEMP);
}

/* ---- sessions ----------------------------------------------------------------------------- */
static void serves_pop3(void **state)
{
	char got[2048];
	int fd;

	(void)state;
	open_account(3);
	send_delivery(1, BODY);
	send_delivery(2, BODY);
	WAIT(w.done == 2);
	/* the client spoke ahead: what front had read comes along */
	fd = attach(1, 3, SPAN("STAT\r\nDELE 1\r\nRE"));
	say(fd, "TR 2\r\n");
	expect(fd, "hello\r\n.\r\n", got, sizeof(got));
	assert_non_null(strstr(got, "+OK 2 messages"));
	assert_non_null(strstr(got, "+OK message 1 deleted\r\n"));
	assert_non_null(strstr(got, "\r\nReturn-Path: <alice@crepes.fr>\r\n"
				    "Delivered-To: bob@hamburger.edu\r\n"
				    "Received: x\r\nSubject: x\r\n"));
	/* exclusive access */
	assert_int_equal(attach(2, 3, SPAN_EMPTY), -1);
	assert_int_equal(w.attached_result, BUSY);
	/* what comes meanwhile is for the next session */
	send_delivery(3, BODY);
	WAIT(w.done == 3);
	say(fd, "STAT\r\nQUIT\r\n");
	expect(fd, "left)\r\n", got, sizeof(got));
	assert_non_null(strstr(got, "+OK 1 "));
	assert_int_equal(read(fd, got, 1), 0);
	close(fd);
	fd = attach(3, 3, SPAN_EMPTY);
	expect(fd, "\r\n", got, sizeof(got));
	assert_non_null(strstr(got, "+OK 2 messages"));
	close(fd);
}

static void deletes_nothing_without_quit(void **state)
{
	char got[512];
	int fd;

	(void)state;
	open_account(3);
	send_delivery(1, BODY);
	WAIT(w.done == 1);
	fd = attach(1, 3, SPAN("DELE 1\r\n"));
	expect(fd, "deleted\r\n", got, sizeof(got));
	close(fd);
	do { /* until the process has seen it */
		pause_ms(5);
		fd = attach(2, 3, SPAN_EMPTY);
	} while (w.attached_result == BUSY);
	expect(fd, "\r\n", got, sizeof(got));
	assert_non_null(strstr(got, "+OK 1 messages"));
	close(fd);
}

/* A delivery and the end of a session are seen in the same turn: each gets a
 * transaction of its own. */
static void delivers_while_a_session_ends(void **state)
{
	char got[512];
	int fd;

	(void)state;
	open_account(3);
	send_delivery(1, BODY);
	WAIT(w.done == 1);
	fd = attach(1, 3, SPAN("DELE 1\r\n"));
	expect(fd, "deleted\r\n", got, sizeof(got));
	assert_int_equal(kill(slot_of(3)->pid, SIGSTOP), 0);
	send_delivery(2, BODY);
	channel_flush(w.account);
	say(fd, "QUIT\r\n");
	assert_int_equal(kill(slot_of(3)->pid, SIGCONT), 0);
	expect(fd, "\r\n", got, sizeof(got));
	assert_string_equal(got, "+OK good bye (0 messages left)\r\n");
	WAIT(w.done == 2);
	assert_int_equal(w.results[OK], 2);
	close(fd);
	fd = attach(2, 3, SPAN_EMPTY);
	expect(fd, "\r\n", got, sizeof(got));
	assert_non_null(strstr(got, "+OK 1 messages"));
	close(fd);
}

/* The password was changed: who came in with the old one goes, and who was
 * about to come in does not. */
static void ends_sessions_at_a_logout(void **state)
{
	struct msg_account_logout logout = {.account = 3};
	uint8_t token[TOKEN_BYTES] = {2};
	const struct msg_grant grant = {
		.token = span_of(token, sizeof(token)),
		.service = SERVICE_POP3, .account = 3};
	const struct msg_grant late_grant = {
		.token = span_of(token, sizeof(token)),
		.service = SERVICE_POP3, .account = 5};
	const struct msg_attach late = {.sid = 1, .service = SERVICE_POP3,
		.token = span_of(token, sizeof(token)), .user = SPAN("bob")};
	unsigned infos, attached;
	char got[512];
	int fd, other, again, fds[2];

	(void)state;
	open_account(3);
	send_delivery(1, BODY);
	WAIT(w.done == 1);
	fd = attach(1, 3, SPAN("DELE 1\r\n"));
	expect(fd, "deleted\r\n", got, sizeof(got));
	other = attach(3, 4, SPAN_EMPTY);
	expect(other, "\r\n", got, sizeof(got));
	channel_send(w.directory, grant, GRANT, 1, &grant, -1);
	channel_send(w.directory, account_logout, ACCOUNT_LOGOUT, 0, &logout,
		-1);
	WAIT(w.granted == 3);
	assert_int_equal(attach(2, 0, SPAN_EMPTY), -1);
	assert_int_equal(w.attached_result, DENIED);
	assert_int_equal(read(fd, got, 1), 0);
	close(fd);
	/* who waits for the account is not let in either */
	w.is_silent = true;
	infos = w.infos;
	attached = w.attached;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	channel_send(w.directory, grant, GRANT, 1, &late_grant, -1);
	WAIT(w.granted == 4);
	channel_send(w.front, attach, ATTACH, 5, &late, fds[1]);
	WAIT(w.infos == infos + 1);
	logout.account = 5;
	channel_send(w.directory, account_logout, ACCOUNT_LOGOUT, 0, &logout,
		-1);
	WAIT(w.attached == attached + 1);
	assert_int_equal(w.attached_result, DENIED);
	assert_int_equal(read(fds[0], got, 1), 0);
	close(fds[0]);
	w.is_silent = false;
	/* it deleted nothing, and others stay */
	again = attach(4, 3, SPAN("STAT\r\nQUIT\r\n"));
	expect(again, "left)\r\n", got, sizeof(got));
	assert_non_null(strstr(got, "\r\n+OK 1 "));
	close(again);
	say(other, "NOOP\r\n");
	expect(other, "+OK\r\n", got, sizeof(got));
	close(other);
}

static void wants_a_token(void **state)
{
	char got[256];
	int fd;

	(void)state;
	assert_int_equal(attach(1, 0, SPAN_EMPTY), -1);
	assert_int_equal(w.attached_result, DENIED);
	fd = attach(2, 3, SPAN_EMPTY);
	expect(fd, "\r\n", got, sizeof(got));
	/* a token serves once */
	assert_int_equal(attach(2, 0, SPAN_EMPTY), -1);
	assert_int_equal(w.attached_result, DENIED);
	close(fd);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {T(delivers),
		T(refuses_unknown_accounts), T(answers_by_row),
		T(tells_a_new_quota), T(reads_spool_files), T(forgets),
		T(survives_a_kill), T(ends_when_idle),
		T(does_not_end_a_session), T(removes_an_account),
		T(says_why_it_cannot_open), T(serves_pop3),
		T(deletes_nothing_without_quit), T(delivers_while_a_session_ends), T(ends_sessions_at_a_logout),
		T(wants_a_token)};

	/* the processes confine themselves as in life; as root they would want
	 * a user to become */
	if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
