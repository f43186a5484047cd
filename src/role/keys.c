/*
 * keys.c - the role that keeps the private keys, and signs with them.
 *
 * It may touch: at the start data_dir/keys, where the pair is that it made for
 * a server without tls.certificate; then no file but those that master opens
 * for it and hands over (TLS_FILE), and no network.  It tells the fronts the
 * certificates (IDENTITY) and what tickets are sealed with (TICKET_KEYS), and
 * answers SIGN.  Whoever breaks into a front can have things signed for as
 * long as he is there, and takes no key with him.
 *
 *	TLS_FILE… ─▶ coming ──whole and right──▶ live ─▶ IDENTITY…
 *
 * A set that is not right is logged, and the live one stays.  The one before
 * live still signs: a handshake may have begun with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "crypto/secret.h"
#include "role/keys_set.h"
#include "role/role.h"
#include "role/roles.h"
#include "tls/tls_context.h"

#include "base/banned.h"

#define PATH_BYTES 4096
/* A ticket can be opened for two to three times this long; RFC 8446 4.6.1
 * allows a week. */
#define TICKET_MS  (12 * 3600 * 1000LL)
/* Who renews by himself does so before; who does not, hears of it twice a day. */
#define SOON_MS    (7 * 86400 * 1000LL)

struct keys {
	struct role_run *run;
	struct keys_set live, coming;
	struct keys_set last; /* before live: fronts hear of a new set later */
	uint32_t set;         /* number of live; last is the one before */
	struct tls_ticket_key tickets[TLS_TICKET_KEYS]; /* the newest first */
	struct timer next_ticket;
	struct err why_none; /* of a set that came before begin */
	bool has_begun;
};

/* ---- dates ---------------------------------------------------------------- */
static void note_dates(const struct keys *k, uint32_t i)
{
	int64_t now_ms = loop_wall_ms(k->run->loop);
	int64_t since_ms, until_ms;
	const char *why = NULL;
	struct buf until;

	if (!tls_certificate_times(buf_span(&k->live.pairs[i].chain),
		    &since_ms, &until_ms))
		return;
	if (now_ms < since_ms)
		why = "not valid yet";
	else if (now_ms >= until_ms)
		why = "expired";
	else if (until_ms - now_ms < SOON_MS)
		why = "ends soon";
	if (why == NULL)
		return;
	buf_init(&until, 40);
	time_put_rfc3339(&until, until_ms);
	LOG(EV_KEYS_DATES, LOG_NUM("certificate", i + 1), LOG_STR("why", why),
		LOG_SPAN("until", buf_span(&until)));
	buf_clear(&until);
}

static void note_all_dates(const struct keys *k)
{
	for (uint32_t i = 0; i < k->live.count; i++)
		note_dates(k, i);
}

/* ---- telling the fronts ---------------------------------------------------- */
static void tell_identities(const struct keys *k, struct channel *front)
{
	for (uint32_t i = 0; i < k->live.count; i++) {
		struct msg_identity m = {.set = k->set, .key = i,
			.count = k->live.count,
			.chain = buf_span(&k->live.pairs[i].chain)};

		channel_send(front, identity, IDENTITY, 0, &m, -1);
	}
}

static void tell_tickets(const struct keys *k, struct channel *front)
{
	struct msg_ticket_keys m = {
		.keys = span_of(k->tickets, sizeof(k->tickets))};

	channel_send(front, ticket_keys, TICKET_KEYS, 0, &m, -1);
}

static void tell_all(struct keys *k,
	void (*tell)(const struct keys *k, struct channel *front))
{
	for (uint32_t i = 0; i < ROLE_INSTANCES_MAX; i++)
		if (k->run->peers[ROLE_FRONT][i] != NULL)
			tell(k, k->run->peers[ROLE_FRONT][i]);
}

static void on_next_ticket(void *arg)
{
	struct keys *k = arg;

	memmove(k->tickets + 1, k->tickets,
		sizeof(k->tickets) - sizeof(k->tickets[0]));
	secret_random(&k->tickets[0], sizeof(k->tickets[0]));
	tell_all(k, tell_tickets);
	timer_arm(&k->next_ticket, TICKET_MS);
	note_all_dates(k);
}

/* ---- files of the configuration -------------------------------------------- */
/* At the start nothing is served with a wrong configuration; later the live
 * set goes on. */
static void refuse(struct keys *k, const struct err *e)
{
	if (!k->has_begun)
		k->why_none = *e;
	else
		LOG(EV_KEYS_REFUSED, LOG_STR("why", e->text));
	keys_set_clear(&k->coming);
}

static void go_live(struct keys *k)
{
	keys_set_clear(&k->last);
	k->last = k->live;
	k->set++;
	k->live = k->coming;
	k->coming = (struct keys_set){0};
	LOG(EV_KEYS_LOADED, LOG_NUM("count", k->live.count));
	note_all_dates(k);
	tell_all(k, tell_identities);
}

static void take_file(void *state, const struct msg_tls_file *m, int fd)
{
	struct keys *k = state;
	struct err e = {.code = OK};
	enum code code = OK;
	bool is_whole;

	/* the first file of a set is its certificate 0 */
	if (m->pair == 0 && !m->is_key && m->count <= CONFIG_PAIRS_MAX) {
		keys_set_clear(&k->coming);
		keys_set_init(&k->coming, m->count);
	}
	if (k->coming.count > 0)
		code = keys_set_read(&k->coming, m->pair, m->is_key != 0, fd,
			&e);
	close(fd);
	is_whole = code == OK && keys_set_is_whole(&k->coming);
	if (is_whole)
		code = keys_set_finish(&k->coming, &e);
	if (code != OK)
		refuse(k, &e);
	else if (is_whole)
		go_live(k);
}

/* ---- the pair of a server that was given none ------------------------------- */
/* Durable, and whole or not there. */
static enum code write_file(const char *path, struct span bytes, struct err *e)
{
	char new_path[PATH_BYTES + 8];
	int fd;
	bool is_written;

	(void)snprintf(new_path, sizeof(new_path), "%s.new", path);
	(void)unlink(new_path);
	fd = open(new_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(e, TEMP, "making %s", new_path);
	is_written = write(fd, bytes.p, bytes.n) == (ssize_t)bytes.n &&
		fsync(fd) == 0 && rename(new_path, path) == 0;
	close(fd);
	return is_written ? OK : err_errno(e, TEMP, "writing %s", path);
}

static enum code make_pair(struct keys *k, const char *key_path,
	const char *chain_path, struct err *e)
{
	struct span hostname = k->run->config->hostname;
	/* mx.example.org serves people who know it as example.org, too */
	const struct span names[] = {hostname,
		span_tail(hostname, span_find(hostname, '.') + 1)};
	size_t count = span_find(names[1], '.') < names[1].n ? 2 : 1;
	struct keys_pair *p = &k->live.pairs[0];
	enum code code = tls_make_self_signed(names, count,
		loop_wall_ms(k->run->loop) / 1000, &p->pem, &p->chain, e);

	if (code == OK)
		code = write_file(chain_path, buf_span(&p->chain), e);
	/* the key is last: with it the pair is whole */
	return code == OK ? write_file(key_path, buf_span(&p->pem), e) : code;
}

static enum code read_path(struct keys *k, const char *path, bool is_key,
	struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	enum code code;

	if (fd < 0)
		return err_errno(e, errno == ENOENT ? NOT_FOUND : TEMP,
			"opening %s", path);
	code = keys_set_read(&k->live, 0, is_key, fd, e);
	close(fd);
	return code;
}

static enum code load_own(struct keys *k, struct err *e)
{
	char key_path[PATH_BYTES], chain_path[PATH_BYTES];
	struct span folder = k->run->config->data_dir;
	enum code code;

	(void)snprintf(key_path, sizeof(key_path), "%.*s/keys/key.pem",
		SPAN_ARG(folder));
	(void)snprintf(chain_path, sizeof(chain_path),
		"%.*s/keys/certificate.pem", SPAN_ARG(folder));
	keys_set_init(&k->live, 1);
	code = read_path(k, key_path, true, e);
	if (code == OK)
		code = read_path(k, chain_path, false, e);
	if (code == NOT_FOUND)
		code = make_pair(k, key_path, chain_path, e);
	k->live.pairs[0].has_chain = true;
	return code == OK ? keys_set_finish(&k->live, e) : code;
}

/* ---- signing ------------------------------------------------------------------ */
static const struct keys_set *find_set(const struct keys *k, uint32_t number)
{
	if (number == k->set)
		return &k->live;
	return number == k->set - 1 ? &k->last : NULL;
}

static bool on_sign(void *state, struct frame *f)
{
	struct keys *k = state;
	struct msg_signed answer = {.result = DENIED};
	const struct keys_set *set;
	struct tls_sign what;
	struct msg_sign m;
	struct buf signature;
	struct err e;

	if (!msg_get_sign(f->body, &m))
		return false;
	what = (struct tls_sign){(enum tls_scheme)m.scheme,
		(enum tls_hash)m.hash, m.text};
	buf_init(&signature, TLS_SIGNATURE_BYTES_MAX);
	set = find_set(k, m.set);
	if (set != NULL && m.key < set->count)
		answer.result = (uint8_t)tls_key_sign(set->pairs[m.key].key,
			&what, &signature, &e);
	answer.signature = buf_span(&signature);
	channel_send(f->from, signed, SIGNED, f->id, &answer, -1);
	/* who asks stands still until it has the answer */
	channel_flush(f->from);
	buf_clear(&signature);
	return true;
}

/* ---- the role ------------------------------------------------------------------ */
static enum code open_role(struct role_run *run, void **out_state,
	struct err *e)
{
	struct keys *k = MEM_NEW(struct keys);

	k->run = run;
	(void)err_set(&k->why_none, TEMP, "the files of tls cannot be opened");
	secret_init();
	/* a front may still have a set of the process that was before */
	secret_random(&k->set, sizeof(k->set));
	timer_init(&k->next_ticket, run->loop, on_next_ticket, k);
	for (size_t i = 0; i < TLS_TICKET_KEYS; i++)
		secret_random(&k->tickets[i], sizeof(k->tickets[i]));
	*out_state = k;
	if (run->config->tls_certificate_count > 0)
		return OK; /* master hands them over */
	return load_own(k, e);
}

static void begin(void *state)
{
	struct keys *k = state;

	k->has_begun = true;
	if (k->live.count == 0)
		role_fail(&k->why_none);
	timer_arm(&k->next_ticket, TICKET_MS);
}

static void peer_up(void *state, enum role role, uint32_t instance)
{
	struct keys *k = state;
	struct channel *front = k->run->peers[role][instance];

	tell_tickets(k, front);
	tell_identities(k, front);
}

static const struct frame_handler handlers[] = {
	{MSG_SIGN, on_sign},
	{MSG_NONE, NULL},
};

const struct role_def role_keys = {
	.role = ROLE_KEYS,
	.open = open_role,
	.begin = begin,
	.handlers = handlers,
	.peer_up = peer_up,
	.tls_file = take_file,
};
