/*
 * tls.h - TLS as an engine: bytes of the wire in and out, bytes of the
 * application in and out.  RFC 8446 (1.3), RFC 5246 (1.2), RFC 9325
 *
 * No socket is touched.  Whoever owns one feeds what it read to tls_receive
 * and sends what stands in tls_wire:
 *
 *	wire  ── tls_receive ─▶ plain          plain ── tls_send ─▶ tls_wire
 *
 * A handshake needs no call of its own: it goes on with each tls_receive.  A
 * connection that ends without close_notify is TLS_BROKEN, never TLS_ENDED:
 * what came last may be cut (RFC 8446 6.1).
 */
#ifndef POSTRIDER_TLS_TLS_H
#define POSTRIDER_TLS_TLS_H

#include "base/buf.h"
#include "base/span.h"

struct tls_server;
struct tls_client;
struct tls;

enum tls_state {
	TLS_HANDSHAKE,
	TLS_OPEN,
	TLS_ENDED, /* the peer said close_notify */
	TLS_BROKEN /* tls_why tells; nothing more can be sent or received */
};

/* The server's side of a new connection; it may send at once.  NULL: no
 * memory. */
struct tls *tls_accept(struct tls_server *server);
/* The client's side; host goes into SNI if it is a name, and a certificate is
 * looked at for it.  NULL: no memory, or no name of a host. */
struct tls *tls_connect(struct tls_client *client, struct span host);
/* Before tls_start: the protocol that is offered (ALPN, RFC 7301). */
void tls_offer(struct tls *t, struct span protocol);
/* The client speaks first: its hello stands in tls_wire. */
void tls_start(struct tls *t);
void tls_free(struct tls *t); /* takes NULL; wipes its keys */

/* Takes bytes that came; writes what they mean to plain, which must have room
 * for as many bytes. */
enum tls_state tls_receive(struct tls *t, struct span wire, struct buf *plain);
/* The peer's connection ended. */
enum tls_state tls_receive_end(struct tls *t);
/* Only in TLS_OPEN.  Everything is taken. */
enum tls_state tls_send(struct tls *t, struct span plain);
/* Says close_notify. */
void tls_shut(struct tls *t);

/* Bytes that wait to be sent, and how many of them were. */
struct span tls_wire(const struct tls *t);
void tls_wire_sent(struct tls *t, size_t n);

enum tls_state tls_state(const struct tls *t);
/* Why it is TLS_BROKEN, in words for a log; no byte of the peer's is in it. */
const char *tls_why(const struct tls *t);

/* After the handshake.  Strings live as long as the connection. */
struct tls_facts {
	const char *version;   /* "TLSv1.3" */
	const char *cipher;    /* "TLS_AES_256_GCM_SHA384" */
	unsigned bits;
	bool is_resumed;
	struct span sni;       /* what the client asked for; empty: nothing */
	struct span alpn;      /* what was agreed; empty: nothing */
	bool is_peer_verified; /* its certificate is good for the host */
	const char *verify_why; /* else: why not */
};
void tls_get_facts(const struct tls *t, struct tls_facts *out);

/* What a client may go on with in another connection to the same server; the
 * caller's.  NULL: the server gave nothing.  RFC 8446 2.2 */
struct tls_session;
struct tls_session *tls_session_of(const struct tls *t);
void tls_session_use(struct tls *t, const struct tls_session *s);
void tls_session_free(struct tls_session *s); /* takes NULL */

/* SHA-256 of the certificate that the client showed, in DER form; false: none.
 * Nobody vouches for it but the client, who has its key. */
#define TLS_FINGERPRINT_BYTES 32
bool tls_peer_fingerprint(const struct tls *t,
	uint8_t out[TLS_FINGERPRINT_BYTES]);

/* RFC 9266: what both sides know and nobody else, for SCRAM-…-PLUS; false
 * before the handshake is over, and before TLS 1.3: there clients bind to
 * tls-unique, which two connections can be made to share (RFC 7627), and one
 * that is offered -PLUS and then refused does not get in at all. */
#define TLS_EXPORTER_BYTES 32
bool tls_exporter(const struct tls *t, uint8_t out[TLS_EXPORTER_BYTES]);

#endif
