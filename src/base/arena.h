/*
 * arena.h - memory with one lifetime, given back all at once.
 *
 * Three lifetimes, three arenas: process, session, command.  Calls do not
 * return NULL; limits on input are checked before, and their sum is below the
 * arena's cap, so passing the cap is our bug and ends the process.
 */
#ifndef POSTRIDER_BASE_ARENA_H
#define POSTRIDER_BASE_ARENA_H

#include "base/span.h"

struct arena_block;

struct arena {
	struct arena_block *last; /* owned chain, newest first */
	size_t used_bytes;        /* of all blocks */
	size_t cap_bytes;
};

void arena_init(struct arena *a, size_t cap_bytes);
/* Gives all memory back; the arena may be used again. */
void arena_clear(struct arena *a);
/* Empties it but keeps one block for the next command. */
void arena_reset(struct arena *a);

/* Zeroed, aligned for any object. */
void *arena_alloc(struct arena *a, size_t count, size_t size);
#define ARENA_NEW(a, type) ((type *)arena_alloc((a), 1, sizeof(type)))
struct span arena_dup(struct arena *a, struct span s);
/* With a NUL at its end; for the system's edge.  NULL if s has an inner NUL. */
char *arena_cstr(struct arena *a, struct span s);

#endif
