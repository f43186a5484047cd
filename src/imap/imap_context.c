/*
 * imap_context.c - ADDTO and REMOVEFROM.  RFC 5267 4.3
 *
 *	told before     what a context does then
 *	FETCH (FLAGS)   tries what changed since it last looked: comes or goes
 *	EXPUNGE         what is expunged goes, in numbers that are still right
 *	EXISTS          tries what is new: comes
 *
 * A context whose keys ask for nothing that can change is tried on new messages
 * only.  One that has to read messages does so in slices.  What it says is written
 * by imap_context_tell.c.
 */
#include "imap/imap_context_int.h"

#include "base/mem.h"
#include "imap/imap_notify.h"

#include "base/banned.h"

/* So many messages are read before others have their turn. */
#define SLICE_MESSAGES 50
/* Of its keys so many may be sets of numbers: each is looked up. */
#define SETS_MAX 16u

/* ---- begin and end ------------------------------------------------------------- */
static struct imap_context **find(struct imap_session *s, struct span tag)
{
	struct imap_context **at = &s->contexts;

	while (*at != NULL && !span_eq((*at)->tag, tag))
		at = &(*at)->next;
	return at;
}

static size_t count(const struct imap_session *s)
{
	size_t n = 0;

	for (struct imap_context *c = s->contexts; c != NULL; c = c->next)
		n++;
	return n;
}

const char *imap_context_wrong(const struct imap_session *s,
	const struct imap_searching *q)
{
	if (!q->wants_update)
		return NULL;
	if (!s->is_selected)
		return "no mailbox is selected";
	for (struct imap_context *c = s->contexts; c != NULL; c = c->next)
		if (span_eq(c->tag, buf_span(&s->tag)))
			return "this tag has a search that is kept up to date";
	return NULL;
}

static void refuse(struct imap_session *s, struct span tag, const char *why)
{
	buf_puts(&s->out, "* NO [NOUPDATE \"");
	buf_put(&s->out, tag);
	buf_puts(&s->out, "\"] ");
	buf_puts(&s->out, why);
	buf_puts(&s->out, "\r\n");
}

void imap_context_free(struct imap_context *c)
{
	if (c == NULL)
		return;
	store_uids_clear(&c->uids);
	store_uids_clear(&c->coming);
	store_uids_clear(&c->going);
	store_uids_clear(&c->came);
	imap_sort_clear(&c->sort);
	mem_free(c->order);
	arena_clear(&c->arena);
	mem_free(c);
}

static void end_one(struct imap_context **at)
{
	struct imap_context *c = *at;

	*at = c->next;
	imap_context_free(c);
}

void imap_context_end_all(struct imap_session *s)
{
	while (s->contexts != NULL)
		end_one(&s->contexts);
}

/* ---- keys ---------------------------------------------------------------------- */
/* The uids of numbers; false: they would take too much. */
static bool fix_numbers(struct imap_session *s, struct imap_context *c,
	struct imap_key *k)
{
	struct imap_set *set = ARENA_NEW(&c->arena, struct imap_set);
	uint32_t n = store_cursor_count(&s->cursor);
	struct store_uids uids = {0};
	bool fits;

	for (size_t i = 0; i < k->set->count; i++) {
		const struct imap_range *range = &k->set->ranges[i];

		for (uint32_t at = range->low; at <= range->high && at <= n;
			at++) {
			const struct store_row *row;
			uint32_t uid;

			store_cursor_at(&s->cursor, at, &uid, &row);
			store_uids_put(&uids, uid);
		}
	}
	fits = ++c->set_count <= SETS_MAX &&
		c->arena.used_bytes + uids.count * sizeof(struct imap_range) <=
		IMAP_CONTEXT_KEYS_BYTES;
	if (fits)
		*set = imap_set_of(uids.items, uids.count, &c->arena);
	store_uids_clear(&uids);
	k->set = set;
	k->has = imap_in_uids;
	return fits;
}

/* "$" of now. */
static bool fix_saved(struct imap_context *c, struct imap_key *k)
{
	struct imap_set *set = ARENA_NEW(&c->arena, struct imap_set);
	size_t n = k->set->count;
	struct imap_range *ranges;

	if (c->arena.used_bytes + n * sizeof(*ranges) > IMAP_CONTEXT_KEYS_BYTES)
		return false;
	ranges = arena_alloc(&c->arena, n + 1, sizeof(*ranges));
	for (size_t i = 0; i < n; i++)
		ranges[i] = k->set->ranges[i];
	*set = (struct imap_set){.ranges = ranges, .count = n};
	k->set = set;
	return true;
}

static bool fix_sets(struct imap_session *s, struct imap_context *c)
{
	for (size_t i = 0; i < c->search.key_count; i++) {
		struct imap_key *k = &c->search.keys[i];

		if (k->has == imap_in_numbers && !fix_numbers(s, c, k))
			return false;
		if (k->has == imap_in_uids && k->set->is_saved &&
			!fix_saved(c, k))
			return false;
	}
	return true;
}

/* May the verdict of the key on a message be another one some day? */
static bool is_changing(const struct imap_key *k)
{
	return k->has == imap_has_flags || k->has == imap_has_no_flags ||
		k->has == imap_has_keyword || k->has == imap_has_no_keyword ||
		k->has == imap_is_recent || k->has == imap_is_old ||
		k->has == imap_is_new || k->has == imap_is_modseq;
}

static void judge_keys(struct imap_context *c)
{
	const struct imap_search *q = &c->search;

	c->is_fixed = true;
	for (size_t i = 0; i < q->key_count; i++)
		c->is_fixed = c->is_fixed && !is_changing(&q->keys[i]);
	c->is_dear = c->is_sort || q->is_costly[IMAP_COST_HEAD] ||
		q->is_costly[IMAP_COST_TEXT];
}

/* A bit is another keyword's when its own has no message any more, and a keyword
 * that nobody had may have one now. */
static void find_keywords(const struct imap_session *s, struct imap_context *c)
{
	const struct store_view *v = s->cursor.view;

	if (c->keyword_serial == v->keyword_serial)
		return;
	c->keyword_serial = v->keyword_serial;
	for (size_t i = 0; i < c->search.key_count; i++) {
		struct imap_key *k = &c->search.keys[i];
		int bit;

		if (k->has != imap_has_keyword && k->has != imap_has_no_keyword)
			continue;
		bit = store_view_keyword(v, k->word);
		k->keywords = bit >= 0 ? UINT64_C(1) << bit : 0;
	}
}

static bool read_keys(struct imap_session *s, struct imap_context *c,
	struct span keys)
{
	struct imap_reader r;
	bool bad_charset;

	imap_reader_init(&r, arena_dup(&c->arena, keys), &c->arena);
	r.is_utf8 = s->is_utf8;
	r.depth_max = IMAP_DEPTH_MAX;
	return imap_search_read(s, &s->cursor, &r, &c->search, &bad_charset) &&
		!bad_charset && fix_sets(s, c);
}

void imap_context_begin(struct imap_session *s, struct imap_searching *q,
	struct span keys)
{
	struct imap_context *c;

	if (count(s) >= IMAP_CONTEXTS_MAX ||
		keys.n > IMAP_CONTEXT_TEXT_BYTES ||
		q->update_items.n > IMAP_CONTEXT_TEXT_BYTES) {
		refuse(s, buf_span(&s->tag), "not so many searches at once");
		return;
	}
	c = MEM_NEW(struct imap_context);
	arena_init(&c->arena, 4 * IMAP_CONTEXT_KEYS_BYTES);
	c->tag = arena_dup(&c->arena, buf_span(&s->tag));
	c->items = arena_dup(&c->arena, q->update_items);
	if (c->items.n > 0)
		(void)imap_notify_of(s); /* it knows whose messages come */
	c->is_uid = q->is_uid;
	c->is_multi = q->is_multi;
	c->is_sort = q->is_sort;
	c->uid_limit = s->cursor.uid_limit;
	c->modseq = s->cursor.view->highestmodseq;
	c->keyword_serial = s->cursor.view->keyword_serial;
	if (!read_keys(s, c, keys)) {
		refuse(s, c->tag, "not so large a search");
		imap_context_free(c);
		return;
	}
	judge_keys(c);
	q->context = c;
}

void imap_context_keep(struct imap_session *s, struct imap_searching *q)
{
	struct imap_context *c = q->context;

	if (c == NULL)
		return;
	if (q->has_too_many || (c->is_sort &&
			q->sort.arena.used_bytes > IMAP_CONTEXT_SORT_BYTES)) {
		refuse(s, c->tag, "not so large a mailbox");
		return; /* it is freed with the search */
	}
	q->context = NULL;
	c->uids = q->found;
	q->found = (struct store_uids){0};
	if (c->is_sort) {
		c->order = q->sort.items;
		c->sort = q->sort;
		c->sort.items = NULL;
		c->sort.count = c->sort.room = 0;
		q->sort = (struct imap_sort){0};
	}
	*find(s, SPAN_EMPTY) = c; /* no tag is empty: at the end */
}

void imap_context_refuse(struct imap_session *s, struct imap_searching *q)
{
	if (q->context == NULL)
		return;
	refuse(s, q->context->tag, "only of the mailbox that is selected");
	imap_context_free(q->context);
	q->context = NULL;
}

/* ---- trying --------------------------------------------------------------------------------- */
static enum code try_row(struct imap_session *s, struct imap_context *c,
	struct imap_trial *t, struct err *e)
{
	bool is_one = false, was_one = imap_context_has(&c->uids, t->row.uid);
	enum code code = imap_search_try(t, &is_one, e);

	if (code != OK || is_one == was_one)
		return code;
	if (!is_one) {
		store_uids_put(&c->going, t->row.uid);
		return OK;
	}
	imap_search_pause(t); /* it may have to write */
	c->sort.score = t->score;
	if (c->is_sort)
		code = imap_sort_add(&c->sort, s->store, &t->row, e);
	if (code == OK)
		store_uids_put(&c->coming, t->row.uid);
	return code;
}

/* Tries messages from c->at on, below limit, that changed after a modseq. */
static enum step try_rows(struct imap_session *s, struct imap_context *c,
	struct imap_trial *t, uint32_t limit, uint64_t since)
{
	const struct store_view *v = s->cursor.view;
	size_t i = store_view_find(v, c->at + 1);
	unsigned tried = 0;

	for (; i < v->count && v->rows[i].uid < limit; i++) {
		struct err e;
		enum code code;

		if (v->rows[i].modseq <= since)
			continue;
		if (c->is_dear && tried++ == SLICE_MESSAGES)
			return MORE;
		t->row = v->rows[i];
		c->at = t->row.uid;
		code = try_row(s, c, t, &e);
		if (code != OK && code != NOT_FOUND)
			imap_trouble(s, &e);
	}
	return DONE;
}

static enum step look(struct imap_session *s, struct imap_context *c,
	uint32_t limit, uint64_t since)
{
	struct arena arena;
	struct buf scratch, scratch2;
	struct imap_trial t = {.search = &c->search, .store = s->store,
		.cursor = &s->cursor, .arena = &arena, .scratch = &scratch,
		.scratch2 = &scratch2};
	enum step step;

	find_keywords(s, c);
	arena_init(&arena, STORE_META_ARENA_BYTES);
	buf_init(&scratch, IMAP_SEARCH_SCRATCH_BYTES);
	buf_init(&scratch2, IMAP_SEARCH_SCRATCH_BYTES);
	step = try_rows(s, c, &t, limit, since);
	imap_search_pause(&t);
	arena_clear(&arena);
	buf_clear(&scratch);
	buf_clear(&scratch2);
	return step;
}

/* ---- the moments ------------------------------------------------------------------------------ */
/* It grew beyond what it may take: it ends, and the client hears so. */
static bool is_too_large(const struct imap_context *c)
{
	return c->is_sort &&
		c->sort.arena.used_bytes > 2 * IMAP_CONTEXT_SORT_BYTES;
}

static enum step tell_changed(struct imap_session *s, struct imap_context *c)
{
	if (c->modseq == s->cursor.view->highestmodseq && !c->is_looking)
		return DONE;
	if (!c->is_looking) {
		c->at = 0;
		c->until = s->cursor.view->highestmodseq;
	}
	c->is_looking = true;
	if (!c->is_fixed && look(s, c, c->uid_limit, c->modseq) == MORE)
		return MORE;
	c->is_looking = false;
	c->modseq = c->until;
	imap_context_apply(s, c);
	return DONE;
}

static enum step tell_new(struct imap_session *s, struct imap_context *c)
{
	if (c->uid_limit >= s->cursor.uid_limit)
		return DONE;
	if (!c->is_looking)
		c->at = c->uid_limit - 1;
	c->is_looking = true;
	if (look(s, c, s->cursor.uid_limit, 0) == MORE)
		return MORE;
	c->is_looking = false;
	c->uid_limit = s->cursor.uid_limit;
	for (size_t i = 0; c->items.n > 0 && i < c->coming.count; i++)
		store_uids_put(&c->came, c->coming.items[i]);
	imap_context_apply(s, c);
	return DONE;
}

bool imap_context_take_came(struct imap_session *s, struct span *out_items,
	struct store_uids *out_uids)
{
	for (struct imap_context *c = s->contexts; c != NULL; c = c->next) {
		if (c->came.count == 0)
			continue;
		*out_items = c->items;
		*out_uids = c->came;
		c->came = (struct store_uids){0};
		return true;
	}
	return false;
}

enum step imap_context_tell_changed(struct imap_session *s)
{
	for (struct imap_context *c = s->contexts; c != NULL; c = c->next)
		if (!imap_has_room(s) || tell_changed(s, c) == MORE)
			return MORE;
	return DONE;
}

enum step imap_context_tell_new(struct imap_session *s)
{
	struct imap_context **at = &s->contexts;

	while (*at != NULL) {
		if (!imap_has_room(s) || tell_new(s, *at) == MORE)
			return MORE;
		if (!is_too_large(*at)) {
			at = &(*at)->next;
			continue;
		}
		refuse(s, (*at)->tag, "it has become too large");
		end_one(at);
	}
	return DONE;
}

void imap_context_tell_gone(struct imap_session *s)
{
	for (struct imap_context *c = s->contexts; c != NULL; c = c->next) {
		for (size_t i = 0; i < s->cursor.ghost_count; i++)
			if (imap_context_has(&c->uids, s->cursor.ghosts[i]))
				store_uids_put(&c->going, s->cursor.ghosts[i]);
		imap_context_apply(s, c);
	}
}

/* ---- CANCELUPDATE --------------------------------------------------------------------------------- */
/* "CANCELUPDATE" 1*(SP quoted) */
void imap_cmd_cancelupdate(struct imap_session *s, struct imap_reader *r)
{
	bool has_all = true;
	struct span tag;
	size_t from = r->at;

	do {
		if (!imap_read_sp(r) || !imap_read_string(r, &tag)) {
			imap_bad(s, r->why);
			return;
		}
	} while (!imap_is_end(r));
	r->at = from;
	while (!imap_is_end(r) && imap_read_sp(r) && imap_read_string(r, &tag)) {
		struct imap_context **at = find(s, tag);

		if (*at == NULL)
			has_all = false;
		else
			end_one(at);
	}
	if (has_all)
		imap_ok(s, "no further updates");
	else
		imap_no(s, "there is no such search");
}
