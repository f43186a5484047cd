/*
 * directory_credential.c - checks who logs in.  See directory_credential.h.
 *
 * What is compared here is compared for DIRECTORY_CREDENTIALS_MAX credentials
 * every time, those that are not there against bytes that nobody has.
 */
#include "directory/directory_credential.h"

#include <string.h>

#include "base/time.h"
#include "crypto/hash.h"
#include "crypto/secret.h"
#include "directory/directory_int.h"

#include "base/banned.h"

#define DAY_MS 86400000LL

/* ---- who it would be ------------------------------------------------------ */
bool directory_login_user(const struct directory *d, struct span user,
	struct directory_address *out)
{
	struct dict_walk walk = {0};
	struct span domain = SPAN_EMPTY;

	if (!directory_address_parse(user, out))
		return false;
	if (out->local_n < out->n)
		return true;
	if (d->domains.count != 1)
		return false;
	(void)dict_next(&d->domains, &walk, &domain);
	if (out->n + 1 + domain.n > sizeof(out->text))
		return false;
	out->text[out->n++] = '@';
	memcpy(out->text + out->n, domain.p, domain.n);
	out->n += domain.n;
	return true;
}

/* Nobody: out->account is 0, and it is no error. */
static enum code find(struct directory *d, struct span user,
	struct directory_account *out, struct err *e)
{
	struct db_stmt *s = db_stmt(d->db, "SELECT " DIRECTORY_ACCOUNT_COLUMNS
		" FROM accounts WHERE address = $1");
	struct directory_address address;
	enum code code;

	*out = (struct directory_account){0};
	if (!directory_login_user(d, user, &address))
		address.n = 0; /* no account has it */
	db_bind_text(s, 1, directory_address_span(&address));
	code = db_step(s, e);
	if (code == OK)
		directory_take_account(s, out);
	db_reset(s);
	return code == NOT_FOUND ? OK : code;
}

static enum code deny(struct err *e)
{
	return err_set(e, DENIED, "no such credentials");
}

/* ---- its credentials ------------------------------------------------------- */
static const char all_of_account[] =
	"SELECT name, hash, sha256, scram, scram_rounds, services, used_ms "
	"FROM credentials WHERE account = $1 ORDER BY name";

/* Deliberate: what could not be written is no reason to refuse a login, unless
 * the file is lost; the next one tries again. */
static enum code write_if_may(struct directory *d, struct db_stmt *s,
	struct err *e)
{
	enum code code = db_run(s, e);

	return db_is_broken(d->db) ? code : OK;
}

static enum code note_use(struct directory *d, uint64_t account,
	struct span name, int64_t used_ms, struct err *e)
{
	struct db_stmt *s = db_stmt(d->db, "UPDATE credentials "
		"SET used_ms = $3 WHERE account = $1 AND name = $2");
	int64_t today_ms = time_wall_ms() / DAY_MS * DAY_MS;

	if (used_ms == today_ms)
		return OK;
	db_bind_i64(s, 1, (int64_t)account);
	db_bind_text(s, 2, name);
	db_bind_i64(s, 3, today_ms);
	return write_if_may(d, s, e);
}

/* The row that was found to be good, as long as others are looked at. */
struct found {
	bool is_good;
	char name[DIRECTORY_NAME_BYTES_MAX + 1];
	int64_t used_ms;
};

static void find_is(struct found *found, struct db_stmt *s)
{
	struct span name = span_head(db_bytes(s, 0), sizeof(found->name) - 1);

	found->is_good = true;
	if (name.n > 0)
		memcpy(found->name, name.p, name.n);
	found->name[name.n] = '\0';
	found->used_ms = db_i64(s, 6);
}

static bool is_for(struct db_stmt *s, unsigned service)
{
	return ((uint64_t)db_i64(s, 5) & service) != 0;
}

/* ---- by password ------------------------------------------------------------- */
/* The main password: its hash is checked elsewhere. */
static void take_main(struct db_stmt *s, struct directory_login *out)
{
	struct span hash = db_bytes(s, 1);

	if (hash.n == 0 || hash.n > DIRECTORY_HASH_BYTES_MAX)
		return; /* nobody's */
	memcpy(out->hash, hash.p, hash.n);
	out->hash[hash.n] = '\0';
	out->wants_keys = db_bytes(s, 3).n != DIRECTORY_SCRAM_BYTES ||
		db_i64(s, 4) != SCRAM_ROUNDS ||
		!password_is_current(span_str(out->hash));
}

static enum code compare_apps(struct directory *d, struct span sha256,
	struct directory_login *out, struct found *found, struct err *e)
{
	static const uint8_t nobodys[SHA256_BYTES];
	struct db_stmt *s = db_stmt(d->db, all_of_account);
	enum code code = OK;

	db_bind_i64(s, 1, (int64_t)out->account.account);
	for (int i = 0; i < DIRECTORY_CREDENTIALS_MAX; i++) {
		struct span theirs = span_of(nobodys, sizeof(nobodys));
		bool is_app = false;

		if (code == OK)
			code = db_step(s, e);
		if (code == OK && db_bytes(s, 0).n == 0)
			take_main(s, out);
		else if (code == OK)
			is_app = db_bytes(s, 2).n == SHA256_BYTES;
		if (is_app)
			theirs = db_bytes(s, 2);
		if (secret_equal(sha256, theirs) && is_app &&
			is_for(s, out->service))
			find_is(found, s);
	}
	db_reset(s);
	return code == NOT_FOUND ? OK : code;
}

enum code directory_login_begin(struct directory *d, struct span user,
	struct span password, unsigned service, struct directory_login *out,
	struct err *e)
{
	struct sha256 sha256 = sha256_of(password);
	struct found found = {.is_good = false};
	enum code code;

	*out = (struct directory_login){.service = service};
	code = find(d, user, &out->account, e);
	if (code == OK)
		code = compare_apps(d, sha256_span(&sha256), out, &found, e);
	secret_wipe(&sha256, sizeof(sha256));
	if (code != OK)
		return code;
	directory_login_salt(d, user, out->salt);
	out->is_done = found.is_good;
	return found.is_good ? note_use(d, out->account.account,
				       span_str(found.name), found.used_ms, e)
			     : OK;
}

static void put_scram(const struct credential *c,
	uint8_t out[DIRECTORY_SCRAM_BYTES])
{
	for (unsigned hash = 0; hash < SCRAM_HASH_COUNT; hash++) {
		size_t n = scram_hash_bytes((enum scram_hash)hash);

		memcpy(out, c->keys[hash].stored, n);
		memcpy(out + n, c->keys[hash].server, n);
		out += 2 * n;
	}
}

void directory_bind_scram(struct db_stmt *s, int index,
	const struct credential *c, uint8_t room[DIRECTORY_SCRAM_BYTES])
{
	if (c == NULL || !c->has_scram) {
		db_bind_null(s, index);
		return;
	}
	put_scram(c, room);
	db_bind_blob(s, index, span_of(room, DIRECTORY_SCRAM_BYTES));
}

static enum code keep_made(struct directory *d,
	const struct directory_login *login, const struct credential *made,
	struct err *e)
{
	struct db_stmt *s = db_stmt(d->db, "UPDATE credentials SET hash = $3, "
		"scram = $4, scram_rounds = $5 "
		"WHERE account = $1 AND name = '' AND hash = $2");
	uint8_t room[DIRECTORY_SCRAM_BYTES];
	enum code code;

	db_bind_i64(s, 1, (int64_t)login->account.account);
	db_bind_text(s, 2, span_str(login->hash));
	db_bind_text(s, 3, span_str(made->hash));
	directory_bind_scram(s, 4, made, room);
	db_bind_i64(s, 5, made->rounds);
	code = write_if_may(d, s, e);
	secret_wipe(room, sizeof(room));
	return code;
}

/* Is the hash that was checked still that of the account?  NOT_FOUND: there is
 * no such account; BUSY: it has another. */
static enum code compare_hash(struct directory *d,
	const struct directory_login *login, bool *out_is_for,
	int64_t *out_used_ms, struct err *e)
{
	struct db_stmt *s = db_stmt(d->db, "SELECT hash, services, used_ms "
		"FROM credentials WHERE account = $1 AND name = ''");
	enum code code;

	db_bind_i64(s, 1, (int64_t)login->account.account);
	code = db_step(s, e);
	if (code == OK) {
		*out_is_for = ((uint64_t)db_i64(s, 1) & login->service) != 0;
		*out_used_ms = db_i64(s, 2);
		if (!span_eq(db_bytes(s, 0), span_str(login->hash)))
			code = err_set(e, BUSY, "the hash has changed");
	}
	db_reset(s);
	return code;
}

enum code directory_login_end(struct directory *d,
	const struct directory_login *login, enum code verdict,
	const struct credential *made, struct err *e)
{
	bool is_for = false;
	int64_t used_ms = 0;
	enum code code;

	if (verdict != OK || login->hash[0] == '\0')
		return deny(e);
	code = compare_hash(d, login, &is_for, &used_ms, e);
	if (code == NOT_FOUND || (code == OK && !is_for))
		return deny(e);
	if (code != OK)
		return code;
	code = note_use(d, login->account.account, SPAN_EMPTY, used_ms, e);
	if (code == OK && login->wants_keys && made != NULL)
		code = keep_made(d, login, made, e);
	return code;
}

/* ---- SCRAM ----------------------------------------------------------------------- */
/* Of an unknown user, too: SHA-256 of the secret and of who asks, both of one
 * length, so nothing can be put behind them. */
void directory_login_salt(const struct directory *d, struct span user,
	uint8_t out[SCRAM_SALT_BYTES])
{
	struct directory_address address;
	struct sha256 who = sha256_of(directory_login_user(d, user, &address)
			? directory_address_span(&address)
			: user);
	uint8_t both[DIRECTORY_SECRET_BYTES + SHA256_BYTES];
	struct sha256 salt;

	memcpy(both, d->scram_secret, DIRECTORY_SECRET_BYTES);
	memcpy(both + DIRECTORY_SECRET_BYTES, who.bytes, SHA256_BYTES);
	salt = sha256_of(span_of(both, sizeof(both)));
	memcpy(out, salt.bytes, SCRAM_SALT_BYTES);
	secret_wipe(both, sizeof(both));
}

/* The keys of the current row; false: it has none. */
static bool take_keys(struct db_stmt *s, enum scram_hash hash,
	struct scram_keys *out)
{
	struct span column = db_bytes(s, 3);
	size_t n = scram_hash_bytes(hash);
	size_t at = 0;

	if (column.n != DIRECTORY_SCRAM_BYTES || db_i64(s, 4) != SCRAM_ROUNDS)
		return false;
	for (unsigned i = 0; i < (unsigned)hash; i++)
		at += 2 * scram_hash_bytes((enum scram_hash)i);
	memcpy(out->stored, column.p + at, n);
	memcpy(out->server, column.p + at + n, n);
	return true;
}

static enum code compare_proofs(struct directory *d,
	const struct directory_proof *proof, uint64_t account,
	struct found *found, uint8_t signature[SCRAM_KEY_MAX], struct err *e)
{
	struct db_stmt *s = db_stmt(d->db, all_of_account);
	struct scram_keys keys;
	uint8_t its[SCRAM_KEY_MAX];
	enum code code = OK;

	db_bind_i64(s, 1, (int64_t)account);
	for (int i = 0; i < DIRECTORY_CREDENTIALS_MAX; i++) {
		bool has_keys = false;

		memset(&keys, 0, sizeof(keys));
		if (code == OK)
			code = db_step(s, e);
		if (code == OK)
			has_keys = take_keys(s, proof->hash, &keys);
		if (scram_proof_check(proof->hash, &keys, proof->text,
			    proof->proof, its) && has_keys &&
			is_for(s, proof->service)) {
			find_is(found, s);
			memcpy(signature, its, sizeof(its));
		}
	}
	db_reset(s);
	secret_wipe(&keys, sizeof(keys));
	secret_wipe(its, sizeof(its));
	return code == NOT_FOUND ? OK : code;
}

enum code directory_login_proof(struct directory *d,
	const struct directory_proof *proof, struct directory_account *out,
	uint8_t signature[SCRAM_KEY_MAX], struct err *e)
{
	struct found found = {.is_good = false};
	enum code code = find(d, proof->user, out, e);

	memset(signature, 0, SCRAM_KEY_MAX);
	if (code == OK)
		code = compare_proofs(d, proof, out->account, &found,
			signature, e);
	if (code != OK)
		return code;
	if (!found.is_good)
		return deny(e);
	return note_use(d, out->account, span_str(found.name), found.used_ms,
		e);
}

/* ---- by certificate ----------------------------------------------------------------- */
/* The only account with this certificate; 0: none, or more than one. */
static enum code find_owner(struct directory *d, struct span fingerprint,
	uint64_t *out, struct err *e)
{
	struct db_stmt *s = db_stmt(d->db, "SELECT account FROM certificates "
		"WHERE fingerprint = $1 ORDER BY account LIMIT 2");
	enum code code;

	*out = 0;
	db_bind_blob(s, 1, fingerprint);
	code = db_step(s, e);
	if (code == OK) {
		*out = (uint64_t)db_i64(s, 0);
		code = db_step(s, e);
		if (code == OK)
			*out = 0;
	}
	db_reset(s);
	return code == NOT_FOUND ? OK : code;
}

static enum code is_bound(struct directory *d, uint64_t account,
	struct span fingerprint, struct err *e)
{
	struct db_stmt *s = db_stmt(d->db, "SELECT 1 FROM certificates "
		"WHERE account = $1 AND fingerprint = $2");
	enum code code;

	db_bind_i64(s, 1, (int64_t)account);
	db_bind_blob(s, 2, fingerprint);
	code = db_step(s, e);
	db_reset(s);
	return code == NOT_FOUND ? deny(e) : code;
}

enum code directory_login_certificate(struct directory *d, struct span user,
	struct span fingerprint, struct directory_account *out, struct err *e)
{
	uint64_t account = 0;
	enum code code;

	*out = (struct directory_account){0};
	if (user.n > 0) {
		code = find(d, user, out, e);
		return code == OK ? is_bound(d, out->account, fingerprint, e)
				  : code;
	}
	code = find_owner(d, fingerprint, &account, e);
	if (code == OK)
		code = directory_account_of(d, account, out, e);
	return code == NOT_FOUND ? deny(e) : code;
}
