/*
 * imap_notify_say.c - what was noted, in untagged responses, and the FETCH of
 * new messages that NOTIFY, or a search with UPDATE, asks for.  RFC 5465 5, 7
 *
 * A piece of news says what is so now, not what was when it was noted: a mailbox
 * that came and went is \NonExistent.
 */
#include "imap/imap_notify.h"

#include "base/mem.h"
#include "imap/imap_context.h"
#include "imap/imap_fetch.h"
#include "imap/imap_metadata.h"
#include "imap/imap_use.h"

#include "base/banned.h"

/* ---- names ----------------------------------------------------------------------- */
/* Subscriptions outlive their mailboxes.  Trouble: it is said to be none. */
static bool is_subscribed(struct imap_session *s, struct span name)
{
	const struct span *names;
	size_t count;
	struct err e;

	if (store_subscription_list(s->store, &names, &count, &e) != OK) {
		imap_trouble(s, &e);
		return false;
	}
	for (size_t i = 0; i < count; i++)
		if (span_eq(names[i], name))
			return true;
	return false;
}

/* m: NULL: there is no such mailbox (any more). */
static void put_attributes(
	struct imap_session *s, struct span name, const struct store_mailbox *m)
{
	buf_puts(&s->out, m == NULL         ? "\\NonExistent"
			  : m->has_children ? "\\HasChildren"
					    : "\\HasNoChildren");
	if (m != NULL ? m->is_subscribed : is_subscribed(s, name))
		buf_puts(&s->out, " \\Subscribed");
	if (m != NULL && imap_use_name(m->use) != NULL) {
		buf_putc(&s->out, ' ');
		buf_puts(&s->out, imap_use_name(m->use));
	}
}

/* old: empty: it had no other name. */
static void put_list(struct imap_session *s, struct span name, struct span old)
{
	const struct store_mailbox *m = store_mailbox_find(s->store, name);

	buf_puts(&s->out, "* LIST (");
	put_attributes(s, name, m);
	buf_puts(&s->out, ") \"/\" ");
	imap_put_mailbox(s, name);
	if (old.n > 0) {
		buf_puts(&s->out, " (\"OLDNAME\" (");
		imap_put_mailbox(s, old);
		buf_puts(&s->out, "))");
	}
	buf_puts(&s->out, "\r\n");
}

/* ---- news ------------------------------------------------------------------------ */
static struct span name_of(
	const struct imap_notify *n, const struct imap_news *news)
{
	return span_head(
		span_tail(buf_span(&n->names), news->name_at), news->name_len);
}

static void say_messages(struct imap_session *s, const struct imap_news *news)
{
	const struct store_mailbox *m =
		store_mailbox_get(s->store, news->mailbox);

	if (m == NULL || (s->is_selected && s->cursor.view->mailbox == m->id))
		return;
	imap_put_status_news(s, news->events, false, m);
}

static void say_name(struct imap_session *s, const struct imap_news *news)
{
	put_list(s, name_of(s->notify, news), SPAN_EMPTY);
}

/* Of one that went away since then nobody knows the new name. */
static void say_renamed(struct imap_session *s, const struct imap_news *news)
{
	const struct store_mailbox *m =
		store_mailbox_get(s->store, news->mailbox);

	if (m == NULL)
		say_name(s, news);
	else
		put_list(s, m->name, name_of(s->notify, news));
}

/* With those of the same mailbox that follow. */
static void say_metadata(struct imap_session *s, const struct imap_news *news)
{
	struct imap_notify *n = s->notify;
	uint64_t mailbox = news->mailbox;
	const struct store_mailbox *m = store_mailbox_get(s->store, mailbox);

	if (m == NULL && mailbox != STORE_SERVER)
		return;
	buf_puts(&s->out, "* METADATA ");
	if (m == NULL)
		buf_puts(&s->out, "\"\"");
	else
		imap_put_mailbox(s, m->name);
	buf_putc(&s->out, ' ');
	imap_put_entry(&s->out, name_of(n, news));
	for (; n->said < n->news_count; n->said++) {
		news = &n->news[n->said];
		if (news->kind != IMAP_NEWS_METADATA ||
			news->mailbox != mailbox)
			break;
		buf_putc(&s->out, ' ');
		imap_put_entry(&s->out, name_of(n, news));
	}
	buf_puts(&s->out, "\r\n");
}

static void (*const say[])(
	struct imap_session *s, const struct imap_news *news) = {
	[IMAP_NEWS_MESSAGES] = say_messages,
	[IMAP_NEWS_NAME] = say_name,
	[IMAP_NEWS_RENAMED] = say_renamed,
	[IMAP_NEWS_METADATA] = say_metadata,
};

enum step imap_notify_say(struct imap_session *s)
{
	struct imap_notify *n = s->notify;

	if (n == NULL)
		return DONE;
	while (n->said < n->news_count) {
		const struct imap_news *news = &n->news[n->said++];

		say[news->kind](s, news);
		if (!imap_has_room(s))
			return MORE;
	}
	n->news_count = n->said = 0;
	buf_clear(&n->names);
	if (n->is_overflown)
		buf_puts(&s->out, "* OK [NOTIFICATIONOVERFLOW] too much "
				  "happened, nothing is told any more\r\n");
	n->is_overflown = n->is_fresh = false;
	return DONE;
}

/* ---- new messages ----------------------------------------------------------------- */
struct imap_noticing {
	struct arena arena; /* what the items hold */
	struct imap_fetch fetch;
};

void imap_notify_came(struct imap_session *s, uint32_t known)
{
	if (s->notify == NULL)
		return;
	s->notify->has_new = true;
	s->notify->fetch_from = known;
}

/* The items are read anew each time, so that a client that waits costs no more
 * than their text. */
static struct imap_fetch *begin(struct imap_session *s, struct span items)
{
	struct imap_notify *n = s->notify;
	struct imap_noticing *x = MEM_NEW(struct imap_noticing);
	struct imap_reader r;

	arena_init(&x->arena, IMAP_COMMAND_ARENA_BYTES);
	imap_reader_init(&r, arena_dup(&x->arena, items), &x->arena);
	r.is_utf8 = s->is_utf8;
	must(imap_fetch_read_list(&r, &x->fetch)); /* it was read before */
	x->fetch.is_notice = true;
	if (n->own_mailbox == s->cursor.view->mailbox) {
		x->fetch.skip_from = n->own_from;
		x->fetch.skip_end = n->own_end;
	}
	arena_init(&x->fetch.arena, STORE_META_ARENA_BYTES);
	n->noticing = x;
	return &x->fetch;
}

/* What NOTIFY wants of all that is new. */
static bool begin_new(struct imap_session *s)
{
	struct imap_notify *n = s->notify;
	bool wants = n->has_new && n->fetch.n > 0 && !n->is_fresh;
	struct imap_fetch *f;

	n->has_new = false;
	if (!wants)
		return false;
	f = begin(s, n->fetch);
	f->walk.number = n->fetch_from;
	f->walk.end = store_cursor_count(&s->cursor) + 1;
	return true;
}

/* What a search wants of those that came to it; not what NOTIFY wanted too. */
static bool begin_came(struct imap_session *s)
{
	struct store_uids uids;
	struct span items;

	while (imap_context_take_came(s, &items, &uids)) {
		if (!span_eq_fold(items, s->notify->fetch)) {
			begin(s, items)->notice_uids = uids;
			return true;
		}
		store_uids_clear(&uids);
	}
	return false;
}

enum step imap_notify_fetch(struct imap_session *s)
{
	struct imap_notify *n = s->notify;

	while (n != NULL &&
		(n->noticing != NULL || begin_new(s) || begin_came(s))) {
		enum step step = imap_fetch_go_on(s, &n->noticing->fetch);

		if (step == MORE)
			return MORE;
		imap_notify_end_fetch(s);
		if (step == BAD)
			return BAD;
	}
	return DONE;
}

void imap_notify_end_fetch(struct imap_session *s)
{
	struct imap_noticing *x = s->notify->noticing;

	if (x == NULL)
		return;
	imap_fetch_clear(&x->fetch);
	arena_clear(&x->arena);
	mem_free(x);
	s->notify->noticing = NULL;
}
