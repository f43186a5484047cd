/*
 * words_write.c - text as encoded words, folded.  See words.h.
 */
#include "message/words.h"

#include "base/utf8.h"
#include "codec/base64.h"

#include "base/banned.h"

/* RFC 2047 2: an encoded word has at most 75 characters */
#define WORD_MAX 75
#define WORD_TAIL "?="
/* A word without a blank longer than this is encoded, to be folded; so are more
 * than eight blanks, which with a word would not fit into a line. */
#define PLAIN_WORD_MAX 70

static size_t longest_word(struct span text)
{
	size_t longest = 0;

	while (text.n > 0) {
		size_t n = span_cut(&text, ' ').n;

		longest = n > longest ? n : longest;
	}
	return longest;
}

bool words_is_plain(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] < ' ' || text.p[i] >= 0x7f)
			return false;
	if (longest_word(text) > PLAIN_WORD_MAX)
		return false;
	return span_find_span(text, SPAN("=?")) == text.n &&
		span_find_span(text, SPAN("         ")) == text.n;
}

static void fold(struct buf *out, size_t *column)
{
	buf_puts(out, "\r\n ");
	*column = 1;
}

/* How many blanks stay on a line that is broken: one at least begins the next,
 * if there are any. */
static size_t blanks_before_fold(size_t blanks, size_t column)
{
	size_t room = column < WORDS_LINE ? WORDS_LINE - column : 0;

	if (blanks == 0)
		return 0;
	return blanks - 1 < room ? blanks - 1 : room;
}

/* Plain text: a line may break before a blank, and before the first word, which
 * follows the blank behind the field's name. */
static void put_folded(struct buf *out, struct span text, size_t *column)
{
	bool is_first = true;

	while (text.n > 0) {
		size_t blanks = 0;
		size_t n;

		while (blanks < text.n && text.p[blanks] == ' ')
			blanks++;
		n = blanks + span_find(span_tail(text, blanks), ' ');
		if (n > blanks && *column + n > WORDS_LINE &&
			(blanks > 0 || (is_first && *column > 1))) {
			size_t before = blanks_before_fold(blanks, *column);

			buf_put(out, span_head(text, before));
			fold(out, column);
			/* the fold is one of them */
			text = span_tail(text, before + (blanks > 0));
			n -= before + (blanks > 0);
		}
		buf_put(out, span_head(text, n));
		*column += n;
		text = span_tail(text, n);
		is_first = false;
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

/* RFC 2047 4.1, 4.2 */
static size_t b_len(struct span text)
{
	return base64_encoded_len(text.n);
}

/* At most what one word holds. */
static void put_b(struct buf *out, struct span text)
{
	uint8_t clean[WORD_MAX];
	struct base64_encoder e;

	for (size_t i = 0; i < text.n; i++)
		clean[i] = text.p[i] < ' ' || text.p[i] == 0x7f ? ' '
								: text.p[i];
	base64_encode_init(&e, 0);
	base64_encode_feed(&e, span_of(clean, text.n), out);
	base64_encode_end(&e, out);
}

struct coding {
	struct span head;
	size_t (*len)(struct span text);
	void (*put)(struct buf *out, struct span text);
};

/* Q as long as people can read some of it, else B, which is shorter. */
static const struct coding *coding_of(struct span text)
{
	static const struct coding q = {SPAN_INIT("=?utf-8?Q?"), q_len, put_q};
	static const struct coding b = {SPAN_INIT("=?utf-8?B?"), b_len, put_b};
	size_t coded = 0;

	for (size_t i = 0; i < text.n; i++)
		coded += text.p[i] >= 0x7f;
	return coded > text.n / 2 ? &b : &q;
}

/* Bytes of the next character; one that is no UTF-8 stands alone. */
static size_t char_len(struct span text)
{
	size_t n = utf8_char_len(text);

	return n == 0 ? 1 : n;
}

/* As many whole characters (RFC 2047 5) as make an encoded word of at most
 * room characters; at least one. */
static struct span cut_chunk(struct span *text, size_t room,
	const struct coding *coding)
{
	size_t around = coding->head.n + sizeof(WORD_TAIL) - 1;
	struct span chunk = span_head(*text, char_len(*text));

	while (chunk.n < text->n) {
		struct span more = span_head(*text, chunk.n +
			char_len(span_tail(*text, chunk.n)));

		if (around + coding->len(more) > room)
			break;
		chunk = more;
	}
	*text = span_tail(*text, chunk.n);
	return chunk;
}

void words_put_encoded(struct buf *out, struct span text, size_t *column)
{
	const struct coding *coding = coding_of(text);

	/* the first word may share its line with the field's name */
	if (*column > 40)
		fold(out, column);
	while (text.n > 0) {
		size_t room = WORDS_LINE - *column;
		struct span chunk = cut_chunk(&text,
			room < WORD_MAX ? room : WORD_MAX, coding);
		size_t before = buf_len(out);

		buf_put(out, coding->head);
		coding->put(out, chunk);
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

/* RFC 5322 3.2.4.  A line may break before a blank in it; if one of its words
 * would not fit into a line, it is encoded. */
static void put_quoted(struct buf *out, struct span text, size_t *column)
{
	struct buf quoted;

	buf_init(&quoted, 2 * text.n + 2);
	buf_putc(&quoted, '"');
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '"' || text.p[i] == '\\')
			buf_putc(&quoted, '\\');
		buf_putc(&quoted, text.p[i]);
	}
	buf_putc(&quoted, '"');
	if (longest_word(buf_span(&quoted)) < WORDS_LINE)
		put_folded(out, buf_span(&quoted), column);
	else
		words_put_encoded(out, text, column);
	buf_clear(&quoted);
}

void words_put_phrase(struct buf *out, struct span text, size_t *column)
{
	if (!words_is_plain(text))
		words_put_encoded(out, text, column);
	else if (is_atoms(text))
		put_folded(out, text, column);
	else
		put_quoted(out, text, column);
}
