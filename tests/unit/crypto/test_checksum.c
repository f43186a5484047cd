/*
 * test_checksum.c - the quick sum: whatever changes, it changes.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "crypto/checksum.h"

#define BYTES 1300 /* two blocks, and something of a third */

/* Not random, but no word is like another. */
static struct checksum_key key_of(uint64_t seed)
{
	struct checksum_key key;
	uint64_t words[sizeof(key) / sizeof(uint64_t)];

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		words[i] = seed ^ seed >> 29;
	}
	memcpy(&key, words, sizeof(key));
	return key;
}

static void fill(uint8_t bytes[BYTES])
{
	for (size_t i = 0; i < BYTES; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 256);
}

static void sees_every_bit(void **state)
{
	const struct checksum_key key = key_of(1);
	uint8_t bytes[BYTES];
	uint64_t sum;

	(void)state;
	fill(bytes);
	sum = checksum_of(&key, span_of(bytes, BYTES));
	for (size_t i = 0; i < 8 * BYTES; i++) {
		bytes[i / 8] = (uint8_t)(bytes[i / 8] ^ 1u << i % 8);
		assert_true(checksum_of(&key, span_of(bytes, BYTES)) != sum);
		bytes[i / 8] = (uint8_t)(bytes[i / 8] ^ 1u << i % 8);
	}
	assert_true(checksum_of(&key, span_of(bytes, BYTES)) == sum);
}

/* Zeros at the end, and nothing but zeros. */
static void sees_the_length(void **state)
{
	const struct checksum_key key = key_of(2);
	uint8_t zeros[BYTES] = {0};
	uint64_t sums[BYTES + 1];

	(void)state;
	for (size_t n = 0; n <= BYTES; n++) {
		sums[n] = checksum_of(&key, span_of(zeros, n));
		for (size_t i = 0; i < n; i++)
			assert_true(sums[i] != sums[n]);
	}
}

static void sees_the_order(void **state)
{
	const struct checksum_key key = key_of(3);
	uint8_t bytes[BYTES], swapped[BYTES];
	uint64_t sum;

	(void)state;
	fill(bytes);
	sum = checksum_of(&key, span_of(bytes, 1024));
	for (size_t i = 8; i < 1024; i += 8) {
		memcpy(swapped, bytes, 1024);
		memcpy(swapped, bytes + i, 8);
		memcpy(swapped + i, bytes, 8);
		assert_true(checksum_of(&key, span_of(swapped, 1024)) != sum);
	}
}

static void hangs_on_the_key(void **state)
{
	uint8_t bytes[BYTES];
	uint64_t sums[64];

	(void)state;
	fill(bytes);
	for (uint64_t k = 0; k < 64; k++) {
		const struct checksum_key key = key_of(k);

		sums[k] = checksum_of(&key, span_of(bytes, BYTES));
		for (uint64_t i = 0; i < k; i++)
			assert_true(sums[i] != sums[k]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sees_every_bit),
		cmocka_unit_test(sees_the_length),
		cmocka_unit_test(sees_the_order),
		cmocka_unit_test(hangs_on_the_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
