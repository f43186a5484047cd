/*
 * imap_notify.c - who wants to hear what, and what waits to be said.  See
 * imap_notify.h.
 *
 *	store event -> wanted? -> news, each once -> imap_notify_say.c
 *
 * What the client did itself is not noted: RFC 5465 5.
 */
#include "imap/imap_notify.h"

#include "base/mem.h"
#include "imap/imap_metadata.h"

#include "base/banned.h"

/* ---- state ----------------------------------------------------------------------- */
struct imap_notify *imap_notify_of(struct imap_session *s)
{
	if (s->notify == NULL) {
		s->notify = MEM_NEW(struct imap_notify);
		arena_init(&s->notify->arena, IMAP_NOTIFY_ARENA_BYTES);
		buf_init(&s->notify->names, IMAP_NEWS_NAME_BYTES);
	}
	return s->notify;
}

static void drop_news(struct imap_notify *n)
{
	n->news_count = n->said = 0;
	buf_clear(&n->names);
}

void imap_notify_forget(struct imap_notify *n)
{
	n->groups = NULL;
	n->group_count = 0;
	n->selected = 0;
	n->is_delayed = false;
	n->fetch = SPAN_EMPTY;
	arena_clear(&n->arena);
	drop_news(n);
}

void imap_notify_free(struct imap_session *s)
{
	struct imap_notify *n = s->notify;

	if (n == NULL)
		return;
	imap_notify_end_fetch(s);
	arena_clear(&n->arena);
	buf_clear(&n->names);
	mem_free(n->news);
	mem_free(n);
	s->notify = NULL;
}

void imap_notify_enable_metadata(struct imap_session *s)
{
	imap_notify_of(s)->tells_metadata = true;
}

/* ---- what is wanted --------------------------------------------------------------- */
unsigned imap_notify_events(
	const struct imap_notify *n, struct span name, bool is_subscribed)
{
	const struct imap_filtered m = {
		.name = name,
		.is_subscribed = is_subscribed,
	};
	unsigned events = 0;

	for (size_t i = 0; i < n->group_count; i++)
		if (imap_filter_matches(&n->groups[i].filter, &m))
			events |= n->groups[i].events;
	return events;
}

static bool is_selected(const struct imap_session *s, uint64_t mailbox)
{
	return s->is_selected && s->cursor.view->mailbox == mailbox;
}

/* The answer to NOTIFY SET itself is that of a NOOP: RFC 5465 3.1.  What the
 * client expunges itself it is told in any case: its numbers change. */
bool imap_notify_wants(const struct imap_session *s, unsigned event)
{
	const struct imap_notify *n = s->notify;

	if (n == NULL || !n->is_set || n->is_fresh)
		return true;
	if (event == IMAP_NOTIFY_EXPUNGE && s->phase == IMAP_TELLING &&
		(s->call.verb == IMAP_EXPUNGE || s->call.verb == IMAP_MOVE ||
			s->call.verb == IMAP_REPLACE))
		return true;
	return n->selected & event;
}

bool imap_notify_has_news(const struct imap_session *s)
{
	const struct imap_notify *n = s->notify;

	return n != NULL && (n->news_count > 0 || n->is_overflown);
}

bool imap_notify_is_due(const struct imap_session *s)
{
	const struct imap_notify *n = s->notify;

	if (n == NULL || !(n->is_set || n->is_overflown))
		return false;
	return imap_notify_has_news(s) ||
	       (s->has_news && s->is_selected && n->selected != 0);
}

bool imap_notify_may_expunge(const struct imap_session *s)
{
	return s->notify != NULL && !s->notify->is_delayed;
}

/* ---- noting ------------------------------------------------------------------------ */
static struct span name_of(
	const struct imap_notify *n, const struct imap_news *news)
{
	return span_head(
		span_tail(buf_span(&n->names), news->name_at), news->name_len);
}

static bool is_same(const struct imap_notify *n, const struct imap_news *a,
	const struct imap_news *b, struct span name)
{
	if (a->kind != b->kind || a->mailbox != b->mailbox)
		return false;
	/* what has two new names has the older of its old ones */
	return a->kind == IMAP_NEWS_MESSAGES || a->kind == IMAP_NEWS_RENAMED ||
	       span_eq(name_of(n, a), name);
}

static void overflow(struct imap_notify *n)
{
	imap_notify_forget(n);
	n->tells_metadata = false;
	n->is_overflown = true;
}

static void note(struct imap_notify *n, struct imap_news news, struct span name)
{
	for (size_t i = n->said; i < n->news_count; i++)
		if (is_same(n, &n->news[i], &news, name)) {
			n->news[i].events |= news.events;
			return;
		}
	if (n->news_count == IMAP_NEWS_MAX ||
		name.n > IMAP_NEWS_NAME_BYTES - buf_len(&n->names)) {
		overflow(n);
		return;
	}
	if (n->news_count == n->news_room) {
		n->news_room = n->news_room == 0 ? 8 : n->news_room * 2;
		n->news = mem_resize(n->news, n->news_room, sizeof(*n->news));
	}
	news.name_at = buf_len(&n->names);
	news.name_len = name.n;
	buf_put(&n->names, name);
	n->news[n->news_count++] = news;
}

/* ---- hearing ------------------------------------------------------------------------ */
static void hear_messages(struct imap_session *s, const struct store_event *e)
{
	const struct store_mailbox *m = store_mailbox_get(s->store, e->mailbox);
	unsigned events = 0;

	if (m == NULL || is_selected(s, m->id))
		return;
	if (e->what & STORE_EVENT_NEW)
		events |= IMAP_NOTIFY_NEW;
	if (e->what & STORE_EVENT_EXPUNGED)
		events |= IMAP_NOTIFY_EXPUNGE;
	if (e->what & STORE_EVENT_FLAGS)
		events |= IMAP_NOTIFY_FLAGS;
	events &= imap_notify_events(s->notify, m->name, m->is_subscribed);
	if (events != 0)
		note(s->notify,
			(struct imap_news){.kind = IMAP_NEWS_MESSAGES,
				.events = events,
				.mailbox = m->id},
			SPAN_EMPTY);
}

static void hear_name(struct imap_session *s, struct span name,
	bool is_subscribed, unsigned event)
{
	struct imap_notify *n = s->notify;

	if (imap_notify_events(n, name, is_subscribed) & event)
		note(n, (struct imap_news){.kind = IMAP_NEWS_NAME}, name);
}

/* One that came or went, and the one above it: RFC 5465 5.4. */
static void hear_made(
	struct imap_session *s, struct span name, bool is_subscribed)
{
	size_t parent = span_find_last(name, '/');
	const struct store_mailbox *m;

	hear_name(s, name, is_subscribed, IMAP_NOTIFY_NAME);
	if (parent == name.n)
		return;
	m = store_mailbox_find(s->store, span_head(name, parent));
	if (m != NULL)
		hear_name(s, m->name, m->is_subscribed, IMAP_NOTIFY_NAME);
}

static void hear_entry(
	struct imap_session *s, uint64_t mailbox, struct span entry)
{
	struct imap_notify *n = s->notify;
	const struct store_mailbox *m = store_mailbox_get(s->store, mailbox);
	unsigned wanted = n->tells_metadata ? IMAP_NOTIFY_METADATA : 0;

	for (size_t i = 0; mailbox == 0 && i < n->group_count; i++)
		wanted |= n->groups[i].events & IMAP_NOTIFY_SERVER;
	if (m != NULL)
		wanted |= imap_notify_events(n, m->name, m->is_subscribed) &
			  IMAP_NOTIFY_METADATA;
	if (wanted != 0)
		note(n,
			(struct imap_news){
				.kind = IMAP_NEWS_METADATA, .mailbox = mailbox},
			entry);
}

/* No event of its own for those below it: RFC 5465 5.4. */
static void hear_renamed(struct imap_session *s, const struct store_event *e)
{
	const struct store_mailbox *m = store_mailbox_get(s->store, e->mailbox);
	unsigned events;

	if (m == NULL || e->what & STORE_EVENT_ALONG)
		return;
	if (e->name.n == 0) {
		hear_entry(s, e->mailbox, IMAP_ENTRY_USE);
		return;
	}
	events = imap_notify_events(s->notify, m->name, m->is_subscribed) |
		 imap_notify_events(s->notify, e->name, m->is_subscribed);
	if (events & IMAP_NOTIFY_NAME)
		note(s->notify,
			(struct imap_news){
				.kind = IMAP_NEWS_RENAMED, .mailbox = m->id},
			e->name);
}

static void hear_names(struct imap_session *s, const struct store_event *e)
{
	const struct store_mailbox *m = store_mailbox_get(s->store, e->mailbox);

	if (e->what & STORE_EVENT_CREATED && m != NULL)
		hear_made(s, m->name, m->is_subscribed);
	if (e->what & STORE_EVENT_RENAMED)
		hear_renamed(s, e);
	if (e->what & STORE_EVENT_DELETED)
		hear_made(s, e->name, e->was_subscribed);
	if (e->what & STORE_EVENT_SUBSCRIBED)
		hear_name(s, e->name, true, IMAP_NOTIFY_SUBSCRIPTION);
}

/* Messages came to the mailbox that is selected: whose are they? */
static void hear_own(struct imap_session *s)
{
	struct imap_notify *n = s->notify;
	const struct store_view *v = s->cursor.view;

	if (n->own_mailbox != v->mailbox) {
		n->own_mailbox = v->mailbox;
		n->own_known = s->cursor.uid_limit;
		n->own_from = n->own_end = 0;
	}
	if (s->is_acting) {
		if (n->own_end != n->own_known)
			n->own_from = n->own_known;
		n->own_end = v->uidnext;
	}
	n->own_known = v->uidnext;
}

void imap_notify_hear(struct imap_session *s, const struct store_event *e)
{
	if (e->what & STORE_EVENT_NEW && is_selected(s, e->mailbox))
		hear_own(s);
	if (s->is_acting || s->notify->is_overflown)
		return;
	if (e->what &
		(STORE_EVENT_NEW | STORE_EVENT_EXPUNGED | STORE_EVENT_FLAGS))
		hear_messages(s, e);
	hear_names(s, e);
	if (e->what & STORE_EVENT_ANNOTATED)
		hear_entry(s, e->mailbox, e->name);
}
