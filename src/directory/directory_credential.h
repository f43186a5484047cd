/*
 * directory_credential.h - who may log in: passwords, app passwords, SCRAM,
 * client certificates.
 *
 * An account has a main password, good for everything, and up to
 * DIRECTORY_CREDENTIALS_MAX - 1 app passwords, each with a name and the
 * services it is good for.  A hash that is slow to guess is slow to check, so
 * that is done elsewhere:
 *
 *	directory_login_begin ── an app password ──────────▶ logged in
 *	         │ everything else, also nobody
 *	         ▼
 *	password_verify(login.hash) ──▶ directory_login_end ──▶ OK or DENIED,
 *	                                         ╰── the hash changed: begin
 *
 * Who asks cannot tell by words, work or time whether there is such a user,
 * whether his hash came from another server, or whether the password would do
 * for another service: all is DENIED.
 *
 * The salt of SCRAM is made of the address and a secret of this file, so it is
 * the same every time, whoever asks and whoever there is; no answer about it
 * depends on what accounts there are.  RFC 5802 9
 */
#ifndef POSTRIDER_DIRECTORY_DIRECTORY_CREDENTIAL_H
#define POSTRIDER_DIRECTORY_DIRECTORY_CREDENTIAL_H

#include "crypto/credential.h"
#include "directory/directory.h"

/* What a session is for; a mask in --only. */
#define DIRECTORY_SMTP 1u
#define DIRECTORY_IMAP 2u
#define DIRECTORY_POP3 4u
#define DIRECTORY_ALL  7u

#define DIRECTORY_CREDENTIALS_MAX 32
#define DIRECTORY_HASH_BYTES_MAX  512
#define DIRECTORY_NAME_BYTES_MAX  64 /* of an app password */

/* The user in the one form of an address: who is counted, also when there is
 * nobody of that name.  A name without a domain is one of the only domain, if
 * there is only one.  False: it cannot be anybody. */
bool directory_login_user(const struct directory *d, struct span user,
	struct directory_address *out);

/* A login by password, between begin and end. */
struct directory_login {
	struct directory_account account; /* .account 0: there is none */
	unsigned service;
	bool is_done; /* begin found an app password: no hash has to be checked */
	char hash[DIRECTORY_HASH_BYTES_MAX + 1]; /* to be checked; "": nobody's */
	bool wants_keys; /* if it is good: make what SCRAM needs, too */
	uint8_t salt[SCRAM_SALT_BYTES]; /* with this */
};

/* service is one of the above.  Not OK: our own trouble. */
enum code directory_login_begin(struct directory *d, struct span user,
	struct span password, unsigned service, struct directory_login *out,
	struct err *e) MUST_USE;
/* verdict: OK, the password is that of login->hash; made: what wants_keys
 * wanted, or NULL.  OK: logged in; DENIED: not.  BUSY: it was the password, but
 * the hash was changed or renewed meanwhile: begin again. */
enum code directory_login_end(struct directory *d,
	const struct directory_login *login, enum code verdict,
	const struct credential *made, struct err *e) MUST_USE;

void directory_login_salt(const struct directory *d, struct span user,
	uint8_t out[SCRAM_SALT_BYTES]);

/* A client's proof, RFC 5802 3. */
struct directory_proof {
	struct span user;
	unsigned service;
	enum scram_hash hash;
	struct span text; /* AuthMessage */
	struct span proof;
};
/* OK: signature is the server's; DENIED. */
enum code directory_login_proof(struct directory *d,
	const struct directory_proof *proof, struct directory_account *out,
	uint8_t signature[SCRAM_KEY_MAX], struct err *e) MUST_USE;

/* fingerprint: SHA-256 of a certificate that the client has shown to be his.
 * user empty: whose it is, if it is bound to one account only.  OK or
 * DENIED. */
enum code directory_login_certificate(struct directory *d, struct span user,
	struct span fingerprint, struct directory_account *out,
	struct err *e) MUST_USE;

/* ---- new passwords -------------------------------------------------------- */
/* A command that sets passwords is carried out in two steps, so that the slow
 * one is done elsewhere: directory_new_passwords says what has to be hashed,
 * and directory_supply gives the result to the directory_admin that follows.
 * Without them the command hashes by itself. */
struct directory_new {
	char password[PASSWORD_BYTES_MAX + 1]; /* given or made */
	size_t password_n;
	bool is_made;
	uint8_t salt[SCRAM_SALT_BYTES];
	struct credential credential; /* to be filled in */
};

#define DIRECTORY_NEW_MAX 100 /* of one command */

/* How many the command needs; 0: none, or it will be refused. *out has them, on
 * the heap, for directory_new_free. */
size_t directory_new_passwords(struct directory *d, const struct span *words,
	size_t count, struct directory_new **out);
void directory_new_free(struct directory_new *news, size_t count);
/* For the next directory_admin only; they stay the caller's. */
void directory_supply(struct directory *d, const struct directory_new *news,
	size_t count);

#endif
