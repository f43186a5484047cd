/*
 * fuzz_section.c - sections of any message, by any text.
 *
 * The first line is the section, the rest the message.  A range lies in the
 * message; every line of a header is in FIELDS or in FIELDS.NOT; a partial is
 * that piece of the whole; BINARY is the same for every split.
 */
#include <stddef.h>
#include <stdint.h>

#include "message/section.h"
#include "message/section_binary.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct span bytes_of(struct span message, const struct section_range *r)
{
	return span_head(span_tail(message, (size_t)r->start),
		(size_t)(r->end - r->start));
}

static void check_range(const struct mime_tree *t,
	const struct section_range *r, uint64_t seed)
{
	struct section_range cut = *r;

	must(r->start <= r->end && r->end <= t->size && r->part < t->count);
	section_cut(&cut, seed % 100, seed / 100);
	must(r->start <= cut.start && cut.start <= cut.end &&
		cut.end <= r->end);
	must(cut.end - cut.start <= seed / 100);
}

static void check_fields(const struct section *s, struct span header)
{
	struct section other = *s;
	struct buf a, b;

	buf_init(&a, header.n);
	buf_init(&b, header.n);
	other.what = s->what == SECTION_FIELDS ? SECTION_FIELDS_NOT :
		SECTION_FIELDS;
	section_put_fields(&a, s, header);
	section_put_fields(&b, &other, header);
	must(!a.overflow && !b.overflow);
	/* only the empty line is in both */
	must(buf_len(&a) + buf_len(&b) >= header.n);
	must(buf_len(&a) + buf_len(&b) <= header.n + 2);
	buf_clear(&a);
	buf_clear(&b);
}

/* Decodes in pieces of that size; 0: at once. */
static uint64_t decode(const struct mime_tree *t, const struct section *s,
	struct span message, size_t piece, struct buf *out)
{
	struct section_range r;
	struct section_binary b;
	struct span raw;

	must(section_binary_begin(&b, t, s, &r) == OK);
	raw = bytes_of(message, &r);
	if (piece == 0) {
		section_binary_feed(&b, raw, out);
	} else {
		section_binary_cut(&b, piece, piece * 3);
		while (raw.n > 0) {
			section_binary_feed(&b, span_head(raw, piece), out);
			raw = span_tail(raw, piece);
		}
	}
	section_binary_end(&b, out);
	must(!out->overflow);
	return b.size;
}

static void check_binary(const struct mime_tree *t, const struct section *s,
	struct span message)
{
	struct buf whole, part;
	size_t piece = 1 + message.n % 7;
	uint64_t size;

	buf_init(&whole, message.n + SECTION_BINARY_HELD);
	buf_init(&part, message.n + SECTION_BINARY_HELD);
	size = decode(t, s, message, 0, &whole);
	must(size == buf_len(&whole));
	must(decode(t, s, message, piece, &part) == size);
	must(span_eq(buf_span(&part),
		span_head(span_tail(buf_span(&whole), piece), piece * 3)));
	buf_clear(&whole);
	buf_clear(&part);
}

static void check_section(struct arena *a, struct span text,
	struct span message)
{
	const struct mime_tree *t = mime_parse(a, message);
	struct section s;
	struct section_range r;
	struct section_binary b;

	if (section_read(a, text, &s) != OK)
		return;
	if (!section_find(t, &s, &r)) {
		must(s.depth > 0);
		must(section_binary_begin(&b, t, &s, &r) != OK);
		return;
	}
	check_range(t, &r, message.n * 131 + text.n);
	if (s.what == SECTION_FIELDS || s.what == SECTION_FIELDS_NOT)
		check_fields(&s, bytes_of(message, &r));
	if (section_binary_begin(&b, t, &s, &r) == OK)
		check_binary(t, &s, message);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span message = span_of(p, n);
	struct span text = span_cut(&message, '\n');
	struct arena arena;

	arena_init(&arena, MIME_ARENA_BYTES + 32 * n + 4096);
	check_section(&arena, text, message);
	arena_clear(&arena);
	return 0;
}
