/*
 * fuzz_address.c - lists of addresses in header fields.
 *
 * Groups are whole, no text holds a control character, every text is a part of
 * the value or shorter; and each address that is put is read again as itself.
 */
#include <stddef.h>
#include <stdint.h>

#include "message/address.h"
#include "message/limits.h"

#define ARENA_BYTES (32u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct span text, size_t size)
{
	must(text.n <= size);
	for (size_t i = 0; i < text.n; i++)
		must(text.p[i] >= ' ' || text.p[i] == '\t');
}

static void check_again(const struct address *one, size_t size)
{
	struct arena arena;
	struct address_list list = {0};
	struct buf text;

	if (one->local.n + one->domain.n == 0)
		return;
	arena_init(&arena, ARENA_BYTES);
	buf_init(&text, size * 2 + 16);
	address_put(&text, one);
	must(!text.overflow);
	address_list_read(&arena, buf_span(&text), &list);
	must(list.count == 1);
	must(span_eq(list.items[0].local, one->local));
	must(span_eq(list.items[0].domain, one->domain));
	buf_clear(&text);
	arena_clear(&arena);
}

/* One item; tells if a group is open behind it. */
static bool check_item(const struct address *one, bool in_group, size_t size)
{
	check_text(one->name, size);
	check_text(one->route, size);
	check_text(one->local, size);
	check_text(one->domain, size);
	if (one->kind == ADDRESS_MAILBOX) {
		must(one->name.n + one->local.n + one->domain.n > 0);
		check_again(one, size);
		return in_group;
	}
	must(in_group == (one->kind == ADDRESS_GROUP_END));
	must(one->route.n + one->local.n + one->domain.n == 0);
	return !in_group;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct address_list list = {0};
	bool in_group = false;

	arena_init(&arena, ARENA_BYTES);
	address_list_read(&arena, span_of(data, size), &list);
	must(list.count <= MESSAGE_ADDRESSES_MAX + 1);
	for (size_t i = 0; i < list.count; i++)
		in_group = check_item(&list.items[i], in_group, size);
	must(!in_group);
	arena_clear(&arena);
	/* the least that a caller may have */
	arena_init(&arena, 1024);
	list = (struct address_list){0};
	address_list_read(&arena, span_of(data, size), &list);
	arena_clear(&arena);
	return 0;
}
