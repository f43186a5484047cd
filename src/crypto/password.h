/*
 * password.h - passwords as hashes that are slow to guess: Argon2id (RFC 9106);
 * and the hashes of other servers, until their owner logs in.
 *
 * A hash of ours is the text "$argon2id$v=19$m=19456,t=2,p=1$salt$hash".  Known
 * are besides, so that accounts can move here with their passwords:
 *
 *	$argon2id$ $argon2i$ $y$ $gy$ $7$ $2a$ $2b$ $2y$ $6$ $5$ $1$
 *	{SCHEME}text, with the schemes of Dovecot (password_scheme.c), which may
 *	  say how bytes are written: {SSHA.hex}, {SHA512.b64}, {SHA256.base64}
 *
 * Deliberate: not known are {DIGEST-MD5} (a hash with the user's name and realm
 * in it), {OTP} and {PLAIN-TRUNC} (no passwords), and {LANMAN} (fourteen letters
 * without case, which is no protection).
 */
#ifndef POSTRIDER_CRYPTO_PASSWORD_H
#define POSTRIDER_CRYPTO_PASSWORD_H

#include "base/err.h"
#include "base/span.h"

#define PASSWORD_BYTES_MAX      1024 /* of a new one */
#define PASSWORD_HASH_BYTES_MAX 127  /* of what password_hash makes */
/* Of one from elsewhere. */
#define PASSWORD_IMPORTED_BYTES_MAX 512

/* TEMP: no memory for it (19 MiB). */
enum code password_hash(struct span password,
	char out[PASSWORD_HASH_BYTES_MAX + 1], struct err *e) MUST_USE;
/* Is it the password of this hash?  False too for a hash that is none, or that
 * would cost more than a server can bear.  An empty password is nobody's. */
bool password_verify(struct span hash, struct span password);
/* Takes as long as password_verify: for users who do not exist. */
void password_verify_nothing(struct span password);
/* Is it a hash that password_verify knows, and not slower than a server can
 * bear: at most 64 MiB, and about a second? */
bool password_is_hash(struct span text);
/* Is it as password_hash would make it today?  If not, it is to be replaced when
 * its password is known. */
bool password_is_current(struct span hash);

#endif
