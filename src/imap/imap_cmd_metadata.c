/*
 * imap_cmd_metadata.c - GETMETADATA and SETMETADATA.  RFC 5464 4.2, 4.3
 *
 *	get = "GETMETADATA" [SP options] SP mailbox SP entries
 *	set = "SETMETADATA" SP mailbox SP "(" entry SP value … ")"
 *
 * The mailbox "" is the server.  The examples of 4.2.1 have the options behind
 * the mailbox, its grammar before it: both are read.
 */
#include "imap/imap_metadata.h"
#include "imap/imap_use.h"

#include "base/banned.h"

/* Who looks after the server; it is not the client's to say: RFC 5464 3.2.1.1. */
#define ENTRY_ADMIN SPAN("/shared/admin")

/* As much as a literal may have, so it makes no difference who says it. */
const char imap_metadata_too_long[] =
	"[METADATA MAXSIZE 65536] a value is too long";

/* The mailbox of a command; false: NO was said.  *out: NULL: the server. */
static bool find(struct imap_session *s, const struct imap_mailbox_name *name,
	const struct store_mailbox **out)
{
	*out = NULL;
	if (name->wrong == NULL && name->name.n == 0)
		return true;
	*out = imap_find_mailbox(s, name, "NONEXISTENT");
	return *out != NULL;
}

/* ---- GETMETADATA ---------------------------------------------------------------- */
struct getting {
	struct imap_entries entries;
	struct imap_metadata how;
	bool is_server;
	uint64_t mailbox; /* an id: the name may change meanwhile */
	size_t at;        /* the next entry */
};

static bool read_depth(struct imap_reader *r, struct imap_metadata *how)
{
	if (!imap_read_sp(r))
		return false;
	if (imap_skip_word(r, SPAN("0")))
		how->depth = STORE_DEPTH_ENTRY;
	else if (imap_skip_word(r, SPAN("1")))
		how->depth = STORE_DEPTH_ONE;
	else if (imap_skip_word(r, SPAN("infinity")))
		how->depth = STORE_DEPTH_ALL;
	else
		return imap_read_fails(r, "DEPTH is 0, 1 or infinity");
	return true;
}

static bool read_option(struct imap_reader *r, struct imap_metadata *how)
{
	if (imap_skip_word(r, SPAN("DEPTH")))
		return read_depth(r, how);
	if (!imap_skip_word(r, SPAN("MAXSIZE")))
		return imap_read_fails(r, "no such option");
	how->has_max = true;
	return imap_read_sp(r) && imap_read_number(r, &how->max);
}

/* What begins with a letter is an option, an entry has its slash. */
static bool is_option(const struct imap_reader *r)
{
	size_t next = r->at + 1;

	return imap_next(r) == '(' && next < r->text.n &&
	       ((r->text.p[next] | 0x20) == 'd' ||
		       (r->text.p[next] | 0x20) == 'm');
}

static bool read_options(struct imap_reader *r, struct imap_metadata *how)
{
	if (!is_option(r))
		return true;
	if (!imap_read_open(r))
		return false;
	for (bool first = true; imap_read_more(r, first); first = false)
		if (!read_option(r, how))
			return false;
	return r->why == NULL && imap_read_sp(r);
}

static enum step finish(struct imap_session *s, const struct getting *g)
{
	if (g->how.longest == 0) {
		imap_ok(s, "that is all");
		return DONE;
	}
	imap_begin_final(s, "OK");
	buf_printf(&s->final, "[METADATA LONGENTRIES %llu] that is all",
		(unsigned long long)g->how.longest);
	return DONE;
}

static enum step job_get(struct imap_session *s)
{
	struct getting *g = s->job_state;
	struct err e;
	enum code code;

	while (imap_has_room(s)) {
		const struct store_mailbox *m =
			g->is_server ? NULL
				     : store_mailbox_get(s->store, g->mailbox);

		if (g->at == g->entries.count)
			return finish(s, g);
		if (m == NULL && !g->is_server) {
			imap_no(s, "[NONEXISTENT] the mailbox went away");
			return DONE;
		}
		code = imap_put_metadata(
			s, m, g->entries.names[g->at++], &g->how, &e);
		if (code != OK) {
			imap_no_code(s, code, &e);
			return DONE;
		}
	}
	return MORE;
}

void imap_cmd_getmetadata(struct imap_session *s, struct imap_reader *r)
{
	struct getting *g = ARENA_NEW(&s->arena, struct getting);
	struct imap_mailbox_name name;
	const struct store_mailbox *m;

	if (!imap_read_sp(r) || !read_options(r, &g->how) ||
		!imap_read_mailbox(r, &name) || !imap_read_sp(r) ||
		!read_options(r, &g->how) ||
		!imap_read_entries(r, &g->entries) || !imap_read_end(r)) {
		imap_bad(s, r->why);
		return;
	}
	if (!find(s, &name, &m))
		return;
	g->is_server = m == NULL;
	g->mailbox = m == NULL ? 0 : m->id;
	imap_work(s, job_get, g, NULL);
}

/* ---- SETMETADATA ---------------------------------------------------------------- */
struct setting {
	struct store_annotation items[STORE_ANNOTATIONS_MAX];
	struct store_annotations change;
	bool is_too_long; /* a value */
	bool has_admin;
	bool has_wrong_use;
};

/* No use, or one that there is; "\Sent", as in LIST. */
static void take_use(struct setting *t, struct span value)
{
	t->change.sets_use = true;
	t->change.use = STORE_USE_NONE;
	t->has_wrong_use = value.n > 0 && !imap_use_of(value, &t->change.use);
}

static void take(struct setting *t, struct span entry, struct span value)
{
	if (value.n > STORE_ANNOTATION_BYTES)
		t->is_too_long = true;
	else if (span_eq(entry, IMAP_ENTRY_USE))
		take_use(t, value);
	else if (t->change.count++ < STORE_ANNOTATIONS_MAX)
		t->items[t->change.count - 1] = (struct store_annotation){
			.entry = entry, .value = value};
	if (span_eq(entry, ENTRY_ADMIN))
		t->has_admin = true;
}

static bool read_value(struct imap_reader *r, struct setting *t)
{
	struct span entry, value;
	bool is_binary;

	if (!imap_read_entry(r, true, &entry) || !imap_read_sp(r))
		return false;
	if (imap_next(r) == '~' ? !imap_read_literal(r, &value, &is_binary)
				: !imap_read_nstring(r, &value))
		return false;
	take(t, entry, value);
	return true;
}

static bool read_values(struct imap_reader *r, struct setting *t)
{
	bool is_first = true;

	if (!imap_read_open(r))
		return false;
	for (; imap_read_more(r, is_first); is_first = false)
		if (!read_value(r, t))
			return false;
	if (r->why == NULL && is_first)
		return imap_read_fails(r, "an entry is missing");
	return r->why == NULL && imap_read_end(r);
}

/* True: it may be tried; else NO was said. */
static bool may_set(struct imap_session *s, const struct setting *t,
	const struct store_mailbox *m)
{
	if (t->is_too_long)
		imap_no(s, imap_metadata_too_long);
	else if (t->change.count > STORE_ANNOTATIONS_MAX)
		imap_no(s, "[METADATA TOOMANY] that is too much");
	else if (t->has_admin && m == NULL)
		imap_no(s, "[NOPERM] this entry can only be read");
	else if (t->has_wrong_use || (t->change.sets_use && m == NULL))
		imap_no(s, "[USEATTR] there is no such use to be had");
	else
		return true;
	return false;
}

void imap_cmd_setmetadata(struct imap_session *s, struct imap_reader *r)
{
	struct setting *t = ARENA_NEW(&s->arena, struct setting);
	struct imap_mailbox_name name;
	const struct store_mailbox *m;
	struct err e;
	enum code code;

	if (!imap_read_sp(r) || !imap_read_mailbox(r, &name) ||
		!imap_read_sp(r) || !read_values(r, t)) {
		imap_bad(s, r->why);
		return;
	}
	if (!find(s, &name, &m) || !may_set(s, t, m))
		return;
	t->change.items = t->items;
	code = store_annotate(
		s->store, m == NULL ? STORE_SERVER : m->id, &t->change, &e);
	if (code == OK)
		imap_ok(s, "done");
	else if (code == LIMIT)
		imap_no(s, "[METADATA TOOMANY] there are too many");
	else if (code == EXISTS || code == DENIED)
		imap_no(s, "[USEATTR] there is no such use to be had");
	else
		imap_no_code(s, code, &e);
}
