/*
 * fold.c - texts as i;unicode-casemap compares them, from the tables of
 * libunistring.
 *
 * Each character becomes its titlecase letter, and that is taken apart.  Marks
 * that stand in another order than Unicode's are put into it, as RFC 5051 4
 * allows: such text is rare, and takes a slower way.
 */
#include "codec/fold.h"

#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>

#include "base/num.h"
#include "base/utf8.h"

#include "base/banned.h"

/* Each of eight bytes the same. */
#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* The capitals of eight bytes.  Bit 7 of a sum says that the byte's other bits are
 * at least 'a', or above 'z'; no sum carries into the next byte. */
static uint64_t upper_eight(uint64_t word)
{
	uint64_t low = word & EACH(0x7f);
	uint64_t from_a = low + EACH(0x80 - 'a');
	uint64_t above_z = low + EACH(0x7f - 'z');

	return word & ~((from_a & ~above_z & ~word & EACH(0x80)) >> 2);
}

static void put_ascii(struct buf *out, struct span text)
{
	/* a buffer that nothing was put into has no place to point at */
	uint8_t *to = text.n > 0 ? buf_reserve(out, text.n) : NULL;
	uint64_t word;
	size_t i = 0;

	if (to == NULL)
		return;
	for (; text.n - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, text.p + i, sizeof(word));
		word = upper_eight(word);
		memcpy(to + i, &word, sizeof(word));
	}
	for (; i < text.n; i++)
		to[i] = ascii_is_alpha(text.p[i]) ? text.p[i] & 0xdfu
						  : text.p[i];
	buf_wrote(out, text.n);
}

static size_t ascii_run(struct span text)
{
	size_t n = 0;

	while (n < text.n && text.p[n] < 0x80)
		n++;
	return n;
}

static void put_char(struct buf *out, uint32_t c)
{
	uint8_t bytes[4];
	size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	if (c < 0x80) {
		buf_putc(out, (uint8_t)c);
		return;
	}
	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		bytes[i] = (uint8_t)(0x80 | (c & 0x3f));
	bytes[0] = (uint8_t)(0xf00u >> n | c);
	buf_put(out, span_of(bytes, n));
}

/* The first character, which is a valid one. */
static uint32_t take(struct span *text)
{
	uint8_t first = text->p[0];
	size_t n = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	uint32_t c = n == 1 ? first : first & (0x7fu >> n);

	for (size_t i = 1; i < n; i++)
		c = c << 6 | (text->p[i] & 0x3fu);
	*text = span_tail(*text, n);
	return c;
}

/* A character that is taken apart has parts that may be, too; the first that
 * is not put yet is on top. */
static void put_decomposed(struct buf *out, uint32_t c)
{
	ucs4_t waiting[2 * UC_DECOMPOSITION_MAX_LENGTH] = {c};
	size_t n = 1;

	while (n > 0) {
		ucs4_t parts[UC_DECOMPOSITION_MAX_LENGTH];
		int how, count;

		c = waiting[--n];
		count = c < 0x80 ? -1 : uc_decomposition(c, &how, parts);
		if (count < 0 || n + (size_t)count >
					 sizeof(waiting) / sizeof(waiting[0])) {
			put_char(out, c);
			continue;
		}
		while (count > 0)
			waiting[n++] = parts[--count];
	}
}

static bool has_marks(struct span text)
{
	while (text.n > 0) {
		text = span_tail(text, ascii_run(text));
		if (text.n > 0 && uc_combining_class(take(&text)) != 0)
			return true;
	}
	return false;
}

static void put_text(struct buf *out, struct span text)
{
	while (text.n > 0) {
		size_t n = ascii_run(text);

		put_ascii(out, span_head(text, n));
		text = span_tail(text, n);
		if (text.n > 0)
			put_decomposed(out, uc_totitle(take(&text)));
	}
}

/* Nothing is to be taken apart any more, so that it does not grow. */
static void put_in_order(struct buf *out, struct span text)
{
	struct buf ordered;
	size_t n = text.n;
	uint8_t *to;

	buf_init(&ordered, n);
	to = buf_reserve(&ordered, n);
	if (u8_normalize(UNINORM_NFD, text.p, text.n, to, &n) == to)
		text = span_of(to, n);
	buf_put(out, text);
	buf_clear(&ordered);
}

void fold_put(struct buf *out, struct span text)
{
	struct buf parts;
	size_t n;

	if (utf8_is_ascii(text)) {
		put_ascii(out, text);
	} else if (!utf8_is_valid(text)) {
		buf_put(out, text);
	} else if (!has_marks(text) || !num_mul(text.n, FOLD_GROWTH, &n)) {
		put_text(out, text);
	} else {
		buf_init(&parts, n);
		put_text(&parts, text);
		put_in_order(out, buf_span(&parts));
		buf_clear(&parts);
	}
}
