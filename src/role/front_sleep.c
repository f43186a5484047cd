/*
 * front_sleep.c - sessions that come back from their account process: to sleep
 * (SLEEPER), or because their client gave up its login (GIVEN_BACK).
 *
 *	with the account ──SLEEPER──▶ asleep ──a byte, WAKE──▶ RESUME: with the
 *	                                │                      account again
 *	                                └── SLEEPER_END, time is over ──▶ BYE
 *
 * What sleeps is a socket, its TLS, and bytes that nobody here understands: no
 * engine, no buffers.  In plain text nothing of the socket is read but looked at
 * whether there is something, as all of it belongs to the account process.
 * Under TLS what comes has to be opened; it goes on through a new relay.
 *
 * A plain session that sleeps is not counted among the connections, as it was
 * not while the account process had it; if there are too many they go straight
 * back.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "role/front_int.h"

#include "base/banned.h"

struct front_sleep {
	uint64_t number; /* of its SLEEPER */
	int64_t until_ms; /* monotonic: BYE then */
	struct buf state;
};

/* ---- what both have in common ---------------------------------------------------- */
static bool is_relay_end(int fd)
{
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);

	return getsockname(fd, (struct sockaddr *)&name, &len) == 0 &&
		name.ss_family == AF_UNIX;
}

static void note_lost(uint64_t sid, int fd, const char *why)
{
	LOG(EV_IMAP_LOST, LOG_SID(sid), LOG_STR("why", why));
	close(fd);
}

/* A session of ours for a client that only the account process knew; NULL: its
 * socket is of no use. */
static struct session *adopt(struct front *f, uint64_t sid, int fd)
{
	struct session *s = session_find(f, sid) != NULL
		? NULL : session_adopt(f, SERVICE_IMAP, sid, fd);

	if (s == NULL)
		note_lost(sid, fd, "its client is gone");
	return s;
}

/* ---- sleep ------------------------------------------------------------------------- */
static void send_gone(struct front *f, uint64_t number)
{
	struct channel *accounts = role_peer(f->run, ROLE_ACCOUNTS);
	const struct msg_sleeper_gone m = {0};

	if (accounts != NULL)
		channel_send(accounts, sleeper_gone, SLEEPER_GONE, number, &m,
			-1);
}

static struct front_sleep *take_sleep(struct session *s)
{
	struct front_sleep *sleep = s->sleep;

	s->sleep = NULL;
	(void)map_take(&s->front->sleepers, sleep->number);
	return sleep;
}

static void free_sleep(struct front_sleep *sleep)
{
	buf_clear(&sleep->state);
	mem_free(sleep);
}

void front_sleep_drop(struct session *s)
{
	struct front *f = s->front;
	struct front_sleep *sleep;

	if (s->sleep == NULL)
		return;
	sleep = take_sleep(s);
	send_gone(f, sleep->number);
	free_sleep(sleep);
}

void front_sleep_end(struct session *s, struct span text)
{
	LOG(EV_IMAP_LOST, LOG_SID(s->sid), LOG_SPAN("why", text));
	front_sleep_drop(s);
	session_write(s, SPAN("* BYE "));
	session_write(s, text);
	session_write(s, SPAN("\r\n"));
	session_end(s, SPAN("its sleep was over"));
	session_settle(s);
}

static bool send_resume(struct front *f, const struct msg_resume *m,
	uint64_t number, int fd)
{
	struct channel *accounts = role_peer(f->run, ROLE_ACCOUNTS);

	if (accounts != NULL)
		channel_send(accounts, resume, RESUME, number, m, fd);
	return accounts != NULL;
}

/* The session goes back to an account process.  s may be gone. */
static void wake(struct session *s)
{
	struct front_sleep *sleep = s->sleep;
	struct msg_resume m = {.sid = s->sid,
		.left_ms = sleep->until_ms - loop_mono_ms(s->front->run->loop),
		.state = buf_span(&sleep->state)};
	bool is_plain = s->tls == NULL;
	int fd = s->fd;

	if ((!is_plain && !front_relay_open(s, &fd)) ||
		!send_resume(s->front, &m, sleep->number, fd)) {
		if (!is_plain && s->relay_fd >= 0)
			close(fd);
		front_relay_close(s);
		front_sleep_end(s, SPAN("[UNAVAILABLE] try again later"));
		return;
	}
	free_sleep(take_sleep(s));
	if (is_plain) {
		s->fd = -1; /* the channel's now */
		session_free(s);
	} else {
		front_relay_begin(s);
	}
}

/* Is there anything to read of a plain client, its end too? */
static bool has_input(const struct session *s, bool *out_is_end)
{
	uint8_t byte;
	ssize_t n = recv(s->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	*out_is_end = n == 0 ||
		(n < 0 && errno != EAGAIN && errno != EINTR);
	return n > 0;
}

void front_sleep_settle(struct session *s)
{
	bool is_end = s->has_eof;
	bool has_bytes = s->tls == NULL ? has_input(s, &is_end)
					: buf_len(&s->in) > 0;

	if (has_bytes) {
		wake(s);
	} else if (is_end) {
		LOG(EV_IMAP_LOST, LOG_SID(s->sid),
			LOG_STR("why", "the client hung up"));
		session_free(s);
	} else if (s->front->is_stopping) {
		front_sleep_end(s, SPAN("the server is going down"));
	} else {
		session_flush(s); /* TLS may have had to say something */
		session_want(s);
	}
}

void front_sleep_timeout(struct session *s)
{
	front_sleep_end(s, SPAN("nothing was heard for too long"));
}

/* What may be kept is: a byte that waits on its way to the process means that the
 * client does not sleep. */
static bool may_sleep(struct session *s, int relay_end)
{
	uint8_t byte;

	return !s->is_ending && !s->has_eof && buf_len(&s->in) == 0 &&
		!session_has_unsent(s) &&
		recv(relay_end, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
		errno == EAGAIN;
}

static void lay_down(struct session *s, const struct frame *frame,
	const struct msg_sleeper *m)
{
	struct front_sleep *sleep = MEM_NEW(struct front_sleep);

	sleep->number = frame->id;
	sleep->until_ms = loop_mono_ms(s->front->run->loop) + m->left_ms;
	buf_init(&sleep->state, m->state.n);
	buf_put(&sleep->state, m->state);
	s->sleep = sleep;
	map_put(&s->front->sleepers, sleep->number, s);
	buf_clear(&s->in);
	buf_clear(&s->out);
	session_touch(s, m->left_ms);
	session_settle(s);
}

/* Not now: the process shall have it again. */
static void bounce(struct front *f, const struct frame *frame,
	const struct msg_sleeper *m)
{
	const struct msg_resume resume = {.sid = m->sid,
		.left_ms = m->left_ms, .state = m->state};

	if (!send_resume(f, &resume, frame->id, frame->fd))
		note_lost(m->sid, frame->fd, "accounts is gone");
}

static void relay_sleeps(struct front *f, const struct frame *frame,
	const struct msg_sleeper *m)
{
	struct session *s = session_find(f, m->sid);

	if (s == NULL || !front_relay_is_other_end(s, frame->fd)) {
		note_lost(m->sid, frame->fd, "its client is gone");
		send_gone(f, frame->id);
		return;
	}
	front_relay_take_last(s);
	if (!may_sleep(s, frame->fd)) {
		bounce(f, frame, m);
		return;
	}
	close(frame->fd);
	front_relay_close(s);
	s->is_relay = false;
	lay_down(s, frame, m);
}

static void plain_sleeps(struct front *f, const struct frame *frame,
	const struct msg_sleeper *m)
{
	struct session *s;

	if (f->sessions.count >= f->run->config->connections_max) {
		bounce(f, frame, m);
		return;
	}
	s = adopt(f, m->sid, frame->fd);
	if (s == NULL)
		send_gone(f, frame->id);
	else
		lay_down(s, frame, m);
}

bool front_on_sleeper(void *arg, struct frame *frame)
{
	struct msg_sleeper m;

	if (!msg_get_sleeper(frame->body, &m) || m.left_ms > INT32_MAX)
		return false;
	if (m.left_ms < 0)
		m.left_ms = 0;
	if (frame->fd < 0) /* no descriptors are left here */
		send_gone(arg, frame->id);
	else if (is_relay_end(frame->fd))
		relay_sleeps(arg, frame, &m);
	else
		plain_sleeps(arg, frame, &m);
	return true;
}

bool front_on_wake(void *arg, struct frame *frame)
{
	struct front *f = arg;
	struct msg_wake m;
	struct session *s;

	if (!msg_get_wake(frame->body, &m))
		return false;
	s = map_get(&f->sleepers, frame->id);
	if (s != NULL)
		wake(s);
	return true;
}

bool front_on_sleeper_end(void *arg, struct frame *frame)
{
	struct front *f = arg;
	struct msg_sleeper_end m;
	struct session *s;

	if (!msg_get_sleeper_end(frame->body, &m))
		return false;
	s = map_get(&f->sleepers, frame->id);
	if (s != NULL)
		front_sleep_end(s, m.why);
	return true;
}

/* ---- UNAUTHENTICATE -------------------------------------------------------------------- */
/* The bytes of the client in order: those that the process read, those that it
 * did not, those that are still here. */
static bool gather_input(struct session *s, struct span pending, int relay_end)
{
	static uint8_t room[FRONT_READ_MAX];
	struct buf all;
	ssize_t n;

	buf_init(&all, s->in.max);
	buf_put(&all, pending);
	while ((n = recv(relay_end, room, sizeof(room), MSG_DONTWAIT)) > 0)
		buf_put(&all, span_of(room, (size_t)n));
	buf_put(&all, buf_span(&s->in));
	buf_clear(&s->in);
	all.is_secret = s->in.is_secret;
	s->in = all;
	return !all.overflow;
}

static void relay_returns(struct front *f, const struct msg_given_back *m,
	int fd)
{
	struct session *s = session_find(f, m->sid);
	bool has_all;

	if (s == NULL || !front_relay_is_other_end(s, fd) || s->is_ending) {
		note_lost(m->sid, fd, "its client is gone");
		return;
	}
	front_relay_take_last(s);
	has_all = gather_input(s, m->pending, fd);
	close(fd);
	front_relay_close(s);
	s->is_relay = false;
	if (!has_all)
		session_break_off(s, SPAN("too much was sent ahead"));
	session_begin_again(s);
}

static void plain_returns(struct front *f, const struct msg_given_back *m,
	int fd)
{
	struct session *s = adopt(f, m->sid, fd);

	if (s == NULL)
		return;
	buf_put(&s->in, m->pending);
	if (!session_count(s)) {
		session_write(s,
			SPAN("* BYE [UNAVAILABLE] too many connections\r\n"));
		session_end(s, SPAN("too many connections"));
	}
	session_begin_again(s);
}

bool front_on_given_back(void *arg, struct frame *frame)
{
	struct msg_given_back m;

	if (!msg_get_given_back(frame->body, &m))
		return false;
	if (frame->fd < 0)
		return true; /* no descriptors are left here */
	if (is_relay_end(frame->fd))
		relay_returns(arg, &m, frame->fd);
	else
		plain_returns(arg, &m, frame->fd);
	return true;
}
