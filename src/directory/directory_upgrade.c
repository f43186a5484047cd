/*
 * directory_upgrade.c - a new file gets its schema; one of an older release
 * becomes one of this.
 *
 * One transaction when it is opened, so that a file is either of a version or
 * of the next.  Tables and indexes are made by the very text of schema.sql.
 */
#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "crypto/secret.h"
#include "directory/directory_int.h"
#include "directory/directory_schema.h"

#include "base/banned.h"

#define SCHEMA_VERSION 3

/* ---- older versions ------------------------------------------------------------ */
/* What version 2 made or made anew, in its order. */
static const char *const made_2[] = {
	"CREATE TABLE accounts ",
	"CREATE INDEX accounts_by_domain ",
	"CREATE TABLE credentials ",
	"CREATE TABLE certificates ",
	"CREATE INDEX certificates_by_fingerprint ",
	"CREATE TABLE bans ",
	"CREATE TABLE known_networks ",
	"CREATE TABLE secrets ",
	NULL,
};

/* The same of version 3. */
static const char *const made_3[] = {
	"CREATE TABLE domain_aliases ",
	"CREATE TABLE forwards ",
	NULL,
};

#define MOVED                                                                  \
	"account, address, domain, quota_bytes, used_bytes, is_full, created_ms"

/* The statement of schema.sql that begins so. */
static void put_statement(struct buf *out, const char *beginning)
{
	const char *at = strstr(directory_schema, beginning);
	const char *end;

	must(at != NULL);
	end = strchr(at, ';');
	must(end != NULL);
	buf_put(out, span_of(at, (size_t)(end - at) + 1));
}

/* Before them, the statements of `made`, and behind them. */
static enum code run(struct db *db, const char *before,
	const char *const *made, const char *behind, struct err *e)
{
	struct buf script;
	enum code code;

	buf_init(&script, 65536);
	buf_puts(&script, before);
	for (; *made != NULL; made++)
		put_statement(&script, *made);
	buf_puts(&script, behind);
	buf_putc(&script, '\0');
	must(!script.overflow);
	code = db_script(db, (const char *)buf_span(&script).p, e);
	buf_clear(&script);
	return code;
}

static enum code make_secret(struct db *db, const char *name, struct err *e)
{
	struct db_stmt *s = db_stmt(db,
		"INSERT INTO secrets (name, value) VALUES ($1, $2)");
	uint8_t secret[DIRECTORY_SECRET_BYTES];
	enum code code;

	secret_random(secret, sizeof(secret));
	db_bind_text(s, 1, span_str(name));
	db_bind_blob(s, 2, span_of(secret, sizeof(secret)));
	code = db_run(s, e);
	secret_wipe(secret, sizeof(secret));
	return code;
}

/* A password was a column of its account; whether it is of ours or of another
 * server, its next login makes what SCRAM needs. */
static enum code make_2(struct db *db, struct err *e)
{
	enum code code = run(db,
		"ALTER TABLE accounts RENAME TO accounts_1;"
		"DROP INDEX accounts_by_domain;", made_2,
		"INSERT INTO accounts (" MOVED ") SELECT " MOVED
		" FROM accounts_1;"
		"INSERT INTO credentials (account, name, hash, scram_rounds, "
		"services, created_ms, used_ms) SELECT account, '', password, "
		"0, 7, created_ms, 0 FROM accounts_1; DROP TABLE accounts_1;",
		e);

	return code == OK ? make_secret(db, "scram", e) : code;
}

static enum code make_3(struct db *db, struct err *e)
{
	enum code code = run(db, "", made_3, "", e);

	return code == OK ? make_secret(db, "srs", e) : code;
}

/* ---- all versions ----------------------------------------------------------- */
static enum code make_new(struct db *db, struct err *e)
{
	enum code code = db_script(db, directory_schema, e);

	if (code == OK)
		code = make_secret(db, "scram", e);
	return code == OK ? make_secret(db, "srs", e) : code;
}

static enum code make_newer(struct db *db, int64_t version, struct err *e)
{
	enum code code = version < 2 ? make_2(db, e) : OK;

	return code == OK ? make_3(db, e) : code;
}

static enum code bring_up(struct db *db, int64_t version, struct err *e)
{
	enum code code = db_begin(db, e);

	if (code == OK)
		code = version == 0 ? make_new(db, e)
				    : make_newer(db, version, e);
	if (code == OK)
		code = db_set_version(db, SCHEMA_VERSION, e);
	if (code == OK)
		return db_commit(db, e);
	db_rollback(db);
	return version == 0 ? code : err_wrap(e,
		"changing it from version %" PRId64, version);
}

enum code directory_upgrade(struct db *db, struct err *e)
{
	int64_t version;
	enum code code = db_version(db, &version, e);

	if (code != OK || version == SCHEMA_VERSION)
		return code;
	if (version < 0 || version > SCHEMA_VERSION)
		return err_set(e, CORRUPT, "its schema has number %" PRId64
			", and this program knows %d", version, SCHEMA_VERSION);
	return bring_up(db, version, e);
}
