/*
 * arena.c - memory with one lifetime.  See arena.h.
 *
 * A chain of blocks; the newest is filled from its start.  Debug builds fill
 * what is given back, so that a use after it is seen.
 */
#include "base/arena.h"

#include <stdalign.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/num.h"

#define BLOCK_BYTES 2048

struct arena_block {
	struct arena_block *next; /* older */
	size_t used;
	size_t room;
	alignas(max_align_t) uint8_t bytes[];
};

void arena_init(struct arena *a, size_t cap_bytes)
{
	*a = (struct arena){.cap_bytes = cap_bytes};
}

static void drop(struct arena_block *block)
{
#ifdef POSTRIDER_DEBUG
	memset(block->bytes, 0xdd, block->room);
#endif
	mem_free(block);
}

void arena_clear(struct arena *a)
{
	while (a->last != NULL) {
		struct arena_block *block = a->last;

		a->last = block->next;
		drop(block);
	}
	a->used_bytes = 0;
}

void arena_reset(struct arena *a)
{
	struct arena_block *keep = a->last;

	if (keep == NULL)
		return;
	while (keep->next != NULL) {
		struct arena_block *older = keep->next;

		keep->next = older->next;
		drop(older);
	}
	a->used_bytes = 0;
	if (keep->room > BLOCK_BYTES) {
		a->last = NULL;
		drop(keep);
		return;
	}
	memset(keep->bytes, 0, keep->used);
	keep->used = 0;
}

void *arena_alloc(struct arena *a, size_t count, size_t size)
{
	const size_t align = alignof(max_align_t);
	struct arena_block *block = a->last;
	size_t bytes;
	void *p;

	must(num_mul(count, size, &bytes));
	must(num_add(bytes, align - 1, &bytes));
	bytes -= bytes % align;
	must(num_add(a->used_bytes, bytes, &a->used_bytes));
	must(a->used_bytes <= a->cap_bytes);
	if (block == NULL || block->room - block->used < bytes) {
		size_t room = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;

		block = mem_new(1, sizeof(*block) + room);
		block->room = room;
		block->next = a->last;
		a->last = block;
	}
	p = block->bytes + block->used;
	block->used += bytes;
	return p;
}

struct span arena_dup(struct arena *a, struct span s)
{
	uint8_t *p;

	if (s.n == 0)
		return SPAN_EMPTY;
	p = arena_alloc(a, s.n, 1);
	memcpy(p, s.p, s.n);
	return span_of(p, s.n);
}

char *arena_cstr(struct arena *a, struct span s)
{
	char *p;

	if (span_find(s, '\0') != s.n)
		return NULL;
	p = arena_alloc(a, s.n + 1, 1);
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return p;
}
