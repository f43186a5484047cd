/*
 * credential_rig.h - a directory on a real file, commands, and logins with the
 * work of a hasher done here: for the tests of credentials.
 *
 * A hash of ours takes long to make, so accounts begin with one that is put in.
 */
#ifndef POSTRIDER_TESTS_UNIT_DIRECTORY_CREDENTIAL_RIG_H
#define POSTRIDER_TESTS_UNIT_DIRECTORY_CREDENTIAL_RIG_H

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
static inline void take_row(void *arg, const struct span *cells, size_t count)
{
	(void)arg;
	for (size_t i = 0; i < count; i++) {
		buf_puts(&rows, i == 0 ? "" : "|");
		buf_put(&rows, cells[i]);
	}
	buf_putc(&rows, '\n');
}

/* The text with the hash in the place of @HASH; valid until the next call. */
static inline const char *with_hash(const char *text)
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

static inline size_t split(const char *line, struct span words[32])
{
	struct span left = span_str(with_hash(line));
	size_t count = 0;

	while (left.n > 0)
		words[count++] = span_cut(&left, ' ');
	return count;
}

static inline enum admin_exit command(const char *line)
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

static inline void command_ok(const char *line)
{
	if (command(line) != EXIT_OK || said[0] != '\0')
		fail_msg("%s: %s", line, said);
}

/* Cell i of the last row of the answer. */
static inline const char *cell(size_t i)
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

static inline void hear_gone(void *arg, uint64_t account)
{
	(void)arg;
	(void)account;
}

static inline void hear_quota(void *arg, uint64_t account, uint64_t quota_bytes)
{
	(void)arg;
	(void)account;
	(void)quota_bytes;
}

static inline void hear_logout(void *arg, uint64_t account)
{
	size_t n = strlen(heard);

	(void)arg;
	(void)snprintf(heard + n, sizeof(heard) - n, "%d,", (int)account);
}

/* ---- the frame ------------------------------------------------------------------ */
static inline void open_again(void)
{
	const struct directory_listener listener = {hear_quota, hear_gone,
		hear_logout, NULL};
	struct err e;

	if (directory_open(path, &d, &e) != OK)
		fail_msg("%s", e.text);
	directory_listen(d, &listener);
}

static inline void remove_files(void)
{
	static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
	char name[80];

	for (size_t i = 0; i < 4; i++) {
		(void)snprintf(name, sizeof(name), "%s%s", path, ends[i]);
		(void)unlink(name);
	}
}

static inline int setup(void **state)
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

static inline int teardown(void **state)
{
	(void)state;
	directory_close(d);
	d = NULL;
	buf_clear(&rows);
	remove_files();
	return 0;
}

/* ---- logins ----------------------------------------------------------------------- */
static inline enum code end_with(struct directory_login *look, enum code verdict,
	const struct credential *made)
{
	struct err e;

	return directory_login_end(d, look, verdict, made, &e);
}

static inline struct directory_login begin(const char *user, const char *password,
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
static inline enum code login(const char *user, const char *password,
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

static inline void add_app(const char *user, const char *words, char out[32])
{
	char line[128];

	(void)snprintf(line, sizeof(line), "account app-password add %s %s",
		user, words);
	command_ok(line);
	assert_int_equal(strlen(cell(2)), 24);
	memcpy(out, cell(2), 25);
}

/* ---- SCRAM -------------------------------------------------------------------- */
#define TEXT "n=bob,r=x,r=xy,s=z,i=100000,c=biws,r=xy"

static inline void hmac(const uint8_t key[32], const char *text, uint8_t out[32])
{
	struct hmac_sha256_ctx h;

	hmac_sha256_set_key(&h, 32, key);
	hmac_sha256_update(&h, strlen(text), (const uint8_t *)text);
	hmac_sha256_digest(&h, 32, out);
}

/* What a client makes of the password.  RFC 5802 3 */
static inline void make_proof(const char *user, const char *password,
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

static inline enum code prove_in(const char *user, const char *password,
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

static inline enum code prove(const char *user, const char *password,
	unsigned service)
{
	return prove_in(user, password, service, SCRAM_SHA_256);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* Once for all tests of a program. */
static inline int open_folder(void **state)
{
	struct err e;

	(void)state;
	secret_init();
	if (password_hash(SPAN("burger"), burger_hash, &e) != OK ||
		mkdtemp(folder) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/directory.db", folder);
	buf_init(&rows, 65536);
	return 0;
}

static inline int close_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

#endif
