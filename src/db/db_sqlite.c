/*
 * db_sqlite.c - the SQL face over SQLite.  See db.h.
 *
 * The settings are one table, each read back after it was set: a setting that
 * did not take would be a promise that does not hold.
 */
#include "db/db.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/num.h"
#include "db/db_vfs.h"

#define PATH_BYTES    4096
#define LOG_BYTES_MAX (4 << 20) /* journal_size_limit */
#define CACHE_SETTING "PRAGMA cache_size=-2000" /* KiB */

struct db {
	sqlite3 *handle; /* owned */
	struct map statements; /* by address of their text */
	struct db_stmt *begin, *commit, *rollback;
	bool is_broken;
};

#define PARAMETERS_MAX 64

struct db_stmt {
	struct db *db;
	sqlite3_stmt *handle; /* owned */
	/* Where $1, $2, ... stand: SQLite numbers them by first appearance, not
	 * by their digits.  0: there is none. */
	uint8_t positions[PARAMETERS_MAX + 1];
};

/* In order: locking_mode before the first access, so that no -shm file is
 * made; page_size and auto_vacuum before the first table. */
static const struct {
	const char *set;
	const char *read; /* NULL: the answer of set is compared */
	const char *expect;
} settings[] = {
	{"PRAGMA locking_mode=EXCLUSIVE", NULL, "exclusive"},
	{"PRAGMA page_size=4096", NULL, NULL},
	{"PRAGMA auto_vacuum=INCREMENTAL", "PRAGMA auto_vacuum", "2"},
	{"PRAGMA journal_mode=WAL", NULL, "wal"},
	{"PRAGMA synchronous=FULL", "PRAGMA synchronous", "2"},
	{"PRAGMA temp_store=MEMORY", "PRAGMA temp_store", "2"},
	{"PRAGMA mmap_size=0", NULL, "0"},
	{"PRAGMA cell_size_check=ON", "PRAGMA cell_size_check", "1"},
	{"PRAGMA trusted_schema=OFF", "PRAGMA trusted_schema", "0"},
	{"PRAGMA foreign_keys=ON", "PRAGMA foreign_keys", "1"},
	{"PRAGMA secure_delete=FAST", NULL, "2"},
	{"PRAGMA wal_autocheckpoint=512", NULL, "512"},
	{"PRAGMA journal_size_limit=4194304", NULL, "4194304"},
	{CACHE_SETTING, NULL, NULL},
};

static const struct {
	int id, value;
} limits[] = {
	{SQLITE_LIMIT_LENGTH, 256 << 20},
	{SQLITE_LIMIT_SQL_LENGTH, 65536},
	{SQLITE_LIMIT_ATTACHED, 0},
	{SQLITE_LIMIT_VARIABLE_NUMBER, PARAMETERS_MAX},
};

static enum code code_of(int rc)
{
	/* any other constraint is our mistake, not "it is there already" */
	if (rc == SQLITE_CONSTRAINT_UNIQUE ||
		rc == SQLITE_CONSTRAINT_PRIMARYKEY ||
		rc == SQLITE_CONSTRAINT_ROWID)
		return EXISTS;
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
	case SQLITE_ROW:
		return OK;
	case SQLITE_FULL:
		return FULL;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return BUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return CORRUPT;
	case SQLITE_TOOBIG:
		return LIMIT;
	default:
		return TEMP;
	}
}

static enum code fail(struct db *db, int rc, struct err *e)
{
	enum code code = code_of(rc);

	if (code == CORRUPT || (rc & 0xff) == SQLITE_IOERR)
		db->is_broken = true;
	return err_set(e, code, "%s (%d)", sqlite3_errmsg(db->handle), rc);
}

/* ---- open and close -------------------------------------------------------- */
/* Runs one statement and compares its last value, if one is expected. */
static enum code set_one(struct db *db, const char *sql, const char *expect,
	struct err *e)
{
	sqlite3_stmt *s;
	char got[32] = "";
	int rc = sqlite3_prepare_v2(db->handle, sql, -1, &s, NULL);

	if (rc != SQLITE_OK)
		return fail(db, rc, e);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW)
		(void)sqlite3_snprintf(sizeof(got), got, "%s",
			sqlite3_column_text(s, 0));
	sqlite3_finalize(s);
	if (rc != SQLITE_DONE)
		return fail(db, rc, e);
	if (expect != NULL && strcmp(got, expect) != 0)
		return err_set(e, TEMP, "%s: it is \"%s\"", sql, got);
	return OK;
}

/* What is so already is not set again: auto_vacuum would write to the file. */
static enum code set_checked(struct db *db, size_t i, struct err *e)
{
	const char *read = settings[i].read;
	enum code code;

	if (read == NULL)
		return set_one(db, settings[i].set, settings[i].expect, e);
	if (set_one(db, read, settings[i].expect, NULL) == OK)
		return OK;
	code = set_one(db, settings[i].set, NULL, e);
	return code == OK ? set_one(db, read, settings[i].expect, e) : code;
}

static enum code apply_settings(struct db *db, struct err *e)
{
	enum code code = OK;

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		sqlite3_limit(db->handle, limits[i].id, limits[i].value);
	(void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(db->handle,
		SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
	/* closing must not checkpoint: it costs milliseconds */
	(void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
		NULL);
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		code = set_checked(db, i, e);
		if (code != OK)
			return code;
	}
	return OK;
}

/* Once in a process.  One thread uses SQLite in each of ours, so it needs no
 * locks; and nobody asks it how much memory it has, so it need not count. */
static void start_library(void)
{
	static bool is_started;

	if (is_started)
		return;
	is_started = true;
	must(sqlite3_config(SQLITE_CONFIG_SINGLETHREAD) == SQLITE_OK);
	must(sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK);
	must(sqlite3_initialize() == SQLITE_OK);
	db_vfs_init();
}

static int open_handle(const char *path, sqlite3 **out)
{
	start_library();
	return sqlite3_open_v2(path, out,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
			SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW |
			SQLITE_OPEN_EXRESCODE,
		DB_VFS_NAME);
}

/* A process that only writes once never begins its log anew, so one short
 * life after the other (commands on a stopped server) makes it longer. */
static void shorten_log(struct db *db, const char *path)
{
	char name[PATH_BYTES];
	struct stat st;

	(void)sqlite3_snprintf(sizeof(name), name, "%s-wal", path);
	if (stat(name, &st) == 0 && st.st_size > LOG_BYTES_MAX)
		db_checkpoint(db);
}

enum code db_open(const char *path, struct db **out_db, struct err *e)
{
	struct db *db = MEM_NEW(struct db);
	int rc = open_handle(path, &db->handle);
	enum code code;

	must(db->handle != NULL);
	map_init(&db->statements);
	code = rc == SQLITE_OK ? apply_settings(db, e) : fail(db, rc, e);
	if (code != OK) {
		err_wrap(e, "opening %s", path);
		db_close(db);
		return code;
	}
	shorten_log(db, path);
	db->begin = db_stmt(db, "BEGIN IMMEDIATE");
	db->commit = db_stmt(db, "COMMIT");
	db->rollback = db_stmt(db, "ROLLBACK");
	*out_db = db;
	return OK;
}

void db_close(struct db *db)
{
	struct db_stmt *s;

	if (db == NULL)
		return;
	for (size_t i = 0; (s = map_next(&db->statements, &i)) != NULL;) {
		sqlite3_finalize(s->handle);
		mem_free(s);
	}
	map_clear(&db->statements);
	(void)sqlite3_close(db->handle);
	mem_free(db);
}

void db_before_confinement(void)
{
	uint8_t seed[8];

	start_library();
	sqlite3_randomness(sizeof(seed), seed);
}

/* ---- schema and transactions ------------------------------------------------ */
enum code db_version(struct db *db, int64_t *out, struct err *e)
{
	struct db_stmt *s = db_stmt(db, "PRAGMA user_version");
	enum code code = db_step(s, e);

	if (code == OK)
		*out = db_i64(s, 0);
	db_reset(s);
	return code;
}

enum code db_set_version(struct db *db, int64_t version, struct err *e)
{
	char sql[64];

	(void)sqlite3_snprintf(sizeof(sql), sql, "PRAGMA user_version=%lld",
		(long long)version);
	return set_one(db, sql, NULL, e);
}

enum code db_script(struct db *db, const char *sql, struct err *e)
{
	int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? OK : fail(db, rc, e);
}

enum code db_begin(struct db *db, struct err *e)
{
	return db_run(db->begin, e);
}

enum code db_commit(struct db *db, struct err *e)
{
	enum code code = db_run(db->commit, e);

	if (code != OK)
		db->is_broken = true;
	return code;
}

enum code db_commit_either(struct db *db, struct err *e)
{
	enum code code = db_run(db->commit, e);

	if (code == FULL)
		db_rollback(db);
	else if (code != OK)
		db->is_broken = true;
	return code;
}

void db_rollback(struct db *db)
{
	if (db_in_transaction(db) && db_run(db->rollback, NULL) != OK)
		db->is_broken = true;
}

bool db_in_transaction(const struct db *db)
{
	return sqlite3_get_autocommit(db->handle) == 0;
}

bool db_is_broken(const struct db *db)
{
	return db->is_broken;
}

void db_checkpoint(struct db *db)
{
	(void)sqlite3_wal_checkpoint_v2(db->handle, NULL,
		SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	(void)sqlite3_db_release_memory(db->handle);
}

static void scan(struct db *db, bool begins)
{
	(void)sqlite3_file_control(db->handle, "main", DB_VFS_SCAN, &begins);
}

void db_scan_begin(struct db *db)
{
	scan(db, true);
}

void db_scan_end(struct db *db)
{
	scan(db, false);
}

void db_keep_few(struct db *db, bool few)
{
	struct err e;

	/* it is memory alone: no answer hangs on it */
	(void)set_one(db, few ? "PRAGMA cache_size=-64" : CACHE_SETTING, NULL,
		&e);
}

/* ---- statements -------------------------------------------------------------- */
static void find_positions(struct db_stmt *s)
{
	int count = sqlite3_bind_parameter_count(s->handle);

	for (int at = 1; at <= count; at++) {
		const char *name = sqlite3_bind_parameter_name(s->handle, at);
		uint64_t index;

		must(name != NULL && name[0] == '$');
		must(num_parse_u64(span_str(name + 1), PARAMETERS_MAX, &index) &&
			index > 0);
		s->positions[index] = (uint8_t)at;
	}
}

struct db_stmt *db_stmt(struct db *db, const char *sql)
{
	struct db_stmt *s = map_get(&db->statements, (uintptr_t)sql);
	int rc;

	if (s != NULL)
		return s;
	s = MEM_NEW(struct db_stmt);
	s->db = db;
	rc = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT,
		&s->handle, NULL);
	if (rc != SQLITE_OK) {
		/* a file that cannot even be read is met at db_step */
		must((rc & 0xff) != SQLITE_ERROR && (rc & 0xff) != SQLITE_MISUSE);
		(void)fail(db, rc, NULL);
	}
	find_positions(s);
	map_put(&db->statements, (uintptr_t)sql, s);
	return s;
}

static int position(const struct db_stmt *s, int index)
{
	must(index > 0 && index <= PARAMETERS_MAX);
	must(s->positions[index] > 0 || s->handle == NULL);
	return s->positions[index];
}

void db_bind_i64(struct db_stmt *s, int index, int64_t value)
{
	(void)sqlite3_bind_int64(s->handle, position(s, index), value);
}

void db_bind_blob(struct db_stmt *s, int index, struct span value)
{
	const void *p = value.n == 0 ? "" : (const void *)value.p;

	(void)sqlite3_bind_blob64(s->handle, position(s, index), p, value.n,
		SQLITE_STATIC);
}

void db_bind_text(struct db_stmt *s, int index, struct span value)
{
	const char *p = value.n == 0 ? "" : (const char *)value.p;

	(void)sqlite3_bind_text64(s->handle, position(s, index), p, value.n,
		SQLITE_STATIC, SQLITE_UTF8);
}

void db_bind_null(struct db_stmt *s, int index)
{
	(void)sqlite3_bind_null(s->handle, position(s, index));
}

enum code db_step(struct db_stmt *s, struct err *e)
{
	int rc;

	if (s->handle == NULL)
		return err_set(e, CORRUPT, "statement could not be prepared");
	rc = sqlite3_step(s->handle);
	if (rc == SQLITE_ROW)
		return OK;
	if (rc == SQLITE_DONE) {
		db_reset(s);
		return err_set(e, NOT_FOUND, "no row");
	}
	(void)fail(s->db, rc, e);
	db_reset(s);
	return code_of(rc);
}

enum code db_run(struct db_stmt *s, struct err *e)
{
	enum code code;

	do
		code = db_step(s, e);
	while (code == OK);
	return code == NOT_FOUND ? OK : code;
}

void db_reset(struct db_stmt *s)
{
	(void)sqlite3_reset(s->handle);
	(void)sqlite3_clear_bindings(s->handle);
}

int64_t db_changes(const struct db *db)
{
	return sqlite3_changes64(db->handle);
}

int64_t db_i64(struct db_stmt *s, int column)
{
	return sqlite3_column_int64(s->handle, column);
}

struct span db_bytes(struct db_stmt *s, int column)
{
	const void *p = sqlite3_column_blob(s->handle, column);

	return span_of(p, (size_t)sqlite3_column_bytes(s->handle, column));
}

bool db_is_null(struct db_stmt *s, int column)
{
	return sqlite3_column_type(s->handle, column) == SQLITE_NULL;
}
