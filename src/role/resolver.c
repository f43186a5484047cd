/*
 * resolver.c - the role that asks the DNS.
 *
 * It may touch: UDP and TCP to port 53 (or to the forwarders), no file.  It
 * talks to: outbound (MX, MX_ANSWER).  libunbound does the asking, in our own
 * loop; what an answer says is read by dns/.
 *
 *	MX ─▶ question ─▶ look-up MX ─▶ look-ups A and AAAA, all at once ─▶ MX_ANSWER
 *
 * Equal questions are joined.  At most QUESTIONS_MAX are under way, others
 * wait for their turn.  A question has QUESTION_MS; what has not been answered
 * by then is a temporary failure.  libunbound may call back before
 * ub_resolve_event has returned (local data, cache): a question counts itself
 * among its look-ups while it makes them, so that it cannot end meanwhile.
 *
 * With forwarders (resolver.servers) their word is trusted; when the root
 * itself is asked, answers are checked with DNSSEC and a bogus one is a
 * temporary failure.
 *
 * Domains come as A-labels; a smarthost may be named by U-labels, and becomes
 * A-labels here (RFC 5891 5).
 */
#include <string.h>
#include <sys/random.h>
#include <sys/time.h>
#include <unbound.h>
#include <unbound-event.h>

#include "base/dict.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "codec/idn.h"
#include "dns/dns_answer.h"
#include "dns/mx.h"
#include "role/role.h"
#include "role/roles.h"

#include "base/banned.h"

#define QUESTIONS_MAX      200
#define QUESTION_MS        30000
#define HOST_ADDRESSES_MAX 16
#define ANSWER_RECORDS_MAX 200 /* of MX_ANSWER: within RECORDS_BYTES */
#define DOMAIN_BYTES       256

#define CLASS_IN       1
#define RCODE_NXDOMAIN 3
#define SEC_BOGUS      1
#define SEC_SECURE     2

/* The root's keys as IANA publishes them: KSK-2017 and KSK-2024.
 * https://data.iana.org/root-anchors/root-anchors.xml */
static const char *const root_anchors[] = {
	". IN DS 20326 8 2 "
	"E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
	". IN DS 38696 8 2 "
	"683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
};

struct resolver {
	struct role_run *run;
	struct ub_ctx *ub; /* owned */
	struct dict questions;
	struct list waiting; /* questions not begun */
	unsigned under_way;
	bool is_starting;    /* questions may end while others begin */
};

struct asker {
	struct asker *next;
	uint64_t id; /* of the MX message */
};

struct host {
	struct span name; /* within question.names, or its domain */
	uint32_t preference;
	uint8_t addresses[HOST_ADDRESSES_MAX][16];
	uint8_t address_bytes[HOST_ADDRESSES_MAX];
	size_t address_count;
};

struct question {
	struct resolver *resolver;
	struct list waiting;
	struct list lookups;
	struct timer timer;
	struct asker *askers; /* owned */
	bool is_host;
	uint8_t key[1 + DOMAIN_BYTES]; /* is_host, domain */
	struct span domain;            /* within key */
	struct dns_answer *mx;         /* owned: holds the names of hosts */
	struct host *hosts;            /* owned */
	size_t host_count;
	unsigned pending; /* look-ups, and 1 while more are being made */
	enum code result;
	bool is_null_mx;
	bool is_secure; /* so far: the names of the hosts are the domain's */
	struct err why;
};

/* One question to libunbound.  It lives until that calls back, perhaps longer
 * than the question. */
struct lookup {
	struct list link;
	struct question *question; /* NULL: nobody waits any more */
	size_t host;
	enum dns_type type;
	unsigned hops; /* aliases on the way here */
};

static void start_waiting(struct resolver *r);

/* ---- the end of a question ---------------------------------------------- */
static void put_hosts(const struct question *q, struct buf *out)
{
	size_t records = 0;

	for (size_t i = 0; i < q->host_count; i++) {
		const struct host *h = &q->hosts[i];

		/* Deliberate: IPv4 first, as more servers can be reached by
		 * it; RFC 5321 5.1 leaves it open. */
		for (unsigned bytes = 4; bytes <= 16; bytes += 12)
			for (size_t k = 0; k < h->address_count; k++)
				if (h->address_bytes[k] == bytes &&
					records++ < ANSWER_RECORDS_MAX)
					rec_put_host(out, &(struct rec_host){
						h->preference, h->name,
						span_of(h->addresses[k],
							bytes)});
	}
}

static void answer(struct question *q)
{
	struct channel *outbound =
		role_peer(q->resolver->run, ROLE_OUTBOUND);
	struct buf hosts;
	struct msg_mx_answer m = {.result = (uint8_t)q->result,
		.is_null_mx = q->is_null_mx, .is_secure = q->is_secure};

	buf_init(&hosts, 98304);
	if (q->result == OK)
		put_hosts(q, &hosts);
	m.hosts = buf_span(&hosts);
	m.why = span_str(q->result == OK ? "" : q->why.text);
	for (struct asker *a = q->askers; a != NULL && outbound != NULL;
		a = a->next)
		channel_send(outbound, mx_answer, MX_ANSWER, a->id, &m, -1);
	buf_clear(&hosts);
	if (q->result != OK)
		LOG(EV_DNS_FAILED, LOG_SPAN("domain", q->domain),
			LOG_STR("type", q->is_host ? "A" : "MX"),
			LOG_STR("why", q->why.text));
}

static void free_askers(struct question *q)
{
	while (q->askers != NULL) {
		struct asker *a = q->askers;

		q->askers = a->next;
		mem_free(a);
	}
}

static void end_question(struct question *q)
{
	struct resolver *r = q->resolver;

	answer(q);
	LIST_FOR_EACH(it, &q->lookups) {
		LIST_OF(struct lookup, link, it)->question = NULL;
		list_take(it);
	}
	(void)dict_take(&r->questions, span_of(q->key, 1 + q->domain.n));
	r->under_way--;
	timer_clear(&q->timer);
	free_askers(q);
	mem_free(q->mx);
	mem_free(q->hosts);
	mem_free(q);
	start_waiting(r);
}

static bool has_addresses(const struct question *q)
{
	for (size_t i = 0; i < q->host_count; i++)
		if (q->hosts[i].address_count > 0)
			return true;
	return false;
}

/* All look-ups are done. */
static void conclude(struct question *q)
{
	if (q->result == OK && !q->is_null_mx && !has_addresses(q)) {
		/* one failure among the addresses: they may be there */
		q->result = q->why.code == TEMP ? TEMP : NOT_FOUND;
		if (q->result == NOT_FOUND)
			err_set(&q->why, NOT_FOUND, q->mx == NULL ?
				"the domain has no mail server and no address" :
				"no mail server of the domain has an address");
	}
	end_question(q);
}

static void on_deadline(void *arg)
{
	struct question *q = arg;

	if (q->result == OK && has_addresses(q)) {
		conclude(q); /* what is known is enough to begin with */
		return;
	}
	q->result = err_set(&q->why, TEMP, "no answer from the name servers");
	end_question(q);
}

/* ---- look-ups ------------------------------------------------------------ */
static void on_answer(void *arg, int rcode, void *packet, int bytes, int sec,
	char *why_bogus, int was_ratelimited);

static void look(struct question *q, struct lookup what, struct span name)
{
	struct lookup *l = MEM_NEW(struct lookup);
	char text[DOMAIN_BYTES + 1];
	int rc;

	must(name.n < sizeof(text));
	memcpy(text, name.p, name.n);
	text[name.n] = '\0';
	*l = what;
	list_init(&l->link);
	l->question = q;
	list_put(&q->lookups, &l->link);
	q->pending++;
	rc = ub_resolve_event(q->resolver->ub, text, (int)what.type,
		CLASS_IN, l, on_answer, NULL);
	if (rc == 0)
		return;
	/* it has not called back and will not; q is held by its maker */
	list_take(&l->link);
	mem_free(l);
	q->pending--;
	if (what.type == DNS_MX)
		q->result = rc == UB_SYNTAX ? NOT_FOUND : TEMP;
	err_set(&q->why, rc == UB_SYNTAX ? NOT_FOUND : TEMP, "%s",
		ub_strerror(rc));
}

static void look_addresses(struct question *q)
{
	q->pending++;
	for (size_t i = 0; i < q->host_count; i++) {
		look(q, (struct lookup){.host = i, .type = DNS_A},
			q->hosts[i].name);
		look(q, (struct lookup){.host = i, .type = DNS_AAAA},
			q->hosts[i].name);
	}
	q->pending--;
}

static void be_host(struct question *q)
{
	q->hosts = mem_new(1, sizeof(struct host));
	q->hosts[0].name = q->domain;
	q->host_count = 1;
}

/* The hosts of the answer, in order.  RFC 5321 5.1 */
static void take_hosts(struct question *q)
{
	struct mx_host order[DNS_RECORDS_MAX];
	uint32_t random[DNS_RECORDS_MAX];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		memset(random, 0, sizeof(random));
	for (size_t i = 0; i < q->mx->count; i++) {
		order[i].preference = q->mx->records[i].preference;
		order[i].random = random[i];
		order[i].name = dns_name_span(&q->mx->records[i].name);
	}
	q->is_null_mx = mx_is_null(order, q->mx->count);
	if (q->is_null_mx)
		return;
	mx_sort(order, q->mx->count);
	q->hosts = mem_new(q->mx->count, sizeof(struct host));
	for (size_t i = 0; i < q->mx->count; i++) {
		if (order[i].name.n == 0)
			continue;
		q->hosts[q->host_count].preference = order[i].preference;
		q->hosts[q->host_count++].name = order[i].name;
	}
}

/* Reads the answer; an alias of which no more was told (local data) is asked
 * for.  BUSY: so it was. */
static enum code read_answer(struct question *q, const struct lookup *l,
	struct span packet, struct dns_answer *out)
{
	struct lookup next = {.host = l->host, .type = l->type,
		.hops = l->hops + 1};
	enum code code = dns_answer_read(packet, l->type, out, &q->why);

	if (code != OK || out->count > 0 || !out->is_alias)
		return code;
	if (out->name.is_odd || out->name.len == 0)
		return OK;
	if (next.hops > DNS_CNAMES_MAX)
		return err_set(&q->why, TEMP,
			"too many CNAMEs, or a loop of them");
	look(q, next, dns_name_span(&out->name));
	return BUSY;
}

static void take_mx(struct question *q, const struct lookup *l,
	enum code code, struct span packet)
{
	struct dns_answer *mx = MEM_NEW(struct dns_answer);

	if (code == OK)
		code = read_answer(q, l, packet, mx);
	if (code == BUSY) {
		mem_free(mx);
		return;
	}
	if (code != OK || mx->count == 0) {
		mem_free(mx);
		q->result = code == OK || code == NOT_FOUND ? code : TEMP;
		if (code == OK)
			be_host(q); /* the domain itself: RFC 5321 5.1 */
		q->is_secure = true;
	} else {
		q->mx = mx;
		take_hosts(q);
	}
	if (q->result == OK && !q->is_null_mx)
		look_addresses(q);
}

static void take_addresses(struct question *q, const struct lookup *l,
	enum code code, struct span packet)
{
	struct host *h = &q->hosts[l->host];
	struct dns_answer *a = MEM_NEW(struct dns_answer);

	if (code == OK)
		code = read_answer(q, l, packet, a);
	for (size_t i = 0; code == OK && i < a->count &&
		h->address_count < HOST_ADDRESSES_MAX; i++) {
		memcpy(h->addresses[h->address_count],
			a->records[i].address, 16);
		h->address_bytes[h->address_count++] =
			a->records[i].address_bytes;
	}
	mem_free(a);
	if (code != OK && code != NOT_FOUND && code != BUSY)
		q->why.code = TEMP; /* and its text stays */
}

static enum code judge(struct question *q, int rcode, int sec,
	const char *why_bogus)
{
	if (sec == SEC_BOGUS)
		return err_set(&q->why, TEMP, "DNSSEC: %s",
			why_bogus == NULL ? "bogus" : why_bogus);
	if (rcode == RCODE_NXDOMAIN)
		return q->why.code == TEMP ? NOT_FOUND :
			err_set(&q->why, NOT_FOUND, "no such domain");
	if (rcode != 0)
		return err_set(&q->why, TEMP,
			"the name servers failed (rcode %d)", rcode);
	return OK;
}

static void on_answer(void *arg, int rcode, void *packet, int bytes, int sec,
	char *why_bogus, int was_ratelimited)
{
	struct lookup *l = arg;
	struct question *q = l->question;
	struct span answered = rcode == 0 && bytes > 0 ?
		span_of(packet, (size_t)bytes) :
		SPAN_EMPTY;
	enum code code;

	(void)was_ratelimited;
	list_take(&l->link);
	if (q != NULL) {
		code = judge(q, rcode, sec, why_bogus);
		/* with an alias on the way, all of it */
		if (l->type == DNS_MX && sec != SEC_SECURE)
			q->is_secure = false;
		if (l->type == DNS_MX)
			take_mx(q, l, code, answered);
		else
			take_addresses(q, l, code, answered);
		if (--q->pending == 0)
			conclude(q);
	}
	mem_free(l);
}

/* ---- questions ------------------------------------------------------------ */
static void start(struct question *q)
{
	q->resolver->under_way++;
	q->is_secure = true;
	timer_arm(&q->timer, QUESTION_MS);
	q->pending++;
	if (!utf8_is_ascii(q->domain) || q->domain.n == 0) {
		q->result = err_set(&q->why, NOT_FOUND,
			"this name cannot be looked up");
	} else if (q->is_host) {
		be_host(q);
		look_addresses(q);
	} else {
		look(q, (struct lookup){.type = DNS_MX}, q->domain);
	}
	if (--q->pending == 0)
		conclude(q);
}

static void start_waiting(struct resolver *r)
{
	if (r->is_starting)
		return;
	r->is_starting = true;
	while (r->under_way < QUESTIONS_MAX && !list_is_empty(&r->waiting)) {
		struct question *q =
			LIST_OF(struct question, waiting, r->waiting.next);

		list_take(&q->waiting);
		start(q);
	}
	r->is_starting = false;
}

static struct question *add_question(struct resolver *r, struct span key)
{
	struct question *q = MEM_NEW(struct question);

	q->resolver = r;
	list_init(&q->waiting);
	list_init(&q->lookups);
	timer_init(&q->timer, r->run->loop, on_deadline, q);
	memcpy(q->key, key.p, key.n);
	q->is_host = q->key[0] != 0;
	q->domain = span_of(q->key + 1, key.n - 1);
	dict_put(&r->questions, key, q);
	return q;
}

/* is_host and the domain, in small letters and, if it can be, as A-labels;
 * one with UTF-8 in it is refused later. */
static void put_key(struct buf *out, const struct msg_mx *m)
{
	buf_putc(out, m->is_host != 0);
	if (!utf8_is_ascii(m->domain) && idn_domain_put(out, m->domain) == OK)
		return;
	for (size_t i = 0; i < m->domain.n; i++)
		buf_putc(out, ascii_lower(m->domain.p[i]));
}

static bool on_mx(void *state, struct frame *f)
{
	struct resolver *r = state;
	struct msg_mx m;
	struct buf key;
	struct question *q;
	struct asker *a;
	bool is_new;

	if (!msg_get_mx(f->body, &m) || m.domain.n >= DOMAIN_BYTES ||
		span_find(m.domain, '\0') < m.domain.n)
		return false;
	buf_init(&key, 1 + DOMAIN_BYTES);
	put_key(&key, &m);
	q = dict_get(&r->questions, buf_span(&key));
	is_new = q == NULL;
	if (is_new)
		q = add_question(r, buf_span(&key));
	buf_clear(&key);
	a = MEM_NEW(struct asker);
	a->id = f->id;
	a->next = q->askers;
	q->askers = a;
	if (is_new) {
		list_put(&r->waiting, &q->waiting);
		start_waiting(r);
	}
	return true;
}

/* Nobody waits for the answers any more; the cache will have them. */
static void peer_lost(void *state, enum role role, uint32_t instance)
{
	struct resolver *r = state;
	struct dict_walk walk = {0};
	struct question *q;

	(void)instance;
	if (role != ROLE_OUTBOUND)
		return;
	while ((q = dict_next(&r->questions, &walk, NULL)) != NULL)
		free_askers(q);
}

/* ---- open ------------------------------------------------------------------ */
static enum code set(int rc, const char *what, struct err *e)
{
	if (rc == 0)
		return OK;
	return err_set(e, SYNTAX, "resolver: %s: %s", what, ub_strerror(rc));
}

static enum code use_servers(struct resolver *r, struct err *e)
{
	const struct config *config = r->run->config;
	enum code code = set(ub_ctx_set_option(r->ub,
		"do-not-query-localhost:", "no"), "options", e);

	for (size_t i = 0; i < config->server_count && code == OK; i++) {
		char text[128];

		if (config->servers[i].n >= sizeof(text))
			return err_set(e, SYNTAX, "resolver.servers: too long");
		memcpy(text, config->servers[i].p, config->servers[i].n);
		text[config->servers[i].n] = '\0';
		code = set(ub_ctx_set_fwd(r->ub, text), text, e);
	}
	for (size_t i = 0; config->server_count == 0 && code == OK &&
		i < sizeof(root_anchors) / sizeof(*root_anchors); i++)
		code = set(ub_ctx_add_ta(r->ub, root_anchors[i]),
			"root anchor", e);
	return code;
}

/* "NAME TYPE DATA", or "ZONE. static". */
static enum code use_local(struct resolver *r, struct span line,
	struct err *e)
{
	struct span words = span_trim(line);
	struct span zone = span_cut(&words, ' ');
	char text[1024];

	if (line.n >= sizeof(text))
		return err_set(e, SYNTAX, "resolver.local: too long");
	if (span_eq_fold(span_trim(words), SPAN("static")))
		line = zone;
	memcpy(text, line.p, line.n);
	text[line.n] = '\0';
	if (line.n == zone.n)
		return set(ub_ctx_zone_add(r->ub, text, "static"), text, e);
	return set(ub_ctx_data_add(r->ub, text), text, e);
}

static void ignore(void *arg, int rcode, void *packet, int bytes, int sec,
	char *why_bogus, int was_ratelimited)
{
	(void)arg;
	(void)rcode;
	(void)packet;
	(void)bytes;
	(void)sec;
	(void)why_bogus;
	(void)was_ratelimited;
}

/* libunbound opens what it needs with the first question: one that it answers
 * itself makes it do so before confinement. */
static enum code warm_up(struct resolver *r, struct err *e)
{
	const struct config *config = r->run->config;
	enum code code = OK;

	/* with forwarders, reserved names are theirs to answer: RFC 6761 6.2
	 * means them for tests */
	if (config->server_count > 0)
		code = set(ub_ctx_zone_remove(r->ub, "test."), "test.", e);
	for (size_t i = 0; i < config->local_count && code == OK; i++)
		code = use_local(r, config->local[i], e);
	if (code != OK)
		return code;
	return set(ub_resolve_event(r->ub, "localhost.", DNS_A, CLASS_IN, NULL,
			   ignore, NULL), "start", e);
}

static enum code open_role(struct role_run *run, void **out_state,
	struct err *e)
{
	struct resolver *r = MEM_NEW(struct resolver);
	enum code code;

	r->run = run;
	dict_init(&r->questions);
	list_init(&r->waiting);
	r->ub = ub_ctx_create_event(loop_base(run->loop));
	if (r->ub == NULL)
		return err_set(e, TEMP, "resolver: libunbound does not start");
	code = use_servers(r, e);
	if (code == OK)
		code = warm_up(r, e);
	*out_state = r;
	return code;
}

static const struct frame_handler handlers[] = {
	{MSG_MX, on_mx},
	{MSG_NONE, NULL},
};

const struct role_def role_resolver = {
	.role = ROLE_RESOLVER,
	.open = open_role,
	.handlers = handlers,
	.peer_lost = peer_lost,
};
