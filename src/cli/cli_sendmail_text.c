/*
 * cli_sendmail_text.c - line ends and dots.  See cli_sendmail_text.h.
 */
#include "cli/cli_sendmail_text.h"

#include "base/banned.h"

static void end_line(struct sendmail_text *t, struct buf *out)
{
	t->is_over = t->at == SENDMAIL_DOT;
	if (t->is_over)
		return;
	t->is_body = t->is_body || t->at == SENDMAIL_LINE_START;
	t->at = SENDMAIL_LINE_START;
	buf_put(out, SPAN("\r\n"));
}

/* A dot at the start of a line may be the end: it is put with what follows. */
static void begin_text(struct sendmail_text *t, struct buf *out)
{
	if (t->at == SENDMAIL_DOT)
		buf_putc(out, '.');
	t->at = SENDMAIL_LINE;
}

/* It stood before neither CR nor LF. */
static void put_lone_cr(struct sendmail_text *t, struct buf *out)
{
	begin_text(t, out);
	t->has_cr = false;
	if (t->is_body)
		buf_put(out, SPAN("\r\n"));
	else
		buf_putc(out, ' ');
}

static void take(struct sendmail_text *t, uint8_t c, struct buf *out)
{
	if (c == '\0')
		return;
	if (c == '\r') {
		t->has_cr = true;
		return;
	}
	if (c == '\n') {
		t->has_cr = false;
		end_line(t, out);
		return;
	}
	if (t->has_cr)
		put_lone_cr(t, out);
	if (t->at == SENDMAIL_LINE_START && c == '.' && !t->ignores_dots) {
		t->at = SENDMAIL_DOT;
		return;
	}
	begin_text(t, out);
	buf_putc(out, c);
}

void sendmail_text_feed(struct sendmail_text *t, struct span in,
	struct buf *out)
{
	for (size_t i = 0; i < in.n && !t->is_over; i++)
		take(t, in.p[i], out);
}

void sendmail_text_end(struct sendmail_text *t, struct buf *out)
{
	if (!t->is_over && t->at != SENDMAIL_LINE_START)
		end_line(t, out);
}
