/*
 * cli_mail_conn.c - a blocking connection with time-outs.
 *
 * The socket does not block; every wait is a poll.  A signal that is caught
 * ends the wait with TEMP, so that Ctrl-C is heard at once.
 */
#include "cli/cli_mail_conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/arena.h"

#include "base/banned.h"

#define SERVER_MAX 300

static enum code wait_for(int fd, short events, int64_t timeout_ms,
	struct err *e)
{
	struct pollfd p = {.fd = fd, .events = events};
	int n = poll(&p, 1, (int)timeout_ms);

	if (n < 0)
		return err_errno(e, TEMP, "waiting for the server");
	return n == 0 ? err_set(e, TIMEOUT, "the server does not answer") : OK;
}

static enum code connect_one(struct cli_conn *c, const struct addrinfo *ai,
	struct err *e)
{
	int failure = 0;
	socklen_t len = sizeof(failure);
	enum code code;

	c->fd = socket(ai->ai_family,
		ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
		ai->ai_protocol);
	if (c->fd < 0)
		return err_errno(e, TEMP, "socket");
	if (connect(c->fd, ai->ai_addr, ai->ai_addrlen) == 0)
		return OK;
	if (errno != EINPROGRESS)
		return err_errno(e, GONE, "connecting");
	code = wait_for(c->fd, POLLOUT, CLI_CONN_TIMEOUT_MS, e);
	if (code != OK)
		return code;
	(void)getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &failure, &len);
	errno = failure;
	return failure == 0 ? OK : err_errno(e, GONE, "connecting");
}

/* RFC 5321 4.1.3: a client without a name gives its address. */
static void note_local(struct cli_conn *c)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} own = {0};
	socklen_t len = sizeof(own);
	char text[INET6_ADDRSTRLEN] = "127.0.0.1";
	bool is_v6;

	(void)getsockname(c->fd, &own.any, &len);
	is_v6 = own.any.sa_family == AF_INET6;
	c->is_loopback = is_v6 ? IN6_IS_ADDR_LOOPBACK(&own.v6.sin6_addr)
			       : ntohl(own.v4.sin_addr.s_addr) >> 24 == 127;
	if (is_v6)
		(void)inet_ntop(AF_INET6, &own.v6.sin6_addr, text,
			sizeof(text));
	else
		(void)inet_ntop(AF_INET, &own.v4.sin_addr, text, sizeof(text));
	(void)snprintf(c->local, sizeof(c->local), "[%s%s]",
		is_v6 ? "IPv6:" : "", text);
}

static enum code connect_any(struct cli_conn *c, const char *host,
	const char *port, struct err *e)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *list;
	enum code code = GONE;
	int failure = getaddrinfo(host, port, &hints, &list);

	if (failure != 0)
		return err_set(e, failure == EAI_AGAIN ? TEMP : SYNTAX, "%s: %s",
			host, gai_strerror(failure));
	for (const struct addrinfo *ai = list; ai != NULL; ai = ai->ai_next) {
		code = connect_one(c, ai, e);
		if (code == OK)
			break;
		cli_conn_close(c);
	}
	freeaddrinfo(list);
	return code;
}

/* No wait: a server that is there takes its clients at once. */
static enum code connect_path(struct cli_conn *c, struct span path,
	struct err *e)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	if (path.n >= sizeof(at.sun_path))
		return err_set(e, SYNTAX, "%.*s: the name of a socket has at "
			"most %zu bytes", SPAN_ARG(span_head(path, SERVER_MAX)),
			sizeof(at.sun_path) - 1);
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%.*s",
		SPAN_ARG(path));
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		return err_errno(e, TEMP, "socket");
	(void)snprintf(c->local, sizeof(c->local), "localhost");
	if (connect(c->fd, (const struct sockaddr *)&at, sizeof(at)) == 0)
		return OK;
	err_errno(e, GONE, "server %s", at.sun_path);
	cli_conn_close(c);
	return GONE;
}

enum code cli_conn_open(struct cli_conn *c, struct span server, struct err *e)
{
	size_t colon = span_find_last(server, ':');
	struct span host = span_head(server, colon);
	char host_text[SERVER_MAX], port_text[16];
	enum code code;

	c->fd = -1;
	buf_init(&c->in, CLI_CONN_PIECE * 2);
	if (span_starts(server, SPAN("/")))
		return connect_path(c, server, e);
	if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = span_head(span_tail(host, 1), host.n - 2);
	if (colon == server.n || host.n == 0 || host.n >= sizeof(host_text) ||
		server.n - colon > sizeof(port_text))
		return err_set(e, SYNTAX, "%.*s: a server is HOST:PORT",
			SPAN_ARG(span_head(server, SERVER_MAX)));
	(void)snprintf(host_text, sizeof(host_text), "%.*s", SPAN_ARG(host));
	(void)snprintf(port_text, sizeof(port_text), "%.*s",
		SPAN_ARG(span_tail(server, colon + 1)));
	code = connect_any(c, host_text, port_text, e);
	if (code != OK)
		return err_wrap(e, "server %.*s", SPAN_ARG(server));
	note_local(c);
	return OK;
}

void cli_conn_close(struct cli_conn *c)
{
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
	buf_clear(&c->in);
}

enum code cli_conn_write(struct cli_conn *c, struct span bytes, struct err *e)
{
	while (bytes.n > 0) {
		ssize_t n = send(c->fd, bytes.p, bytes.n, MSG_NOSIGNAL);
		enum code code;

		if (n >= 0) {
			bytes = span_tail(bytes, (size_t)n);
			continue;
		}
		if (errno != EAGAIN)
			return err_errno(e, GONE, "writing to the server");
		code = wait_for(c->fd, POLLOUT, CLI_CONN_TIMEOUT_MS, e);
		if (code != OK)
			return code;
	}
	return OK;
}

enum code cli_conn_read(struct cli_conn *c, int64_t timeout_ms, struct err *e)
{
	uint8_t *to = buf_reserve(&c->in, CLI_CONN_PIECE);
	enum code code = wait_for(c->fd, POLLIN, timeout_ms, e);
	ssize_t n;

	if (code != OK)
		return code;
	must(to != NULL);
	n = recv(c->fd, to, CLI_CONN_PIECE, 0);
	if (n < 0)
		return err_errno(e, GONE, "reading from the server");
	if (n == 0)
		return err_set(e, GONE, "the server closed the connection");
	buf_wrote(&c->in, (size_t)n);
	return OK;
}
