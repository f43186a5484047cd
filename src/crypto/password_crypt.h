/*
 * password_crypt.h - the hashes of crypt(3): bcrypt, SHA-2, MD5, yescrypt,
 * scrypt, and DES where a scheme says so.
 */
#ifndef POSTRIDER_CRYPTO_PASSWORD_CRYPT_H
#define POSTRIDER_CRYPTO_PASSWORD_CRYPT_H

#include "base/span.h"

/* Is it one of a method with a "$", with a cost that can be borne? */
bool password_crypt_is_hash(struct span hash);
/* … or thirteen letters of DES? */
bool password_crypt_is_any(struct span hash);
/* hash: password_crypt_is_any.  A password with a NUL, or of 512 bytes, is none
 * that crypt(3) can hash. */
bool password_crypt_verify(struct span hash, struct span password);

#endif
