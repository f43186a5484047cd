/*
 * outbound_connection.c - one socket with one SMTP client engine.  See
 * outbound_int.h.
 *
 *	open ─▶ CONNECTING ─connected─▶ OPEN (a job) ◀─▶ OPEN (idle) ─▶ freed
 *	          │ ▲ ▲ next address     │ │
 *	          └─┘ └─── TLS failed ───┘ └ the session breaks: freed; the job
 *	              (and plain may be)     goes back for the next address
 *
 * Only run() lets the engine act, and only run() frees a connection that has
 * come to its end; both happen on top of a call from the loop or from the work
 * of the destination, never below another run().
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "role/outbound_int.h"

#include "base/banned.h"

#define INBOX_BYTES  16384
/* What came, and a record whose beginning came before: RFC 8446 5.1 */
#define PLAIN_BYTES  (INBOX_BYTES + 2 * 16384)
#define UNSENT_BYTES (1u << 20) /* what the engine can say at once */
#define RESTARTS_MAX 3

/* Shared, as nothing is kept in them over a call. */
static uint8_t inbox[INBOX_BYTES];
static uint8_t piece[SMTP_CLIENT_PIECE_BYTES];

static void run(struct connection *c);

static struct loop *loop_of(const struct connection *c)
{
	return c->destination->outbound->run->loop;
}

/* ---- the log -------------------------------------------------------------- */
static void log_lines(struct connection *c)
{
	struct span lines = span_tail(buf_span(&c->dialogue), c->logged_bytes);

	c->logged_bytes = buf_len(&c->dialogue);
	if (!log_wants(EV_SMTP_CLIENT_LINE))
		return;
	while (lines.n > 0) {
		struct span line = span_cut(&lines, '\n');
		struct span who = span_cut(&line, ':');

		LOG(EV_SMTP_CLIENT_LINE, LOG_SID(c->sid),
			LOG_MID(c->job == NULL ? 0 : c->job->qid),
			LOG_STR("peer", c->peer),
			LOG_SPAN("dir", who),
			LOG_SPAN("line", span_trim(line)));
	}
}

static void forget_lines(struct connection *c)
{
	buf_reset(&c->dialogue);
	c->logged_bytes = 0;
}

/* ---- birth and death ------------------------------------------------------- */
static void on_ready(void *arg, unsigned ready);
static void on_timer(void *arg);

static struct connection *new_connection(struct destination *d)
{
	struct connection *c = MEM_NEW(struct connection);

	c->destination = d;
	c->fd = -1;
	c->sid = ++d->outbound->next_id;
	list_init(&c->link);
	list_init(&c->idle);
	timer_init(&c->timer, loop_of(c), on_timer, c);
	arena_init(&c->arena, SMTP_CLIENT_ARENA_BYTES);
	buf_init(&c->unsent, UNSENT_BYTES);
	buf_init(&c->dialogue, OUTBOUND_DIALOGUE_BYTES);
	list_put(&d->connections, &c->link);
	d->connection_count++;
	d->outbound->connection_count++;
	return c;
}

static void free_connection(struct connection *c)
{
	struct destination *d = c->destination;

	outbound_socket_close(c);
	list_take(&c->link);
	list_take(&c->idle);
	timer_clear(&c->timer);
	if (c->job != NULL)
		outbound_job_free(c->job);
	if (c->engine != NULL)
		smtp_client_close(c->engine);
	arena_clear(&c->arena);
	buf_clear(&c->unsent);
	buf_clear(&c->dialogue);
	mem_free(c);
	outbound_connection_ended(d);
}

/* ---- connecting -------------------------------------------------------------- */
/* This address does not serve: says so in the job's dialogue. */
static void note_failure(struct connection *c, const char *why)
{
	struct buf line;

	outbound_socket_close(c);
	c->fault = (struct fault){TEMP, 0, "4.4.1", ""};
	(void)snprintf(c->fault.text, sizeof(c->fault.text),
		"connecting to %s: %s", c->peer, why);
	buf_init(&line, 1024);
	buf_printf(&line, "X: %s\n", c->fault.text);
	outbound_job_note(c->job, buf_span(&line));
	buf_clear(&line);
}

static bool connect_to(struct connection *c)
{
	const char *trouble = outbound_socket_connect(c);

	if (trouble != NULL) {
		note_failure(c, trouble);
		return false;
	}
	c->watch = watch_new(loop_of(c), c->fd, on_ready, c);
	watch_want(c->watch, WATCH_WRITE);
	timer_arm(&c->timer, OUTBOUND_CONNECT_MS);
	return true;
}

/* Is there another address for the job, and time for it? */
static bool has_next(const struct connection *c)
{
	const struct job *j = c->job;

	return j->next_target < c->destination->target_count &&
		loop_mono_ms(loop_of(c)) < j->deadline_ms;
}

/* From the next address of the job on; false: none is left. */
static bool try_targets(struct connection *c)
{
	while (has_next(c)) {
		c->target = c->destination->targets[c->job->next_target++];
		outbound_target_text(&c->target, c->peer, sizeof(c->peer));
		c->wish = outbound_tls_wish(c->destination);
		c->tls_line[0] = '\0';
		if (connect_to(c))
			return true;
	}
	return false;
}

/* No address is left: the job fails, and so do those that wait, unless
 * another connection, or this one before, shows that the destination lives. */
static void give_up(struct connection *c)
{
	struct destination *d = c->destination;
	struct outbound *o = d->outbound;
	struct fault fault = c->fault;
	struct job *j = c->job;
	bool is_last = d->connection_count == 1 && !j->was_moved;

	c->job = NULL;
	outbound_job_fail(j, &fault);
	outbound_job_report(o, j, SPAN_EMPTY);
	if (is_last)
		outbound_destination_fail(d, &fault);
	free_connection(c);
}

/* The job is the connection's now, and tried for the first time perhaps. */
static void take_job(struct connection *c, struct job *j)
{
	list_take(&j->link);
	c->job = j;
	if (j->deadline_ms == 0)
		j->deadline_ms = loop_mono_ms(loop_of(c)) + OUTBOUND_PASS_MS;
}

void outbound_connection_open(struct destination *d)
{
	struct connection *c = new_connection(d);

	must(!list_is_empty(&d->jobs));
	take_job(c, LIST_OF(struct job, link, d->jobs.next));
	c->fault = (struct fault){TEMP, 0, "4.4.1",
		"no address of the destination is left to try"};
	if (!try_targets(c))
		give_up(c);
}

static void on_connected(struct connection *c, const char *trouble)
{
	const struct smtp_client_config config = {
		.tls = c->wish,
		.hostname = c->destination->outbound->run->config->hostname,
		.dialogue = &c->dialogue,
	};

	if (trouble != NULL) {
		note_failure(c, trouble);
		if (!try_targets(c))
			give_up(c);
		return;
	}
	c->state = OPEN;
	(void)snprintf(c->job->peer, sizeof(c->job->peer), "%s", c->peer);
	c->engine = smtp_client_open(&c->arena, &config);
	smtp_client_begin(c->engine, &c->job->message);
	watch_want(c->watch, WATCH_READ);
	run(c);
}

/* ---- TLS ---------------------------------------------------------------------- */
/* No TLS with this server.  If it may be so, the message goes in plain text on
 * another connection: of this one nobody knows where it stands. */
static void fail_tls(struct connection *c, const char *why)
{
	char text[256];

	outbound_tls_note_failure(c, why);
	if (c->wish == SMTP_CLIENT_TLS_MAY) {
		c->is_falling_back = true;
		return;
	}
	(void)snprintf(text, sizeof(text), "TLS failed: %s", why);
	smtp_client_tls_failed(c->engine, span_str(text));
}

static void start_tls(struct connection *c)
{
	if (!outbound_tls_begin(c)) {
		fail_tls(c, "it cannot be begun with such a host");
		return;
	}
	timer_arm(&c->timer, OUTBOUND_HANDSHAKE_MS);
	outbound_socket_flush(c);
}

/* The server takes less than the message may hold. */
static void convert(struct connection *c)
{
	bool allows_8bit = smtp_client_takes_8bit(c->engine);
	struct job *j = c->job;
	struct span why = SPAN_EMPTY;
	uint64_t bytes = 0;
	struct buf text;
	struct err e;
	enum code code = outbound_convert_begin(j, allows_8bit, &bytes, &e);

	if (code == OK) {
		smtp_client_converted(c->engine, OK, bytes, why);
		return;
	}
	buf_init(&text, 512);
	if (code != TEMP)
		buf_puts(&text, allows_8bit ?
			"the server does not take binary content, and " :
			"the server does not take 8-bit text, and ");
	buf_puts(&text, e.text);
	why = arena_dup(&j->arena, buf_span(&text));
	buf_clear(&text);
	outbound_convert_end(j);
	smtp_client_converted(c->engine, code, 0, why);
}

static void give_converted(struct connection *c)
{
	struct job *j = c->job;
	struct span bytes;
	bool is_last;

	c->wants_piece = false;
	if (!outbound_convert_next(j, &bytes, &is_last)) {
		smtp_client_body_failed(c->engine);
		return;
	}
	smtp_client_body(c->engine, bytes, is_last);
	outbound_convert_took(j, bytes.n);
}

static void give_piece(struct connection *c)
{
	struct job *j = c->job;
	uint64_t left = j->body_bytes - j->offset;
	size_t want = left < sizeof(piece) ? (size_t)left : sizeof(piece);
	ssize_t n = want == 0 ? 0 : pread(j->fd, piece, want,
						 (off_t)j->offset);

	c->wants_piece = false;
	if (n < 0 || (n == 0 && want > 0)) {
		smtp_client_body_failed(c->engine);
		return;
	}
	j->offset += (uint64_t)n;
	smtp_client_body(c->engine, span_of(piece, (size_t)n),
		j->offset == j->body_bytes);
}

/* The session broke before the server had the message: may the job go on
 * elsewhere?  A connection that had been idle says nothing about its server. */
static bool may_move(struct connection *c)
{
	struct job *j = c->job;

	if (j->is_orphan)
		return false;
	if (c->messages > 0 && j->restarts < RESTARTS_MAX) {
		j->restarts++;
		j->next_target = 0;
		return true;
	}
	return has_next(c);
}

/* This server cannot take the message, and has not been asked to: the job
 * stays with the connection, which goes on to the next address.  Any other
 * connection may be one to this server.  RFC 6531 3.5 */
static void begin_move(struct connection *c)
{
	outbound_job_note(c->job, buf_span(&c->dialogue));
	if (smtp_client_is_free(c->engine))
		smtp_client_quit(c->engine);
	c->is_moving = true;
}

/* All recipients have an outcome, if not the last. */
static void take_outcomes(struct connection *c)
{
	struct destination *d = c->destination;
	struct job *j = c->job;

	log_lines(c);
	c->wants_piece = false;
	if (smtp_client_is_free(c->engine) && outbound_job_reopen(j, AGAIN_CROWDED)) {
		smtp_client_begin(c->engine, &j->message);
		return;
	}
	if (outbound_job_has(j, AGAIN_UNFIT) && !j->is_orphan && has_next(c)) {
		begin_move(c);
		return;
	}
	if (outbound_job_has(j, AGAIN_CUT) && may_move(c) &&
		outbound_job_reopen(j, AGAIN_CUT)) {
		outbound_job_note(j, buf_span(&c->dialogue));
		list_put(d->jobs.next, &j->link); /* before the first */
		outbound_destination_poke(d);
	} else {
		(void)snprintf(j->tls_line, sizeof(j->tls_line), "%s",
			c->tls_line);
		outbound_job_report(d->outbound, j, buf_span(&c->dialogue));
	}
	c->job = NULL;
	c->messages++;
}

static void take_effect(struct connection *c,
	const struct smtp_client_effect *e)
{
	switch (e->type) {
	case SMTP_CLIENT_SEND:
		outbound_socket_write(c, e->bytes);
		break;
	case SMTP_CLIENT_START_TLS:
		start_tls(c);
		break;
	case SMTP_CLIENT_CONVERT:
		convert(c);
		break;
	case SMTP_CLIENT_BODY:
		c->wants_piece = true;
		break;
	case SMTP_CLIENT_SETTLED:
		take_outcomes(c);
		break;
	case SMTP_CLIENT_CLOSE:
		c->is_dead = true;
		break;
	case SMTP_CLIENT_LOGIN: /* config.may_login is not set */
	default:
		unreachable();
	}
}

static void drain(struct connection *c)
{
	struct smtp_client_effect e;

	while (!c->is_dead && !c->is_falling_back) {
		if (smtp_client_next(c->engine, &e))
			take_effect(c, &e);
		else if (!c->wants_piece || outbound_socket_unsent(c) > 0)
			break;
		else if (c->job->conversion != NULL)
			give_converted(c);
		else
			give_piece(c);
	}
	log_lines(c);
}

/* ---- whose turn ------------------------------------------------------------- */
static void begin_job(struct connection *c, struct job *j)
{
	list_take(&c->idle);
	c->state = OPEN;
	take_job(c, j);
	forget_lines(c);
	buf_puts(&c->dialogue, c->tls_line);
	(void)snprintf(j->peer, sizeof(j->peer), "%s", c->peer);
	smtp_client_begin(c->engine, &j->message);
}

/* The connection is free: takes a job that waits, or rests. */
static bool take_next(struct connection *c)
{
	struct destination *d = c->destination;

	if (c->is_dead || c->job != NULL || !smtp_client_is_free(c->engine))
		return false;
	if (!list_is_empty(&d->jobs)) {
		begin_job(c, LIST_OF(struct job, link, d->jobs.next));
		return true;
	}
	if (d->outbound->is_stopping ||
		d->outbound->run->config->outbound_idle_ms == 0) {
		smtp_client_quit(c->engine);
		return true;
	}
	if (c->state != CONNECTION_IDLE) {
		c->state = CONNECTION_IDLE;
		forget_lines(c);
		list_put(&d->outbound->idle, &c->idle);
	}
	return false;
}

static void set_timer(struct connection *c)
{
	int64_t ms;

	/* a handshake has its time in all, whatever comes of it; and records
	 * that say nothing keep no connection */
	if (outbound_tls_is_shaking(c) || c->is_silent)
		return;
	ms = c->state == CONNECTION_IDLE ?
		c->destination->outbound->run->config->outbound_idle_ms :
		smtp_client_timeout_ms(c->engine);

	if (ms > 0)
		timer_arm(&c->timer, ms);
	else
		timer_disarm(&c->timer);
}

/* The connection is as before it was connected. */
static void take_back(struct connection *c)
{
	smtp_client_close(c->engine);
	arena_reset(&c->arena);
	c->engine = NULL;
	outbound_socket_close(c);
	buf_reset(&c->unsent);
	forget_lines(c);
	timer_disarm(&c->timer);
	c->state = CONNECTING;
	c->is_moving = c->is_dead = c->wants_piece = false;
	c->is_falling_back = c->is_silent = false;
	c->messages = 0;
}

/* The same address once more, in plain text.  Its engine had said nothing of
 * the job's message. */
static void fall_back(struct connection *c)
{
	outbound_job_note(c->job, buf_span(&c->dialogue));
	take_back(c);
	c->wish = SMTP_CLIENT_TLS_NEVER;
	if (!connect_to(c) && !try_targets(c))
		give_up(c);
}

/* QUIT is said, and nobody waits for its answer.  If no other address can be
 * reached, the verdict of this server was no more than its own: the job is
 * tried again later. */
static void move(struct connection *c)
{
	take_back(c);
	c->job->was_moved = true;
	(void)outbound_job_reopen(c->job, AGAIN_UNFIT);
	if (!try_targets(c))
		give_up(c);
}

static void run(struct connection *c)
{
	do
		drain(c);
	while (!c->is_moving && !c->is_falling_back && take_next(c));
	if (c->is_falling_back)
		fall_back(c);
	else if (c->is_moving)
		move(c);
	else if (c->is_dead)
		free_connection(c);
	else
		set_timer(c);
}

/* ---- from the loop ------------------------------------------------------------ */
static void feed(struct connection *c, struct span in)
{
	while (in.n > 0 && !c->is_dead && !c->is_falling_back) {
		in = span_tail(in, smtp_client_feed(c->engine, in));
		drain(c);
	}
}

/* TLS is over.  A server that took the handshake and cuts it then, for what we
 * are or lack, has refused it. */
static void lose_tls(struct connection *c)
{
	const char *why = tls_state(c->tls) == TLS_BROKEN ? tls_why(c->tls)
		: "the server ended it";

	if (smtp_client_is_opening(c->engine))
		fail_tls(c, why);
	else
		smtp_client_lost(c->engine, GONE);
}

static void read_wire(struct connection *c, struct span wire)
{
	static struct buf plain; /* what the bytes mean; empty between calls */
	bool was_shaking = outbound_tls_is_shaking(c);
	enum tls_state state;

	if (plain.max == 0)
		buf_init(&plain, PLAIN_BYTES);
	buf_reset(&plain);
	state = tls_receive(c->tls, wire, &plain);
	if (was_shaking && state == TLS_OPEN) {
		outbound_tls_note_up(c);
		smtp_client_secured(c->engine, outbound_tls_is_verified(c));
		drain(c);
	}
	outbound_socket_flush(c);
	c->is_silent = !was_shaking && buf_len(&plain) == 0;
	feed(c, buf_span(&plain));
	if (state == TLS_ENDED || state == TLS_BROKEN)
		lose_tls(c);
}

static void read_end(struct connection *c)
{
	if (c->tls == NULL) {
		smtp_client_lost(c->engine, GONE);
		return;
	}
	(void)tls_receive_end(c->tls);
	lose_tls(c);
}

static void read_bytes(struct connection *c)
{
	ssize_t n = recv(c->fd, inbox, sizeof(inbox), 0);
	struct span in = span_of(inbox, n > 0 ? (size_t)n : 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		read_end(c);
	else if (c->tls != NULL)
		read_wire(c, in);
	else
		feed(c, in);
}

static void on_ready(void *arg, unsigned ready)
{
	struct connection *c = arg;

	if (c->state == CONNECTING) {
		on_connected(c, outbound_socket_trouble(c));
		return;
	}
	if (ready & WATCH_WRITE && outbound_socket_unsent(c) > 0)
		outbound_socket_flush(c);
	c->is_silent = false;
	if (ready & WATCH_READ)
		read_bytes(c);
	run(c);
}

static void quit(struct connection *c)
{
	list_take(&c->idle);
	c->state = OPEN;
	smtp_client_quit(c->engine);
	run(c);
}

static void on_timer(void *arg)
{
	struct connection *c = arg;

	if (c->state == CONNECTING) {
		on_connected(c, "timed out");
		return;
	}
	if (c->state == CONNECTION_IDLE) {
		quit(c);
		return;
	}
	if (outbound_tls_is_shaking(c))
		fail_tls(c, "the handshake timed out");
	else
		smtp_client_lost(c->engine, TIMEOUT);
	run(c);
}

/* ---- for the destination --------------------------------------------------------- */
bool outbound_connection_reuse(struct destination *d, struct job *j)
{
	LIST_FOR_EACH(it, &d->connections) {
		struct connection *c = LIST_OF(struct connection, link, it);

		if (c->state != CONNECTION_IDLE)
			continue;
		begin_job(c, j);
		run(c);
		return true;
	}
	return false;
}

bool outbound_connection_retire(struct outbound *o)
{
	if (list_is_empty(&o->idle))
		return false;
	quit(LIST_OF(struct connection, idle, o->idle.next));
	return true;
}

void outbound_connections_abort(struct destination *d, bool is_orphaned)
{
	LIST_FOR_EACH(it, &d->connections) {
		struct connection *c = LIST_OF(struct connection, link, it);

		if (c->job == NULL)
			continue;
		if (c->state == OPEN && smtp_client_is_committed(c->engine))
			c->job->is_orphan |= is_orphaned;
		else
			free_connection(c);
	}
}
