/*
 * password.c - Argon2id by libsodium.
 *
 * The parameters are those that OWASP recommends for servers: 19 MiB, two
 * passes, one lane; about 30 ms.
 */
#include "crypto/password.h"

#include <sodium.h>
#include <string.h>

#include "base/num.h"
#include "crypto/secret.h"

#include "base/banned.h"

#define PASSES       2
#define MEMORY_BYTES (19u << 20)
/* Of hashes from elsewhere: a login must not stop the directory. */
#define PASSES_LIMIT     16
#define MEMORY_KIB_LIMIT 65536

_Static_assert(PASSWORD_HASH_BYTES_MAX + 1 == crypto_pwhash_STRBYTES,
	"libsodium's hashes fit");

enum code password_hash(struct span password,
	char out[PASSWORD_HASH_BYTES_MAX + 1], struct err *e)
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

bool password_verify(struct span hash, struct span password)
{
	char text[PASSWORD_HASH_BYTES_MAX + 1];

	return password.n > 0 && copy_hash(hash, text) &&
		crypto_pwhash_str_verify(text, (const char *)password.p,
			password.n) == 0;
}

void password_verify_nothing(struct span password)
{
	static char hash[PASSWORD_HASH_BYTES_MAX + 1];
	uint8_t nobodys[16];

	if (hash[0] == '\0') {
		secret_random(nobodys, sizeof(nobodys));
		if (password_hash(span_of(nobodys, sizeof(nobodys)), hash,
			    NULL) != OK)
			return;
	}
	(void)password_verify(span_str(hash), password);
}

/* The number behind "m=", "t=" … at the start of *s. */
static bool take_number(struct span *s, struct span key, uint8_t end,
	uint32_t max)
{
	struct span word = span_cut(s, end);
	uint32_t value;

	return span_starts(word, key) &&
		num_parse_u32(span_tail(word, key.n), max, &value) && value > 0;
}

bool password_is_hash(struct span text)
{
	const struct span kind = SPAN("$argon2id$v=19$");
	char copy[PASSWORD_HASH_BYTES_MAX + 1];
	struct span left = span_tail(text, kind.n);

	return span_starts(text, kind) && copy_hash(text, copy) &&
		take_number(&left, SPAN("m="), ',', MEMORY_KIB_LIMIT) &&
		take_number(&left, SPAN("t="), ',', PASSES_LIMIT) &&
		take_number(&left, SPAN("p="), '$', 1) &&
		crypto_pwhash_str_needs_rehash(copy, PASSES, MEMORY_BYTES) >= 0;
}
