/*
 * db.h - one face for the SQL engines: SQLite today, PostgreSQL next.
 *
 * SQL is written in the dialect that both share ($1 parameters, ON CONFLICT,
 * RETURNING), as named constants beside the functions that use them, and is
 * prepared once.  Values are always bound, never pasted.
 *
 * The settings are those of a store that may promise "250": WAL,
 * synchronous=FULL, one exclusive connection, read back at open.
 *
 * A failed db_commit has an UNKNOWN outcome: the file must be closed and
 * opened again, and the caller repeats its work under the same keys.  So does
 * any error with db_is_broken: the process that owns the file ends.
 */
#ifndef POSTRIDER_DB_DB_H
#define POSTRIDER_DB_DB_H

#include "base/err.h"
#include "base/span.h"

struct db;
struct db_stmt;

/* Opens or creates the file (absolute path).  BUSY: another process has it.
 * *out_db is the caller's, for db_close. */
enum code db_open(const char *path, struct db **out_db, struct err *e) MUST_USE;
void db_close(struct db *db); /* takes NULL; also finalizes every statement */

/* The number that the schema of this file has (0: a new file); SQLite's
 * user_version.  db_set_version belongs into the migration's transaction. */
enum code db_version(struct db *db, int64_t *out, struct err *e) MUST_USE;
enum code db_set_version(struct db *db, int64_t version,
	struct err *e) MUST_USE;
/* Runs a script of several statements without parameters: the schema. */
enum code db_script(struct db *db, const char *sql, struct err *e) MUST_USE;

/* A file as it is at its birth, with schema and version, kept in memory: the
 * quick way to a new file.  For db_template_free. */
struct db_template;
enum code db_template_new(const char *sql, int64_t version,
	struct db_template **out, struct err *e) MUST_USE;
void db_template_free(struct db_template *t); /* takes NULL */
/* Makes the file, if there is none: path with this suffix is written, synced
 * and renamed.  The name itself is durable with the first COMMIT, as SQLite
 * syncs the folder with the first sync of the log that it makes there. */
#define DB_TEMPLATE_SUFFIX ".new"
enum code db_template_put(const struct db_template *t, const char *path,
	struct err *e) MUST_USE;

/* BEGIN IMMEDIATE, COMMIT, ROLLBACK. */
enum code db_begin(struct db *db, struct err *e) MUST_USE;
enum code db_commit(struct db *db, struct err *e) MUST_USE;
/* The same for work that nobody misses, and that may be there all the same when
 * this says it is not: FULL is undone, and the file stays open. */
enum code db_commit_either(struct db *db, struct err *e) MUST_USE;
void db_rollback(struct db *db);
bool db_in_transaction(const struct db *db);
/* True after an error that leaves the file's state unknown (I/O, corrupt,
 * failed commit). */
bool db_is_broken(const struct db *db);
/* Puts what the log holds into the file; for idle time. */
void db_checkpoint(struct db *db);

/* Between the two many rows in a row are read: what they stand on is asked for
 * ahead, if it must come from the disk.  Costs little if it need not. */
void db_scan_begin(struct db *db);
void db_scan_end(struct db *db);
/* Once through a long table: until it is taken back, hardly a page stays in
 * memory, so that it is not filled with what nobody reads again. */
void db_keep_few(struct db *db, bool few);

/* The statement for this text, prepared at its first use and kept in the db:
 * sql must be a constant (it is found by its address).  A statement that does
 * not compile is our bug and ends the process, unless the file is corrupt. */
struct db_stmt *db_stmt(struct db *db, const char *sql);

/* $1 is 1.  Bound bytes must live until db_step or db_run returned; they are
 * forgotten by db_reset.  An empty span is an empty blob or text, not NULL. */
void db_bind_i64(struct db_stmt *s, int index, int64_t value);
void db_bind_blob(struct db_stmt *s, int index, struct span value);
void db_bind_text(struct db_stmt *s, int index, struct span value);
void db_bind_null(struct db_stmt *s, int index);

/* Next row: OK; NOT_FOUND: no (more) row, and the statement is reset. EXISTS:
 * a UNIQUE or PRIMARY KEY constraint refused it (another constraint: TEMP).
 * FULL: no room on the disk. */
enum code db_step(struct db_stmt *s, struct err *e) MUST_USE;
/* Runs a statement whose rows do not matter, and resets it. */
enum code db_run(struct db_stmt *s, struct err *e) MUST_USE;
void db_reset(struct db_stmt *s);
/* Rows that the last db_run of this db changed. */
int64_t db_changes(const struct db *db);

/* Columns of the current row, from 0; spans are valid until the next call on
 * the statement.  NULL reads as 0 or empty. */
int64_t db_i64(struct db_stmt *s, int column);
struct span db_bytes(struct db_stmt *s, int column);
bool db_is_null(struct db_stmt *s, int column);

/* Before a process confines itself: draws SQLite's seed (under Landlock it
 * could not open its source) and starts the library. */
void db_before_confinement(void);

#endif
