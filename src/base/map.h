/*
 * map.h - from a number to a pointer.  The map does not own what it points to.
 */
#ifndef POSTRIDER_BASE_MAP_H
#define POSTRIDER_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_slot {
	uint64_t key;
	void *value; /* NULL: free */
};

struct map {
	struct map_slot *slots; /* owned; a power of two of them */
	size_t room;
	size_t count;
};

void map_init(struct map *m);
void map_clear(struct map *m);
/* Puts or replaces; value is not NULL. */
void map_put(struct map *m, uint64_t key, void *value);
void *map_get(const struct map *m, uint64_t key); /* NULL if there is none */
void *map_take(struct map *m, uint64_t key);      /* removes and returns it */

/* Walks all: for (size_t i = 0; (v = map_next(m, &i)) != NULL;).  No put or
 * take may happen during the walk. */
void *map_next(const struct map *m, size_t *position);

#endif
