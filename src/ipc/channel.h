/*
 * channel.h - framed messages and descriptors to one other process.
 *
 * A channel is one end of an AF_UNIX SOCK_SEQPACKET pair; one packet is one
 * frame: type (u32), id (u64), body.  What is sent gathers until the end of the
 * loop's turn and then goes out with one system call; what the peer does not
 * take yet waits here, and channel_is_clogged says that the sender should stop
 * taking more work.
 *
 * A frame that is malformed, or that messages.def does not allow from this
 * peer, or with a descriptor that it does not name, ends the channel.  When it
 * ended, on_lost is called once, from the loop; nothing is sent or received
 * after that, and the owner frees it.
 *
 * A process that has no descriptors left still gets the frame, without the one
 * that came with it: that is nobody's fault, and ends nothing.
 */
#ifndef POSTRIDER_IPC_CHANNEL_H
#define POSTRIDER_IPC_CHANNEL_H

#include "base/buf.h"
#include "ipc/messages.h"

struct channel;
struct loop;

/* One message that came.  body borrows until the handler returns; fd is -1 or
 * the handler's, to be closed by it. */
struct frame {
	struct channel *from;
	unsigned type;
	uint64_t id;
	struct span body;
	int fd;
	bool is_fd_lost; /* one came, and this process had no room for it */
};

/* False: the body was malformed; the channel is ended.  Or, if is_fd_lost: there
 * is nothing to be said to the sender, and the frame is dropped. */
typedef bool frame_fn(void *arg, struct frame *f);

/* A row a message that this end takes; ends with a row of MSG_NONE. */
struct frame_handler {
	enum message_type type;
	frame_fn *fn;
};

struct channel_owner {
	const struct frame_handler *handlers; /* kept by pointer */
	void (*on_lost)(void *arg, struct channel *c);
	void (*on_drained)(void *arg, struct channel *c); /* may be NULL: what
		was clogged has gone out */
	void *arg;
};

/* Takes fd, and makes it non-blocking. */
struct channel *channel_new(struct loop *l, int fd, enum role self,
	enum role peer, uint32_t peer_instance,
	const struct channel_owner *owner);
void channel_free(struct channel *c); /* takes NULL; closes; sends nothing */

enum role channel_peer(const struct channel *c);
uint32_t channel_peer_instance(const struct channel *c);
bool channel_is_lost(const struct channel *c);

/* A frame is begun, its fields are put into the buf (msg_put_NAME), and it is
 * committed; fd (-1: none) is taken.  On a lost channel it goes nowhere. */
struct buf *channel_begin(struct channel *c, enum message_type type,
	uint64_t id);
void channel_commit(struct channel *c, int fd);

/* channel_send(c, rcpt_check, RCPT_CHECK, id, &m, -1) */
#define channel_send(c, name, NAME, id, m, fd)                                 \
	do {                                                                   \
		msg_put_##name(channel_begin((c), MSG_##NAME, (id)), (m));     \
		channel_commit((c), (fd));                                     \
	} while (0)

/* More than CHANNEL_CLOG_BYTES wait for the peer. */
#define CHANNEL_CLOG_BYTES (4u << 20)
bool channel_is_clogged(const struct channel *c);
/* Sends now what has gathered, as far as the peer takes it. */
void channel_flush(struct channel *c);
/* Blocks until everything is out or the peer is gone: before an exit. */
void channel_drain(struct channel *c);

/* Blocks, for an answer that cannot wait for the loop, until a handler of this
 * channel has set *is_done, and serves nothing else meanwhile.  False: the
 * time is over, or the peer is gone.  Not from a handler of this channel. */
bool channel_wait(struct channel *c, const bool *is_done, int timeout_ms);

/* A connected pair for a channel between two processes; both close-on-exec.
 * The system's error stands in errno when it fails (false). */
bool channel_pair(int out_fds[2]);

#endif
