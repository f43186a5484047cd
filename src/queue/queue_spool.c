/*
 * queue_spool.c - the files of big bodies.  See queue_spool.h.
 */
#define _GNU_SOURCE
#include "queue/queue_spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/mid.h"

#include "base/banned.h"

#define NAME_MAX_BYTES (MID_MAX + 5)

struct name {
	char text[NAME_MAX_BYTES];
};

static struct name name_of(uint64_t qid, const char *suffix)
{
	struct mid mid = mid_of(qid);
	struct name name;

	(void)snprintf(name.text, sizeof(name.text), "%.*s%s",
		SPAN_ARG(mid_span(&mid)), suffix);
	return name;
}

/* The code for what the system says. */
static enum code code_of_errno(void)
{
	switch (errno) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG: /* of a limit on the process, or of the file system */
		return FULL;
	case EEXIST:
		return EXISTS;
	case ENOENT:
		return NOT_FOUND;
	default:
		return TEMP;
	}
}

enum code queue_spool_open(struct queue_spool *s, const char *path,
	struct err *e)
{
	s->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->folder < 0)
		return err_errno(e, TEMP, "opening %s", path);
	return OK;
}

void queue_spool_close(struct queue_spool *s)
{
	if (s->folder >= 0)
		close(s->folder);
	s->folder = -1;
}

enum code queue_spool_create(struct queue_spool *s, uint64_t qid, int *out_fd,
	struct err *e)
{
	struct name name = name_of(qid, ".tmp");

	*out_fd = openat(s->folder, name.text, O_WRONLY | O_CREAT | O_EXCL |
		O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*out_fd < 0)
		return err_errno(e, code_of_errno(), "making spool file %s",
			name.text);
	return OK;
}

/* Length checked, synced, renamed. */
static enum code finish(struct queue_spool *s, int fd, uint64_t qid,
	uint64_t size, struct err *e)
{
	struct name from = name_of(qid, ".tmp"), to = name_of(qid, "");
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_errno(e, TEMP, "spool file %s", from.text);
	if ((uint64_t)st.st_size != size)
		return err_set(e, CORRUPT,
			"spool file %s: %lld bytes, not %llu", from.text,
			(long long)st.st_size, (unsigned long long)size);
	if (fdatasync(fd) != 0)
		return err_errno(e, code_of_errno(), "syncing %s", from.text);
	if (renameat(s->folder, from.text, s->folder, to.text) != 0)
		return err_errno(e, code_of_errno(), "renaming %s", from.text);
	return OK;
}

enum code queue_spool_keep(struct queue_spool *s, uint64_t qid, uint64_t size,
	struct err *e)
{
	struct name name = name_of(qid, ".tmp");
	int fd = openat(s->folder, name.text,
		O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	enum code code;

	if (fd < 0)
		return err_errno(e, code_of_errno(), "opening %s", name.text);
	code = finish(s, fd, qid, size, e);
	close(fd);
	return code;
}

enum code queue_spool_sync(struct queue_spool *s, struct err *e)
{
	if (fsync(s->folder) != 0)
		return err_errno(e, code_of_errno(), "syncing the spool");
	return OK;
}

enum code queue_spool_write(struct queue_spool *s, uint64_t qid,
	struct span body, struct err *e)
{
	struct span left = body;
	enum code code;
	int fd;

	queue_spool_remove(s, qid);
	code = queue_spool_create(s, qid, &fd, e);
	if (code != OK)
		return code;
	while (left.n > 0 && code == OK) {
		ssize_t n = write(fd, left.p, left.n);

		if (n > 0)
			left = span_tail(left, (size_t)n);
		else if (errno != EINTR)
			code = err_errno(e, code_of_errno(), "writing spool");
	}
	if (code == OK)
		code = finish(s, fd, qid, body.n, e);
	close(fd);
	if (code != OK)
		queue_spool_remove(s, qid);
	return code;
}

enum code queue_spool_read(struct queue_spool *s, uint64_t qid, int *out_fd,
	struct err *e)
{
	struct name name = name_of(qid, "");

	*out_fd = openat(s->folder, name.text,
		O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (*out_fd < 0)
		return err_errno(e, code_of_errno(), "opening spool file %s",
			name.text);
	return OK;
}

enum code queue_spool_check(struct queue_spool *s, uint64_t qid, uint64_t size,
	struct err *e)
{
	struct name name = name_of(qid, "");
	struct stat st;

	if (fstatat(s->folder, name.text, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return err_errno(e, errno == ENOENT ? CORRUPT : TEMP,
			"spool file %s", name.text);
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != size)
		return err_set(e, CORRUPT,
			"spool file %s: not a file of %llu bytes", name.text,
			(unsigned long long)size);
	return OK;
}

void queue_spool_drop(struct queue_spool *s, uint64_t qid)
{
	struct name name = name_of(qid, ".tmp");

	(void)unlinkat(s->folder, name.text, 0);
}

void queue_spool_remove(struct queue_spool *s, uint64_t qid)
{
	struct name name = name_of(qid, "");

	(void)unlinkat(s->folder, name.text, 0);
	queue_spool_drop(s, qid);
}

static bool is_garbage(const char *name,
	bool (*is_wanted)(void *arg, uint64_t qid), void *arg)
{
	uint64_t qid;

	if (span_ends(span_str(name), SPAN(".tmp")))
		return true;
	/* what is not ours stays */
	return mid_parse(span_str(name), &qid) && !is_wanted(arg, qid);
}

void queue_spool_sweep(struct queue_spool *s,
	bool (*is_wanted)(void *arg, uint64_t qid), void *arg)
{
	int fd = dup(s->folder);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	rewinddir(dir);
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.' &&
			is_garbage(entry->d_name, is_wanted, arg))
			(void)unlinkat(s->folder, entry->d_name, 0);
	closedir(dir);
}

bool queue_spool_room(struct queue_spool *s, uint64_t *out_free,
	uint64_t *out_all)
{
	struct statvfs st;

	if (fstatvfs(s->folder, &st) != 0)
		return false;
	*out_free = (uint64_t)st.f_bavail * st.f_frsize;
	*out_all = (uint64_t)st.f_blocks * st.f_frsize;
	return true;
}
