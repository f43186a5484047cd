/*
 * test_directory_role.c - the directory role between fake peers: what it says
 * to front, queue, accounts and an administrator.
 */
#include "directory_rig.h"

/* ---- tests --------------------------------------------------------------------------- */
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
	struct msg_route m = {.address = span_str(address)};

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

static void check_local(const char *name, const char *want)
{
	const struct msg_local_user m = {span_str(name)};

	channel_send(t.front, local_user, LOCAL_USER, 3, &m, -1);
	wait_for(want);
}

static void test_users_of_the_machine(void **state)
{
	(void)state;
	command("domain add later.example", "end 0 \n");
	add_account("eve@later.example");
	command("alias add root@hamburger.edu bob@hamburger.edu", "end 0 \n");
	check_local("bob", "3 local ok account 1 domain hamburger.edu\n");
	check_local("Bob", "3 local ok account 1 domain hamburger.edu\n");
	check_local("www-data", "3 local ok account 0 domain hamburger.edu\n");
	/* an alias is no account; postmaster is nobody's name here; eve is one
	 * of the younger domain */
	check_local("root", "3 local ok account 0 domain hamburger.edu\n");
	check_local("postmaster",
		"3 local ok account 0 domain hamburger.edu\n");
	check_local("eve", "3 local ok account 0 domain hamburger.edu\n");
	/* no name at all */
	check_local("bob@hamburger.edu", "3 local ok account 0 domain \n");
	check_local("", "3 local ok account 0 domain \n");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_recipients),
		TEST(test_routes),
		TEST(test_a_login_waits_for_its_grant),
		TEST(test_a_login_to_hand_in_mail),
		TEST(test_who_may_send_as_whom),
		TEST(test_users_of_the_machine),
		TEST(test_the_limits_of_an_hour),
		TEST(test_a_login_without_accounts_is_temporary),
		TEST(test_a_front_that_died_is_not_answered),
		TEST(test_a_grant_for_a_front_that_died),
		TEST(test_accounts_hears_of_changes),
		TEST(test_commands_say_what_is_wrong),
	};

	make_hash();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
