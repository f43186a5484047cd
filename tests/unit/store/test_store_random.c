/*
 * test_store_random.c - many random verbs on three mailboxes that three sessions
 * watch, beside a model that a child could have written: arrays that are walked.
 * Some of the sessions sleep at times, and the store is opened anew meanwhile:
 * what they see then is what they would have seen.
 */
#include "box.h"

#define BOXES   3
#define CURSORS 4
#define MANY    400
#define STEPS   1200

struct model_row {
	uint32_t uid;
	unsigned flags;
	bool has_keyword[3];
};

struct model_box {
	uint64_t id;
	uint32_t uidnext;
	struct model_row rows[MANY];
	size_t count;
	struct store_view *view;
};

/* What a client knows. */
struct model_client {
	struct store_cursor cursor;
	struct model_box *box;
	uint32_t uids[MANY];
	bool is_changed[MANY];
	size_t count;
	uint32_t limit;
	bool is_asleep; /* there is no cursor but a mark */
	struct store_mark mark;
};

struct world {
	struct fixture *f;
	struct model_box boxes[BOXES];
	struct model_client clients[CURSORS];
	uint64_t seed, qid;
	unsigned events[8]; /* heard, by id of mailbox */
	struct store_listener listener;
};

static const char *const words[3] = {"$Junk", "work", "Later"};

static unsigned draw(struct world *w, unsigned below)
{
	w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(w->seed >> 33) % below;
}

static struct model_box *any_box(struct world *w)
{
	return &w->boxes[draw(w, BOXES)];
}

/* ---- the model ---------------------------------------------------------------- */
static void model_add(struct model_box *b, struct model_row row)
{
	assert_true(b->count < MANY);
	row.uid = b->uidnext++;
	b->rows[b->count++] = row;
}

static struct model_row *model_find(struct model_box *b, uint32_t uid)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->rows[i].uid == uid)
			return &b->rows[i];
	return NULL;
}

static void model_drop(struct model_box *b, uint32_t uid)
{
	struct model_row *r = model_find(b, uid);

	assert_non_null(r);
	memmove(r, r + 1, (size_t)(b->rows + b->count - r - 1) * sizeof(*r));
	b->count--;
}

static void model_changed(struct world *w, struct model_box *b, uint32_t uid)
{
	for (size_t i = 0; i < CURSORS; i++) {
		struct model_client *c = &w->clients[i];

		for (size_t k = 0; c->box == b && k < c->count; k++)
			if (c->uids[k] == uid)
				c->is_changed[k] = true;
	}
}

/* Some uids of a box, rising, one that is not there among them. */
static size_t pick(struct world *w, const struct model_box *b, uint32_t *out)
{
	unsigned one_in = 1 + draw(w, 5);
	size_t count = 0;

	for (size_t i = 0; i < b->count; i++)
		if (draw(w, one_in) == 0)
			out[count++] = b->rows[i].uid;
	if (draw(w, 3) == 0)
		out[count++] = b->uidnext + MANY;
	return count;
}

/* ---- compare ---------------------------------------------------------------------- */
static void compare_row(const struct store_view *v, const struct store_row *r,
	const struct model_row *m)
{
	assert_int_equal(r->uid, m->uid);
	assert_int_equal(r->flags, m->flags);
	for (size_t k = 0; k < 3; k++) {
		int bit = store_view_keyword(v, span_str(words[k]));
		bool has = bit >= 0 && (r->keywords >> bit & 1) != 0;

		assert_int_equal(has, m->has_keyword[k]);
	}
}

static void compare_box(struct world *w, const struct model_box *b)
{
	const struct store_mailbox *m = store_mailbox_get(w->f->store, b->id);
	uint64_t unseen = 0, deleted = 0, bytes = 0;

	assert_int_equal(b->view->count, b->count);
	for (size_t i = 0; i < b->count; i++) {
		compare_row(b->view, &b->view->rows[i], &b->rows[i]);
		unseen += (b->rows[i].flags & STORE_FLAG_SEEN) == 0;
		deleted += (b->rows[i].flags & STORE_FLAG_DELETED) != 0;
		bytes += b->view->rows[i].size;
	}
	assert_int_equal(m->messages, b->count);
	assert_int_equal(m->unseen, unseen);
	assert_int_equal(m->deleted, deleted);
	assert_int_equal(m->bytes, bytes);
	assert_int_equal(m->uidnext, b->uidnext);
	assert_int_equal(b->view->uidnext, b->uidnext);
	assert_int_equal(b->view->highestmodseq, m->highestmodseq);
}

static void compare_client(struct model_client *c)
{
	uint32_t uid;
	const struct store_row *row;

	if (c->is_asleep)
		return;
	assert_int_equal(store_cursor_count(&c->cursor), c->count);
	for (size_t i = 0; i < c->count; i++) {
		bool is_there = model_find(c->box, c->uids[i]) != NULL;

		store_cursor_at(&c->cursor, (uint32_t)i + 1, &uid, &row);
		assert_int_equal(uid, c->uids[i]);
		assert_int_equal(row != NULL, is_there);
		assert_int_equal(store_cursor_number(&c->cursor, uid), i + 1);
		assert_int_equal(store_cursor_number_from(&c->cursor, uid),
			i + 1);
		if (row != NULL)
			assert_int_equal(store_cursor_number_of(&c->cursor,
				(size_t)(row - c->box->view->rows)), i + 1);
	}
	assert_int_equal(store_cursor_number(&c->cursor, c->limit), 0);
	assert_int_equal(store_cursor_number_from(&c->cursor, c->limit),
		c->count + 1);
	assert_int_equal(store_cursor_number_from(&c->cursor,
		c->box->uidnext + 1), c->count + 1);
}

/* ---- what a client is told ---------------------------------------------------------- */
static void tell_changed(struct model_client *c)
{
	bool was_told[MANY] = {false};
	uint32_t n = 0;

	while ((n = store_cursor_next_changed(&c->cursor, n)) != 0)
		was_told[n - 1] = true;
	for (size_t i = 0; i < c->count; i++) {
		if (model_find(c->box, c->uids[i]) != NULL)
			assert_int_equal(was_told[i], c->is_changed[i]);
		c->is_changed[i] = false;
	}
	store_cursor_told(&c->cursor);
	assert_int_equal(store_cursor_next_changed(&c->cursor, 0), 0);
}

static void tell_expunged(struct model_client *c)
{
	uint32_t n, uid;

	while ((n = store_cursor_take_expunged(&c->cursor, &uid)) != 0) {
		size_t behind = c->count - n;

		assert_true(n <= c->count);
		assert_int_equal(c->uids[n - 1], uid);
		assert_null(model_find(c->box, uid));
		memmove(&c->uids[n - 1], &c->uids[n], behind * 4);
		memmove(&c->is_changed[n - 1], &c->is_changed[n], behind);
		c->count--;
		compare_client(c);
	}
	for (size_t i = 0; i < c->count; i++)
		assert_non_null(model_find(c->box, c->uids[i]));
}

static void tell_new(struct model_client *c)
{
	for (size_t i = 0; i < c->box->count; i++) {
		if (c->box->rows[i].uid < c->limit)
			continue;
		c->is_changed[c->count] = false;
		c->uids[c->count++] = c->box->rows[i].uid;
	}
	c->limit = c->box->uidnext;
	assert_int_equal(store_cursor_take_new(&c->cursor), c->count);
}

static void tell(struct world *w)
{
	struct model_client *c = &w->clients[draw(w, CURSORS)];
	unsigned what = draw(w, 8);

	if (c->is_asleep)
		return;
	/* before what is new, as that has changed too */
	if ((what & 1) || ((what & 4) &&
		(store_cursor_news(&c->cursor) & STORE_NEWS_CHANGED)))
		tell_changed(c);
	if (what & 2)
		tell_expunged(c);
	if (what & 4)
		tell_new(c);
	if (what == 7)
		assert_int_equal(store_cursor_news(&c->cursor) &
			~STORE_NEWS_KEYWORDS, 0);
}

/* Only who was told everything sleeps. */
static void do_sleep(struct world *w)
{
	struct model_client *c = &w->clients[draw(w, CURSORS)];

	if (c->is_asleep) {
		assert_int_equal(store_cursor_resume(&c->cursor, c->box->view,
			&c->mark, &w->f->e), OK);
		c->is_asleep = false;
		return;
	}
	assert_int_equal(store_cursor_mark(&c->cursor, &c->mark),
		store_cursor_news(&c->cursor) == 0);
	tell_changed(c);
	tell_expunged(c);
	tell_new(c);
	assert_true(store_cursor_mark(&c->cursor, &c->mark));
	store_cursor_close(&c->cursor);
	c->is_asleep = true;
}

/* ---- verbs --------------------------------------------------------------------------- */
static void do_deliver(struct world *w)
{
	struct model_box *b = &w->boxes[0];
	unsigned count = 1 + draw(w, 3);
	uint64_t uid;

	assert_int_equal(store_delivery_begin(w->f->store, &w->f->e), OK);
	for (unsigned i = 0; i < count; i++) {
		struct sha256 sum;
		struct store_delivery d = delivery_of(++w->qid, BODY, &sum);

		assert_int_equal(store_delivery_add(w->f->store, &d, &uid,
			&w->f->e), OK);
	}
	if (draw(w, 4) == 0) {
		store_delivery_rollback(w->f->store);
		return;
	}
	assert_int_equal(store_delivery_commit(w->f->store, &w->f->e), OK);
	for (unsigned i = 0; i < count; i++)
		model_add(b, (struct model_row){0});
	assert_int_equal(uid, b->uidnext - 1);
}

static void do_append(struct world *w)
{
	struct model_box *b = any_box(w);
	struct model_row row = {.flags = draw(w, 32)};
	unsigned word = draw(w, 4);
	uint32_t uid;

	if (word < 3)
		row.has_keyword[word] = true;
	assert_int_equal(bring(w->f, b->id, BODY, row.flags,
		span_str(word < 3 ? words[word] : ""), &uid), OK);
	assert_int_equal(uid, b->uidnext);
	model_add(b, row);
}

static void change_row(struct model_row *r, const struct store_flags_change *c,
	const bool *has)
{
	switch (c->how) {
	case STORE_FLAGS_ADD:
		r->flags |= c->flags;
		break;
	case STORE_FLAGS_REMOVE:
		r->flags &= ~c->flags;
		break;
	case STORE_FLAGS_REPLACE:
		r->flags = c->flags;
		break;
	}
	for (size_t k = 0; k < 3; k++) {
		if (c->how == STORE_FLAGS_REPLACE)
			r->has_keyword[k] = has[k];
		else if (has[k])
			r->has_keyword[k] = c->how == STORE_FLAGS_ADD;
	}
}

static bool failed(const struct store_flags_result *r, uint32_t uid)
{
	for (size_t i = 0; i < r->failed.count; i++)
		if (r->failed.items[i] == uid)
			return true;
	return false;
}

static void do_flags(struct world *w)
{
	struct model_box *b = any_box(w);
	struct store_flags_change c = {
		.how = (enum store_flags_how)draw(w, 3),
		.flags = draw(w, 32) & draw(w, 32),
		.has_unchanged_since = draw(w, 3) == 0,
	};
	struct store_flags_result r;
	struct span names[3];
	bool has[3] = {false};
	uint32_t uids[MANY];
	size_t count = pick(w, b, uids), changed = 0, failures = 0;
	uint64_t modseqs[MANY] = {0};

	if (b->count > 0)
		c.unchanged_since = b->view->rows[draw(w,
			(unsigned)b->count)].modseq;
	c.keywords = names;
	for (size_t k = 0; k < 3; k++) {
		has[k] = draw(w, 3) == 0;
		if (has[k])
			names[c.keyword_count++] = span_str(words[k]);
	}
	for (size_t i = 0; i < b->count; i++)
		modseqs[i] = b->view->rows[i].modseq;
	assert_int_equal(store_flags_store(b->view, uids, count, &c, &r,
		&w->f->e), OK);
	for (size_t i = 0; i < count; i++) {
		struct model_row *m = model_find(b, uids[i]);
		struct model_row before;

		if (m == NULL)
			continue;
		if (c.has_unchanged_since &&
			modseqs[m - b->rows] > c.unchanged_since) {
			assert_true(failed(&r, uids[i]));
			failures++;
			continue;
		}
		before = *m;
		change_row(m, &c, has);
		if (memcmp(&before, m, sizeof(*m)) == 0) {
			assert_int_equal(modseqs[m - b->rows],
				b->view->rows[m - b->rows].modseq);
			continue;
		}
		assert_int_equal(b->view->rows[m - b->rows].modseq, r.modseq);
		model_changed(w, b, uids[i]);
		changed++;
	}
	assert_int_equal(r.changed, changed);
	assert_int_equal(r.failed.count, failures);
	assert_int_equal(r.modseq == 0, changed == 0);
	store_uids_clear(&r.failed);
}

static void do_copy(struct world *w)
{
	struct model_box *from = any_box(w), *to = any_box(w);
	bool is_move = draw(w, 2) == 0;
	uint32_t uids[MANY];
	size_t count = pick(w, from, uids), k = 0;
	struct store_copied out;

	if (to->count + count > MANY / 2)
		return;
	assert_int_equal((is_move ? store_move : store_copy)(from->view, uids,
		count, to->id, NOW_MS, &out, &w->f->e), OK);
	assert_int_equal(out.first_uid, to->uidnext);
	for (size_t i = 0; i < count; i++) {
		struct model_row *m = model_find(from, uids[i]);

		if (m == NULL)
			continue;
		assert_int_equal(out.from.items[k++], uids[i]);
		model_add(to, *m);
		if (is_move)
			model_drop(from, uids[i]);
	}
	assert_int_equal(out.from.count, k);
	store_uids_clear(&out.from);
}

static void do_expunge(struct world *w)
{
	struct model_box *b = any_box(w);
	uint32_t uids[MANY];
	size_t count = pick(w, b, uids), k = 0;
	struct store_uids gone;

	assert_int_equal(store_expunge(b->view, uids, count, &gone, &w->f->e),
		OK);
	for (size_t i = 0; i < count; i++) {
		if (model_find(b, uids[i]) == NULL)
			continue;
		assert_int_equal(gone.items[k++], uids[i]);
		model_drop(b, uids[i]);
	}
	assert_int_equal(gone.count, k);
	store_uids_clear(&gone);
}

/* ---- the world ------------------------------------------------------------------------ */
static void on_event(void *arg, const struct store_event *event)
{
	struct world *w = arg;

	w->events[event->mailbox % 8] |= event->what;
}

static void open_all(struct world *w)
{
	w->listener = (struct store_listener){.fn = on_event, .arg = w};
	store_listen(w->f->store, &w->listener);
	for (size_t i = 0; i < BOXES; i++)
		w->boxes[i].view = view_of(w->f, w->boxes[i].id);
	for (size_t i = 0; i < CURSORS; i++) {
		struct model_client *c = &w->clients[i];

		c->box = &w->boxes[i % BOXES];
		if (c->is_asleep)
			continue;
		store_cursor_open(&c->cursor, c->box->view);
		c->count = 0;
		c->limit = 0;
		tell_new(c);
	}
}

static void close_all(struct world *w)
{
	for (size_t i = 0; i < CURSORS; i++)
		if (!w->clients[i].is_asleep)
			store_cursor_close(&w->clients[i].cursor);
	for (size_t i = 0; i < BOXES; i++)
		store_view_close(w->boxes[i].view);
	store_unlisten(&w->listener);
}

static void do_reopen(struct world *w)
{
	close_all(w);
	assert_int_equal(broken(w->f), 0);
	reopen(w->f);
	open_all(w);
}

/* Every client was told what changed in a box that it sees, and only then. */
static void step(struct world *w)
{
	static void (*const verbs[])(struct world *) = {do_deliver, do_append,
		do_append, do_flags, do_flags, do_flags, do_copy, do_expunge,
		do_sleep, tell, tell, tell, tell, tell};
	unsigned verb = draw(w, sizeof(verbs) / sizeof(verbs[0]));
	uint64_t before[BOXES];

	memset(w->events, 0, sizeof(w->events));
	for (size_t i = 0; i < BOXES; i++)
		before[i] = w->boxes[i].view->highestmodseq;
	verbs[verb](w);
	for (size_t i = 0; i < BOXES; i++) {
		compare_box(w, &w->boxes[i]);
		assert_int_equal(before[i] != w->boxes[i].view->highestmodseq,
			w->events[w->boxes[i].id % 8] != 0);
	}
	for (size_t i = 0; i < CURSORS; i++)
		compare_client(&w->clients[i]);
}

static void agrees_with_the_model(void **state)
{
	struct world *w = MEM_NEW(struct world);

	w->f = *state;
	w->seed = 42;
	w->boxes[0].id = store_inbox(w->f->store);
	w->boxes[1].id = make_mailbox(w->f, "a");
	w->boxes[2].id = make_mailbox(w->f, "a/b");
	for (size_t i = 0; i < BOXES; i++)
		w->boxes[i].uidnext = 1;
	open_all(w);
	for (unsigned i = 0; i < STEPS; i++) {
		step(w);
		if (i % 200 == 199)
			do_reopen(w);
	}
	close_all(w);
	assert_int_equal(broken(w->f), 0);
	mem_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(
		agrees_with_the_model, set_up, tear_down)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
