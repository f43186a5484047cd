/*
 * words_write.c - text as encoded words, folded.  See words.h.
 */
#include "message/words.h"

#include "base/utf8.h"

#include "base/banned.h"

/* RFC 2047 2: an encoded word has at most 75 characters */
#define WORD_MAX 75
#define WORD_HEAD "=?utf-8?Q?"
#define WORD_TAIL "?="
/* A word without a blank longer than this is encoded, to be folded. */
#define PLAIN_WORD_MAX 70

bool words_is_plain(struct span text)
{
	size_t run = 0;

	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if (c < ' ' || c >= 0x7f)
			return false;
		run = c == ' ' ? 0 : run + 1;
		if (run > PLAIN_WORD_MAX)
			return false;
	}
	return span_find_span(text, SPAN("=?")) == text.n;
}

static void fold(struct buf *out, size_t *column)
{
	buf_puts(out, "\r\n ");
	*column = 1;
}

/* Plain text: a line may break before a blank. */
static void put_folded(struct buf *out, struct span text, size_t *column)
{
	while (text.n > 0) {
		size_t blanks = 0;
		size_t n;

		while (blanks < text.n && text.p[blanks] == ' ')
			blanks++;
		n = blanks + span_find(span_tail(text, blanks), ' ');
		if (blanks > 0 && n > blanks && *column + n > WORDS_LINE) {
			/* the last of the blanks follows the line end */
			buf_put(out, span_head(text, blanks - 1));
			fold(out, column);
			text = span_tail(text, blanks);
			n -= blanks;
		}
		buf_put(out, span_head(text, n));
		*column += n;
		text = span_tail(text, n);
	}
}

/* The characters that Q may leave as they are wherever a word may stand.
 * RFC 2047 5 (3) */
static bool is_q_safe(uint8_t c)
{
	return ascii_is_alpha(c) || ascii_is_digit(c) || c == '!' ||
		c == '*' || c == '+' || c == '-' || c == '/';
}

static size_t q_len(struct span text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		n += is_q_safe(text.p[i]) || text.p[i] <= ' ' ? 1 : 3;
	return n;
}

static void put_q(struct buf *out, struct span text)
{
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if (is_q_safe(c))
			buf_putc(out, c);
		else if (c <= ' ' || c == 0x7f)
			buf_putc(out, '_');
		else
			buf_printf(out, "=%02X", c);
	}
}

/* Bytes of the next character; one that is no UTF-8 stands alone. */
static size_t char_len(struct span text)
{
	size_t n = utf8_char_len(text);

	return n == 0 ? 1 : n;
}

/* As many whole characters (RFC 2047 5) as make an encoded word of at most
 * room characters; at least one. */
static struct span cut_chunk(struct span *text, size_t room)
{
	size_t used = sizeof(WORD_HEAD) - 1 + sizeof(WORD_TAIL) - 1;
	struct span chunk = span_head(*text, 0);

	while (chunk.n < text->n) {
		struct span next = span_tail(*text, chunk.n);
		size_t n = char_len(next);
		size_t cost = q_len(span_head(next, n));

		if (chunk.n > 0 && used + cost > room)
			break;
		used += cost;
		chunk.n += n;
	}
	*text = span_tail(*text, chunk.n);
	return chunk;
}

void words_put_encoded(struct buf *out, struct span text, size_t *column)
{
	/* the first word may share its line with the field's name */
	if (*column > 40)
		fold(out, column);
	while (text.n > 0) {
		size_t room = WORDS_LINE - *column;
		struct span chunk = cut_chunk(&text,
			room < WORD_MAX ? room : WORD_MAX);
		size_t before = buf_len(out);

		buf_puts(out, WORD_HEAD);
		put_q(out, chunk);
		buf_puts(out, WORD_TAIL);
		*column += buf_len(out) - before;
		if (text.n > 0)
			fold(out, column);
	}
}

void words_put_text(struct buf *out, struct span text, size_t *column)
{
	if (words_is_plain(text))
		put_folded(out, span_trim(text), column);
	else
		words_put_encoded(out, text, column);
}

/* RFC 5322 3.2.3, and blanks between atoms */
static bool is_atoms(struct span text)
{
	const struct span marks = SPAN("!#$%&'*+-/=?^_`{|}~");

	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if (!ascii_is_alpha(c) && !ascii_is_digit(c) && c != ' ' &&
			span_find(marks, c) == marks.n)
			return false;
	}
	return text.n > 0 && text.p[0] != ' ' && text.p[text.n - 1] != ' ';
}

void words_put_phrase(struct buf *out, struct span text, size_t *column)
{
	size_t before = buf_len(out);

	if (!words_is_plain(text)) {
		words_put_encoded(out, text, column);
		return;
	}
	if (is_atoms(text)) {
		put_folded(out, text, column);
		return;
	}
	buf_putc(out, '"');
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '"' || text.p[i] == '\\')
			buf_putc(out, '\\');
		buf_putc(out, text.p[i]);
	}
	buf_putc(out, '"');
	*column += buf_len(out) - before;
}
