/*
 * test_directory.c - who an address is, what aliases come to, logins, the
 * administrator's commands; on a real file.
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
#include "directory/directory_credential.h"

/* "burger", made with few passes: tests have no time */
#define BURGER_HASH                                                            \
	"$argon2id$v=19$m=8,t=1,p=1$"                                          \
	"c29tZXNhbHRzb21lc2FsdA$gHSpmmjpDmIi98V9xNKxkKTPzlEgfl3zPgRmJYoBQbQ"

static char folder[] = "/tmp/postrider-directory-XXXXXX";
static char path[64];
static struct directory *d;
static struct buf rows; /* what commands gave: cells by "|", rows by "\n" */
static char said[ERR_TEXT_MAX];

static void take_row(void *arg, const struct span *cells, size_t count)
{
	(void)arg;
	for (size_t i = 0; i < count; i++) {
		buf_puts(&rows, i == 0 ? "" : "|");
		buf_put(&rows, cells[i]);
	}
	buf_putc(&rows, '\n');
}

/* Runs a command of words without blanks in them. */
static enum admin_exit command(const char *line)
{
	const struct admin_out out = {take_row, NULL};
	struct span words[32], left = span_str(line);
	struct err e = {.code = OK};
	enum admin_exit exit;
	size_t count = 0;

	while (left.n > 0)
		words[count++] = span_cut(&left, ' ');
	buf_reset(&rows);
	exit = directory_admin(d, words, count, &out, &e);
	memcpy(said, e.text, sizeof(said));
	return exit;
}

static void command_ok(const char *line)
{
	if (command(line) != EXIT_OK || said[0] != '\0')
		fail_msg("%s: %s", line, said);
}

static void assert_rows(const char *want)
{
	buf_putc(&rows, '\0');
	assert_string_equal((const char *)buf_span(&rows).p, want);
}

static void open_again(void)
{
	struct err e;

	if (directory_open(path, &d, &e) != OK)
		fail_msg("%s", e.text);
}

static int setup(void **state)
{
	(void)state;
	(void)unlink(path);
	open_again();
	command_ok("domain add hamburger.edu crepes.fr");
	command_ok("account add bob@hamburger.edu --password-hash=" BURGER_HASH);
	command_ok("account add alice@crepes.fr --password-hash=" BURGER_HASH);
	return 0;
}

static void remove_files(void)
{
	static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
	char name[80];

	for (size_t i = 0; i < 4; i++) {
		(void)snprintf(name, sizeof(name), "%s%s", path, ends[i]);
		(void)unlink(name);
	}
}

static int teardown(void **state)
{
	(void)state;
	directory_close(d);
	d = NULL;
	buf_clear(&rows);
	remove_files();
	return 0;
}

/* A login by password, with the work of a hasher in between. */
static enum code login(const char *user, const char *password,
	uint64_t *out_account)
{
	struct directory_login look;
	enum code verdict = DENIED;
	struct err e;

	if (directory_login_begin(d, span_str(user), span_str(password),
		    DIRECTORY_POP3, &look, &e) != OK)
		fail_msg("%s", e.text);
	*out_account = look.account.account;
	if (look.is_done)
		return OK;
	if (password_verify(span_str(look.hash), span_str(password)))
		verdict = OK;
	return directory_login_end(d, &look, verdict, NULL, &e);
}

static struct directory_hit resolve(const char *address)
{
	struct directory_hit hit;
	struct err e;

	if (directory_resolve(d, span_str(address), &hit, &e) != OK)
		fail_msg("%s: %s", address, e.text);
	return hit;
}

/* ---- recipients ------------------------------------------------------------- */
static const struct {
	const char *address;
	enum directory_kind kind;
	uint64_t account;
} hits[] = {
	{"bob@hamburger.edu", DIRECTORY_ACCOUNT, 1},
	{"BOB@Hamburger.EDU", DIRECTORY_ACCOUNT, 1},
	{"\"bob\"@hamburger.edu", DIRECTORY_ACCOUNT, 1},
	{"\"b\\ob\"@hamburger.edu", DIRECTORY_ACCOUNT, 1},
	{"alice@crepes.fr", DIRECTORY_ACCOUNT, 2},
	{"alice@hamburger.edu", DIRECTORY_NO_USER, 0},
	{"bo@hamburger.edu", DIRECTORY_NO_USER, 0},
	{"bob@example.org", DIRECTORY_FOREIGN, 0},
	{"bob@mail.hamburger.edu", DIRECTORY_FOREIGN, 0},
	{"bob@edu", DIRECTORY_FOREIGN, 0},
	/* postmaster is somebody.  RFC 5321 4.5.1 */
	{"postmaster@hamburger.edu", DIRECTORY_ACCOUNT, 1},
	{"PostMaster@crepes.fr", DIRECTORY_ACCOUNT, 2},
	{"postmaster@example.org", DIRECTORY_FOREIGN, 0},
	/* what a name could be in other systems means nothing here */
	{"' OR 1=1 --@hamburger.edu", DIRECTORY_NO_USER, 0},
	{"%@hamburger.edu", DIRECTORY_NO_USER, 0},
	{"../../etc/passwd@hamburger.edu", DIRECTORY_NO_USER, 0},
	{"bob", DIRECTORY_BAD_DOMAIN, 0},
	{"bob@", DIRECTORY_BAD_DOMAIN, 0},
	{"", DIRECTORY_BAD_DOMAIN, 0},
	{"@hamburger.edu", DIRECTORY_BAD_DOMAIN, 0},
	{"bob@-x.org", DIRECTORY_BAD_DOMAIN, 0},
	{"bob@x..org", DIRECTORY_BAD_DOMAIN, 0},
	{"bob@x_y.org", DIRECTORY_BAD_DOMAIN, 0},
	{"bob\r\n@hamburger.edu", DIRECTORY_BAD_DOMAIN, 0},
	{"b\xff@hamburger.edu", DIRECTORY_BAD_DOMAIN, 0},
};

static void test_recipients(void **state)
{
	(void)state;
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < sizeof(hits) / sizeof(hits[0]); i++) {
			struct directory_hit hit = resolve(hits[i].address);

			if (hit.kind != hits[i].kind ||
				hit.account != hits[i].account)
				fail_msg("%s: %d", hits[i].address, hit.kind);
		}
	}
}

/* One account and one alias, in every spelling; sharp s is itself in a domain
 * (UTS 46, non-transitional) and folds in a local part. */
static const struct {
	const char *address;
	enum directory_kind kind;
} spellings[] = {
	{"täst@bücher.example", DIRECTORY_ACCOUNT},
	{"ta\u0308st@bücher.example", DIRECTORY_ACCOUNT},
	{"TÄST@BÜCHER.EXAMPLE", DIRECTORY_ACCOUNT},
	{"täst@bu\u0308cher.example", DIRECTORY_ACCOUNT},
	{"täst@xn--bcher-kva.example", DIRECTORY_ACCOUNT},
	{"Ta\u0308st@XN--Bcher-Kva.Example", DIRECTORY_ACCOUNT},
	{"täst@bücher。example", DIRECTORY_ACCOUNT},
	{"\"täst\"@bücher.example", DIRECTORY_ACCOUNT},
	{"straße@bücher.example", DIRECTORY_ALIAS},
	{"STRASSE@xn--bcher-kva.example", DIRECTORY_ALIAS},
	{"tast@bücher.example", DIRECTORY_NO_USER},
	{"tа\u0308st@bücher.example", DIRECTORY_NO_USER}, /* Cyrillic a */
	{"täst@bucher.example", DIRECTORY_FOREIGN},
	{"täst@straße.example", DIRECTORY_NO_USER},
	{"täst@strasse.example", DIRECTORY_FOREIGN},
	{"ta\u202est@bücher.example", DIRECTORY_BAD_DOMAIN},
	{"ta\u200dst@bücher.example", DIRECTORY_BAD_DOMAIN},
	{"täst@bü\u200dcher.example", DIRECTORY_BAD_DOMAIN},
	{"täst@xn--bcher-kv.example", DIRECTORY_BAD_DOMAIN},
};

static void test_spellings(void **state)
{
	(void)state;
	command_ok("domain add bu\u0308cher.example xn--strae-oqa.example");
	command_ok("account add Ta\u0308st@BÜCHER.example --password-hash="
		BURGER_HASH);
	command_ok("alias add straße@xn--bcher-kva.example "
		"täst@bücher.example");
	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
		struct directory_hit hit = resolve(spellings[i].address);

		if (hit.kind != spellings[i].kind)
			fail_msg("%s: %d", spellings[i].address, hit.kind);
	}
	assert_int_equal(command("domain add BÜCHER.example"), EXIT_WARNINGS);
	assert_int_equal(command("account add täst@xn--bcher-kva.example "
				 "--password-hash=" BURGER_HASH),
		EXIT_CANNOT_CREATE);
	assert_int_equal(command("domain add a\u202eb.example"), EXIT_BAD_DATA);
	command_ok("account list BÜCHER.example");
	assert_rows("account|number|quota|used|full\n"
		"täst@xn--bcher-kva.example|3|none|0|no\n");
	command_ok("alias list BÜCHER.example");
	assert_rows("alias|target\nstrasse@xn--bcher-kva.example|"
		"täst@xn--bcher-kva.example\n");
}

static void test_unicode_login(void **state)
{
	uint64_t account;

	(void)state;
	command_ok("domain add bücher.example");
	command_ok("account add täst@bücher.example --password=burger");
	assert_int_equal(login("TA\u0308ST@xn--bcher-kva.example", "burger",
				 &account), OK);
	assert_int_equal(login("tast@bücher.example", "burger", &account),
		DENIED);
}

/* Of another server: its domain is the one form, its local part is not ours to
 * change.  RFC 5321 2.3.11 */
static void test_foreign_targets(void **state)
{
	(void)state;
	command_ok("alias add x@crepes.fr Ta\u0308st@BÜCHER.example");
	command_ok("alias list x@crepes.fr");
	assert_rows("alias|target\nx@crepes.fr|"
		"Ta\u0308st@xn--bcher-kva.example\n");
	command_ok("alias remove x@crepes.fr Ta\u0308st@bücher.example");
}

/* Every way that was ever used to make a server relay; "v" is a user of ours
 * in half of them.  RFC 5321 3.6.1 and F.2, RFC 2505 2.1 */
static const struct {
	const char *address;
	enum directory_kind kind;
} relays[] = {
	{"v%example.org@hamburger.edu", DIRECTORY_NO_USER},
	{"bob%example.org@hamburger.edu", DIRECTORY_NO_USER},
	{"example.org!v@hamburger.edu", DIRECTORY_NO_USER},
	{"example.org!bob@hamburger.edu", DIRECTORY_NO_USER},
	{"\"v@example.org\"@hamburger.edu", DIRECTORY_NO_USER},
	{"\"bob@example.org\"@hamburger.edu", DIRECTORY_NO_USER},
	{"v@example.org@hamburger.edu", DIRECTORY_NO_USER},
	{"bob@hamburger.edu@example.org", DIRECTORY_FOREIGN},
	{"\"bob@hamburger.edu\"@example.org", DIRECTORY_FOREIGN},
	{"bob%hamburger.edu@example.org", DIRECTORY_FOREIGN},
	{"v@example.org", DIRECTORY_FOREIGN},
	{"bob@[127.0.0.1]", DIRECTORY_FOREIGN},
	{"v@[IPv6:::1]", DIRECTORY_FOREIGN},
	{"bob@[]", DIRECTORY_BAD_DOMAIN},
	{"bob@hamburger.edu.", DIRECTORY_BAD_DOMAIN},
	{"v@example.org.", DIRECTORY_BAD_DOMAIN},
	{"v@example.org%hamburger.edu", DIRECTORY_BAD_DOMAIN},
	{"@hamburger.edu:v@example.org", DIRECTORY_FOREIGN},
	{"example.org!v", DIRECTORY_BAD_DOMAIN},
	{"v%example.org", DIRECTORY_BAD_DOMAIN},
	{"\"postmaster@example.org\"@hamburger.edu", DIRECTORY_NO_USER},
	{"v", DIRECTORY_BAD_DOMAIN},
};

static void test_no_form_relays(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(relays) / sizeof(relays[0]); i++) {
		struct directory_hit hit = resolve(relays[i].address);

		if (hit.kind != relays[i].kind)
			fail_msg("%s: %d", relays[i].address, hit.kind);
	}
}

static void test_postmaster(void **state)
{
	(void)state;
	assert_int_equal(resolve("postmaster").kind, DIRECTORY_ACCOUNT);
	command_ok("domain add empty.org");
	assert_int_equal(resolve("postmaster@empty.org").account, 1);
	command_ok("alias add postmaster@hamburger.edu alice@crepes.fr");
	assert_int_equal(resolve("postmaster@hamburger.edu").kind,
		DIRECTORY_ALIAS);
	command_ok("account add postmaster@crepes.fr "
		   "--password-hash=" BURGER_HASH);
	assert_int_equal(resolve("postmaster@crepes.fr").account, 3);
}

static void test_every_change_is_seen_at_once(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(resolve("eve@crepes.fr").kind, DIRECTORY_NO_USER);
	command_ok("account add eve@crepes.fr --password-hash=" BURGER_HASH);
	assert_int_equal(resolve("eve@crepes.fr").account, 3);
	assert_false(resolve("eve@crepes.fr").is_full);
	assert_int_equal(directory_account_set_full(d, 3, true, 77, &e), OK);
	assert_true(resolve("eve@crepes.fr").is_full);
	command_ok("account remove eve@crepes.fr");
	assert_int_equal(resolve("eve@crepes.fr").kind, DIRECTORY_NO_USER);
	/* a number is never given out again */
	command_ok("account add eve@crepes.fr --password-hash=" BURGER_HASH);
	assert_int_equal(resolve("eve@crepes.fr").account, 4);
	assert_int_equal(resolve("x@new.org").kind, DIRECTORY_FOREIGN);
	command_ok("domain add new.org");
	assert_int_equal(resolve("x@new.org").kind, DIRECTORY_NO_USER);
}

static void test_all_of_it_survives_a_restart(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(directory_account_set_full(d, 1, true, 5, &e), OK);
	command_ok("alias add all@crepes.fr bob@hamburger.edu");
	directory_close(d);
	open_again();
	assert_true(resolve("bob@hamburger.edu").is_full);
	assert_int_equal(resolve("all@crepes.fr").kind, DIRECTORY_ALIAS);
}

/* ---- aliases ------------------------------------------------------------------ */
/* "address kind,address kind", in the order of the answer. */
static void assert_expansion(const char *address, const char *want)
{
	static const char *const kinds[] = {"account", "alias", "foreign",
		"nobody", "bad"};
	struct directory_targets targets;
	struct arena arena;
	struct buf got;
	struct err e;

	arena_init(&arena, 64u << 20);
	buf_init(&got, 4096);
	assert_int_equal(directory_expand(d, span_str(address), &arena,
				 &targets, &e), OK);
	for (size_t i = 0; i < targets.count; i++)
		buf_printf(&got, "%s%.*s %s", i == 0 ? "" : ",",
			SPAN_ARG(targets.rows[i].address),
			kinds[targets.rows[i].hit.kind]);
	buf_putc(&got, '\0');
	assert_string_equal((const char *)buf_span(&got).p, want);
	buf_clear(&got);
	arena_clear(&arena);
}

static void test_aliases_are_followed(void **state)
{
	(void)state;
	command_ok("alias add two@crepes.fr Bob@Hamburger.edu Xaver@Example.org");
	command_ok("alias add all@crepes.fr two@crepes.fr alice@crepes.fr");
	assert_expansion("ALL@crepes.fr", "alice@crepes.fr account,"
		"Xaver@example.org foreign,bob@hamburger.edu account");
	assert_expansion("bob@hamburger.edu", "bob@hamburger.edu account");
	assert_expansion("nobody@crepes.fr", "");
	assert_expansion("x@example.org", "x@example.org foreign");
	command_ok("alias add postmaster@crepes.fr alice@crepes.fr");
	assert_expansion("postmaster@crepes.fr", "alice@crepes.fr account");
}

static void test_postmaster_alone_is_followed(void **state)
{
	(void)state;
	command_ok("alias add postmaster@crepes.fr alice@crepes.fr");
	command_ok("alias add postmaster@hamburger.edu alice@crepes.fr");
	assert_expansion("postmaster", "alice@crepes.fr account");
}

static void test_circles_end(void **state)
{
	(void)state;
	assert_int_equal(command("alias add a@crepes.fr b@crepes.fr"),
		EXIT_WARNINGS);
	command_ok("alias add b@crepes.fr a@crepes.fr");
	assert_expansion("a@crepes.fr", "");
	command_ok("alias add b@crepes.fr alice@crepes.fr");
	assert_expansion("a@crepes.fr", "alice@crepes.fr account");
}

static void test_a_target_that_went_is_named(void **state)
{
	(void)state;
	command_ok("alias add all@crepes.fr alice@crepes.fr bob@hamburger.edu");
	assert_int_equal(command("account remove alice@crepes.fr"),
		EXIT_WARNINGS);
	assert_string_equal(said, "the alias all@crepes.fr still points to "
		"alice@crepes.fr; its senders will be told that there is "
		"nobody");
	assert_expansion("all@crepes.fr",
		"alice@crepes.fr nobody,bob@hamburger.edu account");
}

static void test_aliases_too_deep_are_our_trouble(void **state)
{
	struct directory_targets targets;
	struct arena arena;
	struct err e;

	(void)state;
	for (int i = 0; i < 12; i++) {
		char line[80];

		(void)snprintf(line, sizeof(line),
			"alias add a%d@crepes.fr a%d@crepes.fr", i, i + 1);
		assert_int_equal(command(line), EXIT_WARNINGS);
	}
	arena_init(&arena, 1u << 20);
	assert_int_equal(directory_expand(d, SPAN("a0@crepes.fr"), &arena,
				 &targets, &e), LIMIT);
	arena_clear(&arena);
}

/* ---- logins ------------------------------------------------------------------------ */
static void test_logins(void **state)
{
	uint64_t account;

	(void)state;
	command_ok("account password bob@hamburger.edu --password=burger");
	assert_rows("account|password\nbob@hamburger.edu|\n");
	assert_int_equal(login("bob@hamburger.edu", "burger", &account), OK);
	assert_int_equal(account, 1);
	assert_int_equal(login("Bob@HAMBURGER.edu", "burger", &account), OK);
	assert_int_equal(login("bob@hamburger.edu", "Burger", &account), DENIED);
	assert_int_equal(login("bob@hamburger.edu", "", &account), DENIED);
	assert_int_equal(login("nobody@hamburger.edu", "burger", &account),
		DENIED);
	assert_int_equal(login("", "burger", &account), DENIED);
	/* two domains: a name alone is nobody's */
	assert_int_equal(login("bob", "burger", &account), DENIED);
	command_ok("account remove alice@crepes.fr");
	command_ok("domain remove crepes.fr");
	assert_int_equal(login("bob", "burger", &account), OK);
}

static void test_a_made_password_is_shown_and_works(void **state)
{
	struct span row, word;
	uint64_t account;
	char password[32] = "";

	(void)state;
	command_ok("account add eve@crepes.fr");
	row = buf_span(&rows);
	(void)span_cut(&row, '\n');
	word = span_cut(&row, '\n');
	(void)span_cut(&word, '|');
	assert_int_equal(word.n, 24);
	memcpy(password, word.p, word.n);
	assert_int_equal(login("eve@crepes.fr", password, &account), OK);
	command_ok("account password eve@crepes.fr");
	assert_int_equal(login("eve@crepes.fr", password, &account), DENIED);
}

/* ---- commands ------------------------------------------------------------------------ */
static const struct {
	const char *line;
	enum admin_exit exit;
	const char *said;
} refusals[] = {
	{"domain", EXIT_USAGE,
		"there is no such command; see: postrider --help"},
	{"domain add", EXIT_USAGE, "domain add: something is missing; see: "
		"postrider domain add --help"},
	{"domain list x", EXIT_USAGE, "domain list: there is a word too many; "
		"see: postrider domain list --help"},
	{"domain add a_b", EXIT_BAD_DATA, "\"a_b\" is no domain; write "
		"letters, digits, hyphens and dots, as in example.org "
		"(letters of any script)"},
	{"domain add crepes.fr", EXIT_WARNINGS,
		"crepes.fr is one of your domains already"},
	{"domain remove crepe.fr", EXIT_NO_ADDRESS,
		"there is no domain crepe.fr; did you mean crepes.fr?"},
	{"domain remove crepes.fr", EXIT_DENIED, "crepes.fr still has 1 "
		"accounts and aliases; remove them first: postrider account "
		"list crepes.fr"},
	{"account add x", EXIT_BAD_DATA, "\"x\" is no address; write it as in "
		"bob@example.org"},
	{"account add x@crepes.f", EXIT_NO_ADDRESS, "crepes.f is not one of "
		"your domains; did you mean crepes.fr?"},
	{"account add x@example.com", EXIT_NO_ADDRESS, "example.com is not "
		"one of your domains; add it first: postrider domain add "
		"example.com"},
	{"account add bob@hamburger.edu --password=x", EXIT_CANNOT_CREATE,
		"there is an account bob@hamburger.edu already"},
	{"account add y@crepes.fr --quota=much", EXIT_BAD_DATA, "\"much\" is "
		"no size; write a number and K, M or G, as in 500M, or none"},
	{"account add y@crepes.fr --password=", EXIT_BAD_DATA, "the password "
		"is empty or too long; give one of 1 to 1024 bytes"},
	{"account add y@crepes.fr --password-hash=$0$x", EXIT_BAD_DATA,
		"--password-hash: it is no hash that this server knows, or one "
		"that takes too long; see postrider(1)"},
	{"account add y@crepes.fr --admin", EXIT_USAGE,
		"account add knows no --admin"},
	{"account show bib@hamburger.edu", EXIT_NO_ADDRESS, "there is no "
		"account bib@hamburger.edu; did you mean bob@hamburger.edu?"},
	{"account list crepes.de", EXIT_NO_ADDRESS,
		"there is no domain crepes.de; did you mean crepes.fr?"},
	{"alias add bob@hamburger.edu x@y.org", EXIT_CANNOT_CREATE,
		"bob@hamburger.edu is an account; an alias needs a name of "
		"its own"},
	{"alias add x@crepes.fr x@crepes.fr", EXIT_BAD_DATA,
		"x@crepes.fr would lead to itself"},
	{"alias add x@crepes.fr y@crepes.fr", EXIT_WARNINGS, "there is no "
		"y@crepes.fr yet; add it, or its senders will be told that "
		"there is nobody"},
	{"alias remove z@crepes.fr", EXIT_NO_ADDRESS,
		"there is no alias z@crepes.fr; did you mean x@crepes.fr?"},
	{"alias remove x@crepes.fr a@b.org", EXIT_NO_ADDRESS, "x@crepes.fr "
		"has no target a@b.org; see: postrider alias list "
		"x@crepes.fr"},
	{"account add x@crepes.fr", EXIT_CANNOT_CREATE, "x@crepes.fr is an "
		"alias; remove it first: postrider alias remove x@crepes.fr"},
};

static void test_refusals_name_the_cure(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		enum admin_exit exit = command(refusals[i].line);

		assert_string_equal(said, refusals[i].said);
		assert_int_equal(exit, refusals[i].exit);
	}
}

static void test_lists(void **state)
{
	(void)state;
	command_ok("account quota bob@hamburger.edu 5M");
	command_ok("alias add all@crepes.fr x@y.org alice@crepes.fr");
	command_ok("domain list");
	assert_rows("domain|accounts|aliases\ncrepes.fr|1|1\n"
		    "hamburger.edu|1|0\n");
	command_ok("account list");
	assert_rows("account|number|quota|used|full\n"
		    "alice@crepes.fr|2|none|0|no\n"
		    "bob@hamburger.edu|1|5242880|0|no\n");
	command_ok("account show alice@crepes.fr");
	assert_rows("account|number|quota|used|full|password|app-passwords|"
		    "certificates\nalice@crepes.fr|2|none|0|no|imported|0|0\n");
	command_ok("alias list all@crepes.fr");
	assert_rows("alias|target\nall@crepes.fr|alice@crepes.fr\n"
		    "all@crepes.fr|x@y.org\n");
	command_ok("alias remove all@crepes.fr x@y.org");
	command_ok("alias list crepes.fr");
	assert_rows("alias|target\nall@crepes.fr|alice@crepes.fr\n");
	command_ok("alias remove all@crepes.fr");
	command_ok("alias list");
	assert_rows("alias|target\n");
}

/* One that fails undoes what the same command did before. */
static void test_a_command_is_all_or_nothing(void **state)
{
	(void)state;
	assert_int_equal(command("account add new@crepes.fr x@foreign.org "
				 "--password-hash=" BURGER_HASH),
		EXIT_NO_ADDRESS);
	assert_int_equal(resolve("new@crepes.fr").kind, DIRECTORY_NO_USER);
	assert_int_equal(command("domain add good.org bad_.org"),
		EXIT_BAD_DATA);
	assert_int_equal(resolve("x@good.org").kind, DIRECTORY_FOREIGN);
}

static void test_quota_frees_a_full_account(void **state)
{
	struct err e;

	(void)state;
	command_ok("account quota bob@hamburger.edu 100");
	assert_int_equal(directory_account_set_full(d, 1, true, 120, &e), OK);
	command_ok("account quota bob@hamburger.edu 110");
	assert_true(resolve("bob@hamburger.edu").is_full);
	command_ok("account quota bob@hamburger.edu none");
	assert_false(resolve("bob@hamburger.edu").is_full);
}

/* ---- who hears of it -------------------------------------------------------------------- */
static char heard[256];

static void hear_quota(void *arg, uint64_t account, uint64_t quota_bytes)
{
	size_t n = strlen(heard);

	(void)arg;
	(void)snprintf(heard + n, sizeof(heard) - n, "quota %d %d,",
		(int)account, (int)quota_bytes);
}

static void hear_gone(void *arg, uint64_t account)
{
	size_t n = strlen(heard);

	(void)arg;
	(void)snprintf(heard + n, sizeof(heard) - n, "gone %d,", (int)account);
}

static void hear_logout(void *arg, uint64_t account)
{
	size_t n = strlen(heard);

	(void)arg;
	(void)snprintf(heard + n, sizeof(heard) - n, "logout %d,",
		(int)account);
}

static void test_changes_are_told_after_the_commit(void **state)
{
	const struct directory_listener listener = {hear_quota, hear_gone,
		hear_logout, NULL};
	struct err e;

	(void)state;
	heard[0] = '\0';
	directory_listen(d, &listener);
	assert_int_equal(command("account remove bob@hamburger.edu "
				 "nobody@crepes.fr"), EXIT_NO_ADDRESS);
	assert_string_equal(heard, "");
	command_ok("account quota bob@hamburger.edu 1K");
	command_ok("account remove bob@hamburger.edu alice@crepes.fr");
	assert_string_equal(heard, "quota 1 1024,gone 1,gone 2,");
	/* and again to an accounts role that was not there */
	directory_close(d);
	open_again();
	heard[0] = '\0';
	directory_listen(d, &listener);
	assert_int_equal(directory_tell_removed(d, &e), OK);
	assert_string_equal(heard, "gone 1,gone 2,");
}

static void test_one_process_at_a_time(void **state)
{
	struct directory *second;
	struct err e;

	(void)state;
	assert_int_equal(directory_open(path, &second, &e), BUSY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_recipients),
		TEST(test_spellings),
		TEST(test_unicode_login),
		TEST(test_foreign_targets),
		TEST(test_no_form_relays),
		TEST(test_postmaster),
		TEST(test_every_change_is_seen_at_once),
		TEST(test_all_of_it_survives_a_restart),
		TEST(test_aliases_are_followed),
		TEST(test_postmaster_alone_is_followed),
		TEST(test_circles_end),
		TEST(test_a_target_that_went_is_named),
		TEST(test_aliases_too_deep_are_our_trouble),
		TEST(test_logins),
		TEST(test_a_made_password_is_shown_and_works),
		TEST(test_refusals_name_the_cure),
		TEST(test_lists),
		TEST(test_a_command_is_all_or_nothing),
		TEST(test_quota_frees_a_full_account),
		TEST(test_changes_are_told_after_the_commit),
		TEST(test_one_process_at_a_time),
	};
	int failed;

	if (mkdtemp(folder) == NULL)
		return 1;
	(void)snprintf(path, sizeof(path), "%s/directory.db", folder);
	buf_init(&rows, 65536);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	(void)rmdir(folder);
	return failed;
}
