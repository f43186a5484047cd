/*
 * tls_self_signed.c - a key and a certificate for a server that was given
 * none.  See tls_key.h.  RFC 5280 4.1, 4.2.1.6
 *
 * Other servers take it, as they do not look at names (RFC 7435); a mail
 * program asks its user once.
 */
#include <limits.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "tls/tls_int.h"

#include "base/banned.h"

/* Ten years: whoever lives with it shall not be woken by its end. */
#define LIFE_S    (3650 * 86400L)
/* Clocks of clients may be behind. */
#define BEFORE_S  86400L
#define COMMON_NAME_MAX  64 /* of a common name, RFC 5280 A.1 */

static bool put_pem(struct buf *out, BIO *bio)
{
	char *p = NULL;
	long n = BIO_get_mem_data(bio, &p);

	if (n > 0)
		buf_put(out, span_of(p, (size_t)n));
	return n > 0 && !out->overflow;
}

static bool add_extension(X509 *x, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *one;
	bool is_added;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	one = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	is_added = one != NULL && X509_add_ext(x, one, -1) == 1;
	X509_EXTENSION_free(one);
	return is_added;
}

static bool add_name(GENERAL_NAMES *list, struct span name)
{
	GENERAL_NAME *one = GENERAL_NAME_new();
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();

	if (one == NULL || text == NULL || name.n > INT_MAX ||
		ASN1_STRING_set(text, name.p, (int)name.n) != 1 ||
		sk_GENERAL_NAME_push(list, one) == 0) {
		GENERAL_NAME_free(one);
		ASN1_IA5STRING_free(text);
		return false;
	}
	GENERAL_NAME_set0_value(one, GEN_DNS, text);
	return true;
}

/* The names as they are: through the text form a comma would make two. */
static bool add_names(X509 *x, const struct span *names, size_t count)
{
	GENERAL_NAMES *list = GENERAL_NAMES_new();
	bool is_added = list != NULL;

	for (size_t i = 0; i < count && is_added; i++)
		is_added = add_name(list, names[i]);
	is_added = is_added &&
		X509_add1_ext_i2d(x, NID_subject_alt_name, list, 0, 0) == 1;
	GENERAL_NAMES_free(list);
	return is_added;
}

static bool set_subject(X509 *x, struct span name)
{
	X509_NAME *subject = X509_get_subject_name(x);
	struct span cut = span_head(name, COMMON_NAME_MAX);

	return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, cut.p,
		       (int)cut.n, -1, 0) == 1 &&
		X509_set_issuer_name(x, subject) == 1;
}

static bool set_serial(X509 *x)
{
	uint64_t number = 0;

	return RAND_bytes_ex(tls_library(), (unsigned char *)&number,
		       sizeof(number), 0) == 1 &&
		ASN1_INTEGER_set_uint64(X509_get_serialNumber(x),
			number >> 1 | 1) == 1;
}

static bool fill(X509 *x, EVP_PKEY *key, const struct span *names,
	size_t count, int64_t now_s)
{
	EVP_MD *md = EVP_MD_fetch(tls_library(), "SHA256", NULL);
	bool is_filled = md != NULL && X509_set_version(x, X509_VERSION_3) == 1 &&
		set_serial(x) && set_subject(x, names[0]) &&
		ASN1_TIME_set(X509_getm_notBefore(x), now_s - BEFORE_S) !=
			NULL &&
		ASN1_TIME_set(X509_getm_notAfter(x), now_s + LIFE_S) != NULL &&
		X509_set_pubkey(x, key) == 1 &&
		add_extension(x, NID_basic_constraints, "critical,CA:FALSE") &&
		add_extension(x, NID_key_usage, "critical,digitalSignature") &&
		add_extension(x, NID_ext_key_usage, "serverAuth") &&
		add_names(x, names, count) && X509_sign(x, key, md) > 0;

	EVP_MD_free(md);
	return is_filled;
}

static bool put_both(EVP_PKEY *key, X509 *x, struct buf *out_key,
	struct buf *out_certificate)
{
	BIO *a = BIO_new(BIO_s_secmem()), *b = BIO_new(BIO_s_mem());
	bool is_put = a != NULL && b != NULL &&
		PEM_write_bio_PKCS8PrivateKey(a, key, NULL, NULL, 0, NULL,
			NULL) == 1 &&
		PEM_write_bio_X509(b, x) == 1 && put_pem(out_key, a) &&
		put_pem(out_certificate, b);

	BIO_free(a);
	BIO_free(b);
	return is_put;
}

enum code tls_make_self_signed(const struct span *names, size_t count,
	int64_t now_s, struct buf *out_key, struct buf *out_certificate,
	struct err *e)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(tls_library(), NULL, "EC", "P-256");
	X509 *x = X509_new_ex(tls_library(), NULL);
	bool is_made = key != NULL && x != NULL && count > 0 &&
		fill(x, key, names, count, now_s) &&
		put_both(key, x, out_key, out_certificate);

	X509_free(x);
	EVP_PKEY_free(key);
	return is_made ? OK : tls_trouble(e, TEMP, "making a certificate");
}
