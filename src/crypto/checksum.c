/*
 * checksum.c - see checksum.h.
 *
 * A block of 512 bytes becomes 128 bits, the sum of products of two words each
 * that the key was added to: the hash NH of UMAC (RFC 4418 5.2), of which is
 * proven that two blocks meet with a chance of 2^-64.  Blocks are chained by
 * multiplying with two words of the key.  The last is filled with zeros; the
 * length goes in first.
 */
#include "crypto/checksum.h"

#include <string.h>

#define BLOCK_BYTES (CHECKSUM_BLOCK_WORDS * sizeof(uint64_t))

__extension__ typedef unsigned __int128 wide;

static uint64_t word_at(const uint8_t *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

/* All bits of both have a say in each bit. */
static uint64_t fold(uint64_t a, uint64_t b)
{
	wide product = (wide)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t feed(const struct checksum_key *key, uint64_t sum,
	const uint8_t *block)
{
	wide all = 0;

	for (size_t i = 0; i < CHECKSUM_BLOCK_WORDS; i += 2)
		all += (wide)(word_at(block + 8 * i) + key->block[i]) *
			(word_at(block + 8 * i + 8) + key->block[i + 1]);
	sum = fold(sum ^ (uint64_t)all, key->chain[0]);
	return fold(sum ^ (uint64_t)(all >> 64), key->chain[1]);
}

uint64_t checksum_of(const struct checksum_key *key, struct span bytes)
{
	uint64_t sum = fold(bytes.n ^ key->chain[2], key->chain[0]);
	uint8_t last[BLOCK_BYTES] = {0};

	for (; bytes.n >= BLOCK_BYTES; bytes = span_tail(bytes, BLOCK_BYTES))
		sum = feed(key, sum, bytes.p);
	if (bytes.n == 0)
		return sum;
	memcpy(last, bytes.p, bytes.n);
	return feed(key, sum, last);
}
