/*
 * imap_cmd_notify.c - NOTIFY.  RFC 5465 3.1, 8
 *
 *	notify = "NOTIFY" SP ("NONE" / "SET" [SP "STATUS"] 1*(SP group))
 *	group  = "(" filter SP ("NONE" / "(" event *(SP event) ")") ")"
 *
 * The examples of 3.1 have events without their parentheses: these are read
 * too.
 */
#include "imap/imap_fetch.h"
#include "imap/imap_notify.h"

#include "base/banned.h"

static const struct {
	const char *name;
	unsigned event;
} events[] = {
	{"MessageNew", IMAP_NOTIFY_NEW},
	{"MessageExpunge", IMAP_NOTIFY_EXPUNGE},
	{"FlagChange", IMAP_NOTIFY_FLAGS},
	{"MailboxName", IMAP_NOTIFY_NAME},
	{"SubscriptionChange", IMAP_NOTIFY_SUBSCRIPTION},
	{"MailboxMetadataChange", IMAP_NOTIFY_METADATA},
	{"ServerMetadataChange", IMAP_NOTIFY_SERVER},
};
#define EVENTS (sizeof(events) / sizeof(events[0]))

/* A command on its way. */
struct asking {
	struct arena arena; /* for the session, if all is well */
	bool is_none, wants_status;
	struct imap_notify_group groups[IMAP_NOTIFY_GROUPS_MAX];
	size_t count, name_count;
	bool has_selected, is_delayed;
	unsigned selected;
	struct span fetch;
	bool has_modseq;  /* in it */
	bool has_unknown; /* event */
	bool is_too_complex;
};

/* A group on its way. */
struct reading {
	struct imap_notify_group group;
	struct span fetch;
	bool has_modseq;
};

/* ---- reading ---------------------------------------------------------------------- */
static bool read_attributes(struct imap_reader *r, struct reading *g)
{
	struct imap_fetch *f = ARENA_NEW(r->arena, struct imap_fetch);
	size_t start = r->at;

	if (!imap_fetch_read_list(r, f))
		return false;
	g->fetch = span_head(span_tail(r->text, start), r->at - start);
	g->has_modseq = f->has_modseq;
	return true;
}

static bool read_event(
	struct imap_reader *r, struct asking *a, struct reading *g)
{
	struct span other;

	for (size_t i = 0; i < EVENTS; i++) {
		if (!imap_skip_word(r, span_str(events[i].name)))
			continue;
		g->group.events |= events[i].event;
		if (events[i].event != IMAP_NOTIFY_NEW ||
			!span_starts(span_tail(r->text, r->at), SPAN(" (")))
			return true;
		return imap_read_sp(r) && read_attributes(r, g);
	}
	a->has_unknown = true;
	return imap_read_atom(r, &other);
}

static bool read_events(
	struct imap_reader *r, struct asking *a, struct reading *g)
{
	bool is_list, is_first = true;

	if (imap_skip_word(r, SPAN("NONE")))
		return imap_read_close(r);
	is_list = imap_next(r) == '(';
	if (is_list && !imap_read_open(r))
		return false;
	for (; imap_read_more(r, is_first); is_first = false)
		if (!read_event(r, a, g))
			return false;
	if (r->why == NULL && is_first)
		return imap_read_fails(r, "an event is missing");
	return r->why == NULL && (!is_list || imap_read_close(r));
}

static bool is_of_selected(const struct reading *g)
{
	return g->group.filter.kind == IMAP_FILTER_SELECTED ||
	       g->group.filter.kind == IMAP_FILTER_SELECTED_DELAYED;
}

/* What is wrong with a group; NULL: nothing.  RFC 5465 5, 6.1 */
static const char *look_at(const struct asking *a, const struct reading *g)
{
	unsigned e = g->group.events;

	if (!(e & IMAP_NOTIFY_NEW) != !(e & IMAP_NOTIFY_EXPUNGE))
		return "MessageNew and MessageExpunge come together";
	if (e & IMAP_NOTIFY_FLAGS && !(e & IMAP_NOTIFY_NEW))
		return "FlagChange needs MessageNew and MessageExpunge";
	if (!is_of_selected(g))
		return g->fetch.n > 0 ? "what is to be fetched of others?"
				      : NULL;
	if (a->has_selected)
		return "the mailbox selected stands there twice";
	return e & ~IMAP_NOTIFY_MESSAGES
		       ? "only events of messages with the mailbox selected"
		       : NULL;
}

static void take_group(struct asking *a, const struct reading *g)
{
	if (is_of_selected(g)) {
		a->has_selected = true;
		a->is_delayed =
			g->group.filter.kind == IMAP_FILTER_SELECTED_DELAYED;
		a->selected = g->group.events;
		a->fetch = g->fetch;
		a->has_modseq = g->has_modseq;
		a->is_too_complex |= g->fetch.n > IMAP_NOTIFY_FETCH_BYTES;
		return;
	}
	a->name_count += g->group.filter.count;
	if (a->count == IMAP_NOTIFY_GROUPS_MAX ||
		a->name_count > IMAP_NOTIFY_NAMES_MAX)
		a->is_too_complex = true;
	else
		a->groups[a->count++] = g->group;
}

static bool read_group(struct imap_reader *r, struct asking *a)
{
	struct reading g = {0};
	const char *wrong;

	if (!imap_read_open(r) ||
		!imap_filter_read(
			r, IMAP_FILTERS_NOTIFY, &a->arena, &g.group.filter) ||
		!imap_read_sp(r) || !read_events(r, a, &g))
		return false;
	wrong = look_at(a, &g);
	if (wrong != NULL)
		return imap_read_fails(r, wrong);
	take_group(a, &g);
	return true;
}

static bool read_set(struct imap_reader *r, struct asking *a)
{
	if (!imap_read_sp(r))
		return false;
	a->wants_status = imap_skip_word(r, SPAN("STATUS"));
	if (a->wants_status && !imap_read_sp(r))
		return false;
	while (read_group(r, a)) {
		if (imap_is_end(r))
			return true;
		if (!imap_read_sp(r))
			return false;
	}
	return false;
}

static bool read_notify(struct imap_reader *r, struct asking *a)
{
	if (!imap_read_sp(r))
		return false;
	a->is_none = imap_skip_word(r, SPAN("NONE"));
	if (a->is_none)
		return imap_read_end(r);
	if (!imap_skip_word(r, SPAN("SET")))
		return imap_read_fails(r, "NOTIFY is SET or NONE");
	return read_set(r, a);
}

/* ---- doing ------------------------------------------------------------------------ */
static void put_status(struct imap_session *s)
{
	size_t count = store_mailbox_count(s->store);

	for (size_t i = 0; i < count; i++) {
		const struct store_mailbox *m = store_mailbox_at(s->store, i);
		unsigned wanted = imap_notify_events(s->notify, m->name,
					  m->is_subscribed) &
				  IMAP_NOTIFY_MESSAGES;

		if (s->is_selected && s->cursor.view->mailbox == m->id)
			continue;
		if (wanted != 0)
			imap_put_status_news(s, wanted, true, m);
	}
}

/* What waits to be said of what was wanted before stays. */
static void apply(struct imap_session *s, struct asking *a)
{
	struct imap_notify *n = imap_notify_of(s);
	struct imap_notify_group *groups;

	arena_clear(&n->arena);
	n->arena = a->arena; /* with the names */
	groups = arena_alloc(&n->arena, a->count + 1, sizeof(*groups));
	for (size_t i = 0; i < a->count; i++)
		groups[i] = a->groups[i];
	n->groups = groups;
	n->group_count = a->count;
	n->selected = a->selected;
	n->is_delayed = a->is_delayed;
	n->fetch = arena_dup(&n->arena, a->fetch);
	n->is_set = n->is_fresh = true;
	if (a->has_modseq)
		imap_enable_condstore(s);
	if (a->wants_status)
		put_status(s);
	imap_ok(s, "done");
}

static void say_unknown(struct imap_session *s)
{
	imap_begin_final(s, "NO");
	for (size_t i = 0; i < EVENTS; i++) {
		buf_puts(&s->final, i == 0 ? "[BADEVENT (" : " ");
		buf_puts(&s->final, events[i].name);
	}
	buf_puts(&s->final, ")] these are the events that there are");
}

void imap_cmd_notify(struct imap_session *s, struct imap_reader *r)
{
	struct asking *a = ARENA_NEW(&s->arena, struct asking);

	arena_init(&a->arena, IMAP_NOTIFY_ARENA_BYTES);
	if (!read_notify(r, a)) {
		imap_bad(s, r->why);
	} else if (a->is_none) {
		imap_notify_forget(imap_notify_of(s));
		s->notify->is_set = true;
		imap_ok(s, "done");
	} else if (a->is_too_complex) {
		imap_no(s, "[NOTIFICATIONOVERFLOW] that is too much to watch");
	} else if (a->has_unknown) {
		say_unknown(s);
	} else {
		apply(s, a);
		return;
	}
	arena_clear(&a->arena);
}
