/*
 * account_imap.c - IMAP sessions in the account's process: the sockets that front
 * had until the login, and the engines.
 *
 * There may be many at once, for the same store.  What a client does not take
 * waits in `out`, and its engine is not asked for more until all of it has gone.
 * A store listener notes that something was committed; when the turn of the loop
 * ends, those that idle are told.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "imap/imap_session.h"
#include "imap/imap_sleep.h"
#include "role/account_int.h"
#include "role/account_wire.h"

#include "base/banned.h"

/* So much may come of compressed bytes before others have their turn. */
#define TURN_BYTES 65536u
/* So much is read in one turn while APPENDs wait for one commit. */
#define AHEAD_BYTES (8u << 20)

struct imap_connection {
	struct account *account;
	struct list link; /* in account.imap_sessions */
	uint64_t sid;
	uint32_t front; /* which one it came through */
	struct account_wire wire;
	struct watch *watch;
	struct imap_session *engine;
	struct timer idle;
	struct deferred turn; /* the engine works on */
	int64_t heard_ms;     /* when the client said something; monotonic */
	bool is_closing;      /* the engine ended: close when out is empty */
	bool is_returning;    /* or give the socket back to front */
};

static void drop(struct imap_connection *c)
{
	struct account *a = c->account;

	list_take(&c->link);
	deferred_cancel(&c->turn);
	timer_clear(&c->idle);
	watch_free(c->watch);
	account_wire_close(&c->wire);
	imap_session_close(c->engine);
	mem_free(c);
	account_touch(a);
}

static void end(struct imap_connection *c, const char *why)
{
	struct imap_session_counts counts = imap_session_counts(c->engine);

	LOG(EV_IMAP_CLOSED, LOG_SID(c->sid),
		LOG_NUM("commands", counts.commands),
		LOG_NUM("fetched", counts.fetched),
		LOG_NUM("appended", counts.appended),
		LOG_NUM("expunged", counts.expunged), LOG_STR("why", why));
	drop(c);
}

/* UNAUTHENTICATE: what the client sent behind it is the door's to read; what
 * waits in the socket stays there. */
static void give_back(struct imap_connection *c)
{
	const struct msg_give_back m = {.sid = c->sid, .front = c->front,
		.pending = buf_span(&c->wire.in)};

	channel_send(c->account->accounts, give_back, GIVE_BACK, 0, &m,
		c->wire.fd);
	c->wire.fd = -1;
	end(c, "unauthenticate");
}

/* ---- the engine --------------------------------------------------------------- */
/* False: the connection is gone. */
static bool act(struct imap_connection *c, const struct imap_session_effect *e)
{
	switch (e->type) {
	case IMAP_SESSION_SEND:
		return account_wire_write(&c->wire, e->bytes);
	case IMAP_SESSION_TROUBLE:
		LOG(EV_STORE_TROUBLE,
			LOG_NUM("account", c->account->start->account),
			LOG_SID(c->sid), LOG_SPAN("why", e->bytes));
		return true;
	case IMAP_SESSION_COMPRESS:
		account_wire_compress(&c->wire);
		return true;
	case IMAP_SESSION_RETURN:
		c->is_returning = true;
		c->is_closing = true;
		return true;
	case IMAP_SESSION_CLOSE:
		c->is_closing = true;
		return true;
	default:
		unreachable();
	}
}

/* Takes all effects while the socket takes what they write. */
static bool drain_effects(struct imap_connection *c, bool *out_any)
{
	struct imap_session_effect e;

	while (buf_len(&c->wire.out) == 0 && imap_session_next(c->engine, &e)) {
		*out_any = true;
		if (!act(c, &e))
			return false;
	}
	return true;
}

/* Inflates what the engine has room for; true: something came of it. */
static bool unpack(struct imap_connection *c)
{
	bool is_any;

	if (account_wire_unpack(&c->wire, &is_any) == OK)
		return is_any;
	imap_session_end(c->engine, "what was compressed is damaged");
	return false;
}

/* What the client has sent meanwhile; an end is found by who reads next. */
static bool read_ahead(struct imap_connection *c)
{
	size_t before = buf_len(&c->wire.in);

	if (unpack(c))
		return true;
	if (!account_wire_has_room(&c->wire) ||
		!account_wire_receive(&c->wire))
		return false;
	(void)unpack(c);
	return buf_len(&c->wire.in) > before;
}

/* Feeds what is at hand.  A commit waits for what can be read at once, but not
 * for more than the others' turn allows.  Returns how much was taken. */
static size_t feed(struct imap_connection *c)
{
	size_t bound = c->wire.inflater != NULL ? TURN_BYTES : AHEAD_BYTES;
	size_t taken, all = 0;

	do {
		taken = imap_session_feed(c->engine, buf_span(&c->wire.in),
			loop_wall_ms(c->account->loop));
		buf_consume(&c->wire.in, taken);
		all += taken;
	} while (taken > 0 && all < bound &&
		imap_session_is_gathering(c->engine) && read_ahead(c));
	return all;
}

/* Feeds and takes until nothing moves, or others should have their turn. */
static bool run(struct imap_connection *c)
{
	bool is_moving = true;
	size_t taken = 0;

	while (is_moving && buf_len(&c->wire.out) == 0 && !c->is_closing) {
		size_t n;

		is_moving = unpack(c);
		n = feed(c);
		taken += n;
		is_moving |= n > 0;
		if (!drain_effects(c, &is_moving))
			return false;
		if (taken < TURN_BYTES || c->wire.inflater == NULL)
			continue;
		loop_defer(c->account->loop, &c->turn);
		is_moving = false;
	}
	return true;
}

static unsigned wanted(const struct imap_connection *c)
{
	unsigned w = 0;

	if (buf_len(&c->wire.out) > 0)
		w |= WATCH_WRITE;
	else if (account_wire_has_room(&c->wire))
		w |= WATCH_READ;
	return w;
}

/* Goes on after anything happened.  The connection may be gone afterwards. */
static void go_on(struct imap_connection *c)
{
	struct account *a = c->account;
	struct err e = {.code = TEMP, .text = "reading for a session failed"};

	/* no transaction may be open while a session reads and writes */
	account_settle(a);
	if (store_is_broken(a->store))
		return;
	if (!run(c)) {
		end(c, "the connection broke");
		return;
	}
	if (account_is_broken(a, &e))
		return;
	account_report_usage(a);
	if (c->is_closing && buf_len(&c->wire.out) == 0) {
		if (c->is_returning)
			give_back(c);
		else
			end(c, "the session ended");
		return;
	}
	account_wire_ack(&c->wire);
	watch_want(c->watch, wanted(c));
	if (imap_session_is_working(c->engine))
		loop_defer(a->loop, &c->turn);
}

static void on_turn(void *arg)
{
	go_on(arg);
}

/* ---- in --------------------------------------------------------------------------- */
static void on_ready(void *arg, unsigned ready)
{
	struct imap_connection *c = arg;

	c->heard_ms = loop_mono_ms(c->account->loop);
	timer_arm(&c->idle, IMAP_TIMEOUT_MS);
	account_touch(c->account);
	if (ready & WATCH_WRITE && !account_wire_flush(&c->wire)) {
		end(c, "the connection broke");
		return;
	}
	if (ready & WATCH_READ && !account_wire_receive(&c->wire)) {
		end(c, "the client hung up");
		return;
	}
	go_on(c);
}

/* Nothing was said for half an hour, or nothing taken: RFC 9051 5.4. */
static void on_timeout(void *arg)
{
	struct imap_connection *c = arg;

	if (buf_len(&c->wire.out) > 0) {
		end(c, "the client does not read");
		return;
	}
	imap_session_end(c->engine, "nothing was heard for too long");
	go_on(c);
}

/* ---- news ---------------------------------------------------------------------------- */
static void on_commit(void *arg, const struct store_event *event)
{
	struct account *a = arg;

	(void)event;
	if (!list_is_empty(&a->imap_sessions))
		loop_defer(a->loop, &a->news);
}

static void on_news(void *arg)
{
	struct account *a = arg;

	LIST_FOR_EACH(it, &a->imap_sessions)
	{
		struct imap_connection *c =
			LIST_OF(struct imap_connection, link, it);

		if (buf_len(&c->wire.out) == 0 && imap_session_has_news(c->engine))
			go_on(c);
	}
}

/* ---- begin and end --------------------------------------------------------------------- */
void account_imap_init(struct account *a)
{
	list_init(&a->imap_sessions);
	deferred_init(&a->news, on_news, a);
}

void account_imap_listen(struct account *a)
{
	a->listener = (struct store_listener){.fn = on_commit, .arg = a};
	store_listen(a->store, &a->listener);
}

static struct imap_session_config config_of(struct account *a, struct span tag)
{
	return (struct imap_session_config){
		.store = a->store,
		.tag = tag,
		.append_max = a->start->config->message_size_max,
	};
}

/* Takes fd and engine. */
static struct imap_connection *connect_engine(struct account *a, int fd,
	struct imap_session *engine, int64_t left_ms, struct span pending)
{
	struct imap_connection *c = MEM_NEW(struct imap_connection);

	c->account = a;
	c->engine = engine;
	account_wire_open(&c->wire, fd, pending);
	c->watch = watch_new(a->loop, fd, on_ready, c);
	c->heard_ms = loop_mono_ms(a->loop) - (IMAP_TIMEOUT_MS - left_ms);
	timer_init(&c->idle, a->loop, on_timeout, c);
	timer_arm(&c->idle, left_ms);
	deferred_init(&c->turn, on_turn, c);
	list_put(&a->imap_sessions, &c->link);
	return c;
}

void account_imap_begin(struct account *a, const struct msg_session *m, int fd)
{
	const struct imap_session_config config = config_of(a, m->tag);
	struct imap_connection *c = connect_engine(a, fd,
		imap_session_open(&config), IMAP_TIMEOUT_MS, m->pending);

	c->sid = m->sid;
	c->front = m->front;
	/* the answer to the login goes out when the socket is seen to be
	 * writable, after front was told to leave it alone */
	watch_want(c->watch, WATCH_WRITE);
}

/* ---- sleep ------------------------------------------------------------------------------- */
bool account_imap_may_sleep(const struct account *a)
{
	LIST_FOR_EACH(it, &a->imap_sessions)
	{
		const struct imap_connection *c =
			LIST_OF(struct imap_connection, link, it);

		if (buf_len(&c->wire.in) > 0 || buf_len(&c->wire.out) > 0 ||
			!imap_session_may_sleep(c->engine))
			return false;
	}
	return true;
}

static void lay_down(struct imap_connection *c)
{
	int64_t silent_ms = loop_mono_ms(c->account->loop) - c->heard_ms;
	struct msg_sleep m = {.sid = c->sid, .front = c->front,
		.left_ms = IMAP_TIMEOUT_MS - silent_ms};
	struct buf state;

	buf_init(&state, IMAP_SLEEP_BYTES);
	imap_session_sleep(c->engine, &state);
	must(!state.overflow);
	m.state = buf_span(&state);
	LOG(EV_IMAP_ASLEEP, LOG_SID(c->sid));
	channel_send(c->account->accounts, sleep, SLEEP, 0, &m, c->wire.fd);
	buf_clear(&state);
	c->wire.fd = -1;
	drop(c);
}

void account_imap_sleep(struct account *a)
{
	LIST_FOR_EACH(it, &a->imap_sessions)
		lay_down(LIST_OF(struct imap_connection, link, it));
}

/* Its client hears why, as far as it concerns it. */
static void refuse(const struct msg_woken *m, int fd, const struct err *e)
{
	const char *text = e->code == NOT_FOUND
		? "* BYE the mailbox that was selected is gone\r\n"
		: "* BYE [UNAVAILABLE] try again later\r\n";

	LOG(EV_IMAP_LOST, LOG_SID(m->sid), LOG_STR("why", e->text));
	(void)send(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

void account_imap_wake(struct account *a, const struct msg_woken *m, int fd)
{
	const struct imap_session_config config = config_of(a, SPAN_EMPTY);
	int64_t left_ms = m->left_ms;
	struct imap_session *engine;
	struct imap_connection *c;
	struct err e = {.code = OK};

	if (imap_session_wake(&config, m->state, &engine, &e) != OK) {
		refuse(m, fd, &e);
		(void)account_is_broken(a, &e);
		return;
	}
	if (left_ms < 0 || left_ms > IMAP_TIMEOUT_MS)
		left_ms = IMAP_TIMEOUT_MS;
	c = connect_engine(a, fd, engine, left_ms, SPAN_EMPTY);
	c->sid = m->sid;
	c->front = m->front;
	LOG(EV_IMAP_AWAKE, LOG_SID(c->sid));
	/* what happened meanwhile is told when all who slept are there */
	loop_defer(a->loop, &c->turn);
}

/* What cannot be sent at once is lost: the process ends. */
void account_imap_end_all(struct account *a, const char *why)
{
	LIST_FOR_EACH(it, &a->imap_sessions)
	{
		struct imap_connection *c =
			LIST_OF(struct imap_connection, link, it);
		bool any;

		imap_session_end(c->engine, why);
		(void)(account_wire_flush(&c->wire) && drain_effects(c, &any));
		end(c, why);
	}
}
