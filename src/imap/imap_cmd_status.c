/*
 * imap_cmd_status.c - STATUS, and what LIST returns of it.  RFC 9051 6.3.11,
 * RFC 8438 (SIZE), RFC 7162 3.1.7 (HIGHESTMODSEQ), RFC 7889 (APPENDLIMIT),
 * RFC 8474 4.3 (MAILBOXID), RFC 3501 6.3.10 (RECENT)
 */
#include "imap/imap_notify.h"

#include "base/banned.h"

enum item {
	MESSAGES,
	RECENT,
	UIDNEXT,
	UIDVALIDITY,
	UNSEEN,
	DELETED,
	SIZE,
	HIGHESTMODSEQ,
	APPENDLIMIT,
	MAILBOXID,
	DELETED_STORAGE,
	ITEMS
};

static const char *const names[ITEMS] = {
	[MESSAGES] = "MESSAGES",
	[RECENT] = "RECENT",
	[UIDNEXT] = "UIDNEXT",
	[UIDVALIDITY] = "UIDVALIDITY",
	[UNSEEN] = "UNSEEN",
	[DELETED] = "DELETED",
	[SIZE] = "SIZE",
	[HIGHESTMODSEQ] = "HIGHESTMODSEQ",
	[APPENDLIMIT] = "APPENDLIMIT",
	[MAILBOXID] = "MAILBOXID",
	[DELETED_STORAGE] = "DELETED-STORAGE",
};

static bool read_item(struct imap_reader *r, struct imap_status *out)
{
	for (unsigned i = 0; i < ITEMS; i++) {
		if (!imap_skip_word(r, span_str(names[i])))
			continue;
		for (size_t k = 0; k < out->count; k++)
			if (out->items[k] == i)
				return true; /* once is enough */
		out->items[out->count++] = (uint8_t)i;
		return true;
	}
	return imap_read_fails(r, "STATUS has no such item");
}

bool imap_read_status(struct imap_reader *r, struct imap_status *out)
{
	out->count = 0;
	if (!imap_read_open(r))
		return false;
	for (bool first = true; imap_read_more(r, first); first = false)
		if (!read_item(r, out))
			return false;
	if (r->why == NULL && out->count == 0)
		return imap_read_fails(r, "STATUS of what?");
	return r->why == NULL;
}

/* Bytes that EXPUNGE would give back.  RFC 9208 4.1.4 */
static uint64_t deleted_bytes(struct imap_session *s, uint64_t mailbox)
{
	struct store_view *v;
	struct err e;
	uint64_t sum = 0;

	if (store_view_open(s->store, mailbox, &v, &e) != OK) {
		imap_trouble(s, &e);
		return 0;
	}
	for (size_t i = 0; i < v->count; i++)
		if (v->rows[i].flags & STORE_FLAG_DELETED)
			sum += v->rows[i].size;
	store_view_close(v);
	return sum;
}

static uint64_t value_of(struct imap_session *s, enum item item,
	const struct store_mailbox *m)
{
	const uint64_t values[ITEMS] = {
		[MESSAGES] = m->messages,
		[RECENT] = item == RECENT
			? store_mailbox_unclaimed(s->store, m->id)
			: 0,
		[UIDNEXT] = m->uidnext,
		[UIDVALIDITY] = m->uidvalidity,
		[UNSEEN] = m->unseen,
		[DELETED] = m->deleted,
		[SIZE] = m->bytes,
		[HIGHESTMODSEQ] = m->highestmodseq,
		[APPENDLIMIT] = s->append_max,
		[MAILBOXID] = m->id,
		[DELETED_STORAGE] = item == DELETED_STORAGE
			? deleted_bytes(s, m->id)
			: 0,
	};

	return values[item];
}

static bool put(struct imap_session *s, const struct imap_status *items,
	const struct store_mailbox *m)
{
	bool wants_modseq = false;

	buf_puts(&s->out, "* STATUS ");
	imap_put_mailbox(s, m->name);
	for (size_t i = 0; i < items->count; i++) {
		enum item item = items->items[i];

		buf_puts(&s->out, i == 0 ? " (" : " ");
		buf_puts(&s->out, names[item]);
		buf_puts(&s->out, item == MAILBOXID ? " (F" : " ");
		buf_put_u64(&s->out, value_of(s, item, m));
		if (item == MAILBOXID)
			buf_putc(&s->out, ')');
		if (item == HIGHESTMODSEQ)
			wants_modseq = true;
	}
	buf_puts(&s->out, ")\r\n");
	return wants_modseq;
}

void imap_put_status(struct imap_session *s, const struct imap_status *items,
	const struct store_mailbox *m)
{
	if (put(s, items, m))
		imap_enable_condstore(s);
}

/* RFC 5465 3.1, 5.1-5.3: what is not asked for by name enables nothing. */
void imap_put_status_news(struct imap_session *s, unsigned events,
	bool is_first, const struct store_mailbox *m)
{
	struct imap_status items = {0};

	if (events & (IMAP_NOTIFY_NEW | IMAP_NOTIFY_EXPUNGE)) {
		items.items[items.count++] = MESSAGES;
		items.items[items.count++] = UIDNEXT;
	}
	items.items[items.count++] = UIDVALIDITY;
	if (events & IMAP_NOTIFY_FLAGS)
		items.items[items.count++] = UNSEEN;
	if (s->has_condstore || (is_first && events & IMAP_NOTIFY_FLAGS))
		items.items[items.count++] = HIGHESTMODSEQ;
	(void)put(s, &items, m);
}

void imap_cmd_status(struct imap_session *s, struct imap_reader *r)
{
	struct imap_mailbox_name name;
	struct imap_status items;
	const struct store_mailbox *m;

	if (!imap_read_sp(r) || !imap_read_mailbox(r, &name) ||
		!imap_read_sp(r) || !imap_read_status(r, &items) ||
		!imap_read_end(r)) {
		imap_bad(s, r->why);
		return;
	}
	m = imap_find_mailbox(s, &name, "NONEXISTENT");
	if (m == NULL)
		return;
	imap_put_status(s, &items, m);
	imap_ok(s, "done");
}
