/*
 * dict.h - from bytes to a pointer.  Keys are copied; values are not owned.
 *
 * Keys may come from a peer: the hash is keyed with a number drawn at
 * dict_init, so nobody can choose keys that collide.
 */
#ifndef POSTRIDER_BASE_DICT_H
#define POSTRIDER_BASE_DICT_H

#include "base/span.h"

struct dict_entry {
	struct dict_entry *next;
	uint64_t hash;
	void *value;
	size_t key_len;
	uint8_t key[];
};

struct dict {
	struct dict_entry **heads; /* owned; a power of two of them */
	size_t room;
	size_t count;
	uint64_t seed;
};

void dict_init(struct dict *d);
void dict_clear(struct dict *d);
void dict_put(struct dict *d, struct span key, void *value);
void *dict_get(const struct dict *d, struct span key); /* NULL: none */
void *dict_take(struct dict *d, struct span key);
/* Walks all, as map_next; put and take may not happen meanwhile. */
struct dict_walk {
	size_t head;
	const struct dict_entry *entry;
};
void *dict_next(const struct dict *d, struct dict_walk *walk,
	struct span *out_key /* may be NULL */);

#endif
