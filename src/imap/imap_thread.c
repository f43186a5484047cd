/*
 * imap_thread.c - messages as conversations.
 *
 *	REFERENCES, with the numbers of RFC 5256 3:
 *	link (1) -> prune (3) -> sort roots (4) -> gather subjects (5) -> sort (6)
 *
 *	REFS: link (1) -> prune (3) -> sort, the roots by their latest message
 */
#include "imap/imap_thread.h"

#include "base/dict.h"
#include "base/mem.h"
#include "codec/fold.h"
#include "message/msgid.h"
#include "message/subject.h"
#include "message/words.h"

#include "base/banned.h"

#define NONE       IMAP_THREAD_NONE
#define RAW_BYTES  4096u
#define TEXT_BYTES 200u

/* ---- what is taken of a message ---------------------------------------------------- */
bool imap_thread_read(struct imap_reader *r, struct imap_thread *out)
{
	*out = (struct imap_thread){0};
	arena_init(&out->arena, IMAP_THREAD_BYTES + (4u << 20));
	arena_init(&out->message, STORE_META_ARENA_BYTES);
	out->is_refs = imap_skip_word(r, SPAN("REFS"));
	out->by_references = out->is_refs ||
		imap_skip_word(r, SPAN("REFERENCES"));
	return out->by_references ||
		imap_skip_word(r, SPAN("ORDEREDSUBJECT")) ||
		imap_read_fails(r, "there is no such way of threading");
}

static void take_subject(struct imap_thread *t, struct imap_thread_node *n,
	struct span raw)
{
	struct buf decoded, base, folded;

	buf_init(&decoded, RAW_BYTES * 4);
	buf_init(&base, RAW_BYTES * 4);
	buf_init(&folded, RAW_BYTES * 4 * FOLD_GROWTH);
	words_put_decoded(&decoded, span_head(raw, RAW_BYTES));
	subject_put_base(&base, buf_span(&decoded), &n->is_reply);
	fold_put(&folded, buf_span(&base));
	n->subject = arena_dup(&t->arena,
		span_head(buf_span(&folded), TEXT_BYTES));
	buf_clear(&decoded);
	buf_clear(&base);
	buf_clear(&folded);
}

static struct span keep_id(struct imap_thread *t, struct span id)
{
	struct buf text;
	struct span kept;

	buf_init(&text, RAW_BYTES);
	msgid_put(&text, span_head(id, RAW_BYTES));
	kept = arena_dup(&t->arena, buf_span(&text));
	buf_clear(&text);
	return kept;
}

/* The last IMAP_THREAD_IDS_MAX of References, or the first of In-Reply-To. */
static void take_ids(struct imap_thread *t, struct imap_thread_node *n,
	const struct envelope *e)
{
	struct span found[IMAP_THREAD_IDS_MAX];
	struct span *ids;
	struct span rest = e->references, id;
	size_t count = 0, kept;

	while (msgid_next(&rest, &id))
		found[count++ % IMAP_THREAD_IDS_MAX] = id;
	rest = e->in_reply_to;
	if (count == 0 && msgid_next(&rest, &id))
		found[count++] = id;
	kept = count < IMAP_THREAD_IDS_MAX ? count : IMAP_THREAD_IDS_MAX;
	ids = arena_alloc(&t->arena, kept + 1, sizeof(*ids));
	for (size_t i = 0; i < kept; i++)
		ids[i] = keep_id(t,
			found[(count - kept + i) % IMAP_THREAD_IDS_MAX]);
	n->ids = ids;
	n->id_count = (uint32_t)kept;
	rest = e->message_id;
	if (msgid_next(&rest, &id))
		n->id = keep_id(t, id);
}

static uint32_t new_node(struct imap_thread *t)
{
	if (t->count == t->room) {
		t->room = t->room > 0 ? t->room * 2 : 64;
		t->nodes = mem_resize(t->nodes, t->room, sizeof(*t->nodes));
	}
	t->nodes[t->count] = (struct imap_thread_node){.parent = NONE,
		.child = NONE, .next = NONE, .previous = NONE,
		.latest = INT64_MIN};
	return (uint32_t)t->count++;
}

enum code imap_thread_add(struct imap_thread *t, struct store *store,
	const struct store_row *row, struct err *e)
{
	struct imap_thread_node *n;
	struct store_meta m;
	uint32_t node;
	enum code code;

	if (t->arena.used_bytes > IMAP_THREAD_BYTES)
		return err_set(e, LIMIT, "too many messages to thread");
	arena_reset(&t->message);
	code = store_message_meta(store, row->message, &t->message, &m, e);
	if (code != OK)
		return code;
	node = new_node(t); /* which may move them */
	n = &t->nodes[node];
	n->uid = row->uid;
	n->date = m.has_sent ? m.sent_ms : row->received_ms;
	n->latest = row->received_ms;
	if (!t->is_refs)
		take_subject(t, n, m.envelope->subject);
	if (t->by_references)
		take_ids(t, n, m.envelope);
	t->messages = t->count;
	return OK;
}

/* ---- links ---------------------------------------------------------------------------- */
static void unlink_node(struct imap_thread *t, uint32_t node)
{
	struct imap_thread_node *n = &t->nodes[node];

	if (n->parent == NONE)
		return;
	if (n->previous != NONE)
		t->nodes[n->previous].next = n->next;
	else
		t->nodes[n->parent].child = n->next;
	if (n->next != NONE)
		t->nodes[n->next].previous = n->previous;
	n->parent = n->next = n->previous = NONE;
}

static void put_under(struct imap_thread *t, uint32_t parent, uint32_t node)
{
	struct imap_thread_node *p = &t->nodes[parent];
	struct imap_thread_node *n = &t->nodes[node];

	unlink_node(t, node);
	n->parent = parent;
	n->next = p->child;
	if (p->child != NONE)
		t->nodes[p->child].previous = node;
	p->child = node;
}

/* May it stand below that parent?  Not if it is above it already, nor so deep
 * that it could not be told. */
static bool may_link(const struct imap_thread *t, uint32_t parent,
	uint32_t node)
{
	unsigned depth = 0;

	for (uint32_t at = parent; at != NONE; at = t->nodes[at].parent)
		if (at == node || ++depth > IMAP_THREAD_DEPTH_MAX)
			return false;
	return true;
}

/* ---- REFERENCES, step 1 ------------------------------------------------------------------ */
static uint32_t find_id(struct imap_thread *t, struct dict *ids, struct span id)
{
	void *found = dict_get(ids, id);
	uint32_t node;

	if (found != NULL)
		return (uint32_t)((uintptr_t)found - 1);
	node = new_node(t);
	dict_put(ids, id, (void *)((uintptr_t)node + 1)); // NOLINT
	return node;
}

/* The first message with an id has it; another one is as if it had none. */
static void put_ids(struct imap_thread *t, struct dict *ids)
{
	for (uint32_t i = 0; i < t->messages; i++) {
		struct span id = t->nodes[i].id;

		if (id.n > 0 && dict_get(ids, id) == NULL)
			dict_put(ids, id,
				(void *)((uintptr_t)i + 1)); // NOLINT
	}
}

static void link_message(struct imap_thread *t, struct dict *ids, uint32_t node)
{
	uint32_t last = NONE;

	for (uint32_t i = 0; i < t->nodes[node].id_count; i++) {
		uint32_t at = find_id(t, ids, t->nodes[node].ids[i]);

		if (last != NONE && t->nodes[at].parent == NONE &&
			may_link(t, last, at))
			put_under(t, last, at);
		last = at;
	}
	unlink_node(t, node);
	if (last != NONE && may_link(t, last, node))
		put_under(t, last, node);
}

static void link_all(struct imap_thread *t)
{
	struct dict ids;

	dict_init(&ids);
	put_ids(t, &ids);
	for (uint32_t i = 0; i < t->messages; i++)
		link_message(t, &ids, i);
	dict_clear(&ids);
}

/* ---- step 3 -------------------------------------------------------------------------------- */
static bool is_dummy(const struct imap_thread *t, uint32_t node)
{
	return t->nodes[node].uid == 0;
}

static void move_children(struct imap_thread *t, uint32_t from, uint32_t to)
{
	while (t->nodes[from].child != NONE)
		put_under(t, to, t->nodes[from].child);
}

static void prune(struct imap_thread *t, uint32_t node)
{
	struct imap_thread_node *n = &t->nodes[node];
	uint32_t only = n->child;

	if (n->parent != NONE) {
		move_children(t, node, n->parent);
		unlink_node(t, node);
		n->is_gone = true;
	} else if (only == NONE || t->nodes[only].next == NONE) {
		if (only != NONE)
			unlink_node(t, only);
		n->is_gone = true;
	}
}

/* Those below others first: a root may be left with one child by that. */
static void prune_all(struct imap_thread *t)
{
	for (uint32_t i = (uint32_t)t->messages; i < t->count; i++)
		if (t->nodes[i].parent != NONE)
			prune(t, i);
	for (uint32_t i = (uint32_t)t->messages; i < t->count; i++)
		if (!t->nodes[i].is_gone && t->nodes[i].parent == NONE)
			prune(t, i);
}

/* ---- order ----------------------------------------------------------------------------------- */
/* Of a dummy that of its first child. */
static uint32_t first_of(const struct imap_thread *t, uint32_t node)
{
	uint32_t best = NONE;

	if (!is_dummy(t, node))
		return node;
	for (uint32_t c = t->nodes[node].child; c != NONE; c = t->nodes[c].next)
		if (best == NONE || t->nodes[c].date < t->nodes[best].date ||
			(t->nodes[c].date == t->nodes[best].date && c < best))
			best = c;
	return best;
}

struct order {
	int64_t date;
	struct span subject; /* compared first */
	uint32_t place;      /* in the mailbox: compared last */
	uint32_t node;
};

static int compare(const struct order *a, const struct order *b)
{
	int subject = span_cmp(a->subject, b->subject);

	if (subject != 0)
		return subject;
	if (a->date != b->date)
		return a->date < b->date ? -1 : 1;
	return a->place < b->place ? -1 : a->place > b->place;
}

static void sift(struct order *items, size_t from, size_t count)
{
	for (size_t child; (child = 2 * from + 1) < count; from = child) {
		struct order swap;

		if (child + 1 < count &&
			compare(&items[child], &items[child + 1]) < 0)
			child++;
		if (compare(&items[from], &items[child]) >= 0)
			return;
		swap = items[from];
		items[from] = items[child];
		items[child] = swap;
	}
}

/* A heap: no worst case, and no two items are equal. */
static void sort(struct order *items, size_t count)
{
	for (size_t i = count / 2; i > 0; i--)
		sift(items, i - 1, count);
	for (size_t i = count; i > 1; i--) {
		struct order last = items[i - 1];

		items[i - 1] = items[0];
		items[0] = last;
		sift(items, 0, i - 1);
	}
}

static struct order order_of(const struct imap_thread *t, uint32_t node)
{
	uint32_t first = first_of(t, node);

	return (struct order){.date = t->nodes[first].date, .place = first,
		.node = node};
}

/* How late the last of each thread came, at its root. */
static void find_latest(struct imap_thread *t)
{
	for (uint32_t i = 0; i < t->messages; i++) {
		uint32_t root = i;

		while (t->nodes[root].parent != NONE)
			root = t->nodes[root].parent;
		if (t->nodes[root].latest < t->nodes[i].latest)
			t->nodes[root].latest = t->nodes[i].latest;
	}
}

static void sort_roots(struct imap_thread *t)
{
	struct order *items = mem_new(t->root_count + 1, sizeof(*items));

	for (size_t i = 0; i < t->root_count; i++)
		items[i] = order_of(t, t->roots[i]);
	for (size_t i = 0; t->is_refs && i < t->root_count; i++)
		items[i].date = t->nodes[t->roots[i]].latest;
	sort(items, t->root_count);
	for (size_t i = 0; i < t->root_count; i++)
		t->roots[i] = items[i].node;
	mem_free(items);
}

static void sort_children(struct imap_thread *t, uint32_t node,
	struct order *items)
{
	size_t count = 0;

	for (uint32_t c = t->nodes[node].child; c != NONE; c = t->nodes[c].next)
		items[count++] = order_of(t, c);
	sort(items, count);
	for (size_t i = count; i > 0; i--)
		put_under(t, node, items[i - 1].node);
}

static void sort_all_children(struct imap_thread *t)
{
	struct order *items = mem_new(t->count + 1, sizeof(*items));

	for (uint32_t i = 0; i < t->count; i++)
		if (!t->nodes[i].is_gone)
			sort_children(t, i, items);
	mem_free(items);
}

static void collect_roots(struct imap_thread *t)
{
	mem_free(t->roots);
	t->roots = mem_new(t->count + 1, sizeof(*t->roots));
	t->root_count = 0;
	for (uint32_t i = 0; i < t->count; i++)
		if (t->nodes[i].parent == NONE && !t->nodes[i].is_gone)
			t->roots[t->root_count++] = i;
}

/* ---- REFERENCES, step 5 --------------------------------------------------------------------- */
static struct span subject_of(const struct imap_thread *t, uint32_t root)
{
	return t->nodes[first_of(t, root)].subject;
}

static void put_subject(struct dict *table, struct span subject, uint32_t node)
{
	dict_put(table, subject, (void *)((uintptr_t)node + 1)); // NOLINT
}

static uint32_t get_subject(const struct dict *table, struct span subject)
{
	return (uint32_t)((uintptr_t)dict_get(table, subject) - 1);
}

static bool is_reply(const struct imap_thread *t, uint32_t node)
{
	return !is_dummy(t, node) && t->nodes[node].is_reply;
}

static void fill_table(struct imap_thread *t, struct dict *table)
{
	for (size_t i = 0; i < t->root_count; i++) {
		uint32_t root = t->roots[i];
		struct span subject = subject_of(t, root);
		uint32_t have;

		if (subject.n == 0)
			continue;
		have = get_subject(table, subject);
		if (have == NONE || (!is_dummy(t, have) &&
				(is_dummy(t, root) ||
					(is_reply(t, have) &&
						!is_reply(t, root)))))
			put_subject(table, subject, root);
	}
}

static void merge_root(struct imap_thread *t, struct dict *table, uint32_t root)
{
	struct span subject = subject_of(t, root);
	uint32_t have = subject.n > 0 ? get_subject(table, subject) : root;
	uint32_t dummy;

	if (have == root)
		return;
	if (is_dummy(t, have) && is_dummy(t, root)) {
		move_children(t, root, have);
		t->nodes[root].is_gone = true;
	} else if (is_dummy(t, have) ||
		(is_reply(t, root) && !is_reply(t, have))) {
		put_under(t, have, root);
	} else {
		dummy = new_node(t);
		put_under(t, dummy, have);
		put_under(t, dummy, root);
		put_subject(table, subject, dummy);
	}
}

static void gather_subjects(struct imap_thread *t)
{
	struct dict table;

	dict_init(&table);
	fill_table(t, &table);
	for (size_t i = 0; i < t->root_count; i++)
		merge_root(t, &table, t->roots[i]);
	dict_clear(&table);
}

/* ---- both -------------------------------------------------------------------------------------- */
static void order_subjects(struct imap_thread *t)
{
	struct order *items = mem_new(t->count + 1, sizeof(*items));
	uint32_t first = NONE;

	for (uint32_t i = 0; i < t->count; i++) {
		items[i] = order_of(t, i);
		items[i].subject = t->nodes[i].subject;
	}
	sort(items, t->count);
	for (size_t i = 0; i < t->count; i++) {
		uint32_t node = items[i].node;

		if (first == NONE || !span_eq(t->nodes[node].subject,
					     t->nodes[first].subject))
			first = node;
		else
			put_under(t, first, node);
	}
	mem_free(items);
}

void imap_thread_run(struct imap_thread *t)
{
	if (t->by_references) {
		link_all(t);
		prune_all(t);
	}
	if (t->is_refs) {
		find_latest(t);
	} else if (t->by_references) {
		collect_roots(t);
		sort_roots(t);
		gather_subjects(t);
	} else {
		order_subjects(t);
	}
	sort_all_children(t);
	collect_roots(t);
	sort_roots(t);
}

/* From a node that has no children to the next one; NONE: the thread is over. */
static uint32_t climb(const struct imap_thread *t, uint32_t node, uint32_t root,
	struct buf *out)
{
	while (node != root) {
		uint32_t parent = t->nodes[node].parent;
		uint32_t next = t->nodes[node].next;

		if (t->nodes[t->nodes[parent].child].next != NONE)
			buf_putc(out, ')');
		if (next != NONE) {
			buf_putc(out, '(');
			return next;
		}
		node = parent;
	}
	buf_putc(out, ')');
	return NONE;
}

void imap_thread_put(const struct imap_thread *t, uint32_t root,
	struct buf *out, imap_thread_shown_fn *shown, void *arg)
{
	uint32_t node = root;

	buf_putc(out, '(');
	while (node != NONE) {
		uint32_t child = t->nodes[node].child;

		if (!is_dummy(t, node))
			buf_put_u64(out, shown(arg, t->nodes[node].uid));
		if (child == NONE) {
			node = climb(t, node, root, out);
			continue;
		}
		if (!is_dummy(t, node))
			buf_putc(out, ' ');
		if (t->nodes[child].next != NONE)
			buf_putc(out, '(');
		node = child;
	}
}

void imap_thread_clear(struct imap_thread *t)
{
	mem_free(t->nodes);
	mem_free(t->roots);
	t->nodes = NULL;
	t->roots = NULL;
	arena_clear(&t->arena);
	arena_clear(&t->message);
}
