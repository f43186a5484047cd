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
#include "message/body_text.h"
#include "message/jmap_part.h"
#include "message/jmap_view.h"

#include "base/banned.h"

#define PATH_BYTES_MAX 4096
#define TRIES_MAX      1000
#define NUMBER_MAX     2048

/* A part on its way into a file. */
struct saved {
	struct span number; /* "1.2" */
	struct span name;   /* as its sender called it; empty: not at all */
	const struct mime_part *part;
};

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
	const struct saved *saved, struct span bytes)
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
	buf_printf(&fallback, "part-%.*s", SPAN_ARG(saved->number));
	cli_text_put_file_name(&name, saved->name, buf_span(&fallback));
	fd = create(folder, buf_span(&name), &path, m->e);
	if (fd >= 0) {
		status = write_all(fd, bytes, m->e) == OK ? EXIT_OK : EXIT_IO;
		if (close(fd) != 0 && status == EXIT_OK) {
			(void)err_errno(m->e, FULL, "closing");
			status = EXIT_IO;
		}
	}
	if (status == EXIT_OK)
		put_row(m, saved->number, buf_span(&path), bytes.n);
	buf_clear(&name);
	buf_clear(&path);
	buf_clear(&fallback);
	return status;
}

static enum admin_exit save_part(const struct mail_command *m,
	struct span message, const struct saved *saved)
{
	struct buf bytes;
	enum admin_exit status;
	bool is_whole;

	buf_init(&bytes, message.n);
	is_whole = body_put_bytes(&bytes, saved->part, message);
	status = save_bytes(m, saved, buf_span(&bytes));
	if (status == EXIT_OK && !is_whole) {
		(void)err_set(m->e, CORRUPT, "part %.*s came damaged",
			SPAN_ARG(saved->number));
		status = EXIT_WARNINGS;
	}
	buf_clear(&bytes);
	return status;
}

/* The part that was asked for, or all that are files. */
static bool is_wanted(const struct mail_command *m, const struct saved *saved)
{
	if (saved->part->kind == MIME_MULTIPART)
		return false;
	if (m->options->arg_count > 1)
		return span_eq(saved->number, m->options->args[1]);
	return jmap_part_is_attached(saved->part) || saved->name.n > 0;
}

static void describe(struct arena *a, const struct mime_tree *t,
	const uint32_t *ordinals, uint32_t part, struct saved *out)
{
	struct buf number;
	struct jmap_part about;

	buf_init(&number, NUMBER_MAX);
	jmap_put_part_id(&number, t, ordinals, part);
	jmap_part_read(a, &t->parts[part], &about);
	*out = (struct saved){
		.number = arena_dup(a, buf_span(&number)),
		.name = about.name,
		.part = &t->parts[part],
	};
	buf_clear(&number);
}

/* What is inside of a message that is itself a file is not saved again. */
static uint32_t behind(const struct mime_tree *t, uint32_t part, bool is_saved)
{
	return is_saved ? t->parts[part].end : part + 1;
}

static enum admin_exit save_wanted(const struct mail_command *m,
	struct span message, struct arena *a)
{
	const struct span head[3] = {SPAN("part"), SPAN("file"), SPAN("size")};
	const struct mime_tree *t = mime_parse(a, message);
	const uint32_t *ordinals = jmap_ordinals(a, t);
	enum admin_exit status = EXIT_NO_MATCH;
	struct saved saved;
	bool is_saved;

	for (uint32_t i = 0; i < t->count; i = behind(t, i, is_saved)) {
		enum admin_exit one;

		describe(a, t, ordinals, i, &saved);
		is_saved = is_wanted(m, &saved);
		if (!is_saved)
			continue;
		if (status == EXIT_NO_MATCH)
			m->out->row(m->out->arg, head, 3);
		one = save_part(m, message, &saved);
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
	struct arena arena;
	enum admin_exit status;
	enum code code = mail_open_message(m, &p);

	if (code != OK)
		return mail_exit_of(code);
	arena_init(&arena, 2 * MIME_ARENA_BYTES);
	status = save_wanted(m, buf_span(&p.reader.body), &arena);
	arena_clear(&arena);
	cli_pop3_close(&p);
	return status;
}
