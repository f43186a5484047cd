/*
 * credential.c - a password's hash and SCRAM keys, as one thing.
 *
 * Packed:
 *
 *	1 byte	version of this layout, 1
 *	1	has_scram
 *	16	salt
 *	4	rounds, little-endian
 *	52	StoredKey of SHA-256, of SHA-1
 *	52	ServerKey of SHA-256, of SHA-1
 *	rest	the hash, at least one byte
 *
 * Without SCRAM what is between has_scram and the hash is zero.
 */
#include "crypto/credential.h"

#include <string.h>

#include "base/err.h"
#include "crypto/secret.h"

#include "base/banned.h"

#define VERSION     1
#define FIXED_BYTES (2 + SCRAM_SALT_BYTES + 4 + 2 * (32 + 20))

enum code credential_make(struct span password, struct span salt,
	struct credential *out, struct err *e)
{
	must(salt.n == 0 || salt.n == SCRAM_SALT_BYTES);
	*out = (struct credential){.has_scram = true, .rounds = SCRAM_ROUNDS};
	if (password_hash(password, out->hash, e) != OK)
		return err_wrap(e, "making a credential");
	if (salt.n > 0)
		memcpy(out->salt, salt.p, salt.n);
	else
		secret_random(out->salt, sizeof(out->salt));
	salt = span_of(out->salt, sizeof(out->salt));
	for (int h = 0; h < SCRAM_HASH_COUNT; h++)
		scram_keys_make((enum scram_hash)h, password, salt, out->rounds,
			&out->keys[h]);
	return OK;
}

static void put_keys(
	const struct credential *c, bool is_server, struct buf *out)
{
	for (int h = 0; h < SCRAM_HASH_COUNT; h++)
		buf_put(out, span_of(is_server ? c->keys[h].server
					       : c->keys[h].stored,
				     scram_hash_bytes((enum scram_hash)h)));
}

void credential_pack(const struct credential *c, struct buf *out)
{
	buf_putc(out, VERSION);
	buf_putc(out, c->has_scram);
	buf_put(out, span_of(c->salt, sizeof(c->salt)));
	for (unsigned shift = 0; shift < 32; shift += 8)
		buf_putc(out, (uint8_t)(c->rounds >> shift));
	put_keys(c, false, out);
	put_keys(c, true, out);
	buf_put(out, span_str(c->hash));
}

static void get(struct span *from, uint8_t *to, size_t n)
{
	memcpy(to, from->p, n);
	*from = span_tail(*from, n);
}

static void get_keys(struct span *from, bool is_server, struct credential *out)
{
	for (int h = 0; h < SCRAM_HASH_COUNT; h++)
		get(from, is_server ? out->keys[h].server : out->keys[h].stored,
			scram_hash_bytes((enum scram_hash)h));
}

/* What the fields say must be possible. */
static bool is_sane(const struct credential *c)
{
	if (!c->has_scram)
		return c->rounds == 0;
	return c->rounds > 0 && c->rounds <= SCRAM_ROUNDS_MAX;
}

bool credential_unpack(struct span bytes, struct credential *out)
{
	uint8_t rounds[4];

	*out = (struct credential){0};
	if (bytes.n <= FIXED_BYTES || bytes.p[0] != VERSION || bytes.p[1] > 1 ||
		bytes.n - FIXED_BYTES > PASSWORD_HASH_BYTES_MAX ||
		span_find(span_tail(bytes, FIXED_BYTES), '\0') !=
			bytes.n - FIXED_BYTES)
		return false;
	out->has_scram = bytes.p[1] == 1;
	bytes = span_tail(bytes, 2);
	get(&bytes, out->salt, sizeof(out->salt));
	get(&bytes, rounds, sizeof(rounds));
	for (unsigned i = 0; i < 4; i++)
		out->rounds |= (uint32_t)rounds[i] << 8 * i;
	get_keys(&bytes, false, out);
	get_keys(&bytes, true, out);
	memcpy(out->hash, bytes.p, bytes.n);
	return is_sane(out);
}

void credential_wipe(struct credential *c)
{
	secret_wipe(c, sizeof(*c));
}
