/*
 * mime_parser.c - the line machine that finds the parts.  See mime.h.
 *
 *	HEAD  -empty line-> BODY      (a leaf)
 *	                 -> PREAMBLE  (a multipart: a level is put on the stack)
 *	                 -> HEAD      (a message: a level, and the head in it)
 *	any   -boundary of a level->          HEAD of its next part
 *	any   -closing boundary of a level->  EPILOGUE; the level stays until an
 *	                                      outer boundary ends it
 *
 * A boundary ends all that stands above its level on the stack, whatever state
 * it is in.  The innermost one is tried first (RFC 2046 5.1.2).
 *
 * Only lines that begin with "-" can be boundaries and only in a head empty
 * lines mean anything: all others are passed over with one memchr each.  A line
 * that may matter and is split over two feeds is held until its end is there;
 * a head that is split is gathered.  Nothing else is copied.
 *
 * What becomes of the parts then stands in mime_open.c.
 */
#include "message/mime_int.h"

#include <string.h>

#include "base/err.h"

#include "base/banned.h"

/* Bytes that are looked at twice are still in the cache. */
#define WINDOW_BYTES (64u << 10)
#define FIRST_PARTS  8

/* ---- lines ----------------------------------------------------------------- */

/* Can the line that begins so matter? */
static bool may_matter(const struct mime_parser *p, struct span start)
{
	if (start.p[0] == '-')
		return start.n == 1 || start.p[1] == '-';
	return p->is_in_head && start.n == 1 && start.p[0] == '\r';
}

/* A line that may matter, without its LF, if it has one.  Did it? */
static bool take_line(struct mime_parser *p, struct span line,
	struct mime_mark start, size_t eol, bool has_lf)
{
	uint64_t next = start.offset + line.n + has_lf;
	uint32_t depth;
	bool is_closing;

	p->lines = start.lines + has_lf;
	if (line.n > MIME_BOUNDARY_LINE_MAX)
		return false;
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	if (line.n == 0 && p->is_in_head) {
		mime_open_end_head(p, next);
		return true;
	}
	if (!span_starts(line, SPAN("--")))
		return false;
	depth = mime_open_find(p, line, &is_closing);
	if (depth == 0)
		return false;
	p->lines = start.lines;
	mime_open_end(p, depth, start, eol);
	p->lines += has_lf;
	mime_open_take(p, depth, is_closing, next);
	return true;
}

/* The length of the line end before this place of the window. */
static size_t eol_before(const struct mime_parser *p, size_t at)
{
	uint8_t last = at > 0 ? p->window.p[at - 1] : p->tail[1];
	uint8_t first = at > 1 ? p->window.p[at - 2] : p->tail[at];

	if (last != '\n')
		return 0;
	return first == '\r' ? 2 : 1;
}

/* ---- windows --------------------------------------------------------------- */

/* Passes lines that cannot matter; returns where another one begins. */
static size_t pass_lines(struct mime_parser *p, size_t at)
{
	const uint8_t *end = p->window.p + p->window.n;
	const uint8_t *q = p->window.p + at;

	while (q < end) {
		const uint8_t *lf;

		if (*q == '-' || (p->is_in_head && (*q == '\r' || *q == '\n')))
			break;
		lf = memchr(q, '\n', (size_t)(end - q));
		if (lf == NULL) {
			p->is_mid_line = true;
			return p->window.n;
		}
		p->lines++;
		q = lf + 1;
	}
	return (size_t)(q - p->window.p);
}

/* Passes the rest of a line that cannot matter. */
static size_t pass_rest(struct mime_parser *p, size_t at)
{
	size_t lf = at + span_find(span_tail(p->window, at), '\n');

	if (lf == p->window.n)
		return lf;
	p->lines++;
	p->is_mid_line = false;
	return lf + 1;
}

/* A line that may matter ends with the window, not with a line end. */
static void hold(struct mime_parser *p, size_t at)
{
	struct span start = span_tail(p->window, at);

	if (start.n > MIME_BOUNDARY_LINE_MAX || !may_matter(p, start)) {
		p->is_mid_line = true;
		return;
	}
	p->held_eol = eol_before(p, at);
	p->held_n = start.n;
	memcpy(p->held, start.p, start.n);
}

/* The first n bytes that were held stand in no boundary. */
static void release(struct mime_parser *p, size_t n)
{
	mime_open_note(p, span_of(p->held, n));
	p->held_n = 0;
}

/* Goes on with the line that is held; returns how much was taken. */
static size_t resume(struct mime_parser *p)
{
	size_t before = p->held_n;
	size_t n = span_find(p->window, '\n');
	struct span line = {p->held, before + n};

	if (line.n > MIME_BOUNDARY_LINE_MAX) {
		release(p, before);
		p->is_mid_line = true;
		return 0;
	}
	memcpy(p->held + before, p->window.p, n);
	p->held_n = line.n;
	if (n < p->window.n) {
		struct mime_mark start = {p->window_start - before, p->lines};

		if (!take_line(p, line, start, p->held_eol, true))
			release(p, before);
		p->held_n = 0;
		return n + 1;
	}
	if (!may_matter(p, line)) {
		release(p, before);
		p->is_mid_line = true;
	}
	return n;
}

static size_t take_lines(struct mime_parser *p, size_t at)
{
	struct span line;
	struct mime_mark start;
	size_t lf;

	if (p->is_mid_line)
		return pass_rest(p, at);
	at = pass_lines(p, at);
	if (at == p->window.n)
		return at;
	line = span_tail(p->window, at);
	lf = span_find(line, '\n');
	if (lf == line.n) {
		hold(p, at);
		return p->window.n;
	}
	start = (struct mime_mark){p->window_start + at, p->lines};
	(void)take_line(p, span_head(line, lf), start, eol_before(p, at), true);
	return at + lf + 1;
}

/* The window goes: what is needed of it is kept. */
static void leave(struct mime_parser *p)
{
	size_t n = p->window.n;

	mime_open_keep(p);
	p->tail[0] = n > 1 ? p->window.p[n - 2] : p->tail[1];
	p->tail[1] = p->window.p[n - 1];
}

static void feed_window(struct mime_parser *p, struct span window)
{
	size_t at = 0;

	p->window = window;
	p->window_start = p->size;
	p->size += window.n;
	p->noted = p->window_start;
	if (p->held_n > 0)
		at = resume(p);
	while (at < window.n)
		at = take_lines(p, at);
	leave(p);
}

/* ---- the face -------------------------------------------------------------- */

struct mime_parser *mime_parser_new(struct arena *a)
{
	struct mime_parser *p = ARENA_NEW(a, struct mime_parser);

	p->heads.arena = a;
	p->parts = arena_alloc(a, FIRST_PARTS, sizeof(*p->parts));
	p->room = FIRST_PARTS;
	mime_open_part(p, 0);
	return p;
}

void mime_parser_feed(struct mime_parser *p, struct span bytes)
{
	while (bytes.n > 0) {
		feed_window(p, span_head(bytes, WINDOW_BYTES));
		bytes = span_tail(bytes, WINDOW_BYTES);
	}
}

const struct mime_tree *mime_parser_end(struct mime_parser *p)
{
	struct mime_tree *tree = ARENA_NEW(p->heads.arena, struct mime_tree);
	struct span held = {p->held, p->held_n};
	struct mime_mark start = {p->size - held.n, p->lines};

	p->window = SPAN_EMPTY;
	p->window_start = p->noted = p->size;
	p->held_n = 0;
	if (held.n > 0 && !take_line(p, held, start, p->held_eol, false))
		release(p, held.n);
	mime_open_end(p, 0, (struct mime_mark){p->size, p->lines}, 0);
	*tree = (struct mime_tree){
		.parts = p->parts,
		.count = p->count,
		.size = p->size,
		.is_cut = p->is_cut || p->heads.is_cut,
	};
	return tree;
}

const struct mime_tree *mime_parse(struct arena *a, struct span message)
{
	struct mime_parser *p = mime_parser_new(a);

	mime_parser_feed(p, message);
	return mime_parser_end(p);
}
