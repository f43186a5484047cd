/*
 * test_password_import.c - hashes of other servers: each as `doveadm pw` of
 * Dovecot 2.3.19, crypt(3) of libxcrypt 4.4.33 or Python made it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "crypto/password.h"
#include "crypto/secret.h"

#define SALT_22 "k2XAnEHBqQ1Ct2aMXFKNa/HAmA1BpMnBsYHMWB4NZN4"

/* All of "ketchup". */
static const char *const ketchups[] = {
	"{SHA1}HF9zez87Q1AgeLDy/YPVqhmXuzQ=",
	"{SHA}HF9zez87Q1AgeLDy/YPVqhmXuzQ=",
	"{SHA}1c5f737b3f3b43502078b0f2fd83d5aa1997bb34",
	"{sha}HF9zez87Q1AgeLDy/YPVqhmXuzQ",
	"{SSHA512}QnJZ7TseaXFT5Mz4kAiMsWKqL6Szjq+EvAYyNACC2TW+0prQmgvDl1fPP0po"
	"sRM96WUX1CBX+Ltykkbe4Gwe2NVs73s=",
	"{SCRAM-SHA-256}4096,C3hXO9bePzejWmbzEw5ssw==,"
	"Z4LtfPDPnfxv/GGc6Lu7EdOWvY7Pplc9O29/AzAkFsA=,"
	"j7x9uEcJpVRvIWCfLqMb5+5SC8le8AZtda50lZMQOow=",
	"{SCRAM-SHA-1}4096,XysS7Dhdf0QPls30MIjPTw==,"
	"RM/rOXhB0iw2piDblW+Nu605tqU=,JRWfHUbq9omXXTfkOjjPmC6AWmU=",
	"{BLF-CRYPT}"
	"$2y$05$MdTv5gF17/dLI2.dwUFdkOqq4wvHVKw9LAKmc67edXoTHU0UaNBzO",
	"{CRYPT}$2y$05$P7UPINGNeenkWiGRVgODZ.TkxjvBtqlXoYsALMI.YGh2C4dGEo1GW",
	"$2y$05$P7UPINGNeenkWiGRVgODZ.TkxjvBtqlXoYsALMI.YGh2C4dGEo1GW",
	"$2a$04$KBCwKxOzLha2MUDgW0PjXeQ0yuHjAwNzdCfKFirgCwLs2HIc94IgW",
	"$2b$04$KBCwKxOzLha2MUDgW0PjXeQ0yuHjAwNzdCfKFirgCwLs2HIc94IgW",
	"{PLAIN}ketchup",
	"{CLEAR}ketchup",
	"{CLEARTEXT}ketchup",
	"{PLAIN.B64}a2V0Y2h1cA==",
	"{PLAIN.base64}a2V0Y2h1cA",
	"{PLAIN.HEX}6b657463687570",
	"{HMAC-MD5}27327e02a6998e6d6cf620dac7459af0bec8625da95942083d125104139"
	"23911",
	"{CRAM-MD5}27327e02a6998e6d6cf620dac7459af0bec8625da95942083d125104139"
	"23911",
	"{CRAM-MD5.B64}JzJ+AqaZjm1s9iDax0Wa8L7IYl2pWUIIPRJRBBOSORE=",
	"{SHA512}Yba/53riEFKcqRHVuH29TTHUqAFlG9SlxepcRVs/RpTxFMgH4wmNrwY++WhoN"
	"zBsVF6dh6SUybmwdi89/uHFxg==",
	"{SHA512.B64}Yba/53riEFKcqRHVuH29TTHUqAFlG9SlxepcRVs/RpTxFMgH4wmNrwY++"
	"WhoNzBsVF6dh6SUybmwdi89/uHFxg==",
	"{SHA512.HEX}61b6bfe77ae210529ca911d5b87dbd4d31d4a801651bd4a5c5ea5c455"
	"b3f4694f114c807e3098daf063ef9686837306c545e9d87a494c9b9b0762f3dfee1c5"
	"c6",
	"{SHA256}C8OlrjBGbePXe1BtNk6rwosbfO6gYcJRkyjHvnKCdIM=",
	"{SHA256.HEX}0bc3a5ae30466de3d77b506d364eabc28b1b7ceea061c2519328c7be7"
	"2827483",
	"{DES-CRYPT}f0BNFDjz0qaok",
	"{CRYPT}f0BNFDjz0qaok",
	"{SSHA}0sngkyyJSbSkX/eLaUov1x/epByq2B2r",
	"{SSHA}PCrva0fd1GRhlLgryDzgfeEWGmcwMTIzNDU2Nzg5", /* as long as hex */
	"{SSHA.HEX}35a8def1451504dbeb8118960995950c4aae50ac5c52dc22",
	"{SSHA256}S4JWg/KVg5Bz/NGMG+SoI/b3ePzqU5/M2z4fNF/2qccwdtp0",
	"{SSHA256.BASE64}BG1UOsLGhLkac/pRvtor/dsngQMrm/lG0tTNNx8vH8TMG0hY",
	"{MD5-CRYPT}$1$ZyAWzV69$tZ0xYNCcTIyMOs0vwQK0m/",
	"{MD5}$1$ZzX03VRe$E54qQobuE61j1LTw6My/71",
	"$1$ZzX03VRe$E54qQobuE61j1LTw6My/71",
	"{PLAIN-MD4}c53f4e7925444a51f2b92636586734da",
	"{PLAIN-MD5}a2c9302603f371c4044b603fa8d96345",
	"{PLAIN-MD5}A2C9302603F371C4044B603FA8D96345",
	"{PLAIN-MD5.B64}oskwJgPzccQES2A/qNljRQ==",
	"{MD5}a2c9302603f371c4044b603fa8d96345",
	"{LDAP-MD5}oskwJgPzccQES2A/qNljRQ==",
	"{LDAP-MD5.HEX}a2c9302603f371c4044b603fa8d96345",
	"{SMD5}Npgf6SVMiCmYh4i65HqKaVL2wVM=",
	"{NTLM}960c8ae71aa97ce8bbba7335a808dc8e",
	"{SHA512-CRYPT}$6$PuYTRJq7qamM9UeI$Cr9vyR7kIP0mgPcE9Kwr4L4044NqGeTe/2G"
	"NtWRzd1d/CUmIx0HbZIvNRQhm3MGlumwjwqf7ik2s2KcuBbnGK0",
	"{SHA256-CRYPT}$5$Zv/MfZXqLjzS4oHb$MdUGw0K4DPGaUIcM1o6anINdfbFc3QBEPN4"
	"fgc1NRR2",
	"$5$Zv/MfZXqLjzS4oHb$MdUGw0K4DPGaUIcM1o6anINdfbFc3QBEPN4fgc1NRR2",
	"{CRYPT.HEX}2432792430352437677749752e6b4845374c675139546755634538564f"
	"575079596c4e747747763758417a6a766266373565767252644b3877532e75",
	"{ARGON2I}$argon2i$v=19$m=32768,t=4,p=1$2W85JaYXOBhQQg/cWM04fw$"
	"x8Vx2OKJ2QFU+DJIL12/Zs7DGAsxySnyJAnyEPD0Dn8",
	"$argon2i$v=19$m=32768,t=4,p=1$2W85JaYXOBhQQg/cWM04fw$"
	"x8Vx2OKJ2QFU+DJIL12/Zs7DGAsxySnyJAnyEPD0Dn8",
	"{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$96rXXw7eCSjC1Xw5HIAkHg$"
	"ceMYW2N7RNmWdv18txHSQ0P9B0qx4bMgnDkvw44TNhc",
	"{PBKDF2}$1$jVErl/pHZTHVDF.7$5000$"
	"4791cb124adb46a008ab14ec0b1091da0857dd6f",
	"{PBKDF2.B64}JDEkVi4xTnlDNndFc3RBZW41ZiQ1MDAwJDc1MGI0ZDA5MjYyNmYyM2FiM"
	"zBlODIyMjgyNmU1NjgzNmEwZTI3Yjg=",
	"$y$j9T$" SALT_22 "$j32InsjeY9cDIGM5gjV5tDBd9B.r/b1TDM2IxvJNk.7",
	"$y$j75$" SALT_22 "$Vz1gswriLijAOUOrJ.eNZSsT1XWpb76OZI66FliNgy3",
	"{CRYPT}$y$j75$" SALT_22 "$Vz1gswriLijAOUOrJ.eNZSsT1XWpb76OZI66FliNgy3",
	"$gy$j75$" SALT_22 "$DLBYVQdnpqLMwNP8hG868QlAz03VnSNDo2oUsRACkYC",
	"$7$BU..../....k2XAnEHBqQ1Ct2aMXFKNa/HAmA1BpMnBsYHMWB4NZN4$"
	"fp4YzQ38qwKdp.6.PIiUAbi9gE9DfjexlVNDRXqqsS4",
};

static void test_each_knows_its_password(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ketchups) / sizeof(ketchups[0]); i++) {
		struct span hash = span_str(ketchups[i]);

		if (!password_is_hash(hash))
			fail_msg("is no hash: %s", ketchups[i]);
		if (!password_verify(hash, SPAN("ketchup")))
			fail_msg("is not of ketchup: %s", ketchups[i]);
		if (password_verify(hash, SPAN("ketchuq")) ||
			password_verify(hash, SPAN("ketchupx")) ||
			password_verify(hash, SPAN_EMPTY))
			fail_msg("is of another: %s", ketchups[i]);
		assert_false(password_is_current(hash));
	}
}

static void test_other_letters_and_rounds(void **state)
{
	static const char *const hashes[] = {
		"{BLF-CRYPT}$2y$10$3YPQqCUfjoHuiTcLbGv3fOLlObogduU5kLKq3d.z1bt"
		"JLlQyvmF5G",
		"{SHA512-CRYPT}$6$rounds=10000$Cj6MBxhS.jX1pZKn$HOVulwxRJKsN2c7"
		"ZwxRlDZsWSRaAYlxQ08rEbdZCq104TK4Zc5nIbRcWyqpVE/1Fj4.m5MEMY7ZU8"
		"I5K3lgR2/",
		"{PBKDF2}$1$xvEZZm.2fGrGaNXa$100$cd8c9ea699dd59bafabbec1bf93013"
		"8462c53dc7"};

	(void)state;
	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
		assert_true(password_is_hash(span_str(hashes[i])));
		assert_true(password_verify(span_str(hashes[i]),
			SPAN("K\xc3\xa4se 5\xe2\x82\xac")));
		assert_false(password_verify(
			span_str(hashes[i]), SPAN("K\xc3\xa4se 5")));
	}
}

#define HASH_86                                                                \
	"Cr9vyR7kIP0mgPcE9Kwr4L4044NqGeTe/2GNtWRzd1d/CUmIx0HbZIvNRQhm3MGlumwj" \
	"wqf7ik2s2KcuBbnGK0"
#define HASH_43 "j32InsjeY9cDIGM5gjV5tDBd9B.r/b1TDM2IxvJNk.7"

/* Well-formed or not, too dear, or a scheme that we leave. */
static const char *const refused[] = {
	"",
	"{",
	"{}",
	"{PLAIN}",
	"{PLAIN",
	"PLAIN}ketchup",
	"{NONE}x",
	"{PLAIN.rot13}x",
	"{SHA.}HF9zez87Q1AgeLDy/YPVqhmXuzQ=",
	"{SHA}HF9zez87Q1AgeLDy/YPVqhmXuz",
	"{SHA}HF9zez87Q1AgeLDy/YPVqhmXuzQ==",
	"{SHA}1c5f737b3f3b43502078b0f2fd83d5aa1997bb3g",
	"{SHA.HEX}1c5f737b3f3b43502078b0f2fd83d5aa1997bb3",
	/* a salted one without a salt, and the reverse */
	"{SSHA}HF9zez87Q1AgeLDy/YPVqhmXuzQ=",
	"{SHA}0sngkyyJSbSkX/eLaUov1x/epByq2B2r",
	"{LANMAN}0182bd0bd4444bf8aad3b435b51404ee",
	"{DIGEST-MD5}d2f54849e3c3ae3b9890dcec0abdb354",
	"{OTP}sha1 1024 26efa1519f11fddf 251824038e529ba0",
	"{CRAM-MD5}27327e02a6998e6d6cf620dac7459af0",
	"{NTLM}960c8ae71aa97ce8bbba7335a808dc",
	"{SHA}AAAA",
	"{NTLM.HEX}960c",
	"{PLAIN.HEX}6b6",
	/* crypt(3) */
	"$1$ZzX03VRe$E54qQobuE61j1LTw6My/7*",
	"$2y$5$P7UPINGNeenkWiGRVgODZ.TkxjvBtqlXoYsALMI.YGh2C4dGEo1GW",
	"$7$B...../....k2XAnEHBqQ1Ct2aMXFKNa/HAmA1BpMnBsYHMWB4NZN4$" HASH_43,
	"f0BNFDjz0qaok",
	"{CRYPT}f0BNFDjz0qao",
	"{CRYPT}f0BNFDjz0qao*",
	"{CRYPT}*",
	"{CRYPT}!",
	"$1$salt$hash",
	"$0$x$tZ0xYNCcTIyMOs0vwQK0m/",
	"$1$ZzX03VRe$E54qQobuE61j1LTw6My/7",
	"$2y$05$short",
	"$2y$15$P7UPINGNeenkWiGRVgODZ.TkxjvBtqlXoYsALMI.YGh2C4dGEo1GW",
	"$2y$31$P7UPINGNeenkWiGRVgODZ.TkxjvBtqlXoYsALMI.YGh2C4dGEo1GW",
	"$2y$5$P7UPINGNeenkWiGRVgODZ.TkxjvBtqlXoYsALMI.YGh2C4dGEo1GWx",
	"$6$rounds=1000001$PuYTRJq7qamM9UeI$" HASH_86,
	"$6$rounds=999999999$PuYTRJq7qamM9UeI$" HASH_86,
	"$6$rounds=x$PuYTRJq7qamM9UeI$" HASH_86,
	"$5$rounds=4294967297$Zv/MfZXqLjzS4oHb$"
	"MdUGw0K4DPGaUIcM1o6anINdfbFc3QBEPN4fgc1NRR2",
	/* 1 GiB, 128 MiB; flavours and parameters that nobody makes */
	"$y$jFT$" SALT_22 "$" HASH_43,
	"$y$jCT$" SALT_22 "$" HASH_43,
	"$y$.9T$" SALT_22 "$" HASH_43,
	"$y$j9T/.$" SALT_22 "$" HASH_43,
	"$y$j9$" SALT_22 "$" HASH_43,
	"$7$DU..../....k2XAnEHBqQ1Ct2aMXFKNa/HAmA1BpMnBsYHMWB4NZN4$" HASH_43,
	"$7$BU....0....k2XAnEHBqQ1Ct2aMXFKNa/HAmA1BpMnBsYHMWB4NZN4$" HASH_43,
	"$7$Bzzzzz/....k2XAnEHBqQ1Ct2aMXFKNa/HAmA1BpMnBsYHMWB4NZN4$" HASH_43,
	"$7$zU..../....k2XAnEHBqQ1Ct2aMXFKNa/HAmA1BpMnBsYHMWB4NZN4$" HASH_43,
	"$7$BU$" HASH_43,
	"$sha1$842$qI1BtUnBX7KMaJ4Nm21ApEnAsQXBW3KCZFqM$x",
	/* keys */
	"{PBKDF2}$1$jVErl$1000001$4791cb124adb46a008ab14ec0b1091da0857dd6f",
	"{PBKDF2}$1$jVErl$0$4791cb124adb46a008ab14ec0b1091da0857dd6f",
	"{PBKDF2}$2$jVErl$1000$4791cb124adb46a008ab14ec0b1091da0857dd6f",
	"{PBKDF2}$1$jVErl$1000$4791cb124adb46a008ab14ec0b1091da0857dd",
	"{PBKDF2}$1$jVErl$1000$4791cb124adb46a008ab14ec0b1091da0857dd6f00",
	"{SCRAM-SHA-1}4096,XysS7Dhdf0QPls30MIjPTw==,"
	"RM/rOXhB,JRWfHUbq9omXXTfkOjjPmC6AWmU=",
	"{SCRAM-SHA-1}2147483648,XysS7Dhdf0QPls30MIjPTw==,"
	"RM/rOXhB0iw2piDblW+Nu605tqU=,JRWfHUbq9omXXTfkOjjPmC6AWmU=",
	"{SCRAM-SHA-1}4096,,"
	"RM/rOXhB0iw2piDblW+Nu605tqU=,JRWfHUbq9omXXTfkOjjPmC6AWmU=",
	"{SCRAM-SHA-256}4096,XysS7Dhdf0QPls30MIjPTw==,"
	"RM/rOXhB0iw2piDblW+Nu605tqU=,JRWfHUbq9omXXTfkOjjPmC6AWmU=",
	"{SCRAM-SHA-1}4096,XysS7Dhdf0QPls30MIjPTw==,"
	"RM/rOXhB0iw2piDblW+Nu605tqU=",
	/* seventeen passes, of "ketchup" */
	"$argon2id$v=19$m=8,t=17,p=1$LW+vMrWL+15ORklVlGg5wg$"
	"rDLccQVw6J1pdSC19bW4fh2noSHyrlemYoY0SmSZX7A",
	"{ARGON2ID}$argon2id$v=19$m=65537,t=3,p=1$96rXXw7eCSjC1Xw5HIAkHg$"
	"ceMYW2N7RNmWdv18txHSQ0P9B0qx4bMgnDkvw44TNhc",
	"{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=2$96rXXw7eCSjC1Xw5HIAkHg$"
	"ceMYW2N7RNmWdv18txHSQ0P9B0qx4bMgnDkvw44TNhc",
};

static void test_what_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct span hash = span_str(refused[i]);

		if (password_is_hash(hash))
			fail_msg("is a hash: %s", refused[i]);
		/* nor is the work done */
		if (password_verify(hash, SPAN("ketchup")))
			fail_msg("is of ketchup: %s", refused[i]);
	}
}

/* A hash with a byte more, less or changed is another, or none. */
static void test_damaged_ones(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ketchups) / sizeof(ketchups[0]); i++) {
		size_t n = strlen(ketchups[i]);

		for (size_t cut = 0; cut < n; cut += 7)
			(void)password_is_hash(span_of(ketchups[i], cut));
		assert_false(password_verify(
			span_of(ketchups[i], n / 2), SPAN("ketchup")));
	}
}

static void test_long_ones(void **state)
{
	static char hash[PASSWORD_IMPORTED_BYTES_MAX + 1];
	static uint8_t password[9216];

	(void)state;
	memset(hash, 'x', sizeof(hash));
	memcpy(hash, "{PLAIN}", 7);
	assert_true(password_is_hash(span_of(hash, sizeof(hash) - 1)));
	assert_true(password_verify(span_of(hash, sizeof(hash) - 1),
		span_of(hash + 7, sizeof(hash) - 8)));
	assert_false(password_is_hash(span_of(hash, sizeof(hash))));
	assert_false(password_verify(span_of(hash, sizeof(hash)),
		span_of(hash + 7, sizeof(hash) - 7)));
	memset(password, 'x', sizeof(password));
	for (size_t i = 0; i < sizeof(ketchups) / sizeof(ketchups[0]); i++)
		assert_false(password_verify(span_str(ketchups[i]),
			span_of(password, sizeof(password))));
}

/* crypt(3) ends at a NUL; we do not. */
static void test_a_nul_is_part_of_it(void **state)
{
	const struct span hash = SPAN("$1$ZzX03VRe$E54qQobuE61j1LTw6My/71");

	(void)state;
	assert_true(password_verify(hash, SPAN("ketchup")));
	assert_false(password_verify(hash, SPAN("ketchup\0x")));
	assert_false(password_verify(hash, SPAN("ketchup\0")));
}

static void test_nothing_is_nobodys(void **state)
{
	static const char *const hashes[] = {
		"{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
		"{PLAIN-MD5}d41d8cd98f00b204e9800998ecf8427e"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_true(password_is_hash(span_str(hashes[i])));
		assert_false(password_verify(span_str(hashes[i]), SPAN("")));
		assert_false(password_verify(span_str(hashes[i]), SPAN_EMPTY));
	}
}

/* crypt(3) takes 383 bytes. */
static void test_a_long_salt(void **state)
{
	char hash[500];

	(void)state;
	memset(hash, 'x', sizeof(hash));
	memcpy(hash, "$6$", 3);
	memcpy(hash + 383 - 87, "$" HASH_86, 87);
	assert_true(password_is_hash(span_of(hash, 383)));
	assert_false(password_verify(span_of(hash, 383), SPAN("ketchup")));
	memset(hash + 3, 'x', sizeof(hash) - 3);
	memcpy(hash + 384 - 87, "$" HASH_86, 87);
	assert_false(password_is_hash(span_of(hash, 384)));
}

static void test_what_is_current(void **state)
{
	char hash[PASSWORD_HASH_BYTES_MAX + 1];

	(void)state;
	assert_int_equal(password_hash(SPAN("k"), hash, NULL), OK);
	assert_true(password_is_current(span_str(hash)));
	assert_false(password_is_current(span_head(span_str(hash), 20)));
	assert_false(password_is_current(SPAN_EMPTY));
	assert_false(password_is_current(
		SPAN("$argon2id$v=19$m=65536,t=3,p=1$96rXXw7eCSjC1Xw5HIAkHg$"
		     "ceMYW2N7RNmWdv18txHSQ0P9B0qx4bMgnDkvw44TNhc")));
	assert_false(password_is_current(
		SPAN("$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$"
		     "gHSpmmjpDmIi98V9xNKxkKTPzlEgfl3zPgRmJYoBQbQ")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_knows_its_password),
		cmocka_unit_test(test_other_letters_and_rounds),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_damaged_ones),
		cmocka_unit_test(test_long_ones),
		cmocka_unit_test(test_a_nul_is_part_of_it),
		cmocka_unit_test(test_nothing_is_nobodys),
		cmocka_unit_test(test_a_long_salt),
		cmocka_unit_test(test_what_is_current),
	};

	secret_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
