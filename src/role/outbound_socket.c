/*
 * outbound_socket.c - the socket of a connection: connects, writes, closes.
 * See outbound_int.h.
 *
 *	engine ─ write ─▶ (tls_send ─▶ tls_wire) ─ flush ─▶ socket
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "role/outbound_int.h"

#include "base/banned.h"

static socklen_t put_sockaddr(const struct target *t,
	struct sockaddr_storage *out)
{
	struct sockaddr_in in4 = {.sin_family = AF_INET,
		.sin_port = htons(t->port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6,
		.sin6_port = htons(t->port)};

	memset(out, 0, sizeof(*out));
	if (t->address_bytes == 4) {
		memcpy(&in4.sin_addr, t->address, 4);
		memcpy(out, &in4, sizeof(in4));
		return sizeof(in4);
	}
	memcpy(&in6.sin6_addr, t->address, 16);
	memcpy(out, &in6, sizeof(in6));
	return sizeof(in6);
}

const char *outbound_socket_connect(struct connection *c)
{
	struct sockaddr_storage address;
	socklen_t bytes = put_sockaddr(&c->target, &address);
	const int on = 1;

	c->fd = socket(address.ss_family,
		SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return strerror(errno);
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(c->fd, (const struct sockaddr *)&address, bytes) != 0 &&
		errno != EINPROGRESS)
		return strerror(errno);
	return NULL;
}

/* We have reached ourselves by an address of this machine that the DNS gave:
 * seen at the two ends of the connection, whatever we listen at. */
static bool is_self(const struct connection *c)
{
	struct sockaddr_storage own = {0}, peer;
	socklen_t bytes = sizeof(own);
	const struct target *t = &c->target;
	const uint8_t *address = (const uint8_t *)&own +
		(t->address_bytes == 4 ?
			offsetof(struct sockaddr_in, sin_addr) :
			offsetof(struct sockaddr_in6, sin6_addr));

	(void)put_sockaddr(t, &peer);
	return !t->is_trusted &&
		getsockname(c->fd, (struct sockaddr *)&own, &bytes) == 0 &&
		own.ss_family == peer.ss_family &&
		memcmp(address, t->address, t->address_bytes) == 0;
}

const char *outbound_socket_trouble(struct connection *c)
{
	int error = 0;
	socklen_t bytes = sizeof(error);

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &bytes) != 0)
		error = errno;
	if (error != 0)
		return strerror(error);
	return is_self(c) ? "that is this machine" : NULL;
}

void outbound_socket_close(struct connection *c)
{
	outbound_tls_end(c);
	watch_free(c->watch);
	c->watch = NULL;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

size_t outbound_socket_unsent(const struct connection *c)
{
	return buf_len(&c->unsent) +
		(c->tls == NULL ? 0 : tls_wire(c->tls).n);
}

static void want(struct connection *c)
{
	bool has_more = outbound_socket_unsent(c) > 0;

	watch_want(c->watch, WATCH_READ | (has_more ? WATCH_WRITE : 0));
}

/* How much of it is off our hands: all of it, where nobody takes it any more.
 * What the server said before it went is still to be read; its end is seen
 * there. */
static size_t try_send(struct connection *c, struct span bytes)
{
	ssize_t n = send(c->fd, bytes.p, bytes.n, MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : bytes.n;
	return (size_t)n;
}

/* Plain text goes before the first byte of TLS. */
void outbound_socket_flush(struct connection *c)
{
	if (buf_len(&c->unsent) > 0)
		buf_consume(&c->unsent, try_send(c, buf_span(&c->unsent)));
	if (c->tls != NULL && buf_len(&c->unsent) == 0 &&
		tls_wire(c->tls).n > 0)
		tls_wire_sent(c->tls, try_send(c, tls_wire(c->tls)));
	want(c);
}

static void write_secret(struct connection *c, struct span bytes)
{
	if (tls_send(c->tls, bytes) == TLS_BROKEN)
		smtp_client_lost(c->engine, GONE);
	outbound_socket_flush(c);
}

void outbound_socket_write(struct connection *c, struct span bytes)
{
	size_t n = 0;

	if (c->tls != NULL) {
		write_secret(c, bytes);
		return;
	}
	if (buf_len(&c->unsent) == 0)
		n = try_send(c, bytes);
	buf_put(&c->unsent, span_tail(bytes, n));
	if (c->unsent.overflow)
		c->is_dead = true;
	want(c);
}
