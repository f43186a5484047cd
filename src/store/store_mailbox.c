/*
 * store_mailbox.c - mailboxes are made, removed and renamed.  See
 * store_mailbox.h.
 */
#include "base/mem.h"
#include "store/store_copy.h"
#include "store/store_int.h"

#include "base/banned.h"

/* ---- make --------------------------------------------------------------------- */
static bool is_free(const struct store *s, enum store_use use)
{
	return use == STORE_USE_NONE || store_mailbox_of_use(s, use) == NULL;
}

/* The parents of a name, the first ones first, as far as they are missing. */
static enum code make_parents(struct store *s, struct span name, struct err *e)
{
	enum code code = OK;

	for (size_t i = 0; code == OK && i < name.n; i++) {
		struct span parent = span_head(name, i);
		struct store_box *b;

		if (name.p[i] != '/' || store_box_find(s, parent) != NULL)
			continue;
		code = store_box_make(s, parent, STORE_USE_NONE, &b, e);
		store_boxes_sort(s);
	}
	return code;
}

static enum code make(struct store *s, struct span name, enum store_use use,
	struct store_box **out_box, struct err *e)
{
	enum code code = make_parents(s, name, e);

	if (code == OK)
		code = store_box_make(s, name, use, out_box, e);
	store_boxes_sort(s);
	return code;
}

/* The name of a new mailbox, in s->name: it must be free. */
static enum code take_name(struct store *s, struct span name, struct err *e)
{
	enum code code = store_name_make(name, &s->name, e);

	if (code != OK)
		return code;
	if (store_box_find(s, buf_span(&s->name)) != NULL)
		return err_set(e, EXISTS, "there is a mailbox of that name");
	return OK;
}

enum code store_mailbox_create(struct store *s, struct span name,
	enum store_use use, uint64_t *out_id, struct err *e)
{
	struct store_box *b = NULL;
	enum code code = take_name(s, name, e);

	must(!db_in_transaction(s->db));
	if (code != OK)
		return code;
	if (!is_free(s, use))
		return err_set(e, EXISTS, "another mailbox has this use");
	code = store_subscriptions_load(s, e);
	if (code == OK)
		code = store_begin(s, e);
	if (code != OK)
		return code;
	code = make(s, buf_span(&s->name), use, &b, e);
	if (code == OK) {
		*out_id = b->m.id;
		store_subscriptions_apply(s);
	}
	return store_finish(s, code, e);
}

/* ---- remove --------------------------------------------------------------------- */
static const char sql_uids[] =
	"SELECT uid FROM entry WHERE account = $1 AND mailbox = $2 "
	"ORDER BY uid";
static const char *const sql_remove[] = {
	"DELETE FROM tombstone WHERE account = $1 AND mailbox = $2",
	"DELETE FROM keyword WHERE account = $1 AND mailbox = $2",
	"DELETE FROM annotation WHERE account = $1 AND mailbox = $2",
	"DELETE FROM mailbox WHERE account = $1 AND mailbox = $2",
};

static struct db_stmt *with_box(struct store *s, const char *sql,
	const struct store_box *b)
{
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, (int64_t)b->m.id);
	return q;
}

static enum code list_uids(struct store *s, const struct store_box *b,
	struct store_uids *out, struct err *e)
{
	struct db_stmt *q = with_box(s, sql_uids, b);
	enum code code;

	while ((code = db_step(q, e)) == OK)
		store_uids_put(out, (uint32_t)db_i64(q, 0));
	return code == NOT_FOUND ? OK : code;
}

static enum code remove_box(struct store *s, struct store_box *b, struct err *e)
{
	struct store_uids uids = {0};
	enum code code = list_uids(s, b, &uids, e);

	(void)store_modseq(s, b);
	b->is_leaving = true;
	for (size_t i = 0; code == OK && i < uids.count; i++)
		code = store_entry_drop(s, b, uids.items[i], e);
	for (size_t i = 0;
		code == OK && i < sizeof(sql_remove) / sizeof(sql_remove[0]);
		i++)
		code = db_run(with_box(s, sql_remove[i], b), e);
	store_uids_clear(&uids);
	return store_trouble(code, e);
}

/* Is it the mailbox, or one below it? */
static bool is_within(const struct store_box *b, const struct store_box *top)
{
	return b == top || store_name_is_below(b->m.name, top->m.name);
}

static enum code remove_all(struct store *s, const struct store_box *top,
	struct err *e)
{
	enum code code = OK;

	for (size_t i = 0; code == OK && i < s->box_count; i++)
		if (is_within(s->boxes[i], top))
			code = remove_box(s, s->boxes[i], e);
	return code;
}

enum code store_mailbox_delete(struct store *s, uint64_t id, bool with_children,
	struct err *e)
{
	struct store_box *b = store_box_get(s, id);
	enum code code;

	must(!db_in_transaction(s->db));
	if (b == NULL)
		return err_set(e, NOT_FOUND, "there is no such mailbox");
	if (b->m.has_children && !with_children)
		return err_set(e, EXISTS, "it has mailboxes below it");
	if (is_within(s->inbox, b))
		return err_set(e, DENIED, "the inbox stays");
	code = store_begin(s, e);
	if (code != OK)
		return code;
	code = remove_all(s, b, e);
	if (code != OK) {
		store_rollback(s);
		return code;
	}
	code = store_commit_quietly(s, e);
	if (code != OK)
		return code;
	store_boxes_leave(s);
	return OK;
}

/* ---- rename ---------------------------------------------------------------------- */
static const char sql_rename[] =
	"UPDATE mailbox SET name = $3 WHERE account = $1 AND mailbox = $2";

static enum code rename_one(struct store *s, struct store_box *b,
	struct span name, unsigned events, struct err *e)
{
	struct db_stmt *q;

	store_box_set_name(b, name);
	(void)store_modseq(s, b);
	b->events |= events;
	q = with_box(s, sql_rename, b);
	db_bind_text(q, 3, name);
	return store_trouble(db_run(q, e), e);
}

/* The names of all below it, each with the new beginning. */
static enum code rename_all(struct store *s, struct span from, struct span to,
	struct err *e)
{
	struct buf name, made;
	enum code code = OK;
	unsigned events;

	buf_init(&name, 2 * STORE_NAME_BYTES);
	buf_init(&made, 2 * STORE_NAME_BYTES);
	for (size_t i = 0; code == OK && i < s->box_count; i++) {
		struct store_box *b = s->boxes[i];

		events = STORE_EVENT_RENAMED;
		if (store_name_is_below(b->m.name, from))
			events |= STORE_EVENT_ALONG;
		else if (!span_eq(b->m.name, from))
			continue;
		buf_reset(&name);
		buf_put(&name, to);
		buf_put(&name, span_tail(b->m.name, from.n));
		/* too many levels, or too long? */
		code = store_name_make(buf_span(&name), &made, e);
		if (code == OK)
			code = rename_one(s, b, buf_span(&made), events, e);
	}
	buf_clear(&name);
	buf_clear(&made);
	return code;
}

static enum code rename_within(struct store *s, struct store_box *b,
	struct err *e)
{
	struct span from = store_span_dup(b->m.name);
	enum code code = make_parents(s, buf_span(&s->name), e);

	if (code == OK)
		code = rename_all(s, from, buf_span(&s->name), e);
	store_boxes_sort(s);
	store_subscriptions_apply(s);
	mem_free((void *)(uintptr_t)from.p); /* ours */
	return code;
}

enum code store_mailbox_rename(struct store *s, uint64_t id, struct span name,
	struct err *e)
{
	struct store_box *b = store_box_get(s, id);
	enum code code;

	must(!db_in_transaction(s->db));
	if (b == NULL)
		return err_set(e, NOT_FOUND, "there is no such mailbox");
	code = take_name(s, name, e);
	if (code != OK)
		return code;
	if (b == s->inbox)
		return err_set(e, DENIED, "the inbox keeps its name");
	if (store_name_is_below(buf_span(&s->name), b->m.name))
		return err_set(e, DENIED, "a mailbox cannot be below itself");
	code = store_subscriptions_load(s, e);
	if (code == OK)
		code = store_begin(s, e);
	if (code != OK)
		return code;
	return store_finish(s, rename_within(s, b, e), e);
}

static enum code move_all(struct store_view *v, struct store_box *to,
	int64_t now_ms, struct err *e)
{
	const struct store_moving how = {.now_ms = now_ms, .is_move = true};
	struct store_uids uids = {0};
	struct store_copied copied = {0};
	enum code code;

	for (size_t i = 0; i < v->count; i++)
		store_uids_put(&uids, v->rows[i].uid);
	code = store_copy_within(v, uids.items, uids.count, to, &how, &copied,
		e);
	store_uids_clear(&uids);
	store_uids_clear(&copied.from);
	return code;
}

enum code store_inbox_rename(struct store *s, struct span name, int64_t now_ms,
	uint64_t *out_id, struct err *e)
{
	struct store_box *to = NULL;
	struct store_view *v;
	enum code code = take_name(s, name, e);

	must(!db_in_transaction(s->db));
	if (code == OK)
		code = store_subscriptions_load(s, e);
	if (code == OK)
		code = store_view_open(s, s->inbox->m.id, &v, e);
	if (code != OK)
		return code;
	code = store_begin(s, e);
	if (code == OK) {
		code = make(s, buf_span(&s->name), STORE_USE_NONE, &to, e);
		store_subscriptions_apply(s);
		if (code == OK)
			*out_id = to->m.id;
		if (code == OK)
			code = move_all(v, to, now_ms, e);
		if (code == OK)
			code = store_annotations_copy(s, s->inbox, to, e);
		code = store_finish(s, code, e);
	}
	store_view_close(v);
	return code;
}

/* ---- use ------------------------------------------------------------------------- */
static const char sql_set_use[] =
	"UPDATE mailbox SET special_use = $3 "
	"WHERE account = $1 AND mailbox = $2";

enum code store_box_set_use(struct store *s, struct store_box *b,
	enum store_use use, struct err *e)
{
	struct db_stmt *q;

	if (b == s->inbox || use == STORE_USE_INBOX)
		return err_set(e, DENIED, "there is one inbox");
	if (!is_free(s, use))
		return err_set(e, EXISTS, "another mailbox has this use");
	(void)store_modseq(s, b);
	b->m.use = use;
	b->events |= STORE_EVENT_RENAMED;
	q = with_box(s, sql_set_use, b);
	if (use == STORE_USE_NONE)
		db_bind_null(q, 3);
	else
		db_bind_text(q, 3, span_str(store_use_word(use)));
	return store_trouble(db_run(q, e), e);
}

enum code store_mailbox_set_use(struct store *s, uint64_t id,
	enum store_use use, struct err *e)
{
	struct store_box *b = store_box_get(s, id);
	enum code code;

	must(!db_in_transaction(s->db));
	if (b == NULL)
		return err_set(e, NOT_FOUND, "there is no such mailbox");
	if (b->m.use == use)
		return OK;
	code = store_begin(s, e);
	if (code != OK)
		return code;
	return store_finish(s, store_box_set_use(s, b, use, e), e);
}
