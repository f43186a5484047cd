/*
 * store_box.c - the mailboxes of an account in memory, beside their rows.
 *
 * A verb changes a box when it writes the row, and notes before what was there
 * (store_box_touch): after the commit the rest of the process sees it, after a
 * rollback all is as it was.  What is only counted is written once, at the end
 * of the transaction.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "store/store_int.h"

#include "base/banned.h"

/* ---- special uses ------------------------------------------------------------ */
/* What every account has from its birth, beside the inbox. */
static const struct {
	const char *word; /* as mailbox.special_use has it */
	struct span name;
} uses[] = {
	[STORE_USE_NONE] = {"", SPAN_INIT("")},
	[STORE_USE_INBOX] = {"inbox", SPAN_INIT("INBOX")},
	[STORE_USE_DRAFTS] = {"drafts", SPAN_INIT("Drafts")},
	[STORE_USE_SENT] = {"sent", SPAN_INIT("Sent")},
	[STORE_USE_JUNK] = {"junk", SPAN_INIT("Junk")},
	[STORE_USE_TRASH] = {"trash", SPAN_INIT("Trash")},
	[STORE_USE_ARCHIVE] = {"archive", SPAN_INIT("Archive")},
};
#define USES (sizeof(uses) / sizeof(uses[0]))

const char *store_use_word(enum store_use use)
{
	must((size_t)use < USES);
	return uses[use].word;
}

int store_use_of(struct span word)
{
	for (size_t i = 0; i < USES; i++)
		if (span_eq(word, span_str(uses[i].word)))
			return (int)i;
	return -1;
}

/* ---- boxes --------------------------------------------------------------------- */
struct span store_span_dup(struct span s)
{
	uint8_t *copy = mem_new(s.n + 1, 1);

	for (size_t i = 0; i < s.n; i++)
		copy[i] = s.p[i];
	return span_of(copy, s.n);
}

static void free_span(struct span s)
{
	/* it is ours: store_span_dup made it */
	mem_free((void *)(uintptr_t)s.p);
}

static void free_box(struct store_box *b)
{
	if (b->is_touched && b->committed.name.p != b->m.name.p)
		free_span(b->committed.name);
	free_span(b->m.name);
	free_span(b->old_name);
	store_keywords_free(b->keywords);
	mem_free(b);
}

static struct store_box *add_box(struct store *s, struct span name)
{
	struct store_box *b = MEM_NEW(struct store_box);

	b->m.name = store_span_dup(name);
	b->m.uidnext = 1;
	b->m.highestmodseq = 1;
	b->recent_uid = b->stored_recent_uid = 1;
	if (s->box_count == s->box_room) {
		s->box_room = s->box_room == 0 ? 8 : s->box_room * 2;
		s->boxes = mem_resize(s->boxes, s->box_room,
			sizeof(struct store_box *));
	}
	s->boxes[s->box_count++] = b;
	return b;
}

void store_boxes_clear(struct store *s)
{
	for (size_t i = 0; i < s->box_count; i++)
		free_box(s->boxes[i]);
	for (size_t i = 0; i < s->subscription_count; i++)
		free_span(s->subscriptions[i]);
	mem_free(s->boxes);
	mem_free(s->subscriptions);
	s->boxes = NULL;
	s->subscriptions = NULL;
	s->box_count = s->box_room = 0;
	s->subscription_count = s->subscription_room = 0;
}

void store_box_touch(struct store_box *b)
{
	if (b->is_touched)
		return;
	b->committed = b->m;
	b->is_touched = true;
}

void store_box_set_name(struct store_box *b, struct span name)
{
	struct span old = b->m.name;

	store_box_touch(b);
	b->m.name = store_span_dup(name);
	if (old.p != b->committed.name.p)
		free_span(old);
}

static int cmp_boxes(const void *a, const void *b)
{
	const struct store_box *const *x = a;
	const struct store_box *const *y = b;

	return store_name_cmp((*x)->m.name, (*y)->m.name);
}

void store_boxes_sort(struct store *s)
{
	qsort(s->boxes, s->box_count, sizeof(struct store_box *), cmp_boxes);
	for (size_t i = 0; i < s->box_count; i++) {
		struct store_mailbox *m = &s->boxes[i]->m;

		m->has_children = i + 1 < s->box_count &&
			store_name_is_below(s->boxes[i + 1]->m.name, m->name);
	}
}

struct store_box *store_box_get(const struct store *s, uint64_t id)
{
	if (s->inbox->m.id == id)
		return s->inbox;
	for (size_t i = 0; i < s->box_count; i++)
		if (s->boxes[i]->m.id == id)
			return s->boxes[i];
	return NULL;
}

/* By halves: the boxes stand in the order of their names. */
struct store_box *store_box_find(const struct store *s, struct span name)
{
	size_t from = 0, to = s->box_count;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		int order = store_name_cmp(name, s->boxes[middle]->m.name);

		if (order == 0)
			return s->boxes[middle];
		if (order < 0)
			to = middle;
		else
			from = middle + 1;
	}
	return NULL;
}

enum code store_box_has_ids(const struct store *s, const struct store_box *b,
	size_t count, struct err *e)
{
	if (count <= UINT32_MAX - b->m.uidnext &&
		s->now.next_message + (int64_t)count <= UINT32_MAX)
		return OK;
	return err_set(e, FULL, "the mailbox has no numbers left");
}

/* ---- birth ------------------------------------------------------------------------ */
static const char sql_new[] =
	"INSERT INTO mailbox (account, mailbox, name, special_use, "
	"uidvalidity, uidnext, highestmodseq, floor_modseq, entries, unseen, "
	"deleted, bytes, recent_uid) "
	"VALUES ($1, $2, $3, $4, $5, 1, $6, 0, 0, 0, 0, 0, 1)";
static const char sql_new_subscription[] =
	"INSERT INTO subscription (account, name) VALUES ($1, $2)";

static enum code insert(struct store *s, const struct store_box *b,
	struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, sql_new);

	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, (int64_t)b->m.id);
	db_bind_text(q, 3, b->m.name);
	if (b->m.use == STORE_USE_NONE)
		db_bind_null(q, 4);
	else
		db_bind_text(q, 4, span_str(uses[b->m.use].word));
	db_bind_i64(q, 5, b->m.uidvalidity);
	db_bind_i64(q, 6, (int64_t)b->m.highestmodseq);
	return db_run(q, e);
}

/* Each has a UIDVALIDITY of its own: one may get the name of another later. */
void store_boxes_bear(struct store *s)
{
	for (size_t i = STORE_USE_INBOX; i < USES; i++) {
		struct store_box *b = add_box(s, uses[i].name);

		b->m.id = (uint64_t)s->now.next_mailbox++;
		b->m.use = (enum store_use)i;
		b->m.is_subscribed = true;
		if (i > STORE_USE_INBOX)
			s->now.uidvalidity++;
		b->m.uidvalidity = (uint32_t)s->now.uidvalidity;
	}
	s->inbox = s->boxes[0];
	store_boxes_sort(s);
}

enum code store_boxes_put_first(struct store *s, struct err *e)
{
	enum code code = OK;

	for (size_t i = 0; code == OK && i < s->box_count; i++) {
		struct db_stmt *q;

		code = insert(s, s->boxes[i], e);
		if (code != OK)
			return code;
		q = db_stmt(s->db, sql_new_subscription);
		db_bind_i64(q, 1, s->account);
		db_bind_text(q, 2, s->boxes[i]->m.name);
		code = db_run(q, e);
	}
	return code;
}

enum code store_box_make(struct store *s, struct span name, enum store_use use,
	struct store_box **out_box, struct err *e)
{
	struct store_box *b;

	if (s->box_count >= STORE_MAILBOXES_MAX)
		return err_set(e, LIMIT, "there are too many mailboxes");
	if (s->now.uidvalidity >= UINT32_MAX)
		return err_set(e, LIMIT, "UIDVALIDITY has no values left");
	b = add_box(s, name);
	b->is_new = true;
	b->m.use = use;
	b->m.id = (uint64_t)s->now.next_mailbox++;
	b->m.uidvalidity = (uint32_t)++s->now.uidvalidity;
	(void)store_modseq(s, b);
	b->events = STORE_EVENT_CREATED;
	*out_box = b;
	return store_trouble(insert(s, b, e), e);
}

/* ---- load ------------------------------------------------------------------------- */
static const char sql_load[] =
	"SELECT m.mailbox, m.name, m.special_use, m.uidvalidity, m.uidnext, "
	"m.highestmodseq, m.floor_modseq, m.entries, m.unseen, m.deleted, "
	"m.bytes, m.recent_uid, s.name IS NOT NULL FROM mailbox m "
	"LEFT JOIN subscription s ON s.account = m.account AND s.name = m.name "
	"WHERE m.account = $1";

static bool take_row(struct store *s, struct db_stmt *q)
{
	struct store_box *b = add_box(s, db_bytes(q, 1));
	int use = store_use_of(db_bytes(q, 2));
	int64_t uidvalidity = db_i64(q, 3), uidnext = db_i64(q, 4);

	b->m.id = (uint64_t)db_i64(q, 0);
	b->m.use = use < 0 ? STORE_USE_NONE : (enum store_use)use;
	b->m.uidvalidity = (uint32_t)uidvalidity;
	b->m.uidnext = (uint32_t)uidnext;
	b->m.highestmodseq = (uint64_t)db_i64(q, 5);
	b->floor_modseq = db_i64(q, 6);
	b->m.messages = (uint64_t)db_i64(q, 7);
	b->m.unseen = (uint64_t)db_i64(q, 8);
	b->m.deleted = (uint64_t)db_i64(q, 9);
	b->m.bytes = (uint64_t)db_i64(q, 10);
	b->recent_uid = b->stored_recent_uid = (uint32_t)db_i64(q, 11);
	b->m.is_subscribed = db_i64(q, 12) != 0;
	if (b->m.use == STORE_USE_INBOX)
		s->inbox = b;
	return uidvalidity >= 0 && uidvalidity <= UINT32_MAX && uidnext > 0 &&
		uidnext <= UINT32_MAX;
}

enum code store_boxes_load(struct store *s, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, sql_load);
	enum code code;

	db_bind_i64(q, 1, s->account);
	while ((code = db_step(q, e)) == OK) {
		if (!take_row(s, q)) {
			db_reset(q);
			return err_set(e, CORRUPT, "a mailbox's row is damaged");
		}
	}
	if (code != NOT_FOUND)
		return store_trouble(code, e);
	if (s->inbox == NULL)
		return err_set(e, CORRUPT, "there is no inbox");
	store_boxes_sort(s);
	return OK;
}

/* ---- write ------------------------------------------------------------------------ */
static const char sql_put[] =
	"UPDATE mailbox SET uidnext = $3, highestmodseq = $4, entries = $5, "
	"unseen = $6, deleted = $7, bytes = $8, recent_uid = $9 "
	"WHERE account = $1 AND mailbox = $2";

static enum code put(struct store *s, struct store_box *b, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, sql_put);

	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, (int64_t)b->m.id);
	db_bind_i64(q, 3, b->m.uidnext);
	db_bind_i64(q, 4, (int64_t)b->m.highestmodseq);
	db_bind_i64(q, 5, (int64_t)b->m.messages);
	db_bind_i64(q, 6, (int64_t)b->m.unseen);
	db_bind_i64(q, 7, (int64_t)b->m.deleted);
	db_bind_i64(q, 8, (int64_t)b->m.bytes);
	db_bind_i64(q, 9, b->recent_uid);
	return db_run(q, e);
}

enum code store_boxes_put(struct store *s, struct err *e)
{
	enum code code = OK;

	for (size_t i = 0; code == OK && i < s->box_count; i++) {
		struct store_box *b = s->boxes[i];

		if (b->is_touched && !b->is_leaving)
			code = put(s, b, e);
	}
	return code;
}

/* ---- the end of a transaction ------------------------------------------------------- */
static void settle(struct store_box *b)
{
	struct store_keywords *k = b->keywords;

	if (b->is_touched) {
		b->stored_recent_uid = b->recent_uid;
		if (b->committed.name.p != b->m.name.p)
			b->old_name = b->committed.name;
	}
	if (k != NULL) {
		k->unwritten &= ~k->written;
		k->written = 0;
	}
	b->is_touched = b->is_new = false;
}

void store_boxes_committed(struct store *s)
{
	for (size_t i = 0; i < s->box_count; i++)
		settle(s->boxes[i]);
}

void store_boxes_leave(struct store *s)
{
	struct store_box **left = mem_new(s->box_count, sizeof(struct store_box *));
	size_t left_count = 0, kept = 0;

	for (size_t i = 0; i < s->box_count; i++) {
		struct store_box *b = s->boxes[i];

		if (!b->is_leaving) {
			s->boxes[kept++] = b;
			continue;
		}
		left[left_count++] = b;
		store_view_detach(b);
	}
	s->box_count = kept;
	store_boxes_sort(s);
	store_publish(s);
	for (size_t i = 0; i < left_count; i++) {
		const struct store_event event = {
			.mailbox = left[i]->m.id,
			.what = STORE_EVENT_DELETED,
			.name = left[i]->m.name,
			.was_subscribed = left[i]->m.is_subscribed,
		};

		store_tell(s, &event);
		free_box(left[i]);
	}
	mem_free(left);
}

static void restore(struct store_box *b)
{
	if (b->is_touched) {
		if (b->committed.name.p != b->m.name.p)
			free_span(b->m.name);
		b->m = b->committed;
	}
	if (b->keywords != NULL)
		b->keywords->written = 0;
	b->is_touched = b->is_leaving = false;
	b->events = 0;
}

void store_boxes_rolled_back(struct store *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->box_count; i++) {
		struct store_box *b = s->boxes[i];

		restore(b);
		if (b->is_new)
			free_box(b);
		else
			s->boxes[kept++] = b;
	}
	s->box_count = kept;
	if (kept > 0)
		store_boxes_sort(s);
}

/* ---- reading -------------------------------------------------------------------------- */
size_t store_mailbox_count(const struct store *s)
{
	return s->box_count;
}

const struct store_mailbox *store_mailbox_at(const struct store *s, size_t i)
{
	must(i < s->box_count);
	return &s->boxes[i]->m;
}

const struct store_mailbox *store_mailbox_get(const struct store *s, uint64_t id)
{
	struct store_box *b = store_box_get(s, id);

	return b == NULL ? NULL : &b->m;
}

const struct store_mailbox *store_mailbox_find(const struct store *s,
	struct span name)
{
	struct store_box *b = NULL;
	struct buf made;
	struct err e;

	buf_init(&made, 2 * STORE_NAME_BYTES);
	if (store_name_make(name, &made, &e) == OK)
		b = store_box_find(s, buf_span(&made));
	buf_clear(&made);
	return b == NULL ? NULL : &b->m;
}

const struct store_mailbox *store_mailbox_of_use(const struct store *s,
	enum store_use use)
{
	for (size_t i = 0; i < s->box_count; i++)
		if (s->boxes[i]->m.use == use)
			return &s->boxes[i]->m;
	return NULL;
}
