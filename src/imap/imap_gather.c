/*
 * imap_gather.c - APPENDs that a client sent ahead wait here for one commit.
 *
 * What a commit costs is its fsync, whether it holds one message or a hundred.
 * So a complete APPEND is not stored at once: it waits while more input is at
 * hand, with no transaction open.  The end of that input, any command that is no
 * APPEND, or a bound, stores all of them (imap_session.c decides it); then come
 * the tagged answers, in the order of the commands.  So OK means durable, and
 * nothing waits when a turn of the loop is over.
 *
 * One that was refused in between has its answer kept in its place.
 */
#include "base/mem.h"
#include "imap/imap_append.h"

#include "base/banned.h"

/* As a batch of deliveries: role/account_int.h. */
#define COMMANDS_MAX 128
#define BYTES_MAX    (8u << 20)

static uint64_t weight(const struct imap_append *a)
{
	return a->bytes + a->arena.used_bytes;
}

static void put(struct imap_session *s, struct imap_append *a)
{
	struct imap_gather *g = &s->gather;

	a->next = NULL;
	if (g->count == 0)
		g->first = a;
	else
		g->last->next = a;
	g->last = a;
	g->count++;
	g->bytes += weight(a);
}

void imap_gather_put(struct imap_session *s)
{
	put(s, s->append);
	s->append = NULL;
}

void imap_gather_say(struct imap_session *s)
{
	struct imap_append *a = imap_append_new(s);

	a->answer = arena_dup(&a->arena, buf_span(&s->final));
	buf_reset(&s->final);
	put(s, a);
}

bool imap_gather_has_room(const struct imap_session *s, uint64_t bytes)
{
	const struct imap_gather *g = &s->gather;
	uint64_t coming = s->append == NULL ? 0 : weight(s->append);

	return g->count < COMMANDS_MAX && g->bytes + coming < BYTES_MAX &&
		bytes < BYTES_MAX - g->bytes - coming;
}

void imap_gather_clear(struct imap_session *s)
{
	while (s->gather.first != NULL) {
		struct imap_append *a = s->gather.first;

		s->gather.first = a->next;
		imap_append_free(a);
	}
	s->gather = (struct imap_gather){0};
}

/* ---- the commit ------------------------------------------------------------------ */
/* Those that were not refused; the caller frees it. */
static struct store_appending *list(const struct imap_gather *g,
	size_t *out_count)
{
	struct store_appending *c = mem_new(g->count, sizeof(*c));
	size_t n = 0;

	for (const struct imap_append *a = g->first; a != NULL; a = a->next) {
		if (a->answer.n > 0)
			continue;
		c[n].mailbox = a->mailbox;
		c[n].items = a->items;
		c[n++].count = a->count;
	}
	*out_count = n;
	return c;
}

/* Puts its answer into s->final. */
static void answer(struct imap_session *s, const struct imap_append *a,
	enum code code, const struct store_appending *c)
{
	buf_reset(&s->tag);
	buf_put(&s->tag, a->tag);
	if (code == OK) {
		s->counts.appended += a->count;
		imap_begin_final(s, "OK");
		imap_append_put_uids(s, a, c->first_uid, &s->final);
		buf_puts(&s->final, "appended");
	} else if (code == NOT_FOUND) {
		imap_no(s, "[TRYCREATE] the mailbox is gone");
	} else {
		imap_no_code(s, code, &c->err);
	}
}

static void answer_all(struct imap_session *s, enum code code,
	const struct store_appending *c)
{
	struct buf all;

	buf_init(&all, IMAP_OUT_MAX / 4);
	for (const struct imap_append *a = s->gather.first; a != NULL;
		a = a->next) {
		if (a != s->gather.first)
			buf_puts(&all, "\r\n");
		if (a->answer.n > 0) {
			buf_put(&all, a->answer);
			continue;
		}
		answer(s, a, code == OK ? c->code : code, c);
		buf_put(&all, buf_span(&s->final));
		c++;
	}
	must(!all.overflow);
	buf_clear(&s->final);
	s->final = all;
}

void imap_gather_settle(struct imap_session *s)
{
	size_t count;
	struct store_appending *c = list(&s->gather, &count);
	struct err e;
	enum code code = store_append_many(s->store, c, count, s->now_ms, &e);

	for (size_t i = 0; code != OK && i < count; i++)
		c[i].err = e;
	answer_all(s, code, c);
	mem_free(c);
	imap_gather_clear(s);
	buf_reset(&s->tag);
	if (s->append != NULL) /* it goes on */
		buf_put(&s->tag, s->append->tag);
}
