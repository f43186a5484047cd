/*
 * drop_file.c - the head of a file in data_dir/drop.  See drop_file.h.
 */
#include "message/drop_file.h"

#include "base/num.h"

#include "base/banned.h"

#define FIRST_LINE "postrider drop 1"

void drop_file_put(struct buf *out, const struct drop_file *d)
{
	buf_puts(out, FIRST_LINE "\nflags ");
	buf_put_u64(out, d->flags);
	buf_puts(out, "\nsize ");
	buf_put_u64(out, d->size);
	buf_puts(out, "\nfrom ");
	buf_put(out, d->from);
	for (size_t i = 0; i < d->rcpt_count; i++) {
		buf_puts(out, "\nto ");
		buf_put(out, d->rcpts[i]);
	}
	buf_puts(out, "\n\n");
}

/* Off the front; false: no whole line, or one that no address has. */
static bool take_line(struct span *text, struct span *out)
{
	size_t n = span_find(span_head(*text, DROP_LINE_MAX), '\n');

	if (n >= text->n || n == DROP_LINE_MAX)
		return false;
	*out = span_head(*text, n);
	*text = span_tail(*text, n + 1);
	for (size_t i = 0; i < n; i++)
		if (out->p[i] < ' ' || out->p[i] == 0x7f)
			return false;
	return true;
}

static bool take_field(struct span *text, struct span name, struct span *out)
{
	if (!take_line(text, out) || !span_starts(*out, name))
		return false;
	*out = span_tail(*out, name.n);
	return true;
}

static bool take_rcpts(struct span *text, struct arena *a,
	struct drop_file *out)
{
	struct span *rcpts = arena_alloc(a, DROP_RCPTS_MAX, sizeof(*rcpts));
	const struct span to = SPAN("to ");
	struct span line;

	out->rcpts = rcpts;
	while (take_line(text, &line)) {
		if (line.n == 0)
			return out->rcpt_count > 0;
		if (!span_starts(line, to) || line.n == to.n ||
			out->rcpt_count == DROP_RCPTS_MAX)
			return false;
		rcpts[out->rcpt_count++] = span_tail(line, to.n);
	}
	return false;
}

enum code drop_file_read(struct span text, struct arena *a,
	struct drop_file *out, size_t *out_head)
{
	struct span rest = text, first, flags, size;

	*out = (struct drop_file){0};
	if (!take_line(&rest, &first) || !span_eq(first, SPAN(FIRST_LINE)) ||
		!take_field(&rest, SPAN("flags "), &flags) ||
		!num_parse_u32(flags, UINT32_MAX, &out->flags) ||
		!take_field(&rest, SPAN("size "), &size) ||
		!num_parse_u64(size, UINT64_MAX, &out->size) ||
		!take_field(&rest, SPAN("from "), &out->from) ||
		!take_rcpts(&rest, a, out))
		return SYNTAX;
	*out_head = text.n - rest.n;
	return OK;
}
