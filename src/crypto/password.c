/*
 * password.c - which kind of hash it is.
 */
#include "crypto/password.h"

#include "crypto/password_argon.h"
#include "crypto/password_crypt.h"
#include "crypto/password_scheme.h"
#include "crypto/secret.h"

#include "base/banned.h"

enum code password_hash(struct span password,
	char out[PASSWORD_HASH_BYTES_MAX + 1], struct err *e)
{
	return password_argon_make(password, out, e);
}

static bool is_of(struct span hash, struct span password)
{
	if (hash.n > PASSWORD_IMPORTED_BYTES_MAX)
		return false;
	if (span_starts(hash, SPAN("{")))
		return password_scheme_check(hash, &password);
	if (span_starts(hash, SPAN("$argon2")))
		return password_argon_verify(hash, password);
	return password_crypt_is_hash(hash) &&
	       password_crypt_verify(hash, password);
}

/* The work is done for an empty password too: it must not tell by the time it
 * takes whether there is such a user. */
bool password_verify(struct span hash, struct span password)
{
	if (password.n == 0)
		password = SPAN("");
	return is_of(hash, password) && password.n > 0;
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

bool password_is_hash(struct span text)
{
	if (text.n > PASSWORD_IMPORTED_BYTES_MAX)
		return false;
	if (span_starts(text, SPAN("{")))
		return password_scheme_check(text, NULL);
	return password_argon_is_hash(text) || password_crypt_is_hash(text);
}

bool password_is_current(struct span hash)
{
	return password_argon_is_current(hash);
}
