/*
 * imap_cmd_select.c - SELECT, EXAMINE, CLOSE, UNSELECT.
 * RFC 9051 6.3.2, 6.3.3, 6.4.1, 6.4.2; CONDSTORE and QRESYNC: RFC 7162 3.1.8,
 * 3.2.5
 *
 *	select = SP mailbox [SP "(" param *(SP param) ")"]
 *	param  = "CONDSTORE" / "QRESYNC" SP "(" uidvalidity SP modseq
 *	         [SP known-uids] [SP "(" known-numbers SP their-uids ")"] ")"
 *
 * Deliberate: the numbers that the client remembers beside its uids are read and
 * not used; they could only make the answer shorter (RFC 7162 3.2.5.2).
 */
#include "imap/imap_int.h"

#include "base/banned.h"

struct resync {
	bool is_wanted;
	uint32_t uidvalidity;
	uint64_t modseq;
	struct imap_set known; /* no ranges: all */
	/* the job */
	struct store_uids vanished;
	struct imap_set gaps; /* or so */
	size_t at;     /* of vanished, or of gaps */
	uint32_t told; /* number of the message */
};

void imap_unselect(struct imap_session *s)
{
	imap_context_end_all(s);
	store_uids_clear(&s->saved);
	if (s->is_selected)
		store_cursor_close(&s->cursor);
	s->is_selected = false;
	s->has_news = false;
}

/* ---- reading -------------------------------------------------------------------- */
static bool read_match(struct imap_session *s, struct imap_reader *r)
{
	struct imap_set ignored;

	if (s->is_uidonly)
		return imap_read_fails(r, IMAP_UID_REQUIRED);
	return imap_read_open(r) &&
		imap_read_set(r, UINT32_MAX, &ignored) && imap_read_sp(r) &&
		imap_read_set(r, UINT32_MAX, &ignored) && imap_read_close(r);
}

static bool read_resync(struct imap_session *s, struct imap_reader *r,
	struct resync *out)
{
	if (!s->has_qresync)
		return imap_read_fails(r, "QRESYNC was not enabled");
	if (!imap_read_sp(r) || !imap_read_open(r) ||
		!imap_read_number(r, &out->uidvalidity) || !imap_read_sp(r) ||
		!imap_read_number64(r, &out->modseq))
		return false;
	if (imap_next(r) == ' ') {
		(void)imap_read_sp(r);
		if (imap_next(r) != '(' &&
			!imap_read_set(r, UINT32_MAX, &out->known))
			return false;
		if (imap_next(r) == ' ')
			(void)imap_read_sp(r);
		if (imap_next(r) == '(' && !read_match(s, r))
			return false;
	}
	out->is_wanted = true;
	return imap_read_close(r);
}

static bool read_params(struct imap_session *s, struct imap_reader *r,
	struct resync *out)
{
	if (imap_is_end(r))
		return true;
	if (!imap_read_sp(r) || !imap_read_open(r))
		return false;
	for (bool first = true; imap_read_more(r, first); first = false) {
		if (imap_skip_word(r, SPAN("CONDSTORE")))
			s->has_condstore = true;
		else if (!imap_skip_word(r, SPAN("QRESYNC")))
			return imap_read_fails(r, "no such parameter");
		else if (!read_resync(s, r, out))
			return false;
	}
	return r->why == NULL && imap_read_end(r);
}

/* ---- what the client hears of the mailbox -------------------------------------------- */
/* The first message that nobody has read; 0: none.  RFC 3501 7.1 */
static uint32_t first_unseen(const struct store_view *v)
{
	for (size_t i = 0; i < v->count; i++)
		if (!(v->rows[i].flags & STORE_FLAG_SEEN))
			return (uint32_t)i + 1;
	return 0;
}

static void put_rev1(struct imap_session *s)
{
	uint32_t unseen = first_unseen(s->cursor.view);
	uint32_t recent = s->is_read_only
		? store_mailbox_unclaimed(s->store, s->cursor.view->mailbox)
		: store_cursor_recent_count(&s->cursor);

	buf_printf(&s->out, "* %u RECENT\r\n", recent);
	if (unseen > 0 && !s->is_uidonly)
		buf_printf(&s->out, "* OK [UNSEEN %u] the first unread\r\n",
			unseen);
}

static void put_mailbox(struct imap_session *s)
{
	const struct store_view *v = s->cursor.view;
	const struct store_mailbox *m = store_mailbox_get(s->store,
		v->mailbox);

	imap_put_mailbox_flags(s);
	buf_printf(&s->out, "* %u EXISTS\r\n", store_cursor_count(&s->cursor));
	if (!s->is_rev2)
		put_rev1(s);
	buf_printf(&s->out,
		"* OK [UIDVALIDITY %u] of all uids\r\n"
		"* OK [UIDNEXT %u] is the next uid\r\n"
		"* OK [HIGHESTMODSEQ %llu] is the last change\r\n"
		"* OK [MAILBOXID (F%llu)] stays when it is renamed\r\n",
		v->uidvalidity, v->uidnext,
		(unsigned long long)v->highestmodseq,
		(unsigned long long)v->mailbox);
	if (s->is_rev2 && m != NULL) {
		buf_puts(&s->out, "* LIST () \"/\" ");
		imap_put_mailbox(s, m->name);
		buf_puts(&s->out, "\r\n");
	}
}

/* ---- QRESYNC ----------------------------------------------------------------------------- */
static bool is_known(const struct resync *q, uint32_t uid)
{
	return q->known.count == 0 || imap_set_has(&q->known, uid);
}

static enum code find_vanished(struct imap_session *s, struct resync *q,
	struct err *e)
{
	bool is_complete;
	size_t n = 0;
	enum code code = store_vanished_since(s->cursor.view, q->modseq,
		&q->vanished, &is_complete, e);

	if (code != OK)
		return code;
	if (!is_complete) {
		q->vanished.count = 0;
		q->gaps = imap_missing(s, &q->known);
		return OK;
	}
	for (size_t i = 0; i < q->vanished.count; i++)
		if (is_known(q, q->vanished.items[i]))
			q->vanished.items[n++] = q->vanished.items[i];
	q->vanished.count = n;
	return OK;
}

/* As many as fit; a line for each piece. */
static void put_vanished(struct imap_session *s, struct resync *q)
{
	struct imap_set_writer w = {.out = &s->out};

	buf_puts(&s->out, "* VANISHED (EARLIER) ");
	for (; q->at < q->vanished.count && imap_has_room(s); q->at++)
		imap_set_put(&w, q->vanished.items[q->at]);
	for (; q->at < q->gaps.count && imap_has_room(s); q->at++)
		imap_set_put_range(&w, q->gaps.ranges[q->at].low,
			q->gaps.ranges[q->at].high);
	(void)imap_set_put_end(&w);
	buf_puts(&s->out, "\r\n");
}

static enum step job_resync(struct imap_session *s)
{
	struct resync *q = s->job_state;

	while (q->at < q->vanished.count || q->at < q->gaps.count) {
		if (!imap_has_room(s))
			return MORE;
		put_vanished(s, q);
	}
	while (q->told < store_cursor_count(&s->cursor)) {
		const struct store_row *row;
		uint32_t uid;

		if (!imap_has_room(s))
			return MORE;
		store_cursor_at(&s->cursor, ++q->told, &uid, &row);
		if (row != NULL && row->modseq > q->modseq &&
			is_known(q, uid))
			imap_put_flags_response(s, q->told, row);
	}
	return DONE;
}

static void end_resync(struct imap_session *s)
{
	struct resync *q = s->job_state;

	store_uids_clear(&q->vanished);
}

static enum code resync(struct imap_session *s, struct resync *q,
	struct err *e)
{
	struct resync *kept;
	enum code code;

	if (!q->is_wanted || q->uidvalidity != s->cursor.view->uidvalidity)
		return OK;
	kept = ARENA_NEW(&s->arena, struct resync);
	*kept = *q;
	code = find_vanished(s, kept, e);
	if (code == OK)
		imap_work(s, job_resync, kept, end_resync);
	else
		store_uids_clear(&kept->vanished);
	return code;
}

/* ---- the commands ------------------------------------------------------------------------- */
static enum code open_mailbox(struct imap_session *s, uint64_t id,
	struct resync *q, struct err *e)
{
	struct store_view *view;
	enum code code = store_view_open(s->store, id, &view, e);

	if (code != OK)
		return code;
	store_cursor_open(&s->cursor, view);
	store_view_close(view);
	s->is_selected = true;
	s->is_read_only = s->call.verb == IMAP_EXAMINE;
	s->told_modseq = s->cursor.view->highestmodseq;
	if (!s->is_read_only)
		store_cursor_claim_recent(&s->cursor);
	put_mailbox(s);
	return resync(s, q, e);
}

void imap_cmd_select(struct imap_session *s, struct imap_reader *r)
{
	struct imap_mailbox_name name;
	struct resync q = {0};
	const struct store_mailbox *m;
	struct err e;
	enum code code;

	if (!imap_read_sp(r) || !imap_read_mailbox(r, &name) ||
		!read_params(s, r, &q)) {
		imap_bad(s, r->why);
		return;
	}
	/* whatever becomes of this one, the other is closed: RFC 9051 6.3.2 */
	if (s->is_selected)
		buf_puts(&s->out, "* OK [CLOSED] the mailbox before\r\n");
	imap_unselect(s);
	m = imap_find_mailbox(s, &name, "NONEXISTENT");
	if (m == NULL)
		return;
	code = open_mailbox(s, m->id, &q, &e);
	if (code != OK) {
		imap_unselect(s);
		imap_no_code(s, code, &e);
	} else {
		imap_ok(s, s->is_read_only ? "[READ-ONLY] to look at"
					   : "[READ-WRITE] selected");
	}
}

/* Deletes what is marked, without a word of it. */
static enum code expunge_silently(struct imap_session *s, struct err *e)
{
	const struct store_view *v = s->cursor.view;
	struct store_uids uids = {0}, gone = {0};
	enum code code;

	for (size_t i = 0; i < v->count; i++)
		if (v->rows[i].flags & STORE_FLAG_DELETED)
			store_uids_put(&uids, v->rows[i].uid);
	code = uids.count == 0 ? OK
			       : store_expunge(s->cursor.view, uids.items,
					 uids.count, &gone, e);
	s->counts.expunged += gone.count;
	store_uids_clear(&uids);
	store_uids_clear(&gone);
	return code;
}

void imap_cmd_close(struct imap_session *s, struct imap_reader *r)
{
	struct err e;
	enum code code;

	if (!imap_read_end(r)) {
		imap_bad(s, r->why);
		return;
	}
	code = s->is_read_only ? OK : expunge_silently(s, &e);
	imap_unselect(s);
	if (code == OK)
		imap_ok(s, "closed");
	else
		imap_no_code(s, code, &e);
}

void imap_cmd_unselect(struct imap_session *s, struct imap_reader *r)
{
	if (!imap_read_end(r)) {
		imap_bad(s, r->why);
		return;
	}
	imap_unselect(s);
	imap_ok(s, "unselected");
}
