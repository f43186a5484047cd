/*
 * front_keys.c - the certificates of this front, and how it has things signed:
 * the keys are with the role keys.
 *
 * A set of IDENTITYs that came whole replaces the one before; connections that
 * are open keep theirs.  To sign, the front stands still until keys has
 * answered: some tens of microseconds, in which nothing else is served.
 */
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "crypto/secret.h"
#include "role/front_int.h"
#include "tls/tls_context.h"

#include "base/banned.h"

/* keys is gone or stands still: the handshake fails. */
#define SIGN_MS 5000

/* A handshake may go on with the certificate of a set that has been replaced; so
 * many sets back it is still told which. */
#define SETS 4

/* A signer is one of these. */
struct signer {
	struct front *front;
	uint32_t set, key;
};

struct front_keys {
	struct signer signers[SETS][CONFIG_PAIRS_MAX];
	unsigned set_count; /* sets that came so far */
	struct tls_key *keys[CONFIG_PAIRS_MAX]; /* owned; of the live set */
	uint32_t count;
	struct tls_server *servers[SERVICE_COUNT]; /* owned; NULL: none yet */
	struct buf coming[CONFIG_PAIRS_MAX]; /* chains of a set not yet whole */
	uint32_t coming_count, coming_set;
	struct tls_ticket_key tickets[TLS_TICKET_KEYS];
	size_t ticket_count;
	/* the one question that is open, while we stand still */
	uint64_t question;
	bool is_answered, is_signed;
	struct buf *signature;
};

/* ---- signing -------------------------------------------------------------- */
static bool sign(void *arg, const struct tls_sign *what, struct buf *out)
{
	const struct signer *signer = arg;
	struct front_keys *k = signer->front->keys;
	struct channel *keys = role_peer(signer->front->run, ROLE_KEYS);
	struct msg_sign m = {.set = signer->set, .key = signer->key,
		.scheme = (uint8_t)what->scheme, .hash = (uint8_t)what->hash,
		.text = what->text};

	if (keys == NULL)
		return false;
	k->is_answered = k->is_signed = false;
	k->signature = out;
	channel_send(keys, sign, SIGN, ++k->question, &m, -1);
	(void)channel_wait(keys, &k->is_answered, SIGN_MS);
	k->signature = NULL;
	return k->is_signed;
}

bool front_on_signed(void *arg, struct frame *f)
{
	struct front_keys *k = ((struct front *)arg)->keys;
	struct msg_signed m;

	if (!msg_get_signed(f->body, &m))
		return false;
	/* else: one that we waited for in vain */
	if (f->id != k->question || k->signature == NULL)
		return true;
	k->is_answered = true;
	k->is_signed = m.result == OK;
	buf_put(k->signature, m.signature);
	return true;
}

/* ---- certificates ------------------------------------------------------------ */
/* RFC 7301: what a service is called in ALPN; empty: it has no name there. */
static struct span alpn_of(enum service service)
{
	static const struct span names[SERVICE_COUNT] = {
		[SERVICE_POP3] = SPAN_INIT("pop3"),
		[SERVICE_POP3S] = SPAN_INIT("pop3"),
		[SERVICE_IMAP] = SPAN_INIT("imap"),
		[SERVICE_IMAPS] = SPAN_INIT("imap"),
	};

	return names[service];
}

static struct tls_server *make_server(const struct front *front,
	enum service service, struct err *e)
{
	const struct front_keys *k = front->keys;
	const struct tls_server_setup setup = {
		.service = span_str(service_name(service)),
		.alpn = alpn_of(service),
		.asks_certificate = service != SERVICE_SMTP &&
			front->run->config->login_certificates,
	};
	struct tls_server *server = tls_server_new(&setup, e);

	if (server == NULL)
		return NULL;
	tls_server_set_tickets(server, k->tickets, k->ticket_count);
	for (uint32_t i = 0; i < k->count; i++) {
		if (tls_server_add(server, buf_span(&k->coming[i]), k->keys[i],
			    e) == OK)
			continue;
		tls_server_free(server);
		return NULL;
	}
	return server;
}

static void drop_live(struct front_keys *k)
{
	for (uint32_t i = 0; i < SERVICE_COUNT; i++)
		tls_server_free(k->servers[i]);
	for (uint32_t i = 0; i < k->count; i++)
		tls_key_free(k->keys[i]);
	memset(k->servers, 0, sizeof(k->servers));
	k->count = 0;
}

static enum code go_live(struct front *front, struct err *e)
{
	struct front_keys *k = front->keys;
	struct signer *signers = k->signers[k->set_count++ % SETS];

	drop_live(k);
	for (; k->count < k->coming_count; k->count++) {
		signers[k->count] = (struct signer){front, k->coming_set,
			k->count};
		k->keys[k->count] = tls_key_remote(
			buf_span(&k->coming[k->count]), sign,
			&signers[k->count], e);
		if (k->keys[k->count] == NULL)
			return TEMP;
	}
	for (unsigned i = 0; i < SERVICE_COUNT; i++) {
		k->servers[i] = make_server(front, (enum service)i, e);
		if (k->servers[i] == NULL)
			return TEMP;
	}
	return OK;
}

static void drop_coming(struct front_keys *k)
{
	for (uint32_t i = 0; i < CONFIG_PAIRS_MAX; i++)
		buf_clear(&k->coming[i]);
	k->coming_count = 0;
}

bool front_on_identity(void *arg, struct frame *f)
{
	struct front *front = arg;
	struct front_keys *k = front->keys;
	struct msg_identity m;
	struct err e = {.code = OK};

	if (!msg_get_identity(f->body, &m) || m.count > CONFIG_PAIRS_MAX ||
		m.key >= m.count ||
		(m.key > 0 && (m.key != k->coming_count ||
			m.set != k->coming_set)))
		return false;
	if (m.key == 0)
		drop_coming(k);
	k->coming_set = m.set;
	buf_put(&k->coming[k->coming_count++], m.chain);
	if (k->coming_count < m.count)
		return true;
	if (go_live(front, &e) != OK)
		LOG(EV_KEYS_REFUSED, LOG_STR("why", e.text));
	drop_coming(k);
	front->has_certificates = true;
	front_doors_may_open(front);
	return true;
}

bool front_on_ticket_keys(void *arg, struct frame *f)
{
	struct front_keys *k = ((struct front *)arg)->keys;
	struct msg_ticket_keys m;
	size_t count;

	if (!msg_get_ticket_keys(f->body, &m))
		return false;
	count = m.keys.n / sizeof(k->tickets[0]);
	if (m.keys.n % sizeof(k->tickets[0]) != 0 || count > TLS_TICKET_KEYS)
		return false;
	memcpy(k->tickets, m.keys.p, m.keys.n);
	k->ticket_count = count;
	for (uint32_t i = 0; i < SERVICE_COUNT; i++)
		if (k->servers[i] != NULL)
			tls_server_set_tickets(k->servers[i], k->tickets,
				count);
	return true;
}

/* ---- the face ------------------------------------------------------------------- */
void front_keys_open(struct front *f)
{
	struct front_keys *k = MEM_NEW(struct front_keys);

	for (uint32_t i = 0; i < CONFIG_PAIRS_MAX; i++)
		buf_init(&k->coming[i], 65536);
	secret_init();
	/* what the library reads from the system, it reads before the
	 * confinement */
	(void)tls_warm_up();
	f->keys = k;
}

struct tls_server *front_keys_server(const struct front *f,
	enum service service)
{
	return f->keys->servers[service];
}

bool front_keys_can_sign(const struct front *f)
{
	return role_peer(f->run, ROLE_KEYS) != NULL;
}
