/*
 * smtp_client_body.c - the writer behind DATA.  See its header.
 *
 * A line costs two memchr and no copy of its own: runs of lines that begin
 * with no dot are appended in one piece.
 */
#include "smtp/smtp_client_body.h"

#include <string.h>

#include "base/utf8.h"

#include "base/banned.h"

void smtp_body_init(struct smtp_body *b, bool is_7bit)
{
	*b = (struct smtp_body){.is_7bit = is_7bit};
}

/* Goes from p, which is not behind a CR, to behind the CR that ends the line,
 * or to the end; NULL: there is an LF without a CR. */
static const uint8_t *skip_line(struct smtp_body *b, const uint8_t *p,
	const uint8_t *end)
{
	const uint8_t *lf = memchr(p, '\n', (size_t)(end - p));
	const uint8_t *stop = lf == NULL ? end : lf;
	const uint8_t *cr = memchr(p, '\r', (size_t)(stop - p));

	b->is_inside = true;
	if (cr != NULL) {
		b->is_after_cr = true;
		return cr + 1;
	}
	return lf == NULL ? end : NULL;
}

enum code smtp_body_put(struct smtp_body *b, struct buf *out,
	struct span piece)
{
	const uint8_t *p = piece.p, *run = piece.p;
	const uint8_t *end = piece.n == 0 ? p : p + piece.n;

	if (b->is_7bit && !utf8_is_ascii(piece))
		return DENIED;
	while (p < end) {
		if (b->is_after_cr) {
			if (*p++ != '\n')
				return SYNTAX;
			b->is_after_cr = b->is_inside = false;
			continue;
		}
		if (!b->is_inside && *p == '.' && out != NULL) {
			buf_put(out, span_of(run, (size_t)(p - run)));
			buf_putc(out, '.');
			run = p;
		}
		p = skip_line(b, p, end);
		if (p == NULL)
			return SYNTAX;
	}
	if (out != NULL)
		buf_put(out, span_of(run, (size_t)(end - run)));
	b->bytes += piece.n;
	return OK;
}

enum code smtp_body_end(struct smtp_body *b, struct buf *out)
{
	if (b->is_after_cr)
		return SYNTAX;
	if (b->is_inside)
		buf_put(out, SPAN("\r\n"));
	buf_put(out, SPAN(".\r\n"));
	return OK;
}

enum code smtp_body_check(struct span head, struct span body, bool is_7bit)
{
	struct smtp_body b;
	enum code code;

	smtp_body_init(&b, is_7bit);
	code = smtp_body_put(&b, NULL, head);
	if (code == OK)
		code = smtp_body_put(&b, NULL, body);
	return code == OK && b.is_after_cr ? SYNTAX : code;
}
