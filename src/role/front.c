/*
 * front.c - the role that talks to clients: SMTP wholly, POP3 up to the login.
 *
 * It may touch: the listening sockets that master made, the connections, its
 * channels.  No file, no new connection.  It asks directory who may receive
 * and who may log in, hands messages to queue and logged-in clients to
 * accounts.  Whoever breaks in here through a parser finds no mail, no
 * password and no key.
 *
 * Waits: the id of a question is made of the session's number and a count, and
 * a session has at most one question open, so the map of sessions is the map of
 * waits.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "role/front_int.h"
#include "role/roles.h"

#define IDS_WANTED      1000
#define ACCEPTS_MAX     32 /* a turn: sessions that are there live too */
#define ACCEPT_PAUSE_MS 200

struct door {
	struct list link;
	struct front *front;
	enum service service;
	int fd; /* owned */
	struct watch *watch;
};

/* ---- numbers for messages ------------------------------------------------- */
static void ask_ids(struct front *f)
{
	struct channel *queue = role_peer(f->run, ROLE_QUEUE);
	struct msg_ids m = {.count = IDS_WANTED};

	if (queue == NULL || f->has_asked_ids)
		return;
	f->has_asked_ids = true;
	channel_send(queue, ids, IDS, 0, &m, -1);
}

uint64_t front_take_qid(struct front *f)
{
	if (f->end_qid - f->next_qid < IDS_WANTED / 2)
		ask_ids(f);
	return f->next_qid < f->end_qid ? f->next_qid++ : 0;
}

/* The sids of all sessions for which is_wanted(wait): a list first, as going
 * on with one may free it, and others.  The caller frees it. */
static size_t list_sessions(struct front *f, bool (*is_wanted)(enum front_wait),
	uint64_t **out_sids)
{
	uint64_t *sids = mem_new(f->sessions.count + 1, sizeof(*sids));
	struct session *s;
	size_t n = 0;

	for (size_t i = 0; (s = map_next(&f->sessions, &i)) != NULL;)
		if (is_wanted(s->wait))
			sids[n++] = s->sid;
	*out_sids = sids;
	return n;
}

static void each_session(struct front *f, bool (*is_wanted)(enum front_wait),
	void (*act)(struct session *s))
{
	uint64_t *sids;
	size_t n = list_sessions(f, is_wanted, &sids);

	for (size_t i = 0; i < n; i++) {
		struct session *s = session_find(f, sids[i]);

		if (s != NULL)
			act(s);
	}
	mem_free(sids);
}

static bool waits_for_ids(enum front_wait wait)
{
	return wait == WAIT_IDS;
}

static void fail_wait(struct session *s)
{
	front_protocol_of(s->service)->wait_failed(s, TEMP);
}

static bool on_id_block(void *arg, struct frame *frame)
{
	struct front *f = arg;
	struct msg_id_block m;

	if (!msg_get_id_block(frame->body, &m))
		return false;
	/* what is left of the old block is never used: numbers are many */
	f->next_qid = m.first;
	f->end_qid = m.first + m.count;
	f->has_asked_ids = false;
	/* none: queue is in trouble, and clients should come again */
	each_session(f, waits_for_ids,
		m.count == 0 ? fail_wait : front_body_numbers_came);
	return true;
}

/* ---- answers ----------------------------------------------------------------- */
static bool on_rcpt_verdict(void *arg, struct frame *frame)
{
	struct session *s = session_of_answer(arg, frame->id, WAIT_RCPT);
	struct msg_rcpt_verdict m;

	if (!msg_get_rcpt_verdict(frame->body, &m))
		return false;
	if (s != NULL)
		front_smtp_verdict(s, &m);
	return true;
}

static bool on_submitted(void *arg, struct frame *frame)
{
	struct session *s = session_of_answer(arg, frame->id, WAIT_COMMIT);
	struct msg_submitted m;

	if (!msg_get_submitted(frame->body, &m))
		return false;
	/* too late: the client heard 451, or nothing, and will come again */
	if (s != NULL)
		front_smtp_submitted(s, &m);
	else if (m.result == OK)
		front_unconfirmed(arg, session_sid_of(frame->id), m.qid);
	return true;
}

static bool on_spool_opened(void *arg, struct frame *frame)
{
	struct session *s = session_of_answer(arg, frame->id, WAIT_SPOOL);
	struct msg_spool_opened m;

	if (!msg_get_spool_opened(frame->body, &m))
		return false;
	if (s != NULL)
		front_body_spool_opened(s, (enum code)m.result, frame->fd);
	else if (frame->fd >= 0)
		close(frame->fd);
	return true;
}

/* ---- peers -------------------------------------------------------------------- */
static bool waits_for_directory(enum front_wait wait)
{
	return wait == WAIT_SENDER || wait == WAIT_RCPT || wait == WAIT_OWN ||
		wait == WAIT_LOCAL || wait == WAIT_LOGIN;
}

static bool waits_for_queue(enum front_wait wait)
{
	return wait == WAIT_IDS || wait == WAIT_SPOOL || wait == WAIT_COMMIT;
}

static bool waits_for_accounts(enum front_wait wait)
{
	return wait == WAIT_ATTACH;
}

/* Only accounts could open what they were sealed with. */
static void end_sleep(struct session *s)
{
	if (s->sleep != NULL)
		front_sleep_end(s, SPAN("[UNAVAILABLE] connect again"));
}

static bool is_any(enum front_wait wait)
{
	(void)wait;
	return true;
}

static void peer_up(void *state, enum role role, uint32_t instance)
{
	struct front *f = state;

	(void)instance;
	if (role != ROLE_QUEUE)
		return;
	/* a block of the queue that died stays ours, but it may not know
	 * messages that we number from it; a new block is cheap */
	f->next_qid = f->end_qid = 0;
	f->has_asked_ids = false;
	ask_ids(f);
}

static void peer_lost(void *state, enum role role, uint32_t instance)
{
	(void)instance;
	if (role == ROLE_DIRECTORY)
		each_session(state, waits_for_directory, fail_wait);
	else if (role == ROLE_QUEUE)
		each_session(state, waits_for_queue, fail_wait);
	else if (role == ROLE_ACCOUNTS) {
		each_session(state, waits_for_accounts, fail_wait);
		each_session(state, is_any, end_sleep);
	}
}

/* ---- logins that are over -------------------------------------------------------- */
/* Or is about to be, with a proof that was good.  Who is known by his uid has no
 * credentials that could change; POP3 and IMAP end by their token. */
static bool is_logged_in_as(const struct session *s, uint64_t account)
{
	return s != NULL && s->smtp != NULL && s->local == NULL &&
		(s->account == account || s->login.account == account);
}

static bool on_sender_logout(void *arg, struct frame *frame)
{
	struct msg_sender_logout m;
	uint64_t *sids;
	size_t n;

	if (!msg_get_sender_logout(frame->body, &m) || m.account == 0)
		return false;
	n = list_sessions(arg, is_any, &sids);
	for (size_t i = 0; i < n; i++) {
		struct session *s = session_find(arg, sids[i]);

		if (is_logged_in_as(s, m.account))
			session_log_out(s);
	}
	mem_free(sids);
	return true;
}

/* ---- connections ----------------------------------------------------------------- */
/* Whose connections are counted together: IPv4 alone, IPv6 by /64. */
static struct span counted(const uint8_t *ip, uint8_t len)
{
	return span_of(ip, len == 4 ? 4 : 8);
}

struct span front_counted(const struct session *s,
	uint8_t room[FRONT_COUNTED_BYTES])
{
	if (s->local != NULL)
		return front_local_counted(s->local->smtp.uid, room);
	return counted(s->ip, s->ip_len);
}

bool front_count_in(struct front *f, struct span whose)
{
	uint32_t each = f->run->config->connections_per_address;
	uintptr_t n = (uintptr_t)dict_get(&f->addresses, whose);

	if (f->session_count >= f->run->config->connections_max || n >= each)
		return false;
	dict_put(&f->addresses, whose, (void *)(n + 1));
	f->session_count++;
	return true;
}

/* In order: queue need not doubt what this front was told. */
static void end(struct front *f)
{
	struct channel *queue = role_peer(f->run, ROLE_QUEUE);
	const struct msg_heard heard = {0};

	if (queue != NULL) {
		channel_send(queue, heard, HEARD, 0, &heard, -1);
		channel_drain(queue);
	}
	loop_stop(f->run->loop);
}

static void count_out(struct front *f, const struct session *s)
{
	uint8_t room[FRONT_COUNTED_BYTES];
	struct span key = front_counted(s, room);
	uintptr_t n = (uintptr_t)dict_get(&f->addresses, key);

	if (n <= 1)
		(void)dict_take(&f->addresses, key);
	else
		dict_put(&f->addresses, key, (void *)(n - 1));
	f->session_count--;
}

void front_session_ended(struct front *f, const struct session *s)
{
	if (!s->is_uncounted)
		count_out(f, s);
	(void)map_take(&f->sessions, s->sid);
	if (f->is_stopping && f->sessions.count == 0)
		end(f);
}

union any_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* 4 or 16 bytes; an IPv4 address in IPv6 clothes is undressed.  RFC 4291
 * 2.5.5.2 */
static uint8_t ip_of(const union any_address *from, uint8_t ip[16])
{
	const uint8_t *v6 = from->v6.sin6_addr.s6_addr;

	if (from->any.sa_family == AF_INET) {
		memcpy(ip, &from->v4.sin_addr, 4);
		return 4;
	}
	if (IN6_IS_ADDR_V4MAPPED(&from->v6.sin6_addr)) {
		memcpy(ip, v6 + 12, 4);
		return 4;
	}
	memcpy(ip, v6, 16);
	return 16;
}

static void note_limit(struct span ip, const char *why)
{
	char room[NETWORK_TEXT_BYTES];
	struct network from;

	(void)network_of(ip, NETWORK_ALL, &from);
	LOG(EV_SMTP_LIMIT, LOG_SPAN("ip", network_text(&from, room)),
		LOG_STR("why", why));
}

bool front_peer_ip(int fd, uint8_t ip[16], uint8_t *out_len)
{
	union any_address from;
	socklen_t len = sizeof(from);

	if (getpeername(fd, &from.any, &len) != 0 ||
		(from.any.sa_family != AF_INET &&
			from.any.sa_family != AF_INET6))
		return false;
	*out_len = ip_of(&from, ip);
	return true;
}

static void admit(struct door *d, int fd, const union any_address *from)
{
	struct front *f = d->front;
	uint8_t ip[16] = {0};
	uint8_t len = ip_of(from, ip);
	enum front_away away = front_bans_ask(f, d->service, span_of(ip, len));

	if (away == AWAY_NOT && !front_count_in(f, counted(ip, len))) {
		note_limit(span_of(ip, len), "connections");
		away = AWAY_BUSY;
	}
	if (away != AWAY_NOT) {
		front_turn_away(f, d->service, fd, away);
		return;
	}
	session_open(f, d->service, fd, ip, len);
}

static void watch_doors(struct front *f, unsigned wanted)
{
	LIST_FOR_EACH(it, &f->listeners)
		watch_want(LIST_OF(struct door, link, it)->watch, wanted);
}

/* No descriptors left: the one in reserve takes the callers, one after the other,
 * and sends them away, and the doors rest, or epoll would wake us for nothing,
 * over and over. */
static void out_of_descriptors(struct door *d)
{
	struct front *f = d->front;

	close(f->reserve_fd);
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		int fd = accept4(d->fd, NULL, NULL,
			SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			break;
		front_turn_away(f, d->service, fd, AWAY_NO_ROOM);
	}
	f->reserve_fd = fcntl(d->fd, F_DUPFD_CLOEXEC, 0);
	LOG(EV_SMTP_LIMIT, LOG_STR("why", "no descriptors left"));
	watch_doors(f, 0);
	timer_arm(&f->accept_again, ACCEPT_PAUSE_MS);
}

static void on_accept_again(void *arg)
{
	watch_doors(arg, WATCH_READ);
}

static void on_knock(void *arg, unsigned ready)
{
	struct door *d = arg;

	(void)ready;
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		union any_address from;
		socklen_t len = sizeof(from);
		int fd = accept4(d->fd, &from.any, &len,
			SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			admit(d, fd, &from);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE) {
			out_of_descriptors(d);
			return;
		}
		if (errno != EINTR && errno != ECONNABORTED)
			return;
	}
}

static void listen_at(void *state, enum service service, int fd)
{
	struct front *f = state;
	struct door *d = MEM_NEW(struct door);

	d->front = f;
	d->service = service;
	d->fd = fd;
	d->watch = watch_new(f->run->loop, fd, on_knock, d);
	list_init(&d->link);
	list_put(&f->listeners, &d->link);
	if (f->reserve_fd < 0)
		f->reserve_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (!f->is_stopping && f->has_certificates && f->has_bans)
		watch_want(d->watch, WATCH_READ);
}

/* Before, who wants TLS could not be served, and who is banned would be. */
void front_doors_may_open(struct front *f)
{
	if (!f->is_stopping && f->has_certificates && f->has_bans)
		watch_doors(f, WATCH_READ);
}

/* ---- relaying ---------------------------------------------------------------------- */
static void read_networks(struct front *f, const struct config *c)
{
	for (size_t i = 0; i < c->relay_network_count; i++)
		if (network_parse(c->relay_networks[i],
			    &f->relay[f->relay_count]))
			f->relay_count++;
}

bool front_may_relay(const struct front *f, struct span ip)
{
	for (size_t i = 0; i < f->relay_count; i++)
		if (network_has(&f->relay[i], ip))
			return true;
	return false;
}

/* ---- begin and end ----------------------------------------------------------------- */
static enum code open_front(struct role_run *run, void **out_state,
	struct err *e)
{
	struct front *f = MEM_NEW(struct front);

	f->run = run;
	f->reserve_fd = -1;
	front_keys_open(f);
	front_bans_open(f);
	read_networks(f, run->config);
	map_init(&f->sessions);
	map_init(&f->sleepers);
	dict_init(&f->addresses);
	list_init(&f->listeners);
	timer_init(&f->accept_again, run->loop, on_accept_again, f);
	if (getrandom(&f->next_sid, sizeof(f->next_sid), 0) !=
		sizeof(f->next_sid))
		return err_errno(e, TEMP, "getrandom");
	/* 40 bits are enough to tell sessions apart in a log, and leave room
	 * to count on */
	f->next_sid = (f->next_sid & 0xffffffffffULL) | 1;
	*out_state = f;
	return OK;
}

/* No new clients; those with a message under way finish it. */
static void stop(void *state)
{
	struct front *f = state;

	f->is_stopping = true;
	watch_doors(f, 0);
	each_session(f, is_any, session_settle);
	if (f->sessions.count == 0)
		end(f);
}

static const struct frame_handler handlers[] = {
	{MSG_RCPT_VERDICT, on_rcpt_verdict},
	{MSG_LOCAL_USER_IS, front_on_local_user_is},
	{MSG_SENDER_VERDICT, front_on_sender_verdict},
	{MSG_SENDER_LOGOUT, on_sender_logout},
	{MSG_SUBMITTED, on_submitted},
	{MSG_ID_BLOCK, on_id_block},
	{MSG_SPOOL_OPENED, on_spool_opened},
	{MSG_LOGIN_RESULT, front_on_login_result},
	{MSG_SCRAM_SALTED, front_on_scram_salted},
	{MSG_ATTACHED, front_on_attached},
	{MSG_GIVEN_BACK, front_on_given_back},
	{MSG_SLEEPER, front_on_sleeper},
	{MSG_WAKE, front_on_wake},
	{MSG_SLEEPER_END, front_on_sleeper_end},
	{MSG_BANS, front_on_bans},
	{MSG_IDENTITY, front_on_identity},
	{MSG_TICKET_KEYS, front_on_ticket_keys},
	{MSG_SIGNED, front_on_signed},
	{MSG_NONE, NULL},
};

const struct role_def role_front = {
	.role = ROLE_FRONT,
	.open = open_front,
	.handlers = handlers,
	.peer_up = peer_up,
	.peer_lost = peer_lost,
	.listen = listen_at,
	.local_client = front_local_client,
	.drop_file = front_drop_file,
	.stop = stop,
};
