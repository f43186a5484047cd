/*
 * db_vfs.c - how SQLite's files are written.  See db_vfs.h.
 *
 * SQLite writes each frame of its log with two system calls, and one
 * transaction of a group has dozens of frames, one behind the other.  This
 * layer over the system's VFS gathers writes that continue each other, and
 * hands them on as one:
 *
 *	write  that continues the last one, and fits: gathered
 *	anything else that looks at the file or changes it (read, size,
 *	truncate, sync, close, a write elsewhere): first hands on what is there
 *
 * So no one can see a file without what was written to it, and a sync has
 * everything below it: the promise of COMMIT is the same.  An error of a
 * write is told by the call that handed it on, at the latest by the sync; a
 * commit fails by either.
 *
 * While a long scan goes on, what a page of the database names is asked for ahead
 * (db_ahead.h), by a descriptor of our own.  It is closed after the system's, as
 * closing any descriptor of a file drops its locks.
 *
 * The methods are those of version 1: without shared memory, so a database
 * can only be opened by one process (locking_mode=EXCLUSIVE), and without
 * memory mapping.
 */
#include "db/db_vfs.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "db/db_ahead.h"

#define GATHER_BYTES 65536

struct file {
	sqlite3_file base; /* first: SQLite sees only this */
	uint8_t *gathered; /* owned; NULL until the first write */
	sqlite3_int64 offset; /* where it belongs */
	int len;
	const char *path; /* SQLite's, as long as the file is open; NULL: no
			database */
	int ahead_fd;  /* -1: not open */
	bool is_scanned;
	/* behind this: the system's own file */
};

static struct file *file_of(sqlite3_file *f)
{
	return (struct file *)(void *)f;
}

static sqlite3_file *inner(sqlite3_file *f)
{
	return (sqlite3_file *)(void *)(file_of(f) + 1);
}

static sqlite3_vfs *system_vfs(const sqlite3_vfs *v)
{
	return v->pAppData;
}

/* Hands on what was gathered.  After an error it is not tried again: the
 * outcome is unknown, and the process will open the file anew. */
static int hand_on(sqlite3_file *base)
{
	struct file *f = file_of(base);
	sqlite3_file *in = inner(base);
	int len = f->len;

	if (len == 0)
		return SQLITE_OK;
	f->len = 0;
	return in->pMethods->xWrite(in, f->gathered, len, f->offset);
}

static int file_write(sqlite3_file *base, const void *p, int n,
	sqlite3_int64 offset)
{
	struct file *f = file_of(base);
	sqlite3_file *in = inner(base);

	if (f->len > 0 && (offset != f->offset + f->len ||
		n > GATHER_BYTES - f->len)) {
		int rc = hand_on(base);

		if (rc != SQLITE_OK)
			return rc;
	}
	if (n > GATHER_BYTES)
		return in->pMethods->xWrite(in, p, n, offset);
	if (f->gathered == NULL)
		f->gathered = mem_new(1, GATHER_BYTES);
	if (f->len == 0)
		f->offset = offset;
	memcpy(f->gathered + f->len, p, (size_t)n);
	f->len += n;
	return SQLITE_OK;
}

static int file_read(sqlite3_file *base, void *p, int n, sqlite3_int64 offset)
{
	sqlite3_file *in = inner(base);
	int rc = hand_on(base);

	if (rc == SQLITE_OK)
		rc = in->pMethods->xRead(in, p, n, offset);
	if (rc == SQLITE_OK && file_of(base)->is_scanned)
		db_ahead(file_of(base)->ahead_fd, span_of(p, (size_t)n),
			offset == 0);
	return rc;
}

static void scan(struct file *f, bool begins)
{
	if (begins && f->path != NULL && f->ahead_fd < 0)
		f->ahead_fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	f->is_scanned = begins && f->ahead_fd >= 0;
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
	sqlite3_file *in = inner(base);
	int rc = hand_on(base);

	return rc != SQLITE_OK ? rc : in->pMethods->xTruncate(in, size);
}

static int file_sync(sqlite3_file *base, int flags)
{
	sqlite3_file *in = inner(base);
	int rc = hand_on(base);

	return rc != SQLITE_OK ? rc : in->pMethods->xSync(in, flags);
}

static int file_size(sqlite3_file *base, sqlite3_int64 *out)
{
	sqlite3_file *in = inner(base);
	int rc = hand_on(base);

	return rc != SQLITE_OK ? rc : in->pMethods->xFileSize(in, out);
}

static int file_close(sqlite3_file *base)
{
	sqlite3_file *in = inner(base);
	int written = hand_on(base);
	int closed = in->pMethods->xClose(in);

	if (file_of(base)->ahead_fd >= 0)
		close(file_of(base)->ahead_fd);
	mem_free(file_of(base)->gathered);
	file_of(base)->gathered = NULL;
	return written != SQLITE_OK ? written : closed;
}

static int file_lock(sqlite3_file *base, int level)
{
	sqlite3_file *in = inner(base);

	return in->pMethods->xLock(in, level);
}

static int file_unlock(sqlite3_file *base, int level)
{
	sqlite3_file *in = inner(base);
	int rc = hand_on(base);

	return rc != SQLITE_OK ? rc : in->pMethods->xUnlock(in, level);
}

static int file_is_reserved(sqlite3_file *base, int *out)
{
	sqlite3_file *in = inner(base);

	return in->pMethods->xCheckReservedLock(in, out);
}

static int file_control(sqlite3_file *base, int what, void *arg)
{
	sqlite3_file *in = inner(base);
	int rc = hand_on(base);

	if (what == DB_VFS_SCAN) {
		scan(file_of(base), *(const bool *)arg);
		return rc;
	}
	return rc != SQLITE_OK ? rc : in->pMethods->xFileControl(in, what, arg);
}

static int file_sector_size(sqlite3_file *base)
{
	sqlite3_file *in = inner(base);

	return in->pMethods->xSectorSize(in);
}

static int file_traits(sqlite3_file *base)
{
	sqlite3_file *in = inner(base);

	return in->pMethods->xDeviceCharacteristics(in);
}

static const sqlite3_io_methods methods = {
	.iVersion = 1,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_is_reserved,
	.xFileControl = file_control,
	.xSectorSize = file_sector_size,
	.xDeviceCharacteristics = file_traits,
};

static int open_file(sqlite3_vfs *v, const char *name, sqlite3_file *base,
	int flags, int *out_flags)
{
	sqlite3_vfs *system = system_vfs(v);
	int rc;

	memset(base, 0, sizeof(struct file));
	file_of(base)->ahead_fd = -1;
	file_of(base)->path = flags & SQLITE_OPEN_MAIN_DB ? name : NULL;
	rc = system->xOpen(system, name, inner(base), flags, out_flags);
	/* with methods SQLite closes the file, also after an error */
	if (inner(base)->pMethods != NULL)
		base->pMethods = &methods;
	return rc;
}

void db_vfs_init(void)
{
	static sqlite3_vfs layer;
	sqlite3_vfs *system;

	if (layer.zName != NULL)
		return;
	system = sqlite3_vfs_find(NULL);
	layer = *system;
	layer.zName = DB_VFS_NAME;
	layer.pNext = NULL;
	layer.pAppData = system;
	layer.szOsFile = (int)sizeof(struct file) + system->szOsFile;
	layer.xOpen = open_file;
	(void)sqlite3_vfs_register(&layer, 0);
}
