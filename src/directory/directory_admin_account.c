/*
 * directory_admin_account.c - the administrator's commands about accounts.
 *
 * Their passwords are in directory_admin_password.c.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/time.h"
#include "crypto/secret.h"
#include "directory/directory_int.h"

#include "base/banned.h"

static const char all_accounts[] = "SELECT address FROM accounts";

static enum admin_exit read_size(struct directory_command *c,
	struct span word, uint64_t *out)
{
	if (span_eq(word, SPAN("none")))
		*out = 0;
	else if (!num_parse_bytes(word, out))
		return directory_say(c, EXIT_BAD_DATA, "\"%.*s\" is no size; "
			"write a number and K, M or G, as in 500M, or none",
			SPAN_ARG(span_head(word, 64)));
	return EXIT_OK;
}

/* ---- add -------------------------------------------------------------------------- */
static enum code next_account(struct directory_command *c, int64_t *out)
{
	struct db_stmt *s = db_stmt(c->d->db,
		"UPDATE counters SET next = next + 1 WHERE name = 'account' "
		"RETURNING next - 1");
	enum code code = db_step(s, c->e);

	if (code == OK)
		*out = db_i64(s, 0);
	db_reset(s);
	return code == NOT_FOUND
		? err_set(c->e, CORRUPT, "the counter of accounts is not there")
		: code;
}

static enum code insert_account(struct directory_command *c,
	const struct directory_address *address,
	const struct directory_password *password, uint64_t quota_bytes)
{
	struct db_stmt *s = db_stmt(c->d->db,
		"INSERT INTO accounts (account, address, domain, "
		"quota_bytes, used_bytes, is_full, created_ms) "
		"VALUES ($1, $2, $3, $4, 0, 0, $5)");
	int64_t account;
	enum code code = next_account(c, &account);

	if (code != OK)
		return code;
	db_bind_i64(s, 1, account);
	db_bind_text(s, 2, directory_address_span(address));
	db_bind_text(s, 3, directory_address_domain(address));
	db_bind_i64(s, 4, (int64_t)quota_bytes);
	db_bind_i64(s, 5, time_wall_ms());
	code = db_run(s, c->e);
	return code == OK ? directory_password_put(c, account, SPAN_EMPTY,
				    DIRECTORY_ALL, password)
			  : code;
}

/* Says so if the address is somebody's already. */
static enum admin_exit check_free(struct directory_command *c,
	const struct directory_address *address)
{
	struct db_stmt *s = db_stmt(c->d->db,
		"SELECT 1 FROM aliases WHERE address = $1 LIMIT 1");
	enum code code;

	db_bind_text(s, 1, directory_address_span(address));
	code = db_step(s, c->e);
	db_reset(s);
	if (code == NOT_FOUND)
		return EXIT_OK;
	if (code != OK)
		return directory_trouble(c);
	return directory_say(c, EXIT_CANNOT_CREATE, "%.*s is an alias; remove "
		"it first: postrider alias remove %.*s",
		SPAN_ARG(directory_address_span(address)),
		SPAN_ARG(directory_address_span(address)));
}

static enum admin_exit add_one(struct directory_command *c, size_t i,
	struct span word, uint64_t quota_bytes)
{
	struct directory_address address;
	struct directory_password password;
	enum admin_exit exit = directory_own_address(c, word, &address);
	enum code code;

	if (exit == EXIT_OK)
		exit = check_free(c, &address);
	if (exit == EXIT_OK)
		exit = directory_password_make(c, i, &address, &password);
	if (exit != EXIT_OK)
		return exit;
	code = insert_account(c, &address, &password, quota_bytes);
	if (code == OK)
		directory_row(c, (const struct span[]){
			directory_address_span(&address),
			span_str(password.made)}, 2);
	secret_wipe(&password, sizeof(password));
	if (code == EXISTS)
		return directory_say(c, EXIT_CANNOT_CREATE,
			"there is an account %.*s already",
			SPAN_ARG(directory_address_span(&address)));
	return code == OK ? EXIT_OK : directory_trouble(c);
}

enum admin_exit directory_account_add(struct directory_command *c)
{
	struct span word, option;
	uint64_t quota_bytes = 0;
	enum admin_exit exit = EXIT_OK;

	if (!directory_option(c, SPAN("password-hash"), &option) &&
		directory_word(c, DIRECTORY_NEW_MAX, &word))
		return directory_say(c, EXIT_USAGE, "more than %d accounts at "
			"once; give fewer, or --password-hash=HASH",
			DIRECTORY_NEW_MAX);
	if (directory_option(c, SPAN("quota"), &option))
		exit = read_size(c, option, &quota_bytes);
	if (exit == EXIT_OK)
		directory_row(c, (const struct span[]){SPAN("account"),
			SPAN("password")}, 2);
	for (size_t i = 0; exit == EXIT_OK && directory_word(c, i, &word); i++)
		exit = add_one(c, i, word, quota_bytes);
	return exit;
}

/* ---- find, list, show ------------------------------------------------------------------- */
enum admin_exit directory_find_account(struct directory_command *c,
	struct span word, struct directory_address *address, int64_t *out)
{
	struct db_stmt *s = db_stmt(c->d->db,
		"SELECT account FROM accounts WHERE address = $1");
	enum admin_exit exit = directory_own_address(c, word, address);
	enum code code;

	if (exit != EXIT_OK)
		return exit;
	db_bind_text(s, 1, directory_address_span(address));
	code = db_step(s, c->e);
	if (code == OK)
		*out = db_i64(s, 0);
	db_reset(s);
	if (code == NOT_FOUND)
		return directory_say_missing(c, "account",
			directory_address_span(address), all_accounts);
	return code == OK ? EXIT_OK : directory_trouble(c);
}

static void put_size(char out[24], int64_t bytes, bool is_quota)
{
	if (is_quota && bytes == 0)
		(void)snprintf(out, 24, "none");
	else
		(void)snprintf(out, 24, "%" PRId64, bytes);
}

/* number, address, quota, used, full */
static void put_account(struct directory_command *c, struct db_stmt *s)
{
	char number[24], quota[24], used[24];

	put_size(number, db_i64(s, 0), false);
	put_size(quota, db_i64(s, 2), true);
	put_size(used, db_i64(s, 3), false);
	directory_row(c, (const struct span[]){db_bytes(s, 1),
		span_str(number), span_str(quota), span_str(used),
		db_i64(s, 4) != 0 ? SPAN("yes") : SPAN("no")}, 5);
}

static void put_head(struct directory_command *c)
{
	directory_row(c, (const struct span[]){SPAN("account"),
		SPAN("number"), SPAN("quota"), SPAN("used"), SPAN("full")}, 5);
}

enum admin_exit directory_account_list(struct directory_command *c)
{
	static const char all[] = "SELECT account, address, quota_bytes, "
		"used_bytes, is_full FROM accounts ORDER BY domain, address";
	static const char of_domain[] = "SELECT account, address, quota_bytes, "
		"used_bytes, is_full FROM accounts WHERE domain = $1 "
		"ORDER BY address";
	struct directory_address room;
	struct span domain;
	bool has_domain = directory_word(c, 0, &domain);
	struct db_stmt *s = db_stmt(c->d->db, has_domain ? of_domain : all);
	enum code code;

	if (has_domain && directory_domain_parse(domain, &room))
		domain = directory_address_span(&room);
	if (has_domain && !directory_has_domain(c->d, domain))
		return directory_say_missing(c, "domain", domain,
			"SELECT name FROM domains");
	if (has_domain)
		db_bind_text(s, 1, domain);
	put_head(c);
	while ((code = db_step(s, c->e)) == OK)
		put_account(c, s);
	db_reset(s);
	return code == NOT_FOUND ? EXIT_OK : directory_trouble(c);
}

/* What put_account shows, and what there is to log in with. */
static void put_credentials(struct directory_command *c, struct db_stmt *s)
{
	char number[24], quota[24], used[24], apps[24], certificates[24];

	put_size(number, db_i64(s, 0), false);
	put_size(quota, db_i64(s, 2), true);
	put_size(used, db_i64(s, 3), false);
	put_size(apps, db_i64(s, 6), false);
	put_size(certificates, db_i64(s, 7), false);
	directory_row(c, (const struct span[]){SPAN("account"),
		SPAN("number"), SPAN("quota"), SPAN("used"), SPAN("full"),
		SPAN("password"), SPAN("app-passwords"),
		SPAN("certificates")}, 8);
	directory_row(c, (const struct span[]){db_bytes(s, 1),
		span_str(number), span_str(quota), span_str(used),
		db_i64(s, 4) != 0 ? SPAN("yes") : SPAN("no"),
		db_i64(s, 5) != 0 ? SPAN("set") : SPAN("imported"),
		span_str(apps), span_str(certificates)}, 8);
}

enum admin_exit directory_account_show(struct directory_command *c)
{
	struct db_stmt *s = db_stmt(c->d->db, "SELECT account, address, "
		"quota_bytes, used_bytes, is_full, (SELECT scram IS NOT NULL "
		"FROM credentials AS c WHERE c.account = a.account "
		"AND name = ''), (SELECT count(*) FROM credentials AS c "
		"WHERE c.account = a.account AND name <> ''), (SELECT count(*) "
		"FROM certificates AS c WHERE c.account = a.account) "
		"FROM accounts AS a WHERE account = $1");
	struct directory_address address;
	struct span word;
	int64_t account;
	enum admin_exit exit;
	enum code code;

	(void)directory_word(c, 0, &word);
	exit = directory_find_account(c, word, &address, &account);
	if (exit != EXIT_OK)
		return exit;
	db_bind_i64(s, 1, account);
	code = db_step(s, c->e);
	if (code == OK)
		put_credentials(c, s);
	db_reset(s);
	return code == OK ? EXIT_OK : directory_trouble(c);
}

/* ---- remove, quota -------------------------------------------------------- */
/* Aliases that lose a target are worth a word. */
static enum admin_exit warn_of_aliases(struct directory_command *c,
	const struct directory_address *address)
{
	struct db_stmt *s = db_stmt(c->d->db, "SELECT address FROM aliases "
		"WHERE target = $1 ORDER BY address LIMIT 1");
	enum admin_exit exit = EXIT_OK;
	enum code code;

	db_bind_text(s, 1, directory_address_span(address));
	code = db_step(s, c->e);
	if (code == OK)
		exit = directory_say(c, EXIT_WARNINGS, "the alias %.*s still "
			"points to %.*s; its senders will be told that there "
			"is nobody", SPAN_ARG(db_bytes(s, 0)),
			SPAN_ARG(directory_address_span(address)));
	db_reset(s);
	return code == OK || code == NOT_FOUND ? exit : directory_trouble(c);
}

static enum admin_exit remove_one(struct directory_command *c,
	struct span word)
{
	struct db_stmt *drop = db_stmt(c->d->db,
		"DELETE FROM accounts WHERE account = $1");
	struct db_stmt *note = db_stmt(c->d->db,
		"INSERT INTO removed (account, removed_ms) VALUES ($1, $2)");
	struct directory_address address;
	int64_t account;
	enum admin_exit exit = directory_find_account(c, word, &address, &account);

	if (exit != EXIT_OK)
		return exit;
	db_bind_i64(drop, 1, account);
	db_bind_i64(note, 1, account);
	db_bind_i64(note, 2, time_wall_ms());
	if (db_run(drop, c->e) != OK || db_run(note, c->e) != OK)
		return directory_trouble(c);
	directory_tell_later(c, DIRECTORY_TELL_GONE, (uint64_t)account, 0);
	return warn_of_aliases(c, &address);
}

enum admin_exit directory_account_remove(struct directory_command *c)
{
	struct span word;
	enum admin_exit worst = EXIT_OK;

	for (size_t i = 0; worst <= EXIT_WARNINGS &&
		directory_word(c, i, &word); i++) {
		enum admin_exit exit = remove_one(c, word);

		worst = exit > worst ? exit : worst;
	}
	return worst;
}

/* A mailbox that sleeps does not say that there is room again: what it said
 * last is compared here. */
enum admin_exit directory_account_quota(struct directory_command *c)
{
	struct db_stmt *s = db_stmt(c->d->db,
		"UPDATE accounts SET quota_bytes = $2, is_full = CASE WHEN "
		"$2 > 0 AND used_bytes >= $2 THEN 1 ELSE 0 END "
		"WHERE account = $1");
	struct directory_address address;
	struct span word, size;
	int64_t account;
	uint64_t quota_bytes;
	enum admin_exit exit;

	(void)directory_word(c, 0, &word);
	(void)directory_word(c, 1, &size);
	exit = directory_find_account(c, word, &address, &account);
	if (exit == EXIT_OK)
		exit = read_size(c, size, &quota_bytes);
	if (exit != EXIT_OK)
		return exit;
	db_bind_i64(s, 1, account);
	db_bind_i64(s, 2, (int64_t)quota_bytes);
	if (db_run(s, c->e) != OK)
		return directory_trouble(c);
	directory_tell_later(c, DIRECTORY_TELL_QUOTA, (uint64_t)account,
		quota_bytes);
	return EXIT_OK;
}
