/*
 * body_text.c - the text of a part.  See body_text.h.
 *
 *	in --transfer--> bytes --charset--> chars --line ends--> out
 */
#include "message/body_text.h"

#include "base/banned.h"

/* What goes through at once; the decoders hold less than SLACK back. */
#define SLICE       4096
#define SLACK       2048
#define BYTES_MAX   (SLICE + SLACK)
#define CHARS_MAX   (4 * BYTES_MAX)
#define CHARSET_MAX 64 /* bytes of a charset's name */

enum transfer_coding body_coding(const struct mime_part *p)
{
	if (p->encoding == MIME_BASE64)
		return TRANSFER_BASE64;
	return p->encoding == MIME_QP ? TRANSFER_QP : TRANSFER_NONE;
}

bool body_put_bytes(struct buf *out, const struct mime_part *p,
	struct span message)
{
	struct transfer_decoder decoder;

	transfer_decode_init(&decoder, body_coding(p));
	transfer_decode_feed(&decoder,
		span_head(span_tail(message, (size_t)p->body_start),
			(size_t)(p->body_end - p->body_start)), out);
	return transfer_decode_end(&decoder, out);
}

void body_text_init(struct body_text *b, const struct mime_part *p)
{
	struct buf name;

	*b = (struct body_text){.is_transfer_damaged =
			p->encoding == MIME_UNKNOWN};
	buf_init(&name, CHARSET_MAX);
	if (!param_list_get(&p->params, SPAN("charset"), &name))
		buf_puts(&name, "us-ascii"); /* RFC 2045 5.2 */
	charset_decode_init(&b->charset, buf_span(&name));
	buf_clear(&name);
	transfer_decode_init(&b->transfer, body_coding(p));
	buf_init(&b->bytes, BYTES_MAX);
	buf_init(&b->chars, CHARS_MAX);
}

/* CRLF becomes LF; a CR alone stays. */
static void put_lines(struct body_text *b, struct span text, struct buf *out)
{
	if (text.n == 0)
		return;
	if (b->has_cr && text.p[0] != '\n')
		buf_putc(out, '\r');
	b->has_cr = false;
	while (text.n > 0) {
		size_t n = span_find(text, '\r');

		buf_put(out, span_head(text, n));
		text = span_tail(text, n);
		if (text.n == 1)
			b->has_cr = true;
		else if (text.n > 1 && text.p[1] != '\n')
			buf_putc(out, '\r');
		text = span_tail(text, 1);
	}
}

/* What is between the decoders moves on. */
static void move(struct body_text *b, struct buf *out)
{
	charset_decode_feed(&b->charset, buf_span(&b->bytes), &b->chars);
	buf_reset(&b->bytes);
	put_lines(b, buf_span(&b->chars), out);
	buf_reset(&b->chars);
}

void body_text_feed(struct body_text *b, struct span in, struct buf *out)
{
	while (in.n > 0) {
		transfer_decode_feed(&b->transfer, span_head(in, SLICE),
			&b->bytes);
		in = span_tail(in, SLICE);
		move(b, out);
	}
}

void body_text_end(struct body_text *b, struct buf *out)
{
	if (!transfer_decode_end(&b->transfer, &b->bytes))
		b->is_transfer_damaged = true;
	move(b, out);
	b->is_text_damaged = !charset_decode_end(&b->charset, &b->chars);
	put_lines(b, buf_span(&b->chars), out);
	if (b->has_cr)
		buf_putc(out, '\r');
	buf_clear(&b->bytes);
	buf_clear(&b->chars);
}
