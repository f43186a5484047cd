/*
 * mime_open.c - the parts that are open while a message is read: the leaf or
 * head, and the stack of multiparts and messages around it.
 *
 * Nothing here looks for lines; mime_parser.c does, and says what they are.
 */
#include "message/mime_int.h"

#include <string.h>

#include "base/err.h"

#include "base/banned.h"

/* So many bytes of a boundary count, as in other servers.  RFC 2046 5.1.1 allows
 * 70. */
#define COMPARED 80
/* Room for what is gathered of a head, at first. */
#define FIRST_HEAD (4u << 10)

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

void mime_open_note(struct mime_parser *p, struct span bytes)
{
	if (is_in_leaf(p))
		note_bytes(&p->parts[p->open], bytes);
}

/* Notes what the window holds of the leaf, up to there. */
static void note_until(struct mime_parser *p, uint64_t end)
{
	uint64_t start = p->noted;

	/* a head may have ended at a line that was held */
	if (start < p->window_start)
		start = p->window_start;
	if (end <= start)
		return;
	mime_open_note(p, span_of(p->window.p + (start - p->window_start),
				(size_t)(end - start)));
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

void mime_open_keep(struct mime_parser *p)
{
	note_until(p, p->size - p->held_n);
	if (p->is_in_head)
		gather_until(p, p->size);
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

void mime_open_part(struct mime_parser *p, uint64_t head_start)
{
	struct mime_level *level = p->depth > 0 ? &p->levels[p->depth - 1] : NULL;
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
	p->levels[p->depth++] = (struct mime_level){
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
		mime_open_part(p, at);
}

void mime_open_end_head(struct mime_parser *p, uint64_t at)
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

static void end_part(struct mime_parser *p, uint32_t index, struct mime_mark end)
{
	struct mime_part *part = &p->parts[index];

	part->body_end = end.offset;
	part->body_lines = end.lines - part->body_lines;
	part->end = p->count;
}

void mime_open_end(struct mime_parser *p, uint32_t depth, struct mime_mark line,
	size_t eol)
{
	struct mime_mark end = line;

	while (p->is_in_head)
		mime_open_end_head(p, line.offset);
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

/* ---- boundaries ------------------------------------------------------------ */

/* Most boundaries that differ do so in their last byte. */
static bool matches(struct span boundary, struct span text)
{
	size_t n = boundary.n < COMPARED ? boundary.n : COMPARED;
	size_t text_n = text.n < COMPARED ? text.n : COMPARED;

	return n == text_n && boundary.p[n - 1] == text.p[n - 1] &&
		memcmp(boundary.p, text.p, n) == 0;
}

/* Deliberate: nothing but blanks may follow a boundary.  RFC 2046 5.1.1 wants
 * any line that begins with it to count; but then one that is a prefix of
 * another ends parts that are not its own. */
uint32_t mime_open_find(const struct mime_parser *p, struct span line,
	bool *out_is_closing)
{
	struct span text = span_tail(line, 2);
	size_t dashes;

	while (text.n > 0 && (text.p[text.n - 1] == ' ' ||
			text.p[text.n - 1] == '\t'))
		text.n--;
	dashes = span_ends(text, SPAN("--")) ? 2 : 0;
	for (uint32_t i = p->depth; i > 0; i--) {
		const struct mime_level *level = &p->levels[i - 1];
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

void mime_open_take(struct mime_parser *p, uint32_t depth,
	bool is_closing, uint64_t next)
{
	struct mime_level *level = &p->levels[depth - 1];

	p->text_start = next;
	if (is_closing)
		level->is_closed = true;
	else if (p->count == MESSAGE_PARTS_MAX)
		cut(p, level->part);
	else
		mime_open_part(p, next);
}

