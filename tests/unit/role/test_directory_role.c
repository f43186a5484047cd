/*
 * test_directory_role.c - the directory role between fake peers: what it says
 * to front, queue, accounts and an administrator.
 *
 * The peers are channels in the same process and the same loop; each test asks,
 * lets the loop run until the answer came, and looks at it.
 */
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
static void heard_something(void)
{
	loop_stop(t.run.loop);
}

static bool on_verdict(void *arg, struct frame *f)
{
	struct msg_rcpt_verdict m;

	(void)arg;
	assert_true(msg_get_rcpt_verdict(f->body, &m));
	buf_printf(&t.heard, "%d verdict %d route %d account %d\n", (int)f->id,
		m.verdict, m.route, (int)m.account);
	heard_something();
	return true;
}

static bool on_login_result(void *arg, struct frame *f)
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

static bool on_routed(void *arg, struct frame *f)
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

static bool on_sender_verdict(void *arg, struct frame *f)
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

static bool on_grant(void *arg, struct frame *f)
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

static bool on_quota(void *arg, struct frame *f)
{
	struct msg_account_quota m;

	(void)arg;
	assert_true(msg_get_account_quota(f->body, &m));
	buf_printf(&t.heard, "quota %d %d\n", (int)m.account, (int)m.quota);
	return true;
}

static bool on_logout(void *arg, struct frame *f)
{
	struct msg_account_logout m;

	(void)arg;
	assert_true(msg_get_account_logout(f->body, &m));
	buf_printf(&t.heard, "logout %d\n", (int)m.account);
	return true;
}

static bool on_salted(void *arg, struct frame *f)
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

static bool on_gone(void *arg, struct frame *f)
{
	struct msg_account_gone m;

	(void)arg;
	assert_true(msg_get_account_gone(f->body, &m));
	buf_printf(&t.heard, "gone %d\n", (int)m.account);
	return true;
}

static bool on_facts(void *arg, struct frame *f)
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

static bool on_row(void *arg, struct frame *f)
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

static bool on_end(void *arg, struct frame *f)
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
	{MSG_ROUTED, on_routed},
	{MSG_GRANT, on_grant},
	{MSG_ACCOUNT_QUOTA, on_quota},
	{MSG_ACCOUNT_GONE, on_gone},
	{MSG_ACCOUNT_LOGOUT, on_logout},
	{MSG_SCRAM_SALTED, on_salted},
	{MSG_ACCOUNT_FACTS, on_facts},
	{MSG_ROW, on_row},
	{MSG_END, on_end},
	{MSG_NONE, NULL},
};

static void peer_is_lost(void *arg, struct channel *c)
{
	(void)arg;
	(void)c;
	fail_msg("the role cut us off");
}

static void role_lost(void *arg, struct channel *c)
{
	(void)arg;
	(void)c;
}

static const struct channel_owner peer_owner = {
	.handlers = peer_handlers, .on_lost = peer_is_lost};

/* A pair: the role's end goes into its peers, the other is returned. */
static struct channel *join(enum role role)
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
static void join_hashers(void)
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

static void part_hasher(uint32_t i)
{
	channel_free(t.hashers[i]);
	t.hashers[i] = NULL;
	channel_free(t.run.peers[ROLE_HASHER][i]);
	t.run.peers[ROLE_HASHER][i] = NULL;
}

static void part(enum role role, struct channel **peer)
{
	channel_free(*peer);
	*peer = NULL;
	channel_free(t.run.peers[role][0]);
	t.run.peers[role][0] = NULL;
}

/* ---- the frame of a test --------------------------------------------------------- */
static void too_late(void *arg)
{
	(void)arg;
	buf_puts(&t.heard, "nothing came\n");
	loop_stop(t.run.loop);
}

/* want NULL: whatever it is, t.said has it. */
static void wait_for(const char *want)
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
static void command(const char *line, const char *want)
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

static void add_account(const char *address)
{
	char line[512], want[512];

	(void)snprintf(line, sizeof(line), "account add %s --password-hash=%s",
		address, burger_hash);
	(void)snprintf(want, sizeof(want),
		"row account password\nrow %s \nend 0 \n", address);
	command(line, want);
}

static int setup(void **state)
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

static int teardown(void **state)
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

/* ---- tests --------------------------------------------------------------------------- */
static void check_rcpt(const char *address, bool may_relay, const char *want)
{
	struct msg_rcpt_check m = {.may_relay = may_relay,
		.address = span_str(address)};

	channel_send(t.front, rcpt_check, RCPT_CHECK, 5, &m, -1);
	wait_for(want);
}

static void test_recipients(void **state)
{
	struct msg_account_full full = {1, 1, 99};

	(void)state;
	check_rcpt("bob@hamburger.edu", false,
		"5 verdict 0 route 1 account 1\n");
	check_rcpt("bo@hamburger.edu", true, "5 verdict 1 route 0 account 0\n");
	check_rcpt("x@example.org", false, "5 verdict 2 route 2 account 0\n");
	check_rcpt("x@example.org", true, "5 verdict 0 route 2 account 0\n");
	check_rcpt("x@.org", true, "5 verdict 5 route 0 account 0\n");
	channel_send(t.accounts, account_full, ACCOUNT_FULL, 0, &full, -1);
	check_rcpt("nobody@hamburger.edu", false,
		"5 verdict 1 route 0 account 0\n");
	check_rcpt("bob@hamburger.edu", false,
		"5 verdict 3 route 1 account 1\n");
}

static void ask_route(const char *address, const char *want)
{
	struct msg_route m = {span_str(address)};

	channel_send(t.queue, route, ROUTE, 6, &m, -1);
	wait_for(want);
}

static void test_routes(void **state)
{
	(void)state;
	command("alias add all@hamburger.edu bob@hamburger.edu x@example.org",
		"end 0 \n");
	ask_route("all@hamburger.edu", "6 verdict 0 alias 1: "
		"0 bob@hamburger.edu 1 1 1 x@example.org 2 0\n");
	ask_route("bob@hamburger.edu",
		"6 verdict 0 alias 0: 0 bob@hamburger.edu 1 1\n");
	ask_route("x@example.org",
		"6 verdict 0 alias 0: 0 x@example.org 2 0\n");
	ask_route("bo@hamburger.edu", "6 verdict 1 alias 0:\n");
	check_rcpt("all@hamburger.edu", false,
		"5 verdict 0 route 3 account 0\n");
}

static void log_in_to(enum service service, const char *password,
	const char *want)
{
	struct msg_login m = {(uint8_t)service, SPAN("bob@hamburger.edu"),
		span_str(password), SPAN("\x7f\0\0\1")};

	channel_send(t.front, login, LOGIN, 7, &m, -1);
	wait_for(want);
}

static void log_in(const char *password, const char *want)
{
	log_in_to(SERVICE_POP3, password, want);
}

static void test_a_login_waits_for_its_grant(void **state)
{
	(void)state;
	log_in("burger", "grant account 1 quota 0\n7 login ok token 16 "
		"account 1 bob@hamburger.edu\n");
	log_in("pickle", "7 login denied token 0 account 0 \n");
}

/* Nothing is attached: accounts has nothing to note. */
static void test_a_login_to_hand_in_mail(void **state)
{
	static const enum service services[] = {SERVICE_SMTP,
		SERVICE_SUBMISSION, SERVICE_SUBMISSIONS};

	(void)state;
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		log_in_to(services[i], "burger",
			"7 login ok token 0 account 1 bob@hamburger.edu\n");
	log_in_to(SERVICE_SUBMISSION, "pickle",
		"7 login denied token 0 account 0 \n");
}

static void check_sender(uint64_t account, const char *address,
	const char *want)
{
	const struct msg_sender_check m = {account, 1, span_str(address)};

	channel_send(t.front, sender_check, SENDER_CHECK, 4, &m, -1);
	wait_for(want);
}

/* RFC 6409 6.1 */
static void test_who_may_send_as_whom(void **state)
{
	(void)state;
	add_account("eve@hamburger.edu");
	command("alias add sales@hamburger.edu shop@hamburger.edu",
		"end 1 there is no shop@hamburger.edu yet; add it, or its "
		"senders will be told that there is nobody\n");
	command("alias add shop@hamburger.edu bob@hamburger.edu x@example.org",
		"end 0 \n");
	check_sender(1, "bob@hamburger.edu", "4 sender ok\n");
	check_sender(1, "\"BOB\"@Hamburger.EDU", "4 sender ok\n");
	check_sender(1, "shop@hamburger.edu", "4 sender ok\n");
	check_sender(1, "sales@hamburger.edu", "4 sender ok\n");
	check_sender(1, "", "4 sender ok\n");
	check_sender(1, "eve@hamburger.edu", "4 sender denied\n");
	check_sender(2, "shop@hamburger.edu", "4 sender denied\n");
	check_sender(1, "nobody@hamburger.edu", "4 sender denied\n");
	check_sender(1, "x@example.org", "4 sender denied\n");
	check_sender(1, "bob", "4 sender denied\n");
	/* the account went while its session lives */
	check_sender(7, "", "4 sender denied\n");
	check_sender(0, "bob@hamburger.edu", "4 sender denied\n");
}

/* What is refused does not count; nor what no account sends. */
static void test_the_limits_of_an_hour(void **state)
{
	struct msg_rcpt_check m = {.account = 1,
		.address = SPAN("nobody@hamburger.edu")};

	(void)state;
	for (int i = 0; i < 20; i++) {
		check_sender(1, "eve@hamburger.edu", "4 sender denied\n");
		check_sender(1, "bob@hamburger.edu", "4 sender ok\n");
	}
	check_sender(1, "bob@hamburger.edu", "4 sender limit\n");
	for (int i = 0; i < 60; i++) {
		m.address = i % 2 == 0 ? SPAN("nobody@hamburger.edu")
				       : SPAN("bob@hamburger.edu");
		channel_send(t.front, rcpt_check, RCPT_CHECK, 5, &m, -1);
		wait_for(i % 2 == 0 ? "5 verdict 1 route 0 account 0\n"
				    : "5 verdict 0 route 1 account 1\n");
	}
	channel_send(t.front, rcpt_check, RCPT_CHECK, 5, &m, -1);
	wait_for("5 verdict 6 route 1 account 1\n");
	check_rcpt("bob@hamburger.edu", false,
		"5 verdict 0 route 1 account 1\n");
}

static void test_a_login_without_accounts_is_temporary(void **state)
{
	(void)state;
	has_to_grant = false;
	log_in("burger", "grant account 1 quota 0\n");
	part(ROLE_ACCOUNTS, &t.accounts);
	role_directory.peer_lost(t.state, ROLE_ACCOUNTS, 0);
	wait_for("7 login temp token 0 account 0 \n");
	log_in("burger", "7 login temp token 0 account 0 \n");
}

static void test_a_front_that_died_is_not_answered(void **state)
{
	(void)state;
	has_to_grant = false;
	log_in("burger", "grant account 1 quota 0\n");
	part(ROLE_FRONT, &t.front);
	role_directory.peer_lost(t.state, ROLE_FRONT, 0);
	t.front = join(ROLE_FRONT);
	part(ROLE_ACCOUNTS, &t.accounts);
	role_directory.peer_lost(t.state, ROLE_ACCOUNTS, 0);
	/* the new front gets the answer to its own question only */
	check_rcpt("bob@hamburger.edu", false,
		"5 verdict 0 route 1 account 1\n");
}

/* It is no fault of accounts, which must not be cut off for it. */
static void test_a_grant_for_a_front_that_died(void **state)
{
	const struct msg_granted granted = {0};
	const struct msg_account_info ask = {1};

	(void)state;
	has_to_grant = false;
	log_in("burger", "grant account 1 quota 0\n");
	part(ROLE_FRONT, &t.front);
	role_directory.peer_lost(t.state, ROLE_FRONT, 0);
	channel_send(t.accounts, granted, GRANTED, 1, &granted, -1);
	channel_send(t.accounts, account_info, ACCOUNT_INFO, 9, &ask, -1);
	wait_for("9 facts ok 0 bob@hamburger.edu\n");
	t.front = join(ROLE_FRONT);
}

static void test_accounts_hears_of_changes(void **state)
{
	struct msg_account_info m = {1};

	(void)state;
	command("account quota bob@hamburger.edu 1K",
		"quota 1 1024\nend 0 \n");
	channel_send(t.accounts, account_info, ACCOUNT_INFO, 8, &m, -1);
	wait_for("8 facts ok 1024 bob@hamburger.edu\n");
	command("account remove bob@hamburger.edu", "gone 1\nend 0 \n");
	channel_send(t.accounts, account_info, ACCOUNT_INFO, 8, &m, -1);
	wait_for("8 facts not-found 0 \n");
	part(ROLE_ACCOUNTS, &t.accounts);
	t.accounts = join(ROLE_ACCOUNTS);
	role_directory.peer_up(t.state, ROLE_ACCOUNTS, 0);
	check_rcpt("x@example.org", false,
		"gone 1\n5 verdict 2 route 2 account 0\n");
}

static void test_commands_say_what_is_wrong(void **state)
{
	(void)state;
	command("account add bob@hamburger.ed",
		"row account password\nend 67 hamburger.ed is not one of your "
		"domains; did you mean hamburger.edu?\n");
	command("account list", "row account number quota used full\n"
		"row bob@hamburger.edu 1 none 0 no\nend 0 \n");
}

/* ---- other ways to log in ------------------------------------------------------------- */
static void log_in_as(const char *user, const char *password,
	const char *want)
{
	struct msg_login m = {SERVICE_SUBMISSION, span_str(user),
		span_str(password), SPAN("\x7f\0\0\1")};

	channel_send(t.front, login, LOGIN, 7, &m, -1);
	wait_for(want);
}

static void test_nobody_is_denied(void **state)
{
	char long_one[PASSWORD_BYTES_MAX + 2];

	(void)state;
	memset(long_one, 'x', sizeof(long_one));
	long_one[sizeof(long_one) - 1] = '\0';
	log_in_as("nobody@hamburger.edu", "burger",
		"7 login denied token 0 account 0 \n");
	log_in_as("", "burger", "7 login denied token 0 account 0 \n");
	log_in_as("\xff", "burger", "7 login denied token 0 account 0 \n");
	log_in_as("bob", "", "7 login denied token 0 account 0 \n");
	log_in_as("bob", long_one, "7 login denied token 0 account 0 \n");
	/* the only domain */
	log_in_as("bob", "burger",
		"7 login ok token 0 account 1 bob@hamburger.edu\n");
}

/* Without hashers nobody can be denied, and somebody with an app password gets
 * in. */
static void test_who_needs_no_hasher(void **state)
{
	struct span row, word;
	char password[32], want[96];

	(void)state;
	command("account app-password add bob@hamburger.edu phone --only=smtp",
		NULL);
	row = span_of(t.said, strlen(t.said));
	(void)span_cut(&row, '\n');
	word = span_cut(&row, '\n');
	(void)snprintf(want, sizeof(want), "row bob@hamburger.edu phone ");
	assert_true(span_starts(word, span_str(want)));
	word = span_tail(word, strlen(want));
	assert_int_equal(word.n, 24);
	memcpy(password, word.p, word.n);
	password[word.n] = '\0';
	for (uint32_t i = 0; i < HASHERS; i++) {
		part_hasher(i);
		role_directory.peer_lost(t.state, ROLE_HASHER, i);
	}
	log_in_as("bob", password,
		"7 login ok token 0 account 1 bob@hamburger.edu\n");
}

static void test_a_login_by_certificate(void **state)
{
	uint8_t fingerprint[32] = {0x10};
	struct msg_certificate_login m = {SERVICE_POP3, SPAN_EMPTY,
		SPAN("\x7f\0\0\1"), span_of(fingerprint, 32)};

	(void)state;
	command("account certificate add bob@hamburger.edu 10000000000000000000"
		"00000000000000000000000000000000000000000000", "end 0 \n");
	channel_send(t.front, certificate_login, CERTIFICATE_LOGIN, 7, &m, -1);
	wait_for("grant account 1 quota 0\n7 login ok token 16 "
		"account 1 bob@hamburger.edu\n");
	m.service = SERVICE_SUBMISSION;
	m.user = SPAN("eve@hamburger.edu");
	channel_send(t.front, certificate_login, CERTIFICATE_LOGIN, 7, &m, -1);
	wait_for("7 login denied token 0 account 0 \n");
}

static void ask_salt(const char *user, char out[64])
{
	const struct msg_scram_salt m = {0, span_str(user), SPAN_EMPTY};

	channel_send(t.front, scram_salt, SCRAM_SALT, 3, &m, -1);
	wait_for(NULL);
	memcpy(out, t.said, 64);
}

static void test_scram_begins_for_everybody(void **state)
{
	char bob[64], nobody[64], again[64];
	uint8_t zero[32] = {0};
	struct msg_scram_proof m = {SERVICE_POP3, 0,
		SPAN("bob@hamburger.edu"), SPAN_EMPTY, SPAN("text"),
		span_of(zero, sizeof(zero))};

	(void)state;
	ask_salt("bob@hamburger.edu", bob);
	ask_salt("nobody@hamburger.edu", nobody);
	ask_salt("Nobody@hamburger.edu", again);
	assert_string_equal(nobody, again);
	assert_string_not_equal(bob, nobody);
	assert_memory_equal(bob, "3 salted ok 100000 ", 19);
	channel_send(t.front, scram_proof, SCRAM_PROOF, 7, &m, -1);
	wait_for("7 login denied token 0 account 0 \n");
	m.user = SPAN("nobody@hamburger.edu");
	m.is_sha1 = 1;
	channel_send(t.front, scram_proof, SCRAM_PROOF, 7, &m, -1);
	wait_for("7 login denied token 0 account 0 \n");
}

/* Recipients do not wait for hashers: these have not begun when the answer to
 * the recipient is there.  A06 */
static void test_recipients_go_past_logins(void **state)
{
	struct msg_login m = {SERVICE_SUBMISSION, SPAN("bob@hamburger.edu"),
		SPAN("burger"), SPAN("\x7f\0\0\1")};
	unsigned in = 0, later = 0;

	(void)state;
	/* the first makes the keys of SCRAM */
	log_in_as("bob", "burger",
		"7 login ok token 0 account 1 bob@hamburger.edu\n");
	for (unsigned i = 0; i < 100; i++)
		channel_send(t.front, login, LOGIN, 100 + i, &m, -1);
	check_rcpt("x@example.org", false, NULL);
	assert_non_null(strstr(t.said, "5 verdict 2 route 2 account 0\n"));
	assert_null(strstr(t.said, "login ok"));
	/* each is answered, once: let in, or too many wait */
	for (;;) {
		for (const char *at = t.said; (at = strstr(at, " login ")) !=
			NULL; at++) {
			in += strncmp(at, " login ok", 9) == 0;
			later += strncmp(at, " login temp", 11) == 0;
		}
		if (in + later == 100)
			break;
		wait_for(NULL);
	}
	assert_true(in > 0 && in <= HASH_WAITING_MAX + HASHERS);
	log_in("burger", "grant account 1 quota 0\n7 login ok token 16 "
		"account 1 bob@hamburger.edu\n");
}

static void test_a_new_password_ends_sessions(void **state)
{
	bool was_told;

	(void)state;
	command("account password bob@hamburger.edu --password=pickle", NULL);
	assert_non_null(strstr(t.said, "row account password\n"
		"row bob@hamburger.edu \nend 0 \n"));
	was_told = strstr(t.said, "logout 1\n") != NULL;
	log_in_as("bob", "burger", NULL);
	assert_true(was_told || strstr(t.said, "logout 1\n") != NULL);
	assert_non_null(strstr(t.said,
		"7 login denied token 0 account 0 \n"));
	log_in_as("bob", "pickle",
		"7 login ok token 0 account 1 bob@hamburger.edu\n");
}

/* Made here, so that no hash of a known password stands in the tree. */
static void make_hash(void)
{
	struct err e;

	secret_init();
	assert_int_equal(password_hash(SPAN("burger"), burger_hash, &e), OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_recipients),
		TEST(test_routes),
		TEST(test_a_login_waits_for_its_grant),
		TEST(test_a_login_to_hand_in_mail),
		TEST(test_who_may_send_as_whom),
		TEST(test_the_limits_of_an_hour),
		TEST(test_a_login_without_accounts_is_temporary),
		TEST(test_a_front_that_died_is_not_answered),
		TEST(test_a_grant_for_a_front_that_died),
		TEST(test_accounts_hears_of_changes),
		TEST(test_commands_say_what_is_wrong),
		TEST(test_nobody_is_denied),
		TEST(test_who_needs_no_hasher),
		TEST(test_a_login_by_certificate),
		TEST(test_scram_begins_for_everybody),
		TEST(test_recipients_go_past_logins),
		TEST(test_a_new_password_ends_sessions),
	};

	make_hash();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
