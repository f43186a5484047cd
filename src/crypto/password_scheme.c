/*
 * password_scheme.c - the table of schemes: a row is a name, and how its text is
 * looked at.
 *
 * What is a digest is written as bytes, in hex or base64; which of them, the
 * scheme's name says after a dot, or the length.  All else is text, and after
 * such a dot encoded text.
 */
#include "crypto/password_scheme.h"

#include <nettle/md4.h>
#include <nettle/md5.h>
#include <nettle/nettle-meta.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>

#include "codec/base64_whole.h"
#include "codec/hex.h"
#include "crypto/password.h"
#include "crypto/password_argon.h"
#include "crypto/password_crypt.h"
#include "crypto/password_keyed.h"
#include "crypto/secret.h"

#include "base/banned.h"

struct scheme {
	struct span name;
	/* body: the text, or the bytes; password may be NULL */
	bool (*is_it)(const struct scheme *s, struct span body,
		const struct span *password);
	const struct nettle_hash *hash; /* of a digest */
	size_t bytes;                   /* of the digest; 0: it is text */
	bool is_salted;                 /* the salt stands behind the digest */
};

enum encoding {
	ENCODING_NONE,
	ENCODING_HEX,
	ENCODING_BASE64
};

union any_hash {
	struct md4_ctx md4;
	struct md5_ctx md5;
	struct sha1_ctx sha1;
	struct sha256_ctx sha256;
	struct sha512_ctx sha512;
};

static bool check_plain(
	const struct scheme *s, struct span body, const struct span *password)
{
	(void)s;
	if (password == NULL)
		return body.n > 0;
	return secret_equal(body, *password);
}

static bool check_digest(
	const struct scheme *s, struct span body, const struct span *password)
{
	uint8_t made[SHA512_DIGEST_SIZE];
	struct span salt = span_tail(body, s->bytes);
	union any_hash h;
	bool is_good;

	if (body.n < s->bytes || (salt.n > 0) != s->is_salted)
		return false;
	if (password == NULL)
		return true;
	s->hash->init(&h);
	s->hash->update(&h, password->n, password->p);
	s->hash->update(&h, salt.n, salt.p);
	s->hash->digest(&h, s->bytes, made);
	is_good = secret_equal(
		span_of(made, s->bytes), span_head(body, s->bytes));
	secret_wipe(made, sizeof(made));
	return is_good;
}

/* MD4 of UTF-16, to which Dovecot widens bytes, not characters. */
static bool check_ntlm(
	const struct scheme *s, struct span body, const struct span *password)
{
	uint8_t made[MD4_DIGEST_SIZE];
	struct md4_ctx h;

	if (body.n != s->bytes)
		return false;
	if (password == NULL)
		return true;
	md4_init(&h);
	for (size_t i = 0; i < password->n; i++) {
		const uint8_t wide[2] = {password->p[i], 0};

		md4_update(&h, sizeof(wide), wide);
	}
	md4_digest(&h, sizeof(made), made);
	return secret_equal(body, span_of(made, sizeof(made)));
}

static bool check_crypt(
	const struct scheme *s, struct span body, const struct span *password)
{
	(void)s;
	if (password == NULL)
		return password_crypt_is_any(body);
	return password_crypt_verify(body, *password);
}

static bool check_argon(
	const struct scheme *s, struct span body, const struct span *password)
{
	(void)s;
	if (password == NULL)
		return password_argon_is_hash(body);
	return password_argon_verify(body, *password);
}

static bool check_pbkdf2(
	const struct scheme *s, struct span body, const struct span *password)
{
	(void)s;
	return password_pbkdf2(body, password);
}

static bool check_scram_256(
	const struct scheme *s, struct span body, const struct span *password)
{
	(void)s;
	return password_scram(SCRAM_SHA_256, body, password);
}

static bool check_scram_1(
	const struct scheme *s, struct span body, const struct span *password)
{
	(void)s;
	return password_scram(SCRAM_SHA_1, body, password);
}

static bool check_cram_md5(
	const struct scheme *s, struct span body, const struct span *password)
{
	(void)s;
	return password_cram_md5(body, password);
}

/* clang-format off */
#define TEXT(name, check) {SPAN_INIT(name), check, NULL, 0, false}
#define DIGEST(name, hash, bytes, is_salted) \
	{SPAN_INIT(name), check_digest, &hash, bytes, is_salted}
static const struct scheme schemes[] = {
	TEXT("PLAIN", check_plain),
	TEXT("CLEAR", check_plain),
	TEXT("CLEARTEXT", check_plain),
	TEXT("CRYPT", check_crypt),
	TEXT("DES-CRYPT", check_crypt),
	TEXT("MD5-CRYPT", check_crypt),
	TEXT("SHA256-CRYPT", check_crypt),
	TEXT("SHA512-CRYPT", check_crypt),
	TEXT("BLF-CRYPT", check_crypt),
	TEXT("ARGON2I", check_argon),
	TEXT("ARGON2ID", check_argon),
	TEXT("PBKDF2", check_pbkdf2),
	TEXT("SCRAM-SHA-1", check_scram_1),
	TEXT("SCRAM-SHA-256", check_scram_256),
	DIGEST("MD5", nettle_md5, MD5_DIGEST_SIZE, false), /* or crypt(3)'s */
	DIGEST("PLAIN-MD5", nettle_md5, MD5_DIGEST_SIZE, false),
	DIGEST("LDAP-MD5", nettle_md5, MD5_DIGEST_SIZE, false),
	DIGEST("SMD5", nettle_md5, MD5_DIGEST_SIZE, true),
	DIGEST("PLAIN-MD4", nettle_md4, MD4_DIGEST_SIZE, false),
	DIGEST("SHA", nettle_sha1, SHA1_DIGEST_SIZE, false),
	DIGEST("SHA1", nettle_sha1, SHA1_DIGEST_SIZE, false),
	DIGEST("SSHA", nettle_sha1, SHA1_DIGEST_SIZE, true),
	DIGEST("SHA256", nettle_sha256, SHA256_DIGEST_SIZE, false),
	DIGEST("SSHA256", nettle_sha256, SHA256_DIGEST_SIZE, true),
	DIGEST("SHA512", nettle_sha512, SHA512_DIGEST_SIZE, false),
	DIGEST("SSHA512", nettle_sha512, SHA512_DIGEST_SIZE, true),
	{SPAN_INIT("NTLM"), check_ntlm, NULL, MD4_DIGEST_SIZE, false},
	{SPAN_INIT("CRAM-MD5"), check_cram_md5, NULL, 2 * MD5_DIGEST_SIZE, false},
	{SPAN_INIT("HMAC-MD5"), check_cram_md5, NULL, 2 * MD5_DIGEST_SIZE, false},
};
/* clang-format on */

static const struct scheme *find(struct span name)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (span_eq_fold(schemes[i].name, name))
			return &schemes[i];
	return NULL;
}

/* Cuts ".hex" … off the name.  False: another word. */
static bool take_encoding(struct span *name, enum encoding *out)
{
	size_t dot = span_find(*name, '.');
	struct span word = span_tail(*name, dot + 1);

	*out = ENCODING_NONE;
	if (dot == name->n)
		return true;
	name->n = dot;
	if (span_eq_fold(word, SPAN("HEX")))
		*out = ENCODING_HEX;
	else if (span_eq_fold(word, SPAN("B64")) ||
		 span_eq_fold(word, SPAN("BASE64")))
		*out = ENCODING_BASE64;
	return *out != ENCODING_NONE;
}

static bool decode(struct span text, enum encoding encoding,
	uint8_t out[PASSWORD_IMPORTED_BYTES_MAX], size_t *out_n)
{
	if (encoding == ENCODING_BASE64)
		return base64_get(
			       text, out, PASSWORD_IMPORTED_BYTES_MAX, out_n) ||
		       base64_get_bare(
			       text, out, PASSWORD_IMPORTED_BYTES_MAX, out_n);
	for (size_t i = 0; i < text.n; i++) {
		int digit = hex_digit(text.p[i]);

		if (digit < 0)
			return false;
		out[i / 2] = (uint8_t)(out[i / 2] << 4 | digit);
	}
	*out_n = text.n / 2;
	return text.n % 2 == 0;
}

/* A digest without a word on its encoding: Dovecot looks at the length too. */
static enum encoding guess(const struct scheme *s, struct span text)
{
	if (s->bytes == 0)
		return ENCODING_NONE;
	return !s->is_salted && text.n == 2 * s->bytes ? ENCODING_HEX
						       : ENCODING_BASE64;
}

bool password_scheme_check(struct span text, const struct span *password)
{
	uint8_t bytes[PASSWORD_IMPORTED_BYTES_MAX] = {0};
	struct span name = span_cut(&text, '}');
	const struct scheme *s;
	enum encoding encoding;
	bool is_good;
	size_t n;

	if (!span_starts(name, SPAN("{")) ||
		text.n > PASSWORD_IMPORTED_BYTES_MAX)
		return false;
	name = span_tail(name, 1);
	if (!take_encoding(&name, &encoding))
		return false;
	s = find(name);
	if (s == NULL)
		return false;
	if (encoding == ENCODING_NONE && s->hash == &nettle_md5 &&
		span_starts(text, SPAN("$1$")))
		return check_crypt(s, text, password);
	if (encoding == ENCODING_NONE)
		encoding = guess(s, text);
	if (encoding == ENCODING_NONE)
		return s->is_it(s, text, password);
	if (!decode(text, encoding, bytes, &n))
		return false;
	is_good = s->is_it(s, span_of(bytes, n), password);
	secret_wipe(bytes, sizeof(bytes));
	return is_good;
}
