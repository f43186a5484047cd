/*
 * account_wire.c - recv and send of an IMAP session.  See account_wire.h.
 */
#define _GNU_SOURCE
#include "role/account_wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/banned.h"

/* Commands that were sent ahead; more are left in the socket. */
#define IN_BYTES 16384u
/* What one call of the engine's next may give: a set of uids, or a structure,
 * is no larger; and what DEFLATE adds to it. */
#define OUT_BYTES (65u << 20)

void account_wire_open(struct account_wire *w, int fd, struct span pending)
{
	*w = (struct account_wire){.fd = fd};
	buf_init(&w->in, IN_BYTES);
	buf_init(&w->out, OUT_BYTES);
	buf_init(&w->packed, IN_BYTES);
	buf_put(&w->in, pending);
}

void account_wire_close(struct account_wire *w)
{
	if (w->fd >= 0)
		close(w->fd);
	inflater_free(w->inflater);
	deflater_free(w->deflater);
	buf_clear(&w->in);
	buf_clear(&w->out);
	buf_clear(&w->packed);
}

void account_wire_compress(struct account_wire *w)
{
	w->inflater = inflater_new();
	w->deflater = deflater_new();
	buf_put(&w->packed, buf_span(&w->in));
	buf_reset(&w->in);
}

/* ---- in ------------------------------------------------------------------------ */
static struct buf *from_socket(struct account_wire *w)
{
	return w->inflater != NULL ? &w->packed : &w->in;
}

bool account_wire_has_room(const struct account_wire *w)
{
	return buf_left(w->inflater != NULL ? &w->packed : &w->in) > 0;
}

bool account_wire_receive(struct account_wire *w)
{
	struct buf *to = from_socket(w);
	size_t room = buf_left(to);
	ssize_t got;

	if (room == 0)
		return true;
	got = recv(w->fd, buf_reserve(to, room), room, MSG_DONTWAIT);
	if (got > 0) {
		buf_wrote(to, (size_t)got);
		w->owes_ack = true;
		return true;
	}
	return got < 0 && (errno == EAGAIN || errno == EINTR);
}

void account_wire_ack(struct account_wire *w)
{
	const int on = 1;

	if (!w->owes_ack)
		return;
	w->owes_ack = false;
	/* no TCP (a relayed session): no matter */
	(void)setsockopt(w->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

enum code account_wire_unpack(struct account_wire *w, bool *out_any)
{
	size_t before = buf_len(&w->in);
	struct span left = buf_span(&w->packed);
	enum code code;

	*out_any = false;
	if (w->inflater == NULL)
		return OK;
	code = inflater_take(w->inflater, &left, &w->in);
	buf_consume(&w->packed, buf_len(&w->packed) - left.n);
	*out_any = buf_len(&w->in) > before;
	return code;
}

/* ---- out ------------------------------------------------------------------------- */
/* How much of it the socket took; false: the connection is gone. */
static bool send_some(struct account_wire *w, struct span bytes,
	size_t *out_sent)
{
	ssize_t sent;

	*out_sent = 0;
	do
		sent = send(w->fd, bytes.p, bytes.n,
			MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return errno == EAGAIN;
	*out_sent = (size_t)sent;
	w->owes_ack = false; /* it went along */
	return true;
}

static bool write_packed(struct account_wire *w, struct span bytes)
{
	bool was_empty = buf_len(&w->out) == 0;

	deflater_put(w->deflater, bytes, &w->out);
	must(!w->out.overflow);
	return !was_empty || account_wire_flush(w);
}

bool account_wire_write(struct account_wire *w, struct span bytes)
{
	size_t sent = 0;

	if (w->deflater != NULL)
		return write_packed(w, bytes);
	if (buf_len(&w->out) == 0 && !send_some(w, bytes, &sent))
		return false;
	buf_put(&w->out, span_tail(bytes, sent));
	must(!w->out.overflow);
	return true;
}

bool account_wire_flush(struct account_wire *w)
{
	size_t sent;

	if (buf_len(&w->out) == 0)
		return true;
	if (!send_some(w, buf_span(&w->out), &sent))
		return false;
	buf_consume(&w->out, sent);
	if (buf_len(&w->out) == 0)
		buf_clear(&w->out); /* a large answer is over */
	return true;
}
