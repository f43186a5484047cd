/*
 * imap_string.c - strings of IMAP's grammar.  See imap_string.h.
 */
#include "message/imap_string.h"

#include "base/banned.h"

/* RFC 9051 4.3: a quoted string holds no CR, LF, NUL, and nothing but ASCII
 * unless the client allowed it; a literal holds all but NUL. */
struct string_shape {
	bool needs_literal;
	bool needs_escape;
	size_t nuls;
};

static struct string_shape shape_of(struct span s)
{
	struct string_shape shape = {false, false, 0};

	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (c == '"' || c == '\\')
			shape.needs_escape = true;
		else if (c == '\r' || c == '\n' || c >= 0x80)
			shape.needs_literal = true;
		else if (c == 0)
			shape.nuls++;
	}
	return shape;
}

static void put_without_nuls(struct buf *out, struct span s)
{
	while (s.n > 0)
		buf_put(out, span_cut(&s, 0));
}

static void put_escaped(struct buf *out, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_putc(out, '\\');
		if (s.p[i] != 0)
			buf_putc(out, s.p[i]);
	}
}

void imap_put_string(struct buf *out, struct span s)
{
	struct string_shape shape = shape_of(s);

	if (shape.needs_literal) {
		buf_putc(out, '{');
		buf_put_u64(out, s.n - shape.nuls);
		buf_puts(out, "}\r\n");
		put_without_nuls(out, s);
		return;
	}
	buf_putc(out, '"');
	if (shape.needs_escape)
		put_escaped(out, s);
	else
		put_without_nuls(out, s);
	buf_putc(out, '"');
}

void imap_put_nstring(struct buf *out, struct span s)
{
	if (s.n == 0)
		buf_puts(out, "NIL");
	else
		imap_put_string(out, s);
}
