/*
 * tls_key.h - private keys, here or elsewhere.
 *
 * A process that talks to strangers holds no key: it has a struct tls_key that
 * knows the public half and asks somebody else to sign.  To OpenSSL it is a
 * key of a provider of ours, which can do nothing but sign.
 */
#ifndef POSTRIDER_TLS_TLS_KEY_H
#define POSTRIDER_TLS_TLS_KEY_H

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

struct tls_key;

#define TLS_SIGNATURE_BYTES_MAX 1024 /* RSA of 8192 bits */
#define TLS_TO_SIGN_BYTES_MAX   4096

/* How bytes are signed: RFC 8446 4.2.3. */
enum tls_scheme {
	TLS_RSA_PKCS1, /* TLS 1.2 */
	TLS_RSA_PSS,   /* salt as long as the hash */
	TLS_ECDSA,
	TLS_ED25519,
	TLS_SCHEME_COUNT
};
enum tls_hash { TLS_HASH_NONE, TLS_SHA256, TLS_SHA384, TLS_SHA512,
	TLS_HASH_COUNT };

/* text: the bytes themselves for Ed25519, else their hash. */
struct tls_sign {
	enum tls_scheme scheme;
	enum tls_hash hash;
	struct span text;
};

/* Signs for a key that is elsewhere, amid a handshake.  False: it cannot now;
 * the handshake fails. */
typedef bool tls_sign_fn(void *arg, const struct tls_sign *what,
	struct buf *out_signature);

/* The public half is that of the certificate, the first in this PEM. */
struct tls_key *tls_key_remote(struct span chain_pem, tls_sign_fn *fn,
	void *arg, struct err *e);
/* A key of our own, PEM; for the process that keeps them, and for tests. */
struct tls_key *tls_key_read(struct span pem, struct err *e);
/* Takes NULL; servers that have it keep it. */
void tls_key_free(struct tls_key *k);

/* Signs with a key of our own: what the keeper does when it is asked.  DENIED:
 * the scheme is not one of this key, or the text is none of that hash. */
enum code tls_key_sign(struct tls_key *k, const struct tls_sign *what,
	struct buf *out_signature, struct err *e) MUST_USE;
/* Is it the private half to this certificate? */
bool tls_key_fits(const struct tls_key *k, struct span chain_pem);

/* Until when the first certificate of the chain is good, and since when,
 * milliseconds since 1970; false: it does not say. */
bool tls_certificate_times(struct span chain_pem, int64_t *out_since_ms,
	int64_t *out_until_ms);

/* A new key (ECDSA, P-256) and a certificate for these names that it signs
 * itself, both as PEM: for a server that was given none. */
enum code tls_make_self_signed(const struct span *names, size_t count,
	int64_t now_s, struct buf *out_key, struct buf *out_certificate,
	struct err *e) MUST_USE;

#endif
