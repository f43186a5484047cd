/*
 * directory.c - opens directory.db, says who an address is.
 *
 * RCPT asks for the same few addresses again and again, so every answer that
 * names somebody is kept in memory under the very words of the question;
 * nothing is kept about nobody, for these questions have no end.  Any change
 * forgets all of it: changes are rare, and what is forgotten is one SELECT.
 */
#include "directory/directory.h"

#include <string.h>

#include "base/mem.h"
#include "base/time.h"
#include "crypto/secret.h"
#include "directory/directory_int.h"

#include "base/banned.h"

#define HITS_MAX       65536
#define KEEP_REMOVED_MS (30LL * 86400 * 1000)

/* ---- open and close --------------------------------------------------------- */
static enum code read_secret(struct directory *d, struct err *e)
{
	struct db_stmt *s = db_stmt(d->db,
		"SELECT value FROM secrets WHERE name = 'scram'");
	enum code code = db_step(s, e);
	struct span value = code == OK ? db_bytes(s, 0) : SPAN_EMPTY;

	if (code == NOT_FOUND ||
		(code == OK && value.n != sizeof(d->scram_secret)))
		code = err_set(e, CORRUPT, "the secret of SCRAM is not there");
	if (code == OK)
		memcpy(d->scram_secret, value.p, value.n);
	db_reset(s);
	return code;
}

enum code directory_open(const char *path, struct directory **out,
	struct err *e)
{
	struct directory *d = MEM_NEW(struct directory);
	enum code code;

	secret_init();
	dict_init(&d->domains);
	dict_init(&d->hits);
	code = db_open(path, &d->db, e);
	if (code == OK)
		code = directory_upgrade(d->db, e);
	if (code == OK)
		code = read_secret(d, e);
	if (code == OK)
		code = directory_refresh(d, e);
	if (code != OK) {
		directory_close(d);
		return err_wrap(e, "%s", path);
	}
	*out = d;
	return OK;
}

static void forget_hits(struct directory *d)
{
	struct dict_walk walk = {0};
	struct directory_hit *hit;

	while ((hit = dict_next(&d->hits, &walk, NULL)) != NULL)
		mem_free(hit);
	dict_clear(&d->hits);
}

void directory_close(struct directory *d)
{
	if (d == NULL)
		return;
	forget_hits(d);
	dict_clear(&d->domains);
	db_close(d->db);
	secret_wipe(d, sizeof(*d));
	mem_free(d);
}

bool directory_is_broken(const struct directory *d)
{
	return db_is_broken(d->db);
}

enum code directory_refresh(struct directory *d, struct err *e)
{
	struct db_stmt *s = db_stmt(d->db, "SELECT name FROM domains");
	enum code code;

	forget_hits(d);
	dict_clear(&d->domains);
	while ((code = db_step(s, e)) == OK)
		dict_put(&d->domains, db_bytes(s, 0), d);
	db_reset(s);
	return code == NOT_FOUND ? OK : code;
}

bool directory_has_domain(const struct directory *d, struct span domain)
{
	return dict_get(&d->domains, domain) != NULL;
}

/* ---- who is it ----------------------------------------------------------------- */
static const char find_account[] =
	"SELECT account, is_full FROM accounts WHERE address = $1";
static const char find_alias[] =
	"SELECT 1 FROM aliases WHERE address = $1 LIMIT 1";
static const char first_of_domain[] =
	"SELECT account, is_full FROM accounts WHERE domain = $1 "
	"ORDER BY account LIMIT 1";
static const char first_of_all[] =
	"SELECT account, is_full FROM accounts ORDER BY account LIMIT 1";
static const char oldest_domain[] =
	"SELECT name FROM domains ORDER BY created_ms, name LIMIT 1";

/* Takes account and is_full of a statement with at most one parameter. */
static enum code take_account(struct directory *d, const char *sql,
	struct span key, struct directory_hit *out, struct err *e)
{
	struct db_stmt *s = db_stmt(d->db, sql);
	enum code code;

	if (sql != first_of_all)
		db_bind_text(s, 1, key);
	code = db_step(s, e);
	if (code == OK) {
		out->kind = DIRECTORY_ACCOUNT;
		out->account = (uint64_t)db_i64(s, 0);
		out->is_full = db_i64(s, 1) != 0;
	}
	db_reset(s);
	return code;
}

static enum code take_alias(struct directory *d, struct span address,
	struct directory_hit *out, struct err *e)
{
	struct db_stmt *s = db_stmt(d->db, find_alias);
	enum code code;

	db_bind_text(s, 1, address);
	code = db_step(s, e);
	if (code == OK)
		out->kind = DIRECTORY_ALIAS;
	db_reset(s);
	return code;
}

static enum code take_postmaster(struct directory *d, struct span domain,
	struct directory_hit *out, struct err *e)
{
	enum code code = take_account(d, first_of_domain, domain, out, e);

	if (code == NOT_FOUND)
		code = take_account(d, first_of_all, SPAN_EMPTY, out, e);
	return code;
}

static bool is_postmaster(const struct directory_address *a)
{
	return span_eq(directory_address_local(a), SPAN("postmaster"));
}

enum code directory_look(struct directory *d,
	const struct directory_address *address, struct directory_hit *out,
	struct err *e)
{
	struct span text = directory_address_span(address);
	struct span domain = directory_address_domain(address);
	enum code code;

	*out = (struct directory_hit){.kind = DIRECTORY_NO_USER};
	if (address->local_n < address->n && !directory_has_domain(d, domain)) {
		out->kind = DIRECTORY_FOREIGN;
		return OK;
	}
	code = take_account(d, find_account, text, out, e);
	if (code == NOT_FOUND)
		code = take_alias(d, text, out, e);
	if (code == NOT_FOUND && is_postmaster(address))
		code = take_postmaster(d, domain, out, e);
	return code == NOT_FOUND ? OK : code;
}

/* "postmaster" alone, the one name that needs no domain.  RFC 5321 4.5.1 */
static enum code add_domain(struct directory *d,
	struct directory_address *address, struct err *e)
{
	struct db_stmt *s = db_stmt(d->db, oldest_domain);
	enum code code = db_step(s, e);

	if (code == OK) {
		struct span name = db_bytes(s, 0);

		must(address->n + 1 + name.n <= sizeof(address->text));
		address->text[address->n++] = '@';
		memcpy(address->text + address->n, name.p, name.n);
		address->n += name.n;
	}
	db_reset(s);
	return code == NOT_FOUND ? OK : code;
}

enum code directory_local_user(struct directory *d, struct span name,
	struct directory_address *out, uint64_t *out_account, struct err *e)
{
	struct directory_hit hit = {0};
	enum code code;

	*out_account = 0;
	if (!directory_address_parse(name, out) || out->local_n < out->n)
		return err_set(e, SYNTAX, "it is no name");
	code = add_domain(d, out, e);
	if (code != OK || out->local_n == out->n)
		return code;
	/* not directory_look: a user postmaster is not the first account */
	code = take_account(d, find_account, directory_address_span(out), &hit,
		e);
	*out_account = code == OK ? hit.account : 0;
	return code == NOT_FOUND ? OK : code;
}

static void keep(struct directory *d, struct span question,
	const struct directory_hit *hit)
{
	struct directory_hit *kept;

	if (hit->kind != DIRECTORY_ACCOUNT && hit->kind != DIRECTORY_ALIAS)
		return;
	if (d->hits.count >= HITS_MAX)
		forget_hits(d);
	kept = MEM_NEW(struct directory_hit);
	*kept = *hit;
	dict_put(&d->hits, question, kept);
}

enum code directory_read(struct directory *d, struct span text,
	struct directory_address *out, struct err *e)
{
	if (!directory_address_parse(text, out))
		return err_set(e, SYNTAX, "it is no address");
	if (out->local_n < out->n)
		return OK;
	if (!is_postmaster(out))
		return err_set(e, SYNTAX, "it has no domain");
	return add_domain(d, out, e);
}

enum code directory_resolve(struct directory *d, struct span address,
	struct directory_hit *out, struct err *e)
{
	const struct directory_hit *known = dict_get(&d->hits, address);
	struct directory_address read;
	enum code code;

	if (known != NULL) {
		*out = *known;
		return OK;
	}
	*out = (struct directory_hit){.kind = DIRECTORY_BAD_DOMAIN};
	code = directory_read(d, address, &read, e);
	if (code == SYNTAX)
		return OK;
	if (code == OK)
		code = directory_look(d, &read, out, e);
	if (code == OK)
		keep(d, address, out);
	return code;
}

/* ---- accounts ---------------------------------------------------------------- */
static const char account_by_number[] =
	"SELECT " DIRECTORY_ACCOUNT_COLUMNS " FROM accounts "
	"WHERE account = $1";

void directory_take_account(struct db_stmt *s,
	struct directory_account *out)
{
	struct span address = span_head(db_bytes(s, 4), sizeof(out->address));

	out->account = (uint64_t)db_i64(s, 0);
	out->quota_bytes = (uint64_t)db_i64(s, 1);
	out->used_bytes = (uint64_t)db_i64(s, 2);
	out->is_full = db_i64(s, 3) != 0;
	memcpy(out->address, address.p, address.n);
	out->address_n = address.n;
}

enum code directory_account_of(struct directory *d, uint64_t account,
	struct directory_account *out, struct err *e)
{
	struct db_stmt *s = db_stmt(d->db, account_by_number);
	enum code code;

	*out = (struct directory_account){0};
	db_bind_i64(s, 1, (int64_t)account);
	code = db_step(s, e);
	if (code == OK)
		directory_take_account(s, out);
	db_reset(s);
	return code;
}

enum code directory_account_set_full(struct directory *d, uint64_t account,
	bool is_full, uint64_t used_bytes, struct err *e)
{
	struct db_stmt *s = db_stmt(d->db, "UPDATE accounts SET is_full = $2, "
		"used_bytes = $3 WHERE account = $1");
	enum code code;

	db_bind_i64(s, 1, (int64_t)account);
	db_bind_i64(s, 2, is_full ? 1 : 0);
	db_bind_i64(s, 3, (int64_t)used_bytes);
	code = db_run(s, e);
	forget_hits(d);
	return code;
}

/* ---- changes ----------------------------------------------------------------------- */
void directory_listen(struct directory *d,
	const struct directory_listener *listener)
{
	d->listener = *listener;
}

enum code directory_tell_removed(struct directory *d, struct err *e)
{
	struct db_stmt *old = db_stmt(d->db,
		"DELETE FROM removed WHERE removed_ms < $1");
	struct db_stmt *s = db_stmt(d->db, "SELECT account FROM removed");
	enum code code;

	db_bind_i64(old, 1, time_wall_ms() - KEEP_REMOVED_MS);
	code = db_run(old, e);
	while (code == OK) {
		code = db_step(s, e);
		if (code == OK && d->listener.gone != NULL)
			d->listener.gone(d->listener.arg,
				(uint64_t)db_i64(s, 0));
	}
	db_reset(s);
	return code == NOT_FOUND ? OK : code;
}
