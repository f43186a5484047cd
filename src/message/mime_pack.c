/*
 * mime_pack.c - the tree as a compact blob, and back.  See mime.h.
 *
 *	version, size, is_cut, count, then each part in the order of the tree:
 *	bits (below), descendants, three offsets, two counts of lines, type,
 *	subtype, parameters, the texts that HAS_ bits announce, envelope
 *
 * Numbers are varints (seven bits a byte, the low ones first), texts have their
 * length before them.  An offset is told from the one before it: the end of the
 * sibling before, or the start of the parent's body.
 *
 * What is read back is checked as a whole: a tree that no parser can make is
 * not taken, and its memory is that of a parsed one at most.
 */
#include "message/mime_int.h"

#include "base/err.h"

#include "base/banned.h"

#define VERSION 1
/* A part's bytes at least: eight numbers and two texts of one byte. */
#define PART_BYTES_MIN 12
/* What one part may take of the arena; is below what is left for it. */
#define PART_ARENA_BYTES (12u << 20)

/* Bits of a part, above kind (2 bits) and encoding (3 bits). */
enum {
	IS_CUT = 1u << 5,
	HAS_8BIT = 1u << 6,
	HAS_NUL = 1u << 7,
	HAS_TYPE = 1u << 8,
	HAS_ENVELOPE = 1u << 9,
	HAS_DISPOSITION_PARAMS = 1u << 10,
	HAS_TEXTS = 1u << 11, /* and above it one for each row of texts */
};

static const size_t texts[] = {
	offsetof(struct mime_part, disposition),
	offsetof(struct mime_part, encoding_name),
	offsetof(struct mime_part, id),
	offsetof(struct mime_part, description),
	offsetof(struct mime_part, md5),
	offsetof(struct mime_part, location),
	offsetof(struct mime_part, language),
};

#define TEXTS    (sizeof(texts) / sizeof(texts[0]))
#define ALL_BITS ((uint64_t)HAS_TEXTS << TEXTS)

static struct span *text_of(struct mime_part *part, size_t row)
{
	return (struct span *)(void *)((uint8_t *)part + texts[row]);
}

/* ---- writing ------------------------------------------------------------- */

static void put_number(struct buf *out, uint64_t n)
{
	for (; n >= 0x80; n >>= 7)
		buf_putc(out, (uint8_t)(n | 0x80));
	buf_putc(out, (uint8_t)n);
}

static void put_text(struct buf *out, struct span text)
{
	put_number(out, text.n);
	buf_put(out, text);
}

static void put_params(struct buf *out, const struct param_list *list)
{
	put_number(out, list->count);
	for (size_t i = 0; i < list->count; i++) {
		put_text(out, list->items[i].name);
		put_text(out, list->items[i].value);
	}
}

static void put_envelope(struct buf *out, const struct envelope *e)
{
	struct buf packed;

	buf_init(&packed, buf_left(out));
	envelope_pack(e, &packed);
	out->overflow |= packed.overflow;
	put_text(out, buf_span(&packed));
	buf_clear(&packed);
}

static uint64_t bits_of(struct mime_part *part)
{
	uint64_t bits = (uint64_t)part->kind | (uint64_t)part->encoding << 2;

	bits |= part->is_cut ? IS_CUT : 0;
	bits |= part->has_8bit ? HAS_8BIT : 0;
	bits |= part->has_nul ? HAS_NUL : 0;
	bits |= part->has_type ? HAS_TYPE : 0;
	bits |= part->disposition_params.count > 0 ? HAS_DISPOSITION_PARAMS : 0;
	if (part->envelope != NULL && part->parent != MIME_NONE)
		bits |= HAS_ENVELOPE;
	for (size_t i = 0; i < TEXTS; i++)
		if (text_of(part, i)->n > 0)
			bits |= (uint64_t)HAS_TEXTS << i;
	return bits;
}

/* from: what head_start is told from. */
static void put_part(struct buf *out, struct mime_part *part, uint32_t inner,
	uint64_t from)
{
	uint64_t bits = bits_of(part);

	put_number(out, bits);
	put_number(out, inner);
	put_number(out, part->head_start - from);
	put_number(out, part->body_start - part->head_start);
	put_number(out, part->body_end - part->body_start);
	put_number(out, part->head_lines);
	put_number(out, part->body_lines);
	put_text(out, part->type);
	put_text(out, part->subtype);
	put_params(out, &part->params);
	if (bits & HAS_DISPOSITION_PARAMS)
		put_params(out, &part->disposition_params);
	for (size_t i = 0; i < TEXTS; i++)
		if (text_of(part, i)->n > 0)
			put_text(out, *text_of(part, i));
	if (bits & HAS_ENVELOPE)
		put_envelope(out, part->envelope);
}

/* Where the bytes before part i end that are no head and body of their own:
 * i - 1 is its parent, or ends with the sibling before it. */
static uint64_t told_from(const struct mime_part *parts, uint32_t i)
{
	uint32_t before = i - 1;

	if (i == 0)
		return 0;
	if (parts[i].parent == before)
		return parts[before].body_start;
	while (parts[before].parent != parts[i].parent)
		before = parts[before].parent;
	return parts[before].body_end;
}

void mime_tree_pack(const struct mime_tree *t, struct buf *out)
{
	buf_putc(out, VERSION);
	put_number(out, t->size);
	put_number(out, t->is_cut);
	put_number(out, t->count);
	for (uint32_t i = 0; i < t->count; i++)
		put_part(out, &t->parts[i], t->parts[i].end - i - 1,
			told_from(t->parts, i));
}

/* ---- reading ------------------------------------------------------------- */

struct unpacker {
	struct span rest;
	bool is_bad; /* sticky */
	struct arena *arena;
	size_t arena_start; /* bytes used before */
	struct mime_part *parts;
	uint32_t count;
	uint32_t depth; /* of the part that is read */
};

static uint64_t get_long_number(struct unpacker *u, uint64_t max)
{
	uint64_t n = 0;

	for (unsigned shift = 0; shift < 63 && u->rest.n > 0; shift += 7) {
		uint8_t byte = u->rest.p[0];

		u->rest = span_tail(u->rest, 1);
		n |= (uint64_t)(byte & 0x7f) << shift;
		if (byte & 0x80)
			continue;
		u->is_bad |= n > max;
		return n > max ? 0 : n;
	}
	u->is_bad = true;
	return 0;
}

/* Nearly every number is one byte. */
static inline uint64_t get_number(struct unpacker *u, uint64_t max)
{
	uint64_t n;

	if (u->rest.n == 0 || u->rest.p[0] >= 0x80)
		return get_long_number(u, max);
	n = u->rest.p[0];
	u->rest.p++;
	u->rest.n--;
	if (n <= max)
		return n;
	u->is_bad = true;
	return 0;
}

static struct span get_text(struct unpacker *u)
{
	size_t n = (size_t)get_number(u, u->rest.n);
	struct span text = span_head(u->rest, n);

	u->is_bad |= text.n < n;
	u->rest = span_tail(u->rest, n);
	return text;
}

static bool get_bool(struct unpacker *u)
{
	return get_number(u, 1) == 1;
}

static void get_params(struct unpacker *u, struct param_list *out)
{
	size_t count = (size_t)get_number(u, MESSAGE_PARAMS_MAX);

	if (count == 0 || count > u->rest.n)
		return;
	out->items = arena_alloc(u->arena, count, sizeof(*out->items));
	out->count = count;
	for (size_t i = 0; i < count; i++) {
		out->items[i].name = get_text(u);
		out->items[i].value = get_text(u);
	}
}

static void get_envelope(struct unpacker *u, struct mime_part *part)
{
	struct span packed = get_text(u);

	part->envelope = ARENA_NEW(u->arena, struct envelope);
	u->is_bad = u->is_bad ||
		!envelope_unpack(u->arena, packed, part->envelope);
}

/* The part that part i is in: the innermost one before it that has not ended. */
static uint32_t parent_of(struct unpacker *u, uint32_t i)
{
	uint32_t parent = i - 1;

	if (i == 0)
		return MIME_NONE;
	u->depth++;
	while (u->parts[parent].end <= i) {
		parent = u->parts[parent].parent;
		u->depth--;
	}
	return parent;
}

/* Bits, place in the tree, place in the message. */
static uint64_t get_place(struct unpacker *u, uint32_t i, uint64_t size)
{
	struct mime_part *part = &u->parts[i];
	uint64_t bits = get_number(u, ALL_BITS - 1);
	uint64_t limit = size;
	uint32_t end = u->count;

	part->parent = parent_of(u, i);
	part->next = MIME_NONE;
	if (part->parent != MIME_NONE) {
		limit = u->parts[part->parent].body_end;
		end = u->parts[part->parent].end;
	}
	part->end = i + 1 + (uint32_t)get_number(u, end - i - 1);
	part->head_start = told_from(u->parts, i);
	part->head_start += get_number(u, limit - part->head_start);
	part->body_start = part->head_start +
		get_number(u, limit - part->head_start);
	part->body_end = part->body_start +
		get_number(u, limit - part->body_start);
	part->head_lines = (uint32_t)get_number(u, UINT32_MAX);
	part->body_lines = (uint32_t)get_number(u, UINT32_MAX);
	return bits;
}

static void link_part(struct unpacker *u, uint32_t i)
{
	uint32_t before = i - 1, parent = u->parts[i].parent;

	if (i == 0 || before == parent)
		return;
	while (u->parts[before].parent != parent)
		before = u->parts[before].parent;
	u->parts[before].next = i;
}

static void get_part(struct unpacker *u, uint32_t i, uint64_t size)
{
	struct mime_part *part = &u->parts[i];
	uint64_t bits = get_place(u, i, size);

	part->kind = (enum mime_kind)(bits & 3);
	part->encoding = (enum mime_encoding)(bits >> 2 & 7);
	part->is_cut = (bits & IS_CUT) != 0;
	part->has_8bit = (bits & HAS_8BIT) != 0;
	part->has_nul = (bits & HAS_NUL) != 0;
	part->has_type = (bits & HAS_TYPE) != 0;
	part->type = get_text(u);
	part->subtype = get_text(u);
	get_params(u, &part->params);
	if (bits & HAS_DISPOSITION_PARAMS)
		get_params(u, &part->disposition_params);
	for (size_t row = 0; row < TEXTS; row++)
		if (bits & (uint64_t)HAS_TEXTS << row)
			*text_of(part, row) = get_text(u);
	if (bits & HAS_ENVELOPE)
		get_envelope(u, part);
	link_part(u, i);
}

/* Can a parser have made this part? */
static bool is_sound(const struct unpacker *u, uint32_t i)
{
	const struct mime_part *part = &u->parts[i];
	const struct mime_part *parent =
		i == 0 ? NULL : &u->parts[part->parent];
	bool is_message = parent != NULL && parent->kind == MIME_MESSAGE;

	if (part->kind > MIME_MESSAGE || part->encoding > MIME_UNKNOWN)
		return false;
	if (part->type.n == 0 || part->subtype.n == 0)
		return false;
	if (u->depth > MESSAGE_DEPTH_MAX)
		return false;
	if (parent == NULL && part->end != u->count)
		return false;
	if (parent != NULL && parent->kind == MIME_LEAF)
		return false;
	if (part->kind == MIME_MESSAGE && part->end == i + 1)
		return false;
	if (is_message && part->end != parent->end)
		return false;
	return is_message == (part->envelope != NULL);
}

bool mime_tree_unpack(struct arena *a, struct span packed,
	struct mime_tree *out)
{
	struct unpacker u = {.rest = packed, .arena = a};

	if (get_number(&u, UINT64_MAX) != VERSION)
		return false;
	u.arena_start = a->used_bytes;
	*out = (struct mime_tree){.size = get_number(&u, UINT64_MAX >> 1)};
	out->is_cut = get_bool(&u);
	u.count = out->count = (uint32_t)get_number(&u, MESSAGE_PARTS_MAX);
	if (u.is_bad || u.count == 0 || u.count > u.rest.n / PART_BYTES_MIN)
		return false;
	u.parts = out->parts = arena_alloc(a, u.count, sizeof(*u.parts));
	for (uint32_t i = 0; i < u.count; i++) {
		if (a->used_bytes - u.arena_start >
			MIME_ARENA_BYTES - PART_ARENA_BYTES)
			return false;
		get_part(&u, i, out->size);
		if (u.is_bad || !is_sound(&u, i))
			return false;
	}
	return u.rest.n == 0 && u.parts[0].head_start == 0 &&
		u.parts[0].body_end == out->size;
}
