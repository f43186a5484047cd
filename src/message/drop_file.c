/*
 * drop_file.c - the head of a file in data_dir/drop.  See drop_file.h.
 */
#include "message/drop_file.h"

#include "base/num.h"

#include "base/banned.h"

#define FIRST_LINE "postrider drop "
#define RET_MAX    2
#define NOTIFY_MAX 15

/* Without wishes it is of the first version: a server that knows no other takes
 * it, too. */
static bool has_wishes(const struct drop_file *d)
{
	return d->ret != 0 || d->notify != 0 || d->envid.n > 0;
}

static void put_wishes(struct buf *out, const struct drop_file *d)
{
	buf_puts(out, "\nret ");
	buf_put_u64(out, d->ret);
	buf_puts(out, "\nnotify ");
	buf_put_u64(out, d->notify);
	buf_puts(out, "\nenvid ");
	buf_put(out, d->envid);
}

void drop_file_put(struct buf *out, const struct drop_file *d)
{
	buf_puts(out, FIRST_LINE);
	buf_puts(out, has_wishes(d) ? "2" : "1");
	buf_puts(out, "\nflags ");
	buf_put_u64(out, d->flags);
	buf_puts(out, "\nsize ");
	buf_put_u64(out, d->size);
	if (has_wishes(d))
		put_wishes(out, d);
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

static bool take_number(struct span *text, struct span name, uint32_t most,
	uint32_t *out)
{
	struct span value;

	return take_field(text, name, &value) &&
		num_parse_u32(value, most, out);
}

static bool take_wishes(struct span *text, struct drop_file *out)
{
	uint32_t ret, notify;

	if (!take_number(text, SPAN("ret "), RET_MAX, &ret) ||
		!take_number(text, SPAN("notify "), NOTIFY_MAX, &notify) ||
		!take_field(text, SPAN("envid "), &out->envid))
		return false;
	out->ret = (uint8_t)ret;
	out->notify = (uint8_t)notify;
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
	struct span rest = text, size;
	uint32_t version;

	*out = (struct drop_file){0};
	if (!take_number(&rest, SPAN(FIRST_LINE), 2, &version) ||
		version == 0 ||
		!take_number(&rest, SPAN("flags "), UINT32_MAX, &out->flags) ||
		!take_field(&rest, SPAN("size "), &size) ||
		!num_parse_u64(size, UINT64_MAX, &out->size) ||
		(version == 2 && !take_wishes(&rest, out)) ||
		!take_field(&rest, SPAN("from "), &out->from) ||
		!take_rcpts(&rest, a, out))
		return SYNTAX;
	*out_head = text.n - rest.n;
	return OK;
}
