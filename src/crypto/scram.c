/*
 * scram.c - the keys of SCRAM, with Nettle.  RFC 5802 3
 */
#include "crypto/scram.h"

#include <nettle/hmac.h>
#include <nettle/pbkdf2.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>

#include "base/err.h"
#include "codec/saslprep.h"
#include "crypto/secret.h"

#include "base/banned.h"

static void hmac_256(struct span key, struct span text, uint8_t *out)
{
	struct hmac_sha256_ctx h;

	hmac_sha256_set_key(&h, key.n, key.p);
	hmac_sha256_update(&h, text.n, text.p);
	hmac_sha256_digest(&h, SHA256_DIGEST_SIZE, out);
	secret_wipe(&h, sizeof(h));
}

static void hmac_1(struct span key, struct span text, uint8_t *out)
{
	struct hmac_sha1_ctx h;

	hmac_sha1_set_key(&h, key.n, key.p);
	hmac_sha1_update(&h, text.n, text.p);
	hmac_sha1_digest(&h, SHA1_DIGEST_SIZE, out);
	secret_wipe(&h, sizeof(h));
}

static void hash_256(struct span text, uint8_t *out)
{
	struct sha256_ctx h;

	sha256_init(&h);
	sha256_update(&h, text.n, text.p);
	sha256_digest(&h, SHA256_DIGEST_SIZE, out);
	secret_wipe(&h, sizeof(h));
}

static void hash_1(struct span text, uint8_t *out)
{
	struct sha1_ctx h;

	sha1_init(&h);
	sha1_update(&h, text.n, text.p);
	sha1_digest(&h, SHA1_DIGEST_SIZE, out);
	secret_wipe(&h, sizeof(h));
}

static void stretch_256(
	struct span password, struct span salt, uint32_t rounds, uint8_t *out)
{
	pbkdf2_hmac_sha256(password.n, password.p, rounds, salt.n, salt.p,
		SHA256_DIGEST_SIZE, out);
}

static void stretch_1(
	struct span password, struct span salt, uint32_t rounds, uint8_t *out)
{
	pbkdf2_hmac_sha1(password.n, password.p, rounds, salt.n, salt.p,
		SHA1_DIGEST_SIZE, out);
}

static const struct kind {
	size_t bytes;
	void (*hmac)(struct span key, struct span text, uint8_t *out);
	void (*hash)(struct span text, uint8_t *out);
	void (*stretch)(struct span password, struct span salt, uint32_t rounds,
		uint8_t *out);
} kinds[SCRAM_HASH_COUNT] = {
	[SCRAM_SHA_256] = {SHA256_DIGEST_SIZE, hmac_256, hash_256, stretch_256},
	[SCRAM_SHA_1] = {SHA1_DIGEST_SIZE, hmac_1, hash_1, stretch_1},
};

static const struct kind *kind_of(enum scram_hash hash)
{
	must(hash < SCRAM_HASH_COUNT);
	return &kinds[hash];
}

size_t scram_hash_bytes(enum scram_hash hash)
{
	return kind_of(hash)->bytes;
}

void scram_keys_make(enum scram_hash hash, struct span password,
	struct span salt, uint32_t rounds, struct scram_keys *out)
{
	const struct kind *k = kind_of(hash);
	uint8_t salted[SCRAM_KEY_MAX], client[SCRAM_KEY_MAX];
	uint8_t prepared[SASLPREP_ROOM];
	size_t n;

	must(rounds > 0);
	*out = (struct scram_keys){0};
	if (saslprep(password, prepared, &n))
		password = span_of(prepared, n);
	k->stretch(password, salt, rounds, salted);
	k->hmac(span_of(salted, k->bytes), SPAN("Client Key"), client);
	k->hash(span_of(client, k->bytes), out->stored);
	k->hmac(span_of(salted, k->bytes), SPAN("Server Key"), out->server);
	secret_wipe(salted, sizeof(salted));
	secret_wipe(client, sizeof(client));
	secret_wipe(prepared, sizeof(prepared));
}

/* The client sent ClientKey xor ClientSignature: RFC 5802 3 */
bool scram_proof_check(enum scram_hash hash, const struct scram_keys *keys,
	struct span auth_message, struct span proof,
	uint8_t signature[SCRAM_KEY_MAX])
{
	const struct kind *k = kind_of(hash);
	uint8_t client[SCRAM_KEY_MAX], stored[SCRAM_KEY_MAX];
	bool is_good;

	k->hmac(span_of(keys->stored, k->bytes), auth_message, client);
	for (size_t i = 0; i < k->bytes && i < proof.n; i++)
		client[i] ^= proof.p[i];
	k->hash(span_of(client, k->bytes), stored);
	k->hmac(span_of(keys->server, k->bytes), auth_message, signature);
	is_good =
		proof.n == k->bytes && secret_equal(span_of(stored, k->bytes),
					       span_of(keys->stored, k->bytes));
	secret_wipe(client, sizeof(client));
	if (!is_good)
		secret_wipe(signature, SCRAM_KEY_MAX);
	return is_good;
}
