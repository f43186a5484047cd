/*
 * qp.c - quoted-printable.  See qp.h.
 *
 * The decoder is a byte machine.  What it cannot judge yet is held, and given
 * out as it was when it turns out to mean nothing:
 *
 *	TEXT -"="-> EQUAL -digit-> HEX -digit-> TEXT (one byte)
 *	              |-blank-> SOFT -LF-> TEXT (nothing: a soft break)
 *	              |-CR----> SOFT_CR -LF-> TEXT
 *	              `-LF----> TEXT
 */
#include "codec/qp.h"

#include "codec/hex.h"

#include "base/banned.h"

void qp_encode_init(struct qp_encoder *e)
{
	*e = (struct qp_encoder){0};
}

/* One unit that may not be broken; room for the "=" of a soft break stays. */
static void put_unit(struct qp_encoder *e, struct span unit, struct buf *out)
{
	if (e->column + unit.n > QP_LINE - 1) {
		buf_puts(out, "=\r\n");
		e->column = 0;
	}
	buf_put(out, unit);
	e->column += unit.n;
}

static void put_quoted(struct qp_encoder *e, uint8_t byte, struct buf *out)
{
	static const char digits[] = "0123456789ABCDEF";
	const uint8_t unit[3] = {'=', (uint8_t)digits[byte >> 4],
		(uint8_t)digits[byte & 15]};

	put_unit(e, span_of(unit, 3), out);
}

/* Gives out what waited; at a line's end a blank must be quoted. */
static void put_held(struct qp_encoder *e, bool is_line_end, struct buf *out)
{
	if (e->blank != 0 && is_line_end)
		put_quoted(e, e->blank, out);
	else if (e->blank != 0)
		put_unit(e, span_of(&e->blank, 1), out);
	e->blank = 0;
}

static void encode_byte(struct qp_encoder *e, uint8_t c, struct buf *out)
{
	if (e->has_cr && c == '\n') {
		e->has_cr = false;
		put_held(e, true, out);
		buf_puts(out, "\r\n");
		e->column = 0;
		return;
	}
	if (e->has_cr) {
		put_held(e, false, out);
		put_quoted(e, '\r', out);
	}
	e->has_cr = c == '\r';
	if (e->has_cr)
		return;
	put_held(e, false, out);
	if (c == ' ' || c == '\t')
		e->blank = c;
	else if (c > ' ' && c < 0x7f && c != '=')
		put_unit(e, span_of(&c, 1), out);
	else
		put_quoted(e, c, out);
}

void qp_encode_feed(struct qp_encoder *e, struct span in, struct buf *out)
{
	for (size_t i = 0; i < in.n; i++)
		encode_byte(e, in.p[i], out);
}

void qp_encode_end(struct qp_encoder *e, struct buf *out)
{
	put_held(e, !e->has_cr, out);
	if (e->has_cr)
		put_quoted(e, '\r', out);
	e->has_cr = false;
}

void qp_decode_init(struct qp_decoder *d)
{
	*d = (struct qp_decoder){0};
}

static void give_held(struct qp_decoder *d, struct buf *out)
{
	buf_put(out, span_of(d->held, d->held_len));
	d->held_len = 0;
}

static void hold(struct qp_decoder *d, uint8_t c, struct buf *out)
{
	if (d->held_len == sizeof(d->held)) {
		d->is_damaged = true;
		d->state = QP_TEXT;
		give_held(d, out);
	}
	d->held[d->held_len++] = c;
}

static void decode_text(struct qp_decoder *d, uint8_t c, struct buf *out)
{
	d->state = QP_TEXT;
	if (c == ' ' || c == '\t') {
		hold(d, c, out);
		return;
	}
	if (c == '\r' || c == '\n')
		d->held_len = 0;
	give_held(d, out);
	if (c == '=') {
		hold(d, c, out);
		d->state = QP_EQUAL;
		return;
	}
	buf_putc(out, c);
}

/* What is held was no code after all: it stays as it is. */
static void decode_as_text(struct qp_decoder *d, uint8_t c, struct buf *out)
{
	d->is_damaged = true;
	give_held(d, out);
	decode_text(d, c, out);
}

static void soft_break(struct qp_decoder *d)
{
	d->held_len = 0;
	d->state = QP_TEXT;
}

static void decode_equal(struct qp_decoder *d, uint8_t c, struct buf *out)
{
	if (hex_digit(c) >= 0 && d->state == QP_EQUAL) {
		hold(d, c, out);
		d->state = QP_HEX;
	} else if (c == ' ' || c == '\t') {
		d->state = QP_SOFT;
		hold(d, c, out);
	} else if (c == '\r') {
		d->state = QP_SOFT_CR;
	} else if (c == '\n') {
		soft_break(d);
	} else {
		decode_as_text(d, c, out);
	}
}

static void decode_hex(struct qp_decoder *d, uint8_t c, struct buf *out)
{
	if (hex_digit(c) < 0) {
		decode_as_text(d, c, out);
		return;
	}
	buf_putc(out, (uint8_t)(hex_digit(d->held[1]) << 4 | hex_digit(c)));
	soft_break(d);
}

static void decode_soft_cr(struct qp_decoder *d, uint8_t c, struct buf *out)
{
	soft_break(d);
	if (c != '\n')
		decode_text(d, c, out);
}

void qp_decode_feed(struct qp_decoder *d, struct span in, struct buf *out)
{
	static void (*const run[])(struct qp_decoder *, uint8_t,
		struct buf *) = {
		[QP_TEXT] = decode_text,
		[QP_EQUAL] = decode_equal,
		[QP_HEX] = decode_hex,
		[QP_SOFT] = decode_equal,
		[QP_SOFT_CR] = decode_soft_cr,
	};

	for (size_t i = 0; i < in.n; i++)
		run[d->state](d, in.p[i], out);
}

void qp_decode_end(struct qp_decoder *d, struct buf *out)
{
	/* blanks at the end of the last line, or a soft break without an end */
	if (d->state == QP_HEX) {
		d->is_damaged = true;
		give_held(d, out);
	}
	soft_break(d);
}
