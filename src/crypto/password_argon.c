/*
 * password_argon.c - Argon2 by libsodium.
 *
 * The parameters are those that OWASP recommends for servers: 19 MiB, two
 * passes, one lane; about 30 ms.
 */
#include "crypto/password_argon.h"

#include <sodium.h>
#include <string.h>

#include "base/num.h"
#include "crypto/password.h"

#include "base/banned.h"

#define PASSES       2
#define MEMORY_BYTES (19u << 20)
/* Of hashes from elsewhere: a login must not stop the others. */
#define PASSES_LIMIT     16
#define MEMORY_KIB_LIMIT 65536

_Static_assert(PASSWORD_HASH_BYTES_MAX + 1 == crypto_pwhash_STRBYTES,
	"libsodium's hashes fit");

enum code password_argon_make(struct span password, char *out, struct err *e)
{
	if (crypto_pwhash_str_alg(out, (const char *)password.p, password.n,
		    PASSES, MEMORY_BYTES, crypto_pwhash_ALG_ARGON2ID13) != 0)
		return err_set(e, TEMP, "no memory to hash a password");
	return OK;
}

/* libsodium reads a NUL-ended text. */
static bool copy_hash(struct span hash, char out[PASSWORD_HASH_BYTES_MAX + 1])
{
	if (hash.n == 0 || hash.n > PASSWORD_HASH_BYTES_MAX ||
		span_find(hash, '\0') != hash.n)
		return false;
	memset(out, 0, PASSWORD_HASH_BYTES_MAX + 1);
	memcpy(out, hash.p, hash.n);
	return true;
}

/* The number behind "m=", "t=" … at the start of *s. */
static bool take_number(
	struct span *s, struct span key, uint8_t end, uint32_t max)
{
	struct span word = span_cut(s, end);
	uint32_t value;

	return span_starts(word, key) &&
	       num_parse_u32(span_tail(word, key.n), max, &value) && value > 0;
}

static bool take_kind(struct span *hash)
{
	static const struct span kinds[] = {
		SPAN_INIT("$argon2id$v=19$"), SPAN_INIT("$argon2i$v=19$")};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!span_starts(*hash, kinds[i]))
			continue;
		*hash = span_tail(*hash, kinds[i].n);
		return true;
	}
	return false;
}

bool password_argon_is_hash(struct span hash)
{
	char copy[PASSWORD_HASH_BYTES_MAX + 1];
	struct span left = hash;

	return take_kind(&left) && copy_hash(hash, copy) &&
	       take_number(&left, SPAN("m="), ',', MEMORY_KIB_LIMIT) &&
	       take_number(&left, SPAN("t="), ',', PASSES_LIMIT) &&
	       take_number(&left, SPAN("p="), '$', 1) &&
	       crypto_pwhash_str_needs_rehash(copy, PASSES, MEMORY_BYTES) >= 0;
}

bool password_argon_verify(struct span hash, struct span password)
{
	char copy[PASSWORD_HASH_BYTES_MAX + 1];

	return password_argon_is_hash(hash) && copy_hash(hash, copy) &&
	       crypto_pwhash_str_verify(
		       copy, (const char *)password.p, password.n) == 0;
}

bool password_argon_is_current(struct span hash)
{
	char copy[PASSWORD_HASH_BYTES_MAX + 1];

	return span_starts(hash, SPAN("$argon2id$")) && copy_hash(hash, copy) &&
	       crypto_pwhash_str_needs_rehash(copy, PASSES, MEMORY_BYTES) == 0;
}
