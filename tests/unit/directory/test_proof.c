/*
 * test_proof.c - who may log in without saying a password: SCRAM, client
 * certificates; and new passwords that are hashed elsewhere.
 */
#include "credential_rig.h"

/* ---- SCRAM ------------------------------------------------------------------------------ */
static void test_scram(void **state)
{
	char phone[32], printer[32];

	(void)state;
	/* of a hash alone nothing can be proved */
	assert_int_equal(prove(BOB, "burger", DIRECTORY_POP3), DENIED);
	assert_int_equal(login(BOB, "burger", DIRECTORY_POP3), OK);
	assert_int_equal(prove(BOB, "burger", DIRECTORY_POP3), OK);
	assert_int_equal(prove("BOB@hamburger.EDU", "burger", DIRECTORY_SMTP),
		OK);
	assert_int_equal(prove(BOB, "burger", 0), DENIED);
	assert_int_equal(prove(BOB, "pickle", DIRECTORY_POP3), DENIED);
	assert_int_equal(prove(ALICE, "burger", DIRECTORY_POP3), DENIED);
	assert_int_equal(prove("nobody@crepes.fr", "burger", DIRECTORY_POP3),
		DENIED);
	/* the proof of one hash is none of the other */
	assert_int_equal(prove_in(BOB, "burger", DIRECTORY_POP3, SCRAM_SHA_1),
		DENIED);
	add_app(BOB, "phone", phone);
	add_app(BOB, "printer --only=smtp", printer);
	assert_int_equal(prove(BOB, phone, DIRECTORY_POP3), OK);
	assert_int_equal(prove(BOB, printer, DIRECTORY_SMTP), OK);
	assert_int_equal(prove(BOB, printer, DIRECTORY_POP3), DENIED);
	assert_int_equal(prove(BOB, "burger", DIRECTORY_POP3), OK);
	command_ok("account app-password remove " BOB " phone");
	assert_int_equal(prove(BOB, phone, DIRECTORY_POP3), DENIED);
	command_ok("account password " BOB " --password=pickle");
	assert_int_equal(prove(BOB, "burger", DIRECTORY_POP3), DENIED);
	assert_int_equal(prove(BOB, "pickle", DIRECTORY_POP3), OK);
	/* the salt stayed, so the others still work */
	assert_int_equal(prove(BOB, printer, DIRECTORY_SMTP), OK);
}

static void assert_salts_equal(const char *a, const char *b, bool are)
{
	uint8_t one[SCRAM_SALT_BYTES], other[SCRAM_SALT_BYTES];

	directory_login_salt(d, span_str(a), one);
	directory_login_salt(d, span_str(b), other);
	assert_int_equal(memcmp(one, other, sizeof(one)) == 0, are);
}

static void test_a_salt_tells_nothing(void **state)
{
	uint8_t before[SCRAM_SALT_BYTES], after[SCRAM_SALT_BYTES];

	(void)state;
	assert_salts_equal(BOB, "BOB@Hamburger.EDU", true);
	assert_salts_equal("nobody@crepes.fr", "Nobody@CREPES.fr", true);
	assert_salts_equal(BOB, ALICE, false);
	assert_salts_equal("x@crepes.fr", "y@crepes.fr", false);
	assert_salts_equal("\xff", "\xfe", false);
	/* the same before there was such an account, and in another process */
	directory_login_salt(d, SPAN("eve@crepes.fr"), before);
	command_ok("account add eve@crepes.fr --password=x");
	directory_close(d);
	open_again();
	directory_login_salt(d, SPAN("eve@crepes.fr"), after);
	assert_memory_equal(before, after, sizeof(after));
	command_ok("account password eve@crepes.fr --password=y");
	directory_login_salt(d, SPAN("eve@crepes.fr"), after);
	assert_memory_equal(before, after, sizeof(after));
	/* another server has others */
	directory_close(d);
	remove_files();
	open_again();
	directory_login_salt(d, SPAN("eve@crepes.fr"), after);
	assert_memory_not_equal(before, after, sizeof(after));
}

/* ---- certificates ---------------------------------------------------------------------- */
#define ONE   "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define COLONS                                                                 \
	"01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:"                     \
	"01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF"

static enum code show(const char *user, uint8_t first, uint64_t *out_account)
{
	uint8_t fingerprint[32];
	struct directory_account account;
	struct err e;
	enum code code;

	for (unsigned i = 0; i < 32; i++)
		fingerprint[i] = (uint8_t)((i % 8) * 0x22 + 1);
	fingerprint[0] = first;
	code = directory_login_certificate(d, span_str(user),
		span_of(fingerprint, 32), &account, &e);
	*out_account = account.account;
	return code;
}

static void test_certificates(void **state)
{
	uint64_t account;

	(void)state;
	command_ok("account certificate add " BOB " " ONE);
	assert_int_equal(show(BOB, 1, &account), OK);
	assert_int_equal(account, 1);
	assert_int_equal(show("", 1, &account), OK);
	assert_int_equal(account, 1);
	assert_int_equal(show(ALICE, 1, &account), DENIED);
	assert_int_equal(show("nobody@crepes.fr", 1, &account), DENIED);
	assert_int_equal(show(BOB, 2, &account), DENIED);
	assert_int_equal(show("", 2, &account), DENIED);
	/* of two accounts: the user has to say which */
	command_ok("account certificate add " ALICE " " COLONS);
	assert_int_equal(show("", 1, &account), DENIED);
	assert_int_equal(show(BOB, 1, &account), OK);
	assert_int_equal(show(ALICE, 1, &account), OK);
	assert_int_equal(account, 2);
	assert_int_equal(command("account certificate add " BOB " " COLONS),
		EXIT_WARNINGS);
	command_ok("account certificate add " BOB " " OTHER);
	command_ok("account certificate list " BOB);
	assert_string_equal(cell(0), OTHER);
	heard[0] = '\0';
	command_ok("account certificate remove " BOB " " ONE);
	assert_string_equal(heard, "1,");
	assert_int_equal(show(BOB, 1, &account), DENIED);
	assert_int_equal(show("", 1, &account), OK);
	assert_int_equal(account, 2);
	assert_int_equal(command("account certificate remove " BOB " " ONE),
		EXIT_NO_ADDRESS);
	command_ok("account remove " ALICE);
	assert_int_equal(show("", 1, &account), DENIED);
}

/* ---- new passwords in two steps ----------------------------------------------------------- */
static size_t news_of(const char *line, struct directory_new **out)
{
	struct span words[32];
	size_t count = split(line, words);

	return directory_new_passwords(d, words, count, out);
}

static const struct {
	const char *line;
	size_t count;
} new_rows[] = {
	{"account add a@crepes.fr", 1},
	{"account add a@crepes.fr b@crepes.fr --quota=5M", 2},
	{"account add a@crepes.fr --password-hash=" BURGER_HASH, 0},
	{"account add a@crepes.fr --password=", 0},
	{"account add", 0},
	{"account add a@crepes.fr --wrong", 0},
	{"account password " BOB, 1},
	{"account password " BOB " --password=x", 1},
	{"account password " BOB " " ALICE, 0},
	{"account app-password add " BOB " phone", 1},
	{"account app-password list " BOB, 0},
	{"account list", 0},
	{"domain add x.org", 0},
	{"", 0},
	{"account", 0},
};

static void test_what_has_to_be_hashed(void **state)
{
	struct directory_new *news;

	(void)state;
	for (size_t i = 0; i < sizeof(new_rows) / sizeof(new_rows[0]); i++) {
		size_t count = news_of(new_rows[i].line, &news);

		if (count != new_rows[i].count)
			fail_msg("%s: %d", new_rows[i].line, (int)count);
		directory_new_free(news, count);
	}
}

/* What was made before is used, and shown, and nothing is hashed again. */
static void test_supplied_passwords_are_used(void **state)
{
	static const char line[] = "account add a@crepes.fr b@crepes.fr";
	struct directory_new *news;
	char made[32];
	struct err e;

	(void)state;
	assert_int_equal(news_of(line, &news), 2);
	for (int i = 0; i < 2; i++)
		assert_int_equal(credential_make(span_of(news[i].password,
			news[i].password_n), span_of(news[i].salt,
			sizeof(news[i].salt)), &news[i].credential, &e), OK);
	directory_supply(d, news, 2);
	command_ok(line);
	memcpy(made, cell(1), 25);
	assert_memory_equal(made, news[1].password, 25);
	assert_string_equal(begin("a@crepes.fr", "x", 1).hash,
		news[0].credential.hash);
	directory_new_free(news, 2);
	assert_int_equal(login("b@crepes.fr", made, DIRECTORY_POP3), OK);
	assert_int_equal(prove("b@crepes.fr", made, DIRECTORY_POP3), OK);
	/* they are for that command only */
	command_ok("account password a@crepes.fr --password=pickle");
	assert_int_equal(login("a@crepes.fr", "pickle", DIRECTORY_POP3), OK);
}

static void test_a_new_password_ends_sessions(void **state)
{
	(void)state;
	command_ok("account add a@crepes.fr --password-hash=" BURGER_HASH);
	command_ok("account app-password add " BOB " phone");
	assert_string_equal(heard, "");
	command_ok("account password " ALICE " --password-hash=" BURGER_HASH);
	assert_string_equal(heard, "2,");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_scram),
		TEST(test_a_salt_tells_nothing),
		TEST(test_certificates),
		TEST(test_what_has_to_be_hashed),
		TEST(test_supplied_passwords_are_used),
		TEST(test_a_new_password_ends_sessions),
	};

	return cmocka_run_group_tests(tests, open_folder, close_folder);
}
