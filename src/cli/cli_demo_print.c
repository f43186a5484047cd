/*
 * cli_demo_print.c - what the demo shows: steps, dialogues, log lines.
 *
 * 80 columns, calm; bold and grey only on a terminal.  Every line goes out at
 * once, for the reader watches it happen.
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/utf8.h"
#include "cli/cli_demo_int.h"
#include "cli/cli_mail_text.h"
#include "codec/hex.h"

#include "base/banned.h"

#define INDENT     "     "
#define TEXT_WIDTH 74

void demo_step(struct demo *d, const char *format, ...)
{
	va_list args;

	(void)printf("\n%s %2u  ", d->is_terminal ? "\x1b[1m" : "", ++d->step);
	va_start(args, format);
	(void)vprintf(format, args);
	va_end(args);
	(void)printf("%s\n", d->is_terminal ? "\x1b[0m" : "");
	(void)fflush(stdout);
}

void demo_say(const char *format, ...)
{
	va_list args;

	(void)printf(INDENT);
	va_start(args, format);
	(void)vprintf(format, args);
	va_end(args);
	(void)printf("\n");
	(void)fflush(stdout);
}

/* Cuts off as much as fits into a line, in whole characters, and if it can be
 * at a blank. */
static struct span cut_line(struct span *rest, size_t width)
{
	size_t at = 0, blank = 0;
	struct span line;

	while (at < rest->n && width > 0) {
		size_t n = utf8_char_len(span_tail(*rest, at));

		if (rest->p[at] == ' ' && at > TEXT_WIDTH / 2)
			blank = at;
		at += n == 0 ? 1 : n;
		width--;
	}
	if (at < rest->n && rest->p[at] != ' ' && blank > 0)
		at = blank;
	line = span_head(*rest, at);
	*rest = span_tail(*rest, at);
	while (line.n > 0 && rest->n > 0 && rest->p[0] == ' ')
		*rest = span_tail(*rest, 1);
	return line;
}

/* One line, escaped; what is too long goes on below, indented. */
static void print_line(struct span line, struct buf *shown)
{
	size_t width = TEXT_WIDTH;
	struct span rest;

	buf_reset(shown);
	cli_text_put(shown, line, false);
	rest = buf_span(shown);
	do {
		struct span cut = cut_line(&rest, width);

		(void)printf("%s%.*s\n", width == TEXT_WIDTH ? INDENT
			: INDENT "      ", SPAN_ARG(cut));
		width = TEXT_WIDTH - 6;
	} while (rest.n > 0);
}

void demo_print_lines(struct demo *d, struct span lines)
{
	struct buf shown;

	buf_init(&shown, 1 << 20);
	while (lines.n > 0) {
		struct span line = span_cut(&lines, '\n');
		bool is_grey = d->is_terminal && span_starts(line, SPAN("S:"));

		if (span_ends(line, SPAN("\r")))
			line.n--;
		if (is_grey)
			(void)printf("\x1b[2m");
		print_line(line, &shown);
		if (is_grey)
			(void)printf("\x1b[0m");
	}
	(void)fflush(stdout);
	buf_clear(&shown);
}

/* ---- the log ---------------------------------------------------------------- */

static uint8_t letter_of(uint8_t c)
{
	return c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
}

/* Cuts the value behind "key=" off *rest and writes it without quotes. */
static void take_value(struct span *rest, struct buf *out)
{
	if (rest->n == 0 || rest->p[0] != '"') {
		buf_put(out, span_cut(rest, ' '));
		return;
	}
	*rest = span_tail(*rest, 1);
	while (rest->n > 0 && rest->p[0] != '"') {
		if (rest->p[0] == '\\' && rest->n > 3 && rest->p[1] == 'x' &&
			hex_get(span_of(rest->p + 2, 2), out)) {
			*rest = span_tail(*rest, 4);
			continue;
		}
		if (rest->p[0] == '\\' && rest->n > 1) {
			buf_putc(out, letter_of(rest->p[1]));
			*rest = span_tail(*rest, 2);
			continue;
		}
		buf_putc(out, rest->p[0]);
		*rest = span_tail(*rest, 1);
	}
	*rest = span_tail(*rest, 2); /* quote and blank */
}

bool demo_log_field(struct span line, const char *key, struct buf *out)
{
	while (line.n > 0) {
		struct span name = span_cut(&line, '=');

		buf_reset(out);
		take_value(&line, out);
		if (span_eq(name, span_str(key)))
			return true;
	}
	buf_reset(out);
	return false;
}
