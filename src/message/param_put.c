/*
 * param_put.c - parameters written so that every reader gets the text back.
 * See param.h.  RFC 2045 5.1, RFC 2231
 */
#include "message/param_int.h"

#include "message/words.h"

#include "base/banned.h"

/* A longer value is written in pieces of about this many characters. */
#define PIECE_LEN 50

static void put_quoted(struct buf *out, struct span text)
{
	buf_putc(out, '"');
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '"' || text.p[i] == '\\')
			buf_putc(out, '\\');
		buf_putc(out, text.p[i]);
	}
	buf_putc(out, '"');
}

bool param_is_attribute_char(uint8_t c)
{
	const struct span marks = SPAN("!#$&+-.^_`{|}~");

	return ascii_is_alpha(c) || ascii_is_digit(c) ||
		span_find(marks, c) < marks.n;
}

static void put_percent(struct buf *out, struct span *text)
{
	size_t before = buf_len(out);

	while (text->n > 0 && buf_len(out) - before < PIECE_LEN) {
		uint8_t c = text->p[0];

		if (param_is_attribute_char(c))
			buf_putc(out, c);
		else
			buf_printf(out, "%%%02X", c);
		*text = span_tail(*text, 1);
		if (out->overflow)
			return;
	}
}

static bool is_percent_short(struct span text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		n += param_is_attribute_char(text.p[i]) ? 1 : 3;
	return n <= PIECE_LEN;
}

void param_put(struct buf *out, const char *name, struct span text)
{
	/* readers drop blanks at the ends, quoted or not */
	if (text.n <= PIECE_LEN && words_is_plain(text) &&
		span_trim(text).n == text.n) {
		buf_printf(out, ";\r\n\t%s=", name);
		put_quoted(out, text);
		return;
	}
	if (is_percent_short(text)) {
		buf_printf(out, ";\r\n\t%s*=utf-8''", name);
		put_percent(out, &text);
		return;
	}
	for (unsigned i = 0; text.n > 0 && !out->overflow; i++) {
		buf_printf(out, ";\r\n\t%s*%u*=%s", name, i,
			i == 0 ? "utf-8''" : "");
		put_percent(out, &text);
	}
}
