/*
 * tls_context.h - what the connections of one service have in common:
 * certificates, tickets, protocols.  RFC 9325
 *
 * TLS 1.2 with forward secrecy and AEAD, and TLS 1.3; no renegotiation, no
 * compression, no early data.
 */
#ifndef POSTRIDER_TLS_TLS_CONTEXT_H
#define POSTRIDER_TLS_TLS_CONTEXT_H

#include "base/err.h"
#include "base/span.h"
#include "tls/tls.h"
#include "tls/tls_key.h"

/* RFC 5077 4: the keys that session tickets are sealed with; all fronts have
 * the same.  The first one seals, all of them open. */
#define TLS_TICKET_KEYS 3
struct tls_ticket_key {
	uint8_t name[16];
	uint8_t aes[32];
	uint8_t hmac[32];
};

struct tls_server_setup {
	/* Tickets of one service are worth nothing at another (and so is a
	 * session that was opened for another protocol). */
	struct span service;
	/* The name of the protocol in ALPN, RFC 7301; a client that offers
	 * others only is refused.  Empty: ALPN is not looked at. */
	struct span alpn;
	/* A client is asked for a certificate, and may have none.  Whatever it
	 * shows is taken, for an account may be bound to it (EXTERNAL, RFC
	 * 4422 A): see tls_peer_fingerprint. */
	bool asks_certificate;
};

struct tls_server *tls_server_new(const struct tls_server_setup *setup,
	struct err *e);
/* Takes NULL.  Its connections live on, and keep what they need of it. */
void tls_server_free(struct tls_server *s);

/* Adds a certificate with its chain, PEM, and who signs for it.  The first one
 * serves who names no host, or one that no certificate is for.  SYNTAX: it is
 * none, or the key is another's. */
enum code tls_server_add(struct tls_server *s, struct span chain_pem,
	struct tls_key *key, struct err *e) MUST_USE;
/* keys[0] seals; count may be 0: no tickets. */
void tls_server_set_tickets(struct tls_server *s,
	const struct tls_ticket_key *keys, size_t count);

/* Makes the library ready, which reads from the system: before a process is
 * confined.  False: no memory. */
bool tls_warm_up(void);

/* For connections that we open.  Certificates are looked at, and what was
 * found is told (tls_get_facts); whether that matters is the caller's. */
struct tls_client *tls_client_new(struct err *e);
void tls_client_free(struct tls_client *c);
/* Certificates of authorities, PEM; none: nobody is verified. */
enum code tls_client_add_authorities(struct tls_client *c, struct span pem,
	struct err *e) MUST_USE;

#endif
