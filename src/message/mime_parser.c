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
 */
#include "message/mime_int.h"

#include <string.h>

#include "base/err.h"

#include "base/banned.h"

/* A longer line is no boundary, blanks at its end or not.  RFC 5322 2.1.1 */
#define BOUNDARY_LINE_MAX 1000
/* So many bytes of a boundary count, as in other servers.  RFC 2046 5.1.1 allows
 * 70. */
#define COMPARED 80
/* Bytes that are looked at twice are still in the cache. */
#define WINDOW_BYTES (64u << 10)
#define FIRST_PARTS  8
#define FIRST_HEAD   (4u << 10)

/* A place in the message. */
struct mark {
	uint64_t offset;
	uint32_t lines; /* line ends before it */
};

/* An open multipart or message. */
struct level {
	struct span boundary; /* without "--"; empty: a message */
	uint32_t part;
	uint32_t last_child;
	bool is_digest;
	bool is_closed; /* its boundary means nothing any more */
};

struct mime_parser {
	struct mime_heads heads;
	struct mime_part *parts;
	uint32_t count, room;
	bool is_cut;

	struct level levels[MESSAGE_DEPTH_MAX];
	uint32_t depth;
	uint32_t open; /* the part whose head, or whose body as a leaf, is read;
			MIME_NONE: a preamble, an epilogue, what is cut */
	bool is_in_head;
	uint64_t text_start; /* behind the last head or boundary */

	struct span window;  /* the bytes that are read now */
	uint64_t window_start;
	uint64_t size;       /* behind the window */
	uint32_t lines;      /* line ends so far */
	uint64_t noted;      /* the leaf's bytes before it are known */
	uint8_t tail[2];     /* the last bytes before the window */

	bool is_mid_line;    /* of a line that cannot matter */
	uint8_t held[BOUNDARY_LINE_MAX]; /* of a line that can: it ends the window */
	size_t held_n;
	size_t held_eol;     /* length of the line end before it */

	uint8_t *head;       /* of the open part, up to the window */
	size_t head_n, head_room;
};

/* ---- the bytes of a leaf ------------------------------------------------- */

#define EACH_BYTE(b) (UINT64_MAX / 255 * (b))

static void note_bytes(struct mime_part *part, struct span s)
{
	uint64_t high = 0, zero = 0, word;
	size_t i = 0;

	for (; s.n - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, s.p + i, sizeof(word));
		high |= word;
		zero |= (word - EACH_BYTE(1)) & ~word;
	}
	for (; i < s.n; i++) {
		high |= s.p[i];
		zero |= (s.p[i] - UINT64_C(1)) & ~(uint64_t)s.p[i];
	}
	part->has_8bit |= (high & EACH_BYTE(0x80)) != 0;
	part->has_nul |= (zero & EACH_BYTE(0x80)) != 0;
}

static bool is_in_leaf(const struct mime_parser *p)
{
	return p->open != MIME_NONE && !p->is_in_head;
}

/* Notes what the window holds of the leaf, up to there. */
static void note_until(struct mime_parser *p, uint64_t end)
{
	if (!is_in_leaf(p) || end <= p->noted)
		return;
	note_bytes(&p->parts[p->open],
		span_of(p->window.p + (p->noted - p->window_start),
			(size_t)(end - p->noted)));
	p->noted = end;
}

/* ---- heads ----------------------------------------------------------------- */

static void gather(struct mime_parser *p, struct span s)
{
	s = span_head(s, MESSAGE_HEAD_MAX - p->head_n);
	if (p->head_n + s.n > p->head_room) {
		size_t room = p->head_room > 0 ? p->head_room : FIRST_HEAD;
		uint8_t *old = p->head;

		while (room < p->head_n + s.n)
			room *= 2;
		p->head = arena_alloc(p->heads.arena, room, 1);
		p->head_room = room;
		if (p->head_n > 0)
			memcpy(p->head, old, p->head_n);
	}
	if (s.n > 0)
		memcpy(p->head + p->head_n, s.p, s.n);
	p->head_n += s.n;
}

/* Gathers what the window holds of the head, up to there. */
static void gather_until(struct mime_parser *p, uint64_t end)
{
	uint64_t start = p->parts[p->open].head_start;

	if (start < p->window_start)
		start = p->window_start;
	if (end > start)
		gather(p, span_of(p->window.p + (start - p->window_start),
				(size_t)(end - start)));
}

/* The bytes of the open part's head, which ends there. */
static struct span head_bytes(struct mime_parser *p, uint64_t end)
{
	struct mime_part *part = &p->parts[p->open];
	struct span head;
	uint64_t n = end - part->head_start;

	if (part->head_start >= p->window_start) {
		head = span_tail(p->window,
			(size_t)(part->head_start - p->window_start));
	} else {
		gather_until(p, end);
		head = span_of(p->head, p->head_n);
	}
	if (n > MESSAGE_HEAD_MAX) {
		part->is_cut = p->is_cut = true;
		n = MESSAGE_HEAD_MAX;
	}
	return span_head(head, (size_t)n);
}

/* ---- parts ----------------------------------------------------------------- */

static void make_room(struct mime_parser *p)
{
	uint32_t room = p->room * 2 < MESSAGE_PARTS_MAX ? p->room * 2
							: MESSAGE_PARTS_MAX;
	struct mime_part *parts = arena_alloc(p->heads.arena, room,
		sizeof(*parts));

	for (uint32_t i = 0; i < p->count; i++)
		parts[i] = p->parts[i];
	p->parts = parts;
	p->room = room;
}

/* Does a message begin with the next part, not a mere part? */
static bool is_message_next(const struct mime_parser *p)
{
	return p->depth == 0 || p->levels[p->depth - 1].boundary.n == 0;
}

/* The next child of the innermost level; its head begins there. */
static void add_part(struct mime_parser *p, uint64_t head_start)
{
	struct level *level = p->depth > 0 ? &p->levels[p->depth - 1] : NULL;
	bool is_digest = level != NULL && level->is_digest;
	uint32_t index = p->count;

	must(index < MESSAGE_PARTS_MAX);
	if (index == p->room)
		make_room(p);
	p->count++;
	p->parts[index] = (struct mime_part){
		.head_start = head_start,
		.head_lines = p->lines,
		.parent = level == NULL ? MIME_NONE : level->part,
		.next = MIME_NONE,
		.type = is_digest ? SPAN("message") : SPAN("text"),
		.subtype = is_digest ? SPAN("rfc822") : SPAN("plain"),
	};
	if (is_message_next(p))
		p->parts[index].envelope = ARENA_NEW(p->heads.arena,
			struct envelope);
	if (level != NULL && level->last_child != MIME_NONE)
		p->parts[level->last_child].next = index;
	if (level != NULL)
		level->last_child = index;
	p->open = index;
	p->is_in_head = true;
	p->head_n = 0;
}

static void cut(struct mime_parser *p, uint32_t part)
{
	p->parts[part].is_cut = true;
	p->is_cut = true;
}

/* Puts the open part on the stack; it stays open if it cannot be. */
static bool push(struct mime_parser *p, struct span boundary)
{
	struct mime_part *part = &p->parts[p->open];

	if (p->depth == MESSAGE_DEPTH_MAX) {
		cut(p, p->open);
		return false;
	}
	p->levels[p->depth++] = (struct level){
		.boundary = boundary,
		.part = p->open,
		.last_child = MIME_NONE,
		.is_digest = span_eq_fold(part->subtype, SPAN("digest")),
		.is_closed = boundary.n == 0,
	};
	part->kind = boundary.n == 0 ? MIME_MESSAGE : MIME_MULTIPART;
	p->open = MIME_NONE;
	return true;
}

static void open_multipart(struct mime_parser *p)
{
	struct span boundary = mime_content_boundary(p->heads.arena,
		&p->parts[p->open]);

	if (boundary.n > MESSAGE_BOUNDARY_MAX)
		cut(p, p->open);
	else if (boundary.n > 0)
		(void)push(p, boundary);
}

static void open_message(struct mime_parser *p, uint64_t at)
{
	if (p->count == MESSAGE_PARTS_MAX)
		cut(p, p->open);
	else if (push(p, SPAN_EMPTY))
		add_part(p, at);
}

/* The head of the open part ends there, and its body begins. */
static void end_head(struct mime_parser *p, uint64_t at)
{
	struct mime_part *part = &p->parts[p->open];
	enum mime_kind kind;

	mime_head_read(&p->heads, head_bytes(p, at), part);
	part->body_start = at;
	part->head_lines = p->lines - part->head_lines;
	part->body_lines = p->lines; /* until its end is known */
	p->is_in_head = false;
	p->noted = p->text_start = at;
	kind = mime_content_kind(part);
	if (kind == MIME_MULTIPART)
		open_multipart(p);
	else if (kind == MIME_MESSAGE)
		open_message(p, at);
}

static void end_part(struct mime_parser *p, uint32_t index, struct mark end)
{
	struct mime_part *part = &p->parts[index];

	part->body_end = end.offset;
	part->body_lines = end.lines - part->body_lines;
	part->end = p->count;
}

/* Ends what is open, down to so many levels.  line is the start of the line
 * that ends it, eol the length of the line end before that: it belongs to no
 * part (RFC 2046 5.1.1), unless it ends a head or another boundary. */
static void end_inner(struct mime_parser *p, uint32_t depth, struct mark line,
	size_t eol)
{
	struct mark end = line;

	while (p->is_in_head)
		end_head(p, line.offset);
	if (line.offset > p->text_start && eol > 0) {
		end.offset -= eol;
		end.lines--;
	}
	note_until(p, line.offset);
	if (p->open != MIME_NONE)
		end_part(p, p->open, end);
	while (p->depth > depth)
		end_part(p, p->levels[--p->depth].part, end);
	p->open = MIME_NONE;
}

/* ---- lines ----------------------------------------------------------------- */

/* Can the line that begins so matter? */
static bool may_matter(const struct mime_parser *p, struct span start)
{
	if (start.p[0] == '-')
		return start.n == 1 || start.p[1] == '-';
	return p->is_in_head && start.n == 1 && start.p[0] == '\r';
}

static bool matches(struct span boundary, struct span text)
{
	boundary = span_head(boundary, COMPARED);
	text = span_head(text, COMPARED);
	return boundary.n == text.n &&
		memcmp(boundary.p, text.p, text.n) == 0;
}

/* How deep the level is whose boundary this line is; 0: it is none.
 *
 * Deliberate: nothing but blanks may follow a boundary.  RFC 2046 5.1.1 wants
 * any line that begins with it to count; but then one that is a prefix of
 * another ends parts that are not its own. */
static uint32_t find_boundary(const struct mime_parser *p, struct span line,
	bool *out_is_closing)
{
	struct span text = span_tail(line, 2);
	size_t dashes;

	while (text.n > 0 && (text.p[text.n - 1] == ' ' ||
			text.p[text.n - 1] == '\t'))
		text.n--;
	dashes = span_ends(text, SPAN("--")) ? 2 : 0;
	for (uint32_t i = p->depth; i > 0; i--) {
		const struct level *level = &p->levels[i - 1];
		struct span boundary = level->boundary;

		if (level->is_closed)
			continue;
		*out_is_closing = dashes > 0 && text.n - dashes == boundary.n;
		if (matches(boundary, text) || (*out_is_closing &&
				matches(boundary, span_head(text, boundary.n))))
			return i;
	}
	return 0;
}

/* A boundary of the level: its next part begins, or its epilogue. */
static void take_boundary(struct mime_parser *p, uint32_t depth,
	bool is_closing, uint64_t next)
{
	struct level *level = &p->levels[depth - 1];

	p->text_start = next;
	if (is_closing)
		level->is_closed = true;
	else if (p->count == MESSAGE_PARTS_MAX)
		cut(p, level->part);
	else
		add_part(p, next);
}

/* A line that may matter, without its LF, if it has one.  Did it? */
static bool take_line(struct mime_parser *p, struct span line,
	struct mark start, size_t eol, bool has_lf)
{
	uint64_t next = start.offset + line.n + has_lf;
	uint32_t depth;
	bool is_closing;

	p->lines = start.lines + has_lf;
	if (line.n > BOUNDARY_LINE_MAX)
		return false;
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	if (line.n == 0 && p->is_in_head) {
		end_head(p, next);
		return true;
	}
	if (!span_starts(line, SPAN("--")))
		return false;
	depth = find_boundary(p, line, &is_closing);
	if (depth == 0)
		return false;
	p->lines = start.lines;
	end_inner(p, depth, start, eol);
	p->lines += has_lf;
	take_boundary(p, depth, is_closing, next);
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

	if (start.n > BOUNDARY_LINE_MAX || !may_matter(p, start)) {
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
	if (is_in_leaf(p))
		note_bytes(&p->parts[p->open], span_of(p->held, n));
	p->held_n = 0;
}

/* Goes on with the line that is held; returns how much was taken. */
static size_t resume(struct mime_parser *p)
{
	size_t before = p->held_n;
	size_t n = span_find(p->window, '\n');
	struct span line = {p->held, before + n};

	if (line.n > BOUNDARY_LINE_MAX) {
		release(p, before);
		p->is_mid_line = true;
		return 0;
	}
	memcpy(p->held + before, p->window.p, n);
	p->held_n = line.n;
	if (n < p->window.n) {
		struct mark start = {p->window_start - before, p->lines};

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
	struct mark start;
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
	start = (struct mark){p->window_start + at, p->lines};
	(void)take_line(p, span_head(line, lf), start, eol_before(p, at), true);
	return at + lf + 1;
}

/* The window goes: what is needed of it is kept. */
static void leave(struct mime_parser *p)
{
	size_t n = p->window.n;

	note_until(p, p->size - p->held_n);
	if (p->is_in_head)
		gather_until(p, p->size);
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
	add_part(p, 0);
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
	struct mark start = {p->size - held.n, p->lines};

	p->window = SPAN_EMPTY;
	p->window_start = p->noted = p->size;
	p->held_n = 0;
	if (held.n > 0 && !take_line(p, held, start, p->held_eol, false))
		release(p, held.n);
	end_inner(p, 0, (struct mark){p->size, p->lines}, 0);
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
