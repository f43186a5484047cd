/*
 * db_template.c - new files as copies of one that was made in memory.  See
 * db.h.
 *
 * SQLite makes a file in many small steps with a sync after each: a dozen
 * before the first row is in.  A copy needs one, as a rename shows it to the
 * world only when its bytes are durable.
 */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "db/db.h"

#include "base/banned.h"

#define PATH_BYTES 4096

/* Where the file's header says that it is to be used with a log, and how:
 * https://www.sqlite.org/fileformat2.html 1.3.3. */
#define HEADER_WRITE 18
#define HEADER_READ  19
#define HEADER_WAL   2
#define HEADER_BYTES 100

struct db_template {
	uint8_t *bytes; /* owned */
	size_t n;
};

/* ---- make ----------------------------------------------------------------- */
static enum code fill(sqlite3 *handle, const char *sql, int64_t version,
	struct err *e)
{
	char end[64];

	(void)snprintf(end, sizeof(end), "PRAGMA user_version=%lld; COMMIT",
		(long long)version);
	/* as the settings of db_sqlite.c, which reads them back at each open */
	if (sqlite3_exec(handle, "PRAGMA page_size=4096; "
		    "PRAGMA auto_vacuum=INCREMENTAL; BEGIN", NULL, NULL,
		    NULL) == SQLITE_OK &&
		sqlite3_exec(handle, sql, NULL, NULL, NULL) == SQLITE_OK &&
		sqlite3_exec(handle, end, NULL, NULL, NULL) == SQLITE_OK)
		return OK;
	return err_set(e, TEMP, "making a template: %s",
		sqlite3_errmsg(handle));
}

/* Takes the bytes out of the engine's memory. */
static enum code take(sqlite3 *handle, struct db_template **out, struct err *e)
{
	sqlite3_int64 n = 0;
	uint8_t *bytes = sqlite3_serialize(handle, "main", &n, 0);
	struct db_template *t;

	if (bytes == NULL || n < HEADER_BYTES) {
		sqlite3_free(bytes);
		return err_set(e, TEMP, "a template has no bytes");
	}
	bytes[HEADER_WRITE] = HEADER_WAL;
	bytes[HEADER_READ] = HEADER_WAL;
	t = MEM_NEW(struct db_template);
	t->n = (size_t)n;
	t->bytes = mem_new(t->n, 1);
	memcpy(t->bytes, bytes, t->n);
	sqlite3_free(bytes);
	*out = t;
	return OK;
}

enum code db_template_new(const char *sql, int64_t version,
	struct db_template **out, struct err *e)
{
	sqlite3 *handle;
	enum code code = TEMP;

	db_before_confinement();
	if (sqlite3_open_v2(":memory:", &handle,
		    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) ==
		SQLITE_OK)
		code = fill(handle, sql, version, e);
	else
		code = err_set(e, TEMP, "no memory for a template");
	if (code == OK)
		code = take(handle, out, e);
	(void)sqlite3_close(handle);
	return code;
}

void db_template_free(struct db_template *t)
{
	if (t != NULL)
		mem_free(t->bytes);
	mem_free(t);
}

/* ---- put ------------------------------------------------------------------ */
/* False, and errno, if not all of it is durable. */
static bool write_all(int fd, const struct db_template *t)
{
	size_t done = 0;

	while (done < t->n) {
		ssize_t n = write(fd, t->bytes + done, t->n - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return fdatasync(fd) == 0;
}

static bool write_file(const char *path, const struct db_template *t)
{
	int fd = open(path,
		O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool is_good;
	int error;

	if (fd < 0)
		return false;
	is_good = write_all(fd, t);
	error = errno;
	close(fd);
	errno = error;
	return is_good;
}

static bool join(char out[PATH_BYTES], const char *path, const char *end)
{
	int n = snprintf(out, PATH_BYTES, "%s%s", path, end);

	return n > 0 && n < PATH_BYTES;
}

/* A log beside a file that is not there was that of another: it must not be
 * read into the new one. */
static enum code drop_old(const char *path, struct err *e)
{
	static const char *const ends[] = {"-wal", "-journal"};
	char old[PATH_BYTES];

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (!join(old, path, ends[i]))
			return err_set(e, LIMIT, "the path is too long");
		if (unlink(old) != 0 && errno != ENOENT)
			return err_errno(e, TEMP, "removing %s", old);
	}
	return OK;
}

enum code db_template_put(const struct db_template *t, const char *path,
	struct err *e)
{
	char new_path[PATH_BYTES];
	struct stat st;
	enum code code;

	/* an empty file is what is left of one that was being made */
	if (lstat(path, &st) == 0 && (st.st_size > 0 || !S_ISREG(st.st_mode)))
		return OK;
	code = drop_old(path, e);
	if (code != OK)
		return code;
	if (!join(new_path, path, DB_TEMPLATE_SUFFIX))
		return err_set(e, LIMIT, "the path is too long");
	if (!write_file(new_path, t))
		return err_errno(e, TEMP, "writing %s", new_path);
	if (rename(new_path, path) != 0)
		return err_errno(e, TEMP, "renaming %s", new_path);
	return OK;
}
