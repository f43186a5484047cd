/*
 * envelope_pack.c - an envelope as bytes for the store.  See envelope.h.
 *
 *	envelope   version, 5 texts, 6 lists
 *	text       number: 0 not there, else length + 1; bytes
 *	list       number: 0 not there, else 1 + count * 2 + is_cut; addresses
 *	address    kind | HAS_...; for each part that it has: length, bytes
 *	number     7 bits a byte, the lowest first, the eighth: more follow
 *
 * Reading believes nothing: lengths and counts are checked against what is
 * left, and a form that packing would not have made is refused.
 */
#include "message/envelope.h"

#include <stddef.h>

#include "message/limits.h"

#include "base/banned.h"

#define VERSION 1

#define KIND_MASK 0x03
#define PART_BIT(i) (4u << (i))
#define PARTS 4
#define TAG_MAX 0x3f

/* ---- order ------------------------------------------------------------- */

static const size_t texts[] = {
	offsetof(struct envelope, date),
	offsetof(struct envelope, subject),
	offsetof(struct envelope, in_reply_to),
	offsetof(struct envelope, message_id),
	offsetof(struct envelope, references),
};
#define TEXTS (sizeof(texts) / sizeof(texts[0]))

static const size_t lists[] = {
	offsetof(struct envelope, from),
	offsetof(struct envelope, sender),
	offsetof(struct envelope, reply_to),
	offsetof(struct envelope, to),
	offsetof(struct envelope, cc),
	offsetof(struct envelope, bcc),
};
#define LISTS (sizeof(lists) / sizeof(lists[0]))

/* ---- writing ------------------------------------------------------------- */

static void put_number(struct buf *out, uint64_t n)
{
	for (; n >= 0x80; n >>= 7)
		buf_putc(out, (uint8_t)(n | 0x80));
	buf_putc(out, (uint8_t)n);
}

static void put_text(struct buf *out, struct span text)
{
	put_number(out, text.p == NULL ? 0 : text.n + 1);
	buf_put(out, text);
}

static void put_address(struct buf *out, const struct address *one)
{
	const struct span parts[PARTS] = {one->name, one->route, one->local,
		one->domain};
	uint8_t tag = (uint8_t)one->kind;

	for (size_t i = 0; i < PARTS; i++)
		if (parts[i].n > 0)
			tag |= (uint8_t)PART_BIT(i);
	buf_putc(out, tag);
	for (size_t i = 0; i < PARTS; i++)
		if (parts[i].n > 0) {
			put_number(out, parts[i].n);
			buf_put(out, parts[i]);
		}
}

static void put_list(struct buf *out, const struct address_list *list)
{
	put_number(out, list->items == NULL
			? 0
			: 1 + (uint64_t)list->count * 2 + list->is_cut);
	for (size_t i = 0; i < list->count; i++)
		put_address(out, &list->items[i]);
}

void envelope_pack(const struct envelope *e, struct buf *out)
{
	const uint8_t *base = (const uint8_t *)e;

	buf_putc(out, VERSION);
	for (size_t i = 0; i < TEXTS; i++)
		put_text(out, *(const struct span *)(base + texts[i]));
	for (size_t i = 0; i < LISTS; i++)
		put_list(out, (const struct address_list *)(base + lists[i]));
}

/* ---- reading ------------------------------------------------------------- */

static bool get_byte(struct span *in, uint8_t *out)
{
	if (in->n == 0)
		return false;
	*out = in->p[0];
	*in = span_tail(*in, 1);
	return true;
}

/* Only the shortest form: of one value there is one packed form. */
static bool get_long_number(struct span *in, uint64_t *out)
{
	uint8_t byte = 0x80;

	*out = 0;
	for (unsigned shift = 0; byte >= 0x80; shift += 7) {
		if (shift > 35 || !get_byte(in, &byte))
			return false;
		if (byte == 0 && shift > 0)
			return false;
		*out |= (uint64_t)(byte & 0x7f) << shift;
	}
	return true;
}

/* Nearly every number is one byte. */
static inline bool get_number(struct span *in, uint64_t *out)
{
	if (in->n == 0 || in->p[0] >= 0x80)
		return get_long_number(in, out);
	*out = in->p[0];
	in->p++;
	in->n--;
	return true;
}

static bool get_bytes(struct span *in, uint64_t n, struct span *out)
{
	if (n > in->n)
		return false;
	*out = span_head(*in, (size_t)n);
	*in = span_tail(*in, (size_t)n);
	return true;
}

static bool get_text(struct span *in, struct span *out)
{
	uint64_t n;

	*out = SPAN_EMPTY;
	if (!get_number(in, &n))
		return false;
	return n == 0 || get_bytes(in, n - 1, out);
}

static bool get_address(struct span *in, struct address *out)
{
	struct span *const parts[PARTS] = {&out->name, &out->route, &out->local,
		&out->domain};
	uint64_t n;
	uint8_t tag;

	*out = (struct address){0};
	if (!get_byte(in, &tag) || tag > TAG_MAX ||
		(tag & KIND_MASK) > ADDRESS_GROUP_END)
		return false;
	out->kind = (enum address_kind)(tag & KIND_MASK);
	for (size_t i = 0; i < PARTS; i++)
		if ((tag & PART_BIT(i)) != 0 &&
			(!get_number(in, &n) || n == 0 ||
				!get_bytes(in, n, parts[i])))
			return false;
	return true;
}

/* A group begins outside of one and always ends. */
static bool groups_are_whole(const struct address_list *list)
{
	bool in_group = false;

	for (size_t i = 0; i < list->count; i++) {
		enum address_kind kind = list->items[i].kind;

		if (kind == ADDRESS_MAILBOX)
			continue;
		if (in_group != (kind == ADDRESS_GROUP_END))
			return false;
		in_group = !in_group;
	}
	return !in_group;
}

static bool get_list(struct arena *a, struct span *in, struct address_list *out)
{
	uint64_t n;
	size_t left = a->cap_bytes - a->used_bytes;

	*out = (struct address_list){0};
	if (!get_number(in, &n))
		return false;
	if (n == 0)
		return true;
	out->is_cut = ((n - 1) & 1) != 0;
	n = (n - 1) / 2;
	/* an address has at least a byte; the last group's end is one more */
	if (n > in->n || n > MESSAGE_ADDRESSES_MAX + 1 ||
		(n + 2) * sizeof(struct address) > left)
		return false;
	/* one more, so that an empty list is not one that was not there */
	out->items = arena_alloc(a, (size_t)n + 1, sizeof(struct address));
	for (; out->count < n; out->count++)
		if (!get_address(in, &out->items[out->count]))
			return false;
	return groups_are_whole(out);
}

bool envelope_unpack(struct arena *a, struct span packed, struct envelope *out)
{
	uint8_t *base = (uint8_t *)out;
	uint8_t version;

	*out = (struct envelope){0};
	if (!get_byte(&packed, &version) || version != VERSION)
		return false;
	for (size_t i = 0; i < TEXTS; i++)
		if (!get_text(&packed, (struct span *)(base + texts[i])))
			return false;
	for (size_t i = 0; i < LISTS; i++)
		if (!get_list(a, &packed,
			    (struct address_list *)(base + lists[i])))
			return false;
	return packed.n == 0;
}
