/*
 * imap_sleep.c - sessions that sleep: packed, and unpacked.  See imap_sleep.h.
 *
 *	version 1, the booleans as bits, the tag of IDLE, what was counted;
 *	if a mailbox is selected: its id, the mark of the cursor, "$"
 *
 * Numbers are little-endian, one by one.  A field of struct imap_session that a
 * client would notice stands here, or keeps the session awake
 * (imap_session_may_sleep).
 */
#include "imap/imap_sleep.h"

#include <stddef.h>

#include "base/mem.h"
#include "imap/imap_int.h"

#include "base/banned.h"

#define VERSION 1
/* "$" of more than this is worth staying awake for. */
#define SAVED_MAX 256u

/* A boolean a bit, in order: a new one comes at the end. */
static const size_t booleans[] = {
	offsetof(struct imap_session, is_utf8),
	offsetof(struct imap_session, is_rev2),
	offsetof(struct imap_session, has_condstore),
	offsetof(struct imap_session, has_qresync),
	offsetof(struct imap_session, is_selected),
	offsetof(struct imap_session, is_read_only),
	offsetof(struct imap_session, is_uidonly),
};
#define BOOLEANS (sizeof(booleans) / sizeof(booleans[0]))

/* ---- numbers --------------------------------------------------------------------- */
static void put(struct buf *out, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		buf_putc(out, (uint8_t)(value >> 8 * i));
}

/* What is not there any more is 0, and left.p is NULL from then on. */
static uint64_t get(struct span *left, unsigned bytes)
{
	uint64_t value = 0;

	if (left->n < bytes) {
		*left = (struct span){0};
		return 0;
	}
	for (unsigned i = 0; i < bytes; i++)
		value |= (uint64_t)left->p[i] << 8 * i;
	*left = span_tail(*left, bytes);
	return value;
}

/* ---- sleep ------------------------------------------------------------------------- */
bool imap_session_may_sleep(const struct imap_session *s)
{
	struct store_mark mark;

	if (s->phase != IMAP_IDLING || s->compress != IMAP_PLAIN ||
		s->gather.count > 0 || s->notify != NULL ||
		s->contexts != NULL || s->is_ending || s->has_news ||
		s->has_trouble || s->tell != IMAP_TELL_DONE ||
		buf_len(&s->out) > 0 || !imap_line_is_idle(&s->line))
		return false;
	return !s->is_selected || (s->saved.count <= SAVED_MAX &&
		store_cursor_mark(&s->cursor, &mark));
}

static void put_mailbox(const struct imap_session *s, struct buf *out)
{
	struct store_mark m;

	must(store_cursor_mark(&s->cursor, &m));
	put(out, s->cursor.view->mailbox, 8);
	put(out, s->told_modseq, 8);
	put(out, m.uidvalidity, 4);
	put(out, m.uid_limit, 4);
	put(out, m.told_modseq, 8);
	put(out, m.keywords, 8);
	put(out, m.recent_count, 1);
	for (size_t i = 0; i < m.recent_count; i++) {
		put(out, m.recent[i].from, 4);
		put(out, m.recent[i].to, 4);
	}
	put(out, s->saved.count, 2);
	for (size_t i = 0; i < s->saved.count; i++)
		put(out, s->saved.items[i], 4);
}

void imap_session_sleep(const struct imap_session *s, struct buf *out)
{
	uint64_t bits = 0;

	must(imap_session_may_sleep(s));
	for (size_t i = 0; i < BOOLEANS; i++)
		if (*(const bool *)((const char *)s + booleans[i]))
			bits |= UINT64_C(1) << i;
	put(out, VERSION, 1);
	put(out, bits, 4);
	put(out, buf_len(&s->tag), 1);
	buf_put(out, buf_span(&s->tag));
	put(out, s->counts.commands, 8);
	put(out, s->counts.fetched, 8);
	put(out, s->counts.appended, 8);
	put(out, s->counts.expunged, 8);
	if (s->is_selected)
		put_mailbox(s, out);
}

/* ---- wake -------------------------------------------------------------------------- */
static enum code damaged(struct err *e)
{
	return err_set(e, SYNTAX, "this is no session that sleeps");
}

/* It was said by the client, and will be said to it. */
static bool get_tag(struct imap_session *s, struct span *left)
{
	size_t n = (size_t)get(left, 1);
	struct span tag = span_head(*left, n);

	if (n == 0 || n > IMAP_TAG_MAX || tag.n < n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (tag.p[i] <= ' ' || tag.p[i] >= 0x7f)
			return false;
	buf_put(&s->tag, tag);
	*left = span_tail(*left, n);
	return true;
}

static bool get_mark(struct span *left, struct store_mark *out)
{
	out->uidvalidity = (uint32_t)get(left, 4);
	out->uid_limit = (uint32_t)get(left, 4);
	out->told_modseq = get(left, 8);
	out->keywords = get(left, 8);
	out->recent_count = (uint32_t)get(left, 1);
	if (out->recent_count > STORE_MARK_RECENT_MAX)
		return false;
	for (size_t i = 0; i < out->recent_count; i++) {
		out->recent[i].from = (uint32_t)get(left, 4);
		out->recent[i].to = (uint32_t)get(left, 4);
	}
	return left->p != NULL;
}

/* Rising, as "$" is. */
static bool get_saved(struct imap_session *s, struct span *left)
{
	size_t count = (size_t)get(left, 2);
	uint32_t before = 0;

	if (count > SAVED_MAX)
		return false;
	for (size_t i = 0; i < count; i++) {
		uint32_t uid = (uint32_t)get(left, 4);

		if (uid <= before)
			return false;
		store_uids_put(&s->saved, uid);
		before = uid;
	}
	return true;
}

static enum code open_mailbox(struct imap_session *s, uint64_t mailbox,
	const struct store_mark *mark, struct err *e)
{
	struct store_view *v;
	enum code code = store_view_open(s->store, mailbox, &v, e);

	if (code != OK)
		return code;
	code = store_cursor_resume(&s->cursor, v, mark, e);
	store_view_close(v); /* the cursor has a reference of its own */
	s->is_selected = code == OK;
	return code;
}

static enum code get_mailbox(struct imap_session *s, struct span *left,
	struct err *e)
{
	struct store_mark mark;
	uint64_t mailbox = get(left, 8);

	s->told_modseq = get(left, 8);
	if (!get_mark(left, &mark) || !get_saved(s, left) || left->p == NULL ||
		left->n > 0)
		return damaged(e);
	return open_mailbox(s, mailbox, &mark, e);
}

static enum code unpack(struct imap_session *s, struct span left, struct err *e)
{
	uint64_t version = get(&left, 1), bits = get(&left, 4);
	bool is_selected;

	if (version != VERSION || bits >> BOOLEANS != 0 || !get_tag(s, &left))
		return damaged(e);
	for (size_t i = 0; i < BOOLEANS; i++)
		*(bool *)((char *)s + booleans[i]) = bits >> i & 1;
	is_selected = s->is_selected;
	s->is_selected = false; /* there is no cursor yet */
	s->counts.commands = get(&left, 8);
	s->counts.fetched = get(&left, 8);
	s->counts.appended = get(&left, 8);
	s->counts.expunged = get(&left, 8);
	if (left.p == NULL)
		return damaged(e);
	if (!is_selected)
		return left.n == 0 ? OK : damaged(e);
	return get_mailbox(s, &left, e);
}

enum code imap_session_wake(const struct imap_session_config *config,
	struct span bytes, struct imap_session **out_session, struct err *e)
{
	struct imap_session *s;
	enum code code;

	*out_session = NULL;
	if (bytes.n > IMAP_SLEEP_BYTES)
		return damaged(e);
	s = imap_session_new(config);
	code = unpack(s, bytes, e);
	if (code != OK) {
		imap_session_close(s);
		return code;
	}
	imap_session_idle(s);
	*out_session = s;
	return OK;
}
