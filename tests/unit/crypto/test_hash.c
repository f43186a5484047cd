#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "crypto/hash.h"

static void same(const struct sha256 *h, const char *hex)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < SHA256_BYTES; i++) {
		assert_int_equal(digits[h->bytes[i] >> 4], hex[2 * i]);
		assert_int_equal(digits[h->bytes[i] & 15], hex[2 * i + 1]);
	}
}

/* FIPS 180-4's example messages, and the empty one. */
static const struct {
	const char *text, *hash;
} rows[] = {
	{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	{"abc",
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	{"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
	 "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
		"cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
};

static void test_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sha256 h = sha256_of(span_str(rows[i].text));

		same(&h, rows[i].hash);
		assert_int_equal(sha256_span(&h).n, SHA256_BYTES);
	}
}

static void test_a_million(void **state)
{
	static uint8_t bytes[1000];
	struct hasher *h = hasher_new();
	struct sha256 whole;

	(void)state;
	memset(bytes, 'a', sizeof(bytes));
	for (int i = 0; i < 1000; i++)
		hasher_feed(h, span_of(bytes, sizeof(bytes)));
	whole = hasher_end(h);
	same(&whole,
		"cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	/* it begins anew */
	hasher_feed(h, SPAN("abc"));
	whole = hasher_end(h);
	same(&whole, rows[1].hash);
	hasher_free(h);
	hasher_free(NULL);
}

static void test_pieces_of_every_size(void **state)
{
	struct span text = span_str(rows[3].text);
	struct hasher *h = hasher_new();

	(void)state;
	for (size_t step = 1; step <= text.n; step++) {
		struct sha256 sum;

		for (size_t at = 0; at < text.n; at += step)
			hasher_feed(h, span_head(span_tail(text, at), step));
		hasher_feed(h, SPAN_EMPTY);
		sum = hasher_end(h);
		same(&sum, rows[3].hash);
	}
	hasher_free(h);
}

/* Of HMAC's test vectors with SHA-256, the second one, and one whose key is
 * longer than a block. */
static void test_with_a_key(void **state)
{
	uint8_t key[131];
	struct sha256 sum = hmac_sha256_of(SPAN("Jefe"),
		SPAN("what do ya want for nothing?"));

	(void)state;
	same(&sum, "5bdcc146bf60754e6a042426089575c7"
		   "5a003f089d2739839dec58b964ec3843");
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = 0xaa;
	sum = hmac_sha256_of(span_of(key, sizeof(key)),
		SPAN("Test Using Larger Than Block-Size Key - Hash Key First"));
	same(&sum, "60e431591ee0b67f0d8a26aacbf5b77f"
		   "8e0bc6213728c5140546040f0ee37f54");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_a_million),
		cmocka_unit_test(test_pieces_of_every_size),
		cmocka_unit_test(test_with_a_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
