#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <malloc.h>
#include <string.h>

#include "directory/guess.h"

#define START_MS 1795000000000LL
#define MINUTE   60000LL
#define HOUR     (60 * MINUTE)
#define DAY      (24 * HOUR)

static const uint8_t key[GUESS_KEY_BYTES] = "a key that is told to nobody ..";

static struct guess *g;
static int64_t now;
static uint32_t fresh; /* a mark that was not there before */

static int setup(void **state)
{
	(void)state;
	g = guess_new(key);
	now = START_MS;
	fresh = 1;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	guess_free(g);
	return 0;
}

static struct network net(const char *text)
{
	struct network n;

	assert_true(network_parse(span_str(text), &n));
	return n;
}

/* bob has account 1, ann 2, and nobody none. */
static struct guess_result settle(const char *ip, const char *user,
	uint32_t mark, enum code verdict)
{
	struct network from = net(ip);
	struct guess_try t = {.ip = network_ip(&from), .user = span_str(user),
		.account = user[0] == 'b' ? 1u : user[0] == 'a' ? 2u : 0u,
		.mark = mark};
	struct guess_result result;

	guess_settle(g, &t, verdict, now, &result);
	return result;
}

static struct guess_word ask(const char *ip, const char *user)
{
	struct network from = net(ip);
	struct guess_try t = {.ip = network_ip(&from), .user = span_str(user),
		.account = user[0] == 'b' ? 1u : user[0] == 'a' ? 2u : 0u};

	return guess_ask(g, &t, now);
}

/* A new wrong password; the seconds of its delay. */
static int64_t fail_s(const char *ip, const char *user)
{
	return settle(ip, user, fresh += 2, DENIED).delay_ms / 1000;
}

static int64_t succeed_s(const char *ip, const char *user)
{
	return settle(ip, user, 0, OK).delay_ms / 1000;
}

/* Fails until a ban comes; after how many, 0: none. */
static int fail_until_ban(const char *ip, const char *user, int tries,
	struct guess_ban *out)
{
	for (int i = 1; i <= tries; i++) {
		struct guess_result r = settle(ip, user, fresh += 2, DENIED);

		if (r.ban != NULL) {
			*out = *r.ban;
			return i;
		}
	}
	return 0;
}

/* ---- of a network --------------------------------------------------------- */
static void test_answers_take_longer_each_time(void **state)
{
	static const int64_t wanted[] = {0, 0, 0, 1, 2, 4, 8, 15, 15, 15};

	(void)state;
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(fail_s("192.0.2.1", i % 2 ? "bob" : "nobody"),
			wanted[i]);
	/* a success is not told earlier than a failure */
	assert_int_equal(succeed_s("192.0.2.1", "ann"), 15);
	/* the neighbour is another */
	assert_int_equal(fail_s("192.0.2.2", "ann"), 0);
}

static void test_failures_fade_by_half(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++)
		fail_s("192.0.2.1", "ann");
	now += 10 * MINUTE; /* 4 and this one */
	assert_int_equal(fail_s("192.0.2.1", "ann"), 2);
	now += 5 * MINUTE; /* 3.75 and this one */
	assert_int_equal(fail_s("192.0.2.1", "ann"), 2);
	now += 6 * HOUR;
	assert_int_equal(fail_s("192.0.2.1", "ann"), 0);
	now += 365 * DAY;
	assert_int_equal(fail_s("192.0.2.1", "ann"), 0);
}

static void test_a_clock_set_back_frees_nobody(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++)
		fail_s("192.0.2.1", "ann");
	now -= 3650 * DAY;
	assert_int_equal(fail_s("192.0.2.1", "ann"), 15);
	now += 20 * MINUTE; /* and does not punish for ten years either */
	assert_int_equal(fail_s("192.0.2.1", "ann"), 0);
}

/* An IPv6 customer has a /64, and is one. */
static void test_a_64_is_one_network(void **state)
{
	char ip[64];
	struct guess_ban ban;

	(void)state;
	for (int i = 0; i < 19; i++) {
		(void)snprintf(ip, sizeof(ip), "2001:db8:1:2:%x::%x", i * 77,
			i + 1);
		assert_int_equal(fail_until_ban(ip, "bob", 1, &ban), 0);
	}
	assert_int_equal(fail_until_ban("2001:db8:1:2::ffff", "bob", 1, &ban),
		1);
	assert_int_equal(ban.network.bits, 64);
	assert_true(ask("2001:db8:1:2:ab::1", "ann").is_refused);
	assert_false(ask("2001:db8:1:3::1", "ann").is_refused);
}

/* One who has a /48 goes through its /64: slower and slower, never banned. */
static void test_many_64_of_one_48(void **state)
{
	char ip[64];
	struct guess_ban ban;
	int64_t delay_s = 0;

	(void)state;
	for (int i = 0; i < 200; i++) {
		(void)snprintf(ip, sizeof(ip), "2001:db8:1:%x::1", i);
		assert_int_equal(fail_until_ban(ip, "nobody", 1, &ban), 0);
		now += 1000;
	}
	(void)snprintf(ip, sizeof(ip), "2001:db8:1:%x::1", 0xff0);
	delay_s = succeed_s(ip, "ann");
	assert_int_equal(delay_s, 15);
	assert_int_equal(succeed_s("2001:db8:2::1", "ann"), 0);
}

/* ---- bans ------------------------------------------------------------------ */
static void test_a_ban_and_how_it_grows(void **state)
{
	static const int64_t minutes[] = {10, 20, 40, 80, 160, 320, 640, 1280,
		1440, 1440};
	struct guess_ban ban;

	(void)state;
	for (size_t i = 0; i < 10; i++) {
		assert_true(fail_until_ban("192.0.2.1", "bob", 20, &ban) > 0);
		assert_int_equal(ban.until_ms - now, minutes[i] * MINUTE);
		assert_int_equal(ban.times, i + 1);
		assert_true(guess_ban_is_at_door(&ban));
		assert_true(ask("192.0.2.1", "ann").is_refused);
		assert_false(ask("192.0.2.2", "ann").is_refused);
		now = ban.until_ms - 1;
		assert_true(ask("192.0.2.1", "ann").is_refused);
		now++;
		guess_sweep(g, now);
		assert_false(ask("192.0.2.1", "ann").is_refused);
	}
	now += DAY;
	guess_sweep(g, now);
	assert_int_equal(fail_until_ban("192.0.2.1", "bob", 30, &ban), 20);
	assert_int_equal(ban.times, 1);
}

/* Many at once are no way round it: what is right comes too late. */
static void test_what_was_under_way_when_the_ban_came(void **state)
{
	struct guess_ban ban;

	(void)state;
	assert_int_equal(succeed_s("192.0.2.1", "ann"), 0);
	assert_false(ask("192.0.2.1", "bob").is_refused);
	assert_int_equal(fail_until_ban("192.0.2.1", "bob", 20, &ban), 20);
	assert_int_equal(settle("192.0.2.1", "bob", 0, OK).verdict, DENIED);
	assert_int_equal(settle("192.0.2.1", "bob", 0, OK).delay_ms, 15000);
	assert_int_equal(settle("192.0.2.1", "ann", 0, OK).verdict, OK);
	assert_int_equal(settle("192.0.2.1", "ann", 0, TEMP).verdict, TEMP);
	now = ban.until_ms;
	assert_int_equal(settle("192.0.2.1", "bob", 0, OK).verdict, OK);
}

static void test_who_goes_first(void **state)
{
	(void)state;
	assert_true(ask("192.0.2.1", "bob").is_fresh);
	succeed_s("192.0.2.1", "bob");
	assert_true(ask("192.0.2.1", "bob").is_known);
	fail_s("192.0.2.1", "ann");
	assert_true(ask("192.0.2.1", "bob").is_known);
	assert_false(ask("192.0.2.1", "ann").is_fresh);
	assert_true(ask("192.0.2.2", "ann").is_fresh);
	now += 2 * HOUR;
	assert_true(ask("192.0.2.1", "ann").is_fresh);
}

static void test_one_ban_is_made_once(void **state)
{
	struct guess_ban ban;

	(void)state;
	assert_int_equal(fail_until_ban("192.0.2.1", "bob", 30, &ban), 20);
	assert_int_equal(fail_until_ban("192.0.2.1", "bob", 30, &ban), 0);
}

static void test_this_machine_is_never_banned(void **state)
{
	static const char *const here[] = {"127.0.0.1", "127.3.2.1", "::1"};
	struct guess_ban ban = {.until_ms = GUESS_FOR_EVER, .is_manual = true};
	struct guess_try nowhere = {.user = SPAN("bob"), .account = 1};
	struct guess_result result;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(fail_until_ban(here[i], "bob", 100, &ban), 0);
		assert_int_equal(fail_s(here[i], "bob"), 15);
		ban.network = net(here[i]);
		assert_false(guess_ban_put(g, &ban));
	}
	ban.network = net("0.0.0.0/0");
	assert_false(guess_ban_put(g, &ban));
	for (int i = 0; i < 100; i++)
		guess_settle(g, &nowhere, DENIED, now, &result);
	assert_null(result.ban);
}

static void test_an_administrators_ban(void **state)
{
	struct guess_ban ban = {.network = net("198.51.100.0/24"),
		.made_ms = START_MS, .until_ms = GUESS_FOR_EVER,
		.is_manual = true};
	struct network n = net("198.51.100.0/24");

	(void)state;
	assert_int_equal(succeed_s("198.51.100.7", "bob"), 0);
	assert_true(guess_ban_put(g, &ban));
	/* of whom he knows, too */
	assert_true(ask("198.51.100.7", "bob").is_refused);
	assert_true(ask("198.51.100.8", "ann").is_refused);
	assert_false(ask("198.51.101.8", "ann").is_refused);
	now += 3650 * DAY;
	guess_sweep(g, now);
	assert_true(ask("198.51.100.8", "ann").is_refused);
	assert_true(guess_ban_take(g, &n));
	assert_false(guess_ban_take(g, &n));
	assert_false(ask("198.51.100.8", "ann").is_refused);
}

static void test_a_ban_that_is_lifted_is_forgiven(void **state)
{
	struct network n = net("192.0.2.1");
	struct guess_ban ban;

	(void)state;
	assert_int_equal(fail_until_ban("192.0.2.1", "ann", 20, &ban), 20);
	assert_true(guess_ban_take(g, &n));
	assert_int_equal(fail_until_ban("192.0.2.1", "bob", 20, &ban), 20);
	assert_int_equal(ban.times, 1);
}

/* Ten years back: no ban lasts longer than the longest. */
static void test_bans_and_a_clock_set_back(void **state)
{
	struct guess_ban ban;

	(void)state;
	assert_true(fail_until_ban("192.0.2.1", "bob", 20, &ban) > 0);
	now -= 3650 * DAY;
	guess_sweep(g, now);
	assert_true(ask("192.0.2.1", "ann").is_refused);
	now += DAY;
	assert_false(ask("192.0.2.1", "ann").is_refused);
}

/* ---- of an account ----------------------------------------------------------- */
static void test_strangers_lock_nobody_out(void **state)
{
	char ip[64];
	int64_t last_s = 0;

	(void)state;
	assert_int_equal(succeed_s("203.0.113.5", "bob"), 0);
	for (int i = 0; i < 5000; i++) {
		int64_t s;

		(void)snprintf(ip, sizeof(ip), "10.%d.%d.%d", i / 60000,
			i / 250, i % 250);
		s = fail_s(ip, "bob");
		assert_true(s >= last_s && s <= 4);
		last_s = s;
	}
	assert_int_equal(last_s, 4);
	/* from a new network a few seconds, from a known one nothing */
	assert_int_equal(succeed_s("203.0.113.99", "bob"), 4);
	assert_int_equal(succeed_s("203.0.113.5", "bob"), 0);
	assert_true(ask("203.0.113.5", "bob").is_known);
	assert_int_equal(fail_s("203.0.113.5", "bob"), 0);
	/* now that is known, too */
	assert_int_equal(succeed_s("203.0.113.99", "bob"), 0);
	assert_int_equal(succeed_s("203.0.113.98", "ann"), 0);
}

/* Delays tell nobody who exists. */
static void test_who_does_not_exist_is_counted_alike(void **state)
{
	char ip[64];

	(void)state;
	for (int i = 0; i < 200; i++) {
		(void)snprintf(ip, sizeof(ip), "10.0.%d.%d", i / 250, i % 250);
		assert_int_equal(fail_s(ip, "bob"), fail_s(ip, "nobody"));
	}
}

/* ---- known networks ------------------------------------------------------------ */
static void test_known_in_the_house_of_a_guesser(void **state)
{
	struct guess_ban ban;

	(void)state;
	assert_int_equal(succeed_s("192.0.2.1", "bob"), 0);
	assert_int_equal(fail_until_ban("192.0.2.1", "ann", 30, &ban), 20);
	assert_true(ban.is_soft);
	assert_false(guess_ban_is_at_door(&ban));
	assert_true(ask("192.0.2.1", "ann").is_refused);
	assert_false(ask("192.0.2.1", "bob").is_refused);
	assert_int_equal(succeed_s("192.0.2.1", "bob"), 0);
	/* his own wrong ones make him wait like anybody */
	assert_int_equal(fail_s("192.0.2.1", "bob"), 0);
	assert_int_equal(fail_s("192.0.2.1", "bob"), 0);
	assert_int_equal(fail_s("192.0.2.1", "bob"), 0);
	assert_int_equal(fail_s("192.0.2.1", "bob"), 1);
	/* and one right one ends that */
	assert_int_equal(succeed_s("192.0.2.1", "bob"), 0);
	assert_int_equal(fail_s("192.0.2.1", "bob"), 0);
}

/* Old passwords in bob's programs do not make ann wait, who is new there. */
static void test_his_own_failures_are_few_for_the_house(void **state)
{
	(void)state;
	assert_int_equal(succeed_s("192.0.2.1", "bob"), 0);
	for (int i = 0; i < 7; i++)
		fail_s("192.0.2.1", "bob");
	assert_int_equal(fail_s("192.0.2.1", "ann"), 0);
	assert_int_equal(fail_s("192.0.2.1", "ann"), 1);
}

/* Who passes a ban makes it no longer. */
static void test_failures_under_a_ban(void **state)
{
	struct guess_ban ban;

	(void)state;
	assert_int_equal(succeed_s("192.0.2.1", "bob"), 0);
	assert_int_equal(fail_until_ban("192.0.2.1", "ann", 30, &ban), 20);
	assert_int_equal(fail_until_ban("192.0.2.1", "bob", 5, &ban), 0);
	now = ban.until_ms;
	assert_false(ask("192.0.2.1", "ann").is_refused);
}

/* Who guesses from the house of somebody does not guess on for ever. */
static void test_trust_ends(void **state)
{
	struct guess_ban ban;
	int tries;

	(void)state;
	assert_int_equal(succeed_s("192.0.2.1", "bob"), 0);
	tries = fail_until_ban("192.0.2.1", "bob", 100, &ban);
	assert_true(tries > 8 && tries <= 30);
	assert_true(ask("192.0.2.1", "bob").is_refused);
	now += 30 * MINUTE;
	assert_true(ask("192.0.2.1", "bob").is_known);
}

static void test_known_for_thirty_days(void **state)
{
	(void)state;
	assert_true(settle("192.0.2.1", "bob", 0, OK).is_new_pair);
	assert_false(settle("192.0.2.1", "bob", 0, OK).is_new_pair);
	now += 23 * HOUR;
	assert_false(settle("192.0.2.1", "bob", 0, OK).is_new_pair);
	now += HOUR;
	assert_true(settle("192.0.2.1", "bob", 0, OK).is_new_pair);
	now += 29 * DAY;
	assert_true(ask("192.0.2.1", "bob").is_known);
	assert_false(ask("192.0.2.1", "ann").is_known);
	now += DAY;
	assert_false(ask("192.0.2.1", "bob").is_known);
}

static void test_known_pairs_come_back(void **state)
{
	struct network n = net("2001:db8::77");

	(void)state;
	guess_known_put(g, 1, guess_network(network_ip(&n)), now - DAY);
	guess_known_put(g, 0, guess_network(network_ip(&n)), now);
	assert_true(ask("2001:db8::1", "bob").is_known);
	assert_false(ask("2001:db8::1", "nobody").is_known);
	assert_false(ask("2001:db8:0:1::1", "bob").is_known);
}

static void test_networks_have_numbers(void **state)
{
	struct network v4 = net("192.0.2.1"), v6 = net("2001:db8:1:2::1");

	(void)state;
	assert_int_equal(guess_network(network_ip(&v4)), 0x0000ffffc0000201);
	assert_int_equal(guess_network(network_ip(&v6)), 0x20010db800010002);
	assert_true(guess_network(SPAN_EMPTY) == 0x0000ffff7f000001);
	v6 = net("::");
	assert_true(guess_network(network_ip(&v6)) != 0);
}

/* ---- the same password again --------------------------------------------------- */
static void test_an_old_password_is_one_guess(void **state)
{
	uint32_t old = guess_mark(g, SPAN("bob"), SPAN("summer"));

	(void)state;
	assert_true(old != 0);
	assert_int_equal(old, guess_mark(g, SPAN("bob"), SPAN("summer")));
	assert_true(old != guess_mark(g, SPAN("bob"), SPAN("winter")));
	assert_true(old != guess_mark(g, SPAN("ann"), SPAN("summer")));
	assert_true(guess_mark(g, SPAN("bo"), SPAN("bsummer")) != old);
	/* a telephone that asks each minute, all night */
	for (int i = 0; i < 600; i++) {
		struct guess_result r = settle("192.0.2.1", "bob", old, DENIED);

		assert_int_equal(r.delay_ms, 0);
		assert_null(r.ban);
		now += MINUTE;
	}
	assert_int_equal(fail_s("192.0.2.1", "bob"), 0);
}

/* But a thousand at once are no telephone. */
static void test_a_flood_of_one_password(void **state)
{
	int n = 1;

	(void)state;
	while (settle("192.0.2.1", "bob", 9, DENIED).ban == NULL)
		n++;
	assert_in_range(n, 200, 400);
}

static void test_our_own_trouble_is_nobodys_failure(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++)
		assert_int_equal(settle("192.0.2.1", "bob", fresh += 2, TEMP)
			.delay_ms, 0);
	assert_int_equal(fail_s("192.0.2.1", "bob"), 0);
}

/* ---- memory ---------------------------------------------------------------------- */
static void test_a_million_sources(void **state)
{
	struct mallinfo2 before = mallinfo2();
	struct guess_ban ban;

	(void)state;
	for (int i = 0; i < 15; i++)
		fail_s("192.0.2.1", "ann");
	for (uint32_t i = 0; i < 1000000; i++) {
		uint8_t ip[4] = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8),
			(uint8_t)i};
		uint8_t name[4] = {'n', ip[1], ip[2], ip[3]};
		struct guess_try t = {.ip = span_of(ip, 4),
			.user = span_of(name, 4), .mark = i | 1};
		struct guess_result r;

		guess_settle(g, &t, DENIED, now, &r);
		assert_null(r.ban);
	}
	assert_int_equal(mallinfo2().uordblks, before.uordblks);
	assert_int_equal(mallinfo2().hblkhd, before.hblkhd);
	/* and who failed often is not forgotten for it */
	assert_in_range(fail_until_ban("192.0.2.1", "ann", 20, &ban), 4, 5);
}

static void test_bans_are_bounded(void **state)
{
	struct guess_ban ban = {.network = net("198.51.100.0/24"),
		.until_ms = START_MS + 1, .is_manual = true};
	struct guess_walk walk = {0};
	size_t count = 0;

	(void)state;
	assert_true(guess_ban_put(g, &ban));
	ban.is_manual = false;
	ban.network = net("10.0.0.0");
	for (uint32_t i = 0; i < GUESS_BANS_MAX + 50; i++) {
		ban.network.ip[2] = (uint8_t)(i >> 8);
		ban.network.ip[3] = (uint8_t)i;
		ban.network.ip[1] = (uint8_t)(i >> 16);
		ban.until_ms = START_MS + 1000 + i;
		assert_true(guess_ban_put(g, &ban));
	}
	while (guess_ban_next(g, &walk) != NULL)
		count++;
	assert_int_equal(count, GUESS_BANS_MAX);
	assert_true(ask("198.51.100.1", "ann").is_refused);
	assert_false(ask("10.0.0.0", "ann").is_refused);
	assert_true(ask("10.0.128.0", "ann").is_refused);
}

/* One account with networks without end pushes out its own, not others'. */
static void test_known_pairs_are_bounded(void **state)
{
	(void)state;
	for (uint64_t account = 100; account < 4000; account++)
		guess_known_put(g, account, 7, now);
	for (uint64_t i = 0; i < 1000000; i++)
		guess_known_put(g, 1, i + 1, now + (int64_t)i);
	for (uint64_t account = 100; account < 4000; account++) {
		struct guess_try t = {.ip = SPAN("\0\0\0\0\0\0\0\7"
			"\0\0\0\0\0\0\0\1"), .user = SPAN("x"),
			.account = account};

		assert_true(guess_ask(g, &t, now).is_known);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_answers_take_longer_each_time),
		TEST(test_failures_fade_by_half),
		TEST(test_a_clock_set_back_frees_nobody),
		TEST(test_a_64_is_one_network),
		TEST(test_many_64_of_one_48),
		TEST(test_a_ban_and_how_it_grows),
		TEST(test_what_was_under_way_when_the_ban_came),
		TEST(test_who_goes_first),
		TEST(test_one_ban_is_made_once),
		TEST(test_this_machine_is_never_banned),
		TEST(test_an_administrators_ban),
		TEST(test_a_ban_that_is_lifted_is_forgiven),
		TEST(test_bans_and_a_clock_set_back),
		TEST(test_strangers_lock_nobody_out),
		TEST(test_who_does_not_exist_is_counted_alike),
		TEST(test_known_in_the_house_of_a_guesser),
		TEST(test_his_own_failures_are_few_for_the_house),
		TEST(test_failures_under_a_ban),
		TEST(test_trust_ends),
		TEST(test_known_for_thirty_days),
		TEST(test_known_pairs_come_back),
		TEST(test_networks_have_numbers),
		TEST(test_an_old_password_is_one_guess),
		TEST(test_a_flood_of_one_password),
		TEST(test_our_own_trouble_is_nobodys_failure),
		TEST(test_a_million_sources),
		TEST(test_bans_are_bounded),
		TEST(test_known_pairs_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
