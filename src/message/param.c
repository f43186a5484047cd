/*
 * param.c - values with parameters.  See param.h.
 *
 * The value of a parameter is taken as its raw bytes: a span from "=" to the
 * ";" that ends it, quotes and all.  Unquoting happens while it is written.
 */
#include "message/param.h"

#include "codec/charset.h"
#include "codec/hex.h"
#include "message/words.h"

#include "base/banned.h"

/* RFC 2231 3: a value may come in pieces, *0 *1 …; more are not read. */
#define PIECES_MAX 32
/* A longer value is written in pieces of about this many characters. */
#define PIECE_LEN 50

static bool is_white(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct span trim(struct span s)
{
	while (s.n > 0 && is_white(s.p[0]))
		s = span_tail(s, 1);
	while (s.n > 0 && is_white(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* Cuts the part before the next ";" that is in no quotes. */
static struct span cut_param(struct span *rest)
{
	bool is_quoted = false;
	size_t i = 0;
	struct span head;

	for (; i < rest->n && (is_quoted || rest->p[i] != ';'); i++) {
		if (rest->p[i] == '"')
			is_quoted = !is_quoted;
		else if (rest->p[i] == '\\' && is_quoted)
			i++;
	}
	head = span_head(*rest, i);
	*rest = span_tail(*rest, i + 1);
	return trim(head);
}

struct span param_main(struct span value)
{
	struct span main = cut_param(&value);

	/* Deliberate: a comment ends the value; nothing follows one in use. */
	return trim(span_head(main, span_find(main, '(')));
}

/* Writes a raw value without its quotes; folds inside it go. */
static void put_unquoted(struct buf *out, struct span raw)
{
	if (raw.n < 2 || raw.p[0] != '"') {
		buf_put(out, span_head(raw, span_find(raw, '(')));
		return;
	}
	for (size_t i = 1; i < raw.n && raw.p[i] != '"'; i++) {
		if (raw.p[i] == '\\' && i + 1 < raw.n)
			i++;
		else if (raw.p[i] == '\r' || raw.p[i] == '\n')
			continue;
		buf_putc(out, raw.p[i]);
	}
}

static void put_percent_decoded(struct buf *out, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '%' && s.n - i > 2 &&
			hex_get(span_of(s.p + i + 1, 2), out))
			i += 2;
		else
			buf_putc(out, s.p[i]);
	}
}

/* The raw value of the parameter of exactly that name. */
static bool find_param(struct span value, struct span name,
	struct span *out_raw)
{
	(void)cut_param(&value);
	while (value.n > 0) {
		struct span raw = cut_param(&value);
		struct span found = trim(span_cut(&raw, '='));

		if (span_eq_fold(found, name)) {
			*out_raw = trim(raw);
			return true;
		}
	}
	return false;
}

/* One piece of RFC 2231: name*N or name*N* (percent-encoded), and for a value
 * that is in one piece name*.  Gives the charset if the piece names one. */
static bool put_piece(struct span value, struct span name, struct buf *out,
	struct buf *charset)
{
	bool is_extended = span_ends(name, SPAN("*"));
	bool is_first = charset != NULL;
	struct buf text;
	struct span rest, raw;

	if (!find_param(value, name, &raw))
		return false;
	buf_init(&text, raw.n);
	put_unquoted(&text, raw);
	rest = buf_span(&text);
	if (is_extended && is_first) {
		buf_put(charset, span_cut(&rest, '\''));
		(void)span_cut(&rest, '\''); /* the language */
	}
	if (is_extended)
		put_percent_decoded(out, rest);
	else
		buf_put(out, rest);
	buf_clear(&text);
	return true;
}

static bool gather_pieces(struct span value, struct span name,
	struct buf *out, struct buf *charset)
{
	struct buf piece;
	unsigned i = 0;
	bool is_found = true;

	buf_init(&piece, name.n + 16);
	buf_printf(&piece, "%.*s*", SPAN_ARG(name));
	if (put_piece(value, buf_span(&piece), out, charset)) {
		buf_clear(&piece);
		return true;
	}
	for (; i < PIECES_MAX && is_found; i++) {
		struct buf *first = i == 0 ? charset : NULL;

		buf_reset(&piece);
		buf_printf(&piece, "%.*s*%u*", SPAN_ARG(name), i);
		is_found = put_piece(value, buf_span(&piece), out, first);
		buf_truncate(&piece, buf_len(&piece) - 1);
		if (!is_found)
			is_found = put_piece(value, buf_span(&piece), out,
				first);
	}
	buf_clear(&piece);
	return i > 1 || is_found;
}

static bool get_extended(struct span value, struct span name, struct buf *out)
{
	struct buf bytes, charset;
	bool is_found;

	buf_init(&bytes, value.n + 1);
	buf_init(&charset, 64);
	is_found = gather_pieces(value, name, &bytes, &charset);
	if (is_found && !charset_put_utf8(out, buf_span(&charset),
				buf_span(&bytes)))
		buf_put(out, buf_span(&bytes));
	buf_clear(&bytes);
	buf_clear(&charset);
	return is_found;
}

bool param_get(struct span value, struct span name, struct buf *out)
{
	struct buf text;
	struct span raw;

	if (get_extended(value, name, out))
		return true;
	if (!find_param(value, name, &raw))
		return false;
	buf_init(&text, raw.n);
	put_unquoted(&text, raw);
	words_put_decoded(out, buf_span(&text));
	buf_clear(&text);
	return true;
}

static void put_quoted(struct buf *out, struct span text)
{
	buf_putc(out, '"');
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '"' || text.p[i] == '\\')
			buf_putc(out, '\\');
		buf_putc(out, text.p[i]);
	}
	buf_putc(out, '"');
}

/* attribute-char of RFC 2231 7 */
static bool is_attribute_char(uint8_t c)
{
	const struct span marks = SPAN("!#$&+-.^_`{|}~");

	return ascii_is_alpha(c) || ascii_is_digit(c) ||
		span_find(marks, c) < marks.n;
}

static void put_percent(struct buf *out, struct span *text)
{
	size_t before = buf_len(out);

	while (text->n > 0 && buf_len(out) - before < PIECE_LEN) {
		uint8_t c = text->p[0];

		if (is_attribute_char(c))
			buf_putc(out, c);
		else
			buf_printf(out, "%%%02X", c);
		*text = span_tail(*text, 1);
		if (out->overflow)
			return;
	}
}

static bool is_percent_short(struct span text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		n += is_attribute_char(text.p[i]) ? 1 : 3;
	return n <= PIECE_LEN;
}

void param_put(struct buf *out, const char *name, struct span text)
{
	if (text.n <= PIECE_LEN && words_is_plain(text)) {
		buf_printf(out, ";\r\n\t%s=", name);
		put_quoted(out, text);
		return;
	}
	if (is_percent_short(text)) {
		buf_printf(out, ";\r\n\t%s*=utf-8''", name);
		put_percent(out, &text);
		return;
	}
	for (unsigned i = 0; text.n > 0 && !out->overflow; i++) {
		buf_printf(out, ";\r\n\t%s*%u*=%s", name, i,
			i == 0 ? "utf-8''" : "");
		put_percent(out, &text);
	}
}
