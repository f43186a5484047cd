/*
 * front_session.c - one connection of a client: bytes between its socket and
 * its engine.
 *
 * pump() is the heart: effects first, then the bytes that wait, until the
 * engine waits for an answer or for more bytes.  Reading stops when the engine
 * has enough (FRONT_IN_MAX) or the client does not read (FRONT_OUT_MAX), so
 * memory is bounded whatever the client does.
 *
 * The end: session_end marks it; when all is written the sending half is shut
 * and what the client still sends is thrown away for a while, as a close with
 * unread bytes would destroy the last reply on its way.
 *
 * Time runs from our last reply: a client has so long for a whole command, in
 * however many pieces.  Each byte buys him two milliseconds more, so that a large
 * message has the time it needs, and a trickle ends (BYTES_PER_SECOND).
 *
 * The timer is armed once and looks at the deadline when it fires: moving a
 * number at each packet costs nothing.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "crypto/secret.h"
#include "role/front_int.h"

#define SESSION_ARENA_MAX (2 * SMTP_SERVER_ARENA_BYTES)
#define WAIT_MS           30000  /* for an answer of another role */
#define COMMIT_WAIT_MS    120000 /* a commit behind a slow disk */
#define LOGIN_WAIT_MS     60000  /* directory lets who guesses wait */
#define LINGER_MS         2000
/* Who sends more slowly, in whatever state, uses up the time of his protocol: a
 * modem of 1985 had twice as much.  Postfix: smtpd_min_data_rate */
#define BYTES_PER_SECOND  500
/* How soon a client whose end came before our 250 has to take that. */
#define CONFIRM_MS        300
/* The id of a question: the session's number, and a count of so many bits. */
#define QUESTION_BITS     20
/* After our last word so much of a client's bytes is still read, so that it
 * can hear that word; who goes on is reset. */
#define LINGER_BYTES      (4u << 20)

static uint8_t read_room[FRONT_READ_MAX];

static void on_ready(void *arg, unsigned ready);
static void on_timer(void *arg);

const struct front_protocol *front_protocol_of(enum service service)
{
	static const struct front_protocol *const table[SERVICE_COUNT] = {
		[SERVICE_SMTP] = &front_smtp,
		[SERVICE_SUBMISSION] = &front_smtp,
		[SERVICE_POP3] = &front_pop3,
		[SERVICE_SUBMISSIONS] = &front_smtp,
		[SERVICE_POP3S] = &front_pop3,
		[SERVICE_IMAP] = &front_imap,
		[SERVICE_IMAPS] = &front_imap,
		[SERVICE_LOCAL] = &front_smtp,
	};

	return table[service];
}

static const struct front_protocol *protocol(const struct session *s)
{
	return front_protocol_of(s->service);
}

struct span session_ip(const struct session *s)
{
	return span_of(s->ip, s->ip_len);
}

struct span session_ip_text(const struct session *s, char room[46])
{
	int family = s->ip_len == 4 ? AF_INET : AF_INET6;

	must(inet_ntop(family, s->ip, room, 46) != NULL);
	return span_str(room);
}

struct session *session_find(struct front *f, uint64_t sid)
{
	return map_get(&f->sessions, sid);
}

uint64_t session_question(struct session *s)
{
	uint64_t mask = (1u << QUESTION_BITS) - 1;

	s->question = s->sid << QUESTION_BITS | ((s->question + 1) & mask);
	return s->question;
}

uint64_t session_sid_of(uint64_t question)
{
	return question >> QUESTION_BITS;
}

struct session *session_of_answer(struct front *f, uint64_t id,
	enum front_wait wait)
{
	struct session *s = session_find(f, session_sid_of(id));

	return s != NULL && s->question == id && s->wait == wait ? s : NULL;
}

/* RFC 1122 3.2.1.3: 127/8 is this machine; so is ::1. */
static bool is_loopback(const uint8_t *ip, uint8_t len)
{
	static const uint8_t one[16] = {[15] = 1};

	return len == 4 ? ip[0] == 127 : memcmp(ip, one, 16) == 0;
}

/* Moves the deadline; the timer is only moved when it would fire too late. */
void session_touch(struct session *s, int64_t after_ms)
{
	s->deadline_mono_ms = loop_mono_ms(s->front->run->loop) + after_ms;
	if (s->timer_mono_ms != 0 && s->timer_mono_ms <= s->deadline_mono_ms)
		return;
	s->timer_mono_ms = s->deadline_mono_ms;
	timer_arm(&s->timer, after_ms);
}

/* So many bytes came: more time for what follows them, up to all of it. */
static void credit(struct session *s, size_t bytes)
{
	int64_t most_ms = protocol(s)->timeout_ms(s);
	int64_t left_ms =
		s->deadline_mono_ms - loop_mono_ms(s->front->run->loop);

	if (s->wait != WAIT_NONE || s->is_ending || s->is_relay ||
		s->sleep != NULL || front_tls_is_shaking(s))
		return;
	left_ms += (int64_t)bytes * 1000 / BYTES_PER_SECOND;
	session_touch(s, left_ms < most_ms ? left_ms : most_ms);
}

/* Bytes that the socket has not taken. */
static size_t unsent(const struct session *s)
{
	return buf_len(&s->out) + (s->tls == NULL ? 0 : tls_wire(s->tls).n);
}

bool session_has_unsent(const struct session *s)
{
	return unsent(s) > 0;
}

/* How much may be read and not taken by the engine.  What goes to an account
 * process with its socket has to fit into ATTACH; the rest waits in the
 * socket. */
static size_t in_max(const struct session *s)
{
	return s->tls == NULL && protocol(s)->attach_failed != NULL
		? FRONT_PENDING_MAX
		: FRONT_IN_MAX;
}

/* On port 25 and in local programs nobody logs in, and whoever did has said it. */
static bool may_say_password(const struct session *s)
{
	return s->service != SERVICE_SMTP && s->service != SERVICE_LOCAL &&
		s->account == 0;
}

/* Until the login what is taken from `in` is overwritten at once.  Behind it
 * come messages, whose bytes the engine only points at while it gives them
 * out: they stay until they are acted on. */
void session_note_login(struct session *s)
{
	s->in.is_secret = may_say_password(s);
}

/* ---- out -------------------------------------------------------------------- */
void session_want(struct session *s)
{
	unsigned wanted = 0;
	bool is_full = buf_len(&s->in) >= in_max(s) ||
		unsent(s) >= FRONT_OUT_MAX;

	if (!s->has_eof && !is_full && s->wait != WAIT_ATTACH)
		wanted |= WATCH_READ;
	if (unsent(s) > 0)
		wanted |= WATCH_WRITE;
	watch_want(s->watch, wanted);
}

/* How many of the bytes the socket took; -1: the connection is broken. */
static ssize_t try_send(struct session *s, struct span bytes)
{
	ssize_t n;

	do
		n = send(s->fd, bytes.p, bytes.n, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == ENOBUFS))
		return 0;
	return n;
}

/* The client is gone: nothing can be written or read any more. */
void session_break_off(struct session *s, struct span why)
{
	s->has_eof = true;
	s->is_ending = true;
	s->is_shut = true;
	if (s->end_why.n == 0)
		s->end_why = why;
	buf_reset(&s->out);
	if (s->tls != NULL)
		tls_wire_sent(s->tls, tls_wire(s->tls).n);
	buf_reset(&s->in);
	front_smtp_unconfirmed(s);
}

static void break_off(struct session *s)
{
	session_break_off(s, SPAN("connection lost"));
}

static void flush_plain(struct session *s)
{
	ssize_t n = try_send(s, buf_span(&s->out));

	if (n < 0)
		break_off(s);
	else
		buf_consume(&s->out, (size_t)n);
}

void session_flush(struct session *s)
{
	struct span wire;
	ssize_t n;

	if (buf_len(&s->out) > 0)
		flush_plain(s);
	if (s->tls == NULL || buf_len(&s->out) > 0)
		return;
	wire = tls_wire(s->tls);
	n = wire.n == 0 ? 0 : try_send(s, wire);
	if (n < 0) {
		break_off(s);
		return;
	}
	tls_wire_sent(s->tls, (size_t)n);
	if (n > 0 && s->is_relay && !s->is_ending)
		session_touch(s, FRONT_RELAY_MS);
}

void session_write(struct session *s, struct span bytes)
{
	ssize_t n = 0;

	if (s->is_ending && s->has_eof)
		return;
	if (!s->is_ending && !s->is_relay && s->wait == WAIT_NONE)
		session_touch(s, protocol(s)->timeout_ms(s));
	if (s->tls != NULL) {
		front_tls_send(s, bytes);
		session_flush(s);
		return;
	}
	if (buf_len(&s->out) == 0) {
		n = try_send(s, bytes);
		if (n < 0) {
			break_off(s);
			return;
		}
	}
	buf_put(&s->out, span_tail(bytes, (size_t)n));
	if (s->out.overflow)
		break_off(s);
}

/* ---- the end ------------------------------------------------------------------ */
void session_end(struct session *s, struct span why)
{
	s->is_ending = true;
	if (s->end_why.n == 0)
		s->end_why = why;
}

void session_free(struct session *s)
{
	protocol(s)->close(s);
	front_sleep_drop(s);
	front_session_ended(s->front, s);
	watch_free(s->watch);
	timer_clear(&s->timer);
	if (s->fd >= 0)
		close(s->fd);
	buf_wipe(&s->in); /* what was sent ahead may be a password */
	buf_clear(&s->in);
	buf_clear(&s->out);
	tls_free(s->tls);
	front_relay_close(s);
	arena_clear(&s->arena);
	mem_free(s);
}

/* Everything is written: say so to the client, and wait for its end a while; if
 * that was there before our 250, for a word that it took that. */
static void linger(struct session *s)
{
	s->is_lingering = true;
	buf_reset(&s->in);
	if (shutdown(s->fd, SHUT_WR) != 0) {
		session_free(s);
		return;
	}
	session_touch(s, s->has_eof ? CONFIRM_MS : LINGER_MS);
	watch_want(s->watch, s->has_eof ? 0 : WATCH_READ);
}

/* True if the session is gone. */
static bool end_if_over(struct session *s)
{
	if (!s->is_ending)
		return false;
	if (s->tls != NULL && !s->is_shut) {
		s->is_shut = true;
		tls_shut(s->tls);
		session_flush(s);
	}
	if (unsent(s) > 0)
		return false;
	if (s->has_eof && s->unconfirmed_qid == 0)
		session_free(s);
	else if (!s->is_lingering)
		linger(s);
	return true;
}

/* ---- in ------------------------------------------------------------------------- */
static void pump(struct session *s)
{
	s->is_pumping = true;
	while (!s->is_ending && s->wait == WAIT_NONE &&
		!front_tls_is_shaking(s)) {
		size_t taken;

		if (protocol(s)->act(s))
			continue;
		if (buf_len(&s->in) == 0 || unsent(s) >= FRONT_OUT_MAX)
			break;
		/* the server ends: what comes after this is not begun */
		if (s->front->is_stopping && protocol(s)->is_idle(s))
			break;
		taken = protocol(s)->feed(s, buf_span(&s->in));
		buf_consume(&s->in, taken);
		if (taken == 0 && !protocol(s)->act(s))
			break;
	}
	s->is_pumping = false;
}

/* After anything happened: goes on, and arranges what comes next. */
static void settle(struct session *s)
{
	if (s->sleep != NULL) {
		front_sleep_settle(s);
		return;
	}
	if (s->is_relay) {
		front_relay_settle(s, unsent(s) < FRONT_OUT_MAX);
		if (s->relay_fd < 0 && !s->is_ending)
			session_end(s, SPAN("handed over"));
		if (!end_if_over(s))
			session_want(s);
		return;
	}
	pump(s);
	/* nothing can be said in a handshake */
	if (s->front->is_stopping && !s->is_ending && front_tls_is_shaking(s))
		session_break_off(s, SPAN("server stops"));
	if (s->front->is_stopping && !s->is_ending && protocol(s)->is_idle(s)) {
		protocol(s)->shut(s, false);
		pump(s);
	}
	if (s->is_logged_out && !s->is_ending && s->wait == WAIT_NONE) {
		front_smtp_log_out(s);
		pump(s);
	}
	if (s->has_eof && !s->is_ending && s->wait == WAIT_NONE)
		session_end(s, SPAN("client closed"));
	if (!end_if_over(s))
		session_want(s);
}

void session_log_out(struct session *s)
{
	s->is_logged_out = true;
	settle(s);
}

void session_settle(struct session *s)
{
	settle(s);
}

void session_resume(struct session *s)
{
	if (s->wait == WAIT_NONE)
		return;
	s->wait = WAIT_NONE;
	session_touch(s, protocol(s)->timeout_ms(s));
	if (!s->is_pumping)
		settle(s);
}

void session_wait(struct session *s, enum front_wait what)
{
	s->wait = what;
	session_touch(s, what == WAIT_COMMIT ? COMMIT_WAIT_MS :
		what == WAIT_LOGIN           ? LOGIN_WAIT_MS :
					       WAIT_MS);
}

/* The client's orderly end after our 250: has it everything?  F15 of the
 * reliability notes: bytes it never acknowledged are still in the socket. */
static void check_confirmed(struct session *s)
{
	int unacknowledged = 0;

	if (s->unconfirmed_qid == 0)
		return;
	if (unsent(s) > 0 ||
		ioctl(s->fd, SIOCOUTQ, &unacknowledged) != 0 ||
		unacknowledged > 0)
		front_smtp_unconfirmed(s);
	s->unconfirmed_qid = 0;
}

/* The usual case: nothing waits, so the engine reads in place.  What it leaves
 * is kept. */
static void take_plain(struct session *s, struct span in)
{
	size_t taken = 0;

	if (buf_len(&s->in) == 0 && s->wait == WAIT_NONE && !s->is_ending &&
		!s->is_relay && s->sleep == NULL) {
		do {
			struct tls *before = s->tls;

			taken = protocol(s)->feed(s, in);
			in = span_tail(in, taken);
			s->is_pumping = true;
			while (s->wait == WAIT_NONE && !s->is_ending &&
				s->tls == before && protocol(s)->act(s))
				taken++;
			s->is_pumping = false;
			if (s->tls != before)
				break;
		} while (in.n > 0 && taken > 0 && s->wait == WAIT_NONE &&
			!s->is_ending && unsent(s) < FRONT_OUT_MAX);
	}
	if (in.n > 0 && s->tls != NULL && front_tls_is_shaking(s))
		session_break_off(s, SPAN("plain text behind STARTTLS"));
	else if (!s->is_ending)
		buf_put(&s->in, in);
}

static void take_wire(struct session *s, struct span wire)
{
	static struct buf plain; /* what the bytes mean; empty between calls */

	if (plain.max == 0)
		buf_init(&plain, FRONT_PLAIN_MAX);
	buf_reset(&plain);
	if (front_tls_receive(s, wire, &plain)) {
		session_flush(s);
		/* close_notify alone comes also of a client that gave up */
		if (buf_len(&plain) > 0)
			s->unconfirmed_qid = 0;
		else if (s->has_eof)
			check_confirmed(s);
		if (buf_len(&plain) > 0 && !s->is_ending)
			take_plain(s, buf_span(&plain));
	}
	/* it may have been a password */
	if (buf_len(&plain) > 0)
		secret_wipe(plain.p, plain.end);
}

static void take_end(struct session *s)
{
	check_confirmed(s);
	if (s->tls != NULL)
		(void)tls_receive_end(s->tls);
	s->has_eof = true;
}

static void take_input(struct session *s)
{
	size_t room = sizeof(read_room);
	ssize_t n;

	if (in_max(s) == FRONT_PENDING_MAX)
		room = FRONT_PENDING_MAX;
	if (buf_len(&s->in) >= room)
		return;
	if (room == FRONT_PENDING_MAX)
		room -= buf_len(&s->in);
	n = recv(s->fd, read_room, room, MSG_DONTWAIT);
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			break_off(s);
		return;
	}
	if (n == 0) {
		take_end(s);
		return;
	}
	credit(s, (size_t)n);
	if (s->tls != NULL) {
		take_wire(s, span_of(read_room, (size_t)n));
		return;
	}
	s->unconfirmed_qid = 0;
	take_plain(s, span_of(read_room, (size_t)n));
	if (may_say_password(s))
		secret_wipe(read_room, (size_t)n);
}

/* While lingering: throws away what comes, until the client's end. */
static void take_rest(struct session *s)
{
	ssize_t n = recv(s->fd, read_room, sizeof(read_room), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	s->lingered_bytes += n > 0 ? (size_t)n : 0;
	if (n > 0 && s->lingered_bytes < LINGER_BYTES)
		return;
	if (n == 0)
		check_confirmed(s);
	else
		front_smtp_unconfirmed(s);
	session_free(s);
}

static void on_ready(void *arg, unsigned ready)
{
	struct session *s = arg;

	if (s->is_lingering) {
		take_rest(s);
		return;
	}
	if (ready & WATCH_WRITE)
		session_flush(s);
	/* what a plain client says in its sleep is its account process's */
	if (ready & WATCH_READ && !s->has_eof &&
		(s->sleep == NULL || s->tls != NULL))
		take_input(s);
	settle(s);
}

static void on_timer(void *arg)
{
	struct session *s = arg;
	int64_t left =
		s->deadline_mono_ms - loop_mono_ms(s->front->run->loop);

	s->timer_mono_ms = 0;
	if (left > 0) {
		session_touch(s, left);
		return;
	}
	if (s->sleep != NULL) {
		front_sleep_timeout(s);
		return;
	}
	if (s->is_relay && !s->is_ending) {
		front_relay_timer(s);
		return;
	}
	if (front_tls_is_shaking(s))
		session_break_off(s, SPAN("no handshake"));
	if (s->is_lingering || s->is_ending) {
		check_confirmed(s);
		session_free(s);
		return;
	}
	if (s->wait != WAIT_NONE) {
		session_touch(s, WAIT_MS);
		protocol(s)->wait_failed(s, TIMEOUT);
		return;
	}
	protocol(s)->shut(s, true);
	pump(s);
	session_touch(s, LINGER_MS);
	settle(s);
}

static struct session *make(struct front *f, enum service service, int fd,
	struct span ip, uint64_t sid)
{
	struct session *s = MEM_NEW(struct session);

	s->front = f;
	s->fd = fd;
	s->service = service;
	s->sid = sid;
	memcpy(s->ip, ip.p, ip.n);
	s->ip_len = (uint8_t)ip.n;
	s->relay_fd = -1;
	s->is_loopback = is_loopback(ip.p, s->ip_len);
	s->may_relay = service == SERVICE_SMTP && front_may_relay(f, ip);
	arena_init(&s->arena, SESSION_ARENA_MAX);
	buf_init(&s->in, FRONT_IN_MAX + FRONT_PLAIN_MAX);
	session_note_login(s);
	buf_init(&s->out, 4 * FRONT_OUT_MAX);
	map_put(&f->sessions, s->sid, s);
	s->watch = watch_new(f->run->loop, fd, on_ready, s);
	timer_init(&s->timer, f->run->loop, on_timer, s);
	return s;
}

static void begin(struct session *s)
{
	protocol(s)->open(s);
	if (s->wait == WAIT_NONE)
		session_touch(s, protocol(s)->timeout_ms(s));
	if (service_is_tls(s->service))
		front_tls_begin(s);
	/* who talks before the greeting shall be seen to: RFC 5321 3.1 */
	if (!s->is_ending)
		take_input(s);
	settle(s);
}

void session_open(struct front *f, enum service service, int fd,
	const uint8_t *ip, uint8_t ip_len)
{
	begin(make(f, service, fd, span_of(ip, ip_len), f->next_sid++));
}

struct session *session_adopt(struct front *f, enum service service,
	uint64_t sid, int fd)
{
	uint8_t ip[16], ip_len;
	struct session *s;

	if (!front_peer_ip(fd, ip, &ip_len))
		return NULL;
	s = make(f, service, fd, span_of(ip, ip_len), sid);
	s->is_uncounted = true;
	return s;
}

bool session_count(struct session *s)
{
	uint8_t room[FRONT_COUNTED_BYTES];

	s->is_uncounted = !front_count_in(s->front, front_counted(s, room));
	return !s->is_uncounted;
}

void session_begin_again(struct session *s)
{
	s->is_again = true;
	if (!s->is_ending) {
		if (s->tls != NULL)
			front_tls_keep_text(s);
		protocol(s)->open(s);
		session_touch(s, protocol(s)->timeout_ms(s));
	}
	settle(s);
}

uint64_t session_open_local(struct front *f, int fd,
	const struct front_local *who)
{
	static const uint8_t here[4] = {127, 0, 0, 1};
	struct session *s = make(f, SERVICE_LOCAL, fd,
		span_of(here, sizeof(here)), f->next_sid++);
	uint64_t sid = s->sid;

	s->local = ARENA_NEW(&s->arena, struct front_local);
	*s->local = *who;
	s->local->name = arena_dup(&s->arena, who->name);
	begin(s);
	return sid;
}
