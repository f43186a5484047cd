/*
 * credential.h - all that is kept of one password: a hash that is slow to guess
 * (password.h), and the keys of SCRAM (scram.h), all with one salt for SCRAM.
 *
 * An account's credentials share one SCRAM salt and number of rounds, so that
 * a SCRAM login may be by any of them: the salt is told before it is known
 * which.
 */
#ifndef POSTRIDER_CRYPTO_CREDENTIAL_H
#define POSTRIDER_CRYPTO_CREDENTIAL_H

#include "base/buf.h"
#include "crypto/password.h"
#include "crypto/scram.h"

struct credential {
	char hash[PASSWORD_HASH_BYTES_MAX + 1]; /* Argon2id */
	bool has_scram; /* false: a hash of another server, not yet upgraded */
	uint8_t salt[SCRAM_SALT_BYTES];
	uint32_t rounds;
	struct scram_keys keys[SCRAM_HASH_COUNT];
};

/* salt: SCRAM_SALT_BYTES of the account, or empty: a new one is made.  TEMP:
 * no memory. */
enum code credential_make(struct span password, struct span salt,
	struct credential *out, struct err *e) MUST_USE;
/* As bytes, for a message or a column; false: they are none. */
void credential_pack(const struct credential *c, struct buf *out);
bool credential_unpack(struct span bytes, struct credential *out);
void credential_wipe(struct credential *c);

#endif
