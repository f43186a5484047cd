/*
 * charset.c - text of a named character set as UTF-8.  See charset.h.
 *
 * Four readers: UTF-8, the guess, the one-byte sets, and ICU.  They share held:
 * bytes that cannot be read before more have come.
 */
#include "codec/charset.h"

#include <string.h>

#include "base/utf8.h"
#include "codec/charset_icu.h"
#include "codec/charset_name.h"

#include "base/banned.h"

#define BOM         0xfeff
#define REPLACEMENT 0xfffd
/* what converters of some sets write for what they cannot read */
#define SUBSTITUTE  0x1a
/* units of UTF-16 between ICU and us */
#define PIVOT       512

/* Each bit 7 of eight bytes, and the lowest bit of each. */
#define HIGH_BITS UINT64_C(0x8080808080808080)
#define LOW_BITS  UINT64_C(0x0101010101010101)

/* A one-byte set is ISO-8859-1 with a few other characters in it. */
struct change {
	uint8_t byte;
	uint16_t code;
};

struct charset_one_byte {
	const struct change *changes;
	size_t change_count;
};

static const struct change windows_1252[] = {
	{0x80, 0x20ac}, {0x81, 0xfffd}, {0x82, 0x201a}, {0x83, 0x0192},
	{0x84, 0x201e}, {0x85, 0x2026}, {0x86, 0x2020}, {0x87, 0x2021},
	{0x88, 0x02c6}, {0x89, 0x2030}, {0x8a, 0x0160}, {0x8b, 0x2039},
	{0x8c, 0x0152}, {0x8d, 0xfffd}, {0x8e, 0x017d}, {0x8f, 0xfffd},
	{0x90, 0xfffd}, {0x91, 0x2018}, {0x92, 0x2019}, {0x93, 0x201c},
	{0x94, 0x201d}, {0x95, 0x2022}, {0x96, 0x2013}, {0x97, 0x2014},
	{0x98, 0x02dc}, {0x99, 0x2122}, {0x9a, 0x0161}, {0x9b, 0x203a},
	{0x9c, 0x0153}, {0x9d, 0xfffd}, {0x9e, 0x017e}, {0x9f, 0x0178},
};

static const struct change iso_8859_15[] = {
	{0xa4, 0x20ac}, {0xa6, 0x0160}, {0xa8, 0x0161}, {0xb4, 0x017d},
	{0xb8, 0x017e}, {0xbc, 0x0152}, {0xbd, 0x0153}, {0xbe, 0x0178},
};

/* ICU does not have it */
static const struct change iso_8859_16[] = {
	{0xa1, 0x0104}, {0xa2, 0x0105}, {0xa3, 0x0141}, {0xa4, 0x20ac},
	{0xa5, 0x201e}, {0xa6, 0x0160}, {0xa8, 0x0161}, {0xaa, 0x0218},
	{0xac, 0x0179}, {0xae, 0x017a}, {0xaf, 0x017b}, {0xb2, 0x010c},
	{0xb3, 0x0142}, {0xb4, 0x017d}, {0xb5, 0x201d}, {0xb8, 0x017e},
	{0xb9, 0x010d}, {0xba, 0x0219}, {0xbc, 0x0152}, {0xbd, 0x0153},
	{0xbe, 0x0178}, {0xbf, 0x017c}, {0xc3, 0x0102}, {0xc5, 0x0106},
	{0xd0, 0x0110}, {0xd1, 0x0143}, {0xd5, 0x0150}, {0xd7, 0x015a},
	{0xd8, 0x0170}, {0xdd, 0x0118}, {0xde, 0x021a}, {0xe3, 0x0103},
	{0xe5, 0x0107}, {0xf0, 0x0111}, {0xf1, 0x0144}, {0xf5, 0x0151},
	{0xf7, 0x015b}, {0xf8, 0x0171}, {0xfd, 0x0119}, {0xfe, 0x021b},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct charset_one_byte one_byte_sets[] = {
	[CHARSET_WINDOWS_1252] = {windows_1252, COUNT(windows_1252)},
	[CHARSET_ISO_8859_15] = {iso_8859_15, COUNT(iso_8859_15)},
	[CHARSET_ISO_8859_16] = {iso_8859_16, COUNT(iso_8859_16)},
};

/* ---- writing ----------------------------------------------------------- */

static size_t encode(uint32_t code, uint8_t out[4])
{
	size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	static const uint8_t first[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = n - 1; i > 0; i--) {
		out[i] = (uint8_t)(0x80 | (code & 63));
		code >>= 6;
	}
	out[0] = (uint8_t)(first[n] | code);
	return n;
}

void charset_put_char(struct buf *out, uint32_t code)
{
	uint8_t bytes[4];

	buf_put(out, span_of(bytes, encode(code, bytes)));
}

/* A character of the text; the first may be a mark that is none. */
static void put(struct charset_decoder *d, uint32_t code, struct buf *out)
{
	bool is_mark = code == BOM && !d->is_begun;

	if (code == 0 && d->drops_nul)
		return;
	d->is_begun = true;
	if (code == 0)
		code = REPLACEMENT;
	if (code == REPLACEMENT)
		d->is_damaged = true;
	if (!is_mark)
		charset_put_char(out, code);
}

static void put_run(struct charset_decoder *d, struct span run, struct buf *out)
{
	const struct span mark = SPAN("\xef\xbb\xbf");

	if (!d->is_begun && span_starts(run, mark))
		buf_put(out, span_tail(run, mark.n));
	else
		buf_put(out, run);
	d->is_begun |= run.n > 0;
}

/* Length of the ASCII without NUL at the start. */
static size_t ascii_len(struct span s)
{
	size_t n = 0;
	uint64_t word;

	for (; s.n - n >= sizeof(word); n += sizeof(word)) {
		memcpy(&word, s.p + n, sizeof(word));
		if (((word | (word - LOW_BITS)) & HIGH_BITS) != 0)
			break;
	}
	while (n < s.n && s.p[n] != 0 && s.p[n] < 0x80)
		n++;
	return n;
}

/* ---- UTF-8 and the guess ------------------------------------------------- */

/* Length of the well-formed text without NUL at the start. */
static size_t utf8_len(struct span s)
{
	size_t n = 0;

	while (n < s.n) {
		struct span rest = span_tail(s, n);
		size_t step = ascii_len(rest);

		if (step == 0 && rest.p[0] != 0)
			step = utf8_char_len(rest);
		if (step == 0)
			break;
		n += step;
	}
	return n;
}

static uint32_t windows_1252_char(uint8_t byte)
{
	return byte >= 0x80 && byte < 0xa0 ? windows_1252[byte - 0x80].code
					   : byte;
}

typedef void put_error_fn(struct charset_decoder *d, struct span bytes,
	struct buf *out);

static void put_replacement(struct charset_decoder *d, struct span bytes,
	struct buf *out)
{
	(void)bytes;
	put(d, REPLACEMENT, out);
}

static void put_guess(struct charset_decoder *d, struct span bytes,
	struct buf *out)
{
	d->is_damaged = true;
	for (size_t i = 0; i < bytes.n; i++)
		put(d, windows_1252_char(bytes.p[i]), out);
}

/* Reads what is in hand, but for a character that more bytes may complete;
 * returns how many bytes it read. */
static size_t read_utf8(struct charset_decoder *d, struct span in,
	put_error_fn *put_error, struct buf *out)
{
	struct span rest = in;

	while (rest.n > 0) {
		size_t n = utf8_len(rest);
		bool is_open = false;

		put_run(d, span_head(rest, n), out);
		rest = span_tail(rest, n);
		if (rest.n == 0)
			break;
		if (rest.p[0] == 0) {
			put(d, 0, out);
			rest = span_tail(rest, 1);
			continue;
		}
		n = utf8_error_len(rest, &is_open);
		if (is_open)
			break;
		put_error(d, span_head(rest, n), out);
		rest = span_tail(rest, n);
	}
	return in.n - rest.n;
}

/* The held bytes are the start of a character (1-3 bytes). */
static struct span finish_held(struct charset_decoder *d, struct span in,
	put_error_fn *put_error, struct buf *out)
{
	while (d->held_len > 0 && in.n > 0) {
		size_t n;

		d->held[d->held_len++] = in.p[0];
		in = span_tail(in, 1);
		n = read_utf8(d, span_of(d->held, d->held_len), put_error, out);
		memmove(d->held, d->held + n, d->held_len - n);
		d->held_len -= n;
	}
	return in;
}

static void feed_utf8_or(struct charset_decoder *d, struct span in,
	bool is_last, put_error_fn *put_error, struct buf *out)
{
	size_t n;

	in = finish_held(d, in, put_error, out);
	n = read_utf8(d, in, put_error, out);
	in = span_tail(in, n);
	if (in.n > 0)
		memcpy(d->held + d->held_len, in.p, in.n);
	d->held_len += in.n;
	if (is_last && d->held_len > 0) {
		put_error(d, span_of(d->held, d->held_len), out);
		d->held_len = 0;
	}
}

static void feed_utf8(struct charset_decoder *d, struct span in, bool is_last,
	struct buf *out)
{
	feed_utf8_or(d, in, is_last, put_replacement, out);
}

static void feed_guess(struct charset_decoder *d, struct span in, bool is_last,
	struct buf *out)
{
	feed_utf8_or(d, in, is_last, put_guess, out);
}

/* ---- one-byte sets ------------------------------------------------------- */

static uint32_t char_of(const struct charset_one_byte *set, uint8_t byte)
{
	for (size_t i = 0; i < set->change_count; i++)
		if (set->changes[i].byte == byte)
			return set->changes[i].code;
	return byte;
}

static void feed_one_byte(struct charset_decoder *d, struct span in,
	bool is_last, struct buf *out)
{
	(void)is_last;
	while (in.n > 0) {
		size_t n = ascii_len(in);

		put_run(d, span_head(in, n), out);
		in = span_tail(in, n);
		if (in.n == 0)
			return;
		put(d, char_of(d->set, in.p[0]), out);
		in = span_tail(in, 1);
	}
}

/* ---- ICU ------------------------------------------------------------------ */

static bool is_high(uint16_t unit)
{
	return (unit & 0xfc00) == 0xd800;
}

static bool is_low(uint16_t unit)
{
	return (unit & 0xfc00) == 0xdc00;
}

static void put_unit(struct charset_decoder *d, uint16_t unit, struct buf *out)
{
	uint16_t high = d->high;

	d->high = 0;
	if (high != 0 && is_low(unit)) {
		put(d, 0x10000 + ((uint32_t)(high & 0x3ff) << 10) +
			(unit & 0x3ff), out);
		return;
	}
	if (high != 0)
		put(d, REPLACEMENT, out);
	if (is_high(unit))
		d->high = unit;
	else
		put(d, is_low(unit) || unit == SUBSTITUTE ? REPLACEMENT : unit,
			out);
}

static void read_icu(struct charset_decoder *d, struct span in, bool is_last,
	struct buf *out)
{
	uint16_t units[PIVOT];
	size_t n;

	do {
		n = charset_icu_read(d->icu, &in, is_last, units, PIVOT);
		for (size_t i = 0; i < n; i++)
			put_unit(d, units[i], out);
	} while (n == PIVOT || in.n > 0);
}

static void feed_icu(struct charset_decoder *d, struct span in, bool is_last,
	struct buf *out)
{
	while (in.n > 0) {
		struct span part = span_head(in, CHARSET_BLOCK - d->held_len);

		memcpy(d->held + d->held_len, part.p, part.n);
		d->held_len += part.n;
		in = span_tail(in, part.n);
		if (d->held_len < CHARSET_BLOCK)
			break;
		read_icu(d, span_of(d->held, d->held_len), false, out);
		d->held_len = 0;
	}
	if (!is_last)
		return;
	read_icu(d, span_of(d->held, d->held_len), true, out);
	d->held_len = 0;
	if (d->high != 0)
		put(d, REPLACEMENT, out);
}

/* ---- the interface -------------------------------------------------------- */

bool charset_open(void)
{
	return charset_icu_load();
}

void charset_decode_init(struct charset_decoder *d, struct span charset)
{
	static charset_feed_fn *const feeds[] = {
		[CHARSET_UNKNOWN] = feed_guess,
		[CHARSET_GUESS] = feed_guess,
		[CHARSET_UTF_8] = feed_utf8,
		[CHARSET_WINDOWS_1252] = feed_one_byte,
		[CHARSET_ISO_8859_15] = feed_one_byte,
		[CHARSET_ISO_8859_16] = feed_one_byte,
		[CHARSET_ICU] = feed_icu,
	};
	struct charset_name name = charset_name_find(charset);

	d->set = NULL;
	d->icu = NULL;
	d->held_len = 0;
	d->high = 0;
	d->is_begun = false;
	d->drops_nul = false;
	if (name.kind == CHARSET_ICU)
		d->icu = charset_icu_take(name.icu_name);
	if (name.kind == CHARSET_ICU && d->icu == NULL)
		name.kind = CHARSET_UNKNOWN;
	if (name.kind < COUNT(one_byte_sets))
		d->set = &one_byte_sets[name.kind];
	d->feed = feeds[name.kind];
	d->is_damaged = name.kind == CHARSET_UNKNOWN;
}

void charset_decode_feed(struct charset_decoder *d, struct span in,
	struct buf *out)
{
	d->feed(d, in, false, out);
}

bool charset_decode_end(struct charset_decoder *d, struct buf *out)
{
	d->feed(d, SPAN_EMPTY, true, out);
	charset_icu_give(d->icu);
	d->icu = NULL;
	return !d->is_damaged;
}

bool charset_is_known(struct span charset)
{
	struct charset_name name = charset_name_find(charset);
	struct charset_icu *icu;

	if (name.kind != CHARSET_ICU)
		return name.kind != CHARSET_UNKNOWN;
	icu = charset_icu_take(name.icu_name);
	charset_icu_give(icu);
	return icu != NULL;
}

bool charset_put_utf8(struct buf *out, struct span charset, struct span text)
{
	struct charset_decoder d;

	charset_decode_init(&d, charset);
	charset_decode_feed(&d, text, out);
	return charset_decode_end(&d, out);
}
