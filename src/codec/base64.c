/*
 * base64.c - bytes as letters and back.  See base64.h.
 *
 * The inner loops over whole groups are those of base64_way.  Here is what
 * stands around them: lines, what is left of a group between two feeds, and
 * all that the decoder forgives.
 *
 * Results are written in place, into room for the most that a piece of the
 * input can give.
 */
#include "codec/base64.h"

#include <string.h>

#include "base/banned.h"

/* Input that is worked on at a time: bounds the room that is asked for. */
#define PIECE_MAX 16384
/* The same where the maximum of out is near. */
#define LAST_PIECE_MAX 256

/* ---- encoding ---------------------------------------------------------- */
void base64_encode_init(struct base64_encoder *e, size_t line)
{
	must(line % 4 == 0);
	*e = (struct base64_encoder){.way = base64_way_best(), .line = line};
}

/* Writes groups * 3 bytes with the line ends between them; returns the end. */
static uint8_t *put_groups(struct base64_encoder *e, const uint8_t *in,
	size_t groups, uint8_t *to)
{
	while (groups > 0) {
		size_t now = groups;

		if (e->line != 0 && e->column == e->line) {
			*to++ = '\r';
			*to++ = '\n';
			e->column = 0;
		}
		if (e->line != 0 && now > (e->line - e->column) / 4)
			now = (e->line - e->column) / 4;
		e->way->encode(in, now, to);
		in += now * 3;
		to += now * 4;
		e->column += now * 4;
		groups -= now;
	}
	return to;
}

/* How many characters the next groups become. */
static size_t groups_len(const struct base64_encoder *e, size_t groups)
{
	size_t n = groups * 4;

	if (e->line == 0 || n == 0)
		return n;
	return n + (e->column + n - 1) / e->line * 2;
}

static struct span fill_held(struct base64_encoder *e, struct span in)
{
	while (in.n > 0 && e->held_len < 3) {
		e->held[e->held_len++] = *in.p++;
		in.n--;
	}
	return in;
}

static void encode_piece(struct base64_encoder *e, struct span in,
	struct buf *out)
{
	size_t groups = (e->held_len + in.n) / 3;
	uint8_t *to, *end;

	if (e->held_len > 0)
		in = fill_held(e, in);
	if (groups > 0) {
		to = end = buf_reserve(out, groups_len(e, groups));
		if (to == NULL)
			return;
		if (e->held_len == 3) {
			end = put_groups(e, e->held, 1, end);
			e->held_len = 0;
		}
		end = put_groups(e, in.p, in.n / 3, end);
		buf_wrote(out, (size_t)(end - to));
	}
	(void)fill_held(e, span_tail(in, in.n / 3 * 3));
}

void base64_encode_feed(struct base64_encoder *e, struct span in,
	struct buf *out)
{
	while (in.n > 0) {
		encode_piece(e, span_head(in, PIECE_MAX), out);
		in = span_tail(in, PIECE_MAX);
	}
}

void base64_encode_end(struct base64_encoder *e, struct buf *out)
{
	uint8_t n = e->held_len;
	uint8_t *to;

	if (n == 0)
		return;
	memset(e->held + n, 0, sizeof(e->held) - n);
	to = buf_reserve(out, groups_len(e, 1));
	if (to != NULL) {
		uint8_t *end = put_groups(e, e->held, 1, to);

		memset(end - (3 - n), '=', 3u - n);
		buf_wrote(out, (size_t)(end - to));
	}
	e->held_len = 0;
}

/* ---- decoding ---------------------------------------------------------- */

/* Bytes that may come of what an earlier piece left: letters of a group, a line
 * behind padding. */
#define HELD_MAX (BASE64_MAIL_LINE / 4 * 3 + 6)

void base64_decode_init(struct base64_decoder *d)
{
	*d = (struct base64_decoder){.way = base64_way_best()};
}

/* Writes the whole bytes of an unfinished group. */
static uint8_t *flush_group(struct base64_decoder *d, uint8_t *to)
{
	if (d->letters == 1)
		d->is_damaged = true; /* 6 bits are no byte */
	if (d->letters >= 2)
		*to++ = (uint8_t)(d->bits >> (d->letters * 6 - 8));
	if (d->letters == 3)
		*to++ = (uint8_t)(d->bits >> 2);
	d->letters = 0;
	d->bits = 0;
	return to;
}

static uint8_t *take_letter(struct base64_decoder *d, uint8_t value,
	uint8_t *to)
{
	if (d->is_padded)
		d->is_damaged = true;
	d->is_padded = false;
	d->bits = d->bits << 6 | value;
	if (++d->letters < 4)
		return to;
	*to++ = (uint8_t)(d->bits >> 16);
	*to++ = (uint8_t)(d->bits >> 8);
	*to++ = (uint8_t)d->bits;
	d->letters = 0;
	d->bits = 0;
	return to;
}

static uint8_t *take_pad(struct base64_decoder *d, uint8_t *to)
{
	d->is_behind = d->letters >= 2;
	d->is_padded = !d->is_behind;
	return flush_group(d, to);
}

static uint8_t *take_data(struct base64_decoder *d, uint8_t byte, uint8_t *to)
{
	uint8_t value = base64_values[byte];

	if (value < 64)
		return take_letter(d, value, to);
	if (value == BASE64_PAD)
		return take_pad(d, to);
	if (value != BASE64_WHITE)
		d->is_damaged = true;
	return to;
}

/* ---- behind padding ---------------------------------------------------- */

/* The line behind padding is known: it is data, or all is over. */
static uint8_t *judge_line(struct base64_decoder *d, uint8_t *to)
{
	uint8_t n = d->line_len;

	if (n == 0 || d->is_over)
		return to;
	d->is_damaged = true;
	d->is_over = n % 4 != 0;
	d->is_behind = d->has_gap = false;
	d->line_len = 0;
	for (uint8_t i = 0; i < n && !d->is_over; i++)
		if (!d->is_behind) /* its second "=" says nothing */
			to = take_data(d, d->line[i], to);
	return to;
}

static uint8_t *keep_letter(struct base64_decoder *d, uint8_t byte, uint8_t *to)
{
	d->is_over = d->has_gap;
	d->line[d->line_len++] = byte;
	if (d->line_len == sizeof(d->line))
		return judge_line(d, to); /* no prose is so long a word */
	return to;
}

static uint8_t *take_behind(struct base64_decoder *d, uint8_t byte,
	uint8_t *to)
{
	uint8_t value = base64_values[byte];

	if (value < 64) {
		/* glued once more */
		if (d->line_len > 0 && d->line[d->line_len - 1] == '=')
			to = judge_line(d, to);
		if (d->is_over)
			return to;
		return d->is_behind ? keep_letter(d, byte, to)
				    : take_data(d, byte, to);
	}
	if (value == BASE64_PAD) {
		if (d->line_len % 4 != 0)
			d->line[d->line_len++] = byte;
	} else if (value != BASE64_WHITE) {
		d->is_over = true;
	} else if (byte == '\r' || byte == '\n') {
		return judge_line(d, to);
	} else {
		d->has_gap = d->line_len > 0;
	}
	return to;
}

static uint8_t *take_byte(struct base64_decoder *d, uint8_t byte, uint8_t *to)
{
	if (!d->is_behind)
		return take_data(d, byte, to);
	to = take_behind(d, byte, to);
	d->is_damaged = d->is_damaged || d->is_over;
	return to;
}

/* Writes what a piece gives; returns how many bytes.  Between two groups that
 * have nothing to forgive before them whole runs are taken, else bytes. */
static size_t decode_piece(struct base64_decoder *d, struct span in,
	uint8_t *out)
{
	uint8_t *to = out;

	while (in.n > 0 && !d->is_over) {
		if (d->letters == 0 && !d->is_padded && !d->is_behind) {
			size_t groups = d->way->decode(in, to);

			to += groups * 3;
			in.p += groups * 4;
			in.n -= groups * 4;
		}
		/* the line end behind the run, or what stopped it */
		do {
			if (in.n == 0)
				break;
			to = take_byte(d, *in.p++, to);
			in.n--;
		} while (in.n > 0 && (*in.p == '\r' || *in.p == '\n'));
	}
	return (size_t)(to - out);
}

/* Where out is nearly full: what still fits is written. */
static size_t decode_last(struct base64_decoder *d, struct span in,
	struct buf *out)
{
	uint8_t room[LAST_PIECE_MAX + HELD_MAX + BASE64_WAY_SLACK];

	in = span_head(in, LAST_PIECE_MAX);
	buf_put_most(out, span_of(room, decode_piece(d, in, room)));
	return in.n;
}

void base64_decode_feed(struct base64_decoder *d, struct span in,
	struct buf *out)
{
	while (in.n > 0) {
		struct span piece = span_head(in, PIECE_MAX);
		size_t most = piece.n / 4 * 3 + HELD_MAX + BASE64_WAY_SLACK;

		if (out->overflow || most > buf_left(out))
			piece.n = decode_last(d, piece, out);
		else
			buf_wrote(out, decode_piece(d, piece,
				buf_reserve(out, most)));
		in = span_tail(in, piece.n);
	}
}

void base64_decode_end(struct base64_decoder *d, struct buf *out)
{
	uint8_t room[HELD_MAX];
	uint8_t *end = judge_line(d, room);

	if (d->letters > 0)
		d->is_damaged = true;
	end = flush_group(d, end);
	buf_put(out, span_of(room, (size_t)(end - room)));
}
