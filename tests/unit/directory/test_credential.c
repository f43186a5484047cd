/*
 * test_credential.c - who may log in: passwords, app passwords, SCRAM, client
 * certificates, the commands about them, and a file of version 1.
 *
 * The work of a hasher is done here where a login needs it; a real hash takes
 * long, so most use one that was made with few passes.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <nettle/hmac.h>
#include <nettle/pbkdf2.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "crypto/hash.h"
#include "crypto/secret.h"
#include "directory/directory_credential.h"

/* In commands: the hash of "burger". */
#define BURGER_HASH "@HASH"
#define BOB   "bob@hamburger.edu"
#define ALICE "alice@crepes.fr"

static char folder[] = "/tmp/postrider-credential-XXXXXX";
static char path[64];
static struct directory *d;
static struct buf rows; /* what commands gave: cells by "|", rows by "\n" */
static char said[ERR_TEXT_MAX];
static char heard[256];
/* Made here, so that no hash of a known password stands in the tree. */
static char burger_hash[PASSWORD_HASH_BYTES_MAX + 1];

/* ---- commands ---------------------------------------------------------------- */
static void take_row(void *arg, const struct span *cells, size_t count)
{
	(void)arg;
	for (size_t i = 0; i < count; i++) {
		buf_puts(&rows, i == 0 ? "" : "|");
		buf_put(&rows, cells[i]);
	}
	buf_putc(&rows, '\n');
}

/* The text with the hash in the place of @HASH; valid until the next call. */
static const char *with_hash(const char *text)
{
	static char room[8192];
	const char *at;
	size_t n = 0;

	while ((at = strstr(text, BURGER_HASH)) != NULL) {
		n += (size_t)snprintf(room + n, sizeof(room) - n, "%.*s%s",
			(int)(at - text), text, burger_hash);
		text = at + strlen(BURGER_HASH);
	}
	(void)snprintf(room + n, sizeof(room) - n, "%s", text);
	return room;
}

static size_t split(const char *line, struct span words[32])
{
	struct span left = span_str(with_hash(line));
	size_t count = 0;

	while (left.n > 0)
		words[count++] = span_cut(&left, ' ');
	return count;
}

static enum admin_exit command(const char *line)
{
	const struct admin_out out = {take_row, NULL};
	struct span words[32];
	size_t count = split(line, words);
	struct err e = {.code = OK};
	enum admin_exit exit;

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

/* Cell i of the last row of the answer. */
static const char *cell(size_t i)
{
	static char text[128];
	struct span row = SPAN_EMPTY, left = buf_span(&rows);

	while (left.n > 0)
		row = span_cut(&left, '\n');
	for (size_t k = 0; k < i; k++)
		(void)span_cut(&row, '|');
	row = span_cut(&row, '|');
	assert_true(row.n < sizeof(text));
	memcpy(text, row.p, row.n);
	text[row.n] = '\0';
	return text;
}

static void hear_gone(void *arg, uint64_t account)
{
	(void)arg;
	(void)account;
}

static void hear_quota(void *arg, uint64_t account, uint64_t quota_bytes)
{
	(void)arg;
	(void)account;
	(void)quota_bytes;
}

static void hear_logout(void *arg, uint64_t account)
{
	size_t n = strlen(heard);

	(void)arg;
	(void)snprintf(heard + n, sizeof(heard) - n, "%d,", (int)account);
}

/* ---- the frame ------------------------------------------------------------------ */
static void open_again(void)
{
	const struct directory_listener listener = {hear_quota, hear_gone,
		hear_logout, NULL};
	struct err e;

	if (directory_open(path, &d, &e) != OK)
		fail_msg("%s", e.text);
	directory_listen(d, &listener);
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

static int setup(void **state)
{
	(void)state;
	remove_files();
	heard[0] = '\0';
	open_again();
	command_ok("domain add hamburger.edu crepes.fr");
	command_ok("account add " BOB " --password-hash=" BURGER_HASH);
	command_ok("account add " ALICE " --password-hash=" BURGER_HASH);
	return 0;
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

/* ---- logins ----------------------------------------------------------------------- */
static enum code end_with(struct directory_login *look, enum code verdict,
	const struct credential *made)
{
	struct err e;

	return directory_login_end(d, look, verdict, made, &e);
}

static struct directory_login begin(const char *user, const char *password,
	unsigned service)
{
	struct directory_login look;
	struct err e;

	if (directory_login_begin(d, span_str(user), span_str(password),
		    service, &look, &e) != OK)
		fail_msg("%s", e.text);
	return look;
}

/* As the role and its hashers do it. */
static enum code login(const char *user, const char *password,
	unsigned service)
{
	struct directory_login look = begin(user, password, service);
	struct credential made;
	struct err e;
	bool is_good;

	if (look.is_done)
		return OK;
	is_good = password_verify(span_str(look.hash), span_str(password));
	if (!is_good || !look.wants_keys)
		return end_with(&look, is_good ? OK : DENIED, NULL);
	assert_int_equal(credential_make(span_str(password),
				 span_of(look.salt, sizeof(look.salt)), &made,
				 &e), OK);
	return end_with(&look, OK, &made);
}

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

/* A hash that changed while it was checked: the old password is no good. */
static void test_a_change_meanwhile(void **state)
{
	struct directory_login look = begin(BOB, "burger", DIRECTORY_POP3);

	(void)state;
	command_ok("account password " BOB " --password=pickle");
	assert_int_equal(end_with(&look, OK, NULL), DENIED);
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
static void add_app(const char *user, const char *words, char out[32])
{
	char line[128];

	(void)snprintf(line, sizeof(line), "account app-password add %s %s",
		user, words);
	command_ok(line);
	assert_int_equal(strlen(cell(2)), 24);
	memcpy(out, cell(2), 25);
}

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

/* ---- SCRAM ------------------------------------------------------------------------------ */
#define TEXT "n=bob,r=x,r=xy,s=z,i=100000,c=biws,r=xy"

static void hmac(const uint8_t key[32], const char *text, uint8_t out[32])
{
	struct hmac_sha256_ctx h;

	hmac_sha256_set_key(&h, 32, key);
	hmac_sha256_update(&h, strlen(text), (const uint8_t *)text);
	hmac_sha256_digest(&h, 32, out);
}

/* What a client makes of the password.  RFC 5802 3 */
static void make_proof(const char *user, const char *password,
	uint8_t proof[32])
{
	uint8_t salt[SCRAM_SALT_BYTES], salted[32], key[32], signature[32];
	struct sha256 stored;

	directory_login_salt(d, span_str(user), salt);
	pbkdf2_hmac_sha256(strlen(password), (const uint8_t *)password,
		SCRAM_ROUNDS, sizeof(salt), salt, 32, salted);
	hmac(salted, "Client Key", key);
	stored = sha256_of(span_of(key, 32));
	hmac(stored.bytes, TEXT, signature);
	for (int i = 0; i < 32; i++)
		proof[i] = key[i] ^ signature[i];
}

static enum code prove_in(const char *user, const char *password,
	unsigned service, enum scram_hash hash)
{
	uint8_t bytes[32], signature[SCRAM_KEY_MAX];
	const struct directory_proof proof = {span_str(user), service, hash,
		SPAN(TEXT), span_of(bytes, scram_hash_bytes(hash))};
	struct directory_account account;
	struct err e;

	make_proof(user, password, bytes);
	return directory_login_proof(d, &proof, &account, signature, &e);
}

static enum code prove(const char *user, const char *password,
	unsigned service)
{
	return prove_in(user, password, service, SCRAM_SHA_256);
}

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

static void test_a_later_version_is_left_alone(void **state)
{
	struct err e;

	(void)state;
	directory_close(d);
	run_sql("PRAGMA user_version=3");
	assert_int_equal(directory_open(path, &d, &e), CORRUPT);
	run_sql("PRAGMA user_version=2; DELETE FROM secrets");
	assert_int_equal(directory_open(path, &d, &e), CORRUPT);
	d = NULL;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
		TEST(test_scram),
		TEST(test_a_salt_tells_nothing),
		TEST(test_certificates),
		TEST(test_what_has_to_be_hashed),
		TEST(test_supplied_passwords_are_used),
		TEST(test_a_new_password_ends_sessions),
		TEST(test_show_names_credentials),
		TEST(test_takes_over_version_1),
		TEST(test_a_change_of_version_is_all_or_nothing),
		TEST(test_a_later_version_is_left_alone),
	};
	struct err e;
	int failed;

	secret_init();
	if (password_hash(SPAN("burger"), burger_hash, &e) != OK)
		return 1;
	if (mkdtemp(folder) == NULL)
		return 1;
	(void)snprintf(path, sizeof(path), "%s/directory.db", folder);
	buf_init(&rows, 65536);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	(void)rmdir(folder);
	return failed;
}
