/*
 * mime_content.c - the fields of a head that say what a part is.
 * RFC 2045 (Content-Type, -Transfer-Encoding, -ID, -Description), RFC 2183
 * (-Disposition), RFC 1864 (-MD5), RFC 2557 (-Location), RFC 3282 (-Language)
 *
 * A field that stands twice counts once: the first one does, in every view, as
 * in other servers and in Python's email.  What cannot be read is as if it
 * were not there, RFC 2045 5.2.
 *
 * Fields of the message's own are handed to envelope.h.
 */
#include "message/mime_int.h"

#include <string.h>

#include "codec/hex.h"
#include "message/header.h"
#include "message/token.h"

#include "base/banned.h"

/* RFC 2045 5.1 */
static bool is_token_char(uint8_t c)
{
	static const char tspecials[] = "()<>@,;:\\\"/[]?=";

	return c > ' ' && c < 0x7f && strchr(tspecials, c) == NULL;
}

/* What follows the blanks and comments at the start of s; a comment that does
 * not close is none. */
static struct span skip_space(struct span s)
{
	size_t n = 1;

	while (n > 0) {
		s = token_trim_start(s);
		n = s.n > 0 && s.p[0] == '(' ? token_closed_comment_len(s) : 0;
		s = span_tail(s, n);
	}
	return s;
}

static struct span cut_token(struct span *rest)
{
	struct span s = skip_space(*rest);
	struct span token;
	size_t n = 0;

	while (n < s.n && is_token_char(s.p[n]))
		n++;
	token = span_head(s, n);
	*rest = skip_space(span_tail(s, n));
	return token;
}

/* ---- fields ------------------------------------------------------------ */

/* What cannot be read is plain text, in a digest too (RFC 2045 5.2). */
static void take_type(struct arena *a, struct span value,
	struct mime_part *part)
{
	struct span rest = param_list_read(a, arena_dup(a, value),
		&part->params);
	struct span type = cut_token(&rest);
	struct span subtype;

	part->type = SPAN("text");
	part->subtype = SPAN("plain");
	if (type.n == 0 || rest.n == 0 || rest.p[0] != '/')
		return;
	rest = span_tail(rest, 1);
	subtype = cut_token(&rest);
	if (subtype.n == 0)
		return;
	part->type = type;
	part->subtype = subtype;
	part->has_type = true;
}

static void take_disposition(struct arena *a, struct span value,
	struct mime_part *part)
{
	struct span rest = param_list_read(a, arena_dup(a, value),
		&part->disposition_params);

	part->disposition = cut_token(&rest);
}

static void take_encoding(struct arena *a, struct span value,
	struct mime_part *part)
{
	static const struct {
		struct span name;
		enum mime_encoding encoding;
	} rows[] = {
		{SPAN_INIT("7bit"), MIME_7BIT},
		{SPAN_INIT("8bit"), MIME_8BIT},
		{SPAN_INIT("binary"), MIME_BINARY},
		{SPAN_INIT("quoted-printable"), MIME_QP},
		{SPAN_INIT("base64"), MIME_BASE64},
	};
	struct span rest = value;
	struct span name = cut_token(&rest);

	/* "8 bit" and "text/plain" say nothing */
	if (name.n == 0 || (rest.n > 0 && rest.p[0] != ';'))
		return;
	part->encoding_name = arena_dup(a, name);
	part->encoding = MIME_UNKNOWN;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (span_eq_fold(name, rows[i].name))
			part->encoding = rows[i].encoding;
}

static void take_id(struct arena *a, struct span value, struct mime_part *part)
{
	part->id = token_keep_text(a, value);
}

static void take_description(struct arena *a, struct span value,
	struct mime_part *part)
{
	part->description = token_keep_text(a, value);
}

static void take_md5(struct arena *a, struct span value, struct mime_part *part)
{
	part->md5 = token_keep_text(a, value);
}

static void take_location(struct arena *a, struct span value,
	struct mime_part *part)
{
	part->location = token_keep_text(a, value);
}

static void take_language(struct arena *a, struct span value,
	struct mime_part *part)
{
	part->language = token_keep_text(a, value);
}

static const struct content_field {
	struct span name; /* behind "Content-" */
	void (*take)(struct arena *a, struct span value,
		struct mime_part *part);
} fields[] = {
	{SPAN_INIT("Type"), take_type},
	{SPAN_INIT("Transfer-Encoding"), take_encoding},
	{SPAN_INIT("Disposition"), take_disposition},
	{SPAN_INIT("ID"), take_id},
	{SPAN_INIT("Description"), take_description},
	{SPAN_INIT("MD5"), take_md5},
	{SPAN_INIT("Location"), take_location},
	{SPAN_INIT("Language"), take_language},
};

#define FIELDS (sizeof(fields) / sizeof(fields[0]))

/* seen: one bit a row. */
static void take_content(struct arena *a, const struct header_field *field,
	struct mime_part *part, unsigned *seen)
{
	struct span name = span_tail(field->name, SPAN("Content-").n);

	for (unsigned i = 0; i < FIELDS; i++) {
		if (!span_eq_fold(name, fields[i].name))
			continue;
		if ((*seen & 1u << i) == 0)
			fields[i].take(a, field->value, part);
		*seen |= 1u << i;
		return;
	}
}

void mime_head_read(struct mime_heads *h, struct span head,
	struct mime_part *part)
{
	struct header_field field;
	unsigned seen = 0;

	while (header_next(&head, &field)) {
		size_t before = h->arena->used_bytes;

		if (h->kept_bytes >= MESSAGE_HEADS_MAX) {
			h->is_cut = part->is_cut = true;
			return;
		}
		if (span_starts_fold(field.name, SPAN("Content-")))
			take_content(h->arena, &field, part, &seen);
		else if (part->envelope != NULL)
			envelope_take(part->envelope, h->arena, field.name,
				field.value);
		h->kept_bytes += h->arena->used_bytes - before;
	}
}

/* ---- what they mean ---------------------------------------------------- */

/* RFC 2046 5.2.1 forbids encodings of a message; RFC 6532 3.7 allows them for
 * message/global.  Encoded, there is nothing to be read in the raw bytes. */
static bool is_readable_message(const struct mime_part *part)
{
	if (part->encoding == MIME_BASE64 || part->encoding == MIME_QP)
		return false;
	return span_eq_fold(part->subtype, SPAN("rfc822")) ||
		span_eq_fold(part->subtype, SPAN("global"));
}

enum mime_kind mime_content_kind(const struct mime_part *part)
{
	if (span_eq_fold(part->type, SPAN("multipart")))
		return MIME_MULTIPART;
	if (span_eq_fold(part->type, SPAN("message")) &&
		is_readable_message(part))
		return MIME_MESSAGE;
	return MIME_LEAF;
}

/* The bytes of an extended value, "charset'language'%62".  RFC 2231 4
 * Deliberate: the charset is nothing to a boundary, which is bytes. */
static struct span keep_extended(struct arena *a, struct span value)
{
	struct span text = value;
	uint8_t *p = arena_alloc(a, value.n, 1);
	size_t n = 0;

	(void)span_cut(&text, '\'');
	(void)span_cut(&text, '\'');
	while (text.n > 0) {
		int high = text.n > 2 ? hex_digit(text.p[1]) : -1;
		int low = text.n > 2 ? hex_digit(text.p[2]) : -1;
		bool is_pair = text.p[0] == '%' && high >= 0 && low >= 0;

		p[n++] = is_pair ? (uint8_t)(high * 16 + low) : text.p[0];
		text = span_tail(text, is_pair ? 3 : 1);
	}
	return span_of(p, n);
}

static struct span find_boundary(struct arena *a, const struct mime_part *part)
{
	const struct param_list *list = &part->params;

	for (size_t i = 0; i < list->count; i++) {
		const struct param *one = &list->items[i];

		if (span_eq_fold(one->name, SPAN("boundary")))
			return one->value;
		if (span_eq_fold(one->name, SPAN("boundary*")))
			return keep_extended(a, one->value);
	}
	return SPAN_EMPTY;
}

struct span mime_content_boundary(struct arena *a, const struct mime_part *part)
{
	struct span boundary = find_boundary(a, part);

	return token_trim_end(boundary);
}
