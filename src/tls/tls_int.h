/*
 * tls_int.h - what the files of src/tls share; OpenSSL is named only here and
 * in them.
 */
#ifndef POSTRIDER_TLS_TLS_INT_H
#define POSTRIDER_TLS_TLS_INT_H

#include <openssl/ssl.h>

#include "tls/tls_context.h"

/* The provider that signs elsewhere, and the property that names it. */
#define TLS_PROVIDER       "postrider"
#define TLS_PROVIDER_QUERY "provider=postrider"
/* The parameter that carries a struct tls_key * to it. */
#define TLS_PROVIDER_KEY "postrider-key"

/* Certificates that one service may have. */
#define TLS_CERTIFICATES_MAX 64

struct tls_key {
	EVP_PKEY *pkey;  /* owned: what OpenSSL is given */
	EVP_PKEY *pub;   /* owned: the public half; NULL: pkey is our own */
	tls_sign_fn *fn;
	void *arg;
	unsigned refs;   /* its owner, and what OpenSSL made of it */
};

struct tls_certificate {
	SSL_CTX *ctx; /* owned: with this certificate */
	X509 *leaf;   /* owned by ctx */
};

struct tls_server {
	unsigned refs; /* its owner, and connections */
	struct tls_certificate certificates[TLS_CERTIFICATES_MAX];
	size_t count;
	uint8_t session_context[32]; /* that of the service */
	uint8_t alpn[64];            /* as in ALPN: length, name */
	size_t alpn_n;
	struct tls_ticket_key tickets[TLS_TICKET_KEYS];
	size_t ticket_count;
	bool asks_certificate;
};

struct tls_client {
	SSL_CTX *ctx; /* owned */
};

/* OpenSSL as we use it: no file is read, no configuration of the system.  Made
 * at the first call; NULL: no memory. */
OSSL_LIB_CTX *tls_library(void);
/* The rows of our provider. */
OSSL_provider_init_fn tls_provider_init;

/* SSL_CTX_set_msg_callback: counts. */
void tls_note_message(int is_ours, int version, int type, const void *bytes,
	size_t n, SSL *ssl, void *arg);

void tls_key_unref(struct tls_key *k);
void tls_server_unref(struct tls_server *s); /* takes NULL */

/* What both kinds of context have in common. */
SSL_CTX *tls_new_ctx(const SSL_METHOD *method);
/* The error of OpenSSL that came first, as an error of ours; forgets all. */
enum code tls_trouble(struct err *e, enum code code, const char *doing);
/* The certificates of a PEM text; NULL: there is none, or no memory. */
STACK_OF(X509) *tls_read_chain(struct span pem);

#endif
