/*
 * channel.c - framed messages over AF_UNIX SOCK_SEQPACKET.  See channel.h.
 *
 * Outgoing frames stand one after the other in `out`; `frames` tells where
 * each ends and which descriptor goes with it.  flush() hands up to BATCH of
 * them to one sendmmsg.  Incoming frames are taken BATCH at a time by one
 * recvmmsg into a buffer that all channels of the process share, as a handler
 * returns before the next packet is read.
 *
 * A frame may hold a password, a proof, somebody's mail: what was sent and what
 * was handled is overwritten at once, in both directions.
 */
#define _GNU_SOURCE
#include "ipc/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdalign.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "ipc/wire.h"
#include "net/loop.h"

#define HEAD_BYTES   12
#define BATCH        16
#define ROUNDS_MAX   4 /* batches a turn from one peer: others live too */
#define OUT_MAX      (256u << 20) /* a peer that takes nothing is lost */
#define PACKET_BYTES (HEAD_BYTES + MESSAGE_BYTES_MAX)

struct out_frame {
	size_t bytes;
	int fd; /* owned until sent; -1: none */
};

struct channel {
	struct loop *loop;
	int fd; /* owned */
	enum role self, peer;
	uint32_t peer_instance;
	struct channel_owner owner;
	struct watch *watch;
	struct deferred flush;
	struct deferred lost;
	struct buf out;
	struct out_frame *frames; /* owned; a queue in an array */
	size_t frame_first, frame_end, frame_room;
	size_t begun_at; /* where in out the frame being written begins */
	bool is_writing; /* between begin and commit */
	bool is_lost;
	bool is_clogged; /* on_drained is owed */
	bool is_dispatching;
	bool is_freed; /* by a handler: the dispatcher frees it */
};

/* One for the process: see the head of this file. */
static struct {
	uint8_t *bytes; /* BATCH * PACKET_BYTES, owned for ever */
	struct {
		alignas(struct cmsghdr) uint8_t
			room[CMSG_SPACE(sizeof(int) * 4)];
	} control[BATCH];
} inbox;

static void on_ready(void *arg, unsigned ready);
static void on_flush(void *arg);
static void on_lost(void *arg);

bool channel_pair(int out_fds[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
		       out_fds) == 0;
}

struct channel *channel_new(struct loop *l, int fd, enum role self,
	enum role peer, uint32_t peer_instance,
	const struct channel_owner *owner)
{
	struct channel *c = MEM_NEW(struct channel);
	int flags = fcntl(fd, F_GETFL);

	must(flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0);
	c->loop = l;
	c->fd = fd;
	c->self = self;
	c->peer = peer;
	c->peer_instance = peer_instance;
	c->owner = *owner;
	c->watch = watch_new(l, fd, on_ready, c);
	watch_want(c->watch, WATCH_READ);
	deferred_init(&c->flush, on_flush, c);
	deferred_init(&c->lost, on_lost, c);
	buf_init_secret(&c->out, OUT_MAX);
	return c;
}

static void drop_frames(struct channel *c)
{
	for (size_t i = c->frame_first; i < c->frame_end; i++)
		if (c->frames[i].fd >= 0)
			close(c->frames[i].fd);
	c->frame_first = c->frame_end = 0;
	buf_clear(&c->out);
}

static void destroy(struct channel *c)
{
	deferred_cancel(&c->flush);
	deferred_cancel(&c->lost);
	drop_frames(c);
	watch_free(c->watch);
	close(c->fd);
	mem_free(c->frames);
	mem_free(c);
}

void channel_free(struct channel *c)
{
	if (c == NULL)
		return;
	if (c->is_dispatching)
		c->is_freed = true;
	else
		destroy(c);
}

enum role channel_peer(const struct channel *c)
{
	return c->peer;
}

uint32_t channel_peer_instance(const struct channel *c)
{
	return c->peer_instance;
}

bool channel_is_lost(const struct channel *c)
{
	return c->is_lost;
}

static void lose(struct channel *c)
{
	if (c->is_lost)
		return;
	c->is_lost = true;
	watch_want(c->watch, 0);
	loop_defer(c->loop, &c->lost);
}

static void on_lost(void *arg)
{
	struct channel *c = arg;

	c->owner.on_lost(c->owner.arg, c);
}

/* ---- out ------------------------------------------------------------------ */
static void put_frame(struct channel *c, size_t bytes, int fd)
{
	if (c->frame_end == c->frame_room && c->frame_first > 0) {
		memmove(c->frames, c->frames + c->frame_first,
			(c->frame_end - c->frame_first) * sizeof(*c->frames));
		c->frame_end -= c->frame_first;
		c->frame_first = 0;
	}
	if (c->frame_end == c->frame_room) {
		c->frame_room = c->frame_room == 0 ? 16 : c->frame_room * 2;
		c->frames = mem_resize(c->frames, c->frame_room,
			sizeof(*c->frames));
	}
	c->frames[c->frame_end++] = (struct out_frame){bytes, fd};
}

struct buf *channel_begin(struct channel *c, enum message_type type,
	uint64_t id)
{
	must(!c->is_writing && message_is_allowed(type, c->self, c->peer));
	c->is_writing = true;
	c->begun_at = buf_len(&c->out);
	wire_put_u32(&c->out, type);
	wire_put_u64(&c->out, id);
	return &c->out;
}

void channel_commit(struct channel *c, int fd)
{
	size_t bytes = buf_len(&c->out) - c->begun_at;

	must(c->is_writing && bytes <= PACKET_BYTES);
	c->is_writing = false;
	if (c->out.overflow)
		lose(c);
	if (c->is_lost) {
		buf_truncate(&c->out, c->begun_at);
		if (fd >= 0)
			close(fd);
		return;
	}
	put_frame(c, bytes, fd);
	if (buf_len(&c->out) > CHANNEL_CLOG_BYTES)
		c->is_clogged = true;
	loop_defer(c->loop, &c->flush);
}

bool channel_is_clogged(const struct channel *c)
{
	return c->is_clogged;
}

struct fd_control {
	alignas(struct cmsghdr) uint8_t room[CMSG_SPACE(sizeof(int))];
};

static void attach_fd(struct msghdr *m, struct fd_control *control, int fd)
{
	struct cmsghdr *head;

	m->msg_control = control;
	m->msg_controllen = sizeof(*control);
	head = CMSG_FIRSTHDR(m);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &fd, sizeof(fd));
}

/* Hands up to BATCH frames to the kernel; how many it took, -1: none. */
static int send_batch(struct channel *c)
{
	struct mmsghdr batch[BATCH] = {0};
	struct iovec parts[BATCH];
	struct fd_control control[BATCH];
	struct span left = buf_span(&c->out);
	unsigned n = 0;

	memset(control, 0, sizeof(control));
	for (; n < BATCH && c->frame_first + n < c->frame_end; n++) {
		struct out_frame *f = &c->frames[c->frame_first + n];

		parts[n].iov_base = (void *)(uintptr_t)left.p;
		parts[n].iov_len = f->bytes;
		left = span_tail(left, f->bytes);
		batch[n].msg_hdr.msg_iov = &parts[n];
		batch[n].msg_hdr.msg_iovlen = 1;
		if (f->fd >= 0)
			attach_fd(&batch[n].msg_hdr, &control[n], f->fd);
	}
	if (n == 1) {
		ssize_t sent = sendmsg(c->fd, &batch[0].msg_hdr, MSG_NOSIGNAL);

		return sent < 0 ? -1 : 1;
	}
	return sendmmsg(c->fd, batch, n, MSG_NOSIGNAL);
}

static void drop_sent(struct channel *c, int count)
{
	for (; count > 0; count--) {
		struct out_frame *f = &c->frames[c->frame_first++];

		buf_consume(&c->out, f->bytes);
		if (f->fd >= 0)
			close(f->fd);
	}
	if (c->frame_first == c->frame_end)
		c->frame_first = c->frame_end = 0;
}

void channel_flush(struct channel *c)
{
	while (!c->is_lost && c->frame_first < c->frame_end) {
		int sent = send_batch(c);

		if (sent > 0) {
			drop_sent(c, sent);
		} else if (errno == EAGAIN || errno == ENOBUFS) {
			watch_want(c->watch, WATCH_READ | WATCH_WRITE);
			return;
		} else if (errno != EINTR) {
			lose(c);
		}
	}
	if (c->is_lost)
		return;
	watch_want(c->watch, WATCH_READ);
	if (c->is_clogged) {
		c->is_clogged = false;
		if (c->owner.on_drained != NULL)
			c->owner.on_drained(c->owner.arg, c);
	}
}

static void on_flush(void *arg)
{
	channel_flush(arg);
}

void channel_drain(struct channel *c)
{
	channel_flush(c);
	while (!c->is_lost && c->frame_first < c->frame_end) {
		struct pollfd p = {.fd = c->fd, .events = POLLOUT};

		if (poll(&p, 1, -1) < 0 && errno != EINTR)
			return;
		channel_flush(c);
	}
}

/* ---- in ------------------------------------------------------------------- */
static void violation(struct channel *c, unsigned type, const char *why)
{
	LOG(EV_CHANNEL_VIOLATION, LOG_STR("peer", role_name(c->peer)),
		LOG_STR("type", message_name(type)), LOG_STR("why", why));
	lose(c);
}

static frame_fn *handler_of(const struct channel *c, unsigned type)
{
	for (const struct frame_handler *h = c->owner.handlers;
		h->type != MSG_NONE; h++)
		if (h->type == type)
			return h->fn;
	return NULL;
}

/* The descriptor that came with the packet, or -1; more than one are closed:
 * no row sends them. */
static int take_fd(struct msghdr *m)
{
	int taken = -1;

	for (struct cmsghdr *head = CMSG_FIRSTHDR(m); head != NULL;
		head = CMSG_NXTHDR(m, head)) {
		size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (head->cmsg_level != SOL_SOCKET ||
			head->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(head) + i * sizeof(int),
				sizeof(fd));
			if (taken >= 0)
				close(fd);
			else
				taken = fd;
		}
	}
	return taken;
}

static void close_fd(struct msghdr *m)
{
	int fd = take_fd(m);

	if (fd >= 0)
		close(fd);
}

/* Not the peer's fault, so the channel goes on. */
static void note_lost_fd(const struct channel *c, unsigned type)
{
	LOG(EV_DESCRIPTORS_OUT, LOG_STR("peer", role_name(c->peer)),
		LOG_STR("type", message_name(type)));
}

static void dispatch(struct channel *c, struct span packet, struct msghdr *m)
{
	struct wire w = wire_of(packet);
	int fd = take_fd(m);
	struct frame f = {.from = c, .fd = fd,
		.is_fd_lost = fd < 0 && (m->msg_flags & MSG_CTRUNC) != 0};
	frame_fn *fn;

	f.type = wire_get_u32(&w);
	f.id = wire_get_u64(&w);
	f.body = w.left;
	fn = handler_of(c, f.type);
	if (!w.failed && fn != NULL &&
		message_is_allowed(f.type, c->peer, c->self) &&
		(fd < 0 || message_has_fd(f.type))) {
		if (f.is_fd_lost)
			note_lost_fd(c, f.type);
		if (!fn(c->owner.arg, &f) && !f.is_fd_lost)
			violation(c, f.type, "malformed");
		return;
	}
	if (fd >= 0)
		close(fd);
	violation(c, f.type, "not permitted");
}

static int receive_batch(struct channel *c, struct mmsghdr batch[BATCH],
	struct iovec parts[BATCH])
{
	if (inbox.bytes == NULL)
		inbox.bytes = mem_new(BATCH, PACKET_BYTES);
	memset(batch, 0, sizeof(struct mmsghdr) * BATCH);
	for (size_t i = 0; i < BATCH; i++) {
		parts[i].iov_base = inbox.bytes + i * PACKET_BYTES;
		parts[i].iov_len = PACKET_BYTES;
		batch[i].msg_hdr.msg_iov = &parts[i];
		batch[i].msg_hdr.msg_iovlen = 1;
		batch[i].msg_hdr.msg_control = &inbox.control[i];
		batch[i].msg_hdr.msg_controllen = sizeof(inbox.control[i]);
	}
	return recvmmsg(c->fd, batch, BATCH, MSG_CMSG_CLOEXEC | MSG_DONTWAIT,
		NULL);
}

/* One batch; true if there may be more. */
static bool take_batch(struct channel *c)
{
	struct mmsghdr batch[BATCH];
	struct iovec parts[BATCH];
	int n = receive_batch(c, batch, parts);

	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS)
			lose(c);
		return false;
	}
	for (int i = 0; i < n; i++) {
		struct msghdr *m = &batch[i].msg_hdr;

		/* an empty packet is never sent: it is the end of the peer */
		if (batch[i].msg_len == 0 && !c->is_lost)
			lose(c);
		else if (m->msg_flags & MSG_TRUNC && !c->is_lost)
			violation(c, MSG_NONE, "too long");
		if (c->is_lost || c->is_freed) {
			close_fd(m);
			continue;
		}
		dispatch(c, span_of(parts[i].iov_base, batch[i].msg_len), m);
		explicit_bzero(parts[i].iov_base, batch[i].msg_len);
	}
	return n == BATCH && !c->is_lost && !c->is_freed;
}

/* ---- waiting --------------------------------------------------------------- */
/* One packet into room of its own: a handler of another channel may be at work
 * on what lies in the inbox. */
static void take_one(struct channel *c)
{
	static uint8_t *room; /* PACKET_BYTES, owned for ever */
	struct fd_control control;
	struct iovec part = {.iov_len = PACKET_BYTES};
	struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control)};
	ssize_t n;

	if (room == NULL)
		room = mem_new(1, PACKET_BYTES);
	part.iov_base = room;
	n = recvmsg(c->fd, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOBUFS))
		return;
	if (n <= 0)
		lose(c);
	else if (m.msg_flags & MSG_TRUNC)
		violation(c, MSG_NONE, "too long");
	else
		dispatch(c, span_of(room, (size_t)n), &m);
	if (n > 0)
		explicit_bzero(room, (size_t)n);
}

bool channel_wait(struct channel *c, const bool *is_done, int timeout_ms)
{
	int64_t end = time_mono_ms() + timeout_ms;

	must(!c->is_dispatching);
	c->is_dispatching = true;
	while (!*is_done && !c->is_lost && !c->is_freed) {
		unsigned unsent = c->frame_first < c->frame_end;
		struct pollfd p = {.fd = c->fd,
			.events = (short)(unsent ? POLLIN | POLLOUT : POLLIN)};
		int64_t left = end - time_mono_ms();

		if (left <= 0)
			break;
		channel_flush(c);
		if (poll(&p, 1, (int)left) > 0 &&
			(p.revents & (POLLIN | POLLHUP | POLLERR)) != 0)
			take_one(c);
	}
	c->is_dispatching = false;
	if (c->is_freed)
		destroy(c);
	return *is_done;
}

static void on_ready(void *arg, unsigned ready)
{
	struct channel *c = arg;

	c->is_dispatching = true;
	if (ready & WATCH_WRITE)
		channel_flush(c);
	if (ready & WATCH_READ && !c->is_lost && !c->is_freed)
		for (unsigned i = 0; i < ROUNDS_MAX && take_batch(c); i++)
			;
	c->is_dispatching = false;
	if (c->is_freed)
		destroy(c);
}
