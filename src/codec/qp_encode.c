/*
 * qp_encode.c - bytes to quoted-printable.  See qp.h.
 *
 * A byte machine for the bytes that matter; runs of literals pass it by, a word
 * of the processor at a time.  A CR and a blank wait for what follows them.
 * Results are written in place, into room for the most that a piece of the
 * input can give.
 */
#include "codec/qp_int.h"

#include <string.h>

#include "base/banned.h"

void qp_encode_init(struct qp_encoder *e)
{
	*e = (struct qp_encoder){0};
}

/* Makes place for a unit that may not be broken; room for the "=" of a soft
 * break stays. */
static uint8_t *place(struct qp_encoder *e, size_t n, uint8_t *to)
{
	if (e->column + n > QP_LINE - 1) {
		*to++ = '=';
		*to++ = '\r';
		*to++ = '\n';
		e->column = 0;
	}
	e->column += n;
	return to;
}

static uint8_t *put_literal(struct qp_encoder *e, uint8_t byte, uint8_t *to)
{
	to = place(e, 1, to);
	*to++ = byte;
	return to;
}

static uint8_t *put_quoted(struct qp_encoder *e, uint8_t byte, uint8_t *to)
{
	static const char digits[] = "0123456789ABCDEF";

	to = place(e, 3, to);
	*to++ = '=';
	*to++ = (uint8_t)digits[byte >> 4];
	*to++ = (uint8_t)digits[byte & 15];
	return to;
}

/* Gives out what waited; at a line's end a blank must be quoted. */
static uint8_t *put_held(struct qp_encoder *e, bool is_at_end, uint8_t *to)
{
	uint8_t blank = e->blank;

	e->blank = 0;
	if (blank == 0)
		return to;
	return is_at_end ? put_quoted(e, blank, to) : put_literal(e, blank, to);
}

/* A byte that may stand as it is wherever it stands. */
static bool is_literal(uint8_t c)
{
	return c > ' ' && c < 0x7f && c != '=';
}

static uint8_t *encode_byte(struct qp_encoder *e, uint8_t c, uint8_t *to)
{
	if (e->has_cr && c == '\n') {
		e->has_cr = false;
		to = put_held(e, true, to);
		*to++ = '\r';
		*to++ = '\n';
		e->column = 0;
		return to;
	}
	if (e->has_cr) {
		to = put_held(e, false, to);
		to = put_quoted(e, '\r', to);
	}
	e->has_cr = c == '\r';
	if (e->has_cr)
		return to;
	to = put_held(e, false, to);
	if (is_literal(c))
		return put_literal(e, c, to);
	if (!qp_is_blank(c))
		return put_quoted(e, c, to);
	e->blank = c;
	return to;
}

/* The length of the run at the beginning that is literal but for spaces, of
 * which none is its last. */
static size_t literal_run(struct span in)
{
	size_t n = 0;
	uint64_t w;

	for (; in.n - n >= sizeof(w); n += sizeof(w)) {
		memcpy(&w, in.p + n, sizeof(w));
		/* w + 1: DEL, too, shows as a byte above 127 */
		if ((qp_has_stop(w) | ((w | (w + QP_EACH(1))) & QP_EACH(0x80))) != 0)
			break;
	}
	while (n < in.n && (is_literal(in.p[n]) || in.p[n] == ' '))
		n++;
	while (n > 0 && in.p[n - 1] == ' ')
		n--;
	return n;
}

static size_t encode_piece(struct qp_encoder *e, struct span in, uint8_t *out)
{
	uint8_t *to = out;

	while (in.n > 0) {
		if (is_literal(*in.p) && !e->has_cr && e->blank == 0) {
			size_t n = literal_run(span_head(in,
				QP_LINE - 1 - e->column));

			memcpy(to, in.p, n);
			to += n;
			e->column += n;
			in = span_tail(in, n);
		}
		if (in.n > 0) {
			to = encode_byte(e, *in.p++, to);
			in.n--;
		}
	}
	return (size_t)(to - out);
}

/* The most that n bytes become: each a code, and a soft break for 24 of them;
 * and the blank and the CR that were held. */
#define ENCODED_MAX(n) (((n) + 2) * 4)

static size_t encode_last(struct qp_encoder *e, struct span in, struct buf *out)
{
	uint8_t room[ENCODED_MAX(QP_LAST_PIECE_MAX)];

	in = span_head(in, QP_LAST_PIECE_MAX);
	buf_put_most(out, span_of(room, encode_piece(e, in, room)));
	return in.n;
}

void qp_encode_feed(struct qp_encoder *e, struct span in, struct buf *out)
{
	while (in.n > 0) {
		struct span piece = span_head(in, QP_PIECE_MAX);

		if (out->overflow || ENCODED_MAX(piece.n) > buf_left(out))
			piece.n = encode_last(e, piece, out);
		else
			buf_wrote(out, encode_piece(e, piece,
				buf_reserve(out, ENCODED_MAX(piece.n))));
		in = span_tail(in, piece.n);
	}
}

void qp_encode_end(struct qp_encoder *e, struct buf *out)
{
	uint8_t room[ENCODED_MAX(1)];
	uint8_t *to = put_held(e, !e->has_cr, room);

	if (e->has_cr)
		to = put_quoted(e, '\r', to);
	e->has_cr = false;
	buf_put(out, span_of(room, (size_t)(to - room)));
}
