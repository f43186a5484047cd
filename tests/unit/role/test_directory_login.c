/*
 * test_directory_login.c - the directory role between fake peers: every way to
 * log in, and what a changed password is followed by.
 */
#include "directory_rig.h"

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

/* A07: whatever comes in between, each answer is about the account that was
 * asked for, also where two have the same password. */
static void test_no_login_is_mixed_up(void **state)
{
	static const char *const users[] = {"bob", "eve", "nobody", "bob"};
	static const char *const passwords[] = {"burger", "burger", "burger",
		"pickle"};
	unsigned answered = 0;
	char want[96];

	(void)state;
	add_account("eve@hamburger.edu");
	for (unsigned i = 0; i < 12; i++) {
		struct msg_login m = {SERVICE_SUBMISSION,
			span_str(users[i % 4]), span_str(passwords[i % 4]),
			SPAN("\x7f\0\0\1")};

		channel_send(t.front, login, LOGIN, 1000 + i, &m, -1);
	}
	while (answered < 12) {
		wait_for(NULL);
		for (unsigned i = 0; i < 12; i++) {
			static const char *const ends[] = {
				"ok token 0 account 1 bob@hamburger.edu\n",
				"ok token 0 account 2 eve@hamburger.edu\n",
				"denied token 0 account 0 \n",
				"denied token 0 account 0 \n"};

			(void)snprintf(want, sizeof(want), "%u login ",
				1000 + i);
			if (strstr(t.said, want) == NULL)
				continue;
			answered++;
			(void)snprintf(want, sizeof(want), "%u login %s",
				1000 + i, ends[i % 4]);
			if (strstr(t.said, want) == NULL)
				fail_msg("%s: %s", want, t.said);
		}
	}
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
	assert_int_equal(t.sender_logouts, 1);
	assert_non_null(strstr(t.said,
		"7 login denied token 0 account 0 \n"));
	log_in_as("bob", "pickle",
		"7 login ok token 0 account 1 bob@hamburger.edu\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nobody_is_denied),
		TEST(test_who_needs_no_hasher),
		TEST(test_a_login_by_certificate),
		TEST(test_scram_begins_for_everybody),
		TEST(test_recipients_go_past_logins),
		TEST(test_no_login_is_mixed_up),
		TEST(test_a_new_password_ends_sessions),
	};

	make_hash();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
