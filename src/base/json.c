/*
 * json.c - writing JSON.  See json.h.
 */
#include "base/json.h"

#include "base/utf8.h"

#include "base/banned.h"

void json_init(struct json *j, struct buf *out)
{
	*j = (struct json){.out = out};
}

static void begin_value(struct json *j)
{
	if (j->needs_comma)
		buf_putc(j->out, ',');
	j->needs_comma = true;
}

static void open_with(struct json *j, uint8_t bracket)
{
	begin_value(j);
	buf_putc(j->out, bracket);
	j->needs_comma = false;
}

static void close_with(struct json *j, uint8_t bracket)
{
	buf_putc(j->out, bracket);
	j->needs_comma = true;
}

void json_open_object(struct json *j)
{
	open_with(j, '{');
}

void json_close_object(struct json *j)
{
	close_with(j, '}');
}

void json_open_array(struct json *j)
{
	open_with(j, '[');
}

void json_close_array(struct json *j)
{
	close_with(j, ']');
}

void json_put_name(struct json *j, struct span name)
{
	json_put_string(j, name);
	buf_putc(j->out, ':');
	j->needs_comma = false;
}

void json_put_u64(struct json *j, uint64_t value)
{
	begin_value(j);
	buf_put_u64(j->out, value);
}

void json_put_i64(struct json *j, int64_t value)
{
	begin_value(j);
	if (value < 0)
		buf_putc(j->out, '-');
	buf_put_u64(j->out,
		value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value);
}

void json_put_bool(struct json *j, bool value)
{
	begin_value(j);
	buf_puts(j->out, value ? "true" : "false");
}

void json_put_null(struct json *j)
{
	begin_value(j);
	buf_puts(j->out, "null");
}

/* ---- strings -------------------------------------------------------- */

/* RFC 8259 7: what stands for itself, of ASCII.  DEL is escaped too: it is
 * nothing that a terminal should get. */
static bool is_plain(uint8_t c)
{
	return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

static void put_escaped(struct buf *out, uint8_t c)
{
	static const struct {
		uint8_t c, letter;
	} shorts[] = {{'"', '"'}, {'\\', '\\'}, {'\n', 'n'}, {'\r', 'r'},
		{'\t', 't'}};

	buf_putc(out, '\\');
	for (size_t i = 0; i < sizeof(shorts) / sizeof(shorts[0]); i++)
		if (shorts[i].c == c) {
			buf_putc(out, shorts[i].letter);
			return;
		}
	buf_printf(out, "u%04x", c);
}

/* Puts the character that begins the text, which is not plain; returns its
 * length. */
static size_t put_character(struct buf *out, struct span text)
{
	size_t n = utf8_char_len(text);

	if (n == 0)
		buf_puts(out, "\\ufffd");
	else if (n == 1)
		put_escaped(out, text.p[0]);
	else
		buf_put(out, span_head(text, n));
	return n == 0 ? 1 : n;
}

/* How long the character is that begins with this byte. */
static size_t wanted_len(uint8_t c)
{
	if (c >= 0xc2 && c < 0xe0)
		return 2;
	if (c >= 0xe0 && c < 0xf0)
		return 3;
	return c >= 0xf0 && c < 0xf5 ? 4 : 1;
}

static void flush_held(struct json *j)
{
	struct span left = span_of(j->held, j->held_len);

	while (left.n > 0)
		left = span_tail(left, put_character(j->out, left));
	j->held_len = 0;
}

/* Is this the beginning of a character, and no more? */
static bool is_unfinished(struct span text)
{
	if (text.n >= wanted_len(text.p[0]))
		return false;
	for (size_t i = 1; i < text.n; i++)
		if ((text.p[i] & 0xc0) != 0x80)
			return false;
	return true;
}

/* What is held takes bytes until it is a character, or cannot become one. */
static struct span fill_held(struct json *j, struct span piece)
{
	while (j->held_len > 0 && piece.n > 0) {
		if ((piece.p[0] & 0xc0) == 0x80) {
			j->held[j->held_len++] = piece.p[0];
			piece = span_tail(piece, 1);
		} else {
			flush_held(j);
		}
		if (j->held_len > 0 && j->held_len == wanted_len(j->held[0]))
			flush_held(j);
	}
	return piece;
}

void json_begin_string(struct json *j)
{
	begin_value(j);
	buf_putc(j->out, '"');
}

void json_feed_string(struct json *j, struct span piece)
{
	piece = fill_held(j, piece);
	while (piece.n > 0) {
		size_t n = 0;

		while (n < piece.n && is_plain(piece.p[n]))
			n++;
		buf_put(j->out, span_head(piece, n));
		piece = span_tail(piece, n);
		if (piece.n == 0)
			return;
		if (is_unfinished(piece)) {
			for (; piece.n > 0; piece = span_tail(piece, 1))
				j->held[j->held_len++] = piece.p[0];
			return;
		}
		piece = span_tail(piece, put_character(j->out, piece));
	}
}

void json_end_string(struct json *j)
{
	flush_held(j);
	buf_putc(j->out, '"');
}

void json_put_string(struct json *j, struct span text)
{
	json_begin_string(j);
	json_feed_string(j, text);
	json_end_string(j);
}
