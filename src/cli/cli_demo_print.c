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

/* As much as fits into a line, in whole characters. */
static struct span cut_to_width(struct span s)
{
	size_t at = 0, width = 0;

	while (at < s.n && width < TEXT_WIDTH) {
		size_t n = utf8_char_len(span_tail(s, at));

		at += n == 0 ? 1 : n;
		width++;
	}
	return span_head(s, at);
}

void demo_print_dialogue(struct demo *d, struct span lines)
{
	struct buf shown;

	buf_init(&shown, 1 << 20);
	while (lines.n > 0) {
		struct span line = span_cut(&lines, '\n');
		bool is_grey = d->is_terminal && span_starts(line, SPAN("S:"));
		struct span cut;

		buf_reset(&shown);
		cli_text_put(&shown, line, false);
		cut = cut_to_width(buf_span(&shown));
		(void)printf(INDENT "%s%.*s%s\n", is_grey ? "\x1b[2m" : "",
			SPAN_ARG(cut), is_grey ? "\x1b[0m" : "");
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
