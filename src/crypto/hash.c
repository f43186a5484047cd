/*
 * hash.c - SHA-256 through Nettle, which uses the CPU's instructions.
 *
 * Nettle and not OpenSSL: as fast, there anyway with libunbound, and one user
 * less of what most processes should not need: doc/decisions/0011.
 */
#include "crypto/hash.h"

#include <nettle/hmac.h>
#include <nettle/sha2.h>

#include "base/mem.h"
#include "crypto/secret.h"

struct hasher {
	struct sha256_ctx state;
};

struct hasher *hasher_new(void)
{
	struct hasher *h = MEM_NEW(struct hasher);

	sha256_init(&h->state);
	return h;
}

void hasher_feed(struct hasher *h, struct span s)
{
	sha256_update(&h->state, s.n, s.p);
}

/* Nettle begins anew after a digest. */
struct sha256 hasher_end(struct hasher *h)
{
	struct sha256 result;

	sha256_digest(&h->state, sizeof(result.bytes), result.bytes);
	return result;
}

void hasher_free(struct hasher *h)
{
	mem_free(h);
}

struct sha256 sha256_of(struct span s)
{
	struct hasher h;

	sha256_init(&h.state);
	hasher_feed(&h, s);
	return hasher_end(&h);
}

struct sha256 hmac_sha256_of(struct span key, struct span s)
{
	struct hmac_sha256_ctx h;
	struct sha256 result;

	hmac_sha256_set_key(&h, key.n, key.p);
	hmac_sha256_update(&h, s.n, s.p);
	hmac_sha256_digest(&h, sizeof(result.bytes), result.bytes);
	secret_wipe(&h, sizeof(h));
	return result;
}
