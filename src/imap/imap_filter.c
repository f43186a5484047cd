/*
 * imap_filter.c - filter-mailboxes.  See imap_filter.h.
 */
#include "imap/imap_filter.h"

#include "store/store_mailbox.h"

#include "base/banned.h"

static const struct {
	const char *word;
	bool has_names;
} words[IMAP_FILTER_KINDS] = {
	[IMAP_FILTER_SELECTED] = {"selected", false},
	[IMAP_FILTER_SELECTED_DELAYED] = {"selected-delayed", false},
	[IMAP_FILTER_INBOXES] = {"inboxes", false},
	[IMAP_FILTER_PERSONAL] = {"personal", false},
	[IMAP_FILTER_SUBSCRIBED] = {"subscribed", false},
	[IMAP_FILTER_SUBTREE] = {"subtree", true},
	[IMAP_FILTER_SUBTREE_ONE] = {"subtree-one", true},
	[IMAP_FILTER_MAILBOXES] = {"mailboxes", true},
};

/* ---- reading ------------------------------------------------------------------ */
/* Names on their way: the list doubles in the reader's arena. */
struct names {
	struct span *items;
	size_t count, room;
};

static void add_name(struct imap_reader *r, struct names *l, struct span name)
{
	if (l->count == l->room) {
		size_t room = l->room == 0 ? 8 : l->room * 2;
		struct span *more = arena_alloc(r->arena, room, sizeof(*more));

		for (size_t i = 0; i < l->count; i++)
			more[i] = l->items[i];
		l->items = more;
		l->room = room;
	}
	l->items[l->count++] = name;
}

static bool read_name(
	struct imap_reader *r, struct arena *keep, struct names *l)
{
	struct imap_mailbox_name name;
	struct buf made;
	struct err e;

	if (!imap_read_mailbox(r, &name))
		return false;
	if (name.wrong != NULL)
		return true;
	buf_init(&made, 2 * STORE_NAME_BYTES);
	if (store_name_make(name.name, &made, &e) == OK)
		add_name(r, l, arena_dup(keep, buf_span(&made)));
	buf_clear(&made);
	return true;
}

static bool read_names(
	struct imap_reader *r, struct arena *keep, struct names *l)
{
	bool is_first = true;

	if (!imap_read_sp(r))
		return false;
	if (imap_next(r) != '(')
		return read_name(r, keep, l);
	if (!imap_read_open(r))
		return false;
	for (; imap_read_more(r, is_first); is_first = false)
		if (!read_name(r, keep, l))
			return false;
	if (r->why == NULL && is_first)
		return imap_read_fails(r, "a mailbox is missing");
	return r->why == NULL;
}

static bool read_kind(
	struct imap_reader *r, unsigned kinds, enum imap_filter_kind *out)
{
	for (unsigned i = 0; i < IMAP_FILTER_KINDS; i++) {
		if (!(kinds & 1u << i) ||
			!imap_skip_word(r, span_str(words[i].word)))
			continue;
		*out = (enum imap_filter_kind)i;
		return true;
	}
	return imap_read_fails(r, "which mailboxes?");
}

bool imap_filter_read(struct imap_reader *r, unsigned kinds, struct arena *keep,
	struct imap_filter *out)
{
	struct names l = {0};
	struct span *kept;

	*out = (struct imap_filter){0};
	if (!read_kind(r, kinds, &out->kind))
		return false;
	if (!words[out->kind].has_names)
		return true;
	if (!read_names(r, keep, &l))
		return false;
	kept = arena_alloc(keep, l.count + 1, sizeof(*kept));
	for (size_t i = 0; i < l.count; i++)
		kept[i] = l.items[i];
	out->names = kept;
	out->count = l.count;
	return true;
}

/* ---- matching ----------------------------------------------------------------- */
/* How many levels name is below top; 0: it is the same; -1: not below it. */
static int levels_below(struct span name, struct span top)
{
	int levels = 1;

	if (span_eq(name, top))
		return 0;
	if (name.n <= top.n || name.p[top.n] != '/' || !span_starts(name, top))
		return -1;
	for (size_t i = top.n + 1; i < name.n; i++)
		levels += name.p[i] == '/';
	return levels;
}

static bool is_named(const struct imap_filter *f, struct span name, int levels)
{
	for (size_t i = 0; i < f->count; i++) {
		int below = levels_below(name, f->names[i]);

		if (below >= 0 && below <= levels)
			return true;
	}
	return false;
}

bool imap_filter_matches(
	const struct imap_filter *f, const struct imap_filtered *m)
{
	switch (f->kind) {
	case IMAP_FILTER_SELECTED:
	case IMAP_FILTER_SELECTED_DELAYED:
		return m->is_selected;
	case IMAP_FILTER_INBOXES:
		/* where deliveries go: RFC 5465 6.3 */
		return span_eq(m->name, SPAN("INBOX"));
	case IMAP_FILTER_PERSONAL:
		return true; /* there are no others */
	case IMAP_FILTER_SUBSCRIBED:
		return m->is_subscribed;
	case IMAP_FILTER_SUBTREE:
		return is_named(f, m->name, (int)STORE_LEVELS_MAX);
	case IMAP_FILTER_SUBTREE_ONE:
		return is_named(f, m->name, 1);
	case IMAP_FILTER_MAILBOXES:
		return is_named(f, m->name, 0);
	case IMAP_FILTER_KINDS:
	default:
		unreachable();
	}
}
