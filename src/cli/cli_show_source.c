/*
 * cli_show_source.c - the bytes of a message that is shown, and what is
 * written of it.  See cli_show_int.h.
 *
 * A file is read in pieces wherever they are needed, and never mapped: a file
 * of any size takes the same memory, and one that shrinks while it is read
 * only ends earlier.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli_show_int.h"
#include "message/body_text.h"

#include "base/banned.h"

#define PIECE_BYTES   (64u << 10)
#define OUT_FULL      (64u << 10)
#define OUT_MAX       (24u << 20)
/* Half of it is enough for the addresses of the largest head. */
#define SCRATCH_BYTES (24u << 20)
/* The numbers of parts, and the lists of jmap_view.h. */
#define LISTS_BYTES   (16u * MESSAGE_PARTS_MAX)

/* ---- opening -------------------------------------------------------- */

static void init(struct show *s, int out_fd)
{
	*s = (struct show){.fd = -1, .out_fd = out_fd};
	arena_init(&s->arena, MIME_ARENA_BYTES + PIECE_BYTES + 2 * LISTS_BYTES);
	arena_init(&s->scratch, SCRATCH_BYTES);
	buf_init(&s->out, OUT_MAX);
}

static enum code write_all(int fd, struct span bytes)
{
	while (bytes.n > 0) {
		ssize_t n = write(fd, bytes.p, bytes.n);

		if (n < 0 && errno != EINTR)
			return FULL;
		if (n > 0)
			bytes = span_tail(bytes, (size_t)n);
	}
	return OK;
}

static ssize_t read_some(int fd, void *to, size_t room)
{
	ssize_t n;

	do
		n = read(fd, to, room);
	while (n < 0 && errno == EINTR);
	return n;
}

/* What can be read only once is kept in a file without a name. */
static enum code spool(struct show *s, struct err *e)
{
	FILE *file = tmpfile();
	int fd = file == NULL ? -1 : fcntl(fileno(file), F_DUPFD_CLOEXEC, 0);
	enum code code = fd < 0 ? err_errno(e, FULL, "a temporary file") : OK;
	ssize_t n = 1;

	if (file != NULL)
		(void)fclose(file);
	while (code == OK && n > 0) {
		n = read_some(s->fd, s->piece, PIECE_BYTES);
		if (n < 0)
			code = err_errno(e, NOT_FOUND, "reading");
		else if (write_all(fd, span_of(s->piece, (size_t)n)) != OK)
			code = err_errno(e, FULL, "a temporary file");
	}
	if (s->owns_fd)
		(void)close(s->fd);
	s->fd = fd;
	s->owns_fd = fd >= 0;
	return code;
}

static enum code open_source(struct show *s, struct span path, struct err *e)
{
	struct stat status;
	char *name;

	s->fd = STDIN_FILENO;
	if (!span_eq(path, SPAN("-"))) {
		name = arena_cstr(&s->scratch, path);
		s->fd = name == NULL ? -1 : open(name, O_RDONLY | O_CLOEXEC);
		s->owns_fd = s->fd >= 0;
	}
	if (s->fd < 0 || fstat(s->fd, &status) != 0)
		return err_errno(e, NOT_FOUND, "%.*s", SPAN_ARG(path));
	if (!S_ISREG(status.st_mode) || lseek(s->fd, 0, SEEK_CUR) != 0) {
		enum code code = spool(s, e);

		if (code != OK)
			return err_wrap(e, "%.*s", SPAN_ARG(path));
	}
	return OK;
}

static void parse(struct show *s)
{
	struct mime_parser *parser = mime_parser_new(&s->arena);
	struct span piece;

	s->size = UINT64_MAX;
	for (uint64_t at = 0;; at += piece.n) {
		piece = show_read(s, at, s->size);
		if (piece.n == 0)
			break;
		mime_parser_feed(parser, piece);
	}
	s->tree = mime_parser_end(parser);
	s->size = s->tree->size;
	s->ordinals = jmap_ordinals(&s->arena, s->tree);
}

enum code show_open_file(struct show *s, struct span path, int out_fd,
	struct err *e)
{
	enum code code;

	init(s, out_fd);
	s->piece = arena_alloc(&s->arena, PIECE_BYTES, 1);
	code = open_source(s, path, e);
	if (code == OK)
		parse(s);
	return code;
}

void show_open_memory(struct show *s, struct span message, int out_fd)
{
	init(s, out_fd);
	s->memory = message;
	s->size = message.n;
	s->tree = mime_parse(&s->arena, message);
	s->ordinals = jmap_ordinals(&s->arena, s->tree);
}

/* ---- writing -------------------------------------------------------- */

static void write_out(struct show *s)
{
	if (!s->has_failed && write_all(s->out_fd, buf_span(&s->out)) != OK)
		s->has_failed = true;
	buf_reset(&s->out);
}

void show_flush(struct show *s)
{
	if (buf_len(&s->out) >= OUT_FULL)
		write_out(s);
}

bool show_close(struct show *s)
{
	write_out(s);
	if (s->owns_fd)
		(void)close(s->fd);
	arena_clear(&s->arena);
	arena_clear(&s->scratch);
	buf_clear(&s->out);
	return !s->has_failed;
}

/* ---- reading -------------------------------------------------------- */

static struct span read_at(const struct show *s, uint64_t at, uint8_t *to,
	size_t room)
{
	size_t have = 0;

	while (have < room) {
		ssize_t n = pread(s->fd, to + have, room - have,
			(off_t)(at + have));

		if (n == 0 || (n < 0 && errno != EINTR))
			break;
		have += n > 0 ? (size_t)n : 0;
	}
	return span_of(to, have);
}

struct span show_read(struct show *s, uint64_t at, uint64_t end)
{
	uint64_t left = end > at ? end - at : 0;
	size_t n = left > PIECE_BYTES ? PIECE_BYTES : (size_t)left;

	if (s->has_failed)
		return SPAN_EMPTY;
	if (s->fd < 0)
		return span_head(span_tail(s->memory, (size_t)at), n);
	return read_at(s, at, s->piece, n);
}

struct span show_head(struct show *s, uint32_t part)
{
	const struct mime_part *p = &s->tree->parts[part];
	uint64_t len = p->body_start - p->head_start;
	size_t n = len > MESSAGE_HEAD_MAX ? MESSAGE_HEAD_MAX : (size_t)len;

	if (s->fd < 0)
		return span_head(span_tail(s->memory, (size_t)p->head_start),
			n);
	return read_at(s, p->head_start, arena_alloc(&s->scratch, n, 1), n);
}

/* ---- parts ---------------------------------------------------------- */

/* Decodes the part, and puts it into s->out if with_output; counts it. */
static uint64_t decode(struct show *s, uint32_t part, bool with_output,
	bool *out_is_good)
{
	const struct mime_part *p = &s->tree->parts[part];
	struct transfer_decoder decoder;
	struct buf bytes;
	struct span piece;
	uint64_t octets = 0;

	buf_init(&bytes, 2 * PIECE_BYTES);
	transfer_decode_init(&decoder, body_coding(p));
	for (uint64_t at = p->body_start;; at += piece.n) {
		piece = show_read(s, at, p->body_end);
		transfer_decode_feed(&decoder, piece, &bytes);
		if (piece.n == 0)
			*out_is_good = transfer_decode_end(&decoder, &bytes);
		octets += buf_len(&bytes);
		if (with_output)
			buf_put(&s->out, buf_span(&bytes));
		show_flush(s);
		buf_reset(&bytes);
		if (piece.n == 0)
			break;
	}
	buf_clear(&bytes);
	return octets;
}

uint64_t show_octets(struct show *s, uint32_t part)
{
	const struct mime_part *p = &s->tree->parts[part];
	bool is_good;

	if (p->kind != MIME_LEAF || body_coding(p) == TRANSFER_NONE)
		return p->body_end - p->body_start;
	return decode(s, part, false, &is_good);
}

/* What has parts was not encoded (RFC 2045 6.4), whatever it says. */
bool show_bytes(struct show *s, uint32_t part)
{
	bool is_good;

	(void)decode(s, part, true, &is_good);
	return is_good;
}

void show_put_number(struct show *s, struct buf *out, uint32_t part)
{
	size_t before = buf_len(out);

	jmap_put_part_id(out, s->tree, s->ordinals, part);
	if (buf_len(out) == before)
		buf_putc(out, '-');
}
