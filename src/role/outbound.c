/*
 * outbound.c - the role that is the SMTP client.
 *
 * It may touch: TCP to the port of mail, no file (bodies come as descriptors).
 * It talks to: queue (SEND, SENT), resolver (MX, MX_ANSWER).  Its parts are
 * listed in outbound_int.h.
 *
 *	SEND ─▶ job ─▶ destination ─(idle connection, or: hosts known?)─▶
 *		connection ─▶ SENT
 *
 * A destination is a domain, or the smarthost for all of them.  It opens a
 * connection for each job that waits, up to connections_per_domain; a
 * connection that is done with a job takes the next one that waits, else it
 * stays open for outbound.idle_timeout.
 *
 * When queue is lost, what has been handed over to a server as a whole is
 * brought to its end without telling anybody; the rest is dropped, as queue
 * will send it again.  When we stop queue is still told what became of it, or
 * the server would get it twice.  When the resolver is lost, what it was asked fails for
 * now.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "role/outbound_int.h"
#include "role/roles.h"

#include "base/banned.h"

/* How long what is in flight may take when we stop. */
#define STOP_MS 5000
/* Targets of a destination: TARGETS_MAX of them with their names. */
#define TARGET_ARENA_BYTES (1u << 20)
#define NAME_ARENA_BYTES   4096
#define DOMAIN_BYTES       256

static void work(void *arg);

/* ---- destinations ------------------------------------------------------------ */
static struct destination *new_destination(struct outbound *o,
	struct span name)
{
	struct destination *d = MEM_NEW(struct destination);

	d->outbound = o;
	arena_init(&d->arena, NAME_ARENA_BYTES);
	arena_init(&d->target_arena, TARGET_ARENA_BYTES);
	d->name = arena_dup(&d->arena, name);
	list_init(&d->jobs);
	list_init(&d->connections);
	list_init(&d->starved);
	deferred_init(&d->work, work, d);
	dict_put(&o->destinations, d->name, d);
	return d;
}

static void free_destination(struct destination *d)
{
	(void)dict_take(&d->outbound->destinations, d->name);
	list_take(&d->starved);
	deferred_cancel(&d->work);
	arena_clear(&d->target_arena);
	arena_clear(&d->arena);
	mem_free(d);
}

void outbound_destination_poke(struct destination *d)
{
	loop_defer(d->outbound->run->loop, &d->work);
}

static void stop_if_done(struct outbound *o)
{
	if (o->is_stopping && o->connection_count == 0)
		loop_stop(o->run->loop);
}

void outbound_connection_ended(struct destination *d)
{
	struct outbound *o = d->outbound;

	d->connection_count--;
	o->connection_count--;
	outbound_destination_poke(d);
	if (!list_is_empty(&o->starved))
		outbound_destination_poke(LIST_OF(struct destination, starved,
			o->starved.next));
	stop_if_done(o);
}

void outbound_destination_fail(struct destination *d, const struct fault *f)
{
	while (!list_is_empty(&d->jobs)) {
		struct job *j = LIST_OF(struct job, link, d->jobs.next);

		list_take(&j->link);
		outbound_job_fail(j, f);
		outbound_job_report(d->outbound, j, SPAN_EMPTY);
	}
}

static void drop_jobs(struct destination *d)
{
	while (!list_is_empty(&d->jobs))
		outbound_job_free(LIST_OF(struct job, link, d->jobs.next));
}

/* ---- where the destination is -------------------------------------------------- */
static void fail_for_resolver(struct destination *d)
{
	struct fault f = {TEMP, 0, "4.4.3", "the resolver is not there"};

	d->state = DESTINATION_NEW;
	outbound_destination_fail(d, &f);
}

static void become_known(struct destination *d)
{
	d->state = DESTINATION_KNOWN;
	d->known_until_ms =
		loop_mono_ms(d->outbound->run->loop) + OUTBOUND_KNOWN_MS;
}

static void ask(struct destination *d)
{
	struct outbound *o = d->outbound;
	struct channel *resolver = role_peer(o->run, ROLE_RESOLVER);
	struct msg_mx m = {.is_host = o->run->config->smarthost.n > 0};

	if (resolver == NULL) {
		fail_for_resolver(d);
		return;
	}
	m.domain = outbound_host_to_ask(d);
	d->state = DESTINATION_ASKING;
	d->ask_id = ++o->next_id;
	map_put(&o->asked, d->ask_id, d);
	channel_send(resolver, mx, MX, d->ask_id, &m, -1);
}

/* True: the targets are known now; false: they were asked for, or the jobs
 * have failed. */
static bool find_targets(struct destination *d)
{
	struct fault f;

	if (d->state == DESTINATION_ASKING)
		return false;
	if (d->state == DESTINATION_KNOWN &&
		loop_mono_ms(d->outbound->run->loop) < d->known_until_ms)
		return true;
	if (!outbound_take_literal(d, &f)) {
		ask(d);
		return false;
	}
	if (f.result != OK) {
		outbound_destination_fail(d, &f);
		return false;
	}
	become_known(d);
	return true;
}

static bool on_mx_answer(void *state, struct frame *f)
{
	struct outbound *o = state;
	struct msg_mx_answer m;
	struct destination *d;
	struct fault fault;

	if (!msg_get_mx_answer(f->body, &m))
		return false;
	d = map_take(&o->asked, f->id);
	if (d == NULL)
		return true;
	d->state = DESTINATION_NEW;
	if (outbound_take_hosts(d, &m, &fault))
		become_known(d);
	else
		outbound_destination_fail(d, &fault);
	outbound_destination_poke(d);
	return true;
}

/* ---- work ------------------------------------------------------------------------ */
/* Connects for the first job; false: no connection may be opened now. */
static bool connect_one(struct destination *d)
{
	struct outbound *o = d->outbound;

	if (d->connection_count >= o->run->config->outbound_per_domain)
		return false;
	if (o->connection_count >= OUTBOUND_CONNECTIONS_MAX) {
		list_take(&d->starved);
		list_put(&o->starved, &d->starved);
		(void)outbound_connection_retire(o);
		return false;
	}
	list_take(&d->starved);
	outbound_connection_open(d);
	return true;
}

static void work(void *arg)
{
	struct destination *d = arg;

	while (!list_is_empty(&d->jobs)) {
		struct job *first = LIST_OF(struct job, link, d->jobs.next);

		if (outbound_connection_reuse(d, first))
			continue;
		if (!find_targets(d) || !connect_one(d))
			break;
	}
	if (list_is_empty(&d->jobs))
		list_take(&d->starved);
	if (list_is_empty(&d->jobs) && d->connection_count == 0 &&
		d->state != DESTINATION_ASKING)
		free_destination(d);
}

/* One key for all when there is a smarthost. */
static struct destination *find_destination(struct outbound *o,
	struct span domain)
{
	uint8_t name[DOMAIN_BYTES] = {0};
	struct destination *d;
	struct span key = span_of(name, domain.n);

	must(domain.n <= sizeof(name));
	for (size_t i = 0; i < domain.n; i++)
		name[i] = ascii_lower(domain.p[i]);
	if (o->run->config->smarthost.n > 0)
		key = o->run->config->smarthost;
	d = dict_get(&o->destinations, key);
	return d != NULL ? d : new_destination(o, key);
}

/* Of a body that is in a file, the descriptor of which could not be taken. */
static const struct fault no_descriptors = {.result = TEMP, .enhanced = "4.3.2",
	.text = "this server has too many files open"};

static bool on_send(void *state, struct frame *f)
{
	struct outbound *o = state;
	struct msg_send m;
	struct job *j = outbound_job_new(f, &m);
	struct destination *d;

	if (j == NULL)
		return false;
	if (o->is_stopping) {
		outbound_job_free(j);
		return true;
	}
	if (f->is_fd_lost) {
		outbound_job_fail(j, &no_descriptors);
		outbound_job_report(o, j, SPAN_EMPTY);
		return true;
	}
	d = find_destination(o, m.domain);
	list_put(&d->jobs, &j->link);
	outbound_destination_poke(d);
	return true;
}

/* ---- the role ------------------------------------------------------------------------ */
static enum code open_role(struct role_run *run, void **out_state,
	struct err *e)
{
	struct outbound *o = MEM_NEW(struct outbound);

	o->run = run;
	if (outbound_tls_open(o, e) != OK) {
		mem_free(o);
		return e->code;
	}
	dict_init(&o->destinations);
	map_init(&o->asked);
	list_init(&o->idle);
	list_init(&o->starved);
	*out_state = o;
	return OK;
}

static void abort_all(struct outbound *o, bool is_orphaned)
{
	struct dict_walk walk = {0};
	struct destination *d;

	while ((d = dict_next(&o->destinations, &walk, NULL)) != NULL) {
		drop_jobs(d);
		outbound_connections_abort(d, is_orphaned);
		outbound_destination_poke(d);
	}
}

static void resolver_lost(struct outbound *o)
{
	struct destination *d;
	size_t at = 0;

	while ((d = map_next(&o->asked, &at)) != NULL) {
		fail_for_resolver(d);
		outbound_destination_poke(d);
	}
	map_clear(&o->asked);
}

static void peer_lost(void *state, enum role role, uint32_t instance)
{
	(void)instance;
	if (role == ROLE_QUEUE)
		abort_all(state, true);
	else if (role == ROLE_RESOLVER)
		resolver_lost(state);
}

static void on_stop_timer(void *arg)
{
	struct outbound *o = arg;

	loop_stop(o->run->loop);
}

static void stop(void *state)
{
	struct outbound *o = state;

	o->is_stopping = true;
	timer_init(&o->stop_timer, o->run->loop, on_stop_timer, o);
	timer_arm(&o->stop_timer, STOP_MS);
	abort_all(o, false);
	while (outbound_connection_retire(o))
		;
	stop_if_done(o);
}

static const struct frame_handler handlers[] = {
	{MSG_SEND, on_send},
	{MSG_MX_ANSWER, on_mx_answer},
	{MSG_NONE, NULL},
};

const struct role_def role_outbound = {
	.role = ROLE_OUTBOUND,
	.open = open_role,
	.handlers = handlers,
	.peer_lost = peer_lost,
	.stop = stop,
};
