/*
 * imap_cmd_mailbox.c - CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE.
 * RFC 9051 6.3.4-6.3.8, RFC 6154 3 (CREATE-SPECIAL-USE)
 */
#include "imap/imap_int.h"

#include "imap/imap_use.h"

#include "base/banned.h"

/* BAD for what is not understood, NO for what is no name; true: go on. */
static bool is_name(struct imap_session *s, const struct imap_mailbox_name *n)
{
	if (n->wrong == NULL)
		return true;
	imap_begin_final(s, "NO");
	buf_printf(&s->final, "[CANNOT] %s", n->wrong);
	return false;
}

static bool read_one(struct imap_session *s, struct imap_reader *r,
	struct imap_mailbox_name *out)
{
	if (!imap_read_sp(r) || !imap_read_mailbox(r, out) ||
		!imap_read_end(r)) {
		imap_bad(s, r->why);
		return false;
	}
	return is_name(s, out);
}

static void answer(struct imap_session *s, enum code code, const struct err *e)
{
	if (code == OK)
		imap_ok(s, "done");
	else
		imap_no_code(s, code, e);
}

/* ---- CREATE -------------------------------------------------------------------- */
/* [SP "(" "USE" SP "(" [use *(SP use)] ")" ")"]: one use at most. */
static bool read_use(struct imap_reader *r, enum store_use *out, bool *out_known)
{
	struct span flag;

	*out = STORE_USE_NONE;
	*out_known = true;
	if (imap_is_end(r))
		return true;
	if (!imap_read_sp(r) || !imap_read_open(r))
		return false;
	if (!imap_skip_word(r, SPAN("USE")))
		return imap_read_fails(r, "no such parameter");
	if (!imap_read_sp(r) || !imap_read_open(r))
		return false;
	for (bool first = true; imap_read_more(r, first); first = false) {
		if (!imap_read_flag(r, &flag))
			return false;
		if (*out != STORE_USE_NONE || !imap_use_of(flag, out))
			*out_known = false;
	}
	return r->why == NULL && imap_read_close(r) && imap_read_end(r);
}

void imap_cmd_create(struct imap_session *s, struct imap_reader *r)
{
	struct imap_mailbox_name name;
	enum store_use use;
	bool is_known;
	uint64_t id;
	struct err e;
	enum code code;

	if (!imap_read_sp(r) || !imap_read_mailbox(r, &name) ||
		!read_use(r, &use, &is_known)) {
		imap_bad(s, r->why);
		return;
	}
	if (!is_name(s, &name))
		return;
	if (!is_known || (use != STORE_USE_NONE &&
			store_mailbox_of_use(s->store, use) != NULL)) {
		imap_no(s, "[USEATTR] there is no such use to be had");
		return;
	}
	code = store_mailbox_create(s->store, name.name, use, &id, &e);
	if (code != OK) {
		imap_no_code(s, code, &e);
		return;
	}
	imap_begin_final(s, "OK");
	buf_printf(&s->final, "[MAILBOXID (F%llu)] created",
		(unsigned long long)id);
}

/* ---- DELETE, RENAME ------------------------------------------------------------------ */
/* Deliberate: a mailbox with children is not removed, and no \Noselect one is
 * left in its place; RFC 9051 6.3.5 has HASCHILDREN for it. */
void imap_cmd_delete(struct imap_session *s, struct imap_reader *r)
{
	struct imap_mailbox_name name;
	const struct store_mailbox *m;
	struct err e;
	enum code code;

	if (!read_one(s, r, &name))
		return;
	m = imap_find_mailbox(s, &name, "NONEXISTENT");
	if (m == NULL)
		return;
	code = store_mailbox_delete(s->store, m->id, false, &e);
	if (code == EXISTS)
		imap_no(s, "[HASCHILDREN] there are mailboxes below it");
	else
		answer(s, code, &e);
}

void imap_cmd_rename(struct imap_session *s, struct imap_reader *r)
{
	struct imap_mailbox_name from, to;
	const struct store_mailbox *m;
	uint64_t id;
	struct err e;

	if (!imap_read_sp(r) || !imap_read_mailbox(r, &from) ||
		!imap_read_sp(r) || !imap_read_mailbox(r, &to) ||
		!imap_read_end(r)) {
		imap_bad(s, r->why);
		return;
	}
	if (!is_name(s, &to))
		return;
	m = imap_find_mailbox(s, &from, "NONEXISTENT");
	if (m == NULL)
		return;
	answer(s,
		m->use == STORE_USE_INBOX
			? store_inbox_rename(s->store, to.name, s->now_ms, &id,
				  &e)
			: store_mailbox_rename(s->store, m->id, to.name, &e),
		&e);
}

/* ---- SUBSCRIBE, UNSUBSCRIBE --------------------------------------------------------- */
/* Deliberate: a name without a mailbox can be subscribed to, as RFC 9051 6.3.7
 * allows: a client may remember a mailbox that comes back. */
void imap_cmd_subscribe(struct imap_session *s, struct imap_reader *r)
{
	struct imap_mailbox_name name;
	struct err e;

	if (!read_one(s, r, &name))
		return;
	answer(s,
		store_subscribe(s->store, name.name,
			s->call.verb == IMAP_SUBSCRIBE, &e),
		&e);
}
