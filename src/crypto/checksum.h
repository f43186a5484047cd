/*
 * checksum.h - a quick sum of 64 bits, under a key that is random: ten times as
 * fast as SHA-256.
 *
 * Two texts that differ, however they do, have the same sum with a chance below
 * one in 2^50, as long as whoever made them does not know the key.  It is for
 * what a process remembers, never for a file or a peer: the key is not kept, and
 * it proves nothing to anybody else.
 */
#ifndef POSTRIDER_CRYPTO_CHECKSUM_H
#define POSTRIDER_CRYPTO_CHECKSUM_H

#include "base/span.h"

#define CHECKSUM_BLOCK_WORDS 64

/* Random bytes, all of it. */
struct checksum_key {
	uint64_t block[CHECKSUM_BLOCK_WORDS];
	uint64_t chain[3];
};

uint64_t checksum_of(const struct checksum_key *key, struct span bytes);

#endif
