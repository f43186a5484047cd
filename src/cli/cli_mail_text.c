/*
 * cli_mail_text.c - text of strangers on a terminal.  See cli_mail_text.h.
 */
#include "cli/cli_mail_text.h"

#include "base/utf8.h"

#include "base/banned.h"

/* Well-formed UTF-8 that is not shown: C1 controls, line separators, marks
 * and overrides of direction ("Trojan Source"). */
static bool is_hidden(struct span c)
{
	static const char *const hidden[] = {
		"\xd8\x9c",	/* U+061C */
		"\xe2\x80\x8e", /* U+200E */
		"\xe2\x80\x8f", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaa",
		"\xe2\x80\xab", "\xe2\x80\xac", "\xe2\x80\xad", "\xe2\x80\xae",
		"\xe2\x81\xa6", "\xe2\x81\xa7", "\xe2\x81\xa8", "\xe2\x81\xa9",
		"\xef\xbb\xbf", /* U+FEFF */
	};

	if (c.n == 1)
		return c.p[0] < ' ' || c.p[0] == 0x7f;
	if (c.n == 2 && c.p[0] == 0xc2 && c.p[1] < 0xa0)
		return true;
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (span_eq(c, span_str(hidden[i])))
			return true;
	return false;
}

static bool is_kept(struct span text, bool keep_lines)
{
	return keep_lines && (text.p[0] == '\n' || text.p[0] == '\t');
}

static void put_hex(struct buf *out, struct span bytes)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < bytes.n; i++) {
		const char text[] = {'\\', 'x', digits[bytes.p[i] >> 4],
			digits[bytes.p[i] & 0xf]};

		buf_put(out, span_of(text, sizeof(text)));
	}
}

/* Puts the first character, which is no plain ASCII; returns its length. */
static size_t put_special(struct buf *out, struct span text, bool keep_lines)
{
	size_t n = utf8_char_len(text);
	struct span c = span_head(text, n == 0 ? 1 : n);

	if (is_kept(text, keep_lines))
		buf_put(out, c);
	else if (text.p[0] == '\n' || text.p[0] == '\t')
		buf_putc(out, ' ');
	else if (n > 0 && !is_hidden(c))
		buf_put(out, c);
	else
		put_hex(out, c);
	return c.n;
}

void cli_text_put(struct buf *out, struct span text, bool keep_lines)
{
	while (text.n > 0) {
		size_t n = 0;

		while (n < text.n && text.p[n] >= ' ' && text.p[n] < 0x7f)
			n++;
		buf_put(out, span_head(text, n));
		text = span_tail(text, n);
		if (span_starts(text, SPAN("\r\n")))
			text = span_tail(text, 1);
		if (text.n > 0)
			text = span_tail(text, put_special(out, text,
				keep_lines));
	}
}

static bool is_name_char(struct span c)
{
	const struct span bad = SPAN("/\\:*?\"'<>|`$&;~!");

	if (is_hidden(c))
		return false;
	return c.n > 1 || span_find(bad, c.p[0]) == bad.n;
}

static struct span behind_last(struct span s, uint8_t byte)
{
	size_t at = span_find_last(s, byte);

	return at == s.n ? s : span_tail(s, at + 1);
}

void cli_text_put_file_name(struct buf *out, struct span suggested,
	struct span fallback)
{
	size_t before = buf_len(out);
	struct span name = suggested;

	/* what stands behind the last folder, of whichever system */
	name = behind_last(name, '/');
	name = behind_last(name, '\\');
	/* no hidden file, no option, no blank at the start */
	while (name.n > 0 && (name.p[0] == '.' || name.p[0] == '-' ||
				     name.p[0] == ' '))
		name = span_tail(name, 1);
	while (name.n > 0) {
		size_t n = utf8_char_len(name);
		struct span c = span_head(name, n == 0 ? 1 : n);

		if (buf_len(out) - before + c.n > CLI_NAME_MAX)
			break;
		if (n > 0 && is_name_char(c))
			buf_put(out, c);
		else
			buf_putc(out, '_');
		name = span_tail(name, c.n);
	}
	if (buf_len(out) == before)
		buf_put(out, fallback);
}
