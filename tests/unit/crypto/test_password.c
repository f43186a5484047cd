/*
 * test_password.c - hashes and secrets.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "crypto/password.h"
#include "crypto/secret.h"

static void test_a_hash_knows_its_password(void **state)
{
	char hash[PASSWORD_HASH_BYTES_MAX + 1];
	char again[PASSWORD_HASH_BYTES_MAX + 1];
	struct err e;

	(void)state;
	assert_int_equal(password_hash(SPAN("ketchup"), hash, &e), OK);
	assert_true(span_starts(span_str(hash),
		SPAN("$argon2id$v=19$m=19456,t=2,p=1$")));
	assert_true(password_is_hash(span_str(hash)));
	assert_true(password_verify(span_str(hash), SPAN("ketchup")));
	assert_false(password_verify(span_str(hash), SPAN("ketchu")));
	assert_false(password_verify(span_str(hash), SPAN("Ketchup")));
	assert_false(password_verify(span_str(hash), SPAN_EMPTY));
	assert_int_equal(password_hash(SPAN("ketchup"), again, &e), OK);
	assert_string_not_equal(hash, again);
}

static void test_what_is_no_hash_knows_nothing(void **state)
{
	static const char *const texts[] = {"", "ketchup", "$1$salt$hash",
		"$argon2id$v=19$m=8,t=1,p=1$",
		/* no salt */
		"$argon2id$v=19$m=8,t=1,p=1$$AAAA",
		/* one that would stop a server: 4 GiB */
		"$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$"
		"gHSpmmjpDmIi98V9xNKxkKTPzlEgfl3zPgRmJYoBQbQ",
		"$argon2id$v=19$m=19456,t=99,p=1$c29tZXNhbHRzb21lc2FsdA$"
		"gHSpmmjpDmIi98V9xNKxkKTPzlEgfl3zPgRmJYoBQbQ"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (password_is_hash(span_str(texts[i])))
			fail_msg("%s", texts[i]);
	assert_false(password_verify(SPAN("ketchup"), SPAN("ketchup")));
	assert_false(password_verify(SPAN_EMPTY, SPAN_EMPTY));
}

static void test_made_passwords_differ_and_can_be_read_out(void **state)
{
	char one[SECRET_PASSWORD_BYTES + 1], two[SECRET_PASSWORD_BYTES + 1];

	(void)state;
	secret_make_password(one);
	secret_make_password(two);
	assert_int_equal(strlen(one), SECRET_PASSWORD_BYTES);
	assert_string_not_equal(one, two);
	for (size_t i = 0; i < SECRET_PASSWORD_BYTES; i++) {
		if (i % 5 == 4)
			assert_int_equal(one[i], '-');
		else
			assert_non_null(strchr(
				"abcdefghijkmnpqrstuvwxyz23456789", one[i]));
	}
}

static void test_secrets(void **state)
{
	uint8_t a[16] = {0}, zero[16] = {0};

	(void)state;
	secret_random(a, sizeof(a));
	assert_memory_not_equal(a, zero, sizeof(a));
	assert_true(secret_equal(span_of(a, 16), span_of(a, 16)));
	assert_false(secret_equal(span_of(a, 16), span_of(a, 15)));
	assert_false(secret_equal(span_of(a, 16), span_of(zero, 16)));
	assert_true(secret_equal(SPAN_EMPTY, SPAN_EMPTY));
	secret_wipe(a, sizeof(a));
	assert_memory_equal(a, zero, sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_hash_knows_its_password),
		cmocka_unit_test(test_what_is_no_hash_knows_nothing),
		cmocka_unit_test(
			test_made_passwords_differ_and_can_be_read_out),
		cmocka_unit_test(test_secrets),
	};

	secret_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
