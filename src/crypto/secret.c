/*
 * secret.c - bytes that must not stay behind, by libsodium.
 */
#include "crypto/secret.h"

#include <sodium.h>

#include "base/err.h"

#include "base/banned.h"

void secret_init(void)
{
	must(sodium_init() >= 0);
}

void secret_wipe(void *bytes, size_t n)
{
	if (n > 0)
		sodium_memzero(bytes, n);
}

bool secret_equal(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || sodium_memcmp(a.p, b.p, a.n) == 0);
}

void secret_random(void *out_bytes, size_t n)
{
	randombytes_buf(out_bytes, n);
}

void secret_make_password(char out[SECRET_PASSWORD_BYTES + 1])
{
	static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";

	for (size_t i = 0; i < SECRET_PASSWORD_BYTES; i++)
		out[i] = i % 5 == 4 ? '-'
				    : letters[randombytes_uniform(
					      sizeof(letters) - 1)];
	out[SECRET_PASSWORD_BYTES] = '\0';
}
