/*
 * imap_mutf7.c - names of mailboxes in modified UTF-7.  See imap_mutf7.h.
 *
 * A run of what may not stand for itself is its UTF-16 form, big end first, in
 * base64 with "," for "/" and without padding, between "&" and "-".
 */
#include "imap/imap_mutf7.h"

#include <string.h>

#include "base/utf8.h"

#include "base/banned.h"

static const char letters[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

static bool is_itself(uint32_t c)
{
	return c >= ' ' && c <= '~' && c != '&';
}

/* ---- from modified UTF-7 ------------------------------------------------ */
struct decoder {
	struct buf *out;
	uint32_t bits; /* those not used yet, the last ones */
	unsigned bit_count;
	uint32_t high; /* half of a pair, waiting for the other; 0: none */
	const char *wrong;
};

static void put_utf8(struct buf *out, uint32_t c)
{
	if (c < 0x80) {
		buf_putc(out, (uint8_t)c);
		return;
	}
	if (c < 0x800) {
		buf_putc(out, (uint8_t)(0xc0 | c >> 6));
	} else {
		if (c < 0x10000) {
			buf_putc(out, (uint8_t)(0xe0 | c >> 12));
		} else {
			buf_putc(out, (uint8_t)(0xf0 | c >> 18));
			buf_putc(out, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
		}
		buf_putc(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
	}
	buf_putc(out, (uint8_t)(0x80 | (c & 0x3f)));
}

static const char *take_unit(struct decoder *d, uint32_t unit)
{
	bool is_low = unit >= 0xdc00 && unit <= 0xdfff;

	if (is_low != (d->high != 0))
		return "half a character in a name";
	if (is_low) {
		put_utf8(d->out,
			0x10000 + ((d->high - 0xd800) << 10) + (unit - 0xdc00));
		d->high = 0;
		return NULL;
	}
	if (unit >= 0xd800 && unit <= 0xdbff) {
		d->high = unit;
		return NULL;
	}
	/* so that no name has two forms: RFC 3501 5.1.3 */
	if (is_itself(unit) || unit == '&')
		return "a name encodes what stands for itself";
	put_utf8(d->out, unit);
	return NULL;
}

static const char *take_letter(struct decoder *d, uint8_t c)
{
	const char *at = c == '\0' ? NULL : strchr(letters, c);

	if (at == NULL)
		return "no base64 behind & in a name";
	d->bits = d->bits << 6 | (uint32_t)(at - letters);
	d->bit_count += 6;
	if (d->bit_count < 16)
		return NULL;
	d->bit_count -= 16;
	return take_unit(d, d->bits >> d->bit_count & 0xffff);
}

/* What stands between "&" and "-". */
static const char *decode_run(struct span run, struct buf *out)
{
	struct decoder d = {.out = out};

	for (size_t i = 0; i < run.n; i++) {
		const char *wrong = take_letter(&d, run.p[i]);

		if (wrong != NULL)
			return wrong;
	}
	if (d.high != 0)
		return "half a character in a name";
	if (d.bit_count >= 6 || (d.bits & ((1u << d.bit_count) - 1)) != 0)
		return "bits are left over in a name";
	return NULL;
}

const char *imap_mutf7_decode(struct span name, struct buf *out)
{
	bool was_run = false; /* "-" ended one just now */

	while (name.n > 0) {
		struct span run;
		size_t end;
		const char *wrong;

		if (name.p[0] != '&') {
			if (!is_itself(name.p[0]))
				return "a name is not in modified UTF-7";
			buf_putc(out, name.p[0]);
			name = span_tail(name, 1);
			was_run = false;
			continue;
		}
		end = span_find(name, '-');
		if (end == name.n)
			return "a name has & without -";
		run = span_tail(span_head(name, end), 1);
		name = span_tail(name, end + 1);
		if (run.n == 0)
			buf_putc(out, '&');
		else if (was_run)
			return "a name has a shift too many";
		wrong = decode_run(run, out);
		if (wrong != NULL)
			return wrong;
		was_run = run.n > 0;
	}
	return NULL;
}

/* ---- to modified UTF-7 -------------------------------------------------- */
struct encoder {
	struct buf *out;
	uint32_t bits;
	unsigned bit_count;
	bool is_shifted;
};

static void put_unit(struct encoder *e, uint32_t unit)
{
	if (!e->is_shifted)
		buf_putc(e->out, '&');
	e->is_shifted = true;
	e->bits = e->bits << 16 | unit;
	for (e->bit_count += 16; e->bit_count >= 6; e->bit_count -= 6)
		buf_putc(e->out,
			(uint8_t)letters[e->bits >> (e->bit_count - 6) & 0x3f]);
}

static void shift_back(struct encoder *e)
{
	if (!e->is_shifted)
		return;
	if (e->bit_count > 0)
		buf_putc(e->out,
			(uint8_t)letters[e->bits << (6 - e->bit_count) & 0x3f]);
	buf_putc(e->out, '-');
	*e = (struct encoder){.out = e->out};
}

/* Cuts the first character off. */
static uint32_t take_char(struct span *s)
{
	size_t n = utf8_char_len(*s);
	bool is_open;
	uint32_t c;

	if (n == 0) {
		*s = span_tail(*s, utf8_error_len(*s, &is_open));
		return 0xfffd;
	}
	c = n == 1 ? s->p[0] : s->p[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++)
		c = c << 6 | (s->p[i] & 0x3fu);
	*s = span_tail(*s, n);
	return c;
}

void imap_mutf7_encode(struct span name, struct buf *out)
{
	struct encoder e = {.out = out};

	while (name.n > 0) {
		uint32_t c = take_char(&name);

		if (is_itself(c)) {
			shift_back(&e);
			buf_putc(out, (uint8_t)c);
		} else if (c == '&') {
			shift_back(&e);
			buf_puts(out, "&-");
		} else if (c >= 0x10000) {
			put_unit(&e, 0xd800 + ((c - 0x10000) >> 10));
			put_unit(&e, 0xdc00 + ((c - 0x10000) & 0x3ff));
		} else {
			put_unit(&e, c);
		}
	}
	shift_back(&e);
}
