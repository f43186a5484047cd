/*
 * dict.c - from bytes to a pointer.  See dict.h.
 *
 * Chains from a table of heads that doubles as it fills.
 */
#include "base/dict.h"

#include <string.h>
#include <sys/random.h>

#include "base/err.h"
#include "base/mem.h"

#define DICT_FIRST_ROOM 16

void dict_init(struct dict *d)
{
	*d = (struct dict){0};
	must(getrandom(&d->seed, sizeof(d->seed), 0) == sizeof(d->seed));
}

void dict_clear(struct dict *d)
{
	for (size_t i = 0; i < d->room; i++) {
		while (d->heads[i] != NULL) {
			struct dict_entry *entry = d->heads[i];

			d->heads[i] = entry->next;
			mem_free(entry);
		}
	}
	mem_free(d->heads);
	d->heads = NULL;
	d->room = d->count = 0;
}

static uint64_t hash_of(const struct dict *d, struct span key)
{
	uint64_t h = d->seed ^ key.n;

	for (size_t i = 0; i < key.n; i++) {
		h = (h ^ key.p[i]) * 0x9fb21c651e98df25ULL;
		h ^= h >> 35;
	}
	return h ^ (h >> 28);
}

/* The link that points to the entry, or to the NULL at the chain's end. */
static struct dict_entry **link_of(const struct dict *d, struct span key,
	uint64_t hash)
{
	struct dict_entry **link = &d->heads[hash & (d->room - 1)];

	while (*link != NULL && ((*link)->hash != hash ||
		!span_eq(span_of((*link)->key, (*link)->key_len), key)))
		link = &(*link)->next;
	return link;
}

static void grow(struct dict *d)
{
	size_t room = d->room == 0 ? DICT_FIRST_ROOM : d->room * 2;
	struct dict_entry **heads = mem_new(room, sizeof(struct dict_entry *));

	for (size_t i = 0; i < d->room; i++) {
		while (d->heads[i] != NULL) {
			struct dict_entry *entry = d->heads[i];
			struct dict_entry **to = &heads[entry->hash & (room - 1)];

			d->heads[i] = entry->next;
			entry->next = *to;
			*to = entry;
		}
	}
	mem_free(d->heads);
	d->heads = heads;
	d->room = room;
}

void dict_put(struct dict *d, struct span key, void *value)
{
	uint64_t hash = hash_of(d, key);
	struct dict_entry **link;

	must(value != NULL);
	if (d->count >= d->room)
		grow(d);
	link = link_of(d, key, hash);
	if (*link == NULL) {
		struct dict_entry *entry = mem_new(1, sizeof(*entry) + key.n);

		entry->hash = hash;
		entry->key_len = key.n;
		if (key.n > 0)
			memcpy(entry->key, key.p, key.n);
		*link = entry;
		d->count++;
	}
	(*link)->value = value;
}

void *dict_get(const struct dict *d, struct span key)
{
	struct dict_entry *entry;

	if (d->count == 0)
		return NULL;
	entry = *link_of(d, key, hash_of(d, key));
	return entry == NULL ? NULL : entry->value;
}

void *dict_take(struct dict *d, struct span key)
{
	struct dict_entry **link, *entry;
	void *value;

	if (d->count == 0)
		return NULL;
	link = link_of(d, key, hash_of(d, key));
	entry = *link;
	if (entry == NULL)
		return NULL;
	value = entry->value;
	*link = entry->next;
	d->count--;
	mem_free(entry);
	return value;
}

void *dict_next(const struct dict *d, struct dict_walk *walk,
	struct span *out_key)
{
	if (walk->entry != NULL)
		walk->entry = walk->entry->next;
	while (walk->entry == NULL) {
		if (walk->head >= d->room)
			return NULL;
		walk->entry = d->heads[walk->head++];
	}
	if (out_key != NULL)
		*out_key = span_of(walk->entry->key, walk->entry->key_len);
	return walk->entry->value;
}
