/*
 * store_subscription.c - the names that a person wants to see.  See
 * store_mailbox.h.
 *
 * They are names, not mailboxes: a name may be subscribed to before there is a
 * mailbox, and after (RFC 9051 6.3.7).
 */
#include <stdlib.h>

#include "base/mem.h"
#include "store/store_int.h"

#include "base/banned.h"

static const char sql_load[] =
	"SELECT name FROM subscription WHERE account = $1";
static const char sql_put[] =
	"INSERT INTO subscription (account, name) VALUES ($1, $2)";
static const char sql_drop[] =
	"DELETE FROM subscription WHERE account = $1 AND name = $2";

static int cmp_names(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return store_name_cmp(*x, *y);
}

static void sort(struct store *s)
{
	qsort(s->subscriptions, s->subscription_count,
		sizeof(*s->subscriptions), cmp_names);
}

static void add(struct store *s, struct span name)
{
	if (s->subscription_count == s->subscription_room) {
		s->subscription_room = s->subscription_room == 0
			? 8
			: s->subscription_room * 2;
		s->subscriptions = mem_resize(s->subscriptions,
			s->subscription_room, sizeof(*s->subscriptions));
	}
	s->subscriptions[s->subscription_count++] = store_span_dup(name);
}

/* Where it stands; NULL: it does not. */
static struct span *find(const struct store *s, struct span name)
{
	if (s->subscription_count == 0)
		return NULL;
	return bsearch(&name, s->subscriptions, s->subscription_count,
		sizeof(*s->subscriptions), cmp_names);
}

static void drop(struct store *s, struct span *at)
{
	struct span *end = s->subscriptions + --s->subscription_count;

	mem_free((void *)(uintptr_t)at->p); /* ours */
	for (; at < end; at++)
		at[0] = at[1];
}

/* A store without any rows is subscribed to what it is born with. */
static void bear(struct store *s)
{
	for (size_t i = 0; i < s->box_count; i++)
		add(s, s->boxes[i]->m.name);
}

enum code store_subscriptions_load(struct store *s, struct err *e)
{
	struct db_stmt *q;
	enum code code = NOT_FOUND;

	if (s->has_subscriptions)
		return OK;
	if (s->is_born) {
		q = db_stmt(s->db, sql_load);
		db_bind_i64(q, 1, s->account);
		while ((code = db_step(q, e)) == OK)
			add(s, db_bytes(q, 0));
	} else {
		bear(s);
	}
	if (code != NOT_FOUND) {
		while (s->subscription_count > 0)
			drop(s, s->subscriptions + s->subscription_count - 1);
		return store_trouble(code, e);
	}
	s->has_subscriptions = true;
	if (s->subscription_count > 0)
		sort(s);
	return OK;
}

void store_subscriptions_apply(struct store *s)
{
	for (size_t i = 0; i < s->box_count; i++) {
		struct store_box *b = s->boxes[i];
		bool is_subscribed = find(s, b->m.name) != NULL;

		if (b->m.is_subscribed == is_subscribed)
			continue;
		store_box_touch(b);
		b->m.is_subscribed = is_subscribed;
	}
}

static enum code write_row(struct store *s, const char *sql, struct span name,
	struct err *e)
{
	struct db_stmt *q;
	enum code code = store_begin(s, e);

	if (code != OK)
		return code;
	q = db_stmt(s->db, sql);
	db_bind_i64(q, 1, s->account);
	db_bind_text(q, 2, name);
	return store_finish(s, store_trouble(db_run(q, e), e), e);
}

/* b: NULL: there is no such mailbox; the name is in s->name. */
static void tell(struct store *s, const struct store_box *b)
{
	const struct store_event event = {
		.mailbox = b == NULL ? 0 : b->m.id,
		.what = STORE_EVENT_SUBSCRIBED,
		.name = buf_span(&s->name),
	};

	store_tell(s, &event);
}

enum code store_subscribe(struct store *s, struct span name, bool on,
	struct err *e)
{
	struct store_box *b;
	struct span *at;
	enum code code = store_name_make(name, &s->name, e);

	must(!db_in_transaction(s->db));
	if (code == OK)
		code = store_subscriptions_load(s, e);
	if (code != OK)
		return code;
	at = find(s, buf_span(&s->name));
	if ((at != NULL) == on)
		return OK;
	if (on && s->subscription_count >= STORE_SUBSCRIPTIONS_MAX)
		return err_set(e, LIMIT, "there are too many subscriptions");
	code = write_row(s, on ? sql_put : sql_drop, buf_span(&s->name), e);
	if (code != OK)
		return code;
	if (on) {
		add(s, buf_span(&s->name));
		sort(s);
	} else {
		drop(s, at);
	}
	b = store_box_find(s, buf_span(&s->name));
	if (b != NULL)
		b->m.is_subscribed = on;
	tell(s, b);
	return OK;
}

enum code store_subscription_list(struct store *s,
	const struct span **out_names, size_t *out_count, struct err *e)
{
	enum code code = store_subscriptions_load(s, e);

	*out_names = s->subscriptions;
	*out_count = s->subscription_count;
	return code;
}
