/*
 * tls_library.c - OpenSSL as we use it, and what its callers share.
 *
 * A library context of our own: libraries that use OpenSSL too do not see our
 * provider, and the configuration of the system (which names files and
 * modules) is not read.
 */
#include <limits.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/provider.h>

#include "tls/tls_int.h"

#include "base/banned.h"

static OSSL_LIB_CTX *make_library(void)
{
	OSSL_LIB_CTX *library;

	if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
		return NULL;
	library = OSSL_LIB_CTX_new();
	/* without a preference a public key might become one of ours */
	if (library == NULL ||
		OSSL_PROVIDER_add_builtin(library, TLS_PROVIDER,
			tls_provider_init) != 1 ||
		OSSL_PROVIDER_load(library, "default") == NULL ||
		OSSL_PROVIDER_load(library, TLS_PROVIDER) == NULL ||
		EVP_set_default_properties(library, "?provider=default") != 1) {
		OSSL_LIB_CTX_free(library);
		return NULL;
	}
	return library;
}

OSSL_LIB_CTX *tls_library(void)
{
	static OSSL_LIB_CTX *library;

	if (library == NULL)
		library = make_library();
	return library;
}

/* A pair of contexts and a certificate fill the library's tables. */
bool tls_warm_up(void)
{
	SSL_CTX *ctx = tls_new_ctx(TLS_server_method());
	bool is_ready = ctx != NULL;

	SSL_CTX_free(ctx);
	return is_ready;
}

enum code tls_trouble(struct err *e, enum code code, const char *doing)
{
	unsigned long error = ERR_peek_error();
	const char *reason = error == 0 ? NULL : ERR_reason_error_string(error);

	ERR_clear_error();
	return err_set(e, code, "%s: %s", doing,
		reason == NULL ? "no memory" : reason);
}

/* PEM asks for a password of an encrypted key: there is none, and no terminal
 * either. */
static STACK_OF(X509) *read_all(BIO *bio)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	X509 *one;

	while (chain != NULL &&
		(one = X509_new_ex(tls_library(), NULL)) != NULL) {
		if (PEM_read_bio_X509(bio, &one, NULL, NULL) == NULL) {
			X509_free(one);
			break;
		}
		if (sk_X509_push(chain, one) == 0) {
			X509_free(one);
			break;
		}
	}
	return chain;
}

STACK_OF(X509) *tls_read_chain(struct span pem)
{
	STACK_OF(X509) *chain = NULL;
	BIO *bio;

	if (pem.n > INT_MAX)
		return NULL;
	bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	if (bio != NULL)
		chain = read_all(bio);
	BIO_free(bio);
	/* the end of the text is an error to PEM */
	if (chain != NULL && sk_X509_num(chain) > 0) {
		ERR_clear_error();
		return chain;
	}
	sk_X509_free(chain);
	return NULL;
}
