/*
 * cli_out.c - rows on stdout.  See cli_out.h.
 */
#include "cli/cli_out.h"

#include <errno.h>
#include <unistd.h>

#include "base/json.h"
#include "base/utf8.h"
#include "codec/idn.h"

#include "base/banned.h"

#define ROWS_BYTES_MAX (512u << 20)
#define LINE_BYTES_MAX (8u << 20)
#define GAP            2 /* blanks between columns */

void cli_out_init(struct cli_out *o, int fd, bool is_json)
{
	*o = (struct cli_out){.is_json = is_json, .fd = fd};
	arena_init(&o->arena, ROWS_BYTES_MAX);
	buf_init(&o->line, LINE_BYTES_MAX);
}

static void write_line(struct cli_out *o)
{
	buf_putc(&o->line, '\n');
	while (buf_len(&o->line) > 0 && !o->has_failed) {
		struct span left = buf_span(&o->line);
		ssize_t n = write(o->fd, left.p, left.n);

		if (n > 0)
			buf_consume(&o->line, (size_t)n);
		else if (n < 0 && errno != EINTR)
			o->has_failed = true;
	}
	buf_reset(&o->line);
}

/* ---- JSON -------------------------------------------------------------------- */
static void put_object(struct cli_out *o, const struct span *cells,
	size_t count)
{
	struct json json;

	json_init(&json, &o->line);
	json_open_object(&json);
	for (size_t i = 0; i < count && i < o->head->count; i++) {
		json_put_name(&json, o->head->cells[i]);
		json_put_string(&json, cells[i]);
	}
	json_close_object(&json);
	write_line(o);
}

/* ---- a table ------------------------------------------------------------------- */
/* Columns on a terminal, near enough: characters. */
static size_t width_of(struct span s)
{
	size_t width = 0;

	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] & 0xc0) != 0x80)
			width++;
	return width;
}

static struct span printable(struct arena *a, struct span cell)
{
	uint8_t *copy = arena_alloc(a, cell.n + 1, 1);
	size_t n = 0;

	if (cell.n == 0)
		return SPAN("-");
	while (cell.n > 0) {
		size_t len = utf8_char_len(cell);
		bool is_plain = len > 0 && cell.p[0] >= 0x20 &&
			cell.p[0] != 0x7f &&
			!(len == 2 && cell.p[0] == 0xc2 && cell.p[1] < 0xa0);

		len = len == 0 ? 1 : len;
		for (size_t i = 0; i < (is_plain ? len : 1); i++)
			copy[n++] = is_plain ? cell.p[i] : '?';
		cell = span_tail(cell, len);
	}
	return span_of(copy, n);
}

/* Names in A-labels are shown in their own script: in a table only, for what
 * a program reads should be the name that is kept. */
static struct span shown(struct arena *a, struct span cell)
{
	struct buf names;
	struct span out;

	buf_init(&names, cell.n + LINE_BYTES_MAX);
	idn_show(&names, cell);
	out = printable(a, buf_span(&names));
	buf_clear(&names);
	return out;
}

static struct span capitals(struct arena *a, struct span cell)
{
	uint8_t *copy = arena_alloc(a, cell.n + 1, 1);

	for (size_t i = 0; i < cell.n; i++) {
		copy[i] = cell.p[i] == '_' ? ' ' : cell.p[i];
		if (ascii_is_alpha(copy[i]))
			copy[i] = (uint8_t)(copy[i] & ~0x20);
	}
	return span_of(copy, cell.n);
}

static void put_row(struct cli_out *o, const struct cli_row *row)
{
	for (size_t i = 0; i < row->count; i++) {
		struct span cell = row->cells[i];
		size_t pad = o->widths[i] - width_of(cell) + GAP;

		buf_put(&o->line, cell);
		for (; i + 1 < row->count && pad > 0; pad--)
			buf_putc(&o->line, ' ');
	}
	write_line(o);
}

/* ---- gathering -------------------------------------------------------------------- */
static void keep(struct cli_out *o, const struct span *cells, size_t count)
{
	bool is_head = o->head == NULL;
	struct cli_row *row = arena_alloc(&o->arena, 1,
		sizeof(*row) + count * sizeof(struct span));

	row->count = count;
	for (size_t i = 0; i < count; i++) {
		size_t width;

		if (o->is_json)
			row->cells[i] = arena_dup(&o->arena, cells[i]);
		else if (is_head)
			row->cells[i] = capitals(&o->arena, cells[i]);
		else
			row->cells[i] = shown(&o->arena, cells[i]);
		width = width_of(row->cells[i]);
		if (width > o->widths[i])
			o->widths[i] = width;
	}
	if (is_head)
		o->head = row;
	else
		o->last->next = row;
	o->last = row;
}

static void take_row(void *arg, const struct span *cells, size_t count)
{
	struct cli_out *o = arg;

	if (count > ADMIN_CELLS_MAX)
		count = ADMIN_CELLS_MAX;
	if (o->is_json && o->head != NULL)
		put_object(o, cells, count);
	else
		keep(o, cells, count);
}

struct admin_out cli_out_admin(struct cli_out *o)
{
	return (struct admin_out){take_row, o};
}

bool cli_out_end(struct cli_out *o)
{
	bool is_empty = o->head == NULL || o->head->next == NULL;
	const struct cli_row *row = o->is_json || is_empty ? NULL : o->head;

	for (; row != NULL; row = row->next)
		put_row(o, row);
	arena_clear(&o->arena);
	buf_clear(&o->line);
	return !o->has_failed;
}
