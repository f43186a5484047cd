/*
 * store_upload.c - the bytes of a message on their way in.  See store_change.h.
 *
 * They may come slowly, so no transaction is open meanwhile.  What is small waits
 * in memory; the rest in a file that never has a name, so nothing of it is left
 * however this process ends.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/store_int.h"
#include "store/store_upload.h"

#include "base/banned.h"

/* What waits in memory: a session has one at a time. */
#define MEMORY_BYTES STORE_PIECE_BYTES

/* A file in the store's folder without a name.  Where the file system cannot make
 * one, it has a name for a moment; this process is the only one here. */
static int open_file(struct store *s)
{
	const char *folder = (const char *)buf_span(&s->folder).p;
	struct buf path;
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR &&
		errno != ENOENT))
		return fd;
	buf_init(&path, 8192);
	buf_puts(&path, folder);
	buf_puts(&path, "/" STORE_UPLOAD_NAME);
	buf_putc(&path, '\0');
	must(!path.overflow);
	(void)unlink((const char *)path.p); /* a crash may have left it */
	fd = open((const char *)path.p, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
		0600);
	if (fd >= 0)
		(void)unlink((const char *)path.p);
	buf_clear(&path);
	return fd;
}

static enum code begin(struct store *s, uint64_t size,
	struct store_upload **out_upload, struct err *e)
{
	struct store_upload *u;
	int fd = -1;

	if (size > INT64_MAX / 2)
		return err_set(e, LIMIT, "the message is too large");
	if (size > MEMORY_BYTES) {
		fd = open_file(s);
		if (fd < 0)
			return err_errno(e, TEMP, "a file for a message");
	}
	u = MEM_NEW(struct store_upload);
	u->size = size;
	u->fd = fd;
	buf_init(&u->bytes, MEMORY_BYTES);
	*out_upload = u;
	return OK;
}

enum code store_upload_begin(struct store *s, uint64_t size,
	struct store_upload **out_upload, struct err *e)
{
	if (!store_message_fits(s, size, 0) || !store_entries_fit(s, 1))
		return err_set(e, FULL, "the mailbox is full");
	return begin(s, size, out_upload, e);
}

enum code store_upload_begin_instead(struct store_view *v, uint32_t uid,
	uint64_t size, struct store_upload **out_upload, struct err *e)
{
	struct store *s = store_view_store(v);
	uint64_t freed;
	enum code code = store_entry_alone_bytes(v, uid, &freed, e);

	if (code == OK && !store_message_fits(s, size, freed))
		code = err_set(e, FULL, "the mailbox is full");
	return code == OK ? begin(s, size, out_upload, e) : code;
}

static enum code write_all(struct store_upload *u, struct span bytes,
	struct err *e)
{
	uint64_t at = u->came;

	while (bytes.n > 0) {
		ssize_t n = pwrite(u->fd, bytes.p, bytes.n, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_errno(e, TEMP, "writing a message");
		bytes = span_tail(bytes, (size_t)n);
		at += (uint64_t)n;
	}
	return OK;
}

enum code store_upload_feed(struct store_upload *u, struct span bytes,
	struct err *e)
{
	enum code code = OK;

	if (bytes.n > u->size - u->came)
		return err_set(e, LIMIT, "more came than was announced");
	if (u->fd >= 0)
		code = write_all(u, bytes, e);
	else
		buf_put(&u->bytes, bytes);
	if (code == OK)
		u->came += bytes.n;
	return code;
}

/* What waited in memory goes into a file. */
static enum code move_to_file(struct store *s, struct store_upload *u,
	struct err *e)
{
	struct span bytes = buf_span(&u->bytes);
	enum code code;

	u->fd = open_file(s);
	if (u->fd < 0)
		return err_errno(e, TEMP, "a file for a message");
	u->came = 0;
	code = write_all(u, bytes, e);
	if (code != OK)
		return code;
	u->came = bytes.n;
	buf_clear(&u->bytes);
	return OK;
}

enum code store_upload_more(struct store *s, struct store_upload *u,
	uint64_t bytes, struct err *e)
{
	if (bytes > INT64_MAX / 2 - u->size)
		return err_set(e, LIMIT, "the message is too large");
	u->size += bytes;
	if (u->fd >= 0 || u->size <= MEMORY_BYTES)
		return OK;
	return move_to_file(s, u, e);
}

uint64_t store_upload_bytes(const struct store_upload *u)
{
	return u->came;
}

void store_upload_free(struct store_upload *u)
{
	if (u == NULL)
		return;
	if (u->fd >= 0)
		(void)close(u->fd);
	buf_clear(&u->bytes);
	mem_free(u);
}
