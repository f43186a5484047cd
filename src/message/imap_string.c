/*
 * imap_string.c - strings of IMAP's grammar.  See imap_string.h.
 */
#include "message/imap_string.h"

#include <string.h>

#include "base/banned.h"

/* RFC 9051 4.3: a quoted string holds no CR, LF, NUL, and nothing but ASCII
 * unless the client allowed it; a literal holds all but NUL. */
struct string_shape {
	bool needs_literal;
	bool needs_escape;
	size_t nuls;
};

enum mark { IS_QUOTED = 1, IS_LINE_END = 2, IS_NUL = 4 };

static const uint8_t marks[256] = {
	['"'] = IS_QUOTED,
	['\\'] = IS_QUOTED,
	['\r'] = IS_LINE_END,
	['\n'] = IS_LINE_END,
	[0] = IS_NUL,
};

static size_t count_nuls(struct span s)
{
	size_t nuls = 0;

	for (size_t i = 0; i < s.n; i++)
		nuls += s.p[i] == 0;
	return nuls;
}

static struct string_shape shape_of(struct span s)
{
	unsigned bits = 0, seen = 0;

	for (size_t i = 0; i < s.n; i++) {
		bits |= s.p[i];
		seen |= marks[s.p[i]];
	}
	return (struct string_shape){
		.needs_literal = bits >= 0x80 || (seen & IS_LINE_END) != 0,
		.needs_escape = (seen & IS_QUOTED) != 0,
		.nuls = (seen & IS_NUL) != 0 ? count_nuls(s) : 0,
	};
}

static void put_without_nuls(struct buf *out, struct span s)
{
	while (s.n > 0)
		buf_put(out, span_cut(&s, 0));
}

static void put_escaped(struct buf *out, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_putc(out, '\\');
		if (s.p[i] != 0)
			buf_putc(out, s.p[i]);
	}
}

/* Each of eight bytes the same. */
#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))
/* Bit 7 of each byte that is below `byte` (at most 0x80); and of some others above
 * such a one. */
#define BELOW(word, byte) (((word) - EACH(byte)) & ~(word) & EACH(0x80))

/* Is there a byte that a quoted string has not, or only escaped?  Or a control. */
static bool is_special(uint64_t word)
{
	return ((word & EACH(0x80)) | BELOW(word, 0x20) |
		BELOW(word ^ EACH('"'), 1) | BELOW(word ^ EACH('\\'), 1)) != 0;
}

/* Fewer than eight bytes; true if none of them is special. */
static inline bool copy_few(uint8_t *to, struct span s)
{
	uint64_t word = EACH(' ');
	uint32_t halves[2];

	if (s.n >= sizeof(halves[0])) {
		memcpy(&halves[0], s.p, sizeof(halves[0]));
		memcpy(&halves[1], s.p + s.n - sizeof(halves[1]),
			sizeof(halves[1]));
		memcpy(to, &halves[0], sizeof(halves[0]));
		memcpy(to + s.n - sizeof(halves[1]), &halves[1],
			sizeof(halves[1]));
		return !is_special((uint64_t)halves[0] << 32 | halves[1]);
	}
	for (size_t i = 0; i < s.n; i++) {
		to[i] = s.p[i];
		word = word << 8 | s.p[i];
	}
	return !is_special(word);
}

/* At least eight; the last step may copy some of them once more. */
static inline bool copy_many(uint8_t *to, struct span s)
{
	uint64_t word;

	for (size_t n = 0; n < s.n; n += sizeof(word)) {
		size_t at = s.n - n < sizeof(word) ? s.n - sizeof(word) : n;

		memcpy(&word, s.p + at, sizeof(word));
		if (is_special(word))
			return false;
		memcpy(to + at, &word, sizeof(word));
	}
	return true;
}

/* Nearly every string: true if it could go between quotes as it is, and did. */
static bool put_plain(struct buf *out, struct span s)
{
	uint8_t *to = buf_reserve(out, s.n + 2);

	if (to == NULL)
		return true;
	if (s.n < sizeof(uint64_t) ? !copy_few(to + 1, s)
				   : !copy_many(to + 1, s))
		return false;
	to[0] = to[s.n + 1] = '"';
	buf_wrote(out, s.n + 2);
	return true;
}

void imap_put_string(struct buf *out, struct span s)
{
	struct string_shape shape;

	if (put_plain(out, s))
		return;
	shape = shape_of(s);
	if (shape.needs_literal) {
		buf_putc(out, '{');
		buf_put_u64(out, s.n - shape.nuls);
		buf_puts(out, "}\r\n");
		put_without_nuls(out, s);
		return;
	}
	buf_putc(out, '"');
	if (shape.needs_escape)
		put_escaped(out, s);
	else if (shape.nuls > 0)
		put_without_nuls(out, s);
	else
		buf_put(out, s);
	buf_putc(out, '"');
}

void imap_put_nstring(struct buf *out, struct span s)
{
	if (s.n == 0)
		buf_puts(out, "NIL");
	else
		imap_put_string(out, s);
}
