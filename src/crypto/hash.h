/*
 * hash.h - SHA-256 (FIPS 180-4), whole or piece by piece, and with a key.
 */
#ifndef POSTRIDER_CRYPTO_HASH_H
#define POSTRIDER_CRYPTO_HASH_H

#include "base/span.h"

#define SHA256_BYTES 32

struct sha256 {
	uint8_t bytes[SHA256_BYTES];
};

static inline struct span sha256_span(const struct sha256 *h)
{
	return span_of(h->bytes, SHA256_BYTES);
}

struct sha256 sha256_of(struct span s);

/* HMAC of RFC 2104: only who has the key can make it. */
struct sha256 hmac_sha256_of(struct span key, struct span s);

struct hasher;
struct hasher *hasher_new(void);
void hasher_feed(struct hasher *h, struct span s);
/* The hash of all that was fed; the hasher begins anew. */
struct sha256 hasher_end(struct hasher *h);
void hasher_free(struct hasher *h); /* takes NULL */

#endif
