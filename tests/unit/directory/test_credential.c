/*
 * test_credential.c - who may log in by password: the main one, and app
 * passwords; and the commands about them.
 */
#include "credential_rig.h"

#define ONE "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_the_main_password(void **state)
{
	(void)state;
	assert_int_equal(login(BOB, "burger", DIRECTORY_POP3), OK);
	assert_int_equal(login("Bob@HAMBURGER.edu", "burger", DIRECTORY_SMTP),
		OK);
	assert_int_equal(login(BOB, "burger", DIRECTORY_IMAP), OK);
	assert_int_equal(login(BOB, "burger", 0), DENIED);
	assert_int_equal(login(BOB, "pickle", DIRECTORY_POP3), DENIED);
	assert_int_equal(login("nobody@crepes.fr", "burger", DIRECTORY_POP3),
		DENIED);
	assert_int_equal(login("", "burger", DIRECTORY_POP3), DENIED);
	/* two domains: a name alone is nobody's */
	assert_int_equal(login("bob", "burger", DIRECTORY_POP3), DENIED);
}

/* Nobody's hash is empty: what is asked of a hasher takes as long. */
static void test_nobody_cannot_be_told_from_somebody(void **state)
{
	static const char *const users[] = {"nobody@crepes.fr", "x@foreign.org",
		"bob", "", "@", "\xff@crepes.fr"};

	(void)state;
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		struct directory_login look = begin(users[i], "burger",
			DIRECTORY_POP3);

		assert_false(look.is_done);
		assert_string_equal(look.hash, "");
		assert_int_equal(look.account.account, 0);
		/* whatever somebody says about it */
		assert_int_equal(end_with(&look, OK, NULL), DENIED);
	}
}

/* A hash that changed while it was checked: the old password is no good, but
 * where another login only renewed it, it is. */
static void test_a_change_meanwhile(void **state)
{
	struct directory_login look = begin(BOB, "burger", DIRECTORY_POP3);

	(void)state;
	assert_int_equal(login(BOB, "burger", DIRECTORY_POP3), OK);
	assert_int_equal(end_with(&look, DENIED, NULL), DENIED);
	assert_int_equal(end_with(&look, OK, NULL), BUSY);
	assert_int_equal(login(BOB, "burger", DIRECTORY_POP3), OK);
	look = begin(BOB, "burger", DIRECTORY_POP3);
	command_ok("account password " BOB " --password=pickle");
	assert_int_equal(end_with(&look, OK, NULL), BUSY);
	assert_int_equal(login(BOB, "burger", DIRECTORY_POP3), DENIED);
	look = begin(ALICE, "burger", DIRECTORY_POP3);
	command_ok("account remove " ALICE);
	assert_int_equal(end_with(&look, OK, NULL), DENIED);
}

/* A hash of another server is replaced at its first good login; a wrong
 * password replaces nothing. */
static void test_the_hash_is_renewed(void **state)
{
	struct directory_login look;

	(void)state;
	assert_int_equal(login(BOB, "pickle", DIRECTORY_POP3), DENIED);
	look = begin(BOB, "x", DIRECTORY_POP3);
	assert_string_equal(look.hash, burger_hash);
	assert_true(look.wants_keys);
	assert_int_equal(login(BOB, "burger", DIRECTORY_POP3), OK);
	look = begin(BOB, "x", DIRECTORY_POP3);
	assert_string_not_equal(look.hash, burger_hash);
	assert_false(look.wants_keys);
	assert_int_equal(login(BOB, "burger", DIRECTORY_POP3), OK);
	look = begin(ALICE, "x", DIRECTORY_POP3);
	assert_string_equal(look.hash, burger_hash);
}

/* ---- app passwords ------------------------------------------------------------------- */
static void test_app_passwords(void **state)
{
	char phone[32], printer[32], others[32];

	(void)state;
	add_app(BOB, "phone", phone);
	assert_string_equal(cell(1), "phone");
	add_app(BOB, "printer --only=smtp", printer);
	add_app(ALICE, "phone --only=imap,pop3", others);
	assert_int_equal(login(BOB, phone, DIRECTORY_POP3), OK);
	assert_int_equal(login(BOB, phone, DIRECTORY_SMTP), OK);
	assert_int_equal(login(BOB, printer, DIRECTORY_SMTP), OK);
	assert_int_equal(login(BOB, printer, DIRECTORY_POP3), DENIED);
	assert_int_equal(login(BOB, printer, DIRECTORY_IMAP), DENIED);
	assert_int_equal(login(ALICE, others, DIRECTORY_IMAP), OK);
	assert_int_equal(login(ALICE, others, DIRECTORY_POP3), OK);
	assert_int_equal(login(ALICE, others, DIRECTORY_SMTP), DENIED);
	/* each is its own account's */
	assert_int_equal(login(BOB, others, DIRECTORY_POP3), DENIED);
	assert_int_equal(login(ALICE, phone, DIRECTORY_POP3), DENIED);
	assert_int_equal(login(BOB, "phone", DIRECTORY_POP3), DENIED);
	assert_int_equal(login(BOB, "burger", DIRECTORY_POP3), OK);
}

/* For another service it is a wrong password: the same work follows. */
static void test_the_wrong_service_looks_wrong(void **state)
{
	char printer[32];
	struct directory_login wrong, other;

	(void)state;
	add_app(BOB, "printer --only=smtp", printer);
	other = begin(BOB, printer, DIRECTORY_POP3);
	wrong = begin(BOB, "pickle", DIRECTORY_POP3);
	assert_false(other.is_done);
	assert_string_equal(other.hash, wrong.hash);
	assert_int_equal(other.wants_keys, wrong.wants_keys);
	assert_int_equal(end_with(&other, DENIED, NULL), DENIED);
}

static void test_app_passwords_are_listed_and_removed(void **state)
{
	char phone[32], printer[32];

	(void)state;
	add_app(BOB, "phone", phone);
	add_app(BOB, "printer --only=pop3,SMTP", printer);
	command_ok("account app-password list " BOB);
	assert_string_equal(cell(0), "printer");
	assert_string_equal(cell(1), "smtp,pop3");
	assert_string_equal(cell(3), "never");
	assert_int_equal(login(BOB, printer, DIRECTORY_SMTP), OK);
	command_ok("account app-password list " BOB);
	assert_int_equal(strlen(cell(3)), 10); /* a day, and no more */
	heard[0] = '\0';
	command_ok("account app-password remove " BOB " phone");
	assert_string_equal(heard, "1,");
	assert_int_equal(login(BOB, phone, DIRECTORY_POP3), DENIED);
	assert_int_equal(login(BOB, printer, DIRECTORY_SMTP), OK);
	assert_int_equal(command("account app-password remove " BOB " phone"),
		EXIT_NO_ADDRESS);
	assert_string_equal(said, BOB " has no app password phone; see: "
		"postrider account app-password list " BOB);
	/* the main password is no app password */
	assert_int_equal(command("account app-password remove " BOB " "),
		EXIT_USAGE);
}

static void test_a_used_day_is_written_once(void **state)
{
	struct directory_login look;
	sqlite3 *db;
	sqlite3_stmt *q;
	int64_t used_ms;

	(void)state;
	assert_int_equal(login(BOB, "burger", DIRECTORY_POP3), OK);
	look = begin(BOB, "burger", DIRECTORY_POP3);
	assert_false(look.wants_keys);
	directory_close(d);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT used_ms FROM "
		"credentials WHERE account = 1", -1, &q, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	used_ms = sqlite3_column_int64(q, 0);
	assert_true(used_ms > 0);
	assert_int_equal(used_ms % 86400000, 0);
	assert_int_equal(sqlite3_finalize(q), SQLITE_OK);
	/* a file that takes no more of it: who used it today is let in */
	assert_int_equal(sqlite3_exec(db, "CREATE TRIGGER no BEFORE UPDATE ON "
		"credentials BEGIN SELECT raise(ABORT, 'no'); END", NULL, NULL,
		NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	open_again();
	assert_int_equal(login(BOB, "burger", DIRECTORY_POP3), OK);
	/* and so is who could not be noted */
	assert_int_equal(login(ALICE, "burger", DIRECTORY_POP3), OK);
}

static void test_there_are_so_many_at_most(void **state)
{
	char line[96];
	sqlite3 *db;

	(void)state;
	directory_close(d);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	for (int i = 1; i < DIRECTORY_CREDENTIALS_MAX; i++) {
		(void)snprintf(line, sizeof(line), "INSERT INTO credentials "
			"VALUES (1, 'n%d', NULL, x'%02x', NULL, 0, 7, 0, 0)",
			i, i);
		assert_int_equal(sqlite3_exec(db, line, NULL, NULL, NULL),
			SQLITE_OK);
	}
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	open_again();
	assert_int_equal(command("account app-password add " BOB " one"),
		EXIT_DENIED);
	assert_string_equal(said, "an account has at most 31 app passwords; "
		"remove one first: postrider account app-password remove");
	command_ok("account app-password remove " BOB " n7");
	add_app(BOB, "one", line);
	/* the last of them counts like the first */
	assert_int_equal(login(BOB, line, DIRECTORY_IMAP), OK);
}

static const struct {
	const char *line;
	enum admin_exit exit;
	const char *said;
} refusals[] = {
	{"account app-password", EXIT_USAGE,
		"there is no such command; see: postrider --help"},
	{"account app-password add " BOB, EXIT_USAGE, "account app-password "
		"add: something is missing; see: postrider account "
		"app-password add --help"},
	{"account app-password add bib@hamburger.edu x", EXIT_NO_ADDRESS,
		"there is no account bib@hamburger.edu; did you mean " BOB "?"},
	{"account app-password add " BOB " x --only=ftp", EXIT_BAD_DATA,
		"--only: \"ftp\" is no service; write some of smtp,imap,pop3"},
	{"account app-password add " BOB " x --only=", EXIT_BAD_DATA,
		"--only: \"\" is no service; write some of smtp,imap,pop3"},
	{"account app-password add " BOB " a\x01", EXIT_BAD_DATA, "the name of "
		"an app password has 1 to 64 bytes, without control "
		"characters; give it the name of the program or device"},
	{"account app-password add " BOB " \xff", EXIT_BAD_DATA, "the name of "
		"an app password has 1 to 64 bytes, without control "
		"characters; give it the name of the program or device"},
	{"account app-password add " BOB " x --password=y", EXIT_USAGE,
		"account app-password add knows no --password=y"},
	{"account certificate add " BOB " abc", EXIT_BAD_DATA, "\"abc\" is no "
		"SHA-256 fingerprint of a certificate; it has 64 hex digits, "
		"or give the file"},
};

static void test_refusals_name_the_cure(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		enum admin_exit exit = command(refusals[i].line);

		assert_string_equal(said, refusals[i].said);
		assert_int_equal(exit, refusals[i].exit);
	}
	command_ok("account app-password add " BOB " x");
	assert_int_equal(command("account app-password add " BOB " x"),
		EXIT_CANNOT_CREATE);
	assert_string_equal(said, BOB " has an app password x already");
}

/* ---- what account show says ----------------------------------------------------------------- */
static void test_show_names_credentials(void **state)
{
	(void)state;
	command_ok("account show " BOB);
	assert_string_equal(cell(5), "imported");
	assert_string_equal(cell(6), "0");
	assert_string_equal(cell(7), "0");
	assert_int_equal(login(BOB, "burger", DIRECTORY_POP3), OK);
	command_ok("account app-password add " BOB " phone");
	command_ok("account certificate add " BOB " " ONE);
	command_ok("account show " BOB);
	assert_string_equal(cell(0), BOB);
	assert_string_equal(cell(5), "set");
	assert_string_equal(cell(6), "1");
	assert_string_equal(cell(7), "1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_the_main_password),
		TEST(test_nobody_cannot_be_told_from_somebody),
		TEST(test_a_change_meanwhile),
		TEST(test_the_hash_is_renewed),
		TEST(test_app_passwords),
		TEST(test_the_wrong_service_looks_wrong),
		TEST(test_app_passwords_are_listed_and_removed),
		TEST(test_a_used_day_is_written_once),
		TEST(test_there_are_so_many_at_most),
		TEST(test_refusals_name_the_cure),
		TEST(test_show_names_credentials),
	};

	return cmocka_run_group_tests(tests, open_folder, close_folder);
}
