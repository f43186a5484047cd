/*
 * store_flags.c - flags and keywords of messages.  See store_change.h.
 *
 * The view says which rows change and how; messages that follow each other there
 * are one UPDATE of a range of uids, so that a whole mailbox is one statement.
 * Rows in a range that are as they shall be are left out by its WHERE.  Only
 * when all is durable the view follows.
 */
#include "base/mem.h"
#include "store/store_int.h"

#include "base/banned.h"

static const char sql_store[] =
	"UPDATE entry SET flags = flags & $5 | $6, "
	"keywords = keywords & $7 | $8, modseq = $9 WHERE account = $1 "
	"AND mailbox = $2 AND uid >= $3 AND uid <= $4 "
	"AND (flags <> (flags & $5 | $6) OR keywords <> (keywords & $7 | $8))";

/* Rows of the view, by index: from first to last, all to be changed or as they
 * shall be. */
struct run {
	size_t first, last;
};

struct storing {
	struct store *store;
	struct store_view_state *view;
	const struct store_flags_change *change;
	struct store_flags_result *result;
	unsigned flags_kept, flags_set;
	uint64_t keywords_kept, keywords_set;
	struct run *runs; /* owned */
	size_t run_count, run_room;
	int64_t seen, deleted; /* how many more have these flags */
};

/* ---- which rows ------------------------------------------------------------------ */
static unsigned flags_of(const struct storing *x, const struct store_row *r)
{
	return (r->flags & x->flags_kept) | x->flags_set;
}

static uint64_t keywords_of(const struct storing *x, const struct store_row *r)
{
	return (r->keywords & x->keywords_kept) | x->keywords_set;
}

static bool changes(const struct storing *x, const struct store_row *r)
{
	return flags_of(x, r) != r->flags || keywords_of(x, r) != r->keywords;
}

static void put_run(struct storing *x, size_t index)
{
	if (x->run_count == x->run_room) {
		x->run_room = x->run_room == 0 ? 16 : x->run_room * 2;
		x->runs = mem_resize(x->runs, x->run_room, sizeof(*x->runs));
	}
	x->runs[x->run_count++] = (struct run){.first = index, .last = index};
}

/* How many more rows have a flag, after this one changed. */
static int64_t gained(unsigned before, unsigned after, unsigned flag)
{
	return (int64_t)((after & flag) != 0) - (int64_t)((before & flag) != 0);
}

static void take_row(struct storing *x, size_t index)
{
	const struct store_row *r = &x->view->view.rows[index];
	unsigned flags = flags_of(x, r);
	bool is_next = x->run_count > 0 &&
		x->runs[x->run_count - 1].last + 1 == index;

	if (x->change->has_unchanged_since &&
		r->modseq > x->change->unchanged_since) {
		store_uids_put(&x->result->failed, r->uid);
		return;
	}
	if (changes(x, r)) {
		x->result->changed++;
		x->seen += gained(r->flags, flags, STORE_FLAG_SEEN);
		x->deleted += gained(r->flags, flags, STORE_FLAG_DELETED);
	} else if (!is_next) {
		return;
	}
	if (is_next)
		x->runs[x->run_count - 1].last = index;
	else
		put_run(x, index);
}

static void take_rows(struct storing *x, const uint32_t *uids, size_t count)
{
	const struct store_view *v = &x->view->view;
	size_t index = 0;

	for (size_t i = 0; i < count; i++) {
		/* often it is the next one */
		if (index >= v->count || v->rows[index].uid != uids[i])
			index = store_view_find(v, uids[i]);
		if (index < v->count && v->rows[index].uid == uids[i])
			take_row(x, index++);
	}
}

/* What is kept of a row, and what is added to it. */
static enum code make_masks(struct storing *x, struct err *e)
{
	const struct store_flags_change *c = x->change;
	bool is_removal = c->how == STORE_FLAGS_REMOVE;
	unsigned flags = c->flags & STORE_FLAGS_ALL;
	uint64_t keywords;
	enum code code = store_keyword_bits(x->store, x->view->box,
		c->keywords, c->keyword_count, !is_removal, &keywords, e);

	if (code != OK)
		return code;
	x->flags_kept = is_removal ? STORE_FLAGS_ALL & ~flags : STORE_FLAGS_ALL;
	x->keywords_kept = is_removal ? ~keywords : UINT64_MAX;
	if (c->how == STORE_FLAGS_REPLACE) {
		x->flags_kept = 0;
		x->keywords_kept = 0;
	}
	x->flags_set = is_removal ? 0 : flags;
	x->keywords_set = is_removal ? 0 : keywords;
	return OK;
}

/* ---- the file --------------------------------------------------------------------- */
static enum code store_run(struct storing *x, const struct run *run,
	int64_t *changed, struct err *e)
{
	struct store *s = x->store;
	const struct store_row *rows = x->view->view.rows;
	struct db_stmt *q = db_stmt(s->db, sql_store);
	enum code code;

	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, (int64_t)x->view->box->m.id);
	db_bind_i64(q, 3, rows[run->first].uid);
	db_bind_i64(q, 4, rows[run->last].uid);
	db_bind_i64(q, 5, x->flags_kept);
	db_bind_i64(q, 6, x->flags_set);
	db_bind_i64(q, 7, (int64_t)x->keywords_kept);
	db_bind_i64(q, 8, (int64_t)x->keywords_set);
	db_bind_i64(q, 9, (int64_t)x->result->modseq);
	code = store_trouble(db_run(q, e), e);
	if (code == OK)
		*changed += db_changes(s->db);
	return code;
}

static enum code store_runs(struct storing *x, struct err *e)
{
	struct store_box *b = x->view->box;
	int64_t changed = 0;
	enum code code = store_keywords_put(x->store, b, e);

	x->result->modseq = (uint64_t)store_modseq(x->store, b);
	b->m.unseen = (uint64_t)((int64_t)b->m.unseen - x->seen);
	b->m.deleted = (uint64_t)((int64_t)b->m.deleted + x->deleted);
	for (size_t i = 0; code == OK && i < x->run_count; i++)
		code = store_run(x, &x->runs[i], &changed, e);
	if (code == OK && changed != (int64_t)x->result->changed)
		code = err_set(e, CORRUPT, "mailbox %llu is not as it was read",
			(unsigned long long)b->m.id);
	return code;
}

/* ---- the view ---------------------------------------------------------------------- */
static void apply(struct storing *x)
{
	struct store_row *rows = x->view->view.rows;

	for (size_t i = 0; i < x->run_count; i++)
		for (size_t k = x->runs[i].first; k <= x->runs[i].last; k++) {
			if (!changes(x, &rows[k]))
				continue;
			rows[k].flags = (uint8_t)flags_of(x, &rows[k]);
			rows[k].keywords = keywords_of(x, &rows[k]);
			rows[k].modseq = x->result->modseq & (UINT64_MAX >> 8);
		}
	x->view->flags_modseq = x->result->modseq;
	x->view->box->events |= STORE_EVENT_FLAGS;
}

static enum code write_all(struct storing *x, struct err *e)
{
	enum code code = store_begin(x->store, e);

	if (code != OK)
		return code;
	code = store_runs(x, e);
	if (code != OK) {
		store_rollback(x->store);
		return code;
	}
	code = store_commit_quietly(x->store, e);
	if (code != OK)
		return code;
	apply(x);
	store_publish(x->store);
	return OK;
}

enum code store_flags_store(struct store_view *v, const uint32_t *uids,
	size_t uid_count, const struct store_flags_change *change,
	struct store_flags_result *out, struct err *e)
{
	struct storing x = {.store = store_view_store(v), .view = v->state,
		.change = change, .result = out};
	enum code code;

	*out = (struct store_flags_result){0};
	must(!db_in_transaction(x.store->db));
	if (v->is_deleted)
		return OK;
	code = make_masks(&x, e);
	if (code != OK)
		return code;
	take_rows(&x, uids, uid_count);
	if (out->changed > 0)
		code = write_all(&x, e);
	if (code != OK) {
		out->modseq = 0;
		out->changed = 0;
	}
	mem_free(x.runs);
	return code;
}
