/*
 * qp.c - quoted-printable.  See qp.h.
 *
 * Both directions are byte machines, for the bytes that matter; runs of plain
 * text, whole codes and soft breaks pass them by, a word of the processor at a
 * time.  Results are written in place, into room for the most that a piece of
 * the input can give.
 *
 * What the decoder cannot judge yet is held, and given out as it was when it
 * turns out to mean nothing:
 *
 *	TEXT -"="-> EQUAL -digit-> HEX -digit-> TEXT (one byte)
 *	  |           |-blank-> SOFT -LF-> TEXT (nothing: a soft break)
 *	  |           |-CR----> SOFT_CR -LF-> TEXT
 *	  |           `-LF----> TEXT
 *	  `-too many blanks-> BLANKS -another byte-> TEXT
 */
#include "codec/qp.h"

#include <string.h>

#include "codec/hex.h"

#include "base/banned.h"

/* Input that is worked on at a time: bounds the room that is asked for. */
#define PIECE_MAX 8192
/* The same where the maximum of out is near. */
#define LAST_PIECE_MAX 256

/* One such byte in each byte of a word. */
#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Has the word a byte below a space, or "="?  All that decoding stops at is
 * among these. */
static uint64_t has_stop(uint64_t w)
{
	uint64_t equal = w ^ EACH('=');

	return (((w - EACH(' ')) & ~w) | ((equal - EACH(1)) & ~equal)) &
		EACH(0x80);
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static bool is_line_end(uint8_t c)
{
	return c == '\r' || c == '\n';
}

/* ---- encoding ---------------------------------------------------------- */
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
	if (!is_blank(c))
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
		if ((has_stop(w) | ((w | (w + EACH(1))) & EACH(0x80))) != 0)
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
	uint8_t room[ENCODED_MAX(LAST_PIECE_MAX)];

	in = span_head(in, LAST_PIECE_MAX);
	buf_put_most(out, span_of(room, encode_piece(e, in, room)));
	return in.n;
}

void qp_encode_feed(struct qp_encoder *e, struct span in, struct buf *out)
{
	while (in.n > 0) {
		struct span piece = span_head(in, PIECE_MAX);

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

/* ---- decoding: the machine ----------------------------------------------- */
void qp_decode_init(struct qp_decoder *d)
{
	*d = (struct qp_decoder){0};
}

static uint8_t *give_held(struct qp_decoder *d, uint8_t *to)
{
	memcpy(to, d->held, d->held_len);
	to += d->held_len;
	d->held_len = 0;
	return to;
}

static void hold(struct qp_decoder *d, uint8_t c)
{
	must(d->held_len < sizeof(d->held));
	d->held[d->held_len++] = c;
}

static uint8_t *decode_blank(struct qp_decoder *d, uint8_t c, uint8_t *to)
{
	if (d->held_len < sizeof(d->held)) {
		hold(d, c);
		return to;
	}
	d->state = QP_BLANKS;
	to = give_held(d, to);
	*to++ = c;
	return to;
}

static uint8_t *decode_text(struct qp_decoder *d, uint8_t c, uint8_t *to)
{
	d->state = QP_TEXT;
	if (is_blank(c))
		return decode_blank(d, c, to);
	if (is_line_end(c))
		d->held_len = 0;
	to = give_held(d, to);
	if (c == '=') {
		hold(d, c);
		d->state = QP_EQUAL;
		return to;
	}
	*to++ = c;
	return to;
}

static uint8_t *decode_blanks(struct qp_decoder *d, uint8_t c, uint8_t *to)
{
	if (!is_blank(c)) {
		d->is_damaged |= is_line_end(c);
		return decode_text(d, c, to);
	}
	*to++ = c;
	return to;
}

/* What is held was no code after all: it stays as it is. */
static uint8_t *decode_as_text(struct qp_decoder *d, uint8_t c, uint8_t *to)
{
	d->is_damaged = true;
	return decode_text(d, c, give_held(d, to));
}

static void soft_break(struct qp_decoder *d)
{
	d->held_len = 0;
	d->state = QP_TEXT;
}

static uint8_t *decode_equal(struct qp_decoder *d, uint8_t c, uint8_t *to)
{
	if (hex_digit(c) >= 0 && d->state == QP_EQUAL) {
		hold(d, c);
		d->state = QP_HEX;
	} else if (is_blank(c) && d->held_len < sizeof(d->held)) {
		d->state = QP_SOFT;
		hold(d, c);
	} else if (c == '\r') {
		d->state = QP_SOFT_CR;
	} else if (c == '\n') {
		soft_break(d);
	} else {
		return decode_as_text(d, c, to);
	}
	return to;
}

static uint8_t *decode_hex(struct qp_decoder *d, uint8_t c, uint8_t *to)
{
	if (hex_digit(c) < 0)
		return decode_as_text(d, c, to);
	*to++ = (uint8_t)(hex_digit(d->held[1]) << 4 | hex_digit(c));
	soft_break(d);
	return to;
}

static uint8_t *decode_soft_cr(struct qp_decoder *d, uint8_t c, uint8_t *to)
{
	soft_break(d);
	return c == '\n' ? to : decode_text(d, c, to);
}

static bool has_nothing_open(const struct qp_decoder *d)
{
	return d->state == QP_TEXT && d->held_len == 0;
}

/* One byte, and more as long as one must be known to judge the next. */
static struct span run_machine(struct qp_decoder *d, struct span in,
	uint8_t **to)
{
	static uint8_t *(*const run[])(struct qp_decoder *, uint8_t,
		uint8_t *) = {
		[QP_TEXT] = decode_text,
		[QP_BLANKS] = decode_blanks,
		[QP_EQUAL] = decode_equal,
		[QP_HEX] = decode_hex,
		[QP_SOFT] = decode_equal,
		[QP_SOFT_CR] = decode_soft_cr,
	};
	size_t i = 0;

	do {
		*to = run[d->state](d, in.p[i++], *to);
	} while (i < in.n && !has_nothing_open(d));
	return span_tail(in, i);
}

/* ---- decoding: runs ------------------------------------------------------ */
/* Copies up to an "=", a line end or the end; returns how much.  It may write
 * a word further. */
static size_t copy_plain(struct span in, uint8_t *to)
{
	size_t n = 0;
	uint64_t w;

	for (; in.n - n >= sizeof(w); n += sizeof(w)) {
		memcpy(&w, in.p + n, sizeof(w));
		memcpy(to + n, &w, sizeof(w));
		if (has_stop(w) == 0)
			continue;
		for (size_t i = n; i < n + sizeof(w); i++)
			if (in.p[i] == '=' || is_line_end(in.p[i]))
				return i;
	}
	for (; n < in.n && in.p[n] != '=' && !is_line_end(in.p[n]); n++)
		to[n] = in.p[n];
	return n;
}

/* Takes a code or a soft break that begins here and is whole; returns how much
 * that is, 0: it needs the machine. */
static size_t take_code(struct span in, uint8_t **to)
{
	int high, low;

	if (in.n < 3)
		return 0;
	if (in.p[1] == '\r' && in.p[2] == '\n')
		return 3;
	if (in.p[1] == '\n')
		return 2;
	high = hex_digit(in.p[1]);
	low = hex_digit(in.p[2]);
	if (high < 0 || low < 0)
		return 0;
	*(*to)++ = (uint8_t)(high << 4 | low);
	return 3;
}

static size_t blanks_before(const uint8_t *end, size_t n)
{
	size_t blanks = 0;

	while (blanks < n && is_blank(end[-1 - (ptrdiff_t)blanks]))
		blanks++;
	return blanks;
}

/* From where nothing is open, up to what the machine must see. */
static struct span take_runs(struct span in, uint8_t **to)
{
	const uint8_t *end = in.p + in.n;
	const uint8_t *p = in.p;

	while (p < end) {
		size_t n = copy_plain(span_of(p, (size_t)(end - p)), *to);

		p += n;
		*to += n;
		if (p < end && *p == '=') {
			n = take_code(span_of(p, (size_t)(end - p)), to);
			p += n;
			if (n == 0)
				break;
			continue;
		}
		n = blanks_before(p, n);
		p -= n;
		*to -= n;
		if (n > 0)
			break;
		while (p < end && is_line_end(*p))
			*(*to)++ = *p++;
	}
	return span_of(p, (size_t)(end - p));
}

static size_t decode_piece(struct qp_decoder *d, struct span in, uint8_t *out)
{
	uint8_t *to = out;

	while (in.n > 0) {
		if (has_nothing_open(d))
			in = take_runs(in, &to);
		if (in.n > 0)
			in = run_machine(d, in, &to);
	}
	return (size_t)(to - out);
}

/* The most that n bytes become, with what was held, and a word behind it. */
#define DECODED_MAX(n) ((n) + QP_BLANKS_MAX + sizeof(uint64_t))

static size_t decode_last(struct qp_decoder *d, struct span in, struct buf *out)
{
	uint8_t room[DECODED_MAX(LAST_PIECE_MAX)];

	in = span_head(in, LAST_PIECE_MAX);
	buf_put_most(out, span_of(room, decode_piece(d, in, room)));
	return in.n;
}

void qp_decode_feed(struct qp_decoder *d, struct span in, struct buf *out)
{
	while (in.n > 0) {
		struct span piece = span_head(in, PIECE_MAX);

		if (out->overflow || DECODED_MAX(piece.n) > buf_left(out))
			piece.n = decode_last(d, piece, out);
		else
			buf_wrote(out, decode_piece(d, piece,
				buf_reserve(out, DECODED_MAX(piece.n))));
		in = span_tail(in, piece.n);
	}
}

void qp_decode_end(struct qp_decoder *d, struct buf *out)
{
	if (d->state == QP_HEX) {
		d->is_damaged = true;
		buf_put(out, span_of(d->held, d->held_len));
	}
	if (d->state == QP_BLANKS)
		d->is_damaged = true;
	/* blanks at the end of the last line, or a soft break without an end */
	soft_break(d);
}
