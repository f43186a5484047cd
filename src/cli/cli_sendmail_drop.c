/*
 * cli_sendmail_drop.c - a file for the server.  See cli_sendmail_drop.h.
 *
 *	.NAME written, synced ── rename ──▶ NAME ── syncfs ──▶ it is safe
 *
 * Everybody may write into the folder and nobody list it (mode 1733), and the
 * name is 128 random bits, so others find no file there.  Its content may be
 * read by whoever knows the name: the server's master may be no root.  The
 * folder cannot be opened for an fsync by who may not read it: syncfs is the
 * call that does without.
 */
#define _GNU_SOURCE
#include "cli/cli_sendmail_drop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "codec/hex.h"

#include "base/banned.h"

#define NAME_RANDOM 16
#define NAME_BYTES  (2 * NAME_RANDOM + 2)

struct drop {
	int folder;
	int fd;
	char name[NAME_BYTES];     /* "." before it while it is written */
};

static enum code code_of_errno(void)
{
	if (errno == ENOENT || errno == ENOTDIR)
		return NOT_FOUND;
	if (errno == EACCES || errno == EPERM || errno == EROFS)
		return DENIED;
	return errno == ENOSPC || errno == EDQUOT ? FULL : TEMP;
}

static enum code make_name(struct drop *d, struct err *e)
{
	uint8_t random[NAME_RANDOM];
	struct buf name;

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return err_errno(e, TEMP, "random bytes");
	buf_init(&name, NAME_BYTES);
	hex_put(&name, span_of(random, sizeof(random)));
	(void)snprintf(d->name, sizeof(d->name), ".%.*s",
		SPAN_ARG(buf_span(&name)));
	buf_clear(&name);
	return OK;
}

static enum code make_file(struct drop *d, const char *path, struct err *e)
{
	d->folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (d->folder < 0)
		return err_errno(e, code_of_errno(), "%s", path);
	d->fd = openat(d->folder, d->name,
		O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (d->fd < 0)
		return err_errno(e, code_of_errno(), "a file in %s", path);
	/* whatever the umask says */
	if (fchmod(d->fd, 0644) != 0)
		return err_errno(e, code_of_errno(), "a file in %s", path);
	return OK;
}

static enum code put(struct drop *d, struct span bytes, struct err *e)
{
	while (bytes.n > 0) {
		ssize_t n = write(d->fd, bytes.p, bytes.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, code_of_errno(),
				"writing the message to a file");
		bytes = span_tail(bytes, (size_t)n);
	}
	return OK;
}

static enum code publish(struct drop *d, struct err *e)
{
	if (fsync(d->fd) != 0 ||
		renameat(d->folder, d->name, d->folder, d->name + 1) != 0)
		return err_errno(e, code_of_errno(), "keeping the message");
	/* from here on the server may have it already, and removed it */
	if (syncfs(d->fd) != 0)
		return err_errno(e, TEMP, "keeping the message");
	return OK;
}

enum code cli_sendmail_drop(const struct config *config,
	const struct drop_file *head, struct span text, struct err *e)
{
	struct drop d = {.folder = -1, .fd = -1};
	char path[4096];
	struct buf bytes;
	enum code code = make_name(&d, e);

	(void)snprintf(path, sizeof(path), "%.*s/drop",
		SPAN_ARG(config->data_dir));
	buf_init(&bytes, DROP_HEAD_MAX);
	drop_file_put(&bytes, head);
	if (bytes.overflow)
		code = err_set(e, LIMIT, "the recipients are too long");
	if (code == OK)
		code = make_file(&d, path, e);
	if (code == OK)
		code = put(&d, buf_span(&bytes), e);
	if (code == OK)
		code = put(&d, text, e);
	if (code == OK)
		code = publish(&d, e);
	if (code != OK && d.fd >= 0)
		(void)unlinkat(d.folder, d.name, 0);
	if (d.fd >= 0)
		close(d.fd);
	if (d.folder >= 0)
		close(d.folder);
	buf_clear(&bytes);
	return code;
}
