/*
 * imap_cmd_list.c - LIST and LSUB.  RFC 9051 6.3.9 (with what RFC 5258, RFC 5819
 * and RFC 6154 brought), RFC 3501 6.3.8 and 6.3.9, RFC 9590
 *
 *	list = "LIST" [SP "(" selections ")"] SP reference SP patterns
 *	       [SP "RETURN" SP "(" returns ")"]
 *
 * Attributes that cost nothing are always said: children and special uses (RFC
 * 9051 6.3.9.5 lets a server say more than was asked for).
 *
 * LIST is a job: with annotations an answer may be long, and it goes on by the
 * ids of the mailboxes that there were when it began.
 */
#include "imap/imap_int.h"

#include "imap/imap_metadata.h"
#include "imap/imap_pattern.h"
#include "imap/imap_use.h"

#include "base/banned.h"

/* Patterns in one command. */
#define PATTERNS_MAX 100

struct listing {
	bool wants_subscribed; /* selections */
	bool wants_special;
	bool wants_parents;    /* RECURSIVEMATCH */
	bool returns_subscribed;
	bool returns_status;
	struct imap_status status;
	struct imap_entries entries; /* of METADATA; empty: not returned */
	struct span patterns[PATTERNS_MAX];
	size_t count;
	bool is_root;          /* LIST "" "": the separator only */
	/* what is subscribed to */
	const struct span *names;
	size_t name_count;
	/* the job */
	uint64_t *ids; /* of all mailboxes */
	size_t id_count, at;
};

/* ---- reading --------------------------------------------------------------------- */
static bool read_selection(struct imap_reader *r, struct listing *l)
{
	if (imap_skip_word(r, SPAN("SUBSCRIBED")))
		l->wants_subscribed = l->returns_subscribed = true;
	else if (imap_skip_word(r, SPAN("SPECIAL-USE")))
		l->wants_special = true;
	else if (imap_skip_word(r, SPAN("RECURSIVEMATCH")))
		l->wants_parents = true;
	else if (!imap_skip_word(r, SPAN("REMOTE"))) /* there are none */
		return imap_read_fails(r, "no such selection");
	return true;
}

static bool read_selections(struct imap_reader *r, struct listing *l)
{
	if (imap_next(r) != '(')
		return true;
	if (!imap_read_open(r))
		return false;
	for (bool first = true; imap_read_more(r, first); first = false)
		if (!read_selection(r, l))
			return false;
	if (r->why != NULL)
		return false;
	/* RFC 9051 6.3.9.1: it needs another one beside it */
	if (l->wants_parents && !l->wants_subscribed && !l->wants_special)
		return imap_read_fails(r, "RECURSIVEMATCH of what?");
	return imap_read_sp(r);
}

/* What a pattern is under a reference: both behind each other. */
static bool read_pattern(struct imap_reader *r, struct span reference,
	struct listing *l)
{
	struct imap_mailbox_name name;
	struct buf joined;

	if (!imap_read_mailbox_pattern(r, &name))
		return false;
	if (name.name.n == 0 && name.wrong == NULL)
		l->is_root = true;
	if (name.wrong != NULL || name.name.n == 0)
		return true;
	if (l->count == PATTERNS_MAX)
		return imap_read_fails(r, "too many patterns");
	buf_init(&joined, reference.n + name.name.n);
	buf_put(&joined, reference);
	buf_put(&joined, name.name);
	l->patterns[l->count++] = arena_dup(r->arena, buf_span(&joined));
	buf_clear(&joined);
	return true;
}

static bool read_patterns(struct imap_reader *r, struct span reference,
	struct listing *l)
{
	if (imap_next(r) != '(')
		return read_pattern(r, reference, l);
	if (!imap_read_open(r))
		return false;
	for (bool first = true; imap_read_more(r, first); first = false)
		if (!read_pattern(r, reference, l))
			return false;
	l->is_root = false;
	return r->why == NULL;
}

static bool read_return(struct imap_reader *r, struct listing *l)
{
	if (imap_skip_word(r, SPAN("SUBSCRIBED"))) {
		l->returns_subscribed = true;
		return true;
	}
	if (imap_skip_word(r, SPAN("STATUS"))) {
		l->returns_status = true;
		return imap_read_sp(r) && imap_read_status(r, &l->status);
	}
	if (imap_skip_word(r, SPAN("METADATA")))
		return imap_read_sp(r) && imap_read_entries(r, &l->entries);
	if (imap_skip_word(r, SPAN("CHILDREN")) ||
		imap_skip_word(r, SPAN("SPECIAL-USE")))
		return true;
	return imap_read_fails(r, "no such thing to return");
}

static bool read_returns(struct imap_reader *r, struct listing *l)
{
	if (imap_is_end(r))
		return true;
	if (!imap_read_sp(r))
		return false;
	if (!imap_skip_word(r, SPAN("RETURN")))
		return imap_read_fails(r, "RETURN is expected here");
	if (!imap_read_sp(r) || !imap_read_open(r))
		return false;
	for (bool first = true; imap_read_more(r, first); first = false)
		if (!read_return(r, l))
			return false;
	return r->why == NULL && imap_read_end(r);
}

static bool read_list(struct imap_reader *r, struct listing *l)
{
	struct imap_mailbox_name reference;

	return imap_read_sp(r) && read_selections(r, l) &&
		imap_read_mailbox(r, &reference) && imap_read_sp(r) &&
		read_patterns(r,
			reference.wrong == NULL ? reference.name : SPAN_EMPTY,
			l) &&
		read_returns(r, l);
}

/* ---- choosing ------------------------------------------------------------------------- */
static bool matches(const struct listing *l, struct span name)
{
	for (size_t i = 0; i < l->count; i++)
		if (imap_pattern_matches(l->patterns[i], name))
			return true;
	return false;
}

static bool is_below(struct span name, struct span parent)
{
	return name.n > parent.n && name.p[parent.n] == '/' &&
		span_starts(name, parent);
}

static bool has_subscribed_below(const struct listing *l, struct span name)
{
	for (size_t i = 0; i < l->name_count; i++)
		if (is_below(l->names[i], name))
			return true;
	return false;
}

static bool has_special_below(struct imap_session *s, struct span name)
{
	size_t count = store_mailbox_count(s->store);

	for (size_t i = 0; i < count; i++) {
		const struct store_mailbox *m = store_mailbox_at(s->store, i);

		if (imap_use_name(m->use) != NULL && is_below(m->name, name))
			return true;
	}
	return false;
}

static bool is_chosen(const struct listing *l, const struct store_mailbox *m)
{
	return (!l->wants_subscribed || m->is_subscribed) &&
		(!l->wants_special || imap_use_name(m->use) != NULL);
}

/* RECURSIVEMATCH: is there something below it that would be chosen? */
static bool has_chosen_below(struct imap_session *s, const struct listing *l,
	struct span name)
{
	return l->wants_parents &&
		(!l->wants_subscribed || has_subscribed_below(l, name)) &&
		(!l->wants_special || has_special_below(s, name));
}

/* ---- writing ----------------------------------------------------------------------------- */
static void put_attribute(struct buf *out, const char *name, bool *is_first)
{
	if (!*is_first)
		buf_putc(out, ' ');
	*is_first = false;
	buf_puts(out, name);
}

static void put_attributes(struct imap_session *s, const struct listing *l,
	const struct store_mailbox *m)
{
	bool is_first = true;

	put_attribute(&s->out,
		m->has_children ? "\\HasChildren" : "\\HasNoChildren",
		&is_first);
	if (l->returns_subscribed && m->is_subscribed)
		put_attribute(&s->out, "\\Subscribed", &is_first);
	if (imap_use_name(m->use) != NULL)
		put_attribute(&s->out, imap_use_name(m->use), &is_first);
}

static void put_childinfo(struct imap_session *s, const struct listing *l)
{
	buf_puts(&s->out, " (\"CHILDINFO\" (");
	if (l->wants_subscribed)
		buf_puts(&s->out, "\"SUBSCRIBED\"");
	if (l->wants_special)
		buf_puts(&s->out, l->wants_subscribed ? " \"SPECIAL-USE\""
						      : "\"SPECIAL-USE\"");
	buf_puts(&s->out, "))");
}

/* What cannot be read is left out: RFC 9590 3. */
static void put_annotations(struct imap_session *s, const struct listing *l,
	const struct store_mailbox *m)
{
	struct imap_metadata how = {.depth = STORE_DEPTH_ENTRY};
	struct err e;

	for (size_t i = 0; i < l->entries.count; i++)
		if (imap_put_metadata(s, m, l->entries.names[i], &how, &e) !=
			OK)
			imap_trouble(s, &e);
}

static void put_one(struct imap_session *s, const struct listing *l,
	const struct store_mailbox *m)
{
	bool has_below = has_chosen_below(s, l, m->name);

	if (!is_chosen(l, m) && !has_below)
		return;
	buf_puts(&s->out, "* LIST (");
	put_attributes(s, l, m);
	buf_puts(&s->out, ") \"/\" ");
	imap_put_mailbox(s, m->name);
	if (has_below)
		put_childinfo(s, l);
	buf_puts(&s->out, "\r\n");
	if (l->returns_status)
		imap_put_status(s, &l->status, m);
	put_annotations(s, l, m);
}

/* Subscribed to, but there is no such mailbox. */
static void put_missing(struct imap_session *s, const struct listing *l,
	struct span name)
{
	buf_puts(&s->out, "* LIST (\\NonExistent \\Subscribed) \"/\" ");
	imap_put_mailbox(s, name);
	if (has_chosen_below(s, l, name))
		put_childinfo(s, l);
	buf_puts(&s->out, "\r\n");
}

static enum code load_subscriptions(struct imap_session *s, struct listing *l,
	struct err *e)
{
	return store_subscription_list(s->store, &l->names, &l->name_count, e);
}

/* ---- the job ----------------------------------------------------------------------- */
static void note_ids(struct imap_session *s, struct listing *l)
{
	l->id_count = store_mailbox_count(s->store);
	l->ids = arena_alloc(&s->arena, l->id_count, sizeof(*l->ids));
	for (size_t i = 0; i < l->id_count; i++)
		l->ids[i] = store_mailbox_at(s->store, i)->id;
}

/* The next of those that there were; usually it stands where it stood. */
static const struct store_mailbox *next_mailbox(struct imap_session *s,
	struct listing *l)
{
	size_t i = l->at++;

	if (i < store_mailbox_count(s->store) &&
		store_mailbox_at(s->store, i)->id == l->ids[i])
		return store_mailbox_at(s->store, i);
	return store_mailbox_get(s->store, l->ids[i]);
}

/* What is subscribed to and is no mailbox. */
static void put_all_missing(struct imap_session *s, const struct listing *l)
{
	if (l->wants_special)
		return;
	for (size_t i = 0; i < l->name_count; i++)
		if (store_mailbox_find(s->store, l->names[i]) == NULL &&
			matches(l, l->names[i]))
			put_missing(s, l, l->names[i]);
}

static enum step job_list(struct imap_session *s)
{
	struct listing *l = s->job_state;
	struct err e;
	enum code code = OK;

	/* the client may have been slow, and the list another one now */
	if (l->wants_subscribed)
		code = load_subscriptions(s, l, &e);
	while (code == OK && l->at < l->id_count) {
		const struct store_mailbox *m = next_mailbox(s, l);

		if (m != NULL && matches(l, m->name))
			put_one(s, l, m);
		if (!imap_has_room(s))
			return MORE;
	}
	if (code != OK) {
		imap_no_code(s, code, &e);
		return DONE;
	}
	put_all_missing(s, l);
	imap_ok(s, "that is all");
	return DONE;
}

void imap_cmd_list(struct imap_session *s, struct imap_reader *r)
{
	struct listing *l = ARENA_NEW(&s->arena, struct listing);

	if (!read_list(r, l)) {
		imap_bad(s, r->why);
		return;
	}
	if (l->is_root)
		buf_puts(&s->out, "* LIST (\\Noselect) \"/\" \"\"\r\n");
	note_ids(s, l);
	imap_work(s, job_list, l, NULL);
}

/* ---- LSUB --------------------------------------------------------------------------------- */
static void put_lsub(struct imap_session *s, struct span name, bool is_parent)
{
	buf_puts(&s->out, is_parent ? "* LSUB (\\Noselect) \"/\" "
				    : "* LSUB () \"/\" ");
	imap_put_mailbox(s, name);
	buf_puts(&s->out, "\r\n");
}

static bool is_named(const struct listing *l, struct span name)
{
	for (size_t i = 0; i < l->name_count; i++)
		if (span_eq(l->names[i], name))
			return true;
	return false;
}

/* A pattern that ends in "%" shows the parents of what is subscribed to, though
 * they are not themselves: RFC 3501 6.3.9. */
static void put_parents(struct imap_session *s, const struct listing *l,
	struct span name, struct span *last)
{
	for (size_t n = 1; n < name.n; n++) {
		struct span parent = span_head(name, n);

		if (name.p[n] != '/' || !matches(l, parent) ||
			is_named(l, parent) || span_eq(parent, *last))
			continue;
		put_lsub(s, parent, true);
		*last = parent;
	}
}

void imap_cmd_lsub(struct imap_session *s, struct imap_reader *r)
{
	struct listing *l = ARENA_NEW(&s->arena, struct listing);
	struct imap_mailbox_name reference;
	struct span last = SPAN_EMPTY;
	struct err e;
	enum code code;

	if (!imap_read_sp(r) || !imap_read_mailbox(r, &reference) ||
		!imap_read_sp(r) || !read_pattern(r, reference.name, l) ||
		!imap_read_end(r)) {
		imap_bad(s, r->why);
		return;
	}
	code = load_subscriptions(s, l, &e);
	if (code != OK) {
		imap_no_code(s, code, &e);
		return;
	}
	if (l->is_root)
		buf_puts(&s->out, "* LSUB (\\Noselect) \"/\" \"\"\r\n");
	for (size_t i = 0; i < l->name_count; i++) {
		if (matches(l, l->names[i]))
			put_lsub(s, l->names[i], false);
		else if (l->count > 0 && span_ends(l->patterns[0], SPAN("%")))
			put_parents(s, l, l->names[i], &last);
	}
	imap_ok(s, "that is all");
}
