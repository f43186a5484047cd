/*
 * base64.c - bytes as letters and back.  See base64.h.
 */
#include "codec/base64.h"

#include "base/banned.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			      "abcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode_init(struct base64_encoder *e, size_t line)
{
	must(line % 4 == 0);
	*e = (struct base64_encoder){.line = line};
}

/* Writes the 1-3 bytes that are held as one group of 4. */
static void put_group(struct base64_encoder *e, struct buf *out)
{
	uint32_t bits = (uint32_t)e->held[0] << 16 |
		(uint32_t)e->held[1] << 8 | e->held[2];
	uint8_t group[4];

	if (e->line != 0 && e->column == e->line) {
		buf_puts(out, "\r\n");
		e->column = 0;
	}
	for (unsigned i = 0; i < 4; i++)
		group[i] = i <= e->held_len
			? (uint8_t)letters[bits >> (18 - 6 * i) & 63]
			: '=';
	buf_put(out, span_of(group, 4));
	e->column += 4;
	*e = (struct base64_encoder){.line = e->line, .column = e->column};
}

void base64_encode_feed(struct base64_encoder *e, struct span in,
	struct buf *out)
{
	for (size_t i = 0; i < in.n; i++) {
		e->held[e->held_len++] = in.p[i];
		if (e->held_len == 3)
			put_group(e, out);
	}
}

void base64_encode_end(struct base64_encoder *e, struct buf *out)
{
	if (e->held_len > 0)
		put_group(e, out);
}

void base64_decode_init(struct base64_decoder *d)
{
	*d = (struct base64_decoder){0};
}

/* The value of a letter, or -1. */
static int letter_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (ascii_is_digit(c))
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* Writes the whole bytes of an unfinished group. */
static void flush_group(struct base64_decoder *d, struct buf *out)
{
	if (d->letters == 1)
		d->is_damaged = true; /* 6 bits are no byte */
	if (d->letters >= 2)
		buf_putc(out, (uint8_t)(d->bits >> (d->letters * 6 - 8)));
	if (d->letters == 3)
		buf_putc(out, (uint8_t)(d->bits >> 2));
	d->letters = 0;
	d->bits = 0;
}

static void take_letter(struct base64_decoder *d, int value, struct buf *out)
{
	if (d->is_padded)
		d->is_damaged = true;
	d->is_padded = false;
	d->bits = d->bits << 6 | (uint32_t)value;
	if (++d->letters < 4)
		return;
	buf_putc(out, (uint8_t)(d->bits >> 16));
	buf_putc(out, (uint8_t)(d->bits >> 8));
	buf_putc(out, (uint8_t)d->bits);
	d->letters = 0;
	d->bits = 0;
}

static bool is_white(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void base64_decode_feed(struct base64_decoder *d, struct span in,
	struct buf *out)
{
	for (size_t i = 0; i < in.n; i++) {
		int value = letter_value(in.p[i]);

		if (value >= 0) {
			take_letter(d, value, out);
		} else if (in.p[i] == '=') {
			flush_group(d, out);
			d->is_padded = true;
		} else if (!is_white(in.p[i])) {
			d->is_damaged = true;
		}
	}
}

void base64_decode_end(struct base64_decoder *d, struct buf *out)
{
	if (d->letters > 0)
		d->is_damaged = true;
	flush_group(d, out);
}
