/*
 * imap_numbers.c - the messages that a set names, among those that the client
 * knows.
 */
#include "imap/imap_int.h"

#include "base/banned.h"

static uint32_t last_uid(const struct store_cursor *cursor)
{
	uint32_t count = store_cursor_count(cursor);
	const struct store_row *row;
	uint32_t uid = 0;

	if (count > 0)
		store_cursor_at(cursor, count, &uid, &row);
	return uid;
}

/* A search for messages that are not there finds none; so do programs ask in
 * an empty mailbox for 1:*.  Other commands are wrong then (RFC 9051 9). */
static bool is_search(const struct imap_session *s)
{
	return s->call.verb == IMAP_SEARCH || s->call.verb == IMAP_SORT ||
		s->call.verb == IMAP_THREAD || s->call.verb == IMAP_ESEARCH;
}

/* However often the command names it, it is there once. */
static struct imap_set saved_set(struct imap_session *s)
{
	if (!s->has_saved_set)
		s->saved_set = imap_set_of(s->saved.items, s->saved.count,
			&s->arena);
	s->has_saved_set = true;
	return s->saved_set;
}

bool imap_read_messages_in(struct imap_session *s,
	const struct store_cursor *cursor, struct imap_reader *r,
	struct imap_set *out)
{
	uint32_t count = cursor != NULL ? store_cursor_count(cursor) : 0;
	uint32_t star = count;

	/* "*" in an empty mailbox: as a uid it names nothing (RFC 9051 9), as a
	 * number it is wrong */
	if (s->call.is_uid && cursor != NULL)
		star = last_uid(cursor);
	if (count == 0 && (s->call.is_uid || is_search(s)))
		star = UINT32_MAX;
	if (!imap_read_set(r, star, out))
		return false;
	if (out->is_saved) {
		*out = cursor == &s->cursor ? saved_set(s)
					    : (struct imap_set){0};
		out->is_saved = true;
		return true;
	}
	if (!s->call.is_uid && !is_search(s) && imap_set_max(out) > count)
		return imap_read_fails(r, "there is no message of that number");
	return true;
}

bool imap_read_messages(struct imap_session *s, struct imap_reader *r,
	struct imap_set *out)
{
	return imap_read_messages_in(s, &s->cursor, r, out);
}

static void find_run(struct imap_session *s, struct imap_walk *w)
{
	const struct imap_range *range = &w->set->ranges[w->next++];

	if (s->call.is_uid || w->set->is_saved) {
		w->number = store_cursor_number_from(&s->cursor, range->low);
		w->end = range->high == UINT32_MAX
			? store_cursor_count(&s->cursor) + 1
			: store_cursor_number_from(&s->cursor,
				  range->high + 1);
	} else {
		w->number = range->low;
		w->end = range->high + 1;
	}
}

bool imap_walk(struct imap_session *s, struct imap_walk *w)
{
	if (w->number + 1 < w->end) {
		w->number++;
		return true;
	}
	while (w->next < w->set->count) {
		find_run(s, w);
		if (w->number < w->end)
			return true;
	}
	return false;
}

void imap_collect_uids(struct imap_session *s, const struct imap_set *set,
	struct store_uids *out, bool *out_has_ghosts)
{
	struct imap_walk w = {.set = set};

	*out_has_ghosts = false;
	while (imap_walk(s, &w)) {
		const struct store_row *row;
		uint32_t uid;

		store_cursor_at(&s->cursor, w.number, &uid, &row);
		if (row != NULL)
			store_uids_put(out, uid);
		else
			*out_has_ghosts = true;
	}
}

/* ---- what is not there ------------------------------------------------------------ */
struct gaps {
	struct imap_range *ranges;
	size_t count;
};

static void put_gap(struct gaps *g, uint32_t low, uint32_t high)
{
	g->ranges[g->count++] = (struct imap_range){low, high};
}

/* The uids of a range that are not there; *at: the first row to look at. */
static void find_gaps(const struct store_view *v, struct gaps *g,
	struct imap_range range, size_t *at)
{
	uint32_t low = range.low;
	uint32_t high = range.high < v->uidnext ? range.high : v->uidnext - 1;

	while (*at < v->count && v->rows[*at].uid < low)
		++*at;
	for (; *at < v->count && v->rows[*at].uid <= high; ++*at) {
		if (v->rows[*at].uid > low)
			put_gap(g, low, v->rows[*at].uid - 1);
		low = v->rows[*at].uid + 1;
	}
	if (low <= high)
		put_gap(g, low, high);
}

struct imap_set imap_missing(struct imap_session *s,
	const struct imap_set *known)
{
	static const struct imap_range all = {1, UINT32_MAX};
	const struct store_view *v = s->cursor.view;
	struct imap_set set = known->count > 0
		? *known
		: (struct imap_set){.ranges = &all, .count = 1};
	struct gaps g = {.ranges = arena_alloc(&s->arena,
				 v->count + set.count + 1,
				 sizeof(struct imap_range))};
	size_t at = 0;

	for (size_t i = 0; i < set.count; i++)
		find_gaps(v, &g, set.ranges[i], &at);
	return (struct imap_set){.ranges = g.ranges, .count = g.count};
}
