/*
 * password.h - passwords as hashes that are slow to guess: Argon2id.  RFC 9106
 *
 * A hash is the text "$argon2id$v=19$m=19456,t=2,p=1$salt$hash".
 */
#ifndef POSTRIDER_CRYPTO_PASSWORD_H
#define POSTRIDER_CRYPTO_PASSWORD_H

#include "base/err.h"
#include "base/span.h"

#define PASSWORD_BYTES_MAX      1024
#define PASSWORD_HASH_BYTES_MAX 127

/* TEMP: no memory for it (19 MiB). */
enum code password_hash(struct span password,
	char out[PASSWORD_HASH_BYTES_MAX + 1], struct err *e) MUST_USE;
/* Is it the password of this hash? */
bool password_verify(struct span hash, struct span password);
/* Takes as long as password_verify: for users who do not exist. */
void password_verify_nothing(struct span password);
/* Is it a hash that password_verify knows, and not slower than a server can
 * bear? */
bool password_is_hash(struct span text);

#endif
