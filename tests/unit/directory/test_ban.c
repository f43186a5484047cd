/*
 * test_ban.c - bans and known networks in directory.db, and the
 * administrator's commands about bans; on a real file.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/time.h"
#include "directory/directory_ban.h"

#define DAY 86400000LL
/* nobody logs in here */
#define HASH                                                                   \
	"$argon2id$v=19$m=8,t=1,p=1$"                                          \
	"c29tZXNhbHRzb21lc2FsdA$gHSpmmjpDmIi98V9xNKxkKTPzlEgfl3zPgRmJYoBQbQ"

static const uint8_t key[GUESS_KEY_BYTES] = "a key that is told to nobody ..";
static char folder[] = "/tmp/postrider-ban-XXXXXX";
static char path[64];
static struct directory *d;
static struct guess *g;
static struct buf rows; /* network and ends; what the listener heard */
static char said[ERR_TEXT_MAX];
static int64_t now;

static void take_row(void *arg, const struct span *cells, size_t count)
{
	(void)arg;
	assert_true(count == 7 || count == 2);
	if (count == 7)
		buf_printf(&rows, "%.*s %.*s %.*s\n", SPAN_ARG(cells[0]),
			SPAN_ARG(cells[1].n > 10 ? SPAN("soon") : cells[1]),
			SPAN_ARG(cells[6]));
}

static enum admin_exit command(const char *line)
{
	const struct admin_out out = {take_row, NULL};
	struct span words[32], left = span_str(line);
	struct err e = {.code = OK};
	enum admin_exit exit;
	size_t count = 0;

	while (left.n > 0)
		words[count++] = span_cut(&left, ' ');
	exit = directory_admin(d, words, count, &out, &e);
	memcpy(said, e.text, sizeof(said));
	return exit;
}

static void command_ok(const char *line)
{
	if (command(line) != EXIT_OK || said[0] != '\0')
		fail_msg("%s: %s", line, said);
}

/* What was written since the last time. */
static void assert_rows(const char *want)
{
	buf_putc(&rows, '\0');
	assert_string_equal((const char *)buf_span(&rows).p, want);
	buf_reset(&rows);
}

static void hear(void *arg, const struct guess_ban *ban)
{
	char room[NETWORK_TEXT_BYTES];

	(void)arg;
	buf_printf(&rows, "heard %.*s %s\n",
		SPAN_ARG(network_text(&ban->network, room)),
		ban->until_ms == 0 ? "lifted"
			: ban->until_ms == GUESS_FOR_EVER ? "for ever"
							  : "for a while");
}

/* A new process on the same file. */
static void open_again(void)
{
	struct err e;

	if (directory_open(path, &d, &e) != OK)
		fail_msg("%s", e.text);
	directory_listen_bans(d, hear, NULL);
	g = guess_new(key);
	if (directory_guess_load(d, g, now, &e) != OK)
		fail_msg("%s", e.text);
}

static void close_it(void)
{
	guess_free(g);
	directory_close(d);
}

static int setup(void **state)
{
	(void)state;
	now = time_wall_ms();
	buf_init(&rows, 10000);
	open_again();
	command_ok("domain add hamburger.edu");
	command_ok("account add bob@hamburger.edu --password-hash=" HASH);
	command_ok("account add ann@hamburger.edu --password-hash=" HASH);
	return 0;
}

static int teardown(void **state)
{
	static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
	char name[80];

	(void)state;
	close_it();
	buf_clear(&rows);
	for (size_t i = 0; i < 4; i++) {
		(void)snprintf(name, sizeof(name), "%s%s", path, ends[i]);
		(void)unlink(name);
	}
	return 0;
}

static struct network net(const char *text)
{
	struct network n;

	assert_true(network_parse(span_str(text), &n));
	return n;
}

static struct guess_word ask(const char *ip, uint64_t account)
{
	struct network from = net(ip);
	struct guess_try t = {.ip = network_ip(&from), .user = SPAN("x"),
		.account = account};

	return guess_ask(g, &t, now);
}

static void save(const struct guess_ban *ban,
	const struct directory_known *known)
{
	const struct directory_guess_news news = {ban, ban != NULL, known,
		known != NULL};
	struct err e;

	if (directory_guess_save(d, &news, &e) != OK)
		fail_msg("%s", e.text);
}

/* ---- what outlives a restart ------------------------------------------------- */
static void test_a_ban_comes_back(void **state)
{
	struct guess_ban ban = {.network = net("192.0.2.1"), .made_ms = now,
		.until_ms = now + DAY, .times = 3};

	(void)state;
	save(&ban, NULL);
	ban.network = net("2001:db8:1:2::/64");
	ban.is_soft = true;
	save(&ban, NULL);
	close_it();
	open_again();
	assert_true(ask("192.0.2.1", 1).is_refused);
	assert_true(ask("2001:db8:1:2:3::4", 1).is_refused);
	command_ok("ban list");
	assert_rows("network ends reason\n192.0.2.1 soon \n"
		    "2001:db8:1:2::/64 soon \n");
}

/* How often is not forgotten when it is over, but a day later. */
static void test_the_next_ban_is_longer(void **state)
{
	struct guess_ban ban = {.network = net("192.0.2.1"), .made_ms = now,
		.until_ms = now + 1000, .times = 3};
	struct guess_walk walk = {0};

	(void)state;
	save(&ban, NULL);
	now += DAY;
	close_it();
	open_again();
	assert_false(ask("192.0.2.1", 1).is_refused);
	assert_int_equal(guess_ban_next(g, &walk)->times, 3);
	now += 2000;
	close_it();
	open_again();
	walk = (struct guess_walk){0};
	assert_null(guess_ban_next(g, &walk));
}

static void test_known_networks_come_back(void **state)
{
	struct network home = net("192.0.2.1");
	struct directory_known known = {1, guess_network(network_ip(&home)),
		now};

	(void)state;
	save(NULL, &known);
	known.account = 7; /* nobody's: removed meanwhile */
	save(NULL, &known);
	close_it();
	open_again();
	assert_true(ask("192.0.2.1", 1).is_known);
	assert_false(ask("192.0.2.1", 2).is_known);
	assert_false(ask("192.0.2.1", 7).is_known);
	now += 31 * DAY;
	close_it();
	open_again();
	now -= 31 * DAY;
	assert_false(ask("192.0.2.1", 1).is_known);
}

static void test_known_networks_are_few(void **state)
{
	struct directory_known known = {.account = 1};
	size_t count = 0;

	(void)state;
	for (uint64_t i = 1; i <= 3 * DIRECTORY_KNOWN_MAX; i++) {
		known.network = 0x0000ffff0a000000ULL + i;
		known.seen_ms = now + (int64_t)i;
		save(NULL, &known);
	}
	close_it();
	open_again();
	for (int i = 1; i <= 3 * DIRECTORY_KNOWN_MAX; i++) {
		char ip[32];

		(void)snprintf(ip, sizeof(ip), "10.0.0.%d", i);
		count += ask(ip, 1).is_known;
	}
	assert_int_equal(count, DIRECTORY_KNOWN_MAX);
	assert_true(ask("10.0.0.96", 1).is_known);
}

static void test_an_account_that_goes_is_known_nowhere(void **state)
{
	struct directory_known known = {1, 77, now};

	(void)state;
	save(NULL, &known);
	command_ok("account remove bob@hamburger.edu");
	save(NULL, &known);
}

/* ---- the administrator ----------------------------------------------------------- */
static void test_add_list_remove(void **state)
{
	(void)state;
	command_ok("ban add 192.0.2.77/24 2001:db8::/32 --reason=spam");
	command_ok("ban add 2001:db9::1 --for=2h");
	assert_rows("heard 192.0.2.0/24 for ever\n"
		    "heard 2001:db8::/32 for ever\n"
		    "heard 2001:db9::1 for a while\n");
	command_ok("ban list");
	assert_rows("network ends reason\n192.0.2.0/24 never spam\n"
		    "2001:db8::/32 never spam\n2001:db9::1 soon \n");
	close_it();
	open_again();
	assert_true(ask("192.0.2.5", 1).is_refused);
	command_ok("ban remove 192.0.2.0/24 2001:db8::/32");
	assert_rows("heard 192.0.2.0/24 lifted\n"
		    "heard 2001:db8::/32 lifted\n");
	close_it();
	open_again();
	assert_false(ask("192.0.2.5", 1).is_refused);
	assert_true(ask("2001:db9::1", 1).is_refused);
}

/* What is made for failed logins neither shortens nor replaces his. */
static void test_an_administrators_ban_stays(void **state)
{
	struct guess_ban ban = {.network = net("192.0.2.1"), .made_ms = now,
		.until_ms = now + 1000, .times = 1};

	(void)state;
	command_ok("ban add 192.0.2.1 --reason=mine");
	buf_reset(&rows);
	save(&ban, NULL);
	command_ok("ban list");
	assert_rows("network ends reason\n192.0.2.1 never mine\n");
	/* and his replaces one for failed logins */
	ban.network = net("192.0.2.2");
	save(&ban, NULL);
	command_ok("ban add 192.0.2.2 --reason=his");
	buf_reset(&rows);
	command_ok("ban list");
	assert_rows("network ends reason\n192.0.2.1 never mine\n"
		    "192.0.2.2 never his\n");
}

static void test_what_is_refused(void **state)
{
	(void)state;
	assert_int_equal(command("ban add 127.0.0.1"), EXIT_DENIED);
	assert_string_equal(said, "127.0.0.1 holds this machine itself "
		"(127.0.0.0/8, ::1), which is never banned; ban a smaller "
		"network");
	assert_int_equal(command("ban add 192.0.2.1 ::/0"), EXIT_DENIED);
	assert_int_equal(command("ban add host"), EXIT_BAD_DATA);
	assert_int_equal(command("ban add 192.0.2.1 --for=0"), EXIT_USAGE);
	assert_int_equal(command("ban add 192.0.2.1 --for=99999d"), EXIT_USAGE);
	assert_int_equal(command("ban add"), EXIT_USAGE);
	assert_int_equal(command("ban remove 192.0.2.1"), EXIT_NO_ADDRESS);
	/* all or nothing, and nobody hears of it */
	command_ok("ban list");
	assert_rows("network ends reason\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_ban_comes_back),
		TEST(test_the_next_ban_is_longer),
		TEST(test_known_networks_come_back),
		TEST(test_known_networks_are_few),
		TEST(test_an_account_that_goes_is_known_nowhere),
		TEST(test_add_list_remove),
		TEST(test_an_administrators_ban_stays),
		TEST(test_what_is_refused),
	};

	int failed;

	if (mkdtemp(folder) == NULL)
		return 1;
	(void)snprintf(path, sizeof(path), "%s/directory.db", folder);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	(void)rmdir(folder);
	return failed;
}
