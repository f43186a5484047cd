/*
 * imap_cmd_store.c - STORE: flags of messages.  RFC 9051 6.4.6, RFC 7162 3.1.3
 *
 *	store = "STORE" SP set [SP "(" "UNCHANGEDSINCE" SP modseq ")"] SP
 *	        ["+" / "-"] "FLAGS" [".SILENT"] SP ("(" flags ")" / flags)
 *
 * What others changed is told before, so that afterwards the client knows all
 * flags, silent or not (store_view.h, store_cursor_told).
 */
#include "imap/imap_int.h"

#include "imap/imap_flags.h"

#include "base/banned.h"

enum stage { TELL_BEFORE, WRITE, TELL_AFTER };

struct storing {
	enum stage stage;
	struct imap_set set;
	struct imap_flags flags;
	struct store_flags_change change;
	bool is_silent;
	struct imap_walk walk; /* TELL_AFTER */
	struct store_uids failed; /* owned */
	uint64_t modseq;
	bool has_ghosts;
};

/* ---- reading ------------------------------------------------------------------- */
static bool read_modifier(struct imap_session *s, struct imap_reader *r,
	struct storing *st)
{
	if (!imap_read_open(r))
		return false;
	if (!imap_skip_word(r, SPAN("UNCHANGEDSINCE")))
		return imap_read_fails(r, "no such modifier");
	st->change.has_unchanged_since = true;
	imap_enable_condstore(s);
	return imap_read_sp(r) &&
		imap_read_number64(r, &st->change.unchanged_since) &&
		imap_read_close(r) && imap_read_sp(r);
}

static bool read_item(struct imap_reader *r, struct storing *st)
{
	st->change.how = STORE_FLAGS_REPLACE;
	if (imap_skip(r, SPAN("+")))
		st->change.how = STORE_FLAGS_ADD;
	else if (imap_skip(r, SPAN("-")))
		st->change.how = STORE_FLAGS_REMOVE;
	st->is_silent = imap_skip_word(r, SPAN("FLAGS.SILENT"));
	if (!st->is_silent && !imap_skip_word(r, SPAN("FLAGS")))
		return imap_read_fails(r, "FLAGS is expected here");
	return imap_read_sp(r);
}

static bool read_store(struct imap_session *s, struct imap_reader *r,
	struct storing *st)
{
	if (!imap_read_sp(r) || !imap_read_messages(s, r, &st->set) ||
		!imap_read_sp(r))
		return false;
	if (imap_next(r) == '(' && !read_modifier(s, r, st))
		return false;
	return read_item(r, st) && imap_read_flags(r, &st->flags) &&
		imap_read_end(r);
}

/* ---- the job --------------------------------------------------------------------- */
static enum code write_flags(struct imap_session *s, struct storing *st,
	struct err *e)
{
	struct store_flags_result result = {0};
	struct store_uids uids = {0};
	enum code code;

	imap_collect_uids(s, &st->set, &uids, &st->has_ghosts);
	st->change.flags = st->flags.bits;
	st->change.keywords = st->flags.keywords;
	st->change.keyword_count = st->flags.count;
	code = store_flags_store(s->cursor.view, uids.items, uids.count,
		&st->change, &result, e);
	st->failed = result.failed;
	st->modseq = result.modseq;
	store_uids_clear(&uids);
	return code;
}

static bool has_failed(const struct storing *st, uint32_t uid)
{
	size_t low = 0, high = st->failed.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (st->failed.items[middle] == uid)
			return true;
		if (st->failed.items[middle] < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* Must the client hear the modseq of one that was stored in silence?  After a
 * conditional STORE also if its flags were so before: RFC 7162 3.1.3. */
static bool wants_modseq(const struct imap_session *s,
	const struct storing *st, const struct store_row *row)
{
	return s->has_condstore && (row->modseq == st->modseq ||
		st->change.has_unchanged_since);
}

/* All that were named, as a FETCH of their flags: RFC 9051 6.4.6.  A silent one
 * tells a client of CONDSTORE the modseq, and of failures what they are now. */
static void put_after(struct imap_session *s, struct storing *st,
	uint32_t number)
{
	const struct store_row *row;
	uint32_t uid;

	store_cursor_at(&s->cursor, number, &uid, &row);
	if (row == NULL)
		return;
	if (!st->is_silent || has_failed(st, uid)) {
		imap_put_flags_response(s, number, row);
	} else if (wants_modseq(s, st, row)) {
		imap_put_fetch(s, number, uid);
		if (imap_wants_uid(s))
			buf_printf(&s->out, "UID %u ", uid);
		buf_printf(&s->out, "MODSEQ (%llu))\r\n",
			(unsigned long long)row->modseq);
	}
}

/* RFC 7162 3.1.3: numbers, or uids after UID; NO, as in its example 10, if there
 * are numbers whose messages are gone. */
static void say_modified(struct imap_session *s, const struct storing *st)
{
	struct imap_set_writer w = {.out = &s->final};

	imap_begin_final(s, st->has_ghosts && !s->call.is_uid ? "NO" : "OK");
	buf_puts(&s->final, "[MODIFIED ");
	for (size_t i = 0; i < st->failed.count; i++)
		imap_set_put(&w,
			s->call.is_uid ? st->failed.items[i]
				       : store_cursor_number(&s->cursor,
						 st->failed.items[i]));
	(void)imap_set_put_end(&w);
	buf_puts(&s->final, "] others were changed by somebody else");
}

static void say_end(struct imap_session *s, const struct storing *st)
{
	if (st->failed.count > 0)
		say_modified(s, st);
	else if (st->has_ghosts && !s->call.is_uid)
		imap_no(s, "[EXPUNGEISSUED] some of them are gone");
	else
		imap_ok(s, "done");
}

static enum step write_all(struct imap_session *s, struct storing *st)
{
	struct err e;
	enum code code = write_flags(s, st, &e);

	st->walk = (struct imap_walk){.set = &st->set};
	if (code != OK) {
		if (code == SYNTAX)
			imap_bad(s, "a keyword is an atom");
		else if (code == LIMIT)
			imap_no(s, "[LIMIT] no room for another keyword");
		else
			imap_no_code(s, code, &e);
		return DONE;
	}
	if (store_cursor_news(&s->cursor) & STORE_NEWS_KEYWORDS)
		imap_put_mailbox_flags(s);
	store_cursor_told(&s->cursor);
	st->stage = TELL_AFTER;
	return MORE;
}

static enum step job_store(struct imap_session *s)
{
	struct storing *st = s->job_state;

	if (st->stage == TELL_BEFORE) {
		if (imap_tell_flags(s) == MORE)
			return MORE;
		st->stage = WRITE;
	}
	if (st->stage == WRITE && write_all(s, st) == DONE)
		return DONE;
	while (imap_walk(s, &st->walk)) {
		put_after(s, st, st->walk.number);
		if (!imap_has_room(s))
			return MORE;
	}
	say_end(s, st);
	return DONE;
}

static void end_store(struct imap_session *s)
{
	struct storing *st = s->job_state;

	store_uids_clear(&st->failed);
}

void imap_cmd_store(struct imap_session *s, struct imap_reader *r)
{
	struct storing *st = ARENA_NEW(&s->arena, struct storing);

	if (!read_store(s, r, st)) {
		imap_bad(s, r->why);
		return;
	}
	if (s->is_read_only) {
		imap_no(s, "[NOPERM] the mailbox was opened to be looked at");
		return;
	}
	imap_tell_begin(s);
	imap_work(s, job_store, st, end_store);
}
