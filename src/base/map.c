/*
 * map.c - from a number to a pointer.  See map.h.
 *
 * Open addressing with linear probing and backward-shift deletion; at most
 * three quarters full.  Keys are our own numbers, never a peer's, so a fixed
 * mixing function is enough.
 */
#include "base/map.h"

#include "base/err.h"
#include "base/mem.h"

#define MAP_FIRST_ROOM 16

void map_init(struct map *m)
{
	*m = (struct map){0};
}

void map_clear(struct map *m)
{
	mem_free(m->slots);
	map_init(m);
}

static size_t home(const struct map *m, uint64_t key)
{
	key ^= key >> 32;
	key *= 0x9e3779b97f4a7c15ULL;
	key ^= key >> 29;
	return (size_t)key & (m->room - 1);
}

static size_t find(const struct map *m, uint64_t key)
{
	size_t i = home(m, key);

	while (m->slots[i].value != NULL && m->slots[i].key != key)
		i = (i + 1) & (m->room - 1);
	return i;
}

static void grow(struct map *m)
{
	struct map bigger = {0};

	bigger.room = m->room == 0 ? MAP_FIRST_ROOM : m->room * 2;
	bigger.slots = mem_new(bigger.room, sizeof(*bigger.slots));
	for (size_t i = 0; i < m->room; i++)
		if (m->slots[i].value != NULL)
			bigger.slots[find(&bigger, m->slots[i].key)] =
				m->slots[i];
	bigger.count = m->count;
	mem_free(m->slots);
	*m = bigger;
}

void map_put(struct map *m, uint64_t key, void *value)
{
	size_t i;

	must(value != NULL);
	if (m->count + 1 > m->room / 4 * 3)
		grow(m);
	i = find(m, key);
	if (m->slots[i].value == NULL)
		m->count++;
	m->slots[i] = (struct map_slot){key, value};
}

void *map_get(const struct map *m, uint64_t key)
{
	return m->count == 0 ? NULL : m->slots[find(m, key)].value;
}

void *map_take(struct map *m, uint64_t key)
{
	size_t hole, i;
	void *value;

	if (m->count == 0)
		return NULL;
	hole = find(m, key);
	value = m->slots[hole].value;
	if (value == NULL)
		return NULL;
	m->count--;
	for (i = (hole + 1) & (m->room - 1); m->slots[i].value != NULL;
		i = (i + 1) & (m->room - 1)) {
		size_t at = home(m, m->slots[i].key);

		/* may slot i move to the hole?  not if its home lies between */
		if (((i - at) & (m->room - 1)) >= ((i - hole) & (m->room - 1))) {
			m->slots[hole] = m->slots[i];
			hole = i;
		}
	}
	m->slots[hole].value = NULL;
	return value;
}

void *map_next(const struct map *m, size_t *position)
{
	while (*position < m->room) {
		void *value = m->slots[(*position)++].value;

		if (value != NULL)
			return value;
	}
	return NULL;
}
