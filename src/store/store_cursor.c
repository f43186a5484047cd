/*
 * store_cursor.c - what one session sees of an open mailbox: its numbers, and
 * what it has to be told.  See store_view.h.
 *
 * The numbers are not stored.  A client sees the rows below uid_limit with the
 * ghosts between them, both in order of uids: so a number is the index of a row
 * and the ghosts before it, found by halving.
 */
#include "base/mem.h"
#include "store/store_int.h"

#include "base/banned.h"

void store_cursor_open(struct store_cursor *c, struct store_view *v)
{
	*c = (struct store_cursor){.view = v};
	v->state->references++;
	list_put(&v->state->cursors, &c->siblings);
	c->uid_limit = v->uidnext;
	store_cursor_told(c);
}

void store_cursor_close(struct store_cursor *c)
{
	list_take(&c->siblings);
	mem_free(c->ghosts);
	mem_free(c->recent);
	store_view_close(c->view);
	*c = (struct store_cursor){0};
}

/* ---- numbers -------------------------------------------------------------------- */
/* Rows that it sees. */
static size_t rows_seen(const struct store_cursor *c)
{
	return store_view_find(c->view, c->uid_limit);
}

/* Ghosts whose uid is below this. */
static size_t ghosts_below(const struct store_cursor *c, uint32_t uid)
{
	size_t from = 0, to = c->ghost_count;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (c->ghosts[middle] < uid)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static size_t number_of_ghost(const struct store_cursor *c, size_t k)
{
	return store_view_find(c->view, c->ghosts[k]) + k + 1;
}

/* Ghosts whose number is below this. */
static size_t ghosts_before(const struct store_cursor *c, size_t number)
{
	size_t from = 0, to = c->ghost_count;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (number_of_ghost(c, middle) < number)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

uint32_t store_cursor_count(const struct store_cursor *c)
{
	return (uint32_t)(rows_seen(c) + c->ghost_count);
}

void store_cursor_at(const struct store_cursor *c, uint32_t number,
	uint32_t *out_uid, const struct store_row **out_row)
{
	size_t before = ghosts_before(c, number);

	must(number > 0);
	if (before < c->ghost_count && number_of_ghost(c, before) == number) {
		*out_uid = c->ghosts[before];
		*out_row = NULL;
		return;
	}
	must(number - 1 - before < c->view->count);
	*out_row = &c->view->rows[number - 1 - before];
	*out_uid = (*out_row)->uid;
}

uint32_t store_cursor_number_from(const struct store_cursor *c, uint32_t uid)
{
	if (uid > c->uid_limit)
		uid = c->uid_limit;
	return (uint32_t)(store_view_find(c->view, uid) +
		ghosts_below(c, uid) + 1);
}

uint32_t store_cursor_number(const struct store_cursor *c, uint32_t uid)
{
	size_t ghosts = ghosts_below(c, uid);
	size_t index = store_view_find(c->view, uid);
	bool is_row = index < c->view->count && c->view->rows[index].uid == uid;
	bool is_ghost = ghosts < c->ghost_count && c->ghosts[ghosts] == uid;

	if (uid >= c->uid_limit || (!is_row && !is_ghost))
		return 0;
	return (uint32_t)(index + ghosts + 1);
}

uint32_t store_cursor_number_of(const struct store_cursor *c, size_t index)
{
	return (uint32_t)(index + 1 + (c->ghost_count == 0 ? 0
		: ghosts_below(c, c->view->rows[index].uid)));
}

/* ---- news ------------------------------------------------------------------------ */
unsigned store_cursor_news(const struct store_cursor *c)
{
	const struct store_view *v = c->view;
	unsigned news = 0;

	if (v->count > 0 && v->rows[v->count - 1].uid >= c->uid_limit)
		news |= STORE_NEWS_NEW;
	if (c->ghost_count > 0)
		news |= STORE_NEWS_EXPUNGED;
	if (v->state->flags_modseq > c->told_modseq)
		news |= STORE_NEWS_CHANGED;
	if (v->keyword_serial != c->told_keywords)
		news |= STORE_NEWS_KEYWORDS;
	return v->is_deleted ? news | STORE_NEWS_DELETED : news;
}

uint32_t store_cursor_take_expunged(struct store_cursor *c, uint32_t *out_uid)
{
	size_t number;

	if (c->ghost_count == 0)
		return 0;
	number = number_of_ghost(c, c->ghost_count - 1);
	*out_uid = c->ghosts[--c->ghost_count];
	return (uint32_t)number;
}

uint32_t store_cursor_next_changed(const struct store_cursor *c, uint32_t after)
{
	const struct store_row *rows = c->view->rows;
	size_t end = rows_seen(c);

	if (c->view->state->flags_modseq <= c->told_modseq)
		return 0;
	for (size_t i = after - ghosts_before(c, (size_t)after + 1); i < end;
		i++)
		if (rows[i].modseq > c->told_modseq)
			return store_cursor_number_of(c, i);
	return 0;
}

void store_cursor_told(struct store_cursor *c)
{
	c->told_modseq = c->view->highestmodseq;
	c->told_keywords = c->view->keyword_serial;
}

uint32_t store_cursor_take_new(struct store_cursor *c)
{
	/* what is new is no change of flags */
	if (c->view->state->flags_modseq <= c->told_modseq)
		c->told_modseq = c->view->highestmodseq;
	c->uid_limit = c->view->uidnext;
	return store_cursor_count(c);
}

/* ---- ghosts ---------------------------------------------------------------------- */
/* Merges what was expunged into the ghosts, from behind; both rise. */
void store_cursor_expunged(struct store_cursor *c, const struct store_uids *gone)
{
	size_t more = gone->count, have = c->ghost_count, at;

	while (more > 0 && gone->items[more - 1] >= c->uid_limit)
		more--; /* it never saw them */
	if (more == 0)
		return;
	at = have + more;
	if (at > c->ghost_room) {
		c->ghost_room = at + at / 2;
		c->ghosts = mem_resize(c->ghosts, c->ghost_room,
			sizeof(*c->ghosts));
	}
	c->ghost_count = at;
	while (more > 0) {
		bool is_ours = have > 0 &&
			c->ghosts[have - 1] > gone->items[more - 1];

		c->ghosts[--at] = is_ours ? c->ghosts[--have]
					  : gone->items[--more];
	}
}

/* ---- marks ----------------------------------------------------------------------- */
/* FNV-1a; the lengths are in it, so that names do not run into each other. */
static uint64_t hash_names(const struct store_view *v)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < v->keyword_count; i++) {
		struct span name = v->keywords[i];

		hash = (hash ^ name.n) * UINT64_C(1099511628211);
		for (size_t k = 0; k < name.n; k++)
			hash = (hash ^ name.p[k]) * UINT64_C(1099511628211);
	}
	return hash;
}

bool store_cursor_mark(const struct store_cursor *c, struct store_mark *out)
{
	if (store_cursor_news(c) != 0 ||
		c->recent_count > STORE_MARK_RECENT_MAX)
		return false;
	*out = (struct store_mark){
		.uidvalidity = c->view->uidvalidity,
		.uid_limit = c->uid_limit,
		/* no news: all that happened was told */
		.told_modseq = c->view->highestmodseq,
		.keywords = hash_names(c->view),
		.recent_count = (uint32_t)c->recent_count,
	};
	for (size_t i = 0; i < c->recent_count; i++)
		out->recent[i] = c->recent[i];
	return true;
}

static bool is_mark(const struct store_mark *m, const struct store_view *v)
{
	uint32_t from = 1;

	if (m->uidvalidity != v->uidvalidity || m->uid_limit == 0 ||
		m->uid_limit > v->uidnext ||
		m->told_modseq > v->highestmodseq ||
		m->recent_count > STORE_MARK_RECENT_MAX)
		return false;
	for (size_t i = 0; i < m->recent_count; i++) {
		const struct store_range *r = &m->recent[i];

		if (r->from < from || r->to <= r->from || r->to > m->uid_limit)
			return false;
		from = r->to;
	}
	return true;
}

/* What was claimed may not be durable. */
static void claim_again(struct store_cursor *c, const struct store_mark *m)
{
	struct store_box *b = c->view->state->box;

	if (m->recent_count == 0)
		return;
	c->recent = mem_new(m->recent_count, sizeof(*c->recent));
	c->recent_count = m->recent_count;
	for (size_t i = 0; i < m->recent_count; i++)
		c->recent[i] = m->recent[i];
	if (b->recent_uid < c->recent[c->recent_count - 1].to)
		b->recent_uid = c->recent[c->recent_count - 1].to;
}

enum code store_cursor_resume(struct store_cursor *c, struct store_view *v,
	const struct store_mark *m, struct err *e)
{
	struct store_uids gone = {0};
	bool is_complete = false;
	enum code code = NOT_FOUND;

	if (!v->is_deleted && is_mark(m, v))
		code = store_vanished_since(v, m->told_modseq, &gone,
			&is_complete, e);
	if (code == NOT_FOUND || (code == OK && !is_complete))
		code = err_set(e, NOT_FOUND,
			"what the client was told is too long ago");
	if (code != OK) {
		store_uids_clear(&gone);
		return code;
	}
	store_cursor_open(c, v);
	c->uid_limit = m->uid_limit;
	c->told_modseq = m->told_modseq;
	if (m->keywords != hash_names(v))
		c->told_keywords = v->keyword_serial - 1;
	store_cursor_expunged(c, &gone);
	store_uids_clear(&gone);
	claim_again(c, m);
	return OK;
}

/* ---- \Recent --------------------------------------------------------------------- */
void store_cursor_claim_recent(struct store_cursor *c)
{
	struct store_box *b = c->view->state->box;
	struct store_range *last;

	if (b == NULL || b->recent_uid >= c->uid_limit)
		return;
	last = c->recent_count == 0 ? NULL : &c->recent[c->recent_count - 1];
	if (last != NULL && last->to == b->recent_uid) {
		last->to = c->uid_limit;
	} else {
		c->recent = mem_resize(c->recent, c->recent_count + 1,
			sizeof(*c->recent));
		c->recent[c->recent_count++] = (struct store_range){
			.from = b->recent_uid, .to = c->uid_limit};
	}
	b->recent_uid = c->uid_limit;
}

bool store_cursor_is_recent(const struct store_cursor *c, uint32_t uid)
{
	for (size_t i = c->recent_count; i > 0; i--) {
		const struct store_range *r = &c->recent[i - 1];

		if (uid >= r->from)
			return uid < r->to;
	}
	return false;
}

uint32_t store_cursor_recent_count(const struct store_cursor *c)
{
	uint32_t count = 0;

	for (size_t i = 0; i < c->recent_count; i++) {
		const struct store_range *r = &c->recent[i];

		count += store_cursor_number_from(c, r->to) -
			store_cursor_number_from(c, r->from);
	}
	return count;
}

uint32_t store_mailbox_unclaimed(const struct store *s, uint64_t mailbox)
{
	const struct store_box *b = store_box_get(s, mailbox);
	uint64_t most;

	if (b == NULL || b->recent_uid >= b->m.uidnext)
		return 0;
	if (b->view != NULL)
		return (uint32_t)(b->view->view.count -
			store_view_find(&b->view->view, b->recent_uid));
	most = b->m.uidnext - b->recent_uid;
	return (uint32_t)(most < b->m.messages ? most : b->m.messages);
}
