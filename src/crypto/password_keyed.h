/*
 * password_keyed.h - Dovecot's {PBKDF2}, {SCRAM-SHA-256}, {SCRAM-SHA-1} and
 * {CRAM-MD5}.
 */
#ifndef POSTRIDER_CRYPTO_PASSWORD_KEYED_H
#define POSTRIDER_CRYPTO_PASSWORD_KEYED_H

#include "crypto/scram.h"

/* text: "$1$salt$rounds$hex", PBKDF2 of SHA-1.  password NULL: only whether it
 * is well-formed, and can be borne. */
bool password_pbkdf2(struct span text, const struct span *password);
/* text: "rounds,salt,StoredKey,ServerKey", all but the first in base64 */
bool password_scram(
	enum scram_hash hash, struct span text, const struct span *password);
/* state: 32 bytes, MD5's state behind the outer and the inner key of HMAC.
 * RFC 2195 2, RFC 2104 4 */
bool password_cram_md5(struct span state, const struct span *password);

#endif
