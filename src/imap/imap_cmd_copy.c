/*
 * imap_cmd_copy.c - COPY, MOVE, EXPUNGE.  RFC 9051 6.4.3, 6.4.7, 6.4.8,
 * RFC 4315 (UIDPLUS), RFC 6851 (MOVE), RFC 7162 3.2.7, 3.2.9 (HIGHESTMODSEQ)
 */
#include "imap/imap_int.h"

#include "base/banned.h"

static bool is_writable(struct imap_session *s)
{
	if (s->is_read_only)
		imap_no(s, "[NOPERM] the mailbox was opened to be looked at");
	return !s->is_read_only;
}

/* ---- COPY and MOVE --------------------------------------------------------------- */
/* "[COPYUID 38505 304,319:320 3956:3958]" */
static void put_copyuid(struct imap_session *s, struct buf *out,
	uint32_t uidvalidity, const struct store_copied *c)
{
	struct imap_set_writer from = {.out = out};
	struct imap_set_writer to = {.out = out};

	(void)s;
	buf_printf(out, "[COPYUID %u ", uidvalidity);
	for (size_t i = 0; i < c->from.count; i++)
		imap_set_put(&from, c->from.items[i]);
	(void)imap_set_put_end(&from);
	buf_putc(out, ' ');
	imap_set_put_range(&to, c->first_uid,
		c->first_uid + (uint32_t)c->from.count - 1);
	(void)imap_set_put_end(&to);
	buf_puts(out, "] ");
}

/* RFC 7162 3.2.7, 3.2.9, RFC 6851 4.4: what is told before this is all that there
 * is up to it. */
static void put_highestmodseq(struct imap_session *s)
{
	if (s->has_qresync)
		buf_printf(&s->final, "[HIGHESTMODSEQ %llu] ",
			(unsigned long long)s->cursor.view->highestmodseq);
}

/* MOVE says the uids before the expunges: RFC 9051 6.4.8. */
static void answer_copy(struct imap_session *s, uint64_t target,
	const struct store_copied *c, bool has_ghosts)
{
	const struct store_mailbox *m = store_mailbox_get(s->store, target);
	bool is_move = s->call.verb == IMAP_MOVE;

	if (is_move)
		s->counts.expunged += c->from.count;
	if (is_move && c->from.count > 0 && m != NULL) {
		buf_puts(&s->out, "* OK ");
		put_copyuid(s, &s->out, m->uidvalidity, c);
		buf_puts(&s->out, "moved\r\n");
	}
	if (has_ghosts && !s->call.is_uid && c->from.count == 0) {
		imap_no(s, "[EXPUNGEISSUED] they are gone");
		return;
	}
	imap_begin_final(s, "OK");
	if (!is_move && c->from.count > 0 && m != NULL)
		put_copyuid(s, &s->final, m->uidvalidity, c);
	if (is_move && c->from.count > 0)
		put_highestmodseq(s);
	buf_puts(&s->final, is_move ? "moved" : "copied");
}

static void copy(struct imap_session *s, const struct imap_set *set,
	uint64_t target)
{
	struct store_uids uids = {0};
	struct store_copied copied = {0};
	bool has_ghosts;
	struct err e;
	enum code code;

	imap_collect_uids(s, set, &uids, &has_ghosts);
	code = uids.count == 0 ? OK
		: s->call.verb == IMAP_MOVE
		? store_move(s->cursor.view, uids.items, uids.count, target,
			  s->now_ms, &copied, &e)
		: store_copy(s->cursor.view, uids.items, uids.count, target,
			  s->now_ms, &copied, &e);
	if (code == OK)
		answer_copy(s, target, &copied, has_ghosts);
	else
		imap_no_code(s, code, &e);
	store_uids_clear(&uids);
	store_uids_clear(&copied.from);
}

void imap_cmd_copy(struct imap_session *s, struct imap_reader *r)
{
	struct imap_set set;
	struct imap_mailbox_name name;
	const struct store_mailbox *m;

	if (!imap_read_sp(r) || !imap_read_messages(s, r, &set) ||
		!imap_read_sp(r) || !imap_read_mailbox(r, &name) ||
		!imap_read_end(r)) {
		imap_bad(s, r->why);
		return;
	}
	if (s->call.verb == IMAP_MOVE && !is_writable(s))
		return;
	m = imap_find_mailbox(s, &name, "TRYCREATE");
	if (m != NULL)
		copy(s, &set, m->id);
}

/* ---- EXPUNGE ------------------------------------------------------------------------ */
static void collect_deleted(struct imap_session *s, const struct imap_set *set,
	struct store_uids *out)
{
	const struct store_view *v = s->cursor.view;

	for (size_t i = 0; i < v->count; i++) {
		const struct store_row *row = &v->rows[i];

		if ((row->flags & STORE_FLAG_DELETED) &&
			(set == NULL || imap_set_has(set, row->uid)))
			store_uids_put(out, row->uid);
	}
}

static void answer_expunge(struct imap_session *s, bool has_any)
{
	imap_begin_final(s, "OK");
	if (has_any)
		put_highestmodseq(s);
	buf_puts(&s->final, "expunged");
}

void imap_cmd_expunge(struct imap_session *s, struct imap_reader *r)
{
	struct imap_set set;
	bool has_set = s->call.is_uid;
	struct store_uids uids = {0}, gone = {0};
	struct err e;
	enum code code = OK;

	if ((has_set && (!imap_read_sp(r) ||
				!imap_read_messages(s, r, &set))) ||
		!imap_read_end(r)) {
		imap_bad(s, r->why);
		return;
	}
	if (!is_writable(s))
		return;
	collect_deleted(s, has_set ? &set : NULL, &uids);
	if (uids.count > 0)
		code = store_expunge(s->cursor.view, uids.items, uids.count,
			&gone, &e);
	s->counts.expunged += gone.count;
	if (code == OK)
		answer_expunge(s, gone.count > 0);
	else
		imap_no_code(s, code, &e);
	store_uids_clear(&uids);
	store_uids_clear(&gone);
}
