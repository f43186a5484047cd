/*
 * account_pop3.c - a POP3 session in the account's process: the socket that
 * front had until the login, and the engine.
 *
 * What the client does not take waits in `out`, and the engine is not asked for
 * more until all of it has gone: one answer's worth of memory, however slow the
 * client is.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "pop3/pop3.h"
#include "role/account_int.h"

#include "base/banned.h"

/* Commands that were sent ahead; more are left in the socket. */
#define IN_BYTES 16384u
/* What one call of the engine's next may give. */
#define OUT_BYTES (1u << 20)

struct pop3_session {
	struct account *account;
	uint64_t sid;
	int fd; /* owned */
	struct watch *watch;
	struct pop3 *engine;
	struct buf in;
	struct buf out;
	struct timer idle;
	bool is_closing; /* the engine ended: close when out is empty */
	struct span why; /* of the end: static text */
};

void account_pop3_end(struct account *a, const char *why)
{
	struct pop3_session *s = a->session;
	struct pop3_counts counts;

	if (s == NULL)
		return;
	a->session = NULL;
	counts = pop3_counts(s->engine);
	LOG(EV_POP3_CLOSED, LOG_SID(s->sid),
		LOG_NUM("retrieved", counts.retrieved),
		LOG_NUM("deleted", counts.deleted), LOG_STR("why", why));
	timer_clear(&s->idle);
	watch_free(s->watch);
	close(s->fd);
	pop3_close(s->engine);
	buf_clear(&s->in);
	buf_clear(&s->out);
	mem_free(s);
	account_touch(a);
}

static void on_timeout(void *arg)
{
	struct pop3_session *s = arg;

	/* without a word, and nothing deleted: RFC 1939 3 */
	account_pop3_end(s->account, "timeout");
}

/* ---- out -------------------------------------------------------------------- */
/* How much of it the socket took; false: the connection is gone. */
static bool send_some(struct pop3_session *s, struct span bytes,
	size_t *out_sent)
{
	ssize_t sent;

	*out_sent = 0;
	do
		sent = send(s->fd, bytes.p, bytes.n,
			MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return errno == EAGAIN;
	*out_sent = (size_t)sent;
	return true;
}

static bool write_out(struct pop3_session *s, struct span bytes)
{
	size_t sent = 0;

	if (buf_len(&s->out) == 0 && !send_some(s, bytes, &sent))
		return false;
	buf_put(&s->out, span_tail(bytes, sent));
	must(!s->out.overflow);
	return true;
}

static bool flush(struct pop3_session *s)
{
	size_t sent;

	if (buf_len(&s->out) == 0)
		return true;
	if (!send_some(s, buf_span(&s->out), &sent))
		return false;
	buf_consume(&s->out, sent);
	return true;
}

/* ---- the engine --------------------------------------------------------------- */
/* False: the connection is gone. */
static bool act(struct pop3_session *s, const struct pop3_effect *e)
{
	switch (e->type) {
	case POP3_SEND:
		return write_out(s, e->bytes);
	case POP3_TROUBLE:
		LOG(EV_STORE_TROUBLE,
			LOG_NUM("account", s->account->start->account),
			LOG_SID(s->sid), LOG_SPAN("why", e->bytes));
		return true;
	case POP3_CLOSE:
		s->is_closing = true;
		s->why = e->bytes;
		return true;
	default:
		unreachable();
	}
}

/* Takes all effects while the socket takes what they write. */
static bool drain_effects(struct pop3_session *s, bool *out_any)
{
	struct pop3_effect e;

	while (buf_len(&s->out) == 0 && pop3_next(s->engine, &e)) {
		*out_any = true;
		if (!act(s, &e))
			return false;
	}
	return true;
}

/* Feeds and takes until nothing moves. */
static bool run(struct pop3_session *s)
{
	bool is_moving = true;

	while (is_moving && buf_len(&s->out) == 0 && !s->is_closing) {
		size_t taken = pop3_feed(s->engine, buf_span(&s->in));

		buf_consume(&s->in, taken);
		is_moving = taken > 0;
		if (!drain_effects(s, &is_moving))
			return false;
	}
	return true;
}

static unsigned wanted(const struct pop3_session *s)
{
	unsigned w = 0;

	if (buf_len(&s->out) > 0)
		w |= WATCH_WRITE;
	else if (buf_left(&s->in) > 0)
		w |= WATCH_READ;
	return w;
}

/* Goes on after anything happened.  The session may be gone afterwards. */
static void go_on(struct pop3_session *s)
{
	struct account *a = s->account;
	struct err e = {.code = TEMP, .text = "reading for a session failed"};

	/* no transaction may be open while a session reads and removes */
	account_settle(a);
	if (store_is_broken(a->store))
		return;
	if (!run(s)) {
		account_pop3_end(a, "the connection broke");
		return;
	}
	if (account_is_broken(a, &e))
		return;
	if (s->is_closing && buf_len(&s->out) == 0) {
		account_report_usage(a);
		account_pop3_end(a, s->why.n == 4 ? "quit" : "trouble");
		return;
	}
	watch_want(s->watch, wanted(s));
}

/* ---- in --------------------------------------------------------------------------- */
/* False: the session ended. */
static bool receive(struct pop3_session *s)
{
	uint8_t *room = buf_reserve(&s->in, buf_left(&s->in));
	ssize_t got = recv(s->fd, room, buf_left(&s->in), MSG_DONTWAIT);

	if (got > 0) {
		buf_wrote(&s->in, (size_t)got);
		return true;
	}
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	account_pop3_end(s->account, "the client hung up");
	return false;
}

static void on_ready(void *arg, unsigned ready)
{
	struct pop3_session *s = arg;

	timer_arm(&s->idle, POP3_TIMEOUT_MS);
	if (ready & WATCH_WRITE && !flush(s)) {
		account_pop3_end(s->account, "the connection broke");
		return;
	}
	if (ready & WATCH_READ && buf_left(&s->in) > 0 && !receive(s))
		return;
	go_on(s);
}

enum code account_pop3_begin(struct account *a, const struct msg_session *m,
	int fd, struct err *e)
{
	struct pop3_session *s;
	struct pop3 *engine;
	enum code code;

	/* exclusive access: RFC 1939 4 */
	if (a->session != NULL)
		return err_set(e, BUSY, "there is a session already");
	code = pop3_open(a->store, &engine, e);
	if (code != OK)
		return code;
	s = MEM_NEW(struct pop3_session);
	s->account = a;
	s->sid = m->sid;
	s->fd = fd;
	s->engine = engine;
	buf_init(&s->in, IN_BYTES);
	buf_init(&s->out, OUT_BYTES);
	buf_put(&s->in, m->pending);
	s->watch = watch_new(a->loop, fd, on_ready, s);
	timer_init(&s->idle, a->loop, on_timeout, s);
	timer_arm(&s->idle, POP3_TIMEOUT_MS);
	a->session = s;
	/* the answer to PASS goes out when the socket is seen to be writable,
	 * after front was told to leave it alone */
	watch_want(s->watch, WATCH_WRITE);
	return OK;
}
