/*
 * hash.c - SHA-256 through OpenSSL, which uses the CPU's instructions.
 */
#include "crypto/hash.h"

#include <openssl/evp.h>

#include "base/err.h"
#include "base/mem.h"

struct hasher {
	EVP_MD_CTX *state; /* owned */
};

/* Looking an algorithm up costs more than hashing a short message. */
static const EVP_MD *algorithm(void)
{
	static EVP_MD *fetched;

	if (fetched == NULL)
		fetched = EVP_MD_fetch(NULL, "SHA256", NULL);
	must(fetched != NULL);
	return fetched;
}

struct hasher *hasher_new(void)
{
	struct hasher *h = MEM_NEW(struct hasher);

	h->state = EVP_MD_CTX_new();
	must(h->state != NULL);
	must(EVP_DigestInit_ex2(h->state, algorithm(), NULL) == 1);
	return h;
}

void hasher_feed(struct hasher *h, struct span s)
{
	must(EVP_DigestUpdate(h->state, s.p, s.n) == 1);
}

struct sha256 hasher_end(struct hasher *h)
{
	struct sha256 result;

	must(EVP_DigestFinal_ex(h->state, result.bytes, NULL) == 1);
	must(EVP_DigestInit_ex2(h->state, algorithm(), NULL) == 1);
	return result;
}

void hasher_free(struct hasher *h)
{
	if (h == NULL)
		return;
	EVP_MD_CTX_free(h->state);
	mem_free(h);
}

struct sha256 sha256_of(struct span s)
{
	static struct hasher *h;

	if (h == NULL)
		h = hasher_new();
	hasher_feed(h, s);
	return hasher_end(h);
}
