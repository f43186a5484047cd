/*
 * imap_context_tell.c - what is said of a context: who comes, who goes, at which
 * places; and that it is taken into what was found.  See imap_context_int.h.
 *
 * Without an order the place is 0, and the client sorts what comes into its list.
 * With one, places are those after all that was said before: what goes is said
 * from the last to the first, what comes from the first to the last.
 */
#include "imap/imap_context_int.h"

#include "base/mem.h"

#include "base/banned.h"

/* The place of a uid; count: it is not there. */
static size_t place_of(const struct store_uids *l, uint32_t uid)
{
	size_t low = 0, high = l->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (l->items[mid] < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low < l->count && l->items[low] == uid ? low : l->count;
}

bool imap_context_has(const struct store_uids *l, uint32_t uid)
{
	return place_of(l, uid) < l->count;
}

/* ---- putting ------------------------------------------------------------------------ */
/* One response; its words are put when there is something to say. */
struct telling {
	struct imap_session *session;
	const struct imap_context *context;
	bool has_begun, has_word;
	struct imap_set_writer set;
};

/* A client that said UIDONLY since then knows no numbers: RFC 9586 3. */
static bool tells_uids(const struct telling *t)
{
	return t->context->is_uid || t->session->is_uidonly;
}

static void put_uid(struct telling *t, uint32_t uid)
{
	imap_set_put(&t->set, tells_uids(t)
			? uid
			: store_cursor_number(&t->session->cursor, uid));
}

/* " ADDTO (0 ", or behind one " 7 ". */
static void begin_set(struct telling *t, const char *word, size_t place)
{
	struct imap_session *s = t->session;
	const struct imap_context *c = t->context;

	if (!t->has_begun)
		imap_put_esearch_begin(s, c->tag,
			c->is_multi ? s->cursor.view : NULL, tells_uids(t));
	t->has_begun = true;
	buf_putc(&s->out, ' ');
	if (!t->has_word) {
		buf_puts(&s->out, word);
		buf_puts(&s->out, " (");
	}
	t->has_word = true;
	buf_put_u64(&s->out, place);
	buf_putc(&s->out, ' ');
	t->set = (struct imap_set_writer){.out = &s->out};
}

static void end_set(struct telling *t)
{
	(void)imap_set_put_end(&t->set);
}

static void end_word(struct telling *t)
{
	if (t->has_word)
		buf_putc(&t->session->out, ')');
	t->has_word = false;
}

static void put_list(struct telling *t, const char *word,
	const struct store_uids *uids)
{
	if (uids->count == 0)
		return;
	begin_set(t, word, 0);
	for (size_t i = 0; i < uids->count; i++)
		put_uid(t, uids->items[i]);
	end_set(t);
	end_word(t);
}

/* ---- what comes and goes, in an order -------------------------------------------------- */
static void put_going(struct telling *t, const struct imap_context *c)
{
	for (size_t end = c->uids.count; end > 0;) {
		size_t first = end;

		while (first > 0 &&
			imap_context_has(&c->going, c->order[first - 1].uid))
			first--;
		if (first == end) {
			end--;
			continue;
		}
		begin_set(t, "REMOVEFROM", first + 1);
		for (size_t i = first; i < end; i++)
			put_uid(t, c->order[i].uid);
		end_set(t);
		end = first;
	}
	end_word(t);
}

static void drop_going(struct imap_context *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->uids.count; i++)
		if (!imap_context_has(&c->going, c->order[i].uid))
			c->order[n++] = c->order[i];
}

/* Which of two comes first; equal ones as in the mailbox. */
static bool is_before(const struct imap_context *c,
	const struct imap_sort_item *a, const struct imap_sort_item *b)
{
	int order = imap_sort_compare(&c->sort, a, b);

	return order != 0 ? order < 0 : a->uid < b->uid;
}

/* Merges those that come into the count that are there, and puts them. */
static void take_coming(struct telling *t, struct imap_context *c, size_t have)
{
	size_t all = have + c->sort.count, a = 0, b = 0;
	struct imap_sort_item *merged = mem_new(all + 1, sizeof(*merged));
	bool is_run = false;

	imap_sort_run(&c->sort);
	for (size_t i = 0; i < all; i++) {
		bool is_new = b < c->sort.count && (a == have ||
			is_before(c, &c->sort.items[b], &c->order[a]));

		if (is_run && !is_new)
			end_set(t);
		if (is_new && !is_run)
			begin_set(t, "ADDTO", i + 1);
		if (is_new)
			put_uid(t, c->sort.items[b].uid);
		is_run = is_new;
		merged[i] = is_new ? c->sort.items[b++] : c->order[a++];
	}
	if (is_run)
		end_set(t);
	end_word(t);
	mem_free(c->order);
	c->order = merged;
	c->sort.count = 0;
}

/* ---- applying --------------------------------------------------------------------------- */
/* What came and went meanwhile is not said any more. */
static void tidy(const struct imap_session *s, struct imap_context *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->coming.count; i++)
		if (store_view_row(s->cursor.view, c->coming.items[i]) != NULL)
			c->coming.items[n++] = c->coming.items[i];
	c->coming.count = n;
	n = 0;
	for (size_t i = 0; i < c->sort.count; i++)
		if (imap_context_has(&c->coming, c->sort.items[i].uid))
			c->sort.items[n++] = c->sort.items[i];
	c->sort.count = n;
	n = 0;
	for (size_t i = 0; i < c->going.count; i++)
		if (imap_context_has(&c->uids, c->going.items[i]))
			c->going.items[n++] = c->going.items[i];
	c->going.count = n;
}

static void merge_uids(struct imap_context *c)
{
	struct store_uids merged = {0};
	size_t come = 0;

	for (size_t i = 0; i < c->uids.count; i++) {
		uint32_t uid = c->uids.items[i];

		while (come < c->coming.count &&
			c->coming.items[come] < uid)
			store_uids_put(&merged, c->coming.items[come++]);
		if (!imap_context_has(&c->going, uid))
			store_uids_put(&merged, uid);
	}
	while (come < c->coming.count)
		store_uids_put(&merged, c->coming.items[come++]);
	store_uids_clear(&c->uids);
	c->uids = merged;
}

/* Says what comes and goes, and takes it into what was found. */
void imap_context_apply(struct imap_session *s, struct imap_context *c)
{
	struct telling t = {.session = s, .context = c};

	tidy(s, c);
	if (c->coming.count == 0 && c->going.count == 0)
		return;
	if (c->is_sort) {
		put_going(&t, c);
		drop_going(c);
		take_coming(&t, c, c->uids.count - c->going.count);
	} else {
		put_list(&t, "REMOVEFROM", &c->going);
		put_list(&t, "ADDTO", &c->coming);
	}
	buf_puts(&s->out, "\r\n");
	merge_uids(c);
	store_uids_clear(&c->coming);
	store_uids_clear(&c->going);
}
