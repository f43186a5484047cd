/*
 * imap_cmd_fetch.c - FETCH: the job that answers it, and the items that are no
 * literals.  RFC 9051 6.4.5, 7.5.2; RFC 7162 3.1.4, 3.2.6; RFC 8474 5, RFC 8514,
 * RFC 8970, RFC 9394 3.3
 *
 *	(tell flags, set \Seen) -> message: item, item, … -> next message -> end
 *
 * \Seen is set for all messages at once before the first is sent: one commit,
 * and each answer can say the new flags.
 */
#include "base/time.h"
#include "imap/imap_fetch.h"
#include "message/imap_string.h"
#include "message/imap_view.h"

#include "base/banned.h"

/* ---- items ------------------------------------------------------------------------- */
static void put_number(struct imap_session *s, const struct imap_item *item,
	uint64_t number)
{
	buf_puts(&s->out, item->name);
	buf_putc(&s->out, ' ');
	buf_put_u64(&s->out, number);
}

void imap_put_item_flags(struct imap_session *s, struct imap_fetch *f,
	const struct imap_item *item)
{
	(void)item;
	imap_put_flags(s, &f->row);
}

void imap_put_item_uid(struct imap_session *s, struct imap_fetch *f,
	const struct imap_item *item)
{
	put_number(s, item, f->uid);
}

/* " 1-Feb-1994 12:34:56 +0000" out of "Tue, 01 Feb 1994 12:34:56 +0000" */
static void put_date(struct imap_session *s, const struct imap_item *item,
	int64_t wall_ms)
{
	struct buf text;
	struct span rest, day;

	buf_init(&text, 64);
	time_put_rfc5322(&text, wall_ms);
	rest = buf_span(&text);
	(void)span_cut(&rest, ' ');
	day = span_cut(&rest, ' ');
	buf_puts(&s->out, item->name);
	buf_puts(&s->out, day.n == 1 ? " \" " : " \"");
	buf_put(&s->out, day);
	buf_putc(&s->out, '-');
	buf_put(&s->out, span_cut(&rest, ' '));
	buf_putc(&s->out, '-');
	buf_put(&s->out, rest);
	buf_putc(&s->out, '"');
	buf_clear(&text);
}

void imap_put_item_date(struct imap_session *s, struct imap_fetch *f,
	const struct imap_item *item)
{
	put_date(s, item, f->row.received_ms);
}

void imap_put_item_saved(struct imap_session *s, struct imap_fetch *f,
	const struct imap_item *item)
{
	put_date(s, item, (int64_t)f->row.saved_s * 1000);
}

void imap_put_item_size(struct imap_session *s, struct imap_fetch *f,
	const struct imap_item *item)
{
	put_number(s, item, f->meta.size);
}

void imap_put_item_modseq(struct imap_session *s, struct imap_fetch *f,
	const struct imap_item *item)
{
	(void)item;
	buf_puts(&s->out, "MODSEQ (");
	buf_put_u64(&s->out, f->row.modseq);
	buf_putc(&s->out, ')');
}

void imap_put_item_envelope(struct imap_session *s, struct imap_fetch *f,
	const struct imap_item *item)
{
	(void)item;
	buf_puts(&s->out, "ENVELOPE ");
	imap_put_envelope(&s->out, f->meta.envelope);
}

void imap_put_item_body_form(struct imap_session *s, struct imap_fetch *f,
	const struct imap_item *item)
{
	(void)item;
	buf_puts(&s->out, "BODY ");
	imap_put_structure(&s->out, f->meta.tree, 0, false);
}

void imap_put_item_bodystructure(struct imap_session *s, struct imap_fetch *f,
	const struct imap_item *item)
{
	(void)item;
	buf_puts(&s->out, "BODYSTRUCTURE ");
	imap_put_structure(&s->out, f->meta.tree, 0, true);
}

void imap_put_item_email_id(struct imap_session *s, struct imap_fetch *f,
	const struct imap_item *item)
{
	(void)item;
	buf_puts(&s->out, "EMAILID (M");
	buf_put_u64(&s->out, f->row.message);
	buf_putc(&s->out, ')');
}

void imap_put_item_thread_id(struct imap_session *s, struct imap_fetch *f,
	const struct imap_item *item)
{
	(void)item;
	buf_puts(&s->out, "THREADID (T");
	buf_put_u64(&s->out, f->meta.thread);
	buf_putc(&s->out, ')');
}

void imap_put_item_preview(struct imap_session *s, struct imap_fetch *f,
	const struct imap_item *item)
{
	(void)item;
	buf_puts(&s->out, "PREVIEW ");
	imap_put_string(&s->out, f->meta.preview);
}

/* ---- \Seen ---------------------------------------------------------------------------- */
static void collect_unseen(struct imap_session *s, struct imap_fetch *f)
{
	struct imap_walk w = {.set = &f->set};

	while (imap_walk(s, &w)) {
		const struct store_row *row;
		uint32_t uid;

		store_cursor_at(&s->cursor, w.number, &uid, &row);
		if (row != NULL && !(row->flags & STORE_FLAG_SEEN) &&
			(!f->has_changed_since ||
				row->modseq > f->changed_since))
			store_uids_put(&f->seen, uid);
	}
}

/* That a message was read is not worth an answer less: trouble is only logged. */
static void set_seen(struct imap_session *s, struct imap_fetch *f)
{
	const struct store_flags_change change = {
		.how = STORE_FLAGS_ADD,
		.flags = STORE_FLAG_SEEN,
	};
	struct store_flags_result result = {0};
	struct err e;

	collect_unseen(s, f);
	if (f->seen.count == 0)
		return;
	if (store_flags_store(s->cursor.view, f->seen.items, f->seen.count,
		    &change, &result, &e) != OK) {
		imap_trouble(s, &e);
		store_uids_clear(&f->seen);
	}
	store_uids_clear(&result.failed);
	store_cursor_told(&s->cursor);
}

static bool became_seen(const struct imap_fetch *f, uint32_t uid)
{
	size_t low = 0, high = f->seen.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (f->seen.items[middle] < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < f->seen.count && f->seen.items[low] == uid;
}

/* ---- VANISHED --------------------------------------------------------------------------- */
/* Those of the set that are not there any more: RFC 7162 3.2.6. */
static void put_vanished(struct imap_session *s, struct imap_fetch *f)
{
	struct store_uids gone = {0};
	struct imap_set_writer w = {.out = &s->out};
	bool is_complete = true;
	struct err e;
	size_t start = buf_len(&s->out);

	if (store_vanished_since(s->cursor.view, f->changed_since, &gone,
		    &is_complete, &e) != OK)
		imap_trouble(s, &e);
	buf_puts(&s->out, "* VANISHED (EARLIER) ");
	if (!is_complete) {
		struct imap_set missing = imap_missing(s, &f->asked);

		gone.count = 0;
		for (size_t i = 0; i < missing.count; i++)
			imap_set_put_range(&w, missing.ranges[i].low,
				missing.ranges[i].high);
	}
	for (size_t i = 0; i < gone.count; i++)
		if (imap_set_has(&f->asked, gone.items[i]))
			imap_set_put(&w, gone.items[i]);
	if (imap_set_put_end(&w))
		buf_puts(&s->out, "\r\n");
	else
		buf_truncate(&s->out, start);
	store_uids_clear(&gone);
}

/* ---- the job ------------------------------------------------------------------------------ */
static void put_separator(struct imap_session *s, struct imap_fetch *f)
{
	if (!f->is_first)
		buf_putc(&s->out, ' ');
	f->is_first = false;
}

static bool load_meta(struct imap_session *s, struct imap_fetch *f)
{
	struct err e;
	enum code code;

	f->meta.size = f->row.size;
	/* the row knows nearly all sizes */
	if (f->row.size == UINT32_MAX) {
		store_metas_end(&f->metas);
		f->metas.what = STORE_META_ALL;
	}
	if (f->metas.what == 0)
		return true;
	arena_reset(&f->arena);
	code = store_metas_get(s->store, &f->metas, f->row.message, &f->arena,
		&f->meta, &e);
	if (code == OK)
		return true;
	if (code == NOT_FOUND) {
		f->has_gone = true;
	} else {
		f->has_damaged = true;
		imap_trouble(s, &e);
	}
	return false;
}

static void begin_message(struct imap_session *s, struct imap_fetch *f)
{
	const struct store_row *row;

	store_cursor_at(&s->cursor, f->walk.number, &f->uid, &row);
	if (row == NULL) {
		f->has_gone = true;
		return;
	}
	if (f->has_changed_since && row->modseq <= f->changed_since)
		return;
	if (f->uid >= f->skip_from && f->uid < f->skip_end)
		return;
	f->row = *row;
	if (!load_meta(s, f))
		return;
	f->in_message = f->is_first = true;
	f->at = 0;
	imap_put_fetch(s, f->walk.number, f->uid);
	if ((s->call.is_uid || f->is_notice) && !f->has_uid &&
		!s->is_uidonly) {
		put_separator(s, f);
		buf_puts(&s->out, "UID ");
		buf_put_u64(&s->out, f->uid);
	}
}

static void end_message(struct imap_session *s, struct imap_fetch *f)
{
	bool is_seen = became_seen(f, f->uid);

	if (is_seen && !f->has_flags) {
		put_separator(s, f);
		imap_put_flags(s, &f->row);
	}
	if (!f->has_modseq &&
		(f->has_changed_since || (is_seen && s->has_condstore))) {
		put_separator(s, f);
		imap_put_item_modseq(s, f, NULL);
	}
	buf_puts(&s->out, ")\r\n");
	f->in_message = false;
}

static void put_next(struct imap_session *s, struct imap_fetch *f)
{
	const struct imap_item *item;

	if (f->at == f->item_count) {
		end_message(s, f);
		return;
	}
	item = &f->items[f->at++];
	put_separator(s, f);
	item->put(s, f, item);
}

static enum step finish(struct imap_session *s, const struct imap_fetch *f)
{
	if (f->has_unknown_cte)
		imap_no(s, "[UNKNOWN-CTE] a part is encoded in no known way");
	else if (f->refused != NULL)
		imap_no(s, f->refused);
	else if (f->has_damaged)
		imap_no(s, "[CORRUPTION] a message is damaged");
	else if (f->has_gone && !s->call.is_uid)
		imap_no(s, "[EXPUNGEISSUED] some of them are gone");
	else
		imap_ok(s, "that is all");
	return DONE;
}

/* Numbers or uids that are named, there or not. */
static bool names_many(const struct imap_set *set)
{
	uint64_t count = 0;

	for (size_t i = 0; i < set->count && count < STORE_MANY; i++)
		count += (uint64_t)set->ranges[i].high - set->ranges[i].low + 1;
	return count >= STORE_MANY;
}

static enum step begin(struct imap_session *s, struct imap_fetch *f)
{
	bool writes = f->sets_seen && !s->is_read_only;

	if (writes && imap_tell_flags(s) == MORE)
		return MORE;
	f->is_begun = true;
	f->metas.is_long = names_many(&f->set) &&
		s->cursor.view->count >= STORE_MANY;
	f->walk = (struct imap_walk){.set = &f->set};
	if (writes)
		set_seen(s, f);
	if (f->wants_vanished)
		put_vanished(s, f);
	return DONE;
}

static bool has_next(struct imap_session *s, struct imap_fetch *f)
{
	if (!f->is_notice)
		return imap_walk(s, &f->walk);
	while (f->walk.next < f->notice_uids.count) {
		f->walk.number = store_cursor_number(&s->cursor,
			f->notice_uids.items[f->walk.next++]);
		if (f->walk.number > 0)
			return true;
	}
	if (f->notice_uids.count > 0)
		return false;
	return ++f->walk.number < f->walk.end;
}

static enum step put_messages(struct imap_session *s, struct imap_fetch *f)
{
	while (imap_has_room(s)) {
		if (f->is_sending) {
			enum step step = imap_fetch_send(s, f);

			if (step != DONE)
				return step;
		} else if (f->in_message) {
			put_next(s, f);
		} else if (has_next(s, f)) {
			begin_message(s, f);
		} else {
			return DONE;
		}
	}
	return MORE;
}

enum step imap_fetch_go_on(struct imap_session *s, struct imap_fetch *f)
{
	enum step step = put_messages(s, f);

	store_metas_end(&f->metas);
	return step;
}

static enum step job_fetch(struct imap_session *s)
{
	struct imap_fetch *f = s->job_state;
	enum step step;

	if (!f->is_begun && begin(s, f) == MORE)
		return MORE;
	step = imap_fetch_go_on(s, f);
	return step == DONE ? finish(s, f) : step;
}

void imap_fetch_clear(struct imap_fetch *f)
{
	if (f->is_sending)
		imap_bytes_close(&f->bytes);
	store_uids_clear(&f->seen);
	store_uids_clear(&f->notice_uids);
	arena_clear(&f->arena);
}

static void end_fetch(struct imap_session *s)
{
	imap_fetch_clear(s->job_state);
}

void imap_cmd_fetch(struct imap_session *s, struct imap_reader *r)
{
	struct imap_fetch *f = ARENA_NEW(&s->arena, struct imap_fetch);

	if (!imap_read_sp(r) || !imap_read_messages(s, r, &f->asked) ||
		!imap_read_sp(r) || !imap_fetch_read(s, r, f)) {
		imap_bad(s, r->why);
		return;
	}
	arena_init(&f->arena, STORE_META_ARENA_BYTES);
	imap_tell_begin(s);
	imap_work(s, job_fetch, f, end_fetch);
}
