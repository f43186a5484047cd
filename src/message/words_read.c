/*
 * words_read.c - the text of a header field for people.  See words.h.
 * RFC 2047 6, RFC 2231 5
 *
 * One go over the unfolded value: what stands between encoded words is copied,
 * a run of words of one character set is one text for its decoder, so that a
 * character may begin in one word and end in the next (RFC 2047 5 forbids it,
 * and many programs do it).
 *
 * Deliberate: RFC 2047 5 says where a word may stand, and RFC 8621 4.1.2.2 that
 * elsewhere it is none.  Programs write them everywhere, and all that people
 * use decodes them: glued to text and to each other, in quotes, with blanks and
 * "?" inside, longer than 75 characters, without padding.
 */
#include "message/words.h"

#include "codec/base64.h"
#include "codec/charset.h"
#include "codec/hex.h"
#include "message/header.h"

#include "base/banned.h"

/* No name of a character set, with its language, is longer. */
#define CHARSET_MAX 60
/* The last bytes of a text may become this much more than four each. */
#define SLACK 16

struct word {
	struct span charset;
	uint8_t encoding; /* 'q' or 'b' */
	struct span text;
	size_t len; /* of all of it */
};

struct reader {
	struct buf *out;
	struct span line;
	size_t at;        /* in line */
	size_t closed_at; /* the first "?=" from some place before at on */
	struct charset_decoder decoder;
	bool is_open;     /* the decoder is in use: a word came before */
	struct span charset; /* of the last word, and a known one */
	struct buf bytes, text; /* scratch */
};

/* ---- clean text --------------------------------------------------------- */

struct control {
	size_t len;    /* 0: this is none */
	bool is_white; /* a blank takes its place */
};

static struct control control_at(struct span s)
{
	uint8_t c = s.p[0];

	if (c < ' ')
		return (struct control){1, (c >= '\t' && c <= '\r') &&
			!(c == '\r' && s.n > 1 && s.p[1] == '\n')};
	if (c == 0x7f)
		return (struct control){1, false};
	if (c == 0xc2 && s.n > 1 && s.p[1] < 0xa0)
		return (struct control){2, s.p[1] == 0x85};
	if (c == 0xe2 && s.n > 2 && s.p[1] == 0x80 &&
		(s.p[2] == 0xa8 || s.p[2] == 0xa9))
		return (struct control){3, true};
	return (struct control){0};
}

/* UTF-8 without its control characters. */
static void put_visible(struct buf *out, struct span text)
{
	size_t i = 0;

	while (i < text.n) {
		struct control control = control_at(span_tail(text, i));

		if (control.len == 0) {
			i++;
			continue;
		}
		buf_put(out, span_head(text, i));
		if (control.is_white)
			buf_putc(out, ' ');
		text = span_tail(text, i + control.len);
		i = 0;
	}
	buf_put(out, text);
}

static bool is_visible_ascii(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] < ' ' || text.p[i] >= 0x7f)
			return false;
	return true;
}

static void open_charset(struct charset_decoder *d, struct span charset)
{
	charset_decode_init(d, charset);
	/* RFC 8621 4.1.2.2 */
	d->drops_nul = true;
}

void words_put_clean(struct buf *out, struct span charset, struct span text)
{
	struct charset_decoder d;
	struct buf decoded;

	buf_init(&decoded, 4 * text.n + SLACK);
	open_charset(&d, charset);
	charset_decode_feed(&d, text, &decoded);
	(void)charset_decode_end(&d, &decoded);
	put_visible(out, buf_span(&decoded));
	buf_clear(&decoded);
}

static void put_guessed(struct buf *out, struct span text)
{
	if (is_visible_ascii(text))
		buf_put(out, text);
	else
		words_put_clean(out, SPAN_EMPTY, text);
}

/* ---- words ---------------------------------------------------------------- */

static bool is_charset_name(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
			return false;
	return s.n > 0;
}

/* Where the first "?=" from start on is.  It is looked for once, however many
 * words begin before it: time stays linear. */
static size_t find_close(struct reader *r, size_t start)
{
	if (r->closed_at < start || r->closed_at == 0)
		r->closed_at = start +
			span_find_span(span_tail(r->line, start), SPAN("?="));
	return r->closed_at;
}

static bool is_known(struct reader *r, struct span charset)
{
	if (r->charset.n > 0 && span_eq_fold(r->charset, charset))
		return true;
	return charset_is_known(charset);
}

/* "=?charset*language?encoding?text?=" at that place.  One that another word
 * begins in is open: no word. */
static bool find_word(struct reader *r, size_t start, struct word *out)
{
	struct span s = span_tail(r->line, start);
	size_t mark, text_at, close;

	if (!span_starts(s, SPAN("=?")))
		return false;
	mark = 2 + span_find(span_head(span_tail(s, 2), CHARSET_MAX), '?');
	if (s.n < mark + 3 || s.p[mark] != '?' || s.p[mark + 2] != '?')
		return false;
	out->charset = span_of(s.p + 2, mark - 2);
	out->charset = span_head(out->charset, span_find(out->charset, '*'));
	out->encoding = ascii_lower(s.p[mark + 1]);
	text_at = start + mark + 3;
	if ((out->encoding != 'q' && out->encoding != 'b') ||
		!is_charset_name(out->charset))
		return false;
	close = find_close(r, text_at);
	if (close >= r->line.n)
		return false;
	out->text = span_of(r->line.p + text_at, close - text_at);
	out->len = close + 2 - start;
	return span_find_span(out->text, SPAN("=?")) == out->text.n &&
		is_known(r, out->charset);
}

static void decode_q(struct buf *out, struct span text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '=' && text.n - i > 2 &&
			hex_digit(text.p[i + 1]) >= 0 &&
			hex_get(span_of(text.p + i + 1, 2), out))
			i += 2;
		else
			buf_putc(out, text.p[i] == '_' ? ' ' : text.p[i]);
	}
}

static void decode_b(struct buf *out, struct span text)
{
	struct base64_decoder d;

	base64_decode_init(&d);
	base64_decode_feed(&d, text, out);
	base64_decode_end(&d, out);
}

static void put_text(struct reader *r)
{
	put_visible(r->out, buf_span(&r->text));
	buf_reset(&r->text);
}

/* The run of words is over. */
static void close_words(struct reader *r)
{
	if (!r->is_open)
		return;
	(void)charset_decode_end(&r->decoder, &r->text);
	put_text(r);
	r->is_open = false;
}

static void put_word(struct reader *r, const struct word *word)
{
	if (r->is_open && !span_eq_fold(r->charset, word->charset))
		close_words(r);
	if (!r->is_open)
		open_charset(&r->decoder, word->charset);
	r->is_open = true;
	r->charset = word->charset;
	buf_reset(&r->bytes);
	if (word->encoding == 'q')
		decode_q(&r->bytes, word->text);
	else
		decode_b(&r->bytes, word->text);
	charset_decode_feed(&r->decoder, buf_span(&r->bytes), &r->text);
	put_text(r);
}

static size_t blanks_len(struct span s)
{
	size_t n = 0;

	while (n < s.n && (s.p[n] == ' ' || s.p[n] == '\t'))
		n++;
	return n;
}

/* One word and the blanks behind it, which are not shown if another word
 * follows (RFC 2047 6.2); or the text up to the next "=?". */
static void step(struct reader *r)
{
	struct word word;
	size_t start = r->at;
	size_t next = start;

	if (r->is_open)
		next += blanks_len(span_tail(r->line, start));
	if (find_word(r, next, &word)) {
		put_word(r, &word);
		r->at = next + word.len;
		return;
	}
	close_words(r);
	/* not the "=?" that was no word */
	next += span_starts(span_tail(r->line, next), SPAN("=?")) ? 2 : 0;
	next += span_find_span(span_tail(r->line, next), SPAN("=?"));
	put_guessed(r->out, span_of(r->line.p + start, next - start));
	r->at = next;
}

static void put_line(struct buf *out, struct span line)
{
	struct reader r = {.out = out, .line = line};

	if (span_find_span(line, SPAN("=?")) == line.n) {
		put_guessed(out, line);
		return;
	}
	buf_init(&r.bytes, line.n);
	buf_init(&r.text, 4 * line.n + SLACK);
	while (r.at < line.n)
		step(&r);
	close_words(&r);
	buf_clear(&r.bytes);
	buf_clear(&r.text);
}

void words_put_decoded(struct buf *out, struct span value)
{
	struct buf line;

	buf_init(&line, value.n);
	header_put_unfolded(&line, value);
	put_line(out, buf_span(&line));
	buf_clear(&line);
}
