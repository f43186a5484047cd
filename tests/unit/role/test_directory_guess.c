/*
 * test_directory_guess.c - the directory role and those who guess: what a front
 * hears of bans, and how long answers take.
 *
 * Logins are by certificate: they need no hasher.
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

#include "base/network.h"
#include "base/time.h"
#include "role/role.h"
#include "role/roles.h"

#define HASH                                                                   \
	"$argon2id$v=19$m=8,t=1,p=1$"                                          \
	"c29tZXNhbHRzb21lc2FsdA$gHSpmmjpDmIi98V9xNKxkKTPzlEgfl3zPgRmJYoBQbQ"
#define GOOD_PRINT                                                             \
	"6767676767676767676767676767676767676767676767676767676767676767"

static struct {
	char folder[64];
	struct config config;
	struct role_run run;
	void *state;
	struct channel *front;
	struct buf heard; /* a line a message */
	struct buf rows;
	int answers;
	struct timer limit, tick;
} t;

/* A role's state lives as long as its process, and is never given back. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

/* ---- the front ------------------------------------------------------------- */
static bool on_login_result(void *arg, struct frame *f)
{
	struct msg_login_result m;

	(void)arg;
	assert_true(msg_get_login_result(f->body, &m));
	buf_printf(&t.heard, "login %s\n", code_word((enum code)m.result));
	t.answers++;
	loop_stop(t.run.loop);
	return true;
}

static bool on_bans(void *arg, struct frame *f)
{
	struct msg_bans m;
	struct rec_ban row;

	(void)arg;
	assert_true(msg_get_bans(f->body, &m));
	buf_puts(&t.heard, m.is_all ? "all" : "bans");
	while (rec_next_ban(&m.bans, &row) == MORE) {
		char room[NETWORK_TEXT_BYTES];
		struct network n;

		assert_true(network_of(row.ip, row.bits, &n));
		buf_printf(&t.heard, " %.*s %s",
			SPAN_ARG(network_text(&n, room)),
			row.until_ms == 0 ? "lifted"
				: row.until_ms == INT64_MAX ? "for ever"
							    : "for a while");
	}
	buf_puts(&t.heard, "\n");
	loop_stop(t.run.loop);
	return true;
}

/* Of an account that was changed: not what is looked at here. */
static bool on_logout(void *arg, struct frame *f)
{
	(void)arg;
	(void)f;
	return true;
}

static const struct frame_handler front_handlers[] = {
	{MSG_SENDER_LOGOUT, on_logout},
	{MSG_LOGIN_RESULT, on_login_result},
	{MSG_BANS, on_bans},
	{MSG_NONE, NULL},
};

static void lost(void *arg, struct channel *c)
{
	(void)arg;
	(void)c;
	fail_msg("cut off");
}

static void join(void)
{
	const struct channel_owner ours = {.handlers = role_directory.handlers,
		.on_lost = lost, .arg = t.state};
	const struct channel_owner theirs = {.handlers = front_handlers,
		.on_lost = lost};
	int fds[2];

	assert_true(channel_pair(fds));
	t.run.peers[ROLE_FRONT][0] = channel_new(t.run.loop, fds[0],
		ROLE_DIRECTORY, ROLE_FRONT, 0, &ours);
	t.front = channel_new(t.run.loop, fds[1], ROLE_FRONT, ROLE_DIRECTORY,
		0, &theirs);
	role_directory.peer_up(t.state, ROLE_FRONT, 0);
}

static void part(void)
{
	channel_free(t.front);
	channel_free(t.run.peers[ROLE_FRONT][0]);
	t.run.peers[ROLE_FRONT][0] = NULL;
	role_directory.peer_lost(t.state, ROLE_FRONT, 0);
}

/* ---- the frame of a test ----------------------------------------------------- */
static void too_late(void *arg)
{
	(void)arg;
	fail_msg("nothing came");
}

static void on_tick(void *arg)
{
	(void)arg;
	loop_stop(t.run.loop);
}

static void take_row(void *arg, const struct span *cells, size_t count)
{
	(void)arg;
	if (count == 7) /* of ban list */
		buf_printf(&t.rows, "%.*s %.*s\n", SPAN_ARG(cells[0]),
			SPAN_ARG(cells[3]));
}

static void command(const char *line)
{
	const struct admin_out out = {take_row, NULL};
	struct span words[16], left = span_str(line);
	struct err e = {.code = OK};
	size_t count = 0;

	while (left.n > 0)
		words[count++] = span_cut(&left, ' ');
	buf_reset(&t.rows);
	if (role_directory.admin(t.state, words, count, &out, &e) != EXIT_OK)
		fail_msg("%s: %s", line, e.text);
}

/* The front hears that, sooner or later, and nothing else before. */
static void hear(const char *want)
{
	while (buf_len(&t.heard) < strlen(want))
		loop_run(t.run.loop);
	buf_putc(&t.heard, '\0');
	assert_string_equal((const char *)buf_span(&t.heard).p, want);
	buf_reset(&t.heard);
}

/* The front hears that line, sooner or later, whatever else. */
static void hear_of(const char *line)
{
	while (span_find_span(buf_span(&t.heard), span_str(line)) ==
		buf_len(&t.heard))
		loop_run(t.run.loop);
}

static int setup(void **state)
{
	char path[96];
	struct err e;

	(void)state;
	memset(&t, 0, sizeof(t));
	(void)snprintf(t.folder, sizeof(t.folder),
		"/tmp/postrider-guess-XXXXXX");
	assert_non_null(mkdtemp(t.folder));
	(void)snprintf(path, sizeof(path), "%s/directory", t.folder);
	assert_int_equal(mkdir(path, 0700), 0);
	t.config.data_dir = span_str(t.folder);
	t.run.def = &role_directory;
	t.run.loop = loop_new();
	t.run.config = &t.config;
	buf_init(&t.heard, 65536);
	buf_init(&t.rows, 65536);
	if (role_directory.open(&t.run, &t.state, &e) != OK)
		fail_msg("%s", e.text);
	timer_init(&t.limit, t.run.loop, too_late, NULL);
	timer_arm(&t.limit, 300000); /* against hanging for ever */
	timer_init(&t.tick, t.run.loop, on_tick, NULL);
	join();
	hear("all\n");
	command("domain add here.test");
	buf_reset(&t.rows);
	return 0;
}

static int teardown(void **state)
{
	char line[128];

	(void)state;
	part();
	role_directory.stop(t.state);
	timer_clear(&t.limit);
	timer_clear(&t.tick);
	buf_clear(&t.heard);
	buf_clear(&t.rows);
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

static void ask(const char *ip, char print)
{
	struct msg_certificate_login m = {.service = SERVICE_SUBMISSION,
		.user = SPAN("bob@here.test")};
	struct network from;
	uint8_t bytes[32];

	assert_true(network_parse(span_str(ip), &from));
	memset(bytes, print, sizeof(bytes));
	m.ip = network_ip(&from);
	m.fingerprint = span_of(bytes, sizeof(bytes));
	channel_send(t.front, certificate_login, CERTIFICATE_LOGIN, 7, &m, -1);
}

/* How long the answer took, ms. */
static int64_t log_in(const char *ip, char print, const char *want)
{
	int64_t begun_ms = time_mono_ms();

	ask(ip, print);
	hear(want);
	return time_mono_ms() - begun_ms;
}

static void add_bob(void)
{
	command("account add bob@here.test --password-hash=" HASH);
	command("account certificate add bob@here.test " GOOD_PRINT);
}

/* ---- tests -------------------------------------------------------------------- */
static void test_answers_are_held_back(void **state)
{
	(void)state;
	add_bob();
	(void)log_in("192.0.2.9", 'g', "login ok\n");
	for (int i = 0; i < 3; i++)
		(void)log_in("192.0.2.1", 'x', "login denied\n");
	/* the loop's clock may have been read a little before */
	assert_true(log_in("192.0.2.1", 'x', "login denied\n") >= 900);
	assert_true(log_in("192.0.2.1", 'x', "login denied\n") >= 1900);
	/* a success no sooner */
	assert_true(log_in("192.0.2.1", 'g', "login ok\n") >= 1900);
	/* who is known does not wait for that; who comes from there does not */
	(void)log_in("192.0.2.9", 'g', "login ok\n");
	(void)log_in("192.0.2.1", 'g', "login ok\n");
}

static void test_a_ban_is_told_to_all_and_kept(void **state)
{
	(void)state;
	add_bob();
	for (int i = 0; i < 24; i++)
		ask("192.0.2.7", 'x');
	hear_of("bans 192.0.2.7 for a while\n");
	command("ban list");
	buf_putc(&t.rows, '\0');
	assert_string_equal((const char *)buf_span(&t.rows).p,
		"network because_of\n192.0.2.7 failed logins\n");
	/* a front that comes later hears of it; the answers of the one that
	 * went are nobody's */
	part();
	buf_reset(&t.heard);
	join();
	hear("all 192.0.2.7 for a while\n");
	command("ban remove 192.0.2.7");
	hear("bans 192.0.2.7 lifted\n");
	/* and all is forgiven */
	(void)log_in("192.0.2.7", 'x', "login denied\n");
}

/* Somebody is known from there: the door stays open. */
static void test_a_soft_ban_is_not_for_the_door(void **state)
{
	(void)state;
	add_bob();
	(void)log_in("192.0.2.7", 'g', "login ok\n");
	command("account remove bob@here.test");
	for (int i = 0; i < 24; i++)
		ask("192.0.2.7", 'x');
	do {
		timer_arm(&t.tick, 10);
		loop_run(t.run.loop);
		command("ban list");
	} while (span_find_span(buf_span(&t.rows), SPAN("192.0.2.7")) ==
		buf_len(&t.rows));
	command("ban add 198.51.100.0/24");
	hear_of("bans 198.51.100.0/24 for ever\n");
	assert_int_equal(span_find_span(buf_span(&t.heard),
		SPAN("192.0.2.7")), buf_len(&t.heard));
	part();
	buf_reset(&t.heard);
	join();
	hear("all 198.51.100.0/24 for ever\n");
	command("ban list");
	buf_putc(&t.rows, '\0');
	assert_string_equal((const char *)buf_span(&t.rows).p,
		"network because_of\n192.0.2.7 failed logins\n"
		"198.51.100.0/24 administrator\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_answers_are_held_back),
		TEST(test_a_ban_is_told_to_all_and_kept),
		TEST(test_a_soft_ban_is_not_for_the_door),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
