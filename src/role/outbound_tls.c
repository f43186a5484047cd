/*
 * outbound_tls.c - TLS between a connection's socket and its engine: what is
 * wanted of it, and what came of it.  RFC 7435: some protection, most of the
 * time.  See outbound_int.h.
 *
 * The certificate of a server is looked at for the name of its host, and
 * whether it is good is told; only a message with REQUIRETLS hangs on it (RFC
 * 8689 4.2.1).  Todo(rfc): RFC 7672 (DANE) and RFC 8461 (MTA-STS), which tell
 * for others whose certificate has to be good.
 *
 * Authorities are those of the configuration or of the system.  Reading them
 * costs time and memory that a server without mail to others never needs, so the
 * file is opened before the confinement and read before the first handshake.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "crypto/secret.h"
#include "role/outbound_int.h"

#include "base/banned.h"

#define AUTHORITIES_BYTES (4u << 20)
#define READ_BYTES        65536
#define PATH_BYTES        1200

static const enum smtp_client_tls wishes[] = {
	[CONFIG_TLS_NEVER] = SMTP_CLIENT_TLS_NEVER,
	[CONFIG_TLS_MAY] = SMTP_CLIENT_TLS_MAY,
	[CONFIG_TLS_MUST] = SMTP_CLIENT_TLS_MUST,
};

/* Where systems keep them: Debian, Red Hat, Alpine and the BSDs. */
static const char *const systems[] = {
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/cert.pem",
};

static bool open_one(struct outbound *o, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		o->authorities[o->authority_count++] = fd;
	return fd >= 0;
}

static enum code open_authorities(struct outbound *o, struct err *e)
{
	const struct config *config = o->run->config;
	char path[PATH_BYTES];

	for (size_t i = 0; i < config->outbound_authority_count; i++) {
		(void)snprintf(path, sizeof(path), "%.*s",
			SPAN_ARG(config->outbound_authorities[i]));
		if (!open_one(o, path))
			return err_errno(e, SYNTAX, "outbound.authorities: %s",
				path);
	}
	for (size_t i = 0; i < sizeof(systems) / sizeof(systems[0]) &&
		o->authority_count == 0; i++)
		(void)open_one(o, systems[i]);
	return OK;
}

enum code outbound_tls_open(struct outbound *o, struct err *e)
{
	secret_init();
	/* what the library reads from the system, it reads now */
	if (!tls_warm_up())
		return err_set(e, TEMP, "making TLS ready: no memory");
	o->tls = tls_client_new(e);
	if (o->tls == NULL)
		return e->code;
	return open_authorities(o, e);
}

/* Trouble here is no reason to keep mail: nobody is verified then. */
static void read_authorities(struct outbound *o, int fd)
{
	struct buf pem;
	struct err e = {.text = ""};
	uint8_t *room;
	ssize_t n;

	buf_init(&pem, AUTHORITIES_BYTES);
	while ((room = buf_reserve(&pem, READ_BYTES)) != NULL &&
		(n = read(fd, room, READ_BYTES)) > 0)
		buf_wrote(&pem, (size_t)n);
	if (tls_client_add_authorities(o->tls, buf_span(&pem), &e) != OK)
		LOG(EV_TLS_AUTHORITIES, LOG_STR("why", e.text));
	buf_clear(&pem);
	close(fd);
}

/* "[192.0.2.1]" is 192.0.2.1 to TLS. */
static struct span without_brackets(struct span host)
{
	if (span_starts(host, SPAN("[")) && span_ends(host, SPAN("]")))
		return span_tail(span_head(host, host.n - 1), 1);
	return host;
}

enum smtp_client_tls outbound_tls_wish(const struct destination *d)
{
	return wishes[config_tls_for(d->outbound->run->config,
		outbound_host_to_ask(d))];
}

bool outbound_tls_begin(struct connection *c)
{
	struct outbound *o = c->destination->outbound;

	while (o->authority_count > 0)
		read_authorities(o, o->authorities[--o->authority_count]);
	c->tls = tls_connect(o->tls,
		without_brackets(c->target.host));
	if (c->tls == NULL)
		return false;
	tls_start(c->tls);
	return true;
}

bool outbound_tls_is_shaking(const struct connection *c)
{
	return c->tls != NULL && tls_state(c->tls) == TLS_HANDSHAKE;
}

static uint64_t qid_of(const struct connection *c)
{
	return c->job == NULL ? 0 : c->job->qid;
}

bool outbound_tls_is_verified(const struct connection *c)
{
	struct tls_facts facts;

	tls_get_facts(c->tls, &facts);
	return facts.is_peer_verified && c->target.is_sure;
}

void outbound_tls_note_up(struct connection *c)
{
	struct tls_facts facts;
	char text[200];

	tls_get_facts(c->tls, &facts);
	(void)snprintf(text, sizeof(text), "%s %s, %s", facts.version,
		facts.cipher, facts.is_peer_verified ? "verified"
						     : "not verified");
	(void)snprintf(c->tls_line, sizeof(c->tls_line), "TLS: %s\n", text);
	buf_puts(&c->dialogue, c->tls_line);
	LOG(EV_SMTP_CLIENT_TLS, LOG_SID(c->sid), LOG_MID(qid_of(c)),
		LOG_STR("peer", c->peer), LOG_STR("tls", text));
}

void outbound_tls_note_failure(struct connection *c, const char *why)
{
	const char *then = c->wish == SMTP_CLIENT_TLS_MAY ?
		"again in plain text" : "later";

	(void)snprintf(c->tls_line, sizeof(c->tls_line),
		"X: TLS with %s: %s; %s\n", c->peer, why, then);
	buf_puts(&c->dialogue, c->tls_line);
	LOG(EV_SMTP_CLIENT_TLS_FAILED, LOG_SID(c->sid), LOG_MID(qid_of(c)),
		LOG_STR("peer", c->peer), LOG_STR("why", why),
		LOG_STR("then", then));
}

void outbound_tls_end(struct connection *c)
{
	struct span wire;

	if (c->tls == NULL)
		return;
	tls_shut(c->tls);
	wire = tls_wire(c->tls);
	if (wire.n > 0 && buf_len(&c->unsent) == 0)
		(void)send(c->fd, wire.p, wire.n, MSG_NOSIGNAL | MSG_DONTWAIT);
	tls_free(c->tls);
	c->tls = NULL;
}
