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
static enum code read_secret(struct directory *d, const char *name,
	uint8_t out[DIRECTORY_SECRET_BYTES], struct err *e)
{
	struct db_stmt *s = db_stmt(d->db,
		"SELECT value FROM secrets WHERE name = $1");
	enum code code;
	struct span value;

	db_bind_text(s, 1, span_str(name));
	code = db_step(s, e);
	value = code == OK ? db_bytes(s, 0) : SPAN_EMPTY;
	if (code == NOT_FOUND ||
		(code == OK && value.n != DIRECTORY_SECRET_BYTES))
		code = err_set(e, CORRUPT, "the secret \"%s\" is not there",
			name);
	if (code == OK)
		memcpy(out, value.p, value.n);
	db_reset(s);
	return code;
}

static enum code read_secrets(struct directory *d, struct err *e)
{
	enum code code = read_secret(d, "scram", d->scram_secret, e);

	return code == OK ? read_secret(d, "srs", d->srs_secret, e) : code;
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
		code = read_secrets(d, e);
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

static void forget_domains(struct directory *d)
{
	struct dict_walk walk = {0};
	struct directory_domain *domain;

	while ((domain = dict_next(&d->domains, &walk, NULL)) != NULL)
		mem_free(domain);
	dict_clear(&d->domains);
}

void directory_close(struct directory *d)
{
	if (d == NULL)
		return;
	forget_hits(d);
	forget_domains(d);
	db_close(d->db);
	secret_wipe(d, sizeof(*d));
	mem_free(d);
}

bool directory_is_broken(const struct directory *d)
{
	return db_is_broken(d->db);
}

/* Both columns of a row: a name, and of which domain it is another (or ""). */
static void note_domain(struct directory *d, struct db_stmt *s)
{
	struct span of = db_bytes(s, 1);
	struct directory_domain *domain = mem_new(1, sizeof(*domain) + of.n);

	domain->of_n = of.n;
	if (of.n > 0)
		memcpy(domain->of, of.p, of.n);
	mem_free(dict_take(&d->domains, db_bytes(s, 0)));
	dict_put(&d->domains, db_bytes(s, 0), domain);
}

enum code directory_refresh(struct directory *d, struct err *e)
{
	struct db_stmt *s = db_stmt(d->db,
		"SELECT name, domain FROM domain_aliases UNION ALL "
		"SELECT name, '' FROM domains");
	enum code code;

	forget_hits(d);
	forget_domains(d);
	while ((code = db_step(s, e)) == OK)
		note_domain(d, s);
	db_reset(s);
	return code == NOT_FOUND ? OK : code;
}

bool directory_has_domain(const struct directory *d, struct span domain)
{
	return dict_get(&d->domains, domain) != NULL;
}

bool directory_is_ours(const struct directory *d, struct span address)
{
	struct directory_address read;

	return directory_address_parse(address, &read) &&
		read.local_n < read.n &&
		directory_has_domain(d, directory_address_domain(&read));
}

/* ---- who is it ----------------------------------------------------------------- */
/* Not what comes in endless variety, and little of which comes again. */
static bool is_worth_keeping(const struct directory_hit *hit)
{
	return (hit->kind == DIRECTORY_ACCOUNT ||
		       hit->kind == DIRECTORY_ALIAS) &&
		!hit->has_detail && hit->rule != DIRECTORY_BY_CATCH_ALL &&
		hit->rule != DIRECTORY_BY_SRS;
}

static void keep(struct directory *d, struct span question,
	const struct directory_hit *hit)
{
	struct directory_hit *kept;

	if (!is_worth_keeping(hit))
		return;
	if (d->hits.count >= HITS_MAX)
		forget_hits(d);
	kept = MEM_NEW(struct directory_hit);
	*kept = *hit;
	dict_put(&d->hits, question, kept);
}

enum code directory_resolve(struct directory *d, struct span address,
	struct directory_hit *out, struct err *e)
{
	const struct directory_hit *known = dict_get(&d->hits, address);
	struct directory_match match;
	enum code code;

	if (known != NULL) {
		*out = *known;
		return OK;
	}
	*out = (struct directory_hit){.kind = DIRECTORY_BAD_DOMAIN};
	code = directory_find(d, address, &match, e);
	if (code == SYNTAX)
		return OK;
	if (code != OK)
		return code;
	*out = match.hit;
	keep(d, address, out);
	return OK;
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
