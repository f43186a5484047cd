/*
 * fuzz_jmap_view.c - the bodies, numbers, texts and preview of any message.
 *
 * No list holds a part twice; every part that JMAP sees is in the lists that
 * RFC 8621 4.1.4 defines; a number leads back to its part; every text is UTF-8.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/utf8.h"
#include "message/body_text.h"
#include "message/header.h"
#include "message/header_form.h"
#include "message/jmap_part.h"
#include "message/jmap_view.h"
#include "message/preview.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum list { TEXT = 1, HTML = 2, FILES = 4 };

static void mark(uint8_t *marks, const struct jmap_parts *list, uint8_t bit)
{
	for (uint32_t i = 0; i < list->count; i++) {
		uint32_t part = list->items[i];

		must(i == 0 || list->items[i - 1] < part);
		must((marks[part] & bit) == 0);
		marks[part] |= bit;
	}
}

static bool is_media(const struct mime_part *p)
{
	return span_eq_fold(p->type, SPAN("image")) ||
		span_eq_fold(p->type, SPAN("audio")) ||
		span_eq_fold(p->type, SPAN("video"));
}

static void check_lists(struct arena *a, const struct mime_tree *t)
{
	struct jmap_bodies b;
	uint8_t *marks = arena_alloc(a, t->count, 1);
	uint32_t next;

	jmap_bodies_find(a, t, &b);
	mark(marks, &b.text, TEXT);
	mark(marks, &b.html, HTML);
	mark(marks, &b.attachments, FILES);
	for (uint32_t i = 0; i < t->count; i = next) {
		const struct mime_part *p = &t->parts[i];
		uint8_t bodies = marks[i] & (TEXT | HTML);
		bool is_file = bodies == 0 ||
			(is_media(p) && bodies != (TEXT | HTML));

		next = p->kind == MIME_MESSAGE ? p->end : i + 1;
		if (p->kind == MIME_MULTIPART)
			must(marks[i] == 0);
		else
			must(is_file == ((marks[i] & FILES) != 0));
	}
	must(!b.has_attachment || b.attachments.count > 0);
}

static void check_numbers(struct arena *a, const struct mime_tree *t)
{
	const uint32_t *ordinals = jmap_ordinals(a, t);
	struct buf id;

	buf_init(&id, 4096);
	for (uint32_t part = 0; part < t->count; part++) {
		uint32_t found = MIME_NONE;

		buf_reset(&id);
		jmap_put_part_id(&id, t, ordinals, part);
		must(!id.overflow);
		if (buf_len(&id) > 0)
			must(jmap_part_of_id(t, buf_span(&id), &found) &&
				found == part);
	}
	buf_clear(&id);
}

static void check_value(struct span message, const struct mime_part *p,
	struct arena *a)
{
	struct span body = span_head(span_tail(message, (size_t)p->body_start),
		(size_t)(p->body_end - p->body_start));
	size_t max = body.n / 3;
	struct jmap_value value;
	struct jmap_part about;
	struct buf out, bytes;

	buf_init(&out, body.n * BODY_TEXT_GROWTH + JMAP_VALUE_SLACK);
	buf_init(&bytes, body.n + 64);
	jmap_part_read(a, p, &about);
	must(about.type.n >= 1);
	jmap_put_value(&out, p, body, true, 0, &value);
	must(!out.overflow && !value.is_truncated);
	must(utf8_is_valid(buf_span(&out)));
	buf_reset(&out);
	jmap_put_value(&out, p, body, false, max, &value);
	must(max == 0 || buf_len(&out) <= max);
	must(!out.overflow && value.is_truncated);
	must(utf8_is_valid(buf_span(&out)));
	(void)body_put_bytes(&bytes, p, message);
	must(!bytes.overflow);
	buf_clear(&out);
	buf_clear(&bytes);
}

static void check_preview(struct span message, struct arena *a,
	const struct mime_tree *t)
{
	struct span text;
	struct buf out;
	size_t chars = 0;

	buf_init(&out, PREVIEW_BYTES_MAX);
	preview_put(&out, a, t, span_head(message, message.n / 2));
	buf_reset(&out);
	preview_put(&out, a, t, message);
	must(!out.overflow);
	for (text = buf_span(&out); text.n > 0; chars++) {
		must(utf8_char_len(text) > 0);
		must(text.p[0] >= ' ' && text.p[0] != 0x7f);
		text = span_tail(text, utf8_char_len(text));
	}
	must(chars <= PREVIEW_CHARS_MAX);
	buf_clear(&out);
}

static void check_headers(struct span message, struct arena *a)
{
	struct header_field field;
	struct header_groups groups;
	struct header_strings strings;
	struct buf out;

	buf_init(&out, message.n * 12 + 4096);
	while (header_next(&message, &field)) {
		buf_reset(&out);
		header_form_put_raw(&out, field.value);
		header_form_put_text(&out, field.value);
		must(!out.overflow && utf8_is_valid(buf_span(&out)));
		header_form_groups(a, field.value, &groups);
		for (size_t i = 0; i < groups.count; i++)
			for (size_t k = 0; k < groups.items[i].count; k++)
				must(utf8_is_valid(
					groups.items[i].items[k].email));
		if (header_form_urls(a, field.value, &strings))
			must(utf8_is_valid(strings.items[0]));
		if (header_form_message_ids(a, field.value, &strings))
			must(utf8_is_valid(strings.items[0]));
		arena_reset(a);
	}
	buf_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span message = span_of(p, n);
	struct arena arena, scratch;
	const struct mime_tree *t;

	arena_init(&arena, 2 * MIME_ARENA_BYTES);
	arena_init(&scratch, 64u << 20);
	t = mime_parse(&arena, message);
	check_lists(&arena, t);
	check_numbers(&arena, t);
	check_preview(message, &arena, t);
	for (uint32_t part = 0; part < t->count; part++)
		check_value(message, &t->parts[part], &scratch);
	arena_clear(&scratch);
	check_headers(message, &scratch);
	arena_clear(&scratch);
	arena_clear(&arena);
	return 0;
}
