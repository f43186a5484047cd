/*
 * compose_part.c - the heads of the parts of a message that is composed.  See
 * compose_int.h; RFC 2045, RFC 2183, RFC 2231.
 */
#include "message/compose_int.h"

#include "base/utf8.h"
#include "message/param.h"
#include "message/words.h"

#include "base/banned.h"

void compose_boundary_put(const struct compose_plan *p, uint32_t index,
	struct buf *out)
{
	buf_put(out, span_of(p->stem, sizeof(p->stem)));
	buf_printf(out, "_%04x", index);
}

/* Control characters do not travel in file names, nor what is no text. */
static void put_clean_name(struct buf *out, struct span name)
{
	while (name.n > 0) {
		size_t n = utf8_char_len(name);
		bool is_bad = n == 0 || name.p[0] < ' ' || name.p[0] == 0x7f;

		if (is_bad)
			buf_putc(out, '_');
		else
			buf_put(out, span_head(name, n));
		name = span_tail(name, n == 0 ? 1 : n);
	}
}

static void put_name(struct buf *out, const char *param, struct span name)
{
	struct buf clean;

	buf_init(&clean, name.n + 1);
	put_clean_name(&clean, name);
	param_put(out, param, buf_span(&clean));
	buf_clear(&clean);
}

/* RFC 2387 3.1: the type of the first part, which shows the others. */
static void put_related_type(const struct compose_plan *p, uint32_t index,
	struct buf *out)
{
	const struct compose_node *node = &p->nodes[index];

	for (size_t i = 0; i < node->part->param_count; i++)
		if (span_eq_fold(span_str(node->part->params[i].name),
			SPAN("type")))
			return;
	if (p->nodes[index + 1].type.n > 0)
		param_put(out, "type", p->nodes[index + 1].type);
}

static void put_type(const struct compose_plan *p, uint32_t index, struct buf *out)
{
	const struct compose_node *node = &p->nodes[index];
	const struct compose_part *part = node->part;

	buf_puts(out, "Content-Type: ");
	buf_put(out, node->type);
	if (part->kind == COMPOSE_TEXT &&
		span_starts_fold(node->type, SPAN("text/")))
		buf_puts(out, "; charset=utf-8");
	if (part->kind == COMPOSE_TEXT && part->is_flowed)
		buf_puts(out, "; format=flowed");
	for (size_t i = 0; i < part->param_count; i++)
		param_put(out, part->params[i].name, part->params[i].value);
	if (part->kind != COMPOSE_MULTIPART) {
		if (part->name.n > 0)
			put_name(out, "name", part->name);
	} else {
		if (span_eq_fold(node->type, SPAN("multipart/related")))
			put_related_type(p, index, out);
		buf_puts(out, ";\r\n\tboundary=\"");
		compose_boundary_put(p, index, out);
		buf_putc(out, '"');
	}
	buf_puts(out, "\r\n");
}

/* Deliberate: no second name in ASCII beside one by RFC 2231: some readers,
 * Python's among them, would take that one. */
static void put_disposition(const struct compose_part *part, struct buf *out)
{
	if (part->disposition == COMPOSE_NO_DISPOSITION)
		return;
	buf_puts(out, "Content-Disposition: ");
	buf_puts(out, part->disposition == COMPOSE_INLINE ? "inline"
							  : "attachment");
	if (part->name.n > 0) {
		put_name(out, "filename", part->name);
	}
	buf_puts(out, "\r\n");
}

void compose_part_head_put(const struct compose_plan *p, uint32_t index,
	struct buf *out)
{
	const struct compose_node *node = &p->nodes[index];
	const struct compose_part *part = node->part;
	size_t column = sizeof("Content-Description: ") - 1;

	put_type(p, index, out);
	put_disposition(part, out);
	if (part->id.n > 0) {
		buf_puts(out, "Content-ID: <");
		buf_put(out, part->id);
		buf_puts(out, ">\r\n");
	}
	if (part->description.n > 0) {
		buf_puts(out, "Content-Description: ");
		words_put_text(out, part->description, &column);
		buf_puts(out, "\r\n");
	}
	/* RFC 2045 6.1: without the field it is 7bit; a text says so */
	if (node->way != WAY_7BIT || part->kind == COMPOSE_TEXT)
		buf_printf(out, "Content-Transfer-Encoding: %s\r\n",
			compose_way_name(node->way));
	buf_puts(out, "\r\n");
}
