/*
 * tls.c - one connection.  See tls.h.
 *
 * OpenSSL reads and writes through a BIO of our own: it reads from the span
 * that tls_receive was given and writes into `out`, so that no byte is copied
 * more often than it must.  OpenSSL keeps a record that is not whole yet; its
 * buffers are given back whenever they are empty (SSL_MODE_RELEASE_BUFFERS).
 */
#include "tls/tls.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "tls/tls_int.h"

#include "base/banned.h"

/* A record's text, RFC 8446 5.1; and what may wait to be sent. */
#define RECORD_BYTES 16384
#define WIRE_MAX     (64u << 20)
#define WHY_BYTES    120
/* New keys that a peer may want, and one more for each of its MiB: each costs
 * us more than it costs the peer to ask.  RFC 8446 4.6.3, 5.5 */
#define KEY_UPDATES  16
#define UPDATE_SHIFT 20

struct tls {
	struct tls_server *server; /* a reference; NULL: a client's end */
	SSL *ssl;       /* owned */
	struct span in; /* not read by OpenSSL yet */
	bool in_ended;
	struct buf out;
	enum tls_state state;
	uint64_t received;    /* of plain text */
	uint64_t key_updates; /* that the peer made */
	char why[WHY_BYTES];
};

/* ---- the BIO ------------------------------------------------------------- */
static int bio_write(BIO *bio, const char *p, size_t n, size_t *out_written)
{
	struct tls *t = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	buf_put(&t->out, span_of(p, n));
	if (t->out.overflow)
		return 0;
	*out_written = n;
	return 1;
}

static int bio_read(BIO *bio, char *p, size_t n, size_t *out_read)
{
	struct tls *t = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	if (n > t->in.n)
		n = t->in.n;
	if (n == 0) {
		if (!t->in_ended)
			BIO_set_retry_read(bio);
		return 0;
	}
	memcpy(p, t->in.p, n);
	t->in = span_tail(t->in, n);
	*out_read = n;
	return 1;
}

static long bio_ctrl(BIO *bio, int what, long number, void *p)
{
	struct tls *t = BIO_get_data(bio);

	(void)number;
	(void)p;
	if (what == BIO_CTRL_FLUSH)
		return 1;
	if (what == BIO_CTRL_EOF)
		return t->in_ended && t->in.n == 0;
	return 0;
}

static const BIO_METHOD *bio_method(void)
{
	static BIO_METHOD *method;

	if (method != NULL)
		return method;
	method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "postrider");
	if (method == NULL)
		return NULL;
	(void)BIO_meth_set_write_ex(method, bio_write);
	(void)BIO_meth_set_read_ex(method, bio_read);
	(void)BIO_meth_set_ctrl(method, bio_ctrl);
	return method;
}

void tls_note_message(int is_ours, int version, int type, const void *bytes,
	size_t n, SSL *ssl, void *arg)
{
	struct tls *t = SSL_get_app_data(ssl);

	(void)version;
	(void)arg;
	if (!is_ours && type == SSL3_RT_HANDSHAKE && n > 0 && t != NULL &&
		*(const uint8_t *)bytes == SSL3_MT_KEY_UPDATE)
		t->key_updates++;
}

/* ---- begin and end --------------------------------------------------------- */
static struct tls *new_connection(SSL_CTX *ctx)
{
	struct tls *t = MEM_NEW(struct tls);
	const BIO_METHOD *method = bio_method();
	BIO *bio = method == NULL ? NULL : BIO_new(method);

	buf_init(&t->out, WIRE_MAX);
	t->ssl = SSL_new(ctx);
	if (t->ssl == NULL || bio == NULL) {
		(void)BIO_free(bio);
		tls_free(t);
		return NULL;
	}
	(void)SSL_set_app_data(t->ssl, t);
	BIO_set_data(bio, t);
	BIO_set_init(bio, 1);
	SSL_set_bio(t->ssl, bio, bio);
	return t;
}

struct tls *tls_accept(struct tls_server *server)
{
	struct tls *t = server->count == 0 ? NULL
		: new_connection(server->certificates[0].ctx);

	if (t == NULL)
		return NULL;
	SSL_set_accept_state(t->ssl);
	t->server = server;
	server->refs++;
	return t;
}

/* RFC 6066 3: SNI holds names, no addresses. */
static bool is_name(const char *host)
{
	return strspn(host, "0123456789.") != strlen(host) &&
		strchr(host, ':') == NULL && strchr(host, '.') != NULL;
}

static bool name_host(SSL *ssl, struct span host)
{
	char name[256];

	if (host.n == 0 || host.n >= sizeof(name) ||
		span_find(host, '\0') < host.n)
		return host.n == 0;
	memcpy(name, host.p, host.n);
	name[host.n] = '\0';
	if (is_name(name) && SSL_set_tlsext_host_name(ssl, name) != 1)
		return false;
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_set1_host(ssl, name) == 1;
}

struct tls *tls_connect(struct tls_client *client, struct span host)
{
	struct tls *t = new_connection(client->ctx);

	if (t == NULL)
		return NULL;
	if (!name_host(t->ssl, host)) {
		tls_free(t);
		return NULL;
	}
	SSL_set_connect_state(t->ssl);
	return t;
}

void tls_offer(struct tls *t, struct span protocol)
{
	uint8_t list[256];

	must(protocol.n > 0 && protocol.n < sizeof(list));
	list[0] = (uint8_t)protocol.n;
	memcpy(list + 1, protocol.p, protocol.n);
	/* 0: done.  Without memory it is not offered */
	(void)SSL_set_alpn_protos(t->ssl, list, (unsigned)protocol.n + 1);
}

void tls_start(struct tls *t)
{
	(void)tls_receive(t, SPAN_EMPTY, NULL);
}

void tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	SSL_free(t->ssl);
	tls_server_unref(t->server);
	buf_clear(&t->out);
	mem_free(t);
}

/* ---- what happened --------------------------------------------------------- */
/* Reasons come from OpenSSL's own tables: they hold nothing of the peer's. */
static void keep_why(struct tls *t)
{
	unsigned long code = ERR_peek_error();
	const char *reason = code == 0 ? NULL : ERR_reason_error_string(code);

	if (t->in_ended && (reason == NULL ||
		ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING))
		reason = "the connection ended without close_notify";
	if (reason == NULL)
		reason = "the protocol was broken";
	(void)snprintf(t->why, sizeof(t->why), "%s", reason);
	ERR_clear_error();
}

/* result: what a call of OpenSSL returned that did not succeed. */
static void judge(struct tls *t, int result)
{
	int error = SSL_get_error(t->ssl, result);

	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
		return;
	if (error == SSL_ERROR_ZERO_RETURN) {
		t->state = TLS_ENDED;
		return;
	}
	keep_why(t);
	t->state = TLS_BROKEN;
}

static void shake(struct tls *t)
{
	int result;

	ERR_clear_error();
	result = SSL_do_handshake(t->ssl);
	if (result == 1)
		t->state = TLS_OPEN;
	else
		judge(t, result);
}

static void break_because(struct tls *t, const char *why)
{
	(void)snprintf(t->why, sizeof(t->why), "%s", why);
	t->state = TLS_BROKEN;
}

/* False: there is no more for now. */
static bool read_record(struct tls *t, struct buf *plain)
{
	uint8_t *room = buf_reserve(plain, RECORD_BYTES);
	size_t n = 0;
	int result;

	if (room == NULL) {
		break_because(t, "no room for what came");
		return false;
	}
	ERR_clear_error();
	result = SSL_read_ex(t->ssl, room, RECORD_BYTES, &n);
	if (result != 1) {
		judge(t, result);
		return false;
	}
	buf_wrote(plain, n);
	t->received += n;
	return true;
}

static void read_plain(struct tls *t, struct buf *plain)
{
	while (t->state == TLS_OPEN && read_record(t, plain))
		;
	if (t->state != TLS_BROKEN && t->key_updates >
		KEY_UPDATES + (t->received >> UPDATE_SHIFT))
		break_because(t, "too many new keys");
}

enum tls_state tls_receive(struct tls *t, struct span wire, struct buf *plain)
{
	t->in = wire;
	if (t->state == TLS_HANDSHAKE)
		shake(t);
	if (t->state == TLS_OPEN && plain != NULL)
		read_plain(t, plain);
	t->in = SPAN_EMPTY;
	return t->state;
}

enum tls_state tls_receive_end(struct tls *t)
{
	uint8_t byte;
	size_t n;

	if (t->state == TLS_ENDED || t->state == TLS_BROKEN)
		return t->state;
	t->in_ended = true;
	ERR_clear_error();
	if (t->state == TLS_HANDSHAKE)
		judge(t, SSL_do_handshake(t->ssl));
	else
		judge(t, SSL_read_ex(t->ssl, &byte, sizeof(byte), &n));
	if (t->state == TLS_HANDSHAKE || t->state == TLS_OPEN)
		t->state = TLS_BROKEN;
	return t->state;
}

/* RFC 8446 6.1: the peer's close_notify ends only its own half. */
static bool can_send(const struct tls *t)
{
	return t->state == TLS_OPEN || t->state == TLS_ENDED;
}

enum tls_state tls_send(struct tls *t, struct span plain)
{
	size_t n;

	while (plain.n > 0 && can_send(t)) {
		int result;

		ERR_clear_error();
		result = SSL_write_ex(t->ssl, plain.p, plain.n, &n);
		if (result != 1) {
			judge(t, result);
			/* the BIO takes everything: to wait helps nothing */
			t->state = TLS_BROKEN;
			break;
		}
		plain = span_tail(plain, n);
	}
	return t->state;
}

void tls_shut(struct tls *t)
{
	if (can_send(t)) {
		ERR_clear_error();
		(void)SSL_shutdown(t->ssl);
		ERR_clear_error();
	}
}

struct span tls_wire(const struct tls *t)
{
	return buf_span(&t->out);
}

void tls_wire_sent(struct tls *t, size_t n)
{
	buf_consume(&t->out, n);
	/* an idle connection keeps no room for bytes that are gone */
	if (buf_len(&t->out) == 0)
		buf_clear(&t->out);
}

/* ---- facts --------------------------------------------------------------------- */
enum tls_state tls_state(const struct tls *t)
{
	return t->state;
}

const char *tls_why(const struct tls *t)
{
	return t->why;
}

void tls_get_facts(const struct tls *t, struct tls_facts *out)
{
	const unsigned char *alpn = NULL;
	unsigned alpn_n = 0;
	long verified = SSL_get_verify_result(t->ssl);
	X509 *peer = SSL_get0_peer_certificate(t->ssl);

	SSL_get0_alpn_selected(t->ssl, &alpn, &alpn_n);
	*out = (struct tls_facts){
		.version = SSL_get_version(t->ssl),
		.cipher = SSL_get_cipher_name(t->ssl),
		.bits = (unsigned)SSL_get_cipher_bits(t->ssl, NULL),
		.is_resumed = SSL_session_reused(t->ssl) == 1,
		.sni = span_str(SSL_get_servername(t->ssl,
			TLSEXT_NAMETYPE_host_name)),
		.alpn = span_of(alpn, alpn_n),
		.is_peer_verified = peer != NULL && verified == X509_V_OK,
		.verify_why = peer == NULL ? "no certificate"
			: X509_verify_cert_error_string(verified),
	};
}

/* Opaque to others; to us it is OpenSSL's. */
struct tls_session *tls_session_of(const struct tls *t)
{
	SSL_SESSION *s = SSL_get0_session(t->ssl);

	if (s == NULL || SSL_SESSION_is_resumable(s) != 1)
		return NULL;
	/* a copy: the connection marks its own as spent when it is cut */
	return (struct tls_session *)SSL_SESSION_dup(s);
}

void tls_session_use(struct tls *t, const struct tls_session *s)
{
	/* if it cannot be, the handshake is a full one */
	(void)SSL_set_session(t->ssl, (SSL_SESSION *)(uintptr_t)s);
}

void tls_session_free(struct tls_session *s)
{
	SSL_SESSION_free((SSL_SESSION *)s);
}

bool tls_peer_fingerprint(const struct tls *t,
	uint8_t out[TLS_FINGERPRINT_BYTES])
{
	X509 *shown = SSL_get0_peer_certificate(t->ssl);
	EVP_MD *sha256 = shown == NULL ? NULL
		: EVP_MD_fetch(tls_library(), "SHA256", NULL);
	bool is_done = sha256 != NULL &&
		X509_digest(shown, sha256, out, NULL) == 1;

	EVP_MD_free(sha256);
	return is_done;
}

bool tls_exporter(const struct tls *t, uint8_t out[TLS_EXPORTER_BYTES])
{
	static const char label[] = "EXPORTER-Channel-Binding";

	return t->state == TLS_OPEN &&
		SSL_version(t->ssl) >= TLS1_3_VERSION &&
		SSL_export_keying_material(t->ssl, out, TLS_EXPORTER_BYTES,
			label, sizeof(label) - 1, NULL, 0, 0) == 1;
}
