/*
 * imap_metadata.c - entries of METADATA.  See imap_metadata.h.
 */
#include "imap/imap_metadata.h"

#include "imap/imap_use.h"
#include "message/imap_string.h"

#include "base/banned.h"

/* ---- names -------------------------------------------------------------------- */
/* Bytes that no name may have: RFC 5464 3.2.  What else is no printing ASCII is
 * refused too. */
static bool has_wrong_byte(struct span name)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] < ' ' || name.p[i] > '~' || name.p[i] == '*' ||
			name.p[i] == '%')
			return true;
	return false;
}

/* Its parts; 0: one of them is empty. */
static size_t count_parts(struct span name)
{
	size_t count = 0;

	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] != '/')
			continue;
		if (i + 1 == name.n || name.p[i + 1] == '/')
			return 0;
		count++;
	}
	return count;
}

static bool is_in(struct span name, struct span top)
{
	return span_starts(name, top) &&
	       (name.n == top.n || name.p[top.n] == '/');
}

/* What is wrong with it; NULL: nothing. */
static const char *look_at(struct span name, bool is_whole)
{
	size_t parts = count_parts(name);
	bool is_vendor = is_in(name, SPAN("/private/vendor")) ||
			 is_in(name, SPAN("/shared/vendor"));

	if (name.n > STORE_ENTRY_BYTES)
		return "the name of the entry is too long";
	if (has_wrong_byte(name))
		return "an entry has no such characters";
	if (name.n == 0 || name.p[0] != '/' || parts == 0)
		return "an entry is a path";
	if (!is_in(name, SPAN("/private")) && !is_in(name, SPAN("/shared")))
		return "an entry is in /private or in /shared";
	if (is_whole && parts < (is_vendor ? 4 : 2))
		return "the name of the entry has parts missing";
	return NULL;
}

bool imap_read_entry(struct imap_reader *r, bool is_whole, struct span *out)
{
	struct span name;
	uint8_t *lower;
	const char *wrong;

	if (!imap_read_astring(r, &name))
		return false;
	lower = arena_alloc(r->arena, name.n + 1, 1);
	for (size_t i = 0; i < name.n; i++) {
		bool is_upper = name.p[i] >= 'A' && name.p[i] <= 'Z';

		lower[i] = is_upper ? (uint8_t)(name.p[i] + 32) : name.p[i];
	}
	*out = span_of(lower, name.n);
	wrong = look_at(*out, is_whole);
	return wrong == NULL || imap_read_fails(r, wrong);
}

static bool add_entry(struct imap_reader *r, struct imap_entries *l)
{
	struct span name;

	if (!imap_read_entry(r, false, &name))
		return false;
	for (size_t i = 0; i < l->count; i++)
		if (span_eq(l->names[i], name))
			return true;
	if (l->count == IMAP_ENTRIES_MAX)
		return imap_read_fails(r, "too many entries");
	l->names[l->count++] = name;
	return true;
}

bool imap_read_entries(struct imap_reader *r, struct imap_entries *out)
{
	out->count = 0;
	if (imap_next(r) != '(')
		return add_entry(r, out);
	if (!imap_read_open(r))
		return false;
	for (bool first = true; imap_read_more(r, first); first = false)
		if (!add_entry(r, out))
			return false;
	if (r->why == NULL && out->count == 0)
		return imap_read_fails(r, "an entry is missing");
	return r->why == NULL;
}

/* ---- saying ------------------------------------------------------------------- */
void imap_put_entry(struct buf *out, struct span entry)
{
	for (size_t i = 0; i < entry.n; i++) {
		if (span_find(SPAN("(){ \"\\"), entry.p[i]) < 6) {
			imap_put_string(out, entry);
			return;
		}
	}
	buf_put(out, entry);
}

/* A NUL can only be said in a literal8: RFC 3516 4.4. */
static void put_value(struct buf *out, struct span value)
{
	if (span_find(value, '\0') == value.n) {
		imap_put_string(out, value);
		return;
	}
	buf_puts(out, "~{");
	buf_put_u64(out, value.n);
	buf_puts(out, "}\r\n");
	buf_put(out, value);
}

/* A response on its way. */
struct putting {
	struct imap_session *s;
	const struct store_mailbox *m;
	struct imap_metadata *how;
	bool has_found; /* anything, also what is too long */
	bool is_open;   /* the list */
};

static void open_list(struct putting *p)
{
	if (p->is_open) {
		buf_putc(&p->s->out, ' ');
		return;
	}
	p->is_open = true;
	buf_puts(&p->s->out, "* METADATA ");
	if (p->m == NULL)
		buf_puts(&p->s->out, "\"\"");
	else
		imap_put_mailbox(p->s, p->m->name);
	buf_puts(&p->s->out, " (");
}

static void put_found(void *arg, const struct store_annotation *found)
{
	struct putting *p = arg;

	p->has_found = true;
	if (p->how->has_max && found->value.n > p->how->max) {
		if (found->value.n > p->how->longest)
			p->how->longest = found->value.n;
		return;
	}
	open_list(p);
	imap_put_entry(&p->s->out, found->entry);
	buf_putc(&p->s->out, ' ');
	put_value(&p->s->out, found->value);
}

/* The use stands in no annotation, but is one to the client. */
static void put_use(struct putting *p, struct span entry)
{
	const char *name = p->m == NULL ? NULL : imap_use_name(p->m->use);
	bool is_below = p->how->depth != STORE_DEPTH_ENTRY &&
			span_eq(entry, SPAN("/private"));

	if (name != NULL && (is_below || span_eq(entry, IMAP_ENTRY_USE)))
		put_found(p, &(const struct store_annotation){
				     .entry = IMAP_ENTRY_USE,
				     .value = span_str(name)});
}

enum code imap_put_metadata(struct imap_session *s,
	const struct store_mailbox *m, struct span entry,
	struct imap_metadata *how, struct err *e)
{
	struct putting p = {.s = s, .m = m, .how = how};
	size_t start = buf_len(&s->out);
	enum code code;

	put_use(&p, entry);
	code = store_annotations_read(s->store,
		m == NULL ? STORE_SERVER : m->id, entry, how->depth, put_found,
		&p, e);
	if (code != OK) {
		buf_truncate(&s->out, start);
		return code;
	}
	if (!p.has_found) {
		open_list(&p);
		imap_put_entry(&s->out, entry);
		buf_puts(&s->out, " NIL");
	}
	if (p.is_open)
		buf_puts(&s->out, ")\r\n");
	return OK;
}
