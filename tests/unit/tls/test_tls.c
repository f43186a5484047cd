/*
 * test_tls.c - both ends of a connection in one process: every byte that one
 * has for the wire is fed to the other, in pieces.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "base/mem.h"
#include "tls/tls_context.h"

#define NOW_S 1795000000

struct world {
	struct buf key, chain;
	struct tls_key *own, *key_used;
	struct tls_server *server;
	struct tls_client *client;
	struct tls *a, *b;         /* the client's end, the server's */
	struct buf got_a, got_b;
	size_t step;               /* bytes a feed */
	unsigned signatures;
	bool refuses;
	struct tls_ticket_key ticket;
};

/* ---- the keeper of keys ----------------------------------------------------- */
static bool keep(void *arg, const struct tls_sign *what, struct buf *out)
{
	struct world *w = arg;
	struct err e;

	w->signatures++;
	return !w->refuses && tls_key_sign(w->own, what, out, &e) == OK;
}

static void take_pem(BIO *bio, struct buf *out)
{
	char *p = NULL;
	long n = BIO_get_mem_data(bio, &p);

	buf_put(out, span_of(p, (size_t)n));
	BIO_free(bio);
}

/* A key of that kind, and a certificate for mx.a.test that it signs. */
static void make_pair(struct world *w, const char *kind)
{
	EVP_PKEY *key = strcmp(kind, "RSA") == 0
		? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048)
		: strcmp(kind, "EC") == 0
		? EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384")
		: EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);
	BIO *bio = BIO_new(BIO_s_mem());

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
	X509_gmtime_adj(X509_getm_notBefore(x), -100);
	X509_gmtime_adj(X509_getm_notAfter(x), 100000);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
		(const unsigned char *)"mx.a.test", -1, -1, 0);
	X509_set_issuer_name(x, name);
	X509_set_pubkey(x, key);
	assert_true(X509_sign(x, key, strcmp(kind, "ED25519") == 0
			? NULL : EVP_sha256()) > 0);
	PEM_write_bio_X509(bio, x);
	take_pem(bio, &w->chain);
	bio = BIO_new(BIO_s_mem());
	PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
	take_pem(bio, &w->key);
	X509_free(x);
	EVP_PKEY_free(key);
}

static void make_service(struct world *w, const char *service,
	const char *alpn, bool is_remote)
{
	const struct tls_server_setup setup = {.service = span_str(service),
		.alpn = span_str(alpn)};
	struct err e = {.code = OK};

	w->server = tls_server_new(&setup, &e);
	assert_non_null(w->server);
	if (w->own == NULL)
		w->own = tls_key_read(buf_span(&w->key), &e);
	assert_non_null(w->own);
	assert_true(tls_key_fits(w->own, buf_span(&w->chain)));
	tls_key_free(w->key_used);
	w->key_used = is_remote
		? tls_key_remote(buf_span(&w->chain), keep, w, &e)
		: tls_key_read(buf_span(&w->key), &e);
	assert_non_null(w->key_used);
	if (tls_server_add(w->server, buf_span(&w->chain), w->key_used, &e)
		!= OK)
		fail_msg("%s", e.text);
}

static void open_world(struct world *w, const char *kind, bool is_remote)
{
	struct err e;

	memset(w, 0, sizeof(*w));
	buf_init(&w->key, 10000);
	buf_init(&w->chain, 10000);
	buf_init(&w->got_a, 1 << 20);
	buf_init(&w->got_b, 1 << 20);
	w->step = SIZE_MAX;
	make_pair(w, kind);
	make_service(w, "smtp", "", is_remote);
	w->client = tls_client_new(&e);
	assert_non_null(w->client);
}

static void hang_up(struct world *w)
{
	tls_free(w->a);
	tls_free(w->b);
	w->a = w->b = NULL;
	buf_reset(&w->got_a);
	buf_reset(&w->got_b);
}

static void close_world(struct world *w)
{
	hang_up(w);
	tls_server_free(w->server);
	tls_client_free(w->client);
	tls_key_free(w->key_used);
	tls_key_free(w->own);
	buf_clear(&w->key);
	buf_clear(&w->chain);
	buf_clear(&w->got_a);
	buf_clear(&w->got_b);
}

/* Carries what one has for the other; false: it had nothing. */
static bool carry(struct world *w, struct tls *from, struct tls *to,
	struct buf *got)
{
	struct span wire = span_head(tls_wire(from), w->step);
	static uint8_t copy[70000];
	size_t n = wire.n < sizeof(copy) ? wire.n : sizeof(copy);

	if (n == 0)
		return false;
	memcpy(copy, wire.p, n);
	tls_wire_sent(from, n);
	(void)tls_receive(to, span_of(copy, n), got);
	return true;
}

static void settle(struct world *w)
{
	bool is_moving = true;

	while (is_moving) {
		is_moving = carry(w, w->a, w->b, &w->got_b);
		is_moving = carry(w, w->b, w->a, &w->got_a) || is_moving;
	}
}

static void dial(struct world *w)
{
	w->a = tls_connect(w->client, SPAN("mx.a.test"));
	w->b = tls_accept(w->server);
	assert_non_null(w->a);
	assert_non_null(w->b);
	tls_start(w->a);
	settle(w);
}

static void assert_got(struct buf *got, const char *text)
{
	assert_int_equal(buf_len(got), strlen(text));
	assert_memory_equal(buf_span(got).p, text, strlen(text));
	buf_reset(got);
}

static void converse(struct world *w)
{
	assert_int_equal(tls_state(w->a), TLS_OPEN);
	assert_int_equal(tls_state(w->b), TLS_OPEN);
	assert_int_equal(tls_send(w->a, SPAN("EHLO a\r\n")), TLS_OPEN);
	assert_int_equal(tls_send(w->b, SPAN("220 b\r\n")), TLS_OPEN);
	settle(w);
	assert_got(&w->got_b, "EHLO a\r\n");
	assert_got(&w->got_a, "220 b\r\n");
}

/* ---- tests ----------------------------------------------------------------------- */
static void test_every_split(void **state)
{
	static const size_t steps[] = {1, 2, 3, 5, 17, 100, 1000, SIZE_MAX};
	struct world w;

	(void)state;
	open_world(&w, "EC", false);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		w.step = steps[i];
		dial(&w);
		converse(&w);
		hang_up(&w);
	}
	close_world(&w);
}

/* The key signs in another place, whatever its kind is. */
static void test_key_elsewhere(void **state)
{
	static const char *const kinds[] = {"RSA", "EC", "ED25519"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct world w;
		struct tls_facts facts;

		open_world(&w, kinds[i], true);
		dial(&w);
		if (tls_state(w.a) != TLS_OPEN)
			fail_msg("%s: %s / %s", kinds[i], tls_why(w.a),
				tls_why(w.b));
		converse(&w);
		assert_int_equal(w.signatures, 1);
		tls_get_facts(w.b, &facts);
		assert_string_equal(facts.version, "TLSv1.3");
		hang_up(&w);
		w.refuses = true;
		dial(&w);
		assert_int_equal(tls_state(w.b), TLS_BROKEN);
		assert_int_equal(tls_state(w.a), TLS_BROKEN);
		close_world(&w);
	}
}

static void test_wrong_key(void **state)
{
	struct world w, other;
	struct tls_key *k;
	struct err e;

	(void)state;
	open_world(&w, "EC", false);
	open_world(&other, "EC", false);
	k = tls_key_read(buf_span(&other.key), &e);
	assert_false(tls_key_fits(k, buf_span(&w.chain)));
	assert_int_equal(tls_server_add(w.server, buf_span(&w.chain), k, &e),
		SYNTAX);
	assert_int_equal(tls_server_add(w.server, SPAN("no PEM"), k, &e),
		SYNTAX);
	assert_null(tls_key_read(SPAN("no PEM"), &e));
	tls_key_free(k);
	close_world(&other);
	close_world(&w);
}

/* What a keeper is asked may be anything. */
static void test_sign_refuses(void **state)
{
	struct world w;
	struct buf out;
	struct err e;
	uint8_t hash[64] = {0};
	struct tls_sign what = {TLS_ECDSA, TLS_SHA256, {hash, 32}};

	(void)state;
	open_world(&w, "EC", false);
	buf_init(&out, TLS_SIGNATURE_BYTES_MAX);
	assert_int_equal(tls_key_sign(w.own, &what, &out, &e), OK);
	what.text.n = 31;
	assert_int_equal(tls_key_sign(w.own, &what, &out, &e), DENIED);
	what = (struct tls_sign){TLS_RSA_PSS, TLS_SHA256, {hash, 32}};
	assert_int_equal(tls_key_sign(w.own, &what, &out, &e), DENIED);
	what = (struct tls_sign){TLS_ECDSA, TLS_HASH_NONE, {hash, 0}};
	assert_int_equal(tls_key_sign(w.own, &what, &out, &e), DENIED);
	what = (struct tls_sign){(enum tls_scheme)9, TLS_SHA256, {hash, 32}};
	assert_int_equal(tls_key_sign(w.own, &what, &out, &e), DENIED);
	buf_clear(&out);
	close_world(&w);
}

static void test_ends(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, "EC", false);
	dial(&w);
	tls_shut(w.a);
	settle(&w);
	assert_int_equal(tls_state(w.b), TLS_ENDED);
	assert_int_equal(tls_receive_end(w.b), TLS_ENDED);
	/* the other half is still open: the answer to what came last */
	assert_int_equal(tls_send(w.b, SPAN("221 b\r\n")), TLS_ENDED);
	tls_shut(w.b);
	settle(&w);
	assert_got(&w.got_a, "221 b\r\n");
	assert_int_equal(tls_state(w.a), TLS_ENDED);
	hang_up(&w);
	/* cut: RFC 8446 6.1 */
	dial(&w);
	assert_int_equal(tls_receive_end(w.b), TLS_BROKEN);
	assert_string_equal(tls_why(w.b),
		"the connection ended without close_notify");
	assert_int_equal(tls_send(w.b, SPAN("x")), TLS_BROKEN);
	hang_up(&w);
	/* amid the handshake */
	w.b = tls_accept(w.server);
	assert_int_equal(tls_receive_end(w.b), TLS_BROKEN);
	close_world(&w);
}

/* A client of OpenSSL alone, as ours asks for no new keys. */
struct bare {
	SSL_CTX *ctx;
	SSL *ssl;
	BIO *in, *out;
};

static void bare_carry(struct bare *c, struct world *w)
{
	static uint8_t wire[70000];
	struct span answer;
	int n;

	while ((n = BIO_read(c->out, wire, sizeof(wire))) > 0)
		(void)tls_receive(w->b, span_of(wire, (size_t)n), &w->got_b);
	answer = tls_wire(w->b);
	if (answer.n > 0)
		BIO_write(c->in, answer.p, (int)answer.n);
	tls_wire_sent(w->b, answer.n);
}

static void bare_dial(struct bare *c, struct world *w)
{
	c->ctx = SSL_CTX_new(TLS_client_method());
	c->ssl = SSL_new(c->ctx);
	c->in = BIO_new(BIO_s_mem());
	c->out = BIO_new(BIO_s_mem());
	SSL_set_bio(c->ssl, c->in, c->out);
	SSL_set_connect_state(c->ssl);
	w->b = tls_accept(w->server);
	for (unsigned i = 0; i < 10 && SSL_do_handshake(c->ssl) != 1; i++)
		bare_carry(c, w);
	bare_carry(c, w);
	assert_int_equal(tls_state(w->b), TLS_OPEN);
}

static void ask_for_keys(struct bare *c, struct world *w, unsigned times)
{
	uint8_t byte;

	for (unsigned i = 0; i < times; i++) {
		(void)SSL_read(c->ssl, &byte, 1);
		(void)SSL_key_update(c->ssl, SSL_KEY_UPDATE_REQUESTED);
		(void)SSL_do_handshake(c->ssl);
		bare_carry(c, w);
	}
}

/* T07: keys are made anew when a peer wants, but not for ever. */
static void test_key_update_flood(void **state)
{
	struct bare c;
	struct world w;

	(void)state;
	open_world(&w, "EC", false);
	bare_dial(&c, &w);
	ask_for_keys(&c, &w, 16);
	assert_int_equal(SSL_write(c.ssl, "NOOP\r\n", 6), 6);
	bare_carry(&c, &w);
	assert_int_equal(tls_state(w.b), TLS_OPEN);
	assert_got(&w.got_b, "NOOP\r\n");
	ask_for_keys(&c, &w, 1);
	assert_int_equal(tls_state(w.b), TLS_BROKEN);
	assert_string_equal(tls_why(w.b), "too many new keys");
	SSL_free(c.ssl);
	SSL_CTX_free(c.ctx);
	close_world(&w);
}

static void test_no_tls(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, "EC", false);
	w.b = tls_accept(w.server);
	assert_int_equal(tls_receive(w.b, SPAN("EHLO me\r\n"), &w.got_b),
		TLS_BROKEN);
	assert_int_equal(buf_len(&w.got_b), 0);
	assert_true(strlen(tls_why(w.b)) > 0);
	close_world(&w);
}

static void use_tickets(struct world *w)
{
	memset(&w->ticket, 7, sizeof(w->ticket));
	tls_server_set_tickets(w->server, &w->ticket, 1);
}

static bool is_resumed(const struct world *w)
{
	struct tls_facts facts;

	tls_get_facts(w->b, &facts);
	return facts.is_resumed;
}

/* A session goes on at another front, and not at another service. */
static void test_tickets(void **state)
{
	struct world w;
	struct tls_server *first;
	struct tls_session *session;

	(void)state;
	open_world(&w, "EC", true);
	use_tickets(&w);
	dial(&w);
	converse(&w);
	assert_false(is_resumed(&w));
	session = tls_session_of(w.a);
	assert_non_null(session);
	hang_up(&w);
	first = w.server;
	for (int i = 0; i < 2; i++) {
		make_service(&w, i == 0 ? "smtp" : "imap", "", true);
		use_tickets(&w);
		w.signatures = 0;
		w.a = tls_connect(w.client, SPAN("mx.a.test"));
		tls_session_use(w.a, session);
		w.b = tls_accept(w.server);
		tls_start(w.a);
		settle(&w);
		converse(&w);
		assert_int_equal(is_resumed(&w), i == 0);
		assert_int_equal(w.signatures, i);
		hang_up(&w);
		tls_server_free(w.server);
	}
	w.server = first;
	tls_session_free(session);
	close_world(&w);
}

static void test_exporter(void **state)
{
	struct world w;
	uint8_t a[TLS_EXPORTER_BYTES] = {0}, b[TLS_EXPORTER_BYTES] = {1};

	(void)state;
	open_world(&w, "EC", false);
	w.b = tls_accept(w.server);
	assert_false(tls_exporter(w.b, b));
	hang_up(&w);
	dial(&w);
	assert_true(tls_exporter(w.a, a));
	assert_true(tls_exporter(w.b, b));
	assert_memory_equal(a, b, sizeof(a));
	close_world(&w);
}

static void test_self_signed(void **state)
{
	const struct span names[] = {SPAN("mx.a.test"), SPAN("a.test")};
	struct world w;
	struct tls_facts facts;
	struct err e;

	(void)state;
	open_world(&w, "EC", false);
	tls_server_free(w.server);
	tls_key_free(w.own);
	w.own = NULL;
	buf_reset(&w.key);
	buf_reset(&w.chain);
	assert_int_equal(tls_make_self_signed(names, 2, NOW_S, &w.key,
				 &w.chain, &e), OK);
	make_service(&w, "smtp", "", true);
	dial(&w);
	converse(&w);
	tls_get_facts(w.a, &facts);
	assert_false(facts.is_peer_verified);
	assert_non_null(strstr(facts.verify_why, "self"));
	tls_get_facts(w.b, &facts);
	assert_int_equal(facts.sni.n, 9);
	hang_up(&w);
	/* who trusts it finds the name in it */
	assert_int_equal(tls_client_add_authorities(w.client,
				 buf_span(&w.chain), &e), OK);
	dial(&w);
	tls_get_facts(w.a, &facts);
	assert_true(facts.is_peer_verified);
	hang_up(&w);
	w.a = tls_connect(w.client, SPAN("other.test"));
	w.b = tls_accept(w.server);
	tls_start(w.a);
	settle(&w);
	tls_get_facts(w.a, &facts);
	assert_false(facts.is_peer_verified);
	close_world(&w);
}

/* RFC 7301 3.2: the wrong protocol is refused, none at all is not. */
static void test_alpn(void **state)
{
	struct world w;
	struct tls_facts facts;

	(void)state;
	open_world(&w, "EC", false);
	tls_server_free(w.server);
	make_service(&w, "imap", "imap", false);
	dial(&w);
	converse(&w);
	hang_up(&w);
	w.a = tls_connect(w.client, SPAN("mx.a.test"));
	tls_offer(w.a, SPAN("imap"));
	w.b = tls_accept(w.server);
	tls_start(w.a);
	settle(&w);
	converse(&w);
	tls_get_facts(w.b, &facts);
	assert_int_equal(facts.alpn.n, 4);
	hang_up(&w);
	w.a = tls_connect(w.client, SPAN("mx.a.test"));
	tls_offer(w.a, SPAN("http/1.1"));
	w.b = tls_accept(w.server);
	tls_start(w.a);
	settle(&w);
	assert_int_equal(tls_state(w.b), TLS_BROKEN);
	close_world(&w);
}

/* New certificates come while connections are open, or are being opened. */
static void test_replaced(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, "RSA", true);
	use_tickets(&w);
	w.a = tls_connect(w.client, SPAN("mx.a.test"));
	w.b = tls_accept(w.server);
	tls_server_free(w.server);
	tls_key_free(w.key_used);
	w.key_used = NULL;
	make_service(&w, "smtp", "", true);
	tls_start(w.a);
	settle(&w);
	converse(&w);
	assert_int_equal(w.signatures, 1);
	close_world(&w);
}

/* More than a record, and more than fits into what the reader gives. */
static void test_long(void **state)
{
	static uint8_t bytes[300000];
	struct world w;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + i / 251);
	open_world(&w, "EC", false);
	dial(&w);
	assert_int_equal(tls_send(w.a, span_of(bytes, sizeof(bytes))),
		TLS_OPEN);
	w.step = 1400;
	settle(&w);
	assert_int_equal(buf_len(&w.got_b), sizeof(bytes));
	assert_memory_equal(buf_span(&w.got_b).p, bytes, sizeof(bytes));
	close_world(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_split),
		cmocka_unit_test(test_key_elsewhere),
		cmocka_unit_test(test_wrong_key),
		cmocka_unit_test(test_sign_refuses),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_key_update_flood),
		cmocka_unit_test(test_no_tls),
		cmocka_unit_test(test_tickets),
		cmocka_unit_test(test_exporter),
		cmocka_unit_test(test_self_signed),
		cmocka_unit_test(test_alpn),
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
