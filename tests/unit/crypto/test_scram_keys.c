/*
 * test_scram_keys.c - the examples of RFC 5802 5 and RFC 7677 3, and packing.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "codec/base64_whole.h"
#include "crypto/credential.h"
#include "crypto/scram.h"
#include "crypto/secret.h"

static struct span decode(const char *letters, uint8_t *to)
{
	size_t n;

	assert_true(base64_get(span_str(letters), to, 256, &n));
	return span_of(to, n);
}

static const struct {
	enum scram_hash hash;
	const char *salt, *text, *proof, *signature;
} rows[] = {
	/* RFC 5802 5 */
	{SCRAM_SHA_1, "QSXCR+Q6sek8bf92",
		"n=user,r=fyko+d2lbbFgONRv9qkxdawL,"
		"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
		"s=QSXCR+Q6sek8bf92,i=4096,"
		"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j",
		"v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "rmF9pqV8S7suAoZWja4dJRkFsKQ="},
	/* RFC 7677 3 */
	{SCRAM_SHA_256, "W22ZaJ0SNY7soEsUEjb6gQ==",
		"n=user,r=rOprNGfwEbeRWgbNEkqO,"
		"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
		"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
		"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
		"dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
		"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="},
};

static void test_the_examples(void **state)
{
	uint8_t salt[256], proof[256], expected[256];
	uint8_t signature[SCRAM_KEY_MAX];
	struct scram_keys keys;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span p = decode(rows[i].proof, proof);
		struct span text = span_str(rows[i].text);
		size_t n = scram_hash_bytes(rows[i].hash);

		scram_keys_make(rows[i].hash, SPAN("pencil"),
			decode(rows[i].salt, salt), 4096, &keys);
		assert_true(scram_proof_check(
			rows[i].hash, &keys, text, p, signature));
		(void)decode(rows[i].signature, expected);
		assert_memory_equal(signature, expected, n);
		/* any bit of the proof, any letter of the text, a length */
		assert_false(scram_proof_check(rows[i].hash, &keys, text,
			span_head(p, n - 1), signature));
		assert_int_equal(signature[0], 0);
		assert_false(scram_proof_check(rows[i].hash, &keys, text,
			span_of(proof, n + 1), signature));
		assert_false(scram_proof_check(rows[i].hash, &keys,
			span_head(text, text.n - 1), p, signature));
		assert_false(scram_proof_check(
			rows[i].hash, &keys, text, SPAN_EMPTY, signature));
		for (size_t bit = 0; bit < n * 8; bit++) {
			proof[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_false(scram_proof_check(
				rows[i].hash, &keys, text, p, signature));
			proof[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		assert_true(scram_proof_check(
			rows[i].hash, &keys, text, p, signature));
	}
}

static bool same_keys(struct span a, struct span b)
{
	struct scram_keys x, y;

	scram_keys_make(SCRAM_SHA_256, a, SPAN("salt"), 2, &x);
	scram_keys_make(SCRAM_SHA_256, b, SPAN("salt"), 2, &y);
	return memcmp(&x, &y, sizeof(x)) == 0;
}

static void test_passwords_are_prepared(void **state)
{
	static uint8_t many[2000];

	(void)state;
	assert_true(same_keys(SPAN("p\xc3\xa4ss"), SPAN("pa\xcc\x88ss")));
	assert_true(same_keys(SPAN("a\xc2\xa0z"), SPAN("a z")));
	assert_false(same_keys(SPAN("pass"), SPAN("Pass")));
	/* what is forbidden counts as it is */
	assert_false(same_keys(SPAN("a\x07"), SPAN("a")));
	assert_false(same_keys(SPAN("\xff"), SPAN("\xfe")));
	memset(many, 'x', sizeof(many));
	assert_false(same_keys(span_of(many, 2000), span_of(many, 1999)));
}

static void test_a_credential_travels(void **state)
{
	struct credential c, d;
	struct buf b;
	struct err e;

	(void)state;
	assert_int_equal(
		credential_make(SPAN("ketchup"), SPAN_EMPTY, &c, &e), OK);
	assert_true(c.has_scram);
	assert_int_equal(c.rounds, SCRAM_ROUNDS);
	assert_true(password_verify(span_str(c.hash), SPAN("ketchup")));
	buf_init(&b, 1024);
	credential_pack(&c, &b);
	assert_false(b.overflow);
	assert_true(credential_unpack(buf_span(&b), &d));
	assert_memory_equal(&c, &d, sizeof(c));

	/* the same salt gives the same keys, and another hash */
	assert_int_equal(credential_make(SPAN("ketchup"),
				 span_of(c.salt, sizeof(c.salt)), &d, &e),
		OK);
	assert_memory_equal(c.keys, d.keys, sizeof(c.keys));
	assert_string_not_equal(c.hash, d.hash);
	assert_int_equal(
		credential_make(SPAN("ketchup"), SPAN_EMPTY, &d, &e), OK);
	assert_memory_not_equal(c.keys, d.keys, sizeof(c.keys));

	/* without SCRAM */
	memset(&c, 0, sizeof(c));
	memcpy(c.hash, "{SHA}x", 7);
	buf_reset(&b);
	credential_pack(&c, &b);
	assert_true(credential_unpack(buf_span(&b), &d));
	assert_memory_equal(&c, &d, sizeof(c));
	buf_clear(&b);
	credential_wipe(&d);
	assert_int_equal(d.hash[0], 0);
}

static void test_what_is_no_credential(void **state)
{
	struct credential c = {.hash = "x", .has_scram = true, .rounds = 4096};
	struct credential d;
	struct buf b;
	uint8_t copy[512];
	size_t n;

	(void)state;
	buf_init(&b, 512);
	credential_pack(&c, &b);
	n = buf_len(&b);
	memset(copy, 'h', sizeof(copy));
	memcpy(copy, buf_span(&b).p, n);
	assert_true(credential_unpack(span_of(copy, n), &d));
	assert_true(credential_unpack(span_of(copy, n + 126), &d));
	assert_false(credential_unpack(span_of(copy, n + 127), &d));
	for (size_t cut = 0; cut < n; cut++)
		assert_false(credential_unpack(span_of(copy, cut), &d));
	copy[n - 1] = '\0';
	assert_false(credential_unpack(span_of(copy, n), &d));
	copy[n - 1] = 'x';
	copy[0] = 2;
	assert_false(credential_unpack(span_of(copy, n), &d));
	copy[0] = 1;
	copy[1] = 2;
	assert_false(credential_unpack(span_of(copy, n), &d));
	copy[1] = 0; /* rounds without SCRAM */
	assert_false(credential_unpack(span_of(copy, n), &d));
	memset(copy + 18, 0, 4);
	assert_true(credential_unpack(span_of(copy, n), &d));
	copy[1] = 2;
	assert_false(credential_unpack(span_of(copy, n), &d));
	copy[1] = 1; /* SCRAM without rounds */
	assert_false(credential_unpack(span_of(copy, n), &d));
	copy[21] = 0xff; /* 2^31 rounds */
	assert_false(credential_unpack(span_of(copy, n), &d));
	buf_clear(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_examples),
		cmocka_unit_test(test_passwords_are_prepared),
		cmocka_unit_test(test_a_credential_travels),
		cmocka_unit_test(test_what_is_no_credential),
	};

	secret_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
