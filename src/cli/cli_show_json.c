/*
 * cli_show_json.c - everything that is known of a message, as one JSON object
 * on one line.
 *
 *	{"size", "is_cut", "preview",
 *	 "text_body", "html_body", "attachments": [number …], "has_attachment",
 *	 "parts": [{"part", "depth", "kind", "type", "charset", "disposition",
 *	   "name", "cid", "location", "language", "encoding", "head_start",
 *	   "body_start", "body_end", "head_lines", "body_lines", "octets",
 *	   "is_cut", "headers": [{"name", "value", "text"} …],
 *	   "message": what its head says, where a message begins,
 *	   "value", "is_encoding_problem": its text, of a text} …]}
 *
 * A text of any size goes through in pieces.
 */
#include "base/json.h"
#include "cli/cli_show_int.h"
#include "message/body_text.h"
#include "message/header.h"
#include "message/header_form.h"
#include "message/preview.h"

#include "base/banned.h"

#define SLICE         4096
#define CHARS_MAX     (SLICE * BODY_TEXT_GROWTH + 8192)
#define PREVIEW_LOOKS (64u << 10) /* bytes of the message */
#define FIELD_MAX     (8u << 20)
#define NUMBER_MAX    2048

struct view {
	struct show *show;
	struct json json;
};

static void put_name(struct view *v, const char *name)
{
	json_put_name(&v->json, span_str(name));
}

static void put_u64(struct view *v, const char *name, uint64_t value)
{
	put_name(v, name);
	json_put_u64(&v->json, value);
}

static void put_bool(struct view *v, const char *name, bool value)
{
	put_name(v, name);
	json_put_bool(&v->json, value);
}

/* A text that may be missing. */
static void put_text(struct view *v, const char *name, struct span text)
{
	put_name(v, name);
	if (text.n == 0)
		json_put_null(&v->json);
	else
		json_put_string(&v->json, text);
}

static void put_number(struct view *v, uint32_t part)
{
	struct buf number;

	buf_init(&number, NUMBER_MAX);
	jmap_put_part_id(&number, v->show->tree, v->show->ordinals, part);
	if (buf_len(&number) == 0)
		json_put_null(&v->json);
	else
		json_put_string(&v->json, buf_span(&number));
	buf_clear(&number);
}

/* ---- the head ------------------------------------------------------- */

static void put_decoded(struct view *v, const char *name, struct span value)
{
	struct buf text;

	put_name(v, name);
	if (value.p == NULL) {
		json_put_null(&v->json);
		return;
	}
	buf_init(&text, FIELD_MAX);
	header_form_put_text(&text, value);
	json_put_string(&v->json, buf_span(&text));
	buf_clear(&text);
}

static void put_raw(struct view *v, const char *name, struct span value)
{
	struct buf text;

	put_name(v, name);
	buf_init(&text, FIELD_MAX);
	header_form_put_raw(&text, value);
	json_put_string(&v->json, buf_span(&text));
	buf_clear(&text);
}

static void put_headers(struct view *v, uint32_t part)
{
	struct span rest = show_head(v->show, part);
	struct header_field field;

	put_name(v, "headers");
	json_open_array(&v->json);
	while (header_next(&rest, &field)) {
		json_open_object(&v->json);
		put_name(v, "name");
		json_put_string(&v->json, field.name);
		put_raw(v, "value", field.value);
		put_decoded(v, "text", field.value);
		json_close_object(&v->json);
		show_flush(v->show);
	}
	json_close_array(&v->json);
	arena_reset(&v->show->scratch);
}

static void put_addresses(struct view *v, const char *name,
	const struct address_list *list)
{
	struct header_mailboxes boxes;

	header_form_addresses_of(&v->show->scratch, list, &boxes);
	put_name(v, name);
	json_open_array(&v->json);
	for (size_t i = 0; i < boxes.count; i++) {
		json_open_object(&v->json);
		put_text(v, "name", boxes.items[i].name);
		put_name(v, "email");
		json_put_string(&v->json, boxes.items[i].email);
		json_close_object(&v->json);
		show_flush(v->show);
	}
	json_close_array(&v->json);
	arena_reset(&v->show->scratch);
}

static void put_ids(struct view *v, const char *name, struct span value)
{
	struct header_strings ids;

	put_name(v, name);
	if (!header_form_message_ids(&v->show->scratch, value, &ids)) {
		json_put_null(&v->json);
		return;
	}
	json_open_array(&v->json);
	for (size_t i = 0; i < ids.count; i++)
		json_put_string(&v->json, ids.items[i]);
	json_close_array(&v->json);
	arena_reset(&v->show->scratch);
}

static void put_date(struct view *v, const struct envelope *e)
{
	struct date date;
	bool is_read = envelope_sent(e, &date);

	put_name(v, "date");
	if (is_read)
		json_put_i64(&v->json, date.seconds);
	else
		json_put_null(&v->json);
	put_name(v, "zone_min");
	if (is_read && !date.is_zone_unknown)
		json_put_i64(&v->json, date.zone_min);
	else
		json_put_null(&v->json);
}

static void put_message(struct view *v, const struct envelope *e)
{
	put_name(v, "message");
	json_open_object(&v->json);
	put_decoded(v, "subject", e->subject);
	put_date(v, e);
	put_addresses(v, "from", &e->from);
	put_addresses(v, "sender", &e->sender);
	put_addresses(v, "reply_to", &e->reply_to);
	put_addresses(v, "to", &e->to);
	put_addresses(v, "cc", &e->cc);
	put_addresses(v, "bcc", &e->bcc);
	put_ids(v, "message_id", e->message_id);
	put_ids(v, "in_reply_to", e->in_reply_to);
	put_ids(v, "references", e->references);
	json_close_object(&v->json);
}

/* ---- parts ---------------------------------------------------------- */

static const char *const kinds[] = {
	[MIME_LEAF] = "leaf",
	[MIME_MULTIPART] = "multipart",
	[MIME_MESSAGE] = "message",
};

static const char *const encodings[] = {
	[MIME_7BIT] = "7bit",
	[MIME_8BIT] = "8bit",
	[MIME_BINARY] = "binary",
	[MIME_QP] = "quoted-printable",
	[MIME_BASE64] = "base64",
	[MIME_UNKNOWN] = "unknown",
};

static void put_about(struct view *v, const struct mime_part *p)
{
	struct jmap_part about;

	jmap_part_read(&v->show->scratch, p, &about);
	put_text(v, "type", about.type);
	put_text(v, "charset", about.charset);
	put_text(v, "disposition", about.disposition);
	put_text(v, "name", about.name);
	put_text(v, "cid", about.cid);
	put_text(v, "location", about.location);
	put_text(v, "language", about.language);
	put_text(v, "encoding", span_str(encodings[p->encoding]));
	arena_reset(&v->show->scratch);
}

static void put_place(struct view *v, const struct mime_part *p)
{
	put_u64(v, "head_start", p->head_start);
	put_u64(v, "body_start", p->body_start);
	put_u64(v, "body_end", p->body_end);
	put_u64(v, "head_lines", p->head_lines);
	put_u64(v, "body_lines", p->body_lines);
	put_bool(v, "is_cut", p->is_cut);
}

static void feed_value(struct view *v, struct body_text *text,
	struct span piece, struct buf *chars)
{
	for (; piece.n > 0; piece = span_tail(piece, SLICE)) {
		body_text_feed(text, span_head(piece, SLICE), chars);
		json_feed_string(&v->json, buf_span(chars));
		buf_reset(chars);
		show_flush(v->show);
	}
}

static void put_value(struct view *v, const struct mime_part *p)
{
	struct body_text text;
	struct buf chars;
	struct span piece;

	put_name(v, "value");
	json_begin_string(&v->json);
	buf_init(&chars, CHARS_MAX);
	body_text_init(&text, p);
	for (uint64_t at = p->body_start;; at += piece.n) {
		piece = show_read(v->show, at, p->body_end);
		if (piece.n == 0)
			break;
		feed_value(v, &text, piece, &chars);
	}
	body_text_end(&text, &chars);
	json_feed_string(&v->json, buf_span(&chars));
	json_end_string(&v->json);
	put_bool(v, "is_encoding_problem", text.is_text_damaged ||
		p->encoding == MIME_UNKNOWN);
	buf_clear(&chars);
}

static uint64_t depth_of(const struct mime_tree *t, uint32_t part)
{
	uint64_t depth = 0;

	while (t->parts[part].parent != MIME_NONE) {
		part = t->parts[part].parent;
		depth++;
	}
	return depth;
}

static void put_part(struct view *v, uint32_t part)
{
	const struct mime_part *p = &v->show->tree->parts[part];

	json_open_object(&v->json);
	put_name(v, "part");
	put_number(v, part);
	put_u64(v, "depth", depth_of(v->show->tree, part));
	put_text(v, "kind", span_str(kinds[p->kind]));
	put_about(v, p);
	put_place(v, p);
	put_u64(v, "octets", show_octets(v->show, part));
	put_headers(v, part);
	if (p->envelope != NULL)
		put_message(v, p->envelope);
	if (p->kind == MIME_LEAF && span_eq_fold(p->type, SPAN("text")))
		put_value(v, p);
	json_close_object(&v->json);
	show_flush(v->show);
}

/* ---- the message ---------------------------------------------------- */

static void put_list(struct view *v, const char *name,
	const struct jmap_parts *list)
{
	put_name(v, name);
	json_open_array(&v->json);
	for (uint32_t i = 0; i < list->count; i++)
		put_number(v, list->items[i]);
	json_close_array(&v->json);
	show_flush(v->show);
}

static void put_preview(struct view *v)
{
	struct buf text;
	struct span beginning = show_read(v->show, 0, PREVIEW_LOOKS);

	buf_init(&text, PREVIEW_BYTES_MAX);
	preview_put(&text, &v->show->scratch, v->show->tree, beginning);
	put_name(v, "preview");
	json_put_string(&v->json, buf_span(&text));
	buf_clear(&text);
	arena_reset(&v->show->scratch);
}

void show_json(struct show *s)
{
	struct view v = {.show = s};
	struct jmap_bodies bodies;

	json_init(&v.json, &s->out);
	jmap_bodies_find(&s->arena, s->tree, &bodies);
	json_open_object(&v.json);
	put_u64(&v, "size", s->size);
	put_bool(&v, "is_cut", s->tree->is_cut);
	put_preview(&v);
	put_list(&v, "text_body", &bodies.text);
	put_list(&v, "html_body", &bodies.html);
	put_list(&v, "attachments", &bodies.attachments);
	put_bool(&v, "has_attachment", bodies.has_attachment);
	put_name(&v, "parts");
	json_open_array(&v.json);
	for (uint32_t part = 0; part < s->tree->count && !s->has_failed; part++)
		put_part(&v, part);
	json_close_array(&v.json);
	json_close_object(&v.json);
	buf_putc(&s->out, '\n');
}
