/*
 * password_keyed.c - hashes that are keys derived from the password.
 */
#include "crypto/password_keyed.h"

#include <nettle/md5.h>
#include <nettle/pbkdf2.h>
#include <nettle/sha1.h>
#include <string.h>

#include "base/num.h"
#include "codec/base64_whole.h"
#include "codec/hex.h"
#include "crypto/secret.h"

#include "base/banned.h"

#define SALT_MAX 64

/* Exactly n bytes, two digits each. */
static bool get_hex(struct span digits, uint8_t *out, size_t n)
{
	if (digits.n != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++) {
		int high = hex_digit(digits.p[2 * i]);
		int low = hex_digit(digits.p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

bool password_pbkdf2(struct span text, const struct span *password)
{
	uint8_t expected[SHA1_DIGEST_SIZE], made[SHA1_DIGEST_SIZE];
	struct span salt;
	uint32_t rounds;

	if (!span_starts(text, SPAN("$1$")))
		return false;
	text = span_tail(text, 3);
	salt = span_cut(&text, '$');
	if (!num_parse_u32(span_cut(&text, '$'), SCRAM_ROUNDS_MAX, &rounds) ||
		rounds == 0 || !get_hex(text, expected, sizeof(expected)))
		return false;
	if (password == NULL)
		return true;
	pbkdf2_hmac_sha1(password->n, password->p, rounds, salt.n, salt.p,
		sizeof(made), made);
	return secret_equal(span_of(made, sizeof(made)),
		span_of(expected, sizeof(expected)));
}

bool password_scram(
	enum scram_hash hash, struct span text, const struct span *password)
{
	uint8_t salt[SALT_MAX];
	struct scram_keys keys, made;
	size_t bytes = scram_hash_bytes(hash), salt_n, stored_n, server_n;
	uint32_t rounds;

	if (!num_parse_u32(span_cut(&text, ','), SCRAM_ROUNDS_MAX, &rounds) ||
		rounds == 0 ||
		!base64_get(span_cut(&text, ','), salt, SALT_MAX, &salt_n) ||
		!base64_get(
			span_cut(&text, ','), keys.stored, bytes, &stored_n) ||
		!base64_get(text, keys.server, bytes, &server_n) ||
		salt_n == 0 || stored_n != bytes || server_n != bytes)
		return false;
	if (password == NULL)
		return true;
	scram_keys_make(hash, *password, span_of(salt, salt_n), rounds, &made);
	return secret_equal(
		span_of(made.stored, bytes), span_of(keys.stored, bytes));
}

/* MD5's state behind one block: the key, each byte changed by pad. */
static void absorb(const uint8_t key[MD5_BLOCK_SIZE], uint8_t pad, uint8_t *out)
{
	uint8_t block[MD5_BLOCK_SIZE];
	struct md5_ctx h;

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = key[i] ^ pad;
	md5_init(&h);
	md5_update(&h, sizeof(block), block);
	for (size_t i = 0; i < MD5_DIGEST_SIZE; i++)
		out[i] = (uint8_t)(h.state[i / 4] >> 8 * (i % 4));
	secret_wipe(block, sizeof(block));
	secret_wipe(&h, sizeof(h));
}

bool password_cram_md5(struct span state, const struct span *password)
{
	uint8_t key[MD5_BLOCK_SIZE] = {0}, made[2 * MD5_DIGEST_SIZE];
	struct md5_ctx h;

	if (state.n != sizeof(made))
		return false;
	if (password == NULL)
		return true;
	if (password->n <= sizeof(key)) {
		memcpy(key, password->p, password->n);
	} else {
		md5_init(&h);
		md5_update(&h, password->n, password->p);
		md5_digest(&h, MD5_DIGEST_SIZE, key);
	}
	absorb(key, 0x5c, made);
	absorb(key, 0x36, made + MD5_DIGEST_SIZE);
	secret_wipe(key, sizeof(key));
	return secret_equal(state, span_of(made, sizeof(made)));
}
