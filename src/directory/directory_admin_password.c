/*
 * directory_admin_password.c - the administrator's commands about passwords:
 * new ones, and app passwords.
 *
 * A password that nobody gave is made here and shown once, in a row; what is
 * kept of it is slow to work out.  The running server lets others do that
 * before the command (directory_new_passwords); without them it is done here.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/time.h"
#include "base/utf8.h"
#include "crypto/hash.h"
#include "crypto/secret.h"
#include "directory/directory_int.h"

#include "base/banned.h"

/* ---- a new password --------------------------------------------------------- */
static bool is_good_password(struct span given)
{
	return given.n > 0 && given.n <= PASSWORD_BYTES_MAX;
}

/* False: the one that was given cannot be one. */
static bool begin_new(struct directory_command *c, struct span address,
	struct directory_new *out)
{
	struct span given;

	memset(out, 0, sizeof(*out));
	directory_login_salt(c->d, address, out->salt);
	if (!directory_option(c, SPAN("password"), &given)) {
		char made[SECRET_PASSWORD_BYTES + 1];

		secret_make_password(made);
		memcpy(out->password, made, sizeof(made));
		out->password_n = SECRET_PASSWORD_BYTES;
		secret_wipe(made, sizeof(made));
		out->is_made = true;
		return true;
	}
	if (!is_good_password(given))
		return false;
	memcpy(out->password, given.p, given.n);
	out->password_n = given.n;
	return true;
}

size_t directory_new_count(struct directory_command *c, bool is_each_word)
{
	struct span word, hash;
	size_t count = 0;

	if (directory_option(c, SPAN("password-hash"), &hash))
		return 0;
	while (directory_word(c, count, &word) && (is_each_word || count == 0))
		count++;
	return count <= DIRECTORY_NEW_MAX ? count : 0;
}

bool directory_new_begin(struct directory_command *c,
	struct directory_new *news, size_t count)
{
	struct span word;

	for (size_t i = 0; i < count; i++)
		if (!directory_word(c, i, &word) ||
			!begin_new(c, word, &news[i]))
			return false;
	return true;
}

void directory_new_free(struct directory_new *news, size_t count)
{
	if (news != NULL)
		secret_wipe(news, count * sizeof(*news));
	mem_free(news);
}

void directory_supply(struct directory *d, const struct directory_new *news,
	size_t count)
{
	d->news = news;
	d->new_count = count;
}

static enum admin_exit take_hash(struct directory_command *c,
	struct span given, struct directory_password *out)
{
	if (!password_is_hash(given) || given.n > DIRECTORY_HASH_BYTES_MAX)
		return directory_say(c, EXIT_BAD_DATA, "--password-hash: it is "
			"no hash that this server knows, or one that takes too "
			"long; see postrider(1)");
	memcpy(out->hash, given.p, given.n);
	return EXIT_OK;
}

static void take_new(const struct directory_new *from,
	struct directory_password *out)
{
	struct sha256 sha256 = sha256_of(span_of(from->password, from->password_n));

	if (from->is_made)
		memcpy(out->made, from->password, sizeof(out->made));
	memcpy(out->hash, from->credential.hash,
		sizeof(from->credential.hash));
	memcpy(out->sha256, sha256.bytes, SHA256_BYTES);
	out->credential = from->credential;
	secret_wipe(&sha256, sizeof(sha256));
}

static enum admin_exit make_here(struct directory_command *c,
	struct span address, struct directory_password *out)
{
	struct directory_new new;
	enum admin_exit exit = EXIT_OK;

	if (!begin_new(c, address, &new))
		return directory_say(c, EXIT_BAD_DATA, "the password is empty "
			"or too long; give one of 1 to %d bytes",
			PASSWORD_BYTES_MAX);
	if (credential_make(span_of(new.password, new.password_n),
		    span_of(new.salt, sizeof(new.salt)), &new.credential,
		    c->e) != OK)
		exit = directory_trouble(c);
	else
		take_new(&new, out);
	secret_wipe(&new, sizeof(new));
	return exit;
}

enum admin_exit directory_password_make(struct directory_command *c, size_t i,
	const struct directory_address *address,
	struct directory_password *out)
{
	struct span given;

	memset(out, 0, sizeof(*out));
	if (directory_option(c, SPAN("password-hash"), &given))
		return take_hash(c, given, out);
	if (i >= c->d->new_count)
		return make_here(c, directory_address_span(address), out);
	take_new(&c->d->news[i], out);
	return EXIT_OK;
}

/* ---- what is kept of it ---------------------------------------------------------- */
static const char insert_app[] =
	"INSERT INTO credentials (account, name, hash, sha256, scram, "
	"scram_rounds, services, created_ms, used_ms) "
	"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)";
static const char put_main[] =
	"INSERT INTO credentials (account, name, hash, sha256, scram, "
	"scram_rounds, services, created_ms, used_ms) "
	"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0) "
	"ON CONFLICT (account, name) DO UPDATE SET hash = excluded.hash, "
	"scram = excluded.scram, scram_rounds = excluded.scram_rounds, "
	"created_ms = excluded.created_ms, used_ms = 0";

enum code directory_password_put(struct directory_command *c, int64_t account,
	struct span name, unsigned services,
	const struct directory_password *p)
{
	struct db_stmt *s = db_stmt(c->d->db,
		name.n > 0 ? insert_app : put_main);
	uint8_t room[DIRECTORY_SCRAM_BYTES];
	enum code code;

	db_bind_i64(s, 1, account);
	db_bind_text(s, 2, name);
	if (name.n > 0) {
		db_bind_null(s, 3);
		db_bind_blob(s, 4, span_of(p->sha256, SHA256_BYTES));
	} else {
		db_bind_text(s, 3, span_str(p->hash));
		db_bind_null(s, 4);
	}
	directory_bind_scram(s, 5, &p->credential, room);
	db_bind_i64(s, 6, p->credential.rounds);
	db_bind_i64(s, 7, services);
	db_bind_i64(s, 8, time_wall_ms());
	code = db_run(s, c->e);
	secret_wipe(room, sizeof(room));
	return code;
}

/* ---- account password --------------------------------------------------------------- */
enum admin_exit directory_account_password(struct directory_command *c)
{
	struct directory_address address;
	struct directory_password password;
	struct span word;
	int64_t account;
	enum admin_exit exit;
	enum code code;

	(void)directory_word(c, 0, &word);
	exit = directory_find_account(c, word, &address, &account);
	if (exit == EXIT_OK)
		exit = directory_password_make(c, 0, &address, &password);
	if (exit != EXIT_OK)
		return exit;
	code = directory_password_put(c, account, SPAN_EMPTY, DIRECTORY_ALL,
		&password);
	if (code == OK) {
		directory_row(c, (const struct span[]){SPAN("account"),
			SPAN("password")}, 2);
		directory_row(c, (const struct span[]){
			directory_address_span(&address),
			span_str(password.made)}, 2);
		directory_tell_later(c, DIRECTORY_TELL_LOGOUT,
			(uint64_t)account, 0);
	}
	secret_wipe(&password, sizeof(password));
	return code == OK ? EXIT_OK : directory_trouble(c);
}

/* ---- services ------------------------------------------------------------------------- */
static const struct {
	const char *name;
	unsigned bit;
} services[] = {
	{"smtp", DIRECTORY_SMTP},
	{"imap", DIRECTORY_IMAP},
	{"pop3", DIRECTORY_POP3},
};
#define SERVICE_NAMES (sizeof(services) / sizeof(services[0]))

static unsigned service_bit(struct span name)
{
	for (size_t i = 0; i < SERVICE_NAMES; i++)
		if (span_eq_fold(name, span_str(services[i].name)))
			return services[i].bit;
	return 0;
}

/* "--only=smtp,imap"; without it all. */
static enum admin_exit read_services(struct directory_command *c,
	unsigned *out)
{
	struct span left;

	*out = DIRECTORY_ALL;
	if (!directory_option(c, SPAN("only"), &left))
		return EXIT_OK;
	*out = 0;
	do {
		struct span name = span_cut(&left, ',');
		unsigned bit = service_bit(name);

		if (bit == 0)
			return directory_say(c, EXIT_BAD_DATA, "--only: "
				"\"%.*s\" is no service; write some of "
				"smtp,imap,pop3", SPAN_ARG(span_head(name, 64)));
		*out |= bit;
	} while (left.n > 0);
	return EXIT_OK;
}

static void put_services(struct buf *out, unsigned mask)
{
	for (size_t i = 0; i < SERVICE_NAMES; i++)
		if ((mask & services[i].bit) != 0)
			buf_printf(out, "%s%s", buf_len(out) > 0 ? "," : "",
				services[i].name);
}

/* ---- account app-password ----------------------------------------------------------------- */
/* It is shown in lists and typed in commands. */
static enum admin_exit check_name(struct directory_command *c,
	struct span name)
{
	bool is_good = name.n > 0 && name.n <= DIRECTORY_NAME_BYTES_MAX &&
		utf8_is_valid(name);

	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] < ' ' || name.p[i] == 0x7f)
			is_good = false;
	if (is_good)
		return EXIT_OK;
	return directory_say(c, EXIT_BAD_DATA, "the name of an app password "
		"has 1 to %d bytes, without control characters; give it the "
		"name of the program or device", DIRECTORY_NAME_BYTES_MAX);
}

static enum admin_exit check_room(struct directory_command *c, int64_t account)
{
	struct db_stmt *s = db_stmt(c->d->db,
		"SELECT count(*) FROM credentials WHERE account = $1");
	int64_t count = 0;
	enum code code;

	db_bind_i64(s, 1, account);
	code = db_step(s, c->e);
	if (code == OK)
		count = db_i64(s, 0);
	db_reset(s);
	if (code != OK)
		return directory_trouble(c);
	if (count < DIRECTORY_CREDENTIALS_MAX)
		return EXIT_OK;
	return directory_say(c, EXIT_DENIED, "an account has at most %d app "
		"passwords; remove one first: postrider account app-password "
		"remove", DIRECTORY_CREDENTIALS_MAX - 1);
}

/* Account and name of the command's words. */
static enum admin_exit read_app(struct directory_command *c,
	struct directory_address *address, int64_t *out_account,
	struct span *out_name)
{
	struct span word;
	enum admin_exit exit;

	(void)directory_word(c, 0, &word);
	(void)directory_word(c, 1, out_name);
	exit = directory_find_account(c, word, address, out_account);
	return exit == EXIT_OK ? check_name(c, *out_name) : exit;
}

static enum admin_exit add_app(struct directory_command *c, int64_t account,
	const struct directory_address *address, struct span name)
{
	struct directory_password password;
	unsigned mask;
	enum admin_exit exit = read_services(c, &mask);
	enum code code;

	if (exit == EXIT_OK)
		exit = directory_password_make(c, 0, address, &password);
	if (exit != EXIT_OK)
		return exit;
	code = directory_password_put(c, account, name, mask, &password);
	if (code == OK) {
		directory_row(c, (const struct span[]){SPAN("account"),
			SPAN("name"), SPAN("password")}, 3);
		directory_row(c, (const struct span[]){
			directory_address_span(address), name,
			span_str(password.made)}, 3);
	}
	secret_wipe(&password, sizeof(password));
	if (code == EXISTS)
		return directory_say(c, EXIT_CANNOT_CREATE, "%.*s has an app "
			"password %.*s already", SPAN_ARG(
			directory_address_span(address)), SPAN_ARG(name));
	return code == OK ? EXIT_OK : directory_trouble(c);
}

enum admin_exit directory_app_add(struct directory_command *c)
{
	struct directory_address address;
	struct span name;
	int64_t account;
	enum admin_exit exit = read_app(c, &address, &account, &name);

	if (exit == EXIT_OK)
		exit = check_room(c, account);
	return exit == EXIT_OK ? add_app(c, account, &address, name) : exit;
}

enum admin_exit directory_app_remove(struct directory_command *c)
{
	struct db_stmt *s = db_stmt(c->d->db, "DELETE FROM credentials "
		"WHERE account = $1 AND name = $2");
	struct directory_address address;
	struct span name;
	int64_t account;
	enum admin_exit exit = read_app(c, &address, &account, &name);

	if (exit != EXIT_OK)
		return exit;
	db_bind_i64(s, 1, account);
	db_bind_text(s, 2, name);
	if (db_run(s, c->e) != OK)
		return directory_trouble(c);
	if (db_changes(c->d->db) == 0)
		return directory_say(c, EXIT_NO_ADDRESS, "%.*s has no app "
			"password %.*s; see: postrider account app-password "
			"list %.*s", SPAN_ARG(directory_address_span(&address)),
			SPAN_ARG(name),
			SPAN_ARG(directory_address_span(&address)));
	directory_tell_later(c, DIRECTORY_TELL_LOGOUT, (uint64_t)account, 0);
	return EXIT_OK;
}

static void put_app(struct directory_command *c, struct db_stmt *s)
{
	struct buf only, created, used;

	buf_init(&only, 64);
	buf_init(&created, 64);
	buf_init(&used, 64);
	put_services(&only, (unsigned)db_i64(s, 1));
	time_put_rfc3339(&created, db_i64(s, 2));
	if (db_i64(s, 3) == 0)
		buf_puts(&used, "never");
	else
		time_put_rfc3339(&used, db_i64(s, 3));
	/* to the day only: 2026-11-22 */
	if (db_i64(s, 3) != 0)
		buf_truncate(&used, 10);
	directory_row(c, (const struct span[]){db_bytes(s, 0), buf_span(&only),
		buf_span(&created), buf_span(&used)}, 4);
	buf_clear(&only);
	buf_clear(&created);
	buf_clear(&used);
}

enum admin_exit directory_app_list(struct directory_command *c)
{
	struct db_stmt *s = db_stmt(c->d->db, "SELECT name, services, "
		"created_ms, used_ms FROM credentials "
		"WHERE account = $1 AND name <> '' ORDER BY name");
	struct directory_address address;
	struct span word;
	int64_t account;
	enum admin_exit exit;
	enum code code;

	(void)directory_word(c, 0, &word);
	exit = directory_find_account(c, word, &address, &account);
	if (exit != EXIT_OK)
		return exit;
	directory_row(c, (const struct span[]){SPAN("name"), SPAN("only"),
		SPAN("created"), SPAN("used")}, 4);
	db_bind_i64(s, 1, account);
	while ((code = db_step(s, c->e)) == OK)
		put_app(c, s);
	db_reset(s);
	return code == NOT_FOUND ? EXIT_OK : directory_trouble(c);
}
