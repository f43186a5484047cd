/*
 * scram.h - what a server keeps of a password for SCRAM, and the check of a
 * client's proof.  RFC 5802 3, RFC 7677
 *
 *	SaltedPassword = PBKDF2(HMAC, Normalize(password), salt, rounds)
 *	ClientKey      = HMAC(SaltedPassword, "Client Key")
 *	StoredKey      = H(ClientKey)
 *	ServerKey      = HMAC(SaltedPassword, "Server Key")
 *
 * Who has the two keys cannot log in with them, but can try passwords as fast
 * as `rounds` allows.
 */
#ifndef POSTRIDER_CRYPTO_SCRAM_H
#define POSTRIDER_CRYPTO_SCRAM_H

#include "base/span.h"

#define SCRAM_SALT_BYTES 16
#define SCRAM_ROUNDS     100000 /* of what we make; 15 to 40 ms */
#define SCRAM_ROUNDS_MAX 1000000 /* of what others made */
#define SCRAM_KEY_MAX    32

enum scram_hash { SCRAM_SHA_256, SCRAM_SHA_1, SCRAM_HASH_COUNT };
size_t scram_hash_bytes(enum scram_hash hash); /* 32, 20 */

struct scram_keys {
	uint8_t stored[SCRAM_KEY_MAX];
	uint8_t server[SCRAM_KEY_MAX];
};

/* password: UTF-8 as it was said; SASLprep is done here (RFC 4013; what it
 * forbids is taken as it is, so that such a password works too).  Takes
 * `rounds` hashes. */
void scram_keys_make(enum scram_hash hash, struct span password,
	struct span salt, uint32_t rounds, struct scram_keys *out);
/* Is proof a ClientProof for this AuthMessage?  Then signature has the
 * ServerSignature; it takes as long when it is not. */
bool scram_proof_check(enum scram_hash hash, const struct scram_keys *keys,
	struct span auth_message, struct span proof,
	uint8_t signature[SCRAM_KEY_MAX]);

#endif
