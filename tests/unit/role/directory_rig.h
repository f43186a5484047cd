/*
 * directory_rig.h - the directory role between fake peers, for its tests.
 *
 * The peers are channels in the same process and the same loop; each test asks,
 * lets the loop run until the answer came, and looks at it.  Hashers are as they
 * are, but in this process.
 */
#ifndef POSTRIDER_TESTS_UNIT_ROLE_DIRECTORY_RIG_H
#define POSTRIDER_TESTS_UNIT_ROLE_DIRECTORY_RIG_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec/hex.h"
#include "crypto/password.h"
#include "crypto/secret.h"
#include "role/admin.h"
#include "role/directory_hash.h"
#include "role/role.h"
#include "role/roles.h"

/* of "burger" */
static char burger_hash[160];

#define HASHERS 2

static struct {
	char folder[64];
	struct config config;
	struct role_run run;
	void *state;
	struct channel *front, *queue, *accounts, *client; /* the peers' ends */
	struct channel *hashers[HASHERS];
	struct buf heard; /* what the peers got, a line each */
	unsigned sender_logouts; /* that front heard of */
	char said[16384]; /* all of it, since the wait before */
	struct timer limit;
} t;

/* A role's state lives as long as its process, and is never given back. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

/* ---- the peers ---------------------------------------------------------------- */
static inline void heard_something(void)
{
	loop_stop(t.run.loop);
}

static inline bool on_verdict(void *arg, struct frame *f)
{
	struct msg_rcpt_verdict m;

	(void)arg;
	assert_true(msg_get_rcpt_verdict(f->body, &m));
	buf_printf(&t.heard, "%d verdict %d route %d account %d\n", (int)f->id,
		m.verdict, m.route, (int)m.account);
	heard_something();
	return true;
}

static inline bool on_login_result(void *arg, struct frame *f)
{
	struct msg_login_result m;

	(void)arg;
	assert_true(msg_get_login_result(f->body, &m));
	buf_printf(&t.heard, "%d login %s token %d account %d %.*s\n",
		(int)f->id, code_word((enum code)m.result), (int)m.token.n,
		(int)m.account, SPAN_ARG(m.address));
	heard_something();
	return true;
}

static inline bool on_routed(void *arg, struct frame *f)
{
	struct msg_routed m;
	struct rec_rcpt r;

	(void)arg;
	assert_true(msg_get_routed(f->body, &m));
	buf_printf(&t.heard, "%d verdict %d alias %d:", (int)f->id, m.verdict,
		m.was_alias);
	while (rec_next_rcpt(&m.targets, &r) == MORE)
		buf_printf(&t.heard, " %d %.*s %d %d", (int)r.idx,
			SPAN_ARG(r.address), r.route, (int)r.account);
	buf_puts(&t.heard, "\n");
	heard_something();
	return true;
}

static inline bool on_local_user_is(void *arg, struct frame *f)
{
	struct msg_local_user_is m;

	(void)arg;
	assert_true(msg_get_local_user_is(f->body, &m));
	buf_printf(&t.heard, "%d local %s account %d domain %.*s\n",
		(int)f->id, code_word((enum code)m.result), (int)m.account,
		SPAN_ARG(m.domain));
	heard_something();
	return true;
}

static inline bool on_sender_verdict(void *arg, struct frame *f)
{
	struct msg_sender_verdict m;

	(void)arg;
	assert_true(msg_get_sender_verdict(f->body, &m));
	buf_printf(&t.heard, "%d sender %s\n", (int)f->id,
		code_word((enum code)m.result));
	heard_something();
	return true;
}

static bool has_to_grant = true;

static inline bool on_grant(void *arg, struct frame *f)
{
	struct msg_granted answer = {0};
	struct msg_grant m;

	(void)arg;
	assert_true(msg_get_grant(f->body, &m));
	assert_int_equal(m.token.n, 16);
	buf_printf(&t.heard, "grant account %d quota %d\n", (int)m.account,
		(int)m.quota);
	if (has_to_grant)
		channel_send(f->from, granted, GRANTED, f->id, &answer, -1);
	else
		heard_something();
	return true;
}

static inline bool on_quota(void *arg, struct frame *f)
{
	struct msg_account_quota m;

	(void)arg;
	assert_true(msg_get_account_quota(f->body, &m));
	buf_printf(&t.heard, "quota %d %d\n", (int)m.account, (int)m.quota);
	return true;
}

static inline bool on_logout(void *arg, struct frame *f)
{
	struct msg_account_logout m;

	(void)arg;
	assert_true(msg_get_account_logout(f->body, &m));
	buf_printf(&t.heard, "logout %d\n", (int)m.account);
	return true;
}

static inline bool on_sender_logout(void *arg, struct frame *f)
{
	struct msg_sender_logout m;

	(void)arg;
	assert_true(msg_get_sender_logout(f->body, &m));
	assert_int_equal(m.account, 1);
	t.sender_logouts++;
	return true;
}

static inline bool on_salted(void *arg, struct frame *f)
{
	struct msg_scram_salted m;

	(void)arg;
	assert_true(msg_get_scram_salted(f->body, &m));
	buf_printf(&t.heard, "%d salted %s %d ", (int)f->id,
		code_word((enum code)m.result), (int)m.rounds);
	hex_put(&t.heard, m.salt);
	heard_something();
	return true;
}

static inline bool on_gone(void *arg, struct frame *f)
{
	struct msg_account_gone m;

	(void)arg;
	assert_true(msg_get_account_gone(f->body, &m));
	buf_printf(&t.heard, "gone %d\n", (int)m.account);
	return true;
}

static inline bool on_facts(void *arg, struct frame *f)
{
	struct msg_account_facts m;

	(void)arg;
	assert_true(msg_get_account_facts(f->body, &m));
	buf_printf(&t.heard, "%d facts %s %d %.*s\n", (int)f->id,
		code_word((enum code)m.result), (int)m.quota,
		SPAN_ARG(m.address));
	heard_something();
	return true;
}

static inline bool on_row(void *arg, struct frame *f)
{
	struct msg_row m;
	struct rec_cell cell;

	(void)arg;
	assert_true(msg_get_row(f->body, &m));
	buf_puts(&t.heard, "row");
	while (rec_next_cell(&m.cells, &cell) == MORE)
		buf_printf(&t.heard, " %.*s", SPAN_ARG(cell.text));
	buf_puts(&t.heard, "\n");
	return true;
}

static inline bool on_end(void *arg, struct frame *f)
{
	struct msg_end m;

	(void)arg;
	assert_true(msg_get_end(f->body, &m));
	buf_printf(&t.heard, "end %d %.*s\n", (int)m.exit, SPAN_ARG(m.text));
	heard_something();
	return true;
}

static const struct frame_handler peer_handlers[] = {
	{MSG_RCPT_VERDICT, on_verdict},
	{MSG_LOGIN_RESULT, on_login_result},
	{MSG_SENDER_VERDICT, on_sender_verdict},
	{MSG_LOCAL_USER_IS, on_local_user_is},
	{MSG_ROUTED, on_routed},
	{MSG_GRANT, on_grant},
	{MSG_ACCOUNT_QUOTA, on_quota},
	{MSG_ACCOUNT_GONE, on_gone},
	{MSG_ACCOUNT_LOGOUT, on_logout},
	{MSG_SENDER_LOGOUT, on_sender_logout},
	{MSG_SCRAM_SALTED, on_salted},
	{MSG_ACCOUNT_FACTS, on_facts},
	{MSG_ROW, on_row},
	{MSG_END, on_end},
	{MSG_NONE, NULL},
};

static inline void peer_is_lost(void *arg, struct channel *c)
{
	(void)arg;
	(void)c;
	fail_msg("the role cut us off");
}

static inline void role_lost(void *arg, struct channel *c)
{
	(void)arg;
	(void)c;
}

static const struct channel_owner peer_owner = {
	.handlers = peer_handlers, .on_lost = peer_is_lost};

/* A pair: the role's end goes into its peers, the other is returned. */
static inline struct channel *join(enum role role)
{
	struct channel_owner owner = {.handlers = role_directory.handlers,
		.on_lost = role_lost, .arg = t.state};
	int fds[2];

	assert_true(channel_pair(fds));
	t.run.peers[role][0] = channel_new(t.run.loop, fds[0], ROLE_DIRECTORY,
		role, 0, &owner);
	return channel_new(t.run.loop, fds[1], role, ROLE_DIRECTORY, 0,
		&peer_owner);
}

/* Hashers as they are, but in this process. */
static inline void join_hashers(void)
{
	const struct channel_owner owner = {.handlers = role_directory.handlers,
		.on_lost = role_lost, .arg = t.state};
	const struct channel_owner hasher = {.handlers = role_hasher.handlers,
		.on_lost = role_lost};
	int fds[2];

	for (uint32_t i = 0; i < HASHERS; i++) {
		assert_true(channel_pair(fds));
		t.run.peers[ROLE_HASHER][i] = channel_new(t.run.loop, fds[0],
			ROLE_DIRECTORY, ROLE_HASHER, i, &owner);
		t.hashers[i] = channel_new(t.run.loop, fds[1], ROLE_HASHER,
			ROLE_DIRECTORY, i, &hasher);
		role_directory.peer_up(t.state, ROLE_HASHER, i);
	}
}

static inline void part_hasher(uint32_t i)
{
	channel_free(t.hashers[i]);
	t.hashers[i] = NULL;
	channel_free(t.run.peers[ROLE_HASHER][i]);
	t.run.peers[ROLE_HASHER][i] = NULL;
}

static inline void part(enum role role, struct channel **peer)
{
	channel_free(*peer);
	*peer = NULL;
	channel_free(t.run.peers[role][0]);
	t.run.peers[role][0] = NULL;
}

/* ---- the frame of a test --------------------------------------------------------- */
static inline void too_late(void *arg)
{
	(void)arg;
	buf_puts(&t.heard, "nothing came\n");
	loop_stop(t.run.loop);
}

/* want NULL: whatever it is, t.said has it. */
static inline void wait_for(const char *want)
{
	loop_run(t.run.loop);
	buf_putc(&t.heard, '\0');
	assert_true(buf_len(&t.heard) <= sizeof(t.said));
	memcpy(t.said, buf_span(&t.heard).p, buf_len(&t.heard));
	if (want != NULL)
		assert_string_equal(t.said, want);
	buf_reset(&t.heard);
}

/* The words, split at blanks, by an administrator. */
static inline void command(const char *line, const char *want)
{
	struct span left = span_str(line);
	struct buf words;
	int fds[2];

	buf_init(&words, 4096);
	while (left.n > 0) {
		struct rec_cell cell = {span_cut(&left, ' ')};

		rec_put_cell(&words, &cell);
	}
	assert_true(channel_pair(fds));
	t.client = channel_new(t.run.loop, fds[1], ROLE_CLI, ROLE_DIRECTORY, 0,
		&peer_owner);
	if (!role_directory.admin_later(t.state, buf_span(&words), fds[0]))
		admin_serve(&t.run, role_directory.admin, t.state, fds[0],
			buf_span(&words));
	buf_clear(&words);
	wait_for(want);
	channel_free(t.client);
}

static inline void add_account(const char *address)
{
	char line[512], want[512];

	(void)snprintf(line, sizeof(line), "account add %s --password-hash=%s",
		address, burger_hash);
	(void)snprintf(want, sizeof(want),
		"row account password\nrow %s \nend 0 \n", address);
	command(line, want);
}

static inline int setup(void **state)
{
	char path[96];
	struct err e;

	(void)state;
	memset(&t, 0, sizeof(t));
	has_to_grant = true;
	(void)snprintf(t.folder, sizeof(t.folder),
		"/tmp/postrider-role-XXXXXX");
	assert_non_null(mkdtemp(t.folder));
	(void)snprintf(path, sizeof(path), "%s/directory", t.folder);
	assert_int_equal(mkdir(path, 0700), 0);
	t.config.data_dir = span_str(t.folder);
	t.config.messages_per_hour = 20;
	t.config.recipients_per_hour = 30;
	t.run.def = &role_directory;
	t.run.loop = loop_new();
	t.run.config = &t.config;
	buf_init(&t.heard, 65536);
	if (role_directory.open(&t.run, &t.state, &e) != OK)
		fail_msg("%s", e.text);
	timer_init(&t.limit, t.run.loop, too_late, NULL);
	timer_arm(&t.limit, 300000); /* against hanging for ever */
	t.front = join(ROLE_FRONT);
	t.queue = join(ROLE_QUEUE);
	t.accounts = join(ROLE_ACCOUNTS);
	join_hashers();
	command("domain add hamburger.edu", "end 0 \n");
	add_account("bob@hamburger.edu");
	return 0;
}

static inline int teardown(void **state)
{
	char line[128];

	(void)state;
	part(ROLE_FRONT, &t.front);
	part(ROLE_QUEUE, &t.queue);
	part(ROLE_ACCOUNTS, &t.accounts);
	for (uint32_t i = 0; i < HASHERS; i++)
		part_hasher(i);
	timer_clear(&t.limit);
	buf_clear(&t.heard);
	for (int i = 0; i < 2; i++) {
		(void)snprintf(line, sizeof(line), "%s/directory/directory.db%s",
			t.folder, i == 0 ? "" : "-wal");
		(void)unlink(line);
	}
	(void)snprintf(line, sizeof(line), "%s/directory", t.folder);
	(void)rmdir(line);
	(void)rmdir(t.folder);
	return 0;
}

static inline void check_rcpt(const char *address, bool may_relay, const char *want)
{
	struct msg_rcpt_check m = {.may_relay = may_relay,
		.address = span_str(address)};

	channel_send(t.front, rcpt_check, RCPT_CHECK, 5, &m, -1);
	wait_for(want);
}

static inline void log_in_to(enum service service, const char *password,
	const char *want)
{
	struct msg_login m = {(uint8_t)service, SPAN("bob@hamburger.edu"),
		span_str(password), SPAN("\x7f\0\0\1")};

	channel_send(t.front, login, LOGIN, 7, &m, -1);
	wait_for(want);
}

static inline void log_in(const char *password, const char *want)
{
	log_in_to(SERVICE_POP3, password, want);
}

/* Made here, so that no hash of a known password stands in the tree. */
static inline void make_hash(void)
{
	struct err e;

	secret_init();
	assert_int_equal(password_hash(SPAN("burger"), burger_hash, &e), OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
