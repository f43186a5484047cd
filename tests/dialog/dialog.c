/*
 * dialog.c - reads .dialog files.  See dialog.h and README.md.
 *
 * A line is "K: text" or "?: text"; blank lines and # lines are skipped.  The
 * bytes of C:, R: and B: lines are decoded here, once, into the arena.
 */
#include "dialog.h"

#include <errno.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/num.h"
#include "base/banned.h"

#define FILE_BYTES_MAX (4u << 20)
#define TEXT_BYTES_MAX (64u << 20) /* of one line after {x*N} */

static enum code read_file(const char *path, struct buf *out, struct err *e)
{
	FILE *f = fopen(path, "rb");
	uint8_t piece[4096];
	size_t n;

	if (f == NULL)
		return err_errno(e, NOT_FOUND, "opening");
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_put(out, span_of(piece, n));
	(void)fclose(f);
	if (out->overflow)
		return err_set(e, LIMIT, "longer than %u", FILE_BYTES_MAX);
	return OK;
}

static int hex_value(uint8_t c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One escape or plain byte from the front of *s.  \c gives nothing and
 * clears *ends_line. */
static bool decode_one(struct span *s, struct buf *out, bool *ends_line)
{
	static const char names[] = "rnt0\\{}*";
	static const char bytes[] = "\r\n\t\0\\{}*";
	uint8_t c = s->p[0];

	*s = span_tail(*s, 1);
	if (c != '\\') {
		buf_putc(out, c);
		return true;
	}
	if (s->n == 0)
		return false;
	c = s->p[0];
	*s = span_tail(*s, 1);
	if (c == 'x') {
		int high = s->n < 2 ? -1 : hex_value(s->p[0]);
		int low = s->n < 2 ? -1 : hex_value(s->p[1]);

		if (high < 0 || low < 0)
			return false;
		buf_putc(out, (uint8_t)(high << 4 | low));
		*s = span_tail(*s, 2);
		return true;
	}
	if (c == 'c') {
		*ends_line = false;
		return true;
	}
	for (size_t i = 0; names[i] != '\0'; i++) {
		if (c == names[i]) {
			buf_putc(out, (uint8_t)bytes[i]);
			return true;
		}
	}
	return false;
}

/* {TEXT*COUNT} at the front of *s; false if there is none. */
static bool decode_repeat(struct span *s, struct buf *out, bool *ends_line)
{
	struct span inner = span_head(*s, span_find(*s, '}'));
	size_t star = span_find_last(inner, '*');
	uint32_t count;
	struct buf one;

	if (inner.n == s->n || star == inner.n ||
		!num_parse_u32(span_tail(inner, star + 1), TEXT_BYTES_MAX,
			&count))
		return false;
	*s = span_tail(*s, inner.n + 1);
	inner = span_tail(span_head(inner, star), 1);
	buf_init(&one, FILE_BYTES_MAX);
	while (inner.n > 0)
		if (!decode_one(&inner, &one, ends_line))
			out->overflow = true;
	for (uint32_t i = 0; i < count && !out->overflow; i++)
		buf_put(out, buf_span(&one));
	buf_clear(&one);
	return true;
}

static bool decode(struct span s, bool is_line, struct arena *a,
	struct span *out)
{
	struct buf bytes;
	bool ends_line = is_line;
	bool is_good = true;

	buf_init(&bytes, TEXT_BYTES_MAX);
	while (s.n > 0 && is_good) {
		if (s.p[0] == '{' && decode_repeat(&s, &bytes, &ends_line))
			continue;
		is_good = decode_one(&s, &bytes, &ends_line);
	}
	if (ends_line)
		buf_put(&bytes, SPAN("\r\n"));
	is_good = is_good && !bytes.overflow;
	*out = arena_dup(a, buf_span(&bytes));
	buf_clear(&bytes);
	return is_good;
}

static bool take_option(struct dialog *d, struct span text)
{
	if (span_eq(text, SPAN("whole")))
		d->is_whole = true;
	else if (d->option_count == DIALOG_OPTIONS_MAX)
		return false;
	else
		d->options[d->option_count++] = text;
	return true;
}

static bool take_line(struct dialog *d, struct span line, size_t number,
	char fed, struct arena *a)
{
	struct dialog_step *step = &d->steps[d->count];
	struct span text = span_tail(line, 2);

	if (line.n < 2 || line.p[1] != ':')
		return false;
	if (text.n > 0 && text.p[0] == ' ')
		text = span_tail(text, 1);
	*step = (struct dialog_step){number, (char)line.p[0], text};
	if (step->kind == 'O')
		return take_option(d, span_trim(text));
	if (span_find(SPAN("CRBS?ETX"), line.p[0]) == 8)
		return false;
	d->count++;
	if (step->kind == fed || step->kind == 'B' || step->kind == 'R')
		return decode(text, step->kind != 'R', a, &step->text);
	if (step->kind != 'S' && step->kind != 'C')
		step->text = span_trim(text);
	return true;
}

enum code dialog_read(const char *path, char fed, struct arena *a,
	struct dialog *out, struct err *e)
{
	struct buf file;
	struct span left;
	size_t lines = 1;

	buf_init(&file, FILE_BYTES_MAX);
	if (read_file(path, &file, e) != OK) {
		buf_clear(&file);
		return e->code;
	}
	left = arena_dup(a, buf_span(&file));
	buf_clear(&file);
	for (size_t i = 0; i < left.n; i++)
		lines += left.p[i] == '\n';
	*out = (struct dialog){
		.steps = arena_alloc(a, lines, sizeof(struct dialog_step))};
	for (size_t number = 1; left.n > 0; number++) {
		struct span line = span_cut(&left, '\n');

		if (line.n == 0 || line.p[0] == '#')
			continue;
		if (!take_line(out, line, number, fed, a))
			return err_set(e, SYNTAX, "line %zu: \"%.*s\"", number,
				SPAN_ARG(line));
	}
	return OK;
}

bool dialog_matches(struct span pattern, struct span text)
{
	struct span star = SPAN_EMPTY; /* what follows the last * */
	struct span retry = SPAN_EMPTY;
	bool has_star = false;

	for (;;) {
		struct span rest = pattern;
		bool is_literal = span_starts(pattern, SPAN("\\*")) ||
			span_starts(pattern, SPAN("\\\\"));

		if (pattern.n > 0 && pattern.p[0] == '*') {
			has_star = true;
			star = pattern = span_tail(pattern, 1);
			retry = text;
			continue;
		}
		if (pattern.n == 0 && text.n == 0)
			return true;
		if (is_literal)
			rest = span_tail(pattern, 1);
		if (rest.n > 0 && text.n > 0 && rest.p[0] == text.p[0]) {
			pattern = span_tail(rest, 1);
			text = span_tail(text, 1);
			continue;
		}
		if (!has_star || retry.n == 0)
			return false;
		retry = span_tail(retry, 1);
		text = retry;
		pattern = star;
	}
}
