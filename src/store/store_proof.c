/*
 * store_proof.c - is a body what its SHA-256 says?  See store.h, and
 * doc/decisions/0017.
 *
 * Programs read a message again and again: its header, then a part, then all.
 * SHA-256 is two fifths of what such a read costs, so it is worked out once.  A
 * sum that is ten times as fast is kept of the bytes that were right, under a key
 * that this process made up: the next read compares that.  So each read looks at
 * each byte, also after the disk gave others.
 *
 * What is kept is the sum and the beginning of the SHA-256 in one word, at a place
 * that the message's id gives: two messages that want the same place cost each
 * other a SHA-256, no more.
 */
#include <string.h>
#include <sys/random.h>

#include "base/mem.h"
#include "store/store_int.h"

#include "base/banned.h"

/* 256 KiB at most, a page for each 512 messages that are read. */
#define PROOFS 32768u

/* Where the word of a message is; NULL: no random bytes for a key. */
static uint64_t *place_of(struct store *s, uint64_t message)
{
	struct store_proofs *p = &s->proofs;

	if (p->words == NULL) {
		if (getrandom(&p->key, sizeof(p->key), 0) !=
			(ssize_t)sizeof(p->key))
			return NULL;
		p->words = mem_new(PROOFS, sizeof(*p->words));
	}
	return &p->words[message % PROOFS];
}

static uint64_t word_of(const struct store *s, const struct sha256 *sum,
	struct span body)
{
	uint64_t start;

	memcpy(&start, sum->bytes, sizeof(start));
	return start ^ checksum_of(&s->proofs.key, body);
}

void store_proof_put(struct store *s, uint64_t message,
	const struct sha256 *sum, struct span body)
{
	uint64_t *place = place_of(s, message);

	if (place != NULL)
		*place = word_of(s, sum, body);
}

bool store_proof_check(struct store *s, uint64_t message,
	const struct sha256 *sum, struct span body)
{
	uint64_t *place = place_of(s, message);
	uint64_t word = place == NULL ? 0 : word_of(s, sum, body);
	struct sha256 real;

	if (place != NULL && *place == word)
		return true;
	real = sha256_of(body);
	if (memcmp(real.bytes, sum->bytes, SHA256_BYTES) != 0)
		return false;
	if (place != NULL)
		*place = word;
	return true;
}

void store_proofs_drop(struct store *s)
{
	mem_free(s->proofs.words);
	s->proofs.words = NULL;
}
