/*
 * cli_mail_save.c - `postrider mail save`: parts of a message as files.
 *
 * The name is what the sender suggested, made harmless; a file that exists is
 * never overwritten, the new one gets a number.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cli_mail_int.h"
#include "cli/cli_mail_text.h"

#include "base/banned.h"

#define PATH_BYTES_MAX 4096
#define TRIES_MAX      1000

/* "ketchup.png", "ketchup-2.png", … until one is new. */
static int create(struct span folder, struct span name, struct buf *path,
	struct err *e)
{
	size_t dot = span_find_last(name, '.');

	for (unsigned i = 1; i <= TRIES_MAX; i++) {
		int fd;

		buf_reset(path);
		buf_put(path, folder);
		buf_putc(path, '/');
		buf_put(path, span_head(name, dot));
		if (i > 1)
			buf_printf(path, "-%u", i);
		buf_put(path, span_tail(name, dot));
		buf_putc(path, 0);
		if (path->overflow)
			break;
		fd = open((const char *)buf_span(path).p,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			0666);
		buf_truncate(path, buf_len(path) - 1);
		if (fd >= 0 || errno != EEXIST)
			return fd < 0 ? (err_errno(e, DENIED, "%.*s",
						 SPAN_ARG(buf_span(path))),
						-1)
				      : fd;
	}
	(void)err_set(e, EXISTS, "%.*s: too many of that name", SPAN_ARG(name));
	return -1;
}

static enum code write_all(int fd, struct span bytes, struct err *e)
{
	while (bytes.n > 0) {
		ssize_t n = write(fd, bytes.p, bytes.n);

		if (n < 0 && errno != EINTR)
			return err_errno(e, FULL, "writing");
		if (n > 0)
			bytes = span_tail(bytes, (size_t)n);
	}
	return OK;
}

static void put_row(const struct mail_command *m, struct span number,
	struct span path, size_t size)
{
	struct span cells[3] = {number, path, SPAN_EMPTY};
	struct buf text;

	buf_init(&text, 32);
	buf_put_u64(&text, size);
	cells[2] = buf_span(&text);
	m->out->row(m->out->arg, cells, 3);
	buf_clear(&text);
}

static enum admin_exit save_bytes(const struct mail_command *m,
	const struct message_part *part, struct span bytes)
{
	const struct mail_options *o = m->options;
	struct span folder = o->folder.count > 0 ? o->folder.items[0]
						 : SPAN(".");
	struct buf name, path, fallback;
	enum admin_exit status = EXIT_CANNOT_CREATE;
	int fd;

	buf_init(&name, CLI_NAME_MAX + 64);
	buf_init(&path, PATH_BYTES_MAX);
	buf_init(&fallback, 256);
	buf_printf(&fallback, "part-%.*s", SPAN_ARG(part->number));
	cli_text_put_file_name(&name, part->name, buf_span(&fallback));
	fd = create(folder, buf_span(&name), &path, m->e);
	if (fd >= 0) {
		status = write_all(fd, bytes, m->e) == OK ? EXIT_OK : EXIT_IO;
		if (close(fd) != 0 && status == EXIT_OK) {
			(void)err_errno(m->e, FULL, "closing");
			status = EXIT_IO;
		}
	}
	if (status == EXIT_OK)
		put_row(m, part->number, buf_span(&path), bytes.n);
	buf_clear(&name);
	buf_clear(&path);
	buf_clear(&fallback);
	return status;
}

static enum admin_exit save_part(const struct mail_command *m,
	struct span message, const struct message_part *part)
{
	struct buf bytes;
	enum admin_exit status;
	bool is_whole;

	buf_init(&bytes, message.n);
	is_whole = message_part_decode(message, part, &bytes);
	status = save_bytes(m, part, buf_span(&bytes));
	if (status == EXIT_OK && !is_whole) {
		(void)err_set(m->e, CORRUPT, "part %.*s came damaged",
			SPAN_ARG(part->number));
		status = EXIT_WARNINGS;
	}
	buf_clear(&bytes);
	return status;
}

/* The part that was asked for, or all that are files. */
static bool is_wanted(const struct mail_command *m,
	const struct message_part *part)
{
	if (part->is_multipart)
		return false;
	if (m->options->arg_count > 1)
		return span_eq(part->number, m->options->args[1]);
	return part->is_attachment || part->name.n > 0;
}

static enum admin_exit save_wanted(const struct mail_command *m,
	struct span message, const struct message_structure *s)
{
	const struct span head[3] = {SPAN("part"), SPAN("file"), SPAN("size")};
	enum admin_exit status = EXIT_NO_MATCH;

	for (size_t i = 0; i < s->count; i++) {
		enum admin_exit one;

		if (!is_wanted(m, &s->parts[i]))
			continue;
		if (status == EXIT_NO_MATCH)
			m->out->row(m->out->arg, head, 3);
		one = save_part(m, message, &s->parts[i]);
		if (one != EXIT_OK && one != EXIT_WARNINGS)
			return one;
		if (status != EXIT_WARNINGS)
			status = one;
	}
	if (status == EXIT_NO_MATCH)
		(void)err_set(m->e, NOT_FOUND, "the message has no such part");
	return status;
}

enum admin_exit mail_save(struct mail_command *m)
{
	struct cli_pop3 p = {0};
	struct message_structure s;
	struct span message;
	enum admin_exit status;
	enum code code = mail_open_message(m, &p);

	if (code != OK)
		return mail_exit_of(code);
	message = buf_span(&p.reader.body);
	message_structure_read(m->arena, message, &s);
	status = save_wanted(m, message, &s);
	cli_pop3_close(&p);
	return status;
}
