/*
 * test_upgrade.c - a file of version 1 becomes one of this.
 */
#include "credential_rig.h"

/* ---- a file of version 1 -------------------------------------------------------------------- */
static const char version_1[] =
	"PRAGMA page_size=4096; PRAGMA auto_vacuum=INCREMENTAL;"
	"CREATE TABLE domains (name text PRIMARY KEY, created_ms bigint "
	"NOT NULL);"
	"CREATE TABLE accounts (account bigint PRIMARY KEY, address text "
	"NOT NULL UNIQUE, domain text NOT NULL REFERENCES domains (name), "
	"password text NOT NULL, quota_bytes bigint NOT NULL, used_bytes "
	"bigint NOT NULL, is_full integer NOT NULL, created_ms bigint "
	"NOT NULL);"
	"CREATE INDEX accounts_by_domain ON accounts (domain, account);"
	"CREATE TABLE aliases (address text NOT NULL, target text NOT NULL, "
	"domain text NOT NULL REFERENCES domains (name), "
	"PRIMARY KEY (address, target));"
	"CREATE INDEX aliases_by_domain ON aliases (domain, address);"
	"CREATE INDEX aliases_by_target ON aliases (target);"
	"CREATE TABLE removed (account bigint PRIMARY KEY, removed_ms bigint "
	"NOT NULL);"
	"CREATE TABLE counters (name text PRIMARY KEY, next bigint NOT NULL);"
	"INSERT INTO counters (name, next) VALUES ('account', 8);"
	"INSERT INTO domains VALUES ('hamburger.edu', 1), ('crepes.fr', 2);"
	"INSERT INTO accounts VALUES (3, '" BOB "', 'hamburger.edu', "
	"'" BURGER_HASH "', 500, 77, 1, 1000), "
	"(7, '" ALICE "', 'crepes.fr', '" BURGER_HASH "', 0, 0, 0, 2000);"
	"INSERT INTO aliases VALUES ('all@crepes.fr', '" BOB "', 'crepes.fr');"
	"INSERT INTO removed VALUES (2, 5);"
	"PRAGMA user_version=1";

static void run_sql(const char *sql)
{
	char *why = NULL;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, with_hash(sql), NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s", why);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* The tables of a file that is closed, as it describes them itself; those that
 * were there before are as that release wrote them. */
static void put_schema(struct buf *out)
{
	sqlite3 *db;
	sqlite3_stmt *q;

	buf_init(out, 65536);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT name || CASE WHEN "
		"tbl_name IN ('domains', 'aliases', 'removed', 'counters') "
		"THEN '' ELSE sql END FROM sqlite_schema WHERE sql IS NOT NULL "
		"ORDER BY name", -1, &q, NULL), SQLITE_OK);
	while (sqlite3_step(q) == SQLITE_ROW)
		buf_puts(out, (const char *)sqlite3_column_text(q, 0));
	assert_int_equal(sqlite3_finalize(q), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	buf_putc(out, '\0');
}

static void test_takes_over_version_1(void **state)
{
	struct buf fresh, changed;
	struct directory_account account;
	struct directory_hit hit;
	struct err e;

	(void)state;
	directory_close(d);
	put_schema(&fresh);
	remove_files();
	run_sql(version_1);
	open_again();
	assert_int_equal(directory_account_of(d, 3, &account, &e), OK);
	assert_int_equal(account.quota_bytes, 500);
	assert_int_equal(account.used_bytes, 77);
	assert_true(account.is_full);
	assert_int_equal(directory_resolve(d, SPAN("all@crepes.fr"), &hit, &e),
		OK);
	assert_int_equal(hit.kind, DIRECTORY_ALIAS);
	assert_int_equal(login(BOB, "pickle", DIRECTORY_POP3), DENIED);
	assert_int_equal(login(BOB, "burger", DIRECTORY_POP3), OK);
	assert_int_equal(prove(BOB, "burger", DIRECTORY_POP3), OK);
	command_ok("account app-password add " ALICE " phone");
	command_ok("account add eve@crepes.fr --password-hash=" BURGER_HASH);
	assert_int_equal(directory_account_of(d, 8, &account, &e), OK);
	/* and once it is done it is done */
	directory_close(d);
	put_schema(&changed);
	assert_string_equal((const char *)buf_span(&changed).p,
		(const char *)buf_span(&fresh).p);
	open_again();
	assert_int_equal(login(BOB, "burger", DIRECTORY_POP3), OK);
	buf_clear(&fresh);
	buf_clear(&changed);
}

/* It stays of version 1, whole, if it cannot become of this one. */
static void test_a_change_of_version_is_all_or_nothing(void **state)
{
	struct err e;

	(void)state;
	directory_close(d);
	remove_files();
	run_sql(version_1);
	run_sql("CREATE TABLE secrets (x integer)");
	assert_int_not_equal(directory_open(path, &d, &e), OK);
	assert_non_null(strstr(e.text, "changing it from version 1"));
	run_sql("DROP TABLE secrets");
	open_again();
	assert_int_equal(login(BOB, "burger", DIRECTORY_POP3), OK);
}

/* Version 2 knew no other names, and passed nothing on for an account. */
static void test_takes_over_version_2(void **state)
{
	(void)state;
	command_ok("alias add all@crepes.fr " BOB);
	directory_close(d);
	run_sql("DROP TABLE domain_aliases; DROP TABLE forwards;"
		"DELETE FROM secrets WHERE name = 'srs';"
		"PRAGMA user_version=2");
	open_again();
	command_ok("account forward add " BOB " x@example.org");
	command_ok("domain alias add crepes.example crepes.fr");
	assert_int_equal(login(BOB, "burger", DIRECTORY_POP3), OK);
}

static void test_a_later_version_is_left_alone(void **state)
{
	struct err e;

	(void)state;
	directory_close(d);
	run_sql("PRAGMA user_version=4");
	assert_int_equal(directory_open(path, &d, &e), CORRUPT);
	run_sql("PRAGMA user_version=3; DELETE FROM secrets");
	assert_int_equal(directory_open(path, &d, &e), CORRUPT);
	d = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_takes_over_version_1),
		TEST(test_a_change_of_version_is_all_or_nothing),
		TEST(test_takes_over_version_2),
		TEST(test_a_later_version_is_left_alone),
	};

	return cmocka_run_group_tests(tests, open_folder, close_folder);
}
