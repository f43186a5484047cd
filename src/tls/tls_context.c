/*
 * tls_context.c - what the connections of a service have in common.
 * See tls_context.h.
 *
 * Each certificate has an SSL_CTX; the first one begins every handshake, and
 * the name in the client's SNI moves it to another (RFC 6066 3).
 */
#include "tls/tls_context.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "crypto/hash.h"
#include "crypto/secret.h"
#include "tls/tls_int.h"

#include "base/banned.h"

/* RFC 9325 4.2: forward secrecy and AEAD; TLS 1.3 has nothing else. */
#define CIPHERS_1_2 "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM"

/* A client's certificate and what it sends along; one is enough for us. */
#define CLIENT_CHAIN_BYTES 16384

SSL_CTX *tls_new_ctx(const SSL_METHOD *method)
{
	OSSL_LIB_CTX *library = tls_library();
	SSL_CTX *ctx = library == NULL ? NULL
		: SSL_CTX_new_ex(library, NULL, method);

	if (ctx == NULL)
		return NULL;
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
		SSL_CTX_set_cipher_list(ctx, CIPHERS_1_2) != 1) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION |
		SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
		SSL_OP_PRIORITIZE_CHACHA | SSL_OP_NO_QUERY_MTU |
		/* what was read may be a password: no copy stays */
		SSL_OP_CLEANSE_PLAINTEXT);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
		SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_msg_callback(ctx, tls_note_message);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	return ctx;
}

/* ---- tickets: RFC 5077 4 --------------------------------------------------- */
static bool key_hmac(EVP_MAC_CTX *hmac, const struct tls_ticket_key *key)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY,
			(void *)(uintptr_t)key->hmac, sizeof(key->hmac)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest,
			0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_CTX_set_params(hmac, params) == 1;
}

static bool key_cipher(EVP_CIPHER_CTX *cipher, const struct tls_ticket_key *key,
	const uint8_t *iv, int is_sealing)
{
	EVP_CIPHER *aes = EVP_CIPHER_fetch(tls_library(), "AES-256-CBC", NULL);
	bool is_set = aes != NULL && EVP_CipherInit_ex2(cipher, aes, key->aes,
			iv, is_sealing, NULL) == 1;

	EVP_CIPHER_free(aes);
	return is_set;
}

/* 0: no ticket, or a full handshake; 1: done; 2: done, and give a new one. */
static int on_ticket(SSL *ssl, unsigned char name[16],
	unsigned char iv[EVP_MAX_IV_LENGTH], EVP_CIPHER_CTX *cipher,
	EVP_MAC_CTX *hmac, int is_sealing)
{
	struct tls_server *s = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	size_t i = 0;

	if (s == NULL || s->ticket_count == 0)
		return 0;
	if (is_sealing) {
		secret_random(iv, 16);
		memcpy(name, s->tickets[0].name, 16);
	}
	while (i < s->ticket_count && memcmp(name, s->tickets[i].name, 16) != 0)
		i++;
	if (i == s->ticket_count || !key_hmac(hmac, &s->tickets[i]) ||
		!key_cipher(cipher, &s->tickets[i], iv, is_sealing))
		return 0;
	return is_sealing || i == 0 ? 1 : 2;
}

void tls_server_set_tickets(struct tls_server *s,
	const struct tls_ticket_key *keys, size_t count)
{
	must(count <= TLS_TICKET_KEYS);
	secret_wipe(s->tickets, sizeof(s->tickets));
	for (size_t i = 0; i < count; i++)
		s->tickets[i] = keys[i];
	s->ticket_count = count;
}

/* ---- names -------------------------------------------------------------------- */
static const struct tls_certificate *find(const struct tls_server *s,
	const char *name)
{
	for (size_t i = 0; i < s->count; i++)
		if (X509_check_host(s->certificates[i].leaf, name, 0,
			    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1)
			return &s->certificates[i];
	return NULL;
}

/* Deliberate: a name that no certificate is for gets the first one.  Clients
 * that care find out; other servers ask for names that they made up. */
static int on_sni(SSL *ssl, int *out_alert, void *arg)
{
	struct tls_server *s = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	const struct tls_certificate *c = name == NULL ? NULL : find(s, name);

	(void)out_alert;
	if (c != NULL && SSL_set_SSL_CTX(ssl, c->ctx) == NULL)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	return SSL_TLSEXT_ERR_OK;
}

/* RFC 7301 3.2: a client that wants another protocol is at the wrong door; this
 * is what an attack across protocols looks like. */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n,
	const unsigned char *in, unsigned in_n, void *arg)
{
	struct tls_server *s = arg;
	unsigned char *chosen = NULL;

	(void)ssl;
	if (SSL_select_next_proto(&chosen, out_n, s->alpn,
		    (unsigned)s->alpn_n, in, in_n) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/* ---- servers -------------------------------------------------------------------- */
struct tls_server *tls_server_new(const struct tls_server_setup *setup,
	struct err *e)
{
	struct tls_server *s;
	struct sha256 context = sha256_of(setup->service);

	if (setup->alpn.n + 1 > sizeof(s->alpn)) {
		(void)err_set(e, SYNTAX, "the name of the protocol is long");
		return NULL;
	}
	s = MEM_NEW(struct tls_server);
	s->refs = 1;
	s->asks_certificate = setup->asks_certificate;
	memcpy(s->session_context, context.bytes, sizeof(context.bytes));
	if (setup->alpn.n > 0) {
		s->alpn[0] = (uint8_t)setup->alpn.n;
		memcpy(s->alpn + 1, setup->alpn.p, setup->alpn.n);
		s->alpn_n = setup->alpn.n + 1;
	}
	return s;
}

void tls_server_free(struct tls_server *s)
{
	tls_server_unref(s);
}

void tls_server_unref(struct tls_server *s)
{
	if (s == NULL || --s->refs > 0)
		return;
	for (size_t i = 0; i < s->count; i++)
		SSL_CTX_free(s->certificates[i].ctx);
	secret_wipe(s->tickets, sizeof(s->tickets));
	mem_free(s);
}

/* Whatever a client shows is good: an account may be bound to it. */
static int on_client_certificate(int is_good, X509_STORE_CTX *store)
{
	(void)is_good;
	(void)store;
	return 1;
}

static SSL_CTX *new_server_ctx(struct tls_server *s)
{
	SSL_CTX *ctx = tls_new_ctx(TLS_server_method());

	if (ctx == NULL)
		return NULL;
	(void)SSL_CTX_set_app_data(ctx, s);
	(void)SSL_CTX_set_dh_auto(ctx, 1);
	if (SSL_CTX_set_session_id_context(ctx, s->session_context,
		    sizeof(s->session_context)) != 1 ||
		SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket) != 1) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	(void)SSL_CTX_set_tlsext_servername_callback(ctx, on_sni);
	(void)SSL_CTX_set_tlsext_servername_arg(ctx, s);
	if (s->alpn_n > 0)
		SSL_CTX_set_alpn_select_cb(ctx, on_alpn, s);
	if (s->asks_certificate) {
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, on_client_certificate);
		(void)SSL_CTX_set_max_cert_list(ctx, CLIENT_CHAIN_BYTES);
	}
	return ctx;
}

/* The chain goes into the context; the first one is the server's own. */
static bool use_chain(SSL_CTX *ctx, STACK_OF(X509) *chain, EVP_PKEY *key)
{
	if (SSL_CTX_use_certificate(ctx, sk_X509_value(chain, 0)) != 1)
		return false;
	for (int i = 1; i < sk_X509_num(chain); i++)
		if (SSL_CTX_add1_chain_cert(ctx, sk_X509_value(chain, i)) != 1)
			return false;
	return SSL_CTX_use_PrivateKey(ctx, key) == 1;
}

enum code tls_server_add(struct tls_server *s, struct span chain_pem,
	struct tls_key *key, struct err *e)
{
	STACK_OF(X509) *chain = tls_read_chain(chain_pem);
	SSL_CTX *ctx = new_server_ctx(s);
	enum code code = OK;

	if (chain == NULL || ctx == NULL)
		code = tls_trouble(e, chain == NULL ? SYNTAX : TEMP,
			"reading the certificate");
	else if (s->count == TLS_CERTIFICATES_MAX)
		code = err_set(e, LIMIT, "there are too many certificates");
	else if (!use_chain(ctx, chain, key->pkey))
		code = tls_trouble(e, SYNTAX,
			"the certificate and its key");
	sk_X509_pop_free(chain, X509_free);
	if (code != OK) {
		SSL_CTX_free(ctx);
		return code;
	}
	s->certificates[s->count++] = (struct tls_certificate){
		ctx, SSL_CTX_get0_certificate(ctx)};
	return OK;
}

/* ---- clients ----------------------------------------------------------------------- */
/* What is wrong with a certificate is noted, not acted on. */
static int on_verify(int is_good, X509_STORE_CTX *store)
{
	(void)is_good;
	(void)store;
	return 1;
}

struct tls_client *tls_client_new(struct err *e)
{
	SSL_CTX *ctx = tls_new_ctx(TLS_client_method());
	struct tls_client *c;

	if (ctx == NULL) {
		(void)tls_trouble(e, TEMP, "making a context for TLS");
		return NULL;
	}
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, on_verify);
	c = MEM_NEW(struct tls_client);
	c->ctx = ctx;
	return c;
}

void tls_client_free(struct tls_client *c)
{
	if (c == NULL)
		return;
	SSL_CTX_free(c->ctx);
	mem_free(c);
}

enum code tls_client_add_authorities(struct tls_client *c, struct span pem,
	struct err *e)
{
	STACK_OF(X509) *all = tls_read_chain(pem);
	X509_STORE *store = SSL_CTX_get_cert_store(c->ctx);

	if (all == NULL)
		return tls_trouble(e, SYNTAX, "reading certificates");
	for (int i = 0; i < sk_X509_num(all); i++)
		(void)X509_STORE_add_cert(store, sk_X509_value(all, i));
	sk_X509_pop_free(all, X509_free);
	ERR_clear_error();
	return OK;
}
