/*
 * password_argon.h - Argon2i and Argon2id, by libsodium.  RFC 9106
 */
#ifndef POSTRIDER_CRYPTO_PASSWORD_ARGON_H
#define POSTRIDER_CRYPTO_PASSWORD_ARGON_H

#include "base/err.h"
#include "base/span.h"

/* out: crypto_pwhash_STRBYTES, as password_hash. */
enum code password_argon_make(struct span password, char *out, struct err *e);
/* Well-formed, with a cost that can be borne? */
bool password_argon_is_hash(struct span hash);
bool password_argon_verify(struct span hash, struct span password);
/* With the parameters of password_argon_make. */
bool password_argon_is_current(struct span hash);

#endif
