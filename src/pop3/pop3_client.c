/*
 * pop3_client.c - replies of a POP3 server.  See pop3_client.h.
 *
 *	STATUS -line end-> COMPLETE, or with more lines START
 *	START -"."-> DOT -line end-> COMPLETE
 *	              `-other-> LINE (the dot was stuffed)
 *	START -other-> LINE -LF-> START
 */
#include "pop3/pop3_client.h"

#include "base/banned.h"

void pop3_client_init(struct pop3_client *c, size_t body_max)
{
	*c = (struct pop3_client){.state = POP3_STATUS};
	buf_init(&c->status, POP3_STATUS_MAX);
	buf_init(&c->body, body_max);
}

void pop3_client_clear(struct pop3_client *c)
{
	buf_clear(&c->status);
	buf_clear(&c->body);
}

void pop3_client_expect(struct pop3_client *c, bool is_multiline)
{
	buf_reset(&c->status);
	buf_reset(&c->body);
	c->state = POP3_STATUS;
	c->is_multiline = is_multiline;
	c->is_ok = false;
}

/* The first line is complete, with its LF. */
static enum step end_status(struct pop3_client *c)
{
	struct span line = buf_span(&c->status);

	line.n--;
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	buf_truncate(&c->status, line.n);
	c->is_ok = span_starts(line, SPAN("+OK"));
	if (!c->is_ok && !span_starts(line, SPAN("-ERR")))
		return BAD;
	c->state = c->is_ok && c->is_multiline ? POP3_START : POP3_COMPLETE;
	return c->state == POP3_COMPLETE ? DONE : MORE;
}

static enum step take_line(struct pop3_client *c, uint8_t byte)
{
	buf_putc(&c->body, byte);
	c->state = byte == '\n' ? POP3_START : POP3_LINE;
	return MORE;
}

static enum step take_byte(struct pop3_client *c, uint8_t byte)
{
	enum pop3_client_state state = c->state;

	if (state == POP3_STATUS) {
		buf_putc(&c->status, byte);
		return byte == '\n' ? end_status(c) : MORE;
	}
	if (state == POP3_START && byte == '.') {
		c->state = POP3_DOT;
		return MORE;
	}
	if (state == POP3_DOT && byte == '\r') {
		c->state = POP3_DOT_CR;
		return MORE;
	}
	if ((state == POP3_DOT || state == POP3_DOT_CR) && byte == '\n') {
		c->state = POP3_COMPLETE;
		return DONE;
	}
	if (state == POP3_DOT_CR)
		buf_putc(&c->body, '\r');
	return take_line(c, byte);
}

enum step pop3_client_feed(struct pop3_client *c, struct span in,
	size_t *out_taken)
{
	enum step step = c->state == POP3_COMPLETE ? DONE : MORE;
	size_t i = 0;

	while (i < in.n && step == MORE)
		step = take_byte(c, in.p[i++]);
	*out_taken = i;
	return c->status.overflow || c->body.overflow ? BAD : step;
}

struct span pop3_client_text(const struct pop3_client *c)
{
	struct span text = buf_span(&c->status);

	(void)span_cut(&text, ' ');
	return text;
}
