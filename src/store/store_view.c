/*
 * store_view.c - an open mailbox in memory, and who hears of commits.  See
 * store_view.h.
 *
 * Verbs only note what they do to an open mailbox while their transaction is
 * open; store_publish carries it into the views when it is durable, then tells
 * the cursors, then the listeners.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "store/store_int.h"

#include "base/banned.h"

/* Room for rows to come: what a view may take beyond its messages. */
#define ROOM_EXTRA 64u
/* A count that is larger is not believed before the rows came. */
#define TRUSTED_MAX (1u << 20)

/* ---- open ------------------------------------------------------------------------ */
static const char sql_rows[] =
	"SELECT uid, message, flags, keywords, modseq, saved_ms, size, "
	"received_ms FROM entry WHERE account = $1 AND mailbox = $2 "
	"ORDER BY uid";

static struct store_view_state *state_of(struct store_view *v)
{
	return v->state;
}

struct store *store_view_store(struct store_view *v)
{
	return v->state->store;
}

static void make_room(struct store_view_state *w, size_t count)
{
	if (count <= w->room)
		return;
	w->room = count + count / 32 + ROOM_EXTRA;
	w->view.rows = mem_resize(w->view.rows, w->room,
		sizeof(*w->view.rows));
}

/* A row of entry that this program wrote. */
static bool take_row(struct db_stmt *q, struct store_row *r)
{
	int64_t uid = db_i64(q, 0), message = db_i64(q, 1);
	int64_t flags = db_i64(q, 2), modseq = db_i64(q, 4);
	int64_t size = db_i64(q, 6);

	r->uid = (uint32_t)uid;
	r->message = (uint32_t)message;
	r->flags = (uint8_t)(flags & STORE_FLAGS_ALL);
	r->keywords = (uint64_t)db_i64(q, 3);
	r->modseq = (uint64_t)modseq & (UINT64_MAX >> 8);
	r->saved_s = (uint32_t)(db_i64(q, 5) / 1000);
	r->size = size > UINT32_MAX ? UINT32_MAX : (uint32_t)size;
	r->received_ms = db_i64(q, 7);
	return uid > 0 && uid < UINT32_MAX && message > 0 &&
		message <= UINT32_MAX && modseq >= 0 && size >= 0;
}

static enum code load(struct store *s, struct store_view_state *w,
	struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, sql_rows);
	enum code code;

	/* as much as its row promises, if that can be */
	make_room(w, w->box->m.messages < TRUSTED_MAX
		? (size_t)w->box->m.messages : 0);
	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, (int64_t)w->box->m.id);
	while ((code = db_step(q, e)) == OK) {
		make_room(w, w->view.count + 1);
		if (!take_row(q, &w->view.rows[w->view.count++])) {
			db_reset(q);
			return err_set(e, CORRUPT,
				"an entry of mailbox %llu is damaged",
				(unsigned long long)w->box->m.id);
		}
	}
	return code == NOT_FOUND ? OK : store_trouble(code, e);
}

/* What a view says of its mailbox beside the rows. */
static void refresh(struct store_view_state *w)
{
	const struct store_box *b = w->box;

	w->view.uidvalidity = b->m.uidvalidity;
	w->view.uidnext = b->m.uidnext;
	w->view.highestmodseq = b->m.highestmodseq;
	w->view.keywords = b->keywords->names;
	w->view.keyword_count = b->keywords->count;
	w->view.keyword_serial = b->keywords->serial;
}

static void free_state(struct store_view_state *w)
{
	mem_free(w->view.rows);
	mem_free(w);
}

/* 100,000 messages are 4 MiB here; the pages that they were read from would be
 * 2 MiB more. */
static enum code load_many(struct store *s, struct store_view_state *w,
	struct err *e)
{
	enum code code;

	db_keep_few(s->db, true);
	db_scan_begin(s->db);
	code = load(s, w, e);
	db_scan_end(s->db);
	db_keep_few(s->db, false);
	return code;
}

static enum code open_box(struct store *s, struct store_box *b, struct err *e)
{
	struct store_view_state *w = MEM_NEW(struct store_view_state);
	enum code code = store_keywords_load(s, b, e);

	w->store = s;
	w->box = b;
	w->view.mailbox = b->m.id;
	w->view.state = w;
	list_init(&w->cursors);
	if (code == OK)
		code = b->m.messages < STORE_MANY ? load(s, w, e)
						  : load_many(s, w, e);
	if (code != OK) {
		free_state(w);
		return code;
	}
	refresh(w);
	w->flags_modseq = w->view.highestmodseq;
	b->view = w;
	return OK;
}

enum code store_view_open(struct store *s, uint64_t mailbox,
	struct store_view **out_view, struct err *e)
{
	struct store_box *b = store_box_get(s, mailbox);
	enum code code = OK;

	must(!db_in_transaction(s->db));
	if (b == NULL)
		return err_set(e, NOT_FOUND, "there is no such mailbox");
	if (b->view == NULL)
		code = open_box(s, b, e);
	if (code != OK)
		return code;
	if (s->kept_view == b->view)
		s->kept_view = NULL;
	b->view->references++;
	*out_view = &b->view->view;
	return OK;
}

void store_view_close(struct store_view *v)
{
	struct store_view_state *w;

	if (v == NULL)
		return;
	w = state_of(v);
	if (--w->references > 0)
		return;
	must(list_is_empty(&w->cursors));
	if (w->box == NULL) {
		free_state(w);
		return;
	}
	/* programs come back to where they were: the next SELECT reads no rows */
	store_view_drop_kept(w->store);
	w->store->kept_view = w;
}

void store_view_drop_kept(struct store *s)
{
	struct store_view_state *w = s->kept_view;

	if (w == NULL)
		return;
	s->kept_view = NULL;
	w->box->view = NULL;
	free_state(w);
}

/* ---- look ------------------------------------------------------------------------- */
size_t store_view_find(const struct store_view *v, uint32_t uid)
{
	size_t from = 0, to = v->count;

	/* what is asked for most: the end */
	if (to > 0 && v->rows[to - 1].uid < uid)
		return to;
	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (v->rows[middle].uid < uid)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

const struct store_row *store_view_row(const struct store_view *v, uint32_t uid)
{
	size_t i = store_view_find(v, uid);

	return i < v->count && v->rows[i].uid == uid ? &v->rows[i] : NULL;
}

int store_view_keyword(const struct store_view *v, struct span name)
{
	if (v->is_deleted)
		return -1;
	return store_keyword_find(v->state->box->keywords, name);
}

bool store_view_has_keyword_room(const struct store_view *v)
{
	uint64_t used = 0;

	for (size_t i = 0; i < v->keyword_count; i++)
		if (v->keywords[i].n > 0)
			used |= UINT64_C(1) << i;
	if (used != UINT64_MAX)
		return true;
	used = 0;
	for (size_t i = 0; i < v->count; i++)
		used |= v->rows[i].keywords;
	return used != UINT64_MAX;
}

/* ---- notes of a transaction --------------------------------------------------------- */
void store_view_coming(struct store *s, struct store_box *b,
	const struct store_row *row)
{
	b->events |= STORE_EVENT_NEW;
	if (b->view == NULL)
		return;
	if (s->coming_count == s->coming_room) {
		s->coming_room = s->coming_room == 0 ? 16 : s->coming_room * 2;
		s->coming = mem_resize(s->coming, s->coming_room,
			sizeof(*s->coming));
	}
	s->coming[s->coming_count++] =
		(struct store_coming){.box = b, .row = *row};
}

static struct store_going *going_of(struct store *s, struct store_box *b)
{
	for (size_t i = 0; i < s->going_count; i++)
		if (s->going[i].box == b)
			return &s->going[i];
	if (s->going_count == s->going_room) {
		s->going_room = s->going_room == 0 ? 4 : s->going_room * 2;
		s->going = mem_resize(s->going, s->going_room,
			sizeof(*s->going));
	}
	s->going[s->going_count] = (struct store_going){.box = b};
	return &s->going[s->going_count++];
}

void store_view_going(struct store *s, struct store_box *b, uint32_t uid)
{
	b->events |= STORE_EVENT_EXPUNGED;
	if (b->view != NULL)
		store_uids_put(&going_of(s, b)->uids, uid);
}

void store_view_forget(struct store *s)
{
	for (size_t i = 0; i < s->going_count; i++)
		store_uids_clear(&s->going[i].uids);
	s->going_count = 0;
	s->coming_count = 0;
}

/* ---- publish -------------------------------------------------------------------------- */
static void add_row(const struct store_coming *c)
{
	struct store_view_state *w = c->box->view;

	make_room(w, w->view.count + 1);
	w->view.rows[w->view.count++] = c->row;
}

/* Closes up the rows of these uids. */
static void drop_rows(struct store_view_state *w, const struct store_uids *uids)
{
	struct store_row *rows = w->view.rows;
	size_t from, to, k = 0;

	if (uids->count == 0)
		return;
	from = to = store_view_find(&w->view, uids->items[0]);
	for (; from < w->view.count; from++) {
		while (k < uids->count && uids->items[k] < rows[from].uid)
			k++;
		if (k < uids->count && uids->items[k] == rows[from].uid)
			continue;
		rows[to++] = rows[from];
	}
	w->view.count = to;
}

static int cmp_uids(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void drop_going(const struct store_going *g)
{
	struct store_view_state *w = g->box->view;

	qsort(g->uids.items, g->uids.count, sizeof(*g->uids.items), cmp_uids);
	drop_rows(w, &g->uids);
	LIST_FOR_EACH(it, &w->cursors) {
		store_cursor_expunged(
			LIST_OF(struct store_cursor, siblings, it), &g->uids);
	}
}

/* The mailbox is gone: the view lives on, empty, for who has it. */
void store_view_detach(struct store_box *b)
{
	struct store_view_state *w = b->view;
	struct store_uids all = {0};

	if (w == NULL)
		return;
	if (w == w->store->kept_view) {
		store_view_drop_kept(w->store);
		return;
	}
	for (size_t i = 0; i < w->view.count; i++)
		store_uids_put(&all, w->view.rows[i].uid);
	LIST_FOR_EACH(it, &w->cursors) {
		store_cursor_expunged(
			LIST_OF(struct store_cursor, siblings, it), &all);
	}
	store_uids_clear(&all);
	w->view.count = 0;
	w->view.is_deleted = true;
	w->view.keywords = NULL;
	w->view.keyword_count = 0;
	w->box = NULL;
	b->view = NULL;
}

void store_tell(struct store *s, const struct store_event *event)
{
	LIST_FOR_EACH(it, &s->listeners) {
		struct store_listener *l =
			LIST_OF(struct store_listener, siblings, it);

		l->fn(l->arg, event);
	}
}

void store_publish(struct store *s)
{
	for (size_t i = 0; i < s->coming_count; i++)
		add_row(&s->coming[i]);
	for (size_t i = 0; i < s->going_count; i++)
		drop_going(&s->going[i]);
	store_view_forget(s);
	for (size_t i = 0; i < s->box_count; i++)
		if (s->boxes[i]->events != 0 && s->boxes[i]->view != NULL)
			refresh(s->boxes[i]->view);
	for (size_t i = 0; i < s->box_count; i++) {
		struct store_box *b = s->boxes[i];
		const struct store_event event = {
			.mailbox = b->m.id,
			.what = b->events,
			.name = b->old_name,
		};

		b->events = 0;
		b->old_name = SPAN_EMPTY;
		if (event.what != 0)
			store_tell(s, &event);
		mem_free((void *)(uintptr_t)event.name.p); /* ours */
	}
}

/* ---- listeners ------------------------------------------------------------------------ */
void store_listen(struct store *s, struct store_listener *l)
{
	list_put(&s->listeners, &l->siblings);
}

void store_unlisten(struct store_listener *l)
{
	list_take(&l->siblings);
}
