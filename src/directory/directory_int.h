/*
 * directory_int.h - shared by the files of directory/.
 */
#ifndef POSTRIDER_DIRECTORY_DIRECTORY_INT_H
#define POSTRIDER_DIRECTORY_DIRECTORY_INT_H

#include "base/dict.h"
#include "crypto/hash.h"
#include "crypto/secret.h"
#include "db/db.h"
#include "directory/directory_credential.h"
#include "directory/directory_ban.h"

#define DIRECTORY_SECRET_BYTES 32
/* Column credentials.scram: 2 * 32 + 2 * 20. */
#define DIRECTORY_SCRAM_BYTES 104

enum directory_tell_kind {
	DIRECTORY_TELL_GONE,
	DIRECTORY_TELL_QUOTA,
	DIRECTORY_TELL_LOGOUT,
	DIRECTORY_TELL_BAN
};

/* A change that the listener hears of after the commit. */
struct directory_tell {
	enum directory_tell_kind kind;
	uint64_t account;
	uint64_t quota_bytes;
	struct guess_ban ban; /* DIRECTORY_TELL_BAN */
};

struct directory {
	struct db *db;          /* owned */
	struct dict domains;    /* of struct directory_domain, owned: every one
	                           of ours, and their other names */
	struct dict hits;       /* of struct directory_hit, owned: what was
	                           asked before, under the words of the
	                           question */
	uint8_t scram_secret[DIRECTORY_SECRET_BYTES];
	uint8_t srs_secret[DIRECTORY_SECRET_BYTES];
	const struct directory_new *news; /* of the next command; the caller's */
	size_t new_count;
	struct directory_listener listener;
	directory_ban_fn *on_ban;
	void *on_ban_arg;
	struct directory_tell tells[ADMIN_WORDS_MAX]; /* of this command */
	size_t tell_count;
};

/* Makes the schema of a new file, or changes that of an older release. */
enum code directory_upgrade(struct db *db, struct err *e) MUST_USE;

/* The columns of accounts that a struct directory_account is made of. */
#define DIRECTORY_ACCOUNT_COLUMNS                                              \
	"account, quota_bytes, used_bytes, is_full, address"
void directory_take_account(struct db_stmt *s, struct directory_account *out);

/* Binds the keys of SCRAM, or NULL if there are none; room lives until the
 * statement has run. */
void directory_bind_scram(struct db_stmt *s, int index,
	const struct credential *c, uint8_t room[DIRECTORY_SCRAM_BYTES]);

/* Forgets what was answered, and reads the domains: after every change. */
enum code directory_refresh(struct directory *d, struct err *e) MUST_USE;
bool directory_has_domain(const struct directory *d, struct span domain);
/* An address in its one form; "postmaster" alone gets its domain.  SYNTAX: it
 * is none. */
enum code directory_read(struct directory *d, struct span text,
	struct directory_address *out, struct err *e) MUST_USE;

/* A name of a domain of ours. */
struct directory_domain {
	size_t of_n;    /* 0: the domain itself; else another name of: */
	uint8_t of[];
};

/* ---- directory_match.c: who an address is, and by which rule ---- */
struct directory_match {
	struct directory_hit hit;
	/* What stands in the tables for it: the account's address, the alias, or
	 * of an address of ours that came back (SRS) its sender. */
	struct directory_address key;
};
/* For an address in its one form, past the memory. */
enum code directory_match(struct directory *d,
	const struct directory_address *address, struct directory_match *out,
	struct err *e) MUST_USE;
/* The same for an address as it was written; SYNTAX: it is none. */
enum code directory_find(struct directory *d, struct span text,
	struct directory_match *out, struct err *e) MUST_USE;

/* ---- the administrator's commands ---------------------------------------------- */
/* A command that is carried out. */
struct directory_command {
	struct directory *d;
	const struct span *words; /* behind noun and verb */
	size_t count;
	const struct admin_out *out;
	struct err *e;           /* of what is called */
	char said[ERR_TEXT_MAX]; /* the sentence of the command */
};

/* Sets the sentence and returns the exit status. */
enum admin_exit directory_say(struct directory_command *c,
	enum admin_exit exit, const char *format, ...) FORMAT(3, 4);
/* For our own trouble: the sentence is made of what stands in c->e. */
enum admin_exit directory_trouble(struct directory_command *c);
/* The value of "--name=value", cut out; false: there is none. */
bool directory_option(const struct directory_command *c, struct span name,
	struct span *out_value);
/* The i-th word that is no option; false: there are no more. */
bool directory_word(const struct directory_command *c, size_t i,
	struct span *out);
/* The word as an address of one of our domains; says what is wrong. */
enum admin_exit directory_own_address(struct directory_command *c,
	struct span word, struct directory_address *out);
/* Says that there is no such thing, and which one it looks like; sql gives
 * all names. */
enum admin_exit directory_say_missing(struct directory_command *c,
	const char *kind, struct span name, const char *sql);
/* At most one a word of the command. */
void directory_tell_later(struct directory_command *c,
	enum directory_tell_kind kind, uint64_t account, uint64_t quota_bytes);
void directory_tell_ban(struct directory_command *c,
	const struct guess_ban *ban);
void directory_row(const struct directory_command *c,
	const struct span *cells, size_t count);

/* The number of the account of this word; says so if there is none. */
enum admin_exit directory_find_account(struct directory_command *c,
	struct span word, struct directory_address *address, int64_t *out);

/* A new password, and what is kept of it. */
struct directory_password {
	char made[SECRET_PASSWORD_BYTES + 1]; /* "": it was given */
	char hash[DIRECTORY_HASH_BYTES_MAX + 1];
	uint8_t sha256[SHA256_BYTES];
	struct credential credential; /* !has_scram: a hash was given */
};
/* That of the i-th address of the command, as its options say. */
enum admin_exit directory_password_make(struct directory_command *c, size_t i,
	const struct directory_address *address,
	struct directory_password *out);
/* name: that of an app password (EXISTS: there is one), or empty: the main
 * one. */
enum code directory_password_put(struct directory_command *c, int64_t account,
	struct span name, unsigned services,
	const struct directory_password *p) MUST_USE;
/* How many passwords the command has to hash, and the first step of it. */
size_t directory_new_count(struct directory_command *c, bool is_each_word);
bool directory_new_begin(struct directory_command *c,
	struct directory_new *news, size_t count);

/* A target of an alias or of an account as it is kept; warns if nobody has it. */
enum admin_exit directory_read_target(struct directory_command *c,
	struct span word, struct directory_address *out);

enum admin_exit directory_domain_add(struct directory_command *c);
enum admin_exit directory_domain_list(struct directory_command *c);
enum admin_exit directory_domain_remove(struct directory_command *c);
enum admin_exit directory_domain_alias_add(struct directory_command *c);
enum admin_exit directory_domain_alias_list(struct directory_command *c);
enum admin_exit directory_domain_alias_remove(struct directory_command *c);
enum admin_exit directory_forward_add(struct directory_command *c);
enum admin_exit directory_forward_list(struct directory_command *c);
enum admin_exit directory_forward_remove(struct directory_command *c);
enum admin_exit directory_alias_refuse(struct directory_command *c);
enum admin_exit directory_test_address(struct directory_command *c);
enum admin_exit directory_account_add(struct directory_command *c);
enum admin_exit directory_account_list(struct directory_command *c);
enum admin_exit directory_account_show(struct directory_command *c);
enum admin_exit directory_account_remove(struct directory_command *c);
enum admin_exit directory_account_password(struct directory_command *c);
enum admin_exit directory_account_quota(struct directory_command *c);
enum admin_exit directory_app_add(struct directory_command *c);
enum admin_exit directory_app_list(struct directory_command *c);
enum admin_exit directory_app_remove(struct directory_command *c);
enum admin_exit directory_certificate_add(struct directory_command *c);
enum admin_exit directory_certificate_list(struct directory_command *c);
enum admin_exit directory_certificate_remove(struct directory_command *c);
enum admin_exit directory_ban_add(struct directory_command *c);
enum admin_exit directory_ban_list(struct directory_command *c);
enum admin_exit directory_ban_remove(struct directory_command *c);
enum admin_exit directory_alias_add(struct directory_command *c);
enum admin_exit directory_alias_list(struct directory_command *c);
enum admin_exit directory_alias_remove(struct directory_command *c);

#endif
