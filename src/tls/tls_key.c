/*
 * tls_key.c - private keys, ours and those that are kept elsewhere.
 * See tls_key.h.
 */
#include "tls/tls_key.h"

#include <limits.h>
#include <time.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/mem.h"
#include "tls/tls_int.h"

#include "base/banned.h"

static struct tls_key *new_key(void)
{
	struct tls_key *k = MEM_NEW(struct tls_key);

	k->refs = 1;
	return k;
}

void tls_key_unref(struct tls_key *k)
{
	if (--k->refs > 0)
		return;
	EVP_PKEY_free(k->pub);
	mem_free(k);
}

/* ---- keys that are elsewhere -------------------------------------------- */
static EVP_PKEY *public_half(struct span chain_pem)
{
	STACK_OF(X509) *chain = tls_read_chain(chain_pem);
	EVP_PKEY *pub = chain == NULL ? NULL :
		X509_get_pubkey(sk_X509_value(chain, 0));

	sk_X509_pop_free(chain, X509_free);
	return pub;
}

static bool take_time(const ASN1_TIME *time, int64_t *out_ms)
{
	struct tm tm;

	if (time == NULL || ASN1_TIME_to_tm(time, &tm) != 1)
		return false;
	*out_ms = (int64_t)timegm(&tm) * 1000;
	return true;
}

bool tls_certificate_times(struct span chain_pem, int64_t *out_since_ms,
	int64_t *out_until_ms)
{
	STACK_OF(X509) *chain = tls_read_chain(chain_pem);
	X509 *first = chain == NULL ? NULL : sk_X509_value(chain, 0);
	bool is_told = first != NULL &&
		take_time(X509_get0_notBefore(first), out_since_ms) &&
		take_time(X509_get0_notAfter(first), out_until_ms);

	sk_X509_pop_free(chain, X509_free);
	return is_told;
}

static const char *kind_of(EVP_PKEY *key)
{
	static const char *const kinds[] = {"RSA", "EC", "ED25519"};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (EVP_PKEY_is_a(key, kinds[i]) == 1)
			return kinds[i];
	return NULL;
}

/* The key as OpenSSL is given it: one of our provider. */
static EVP_PKEY *make_remote(struct tls_key *k, const char *kind)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_octet_ptr(TLS_PROVIDER_KEY, (void **)&k, sizeof(*k)),
		OSSL_PARAM_END,
	};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(tls_library(), kind,
		TLS_PROVIDER_QUERY);
	EVP_PKEY *key = NULL;

	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}

struct tls_key *tls_key_remote(struct span chain_pem, tls_sign_fn *fn,
	void *arg, struct err *e)
{
	struct tls_key *k = new_key();
	const char *kind;

	k->fn = fn;
	k->arg = arg;
	k->pub = public_half(chain_pem);
	kind = k->pub == NULL ? NULL : kind_of(k->pub);
	if (kind != NULL)
		k->pkey = make_remote(k, kind);
	if (k->pkey != NULL)
		return k;
	(void)tls_trouble(e, SYNTAX,
		k->pub == NULL ? "reading the certificate"
			: "the certificate's key is not RSA, EC or Ed25519");
	tls_key_free(k);
	return NULL;
}

/* ---- keys of our own ------------------------------------------------------- */
/* An encrypted key: nobody is asked, it cannot be read. */
static int no_password(char *room, int size, int writing, void *arg)
{
	(void)room;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

struct tls_key *tls_key_read(struct span pem, struct err *e)
{
	struct tls_key *k = new_key();
	BIO *bio = pem.n > INT_MAX ? NULL
		: BIO_new_mem_buf(pem.p, (int)pem.n);

	if (bio != NULL)
		k->pkey = PEM_read_bio_PrivateKey_ex(bio, NULL, no_password,
			NULL, tls_library(), NULL);
	BIO_free(bio);
	if (k->pkey != NULL && kind_of(k->pkey) != NULL) {
		ERR_clear_error();
		return k;
	}
	(void)tls_trouble(e, SYNTAX, "reading the private key");
	tls_key_free(k);
	return NULL;
}

void tls_key_free(struct tls_key *k)
{
	if (k == NULL)
		return;
	/* a context may still have it, and it us */
	EVP_PKEY_free(k->pkey);
	k->pkey = NULL;
	tls_key_unref(k);
}

bool tls_key_fits(const struct tls_key *k, struct span chain_pem)
{
	EVP_PKEY *pub = public_half(chain_pem);
	bool is_same = pub != NULL && EVP_PKEY_eq(pub, k->pkey) == 1;

	EVP_PKEY_free(pub);
	ERR_clear_error();
	return is_same;
}

/* ---- signing ------------------------------------------------------------------ */
static const struct {
	const char *name;
	size_t bytes;
} hashes[TLS_HASH_COUNT] = {
	[TLS_SHA256] = {"SHA256", 32},
	[TLS_SHA384] = {"SHA384", 48},
	[TLS_SHA512] = {"SHA512", 64},
};

static const char *const scheme_kinds[TLS_SCHEME_COUNT] = {
	[TLS_RSA_PKCS1] = "RSA",
	[TLS_RSA_PSS] = "RSA",
	[TLS_ECDSA] = "EC",
	[TLS_ED25519] = "ED25519",
};

static bool may_sign(const struct tls_key *k, const struct tls_sign *what)
{
	if (k->pub != NULL || what->scheme >= TLS_SCHEME_COUNT ||
		what->hash >= TLS_HASH_COUNT ||
		EVP_PKEY_is_a(k->pkey, scheme_kinds[what->scheme]) != 1)
		return false;
	if (what->scheme == TLS_ED25519)
		return what->hash == TLS_HASH_NONE &&
			what->text.n <= TLS_TO_SIGN_BYTES_MAX;
	return what->hash != TLS_HASH_NONE &&
		what->text.n == hashes[what->hash].bytes;
}

static bool prepare(EVP_PKEY_CTX *ctx, const struct tls_sign *what)
{
	EVP_MD *md;
	bool is_ready = EVP_PKEY_sign_init(ctx) == 1;

	if (is_ready && what->scheme == TLS_RSA_PSS)
		is_ready = EVP_PKEY_CTX_set_rsa_padding(ctx,
				   RSA_PKCS1_PSS_PADDING) == 1 &&
			EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx,
				RSA_PSS_SALTLEN_DIGEST) == 1;
	else if (is_ready && what->scheme == TLS_RSA_PKCS1)
		is_ready = EVP_PKEY_CTX_set_rsa_padding(ctx,
				   RSA_PKCS1_PADDING) == 1;
	md = EVP_MD_fetch(tls_library(), hashes[what->hash].name, NULL);
	is_ready = is_ready && md != NULL &&
		EVP_PKEY_CTX_set_signature_md(ctx, md) == 1;
	EVP_MD_free(md);
	return is_ready;
}

static bool sign_hash(const struct tls_key *k, const struct tls_sign *what,
	uint8_t *room, size_t *n)
{
	EVP_PKEY_CTX *ctx =
		EVP_PKEY_CTX_new_from_pkey(tls_library(), k->pkey, NULL);
	bool is_signed = ctx != NULL && prepare(ctx, what) &&
		EVP_PKEY_sign(ctx, room, n, what->text.p, what->text.n) == 1;

	EVP_PKEY_CTX_free(ctx);
	return is_signed;
}

/* RFC 8032: Ed25519 hashes by itself. */
static bool sign_text(const struct tls_key *k, const struct tls_sign *what,
	uint8_t *room, size_t *n)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool is_signed = ctx != NULL &&
		EVP_DigestSignInit_ex(ctx, NULL, NULL, tls_library(), NULL,
			k->pkey, NULL) == 1 &&
		EVP_DigestSign(ctx, room, n, what->text.p, what->text.n) == 1;

	EVP_MD_CTX_free(ctx);
	return is_signed;
}

enum code tls_key_sign(struct tls_key *k, const struct tls_sign *what,
	struct buf *out_signature, struct err *e)
{
	uint8_t room[TLS_SIGNATURE_BYTES_MAX];
	size_t n = sizeof(room);
	bool is_signed;

	if (!may_sign(k, what))
		return err_set(e, DENIED, "the key does not sign so");
	is_signed = what->scheme == TLS_ED25519
		? sign_text(k, what, room, &n)
		: sign_hash(k, what, room, &n);
	if (!is_signed)
		return tls_trouble(e, TEMP, "signing");
	buf_put(out_signature, span_of(room, n));
	return OK;
}
