/*
 * structure.c - which parts a message has.  See structure.h.
 *
 * A machine over lines, with a stack of the multiparts that are open:
 *
 *	HEAD -empty line-> BODY (a part that is no multipart)
 *	                -> BODY (the preamble of a multipart, now on the stack)
 *	any  -boundary of a multipart on the stack-> HEAD of its next part
 *	any  -closing boundary-> BODY (its epilogue; it leaves the stack)
 *
 * The innermost boundary is tried first; that of an outer multipart ends the
 * inner ones, closed or not (RFC 2046 5.1.2).
 */
#include "message/structure.h"

#include "codec/base64.h"
#include "codec/qp.h"
#include "message/header.h"
#include "message/param.h"
#include "message/words.h"

#include "base/banned.h"

/* RFC 2046 5.1.1 allows 70 characters; more are seen. */
#define BOUNDARY_MAX 200
#define TYPE_MAX     127
#define CHARSET_MAX  64
/* Only so much of a field is read: parameters are searched for many times. */
#define FIELD_MAX    8192
#define NUMBER_MAX   (MESSAGE_DEPTH_MAX * 5)

struct level {
	struct span boundary; /* without "--" */
	size_t part;          /* the multipart */
	unsigned children;
	bool is_digest;       /* RFC 2046 5.1.5 */
};

struct walk {
	struct arena *arena;
	struct span message;
	struct message_structure *out;
	struct level levels[MESSAGE_DEPTH_MAX];
	size_t depth;
	size_t open;     /* the part whose lines are read */
	bool is_in_head;
	bool is_skipping; /* what is read belongs to no part: an epilogue */
};

struct span message_part_head(struct span message,
	const struct message_part *part)
{
	return span_head(span_tail(message, part->head_start),
		part->body_start - part->head_start);
}

struct span message_part_body(struct span message,
	const struct message_part *part)
{
	return span_head(span_tail(message, part->body_start),
		part->body_end - part->body_start);
}

/* ---- one part ------------------------------------------------------- */

/* "2.1" for the first child of "2". */
static struct span make_number(struct walk *w)
{
	struct buf text;
	struct span number;

	buf_init(&text, NUMBER_MAX);
	if (w->depth == 0) {
		buf_puts(&text, "1");
	} else {
		struct level *level = &w->levels[w->depth - 1];

		buf_put(&text, w->out->parts[level->part].number);
		if (buf_len(&text) > 0)
			buf_putc(&text, '.');
		buf_put_u64(&text, ++level->children);
	}
	number = arena_dup(w->arena, buf_span(&text));
	buf_clear(&text);
	return number;
}

static bool add_part(struct walk *w, size_t head_start)
{
	struct message_structure *s = w->out;

	if (s->count == MESSAGE_PARTS_MAX) {
		s->is_cut = true;
		return false;
	}
	w->open = s->count++;
	s->parts[w->open] = (struct message_part){
		.number = make_number(w),
		.head_start = head_start,
		.body_start = head_start,
		.body_end = head_start,
	};
	w->is_in_head = true;
	return true;
}

/* A parameter of the field, or empty if it is not there or too long. */
static struct span get_param(struct arena *a, struct span value,
	struct span name, size_t max)
{
	struct buf text;
	struct span found = SPAN_EMPTY;

	buf_init(&text, max);
	if (param_get(value, name, &text) && !text.overflow)
		found = arena_dup(a, buf_span(&text));
	buf_clear(&text);
	return found;
}

static struct span dup_lower(struct arena *a, struct span s)
{
	uint8_t *copy = arena_alloc(a, s.n, 1);

	for (size_t i = 0; i < s.n; i++)
		copy[i] = ascii_lower(s.p[i]);
	return span_of(copy, s.n);
}

static void read_type(struct walk *w, struct message_part *part,
	struct span value)
{
	struct span type = param_main(value);

	/* RFC 2045 5.2: what cannot be read is plain text */
	if (type.n <= TYPE_MAX && span_find(type, '/') < type.n)
		part->type = dup_lower(w->arena, type);
	part->charset = get_param(w->arena, value, SPAN("charset"),
		CHARSET_MAX);
	part->name = get_param(w->arena, value, SPAN("name"),
		MESSAGE_NAME_MAX);
}

static void read_disposition(struct walk *w, struct message_part *part,
	struct span value)
{
	struct span name = get_param(w->arena, value, SPAN("filename"),
		MESSAGE_NAME_MAX);

	part->is_attachment =
		span_eq_fold(param_main(value), SPAN("attachment"));
	if (name.n > 0)
		part->name = name;
}

static enum message_encoding read_encoding(struct span value)
{
	struct span word = param_main(value);

	if (span_eq_fold(word, SPAN("base64")))
		return MESSAGE_BASE64;
	return span_eq_fold(word, SPAN("quoted-printable")) ? MESSAGE_QP
							    : MESSAGE_IDENTITY;
}

/* Puts a multipart on the stack, if it has a boundary and there is room. */
static void open_multipart(struct walk *w, struct span value)
{
	struct message_part *part = &w->out->parts[w->open];
	struct span boundary;

	if (!span_starts(part->type, SPAN("multipart/")))
		return;
	boundary = get_param(w->arena, value, SPAN("boundary"), BOUNDARY_MAX);
	if (boundary.n == 0 || w->depth == MESSAGE_DEPTH_MAX) {
		w->out->is_cut = true;
		return;
	}
	if (w->depth == 0)
		part->number = SPAN_EMPTY;
	part->is_multipart = true;
	w->levels[w->depth++] = (struct level){
		.boundary = boundary,
		.part = w->open,
		.is_digest = span_eq(part->type, SPAN("multipart/digest")),
	};
}

static bool is_in_digest(const struct walk *w)
{
	return w->depth > 0 && w->levels[w->depth - 1].is_digest;
}

static bool find_field(struct span head, struct span name, struct span *out)
{
	if (!header_find(head, name, out))
		return false;
	*out = span_head(*out, FIELD_MAX);
	return true;
}

/* The head of the open part ends at body_start. */
static void end_head(struct walk *w, size_t body_start)
{
	struct message_part *part = &w->out->parts[w->open];
	struct span value, head;
	struct span type_value = SPAN_EMPTY;

	part->body_start = body_start;
	part->body_end = body_start;
	w->is_in_head = false;
	head = message_part_head(w->message, part);
	part->type = is_in_digest(w) ? SPAN("message/rfc822")
				     : SPAN("text/plain");
	if (find_field(head, SPAN("Content-Type"), &type_value))
		read_type(w, part, type_value);
	if (part->charset.n == 0)
		part->charset = SPAN("us-ascii");
	if (find_field(head, SPAN("Content-Disposition"), &value))
		read_disposition(w, part, value);
	if (find_field(head, SPAN("Content-Transfer-Encoding"), &value))
		part->encoding = read_encoding(value);
	open_multipart(w, type_value);
}

/* ---- lines ------------------------------------------------------------ */

/* Where content before a boundary line ends: its line end belongs to the
 * boundary.  RFC 2046 5.1.1 */
static size_t content_end(const struct walk *w, size_t line_start,
	size_t body_start)
{
	size_t end = line_start;

	if (end > body_start && w->message.p[end - 1] == '\n')
		end--;
	if (end > body_start && end < line_start &&
		w->message.p[end - 1] == '\r')
		end--;
	return end;
}

static void end_part(struct walk *w, size_t part, size_t at)
{
	struct message_part *p = &w->out->parts[part];

	p->body_end = content_end(w, at, p->body_start);
}

/* Ends what is open down to level (which stays). */
static void end_inner(struct walk *w, size_t level, size_t line_start)
{
	if (w->is_in_head)
		end_head(w, line_start);
	if (!w->is_skipping)
		end_part(w, w->open, line_start);
	while (w->depth > level + 1)
		end_part(w, w->levels[--w->depth].part, line_start);
}

/* The level whose boundary this line is; w->depth if none. */
static size_t find_level(const struct walk *w, struct span line,
	bool *out_is_closing)
{
	for (size_t i = w->depth; i > 0; i--) {
		struct span boundary = w->levels[i - 1].boundary;
		struct span rest = span_tail(line, 2);

		if (!span_starts(rest, boundary))
			continue;
		rest = span_tail(rest, boundary.n);
		*out_is_closing = span_starts(rest, SPAN("--"));
		/* only blanks may follow */
		if (*out_is_closing || span_trim(rest).n == 0)
			return i - 1;
	}
	return w->depth;
}

/* Returns whether the line was a boundary. */
static bool take_boundary(struct walk *w, struct span line, size_t line_start,
	size_t next_start)
{
	bool is_closing;
	size_t level;

	if (!span_starts(line, SPAN("--")))
		return false;
	level = find_level(w, line, &is_closing);
	if (level == w->depth)
		return false;
	end_inner(w, level, line_start);
	/* end_head may just have opened a level: it is empty */
	if (w->depth > level + 1)
		w->depth = level + 1;
	w->is_skipping = is_closing;
	if (is_closing) {
		w->out->parts[w->levels[level].part].body_end = next_start;
		w->depth = level;
	} else if (!add_part(w, next_start)) {
		w->is_skipping = true;
	}
	return true;
}

static void finish(struct walk *w)
{
	size_t end = w->message.n;

	if (w->is_in_head)
		end_head(w, end);
	if (!w->is_skipping)
		w->out->parts[w->open].body_end = end;
	while (w->depth > 0)
		w->out->parts[w->levels[--w->depth].part].body_end = end;
}

void message_structure_read(struct arena *a, struct span message,
	struct message_structure *out)
{
	struct walk w = {.arena = a, .message = message, .out = out};
	struct span rest = message;

	*out = (struct message_structure){
		.parts = arena_alloc(a, MESSAGE_PARTS_MAX,
			sizeof(struct message_part)),
	};
	(void)add_part(&w, 0);
	while (rest.n > 0) {
		size_t line_start = message.n - rest.n;
		struct span line = header_cut_line(&rest);
		size_t next_start = message.n - rest.n;

		if (take_boundary(&w, line, line_start, next_start))
			continue;
		if (w.is_in_head && line.n == 0)
			end_head(&w, next_start);
	}
	finish(&w);
}

bool message_part_decode(struct span message, const struct message_part *part,
	struct buf *out)
{
	struct span body = message_part_body(message, part);
	struct base64_decoder base64;
	struct qp_decoder qp;

	if (part->encoding == MESSAGE_BASE64) {
		base64_decode_init(&base64);
		base64_decode_feed(&base64, body, out);
		base64_decode_end(&base64, out);
		return !base64.is_damaged;
	}
	if (part->encoding == MESSAGE_QP) {
		qp_decode_init(&qp);
		qp_decode_feed(&qp, body, out);
		qp_decode_end(&qp, out);
		return !qp.is_damaged;
	}
	buf_put(out, body);
	return true;
}
