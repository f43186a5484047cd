/*
 * section.c - which bytes of a message a section names.  See section.h.
 *
 * The numbers lead from message to message.  In a message
 *
 *	a multipart        n is its n-th part
 *	anything else      1 is its body, whatever it is
 *
 * and a part so found is entered again if it is a multipart or a message in a
 * message.  So 1 of a text is its body and 1.1 is nothing; 2.1 of a forwarded
 * text is that text.  RFC 9051 6.4.5.1
 */
#include "message/section.h"

#include <string.h>

#include "base/num.h"
#include "message/header.h"

#include "base/banned.h"

/* ---- reading ----------------------------------------------------------- */

/* clang-format off */
static const struct {
	struct span name;
	enum section_what what;
	bool has_names; /* a list follows */
	bool of_part;   /* not of the message itself */
} words[] = {
	{SPAN_INIT("HEADER"),            SECTION_HEADER,     false, false},
	{SPAN_INIT("HEADER.FIELDS"),     SECTION_FIELDS,     true,  false},
	{SPAN_INIT("HEADER.FIELDS.NOT"), SECTION_FIELDS_NOT, true,  false},
	{SPAN_INIT("TEXT"),              SECTION_TEXT,       false, false},
	{SPAN_INIT("MIME"),              SECTION_MIME,       false, true},
};
/* clang-format on */

#define WORD_COUNT (sizeof(words) / sizeof(words[0]))

static size_t count_byte(struct span s, uint8_t byte)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == byte;
	return n;
}

/* Cuts the numbers off *rest, and the dot behind them. */
static enum code read_numbers(struct arena *a, struct span *rest,
	struct section *out)
{
	size_t most = count_byte(*rest, '.') + 1;
	uint32_t *numbers;

	if (rest->n == 0 || !ascii_is_digit(rest->p[0]))
		return OK;
	most = most < SECTION_NUMBERS_MAX ? most : SECTION_NUMBERS_MAX;
	numbers = arena_alloc(a, most, sizeof(*numbers));
	out->numbers = numbers;
	while (rest->n > 0 && ascii_is_digit(rest->p[0])) {
		bool is_last = span_find(*rest, '.') == rest->n;
		struct span text = span_cut(rest, '.');

		if (out->depth == SECTION_NUMBERS_MAX)
			return LIMIT;
		if (!num_parse_u32(text, UINT32_MAX, &numbers[out->depth]) ||
			numbers[out->depth] == 0)
			return SYNTAX;
		out->depth++;
		if (is_last)
			return OK;
	}
	return rest->n > 0 ? OK : SYNTAX;
}

/* RFC 9051 9: ASTRING-CHAR. */
static bool is_astring_char(uint8_t c)
{
	return c > ' ' && c < 0x7f &&
		memchr("(){%*\"\\", c, sizeof("(){%*\"\\") - 1) == NULL;
}

/* How long the quoted string is that s begins with; 0: it has no end, or
 * holds what none may hold. */
static size_t quoted_len(struct span s)
{
	for (size_t i = 1; i < s.n; i++) {
		if (s.p[i] == '"')
			return i + 1;
		if (s.p[i] == '\\')
			i++;
		if (i < s.n && (s.p[i] == '\r' || s.p[i] == '\n' ||
				s.p[i] == 0))
			return 0;
	}
	return 0;
}

static bool cut_quoted(struct arena *a, struct span *rest, struct span *out)
{
	size_t len = quoted_len(*rest);
	uint8_t *to;
	size_t n = 0;

	if (len == 0)
		return false;
	to = arena_alloc(a, len, 1);
	for (size_t i = 1; i < len - 1; i++) {
		if (rest->p[i] == '\\')
			i++;
		to[n++] = rest->p[i];
	}
	*out = span_of(to, n);
	*rest = span_tail(*rest, len);
	return true;
}

static bool cut_name(struct arena *a, struct span *rest, struct span *out)
{
	size_t n = 0;

	if (rest->n > 0 && rest->p[0] == '"')
		return cut_quoted(a, rest, out);
	while (n < rest->n && is_astring_char(rest->p[n]))
		n++;
	*out = span_head(*rest, n);
	*rest = span_tail(*rest, n);
	return n > 0;
}

static bool cut_byte(struct span *rest, uint8_t byte)
{
	if (rest->n == 0 || rest->p[0] != byte)
		return false;
	*rest = span_tail(*rest, 1);
	return true;
}

/* " (name name …)", to the end of the text. */
static enum code read_names(struct arena *a, struct span text,
	struct section *out)
{
	size_t most = count_byte(text, ' ');
	struct span *names;

	most = most < SECTION_FIELDS_MAX ? most : SECTION_FIELDS_MAX;
	if (!cut_byte(&text, ' ') || !cut_byte(&text, '('))
		return SYNTAX;
	names = arena_alloc(a, most, sizeof(*names));
	out->fields = names;
	do {
		if (out->field_count == SECTION_FIELDS_MAX)
			return LIMIT;
		if (out->field_count == most ||
			!cut_name(a, &text, &names[out->field_count]))
			return SYNTAX;
		out->field_count++;
	} while (cut_byte(&text, ' '));
	return cut_byte(&text, ')') && text.n == 0 ? OK : SYNTAX;
}

static enum code read_word(struct arena *a, struct span text,
	struct section *out)
{
	size_t n = span_find(text, ' ');

	for (size_t i = 0; i < WORD_COUNT; i++) {
		if (!span_eq_fold(span_head(text, n), words[i].name) ||
			(words[i].of_part && out->depth == 0))
			continue;
		out->what = words[i].what;
		if (words[i].has_names)
			return read_names(a, span_tail(text, n), out);
		return n == text.n ? OK : SYNTAX;
	}
	return SYNTAX;
}

enum code section_read(struct arena *a, struct span text, struct section *out)
{
	struct span rest = text;
	enum code code;

	*out = (struct section){.what = SECTION_ALL};
	code = read_numbers(a, &rest, out);
	if (code != OK || rest.n == 0)
		return code;
	return read_word(a, rest, out);
}

/* ---- finding ----------------------------------------------------------- */

static bool has_children(const struct mime_tree *t, uint32_t part)
{
	return t->parts[part].end > part + 1;
}

static bool is_multipart(const struct mime_part *p)
{
	return p->kind == MIME_MULTIPART ||
		span_eq_fold(p->type, SPAN("multipart"));
}

/* RFC 9051 9: media-message. */
static bool is_message(const struct mime_part *p)
{
	return p->kind == MIME_MESSAGE ||
		(span_eq_fold(p->type, SPAN("message")) &&
			(span_eq_fold(p->subtype, SPAN("rfc822")) ||
				span_eq_fold(p->subtype, SPAN("global"))));
}

enum section_form section_form(const struct mime_tree *t, uint32_t part)
{
	const struct mime_part *p = &t->parts[part];

	if (is_message(p))
		return has_children(t, part) ? SECTION_MESSAGE :
			SECTION_CLOSED_MESSAGE;
	if (!is_multipart(p))
		return SECTION_LEAF;
	if (has_children(t, part))
		return SECTION_MULTIPART;
	return p->kind == MIME_MULTIPART && !p->is_cut ?
		SECTION_BARE_MULTIPART : SECTION_CLOSED_MULTIPART;
}

/* Where the numbers have led. */
struct place {
	uint32_t part;
	bool is_whole; /* a message whose own number has not been read yet: the
			next number counts in it, 1 being itself if it is no
			multipart */
	bool is_empty; /* the text that is not there, in a bare multipart or a
			closed message */
};

static bool nth_child(const struct mime_tree *t, uint32_t n, struct place *at)
{
	uint32_t i = at->part + 1;

	while (--n > 0 && i != MIME_NONE)
		i = t->parts[i].next;
	*at = (struct place){.part = i};
	return i != MIME_NONE;
}

static bool empty_part(uint32_t n, struct place *at)
{
	*at = (struct place){.part = at->part, .is_empty = true};
	return n == 1;
}

/* Follows one number. */
static bool enter(const struct mime_tree *t, uint32_t n, struct place *at)
{
	enum section_form form = section_form(t, at->part);

	if (at->is_empty)
		return false;
	if (!at->is_whole && form == SECTION_CLOSED_MESSAGE)
		return empty_part(n, at);
	if (!at->is_whole && form == SECTION_MESSAGE) {
		at->part++;
		at->is_whole = true;
		form = section_form(t, at->part);
	}
	if (form == SECTION_MULTIPART)
		return nth_child(t, n, at);
	if (form == SECTION_BARE_MULTIPART)
		return empty_part(n, at);
	if (!at->is_whole || n != 1)
		return false;
	at->is_whole = false;
	return true;
}

/* The message that HEADER and TEXT speak of. */
static bool find_message(const struct mime_tree *t, struct place *at)
{
	enum section_form form = section_form(t, at->part);

	if (at->is_whole)
		return true;
	if (at->is_empty)
		return false;
	if (form == SECTION_MESSAGE)
		at->part++;
	at->is_empty = form == SECTION_CLOSED_MESSAGE;
	return form == SECTION_MESSAGE || at->is_empty;
}

static struct section_range range_of(const struct mime_tree *t,
	const struct place *at, enum section_what what)
{
	const struct mime_part *p = &t->parts[at->part];
	struct section_range range = {p->body_start, p->body_end, at->part};

	if (at->is_empty) {
		range.start = range.end;
	} else if (what != SECTION_ALL && what != SECTION_TEXT) {
		range.start = p->head_start;
		range.end = p->body_start;
	}
	return range;
}

bool section_find(const struct mime_tree *t, const struct section *s,
	struct section_range *out)
{
	struct place at = {.is_whole = true};

	for (size_t i = 0; i < s->depth; i++)
		if (!enter(t, s->numbers[i], &at))
			return false;
	if (s->depth == 0 && s->what == SECTION_ALL) {
		*out = (struct section_range){0, t->size, 0};
		return true;
	}
	if (s->what != SECTION_ALL && s->what != SECTION_MIME &&
		!find_message(t, &at))
		return false;
	*out = range_of(t, &at, s->what);
	return true;
}

void section_cut(struct section_range *r, uint64_t start, uint64_t count)
{
	uint64_t len = r->end - r->start;

	r->start += start < len ? start : len;
	len = r->end - r->start;
	r->end = r->start + (count < len ? count : len);
}

/* ---- fields ------------------------------------------------------------ */

static bool is_named(const struct section *s, struct span name)
{
	for (size_t i = 0; i < s->field_count; i++)
		if (span_eq_fold(s->fields[i], name))
			return true;
	return false;
}

/* What stood between a and b, both of one header. */
static struct span between(const uint8_t *a, const uint8_t *b)
{
	return span_of(a, (size_t)(b - a));
}

/* Lines that are no fields, and the empty line among them. */
static void put_rest(struct buf *out, struct span lines, bool all)
{
	while (lines.n > 0) {
		const uint8_t *start = lines.p;
		struct span line = header_cut_line(&lines);

		if (all || line.n == 0)
			buf_put(out, between(start, lines.p));
	}
}

void section_put_fields(struct buf *out, const struct section *s,
	struct span header)
{
	bool wanted = s->what == SECTION_FIELDS;
	struct span rest = header;
	const uint8_t *start = rest.p;
	struct header_field field;

	while (header_next(&rest, &field)) {
		put_rest(out, between(start, field.name.p), !wanted);
		if (is_named(s, field.name) == wanted)
			buf_put(out, between(field.name.p, rest.p));
		start = rest.p;
	}
	put_rest(out, between(start, header.p + header.n), !wanted);
}
