/*
 * imap_tell.c - what changed in the mailbox that is selected, in untagged
 * responses.  RFC 9051 5.2, 7.5.1; RFC 7162 3.2.10 (VANISHED); RFC 9586;
 * RFC 5465 (NOTIFY: what of it the client wants)
 *
 *	KEYWORDS -> CHANGED -> CONTEXTS_CHANGED -> EXPUNGED -> NEW ->
 *	CONTEXTS_NEW -> FETCH -> NEWS -> DONE
 *
 * Flags come first, in the numbers that the client knows; then messages go, the
 * highest number first, so that each number is right when it is said; then new
 * ones come.  While the answer waits for a slow client others may change more:
 * flags are told again then, and who came or went is told later.
 */
#include "imap/imap_notify.h"

#include "base/banned.h"

/* ---- flags ------------------------------------------------------------------- */
static const struct {
	unsigned flag;
	const char *name;
} system_flags[] = {
	{STORE_FLAG_ANSWERED, "\\Answered"},
	{STORE_FLAG_FLAGGED, "\\Flagged"},
	{STORE_FLAG_DELETED, "\\Deleted"},
	{STORE_FLAG_SEEN, "\\Seen"},
	{STORE_FLAG_DRAFT, "\\Draft"},
};
#define SYSTEM_FLAGS (sizeof(system_flags) / sizeof(system_flags[0]))

static void put_flag(struct buf *out, struct span name, bool *is_first)
{
	if (!*is_first)
		buf_putc(out, ' ');
	*is_first = false;
	buf_put(out, name);
}

void imap_put_flags(struct imap_session *s, const struct store_row *row)
{
	const struct store_view *v = s->cursor.view;
	bool is_first = true;

	buf_puts(&s->out, "FLAGS (");
	for (size_t i = 0; i < SYSTEM_FLAGS; i++)
		if (row->flags & system_flags[i].flag)
			put_flag(&s->out, span_str(system_flags[i].name),
				&is_first);
	for (size_t i = 0; i < v->keyword_count; i++)
		if (row->keywords >> i & 1)
			put_flag(&s->out, v->keywords[i], &is_first);
	if (!s->is_rev2 && store_cursor_is_recent(&s->cursor, row->uid))
		put_flag(&s->out, SPAN("\\Recent"), &is_first);
	buf_putc(&s->out, ')');
}

static void put_all_flags(struct imap_session *s)
{
	const struct store_view *v = s->cursor.view;
	bool is_first = true;

	for (size_t i = 0; i < SYSTEM_FLAGS; i++)
		put_flag(&s->out, span_str(system_flags[i].name), &is_first);
	for (size_t i = 0; i < v->keyword_count; i++)
		if (v->keywords[i].n > 0)
			put_flag(&s->out, v->keywords[i], &is_first);
}

void imap_put_mailbox_flags(struct imap_session *s)
{
	buf_puts(&s->out, "* FLAGS (");
	put_all_flags(s);
	buf_puts(&s->out, ")\r\n* OK [PERMANENTFLAGS (");
	if (!s->is_read_only) {
		put_all_flags(s);
		if (store_view_has_keyword_room(s->cursor.view))
			buf_puts(&s->out, " \\*");
	}
	buf_puts(&s->out, ")] these are kept\r\n");
}

void imap_put_fetch(struct imap_session *s, uint32_t number, uint32_t uid)
{
	buf_puts(&s->out, "* ");
	buf_put_u64(&s->out, s->is_uidonly ? uid : number);
	buf_puts(&s->out, s->is_uidonly ? " UIDFETCH (" : " FETCH (");
}

bool imap_wants_uid(const struct imap_session *s)
{
	/* RFC 5465 5.1 */
	bool is_notified = s->notify != NULL && s->notify->is_set;

	return !s->is_uidonly && (s->call.is_uid || s->is_rev2 ||
		s->has_qresync || is_notified);
}

void imap_put_flags_response(struct imap_session *s, uint32_t number,
	const struct store_row *row)
{
	imap_put_fetch(s, number, row->uid);
	if (imap_wants_uid(s)) {
		buf_puts(&s->out, "UID ");
		buf_put_u64(&s->out, row->uid);
		buf_putc(&s->out, ' ');
	}
	if (s->has_condstore) {
		buf_puts(&s->out, "MODSEQ (");
		buf_put_u64(&s->out, row->modseq);
		buf_puts(&s->out, ") ");
	}
	imap_put_flags(s, row);
	buf_puts(&s->out, ")\r\n");
}

/* ---- stages -------------------------------------------------------------------- */
static void put_keywords(struct imap_session *s)
{
	if (store_cursor_news(&s->cursor) & STORE_NEWS_KEYWORDS)
		imap_put_mailbox_flags(s);
}

static enum step put_changed(struct imap_session *s)
{
	while (imap_has_room(s)) {
		const struct store_row *row;
		uint32_t uid;

		s->told = store_cursor_next_changed(&s->cursor, s->told);
		if (s->told == 0 && s->has_news) {
			/* more changed while the client read */
			s->has_news = false;
			continue;
		}
		if (s->told == 0) {
			store_cursor_told(&s->cursor);
			return DONE;
		}
		store_cursor_at(&s->cursor, s->told, &uid, &row);
		if (row != NULL)
			imap_put_flags_response(s, s->told, row);
	}
	return MORE;
}

static enum step tell_keywords(struct imap_session *s)
{
	if (imap_notify_wants(s, IMAP_NOTIFY_FLAGS))
		put_keywords(s);
	return DONE;
}

static enum step tell_changed(struct imap_session *s)
{
	return imap_notify_wants(s, IMAP_NOTIFY_FLAGS) ? put_changed(s) : DONE;
}

/* The uids come from the highest down; ranges are made as they come. */
static enum step tell_vanished(struct imap_session *s)
{
	uint32_t uid, low = 0, high = 0;
	bool has_any = false;

	while (imap_has_room(s) &&
		store_cursor_take_expunged(&s->cursor, &uid) > 0) {
		if (low > 0 && uid + 1 == low) {
			low = uid;
			continue;
		}
		if (low > 0) {
			buf_printf(&s->out, low == high ? "%s%u" : "%s%u:%u",
				has_any ? "," : "* VANISHED ", low, high);
			has_any = true;
		}
		low = high = uid;
	}
	if (low > 0) {
		buf_printf(&s->out, low == high ? "%s%u\r\n" : "%s%u:%u\r\n",
			has_any ? "," : "* VANISHED ", low, high);
	}
	return imap_has_room(s) ? DONE : MORE;
}

static enum step tell_expunged(struct imap_session *s)
{
	uint32_t uid, number;

	imap_context_tell_gone(s);
	if (!s->may_expunge || !imap_notify_wants(s, IMAP_NOTIFY_EXPUNGE))
		return DONE;
	if (s->has_qresync || s->is_uidonly)
		return tell_vanished(s);
	while (imap_has_room(s)) {
		number = store_cursor_take_expunged(&s->cursor, &uid);
		if (number == 0)
			return DONE;
		buf_puts(&s->out, "* ");
		buf_put_u64(&s->out, number);
		buf_puts(&s->out, " EXPUNGE\r\n");
	}
	return MORE;
}

static enum step tell_new(struct imap_session *s)
{
	if (!(store_cursor_news(&s->cursor) & STORE_NEWS_NEW) ||
		!imap_notify_wants(s, IMAP_NOTIFY_NEW))
		return DONE;
	imap_notify_came(s, store_cursor_count(&s->cursor));
	buf_puts(&s->out, "* ");
	buf_put_u64(&s->out, store_cursor_take_new(&s->cursor));
	buf_puts(&s->out, " EXISTS\r\n");
	if (!s->is_read_only)
		store_cursor_claim_recent(&s->cursor);
	if (s->is_rev2)
		return DONE;
	buf_puts(&s->out, "* ");
	buf_put_u64(&s->out, store_cursor_recent_count(&s->cursor));
	buf_puts(&s->out, " RECENT\r\n");
	return DONE;
}

void imap_tell_begin(struct imap_session *s)
{
	s->tell = s->is_selected ? IMAP_TELL_KEYWORDS : IMAP_TELL_NEWS;
	s->told = 0;
	s->has_news = false;
	if (s->is_selected)
		s->tell_modseq = s->cursor.view->highestmodseq;
}

static bool wants_all(const struct imap_session *s)
{
	return imap_notify_wants(s, IMAP_NOTIFY_NEW) &&
		imap_notify_wants(s, IMAP_NOTIFY_EXPUNGE) &&
		imap_notify_wants(s, IMAP_NOTIFY_FLAGS);
}

/* Expunges that wait are older than modseqs that were said: a client that kept
 * the highest of those would never hear of them.  RFC 7162 3.2 */
static void end_tell(struct imap_session *s)
{
	if (!s->is_selected || !wants_all(s))
		return;
	if (!(store_cursor_news(&s->cursor) & STORE_NEWS_EXPUNGED))
		s->told_modseq = s->tell_modseq;
	else if (s->has_qresync)
		buf_printf(&s->out, "* OK [HIGHESTMODSEQ %llu] so far\r\n",
			(unsigned long long)s->told_modseq);
}

enum step imap_tell(struct imap_session *s)
{
	static imap_job_fn *const stages[] = {
		[IMAP_TELL_KEYWORDS] = tell_keywords,
		[IMAP_TELL_CHANGED] = tell_changed,
		[IMAP_TELL_CONTEXTS_CHANGED] = imap_context_tell_changed,
		[IMAP_TELL_EXPUNGED] = tell_expunged,
		[IMAP_TELL_NEW] = tell_new,
		[IMAP_TELL_CONTEXTS_NEW] = imap_context_tell_new,
		[IMAP_TELL_FETCH] = imap_notify_fetch,
		[IMAP_TELL_NEWS] = imap_notify_say,
	};

	while (s->tell != IMAP_TELL_DONE) {
		enum step step = stages[s->tell](s);

		if (step != DONE)
			return step;
		s->tell++;
		if (s->tell == IMAP_TELL_DONE)
			end_tell(s);
	}
	return DONE;
}

/* Deliberate: also to a client whose NOTIFY did not ask for flags.  Behind this
 * all of them count as told, and if it asks later it would never hear them. */
enum step imap_tell_flags(struct imap_session *s)
{
	if (s->tell == IMAP_TELL_KEYWORDS) {
		put_keywords(s);
		s->tell = IMAP_TELL_CHANGED;
	}
	if (put_changed(s) == MORE)
		return MORE;
	s->tell = IMAP_TELL_DONE;
	return DONE;
}
