/*
 * jmap_part.c - one part of a message as JMAP tells it.  See jmap_part.h.
 */
#include "message/jmap_part.h"

#include "message/body_text.h"

#include "base/banned.h"

#define SLICE 4096 /* at most JMAP_VALUE_SLACK when it is decoded */

static struct span lower(struct arena *a, struct span s)
{
	uint8_t *copy = arena_alloc(a, s.n + 1, 1);

	for (size_t i = 0; i < s.n; i++)
		copy[i] = ascii_lower(s.p[i]);
	return span_of(copy, s.n);
}

static struct span type_of(struct arena *a, const struct mime_part *p)
{
	struct buf text;
	struct span type;

	buf_init(&text, p->type.n + p->subtype.n + 1);
	buf_put(&text, p->type);
	buf_putc(&text, '/');
	buf_put(&text, p->subtype);
	type = lower(a, buf_span(&text));
	buf_clear(&text);
	return type;
}

static struct span param_of(struct arena *a, const struct param_list *list,
	struct span name)
{
	struct buf text;
	struct span value = SPAN_EMPTY;

	buf_init(&text, 4 * MESSAGE_PARAM_MAX);
	if (param_list_get(list, name, &text))
		value = arena_dup(a, buf_span(&text));
	buf_clear(&text);
	return value;
}

static struct span charset_of(struct arena *a, const struct mime_part *p)
{
	struct span charset = SPAN_EMPTY;

	if (span_eq_fold(p->type, SPAN("text")))
		charset = param_of(a, &p->params, SPAN("charset"));
	else if (p->has_type)
		return SPAN_EMPTY;
	return charset.n > 0 ? charset : SPAN("us-ascii");
}

static struct span name_of(struct arena *a, const struct mime_part *p)
{
	struct span name =
		param_of(a, &p->disposition_params, SPAN("filename"));

	return name.n > 0 ? name : param_of(a, &p->params, SPAN("name"));
}

/* "<x@y> (comment)" is x@y. */
static struct span cid_of(struct span id)
{
	size_t open = span_find(id, '<');

	if (open == id.n)
		return span_trim(id);
	id = span_tail(id, open + 1);
	return span_trim(span_head(id, span_find(id, '>')));
}

/* Without white space, which folding brought in, and without comments. */
static struct span squeeze(struct arena *a, struct span s, bool has_comments)
{
	uint8_t *copy = arena_alloc(a, s.n + 1, 1);
	size_t n = 0;
	size_t depth = 0;

	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (has_comments && c == '(')
			depth++;
		if (depth == 0 && c > ' ')
			copy[n++] = c;
		if (c == ')' && depth > 0)
			depth--;
	}
	return span_of(copy, n);
}

void jmap_part_read(struct arena *a, const struct mime_part *p,
	struct jmap_part *out)
{
	*out = (struct jmap_part){
		.type = type_of(a, p),
		.charset = charset_of(a, p),
		.disposition = lower(a, p->disposition),
		.name = name_of(a, p),
		.cid = cid_of(p->id),
		.location = squeeze(a, p->location, false),
		.language = squeeze(a, p->language, true),
		.start = p->body_start,
		.end = p->body_end,
	};
}

/* The last character that begins before max ends before it, or goes. */
static size_t cut_at_character(struct span s, size_t max)
{
	size_t n = max;

	while (n > 0 && (s.p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

/* What is held at a cut is half a character: it says nothing about the text. */
static void end_at_cut(struct body_text *text, struct buf *out)
{
	size_t n = buf_len(out);
	bool is_damaged = text->charset.is_damaged;

	body_text_end(text, out);
	text->is_text_damaged = is_damaged;
	buf_truncate(out, n);
}

void jmap_put_value(struct buf *out, const struct mime_part *p,
	struct span body, bool is_whole, size_t max_bytes,
	struct jmap_value *out_value)
{
	struct body_text text;
	size_t before = buf_len(out);
	size_t max = max_bytes == 0 ? SIZE_MAX : max_bytes;

	body_text_init(&text, p);
	while (body.n > 0 && buf_len(out) - before <= max) {
		body_text_feed(&text, span_head(body, SLICE), out);
		body = span_tail(body, SLICE);
	}
	out_value->is_truncated = !is_whole || body.n > 0;
	if (out_value->is_truncated)
		end_at_cut(&text, out);
	else
		body_text_end(&text, out);
	out_value->is_encoding_problem =
		text.is_text_damaged || p->encoding == MIME_UNKNOWN;
	if (buf_len(out) - before > max) {
		out_value->is_truncated = true;
		buf_truncate(out, before + cut_at_character(
			span_tail(buf_span(out), before), max));
	}
}
