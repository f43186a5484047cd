/*
 * guess_int.h - shared by guess.c (failures, known pairs) and guess_ban.c.
 */
#ifndef POSTRIDER_DIRECTORY_GUESS_INT_H
#define POSTRIDER_DIRECTORY_GUESS_INT_H

#include "crypto/hash.h"
#include "directory/guess.h"

#define GUESS_MARKS 8

/* A count of failures that fades. */
struct guess_cell {
	uint64_t key; /* 0: free */
	int64_t last_ms;
	uint32_t score; /* as of then, in points of a failure */
	uint32_t next_mark;
	uint32_t marks[GUESS_MARKS]; /* of the last wrong passwords; a ring */
};

/* An account that logged in from a network. */
struct guess_pair {
	uint64_t account; /* 0: free */
	uint64_t network;
	int64_t seen_ms;
};

struct guess {
	uint8_t key[GUESS_KEY_BYTES];
	struct hasher *hasher;
	struct guess_cell *cells; /* GUESS_CELLS, in sets */
	struct guess_pair *pairs; /* GUESS_KNOWN, in sets */
	struct network_set bans;  /* of struct guess_ban, owned */
};

/* guess.c */
/* Is anybody known from there? */
bool guess_is_anybodys(const struct guess *g, uint64_t network, int64_t now_ms);
/* The failures of a network are forgotten. */
void guess_forgive(struct guess *g, uint64_t network);

/* guess_ban.c */
/* The ban around an address that holds for this login; NULL: none. */
const struct guess_ban *guess_ban_of(const struct guess *g, struct span ip,
	bool is_known, int64_t now_ms);
/* A ban of the address's network; NULL: one of it holds already. */
const struct guess_ban *guess_ban_make(struct guess *g, struct span ip,
	int64_t now_ms);
void guess_ban_clear(struct guess *g);

#endif
