/*
 * front_relay.c - a session under TLS that an account process has taken over:
 * the front stays between the client and the process, and only carries bytes.
 *
 *	client ─ TLS ─▶ in ─▶ relay socket ─▶ account
 *	client ◀ wire ◀ TLS ◀─ relay socket ◀─ account
 *
 * Each direction stops reading when the other side does not take what waits
 * (FRONT_IN_MAX, FRONT_OUT_MAX).  The account process watches the time, and
 * ends the session by its end of the socket; the client's end is passed on.
 * Only of a client that takes nothing it may not hear the end: that one is
 * broken off here (FRONT_RELAY_MS).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "role/front_int.h"

/* What the account wrote last, for a client that does not take it. */
#define LAST_MS 60000

static uint8_t read_room[FRONT_READ_MAX];

/* The kernel's number of a socket, used once; 0: there is none. */
static uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) == 0
		? cookie : 0;
}

bool front_relay_is_other_end(const struct session *s, int fd)
{
	return s->is_relay && s->relay_cookie != 0 &&
		cookie_of(fd) == s->relay_cookie;
}

bool front_relay_open(struct session *s, int *out_account_fd)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		    fds) != 0)
		return false;
	s->relay_fd = fds[0];
	s->relay_cookie = cookie_of(fds[1]);
	*out_account_fd = fds[1];
	return true;
}

void front_relay_close(struct session *s)
{
	watch_free(s->relay_watch);
	s->relay_watch = NULL;
	if (s->relay_fd >= 0)
		close(s->relay_fd);
	s->relay_fd = -1;
}

/* What the client said, as far as the account takes it. */
static void push(struct session *s)
{
	ssize_t n;

	if (s->relay_fd < 0)
		return;
	if (buf_len(&s->in) > 0) {
		n = send(s->relay_fd, buf_span(&s->in).p, buf_len(&s->in),
			MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0)
			buf_consume(&s->in, (size_t)n);
		else if (n < 0 && errno != EAGAIN && errno != EINTR)
			buf_reset(&s->in);
	}
	/* a connection that broke ends at once: nothing of it is an order */
	if (s->is_ending && s->has_eof)
		front_relay_close(s);
	else if (s->has_eof && buf_len(&s->in) == 0)
		(void)shutdown(s->relay_fd, SHUT_WR);
}

void front_relay_take_last(struct session *s)
{
	ssize_t n;

	while (s->relay_fd >= 0 && (n = recv(s->relay_fd, read_room,
		       sizeof(read_room), MSG_DONTWAIT)) > 0)
		session_write(s, span_of(read_room, (size_t)n));
}

static void take_account(struct session *s)
{
	ssize_t n = recv(s->relay_fd, read_room, sizeof(read_room),
		MSG_DONTWAIT);

	if (n > 0) {
		session_write(s, span_of(read_room, (size_t)n));
		return;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	front_relay_close(s);
	session_touch(s, LAST_MS);
	session_end(s, SPAN("handed over"));
}

static void on_account(void *arg, unsigned ready)
{
	struct session *s = arg;

	if (ready & WATCH_READ)
		take_account(s);
	session_settle(s);
}

void front_relay_begin(struct session *s)
{
	s->relay_watch = watch_new(s->front->run->loop, s->relay_fd,
		on_account, s);
	s->wait = WAIT_NONE;
	s->is_relay = true;
	front_protocol_of(s->service)->close(s);
	s->login = (struct front_login){0};
	s->tls_text = SPAN_EMPTY;
	arena_clear(&s->arena);
	session_touch(s, FRONT_RELAY_MS);
	session_settle(s);
}

void front_relay_settle(struct session *s, bool may_read)
{
	unsigned wanted = 0;

	push(s);
	if (s->relay_watch == NULL)
		return;
	if (may_read)
		wanted |= WATCH_READ;
	if (buf_len(&s->in) > 0)
		wanted |= WATCH_WRITE;
	watch_want(s->relay_watch, wanted);
}

void front_relay_timer(struct session *s)
{
	bool takes_nothing = buf_len(&s->out) > 0 || tls_wire(s->tls).n > 0;

	if (takes_nothing)
		session_break_off(s, SPAN("client takes nothing"));
	else
		session_touch(s, FRONT_RELAY_MS);
	session_settle(s);
}
