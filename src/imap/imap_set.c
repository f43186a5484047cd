/*
 * imap_set.c - sequence sets.  See imap_set.h.
 *
 * What clients send is nearly always in order already, so ranges are only
 * sorted when they are not.
 */
#include "imap/imap_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/num.h"

#include "base/banned.h"

/* ---- reading ------------------------------------------------------------ */
/* NULL, or the words for BAD. */
static const char *read_number(struct span s, uint32_t star, uint32_t *out)
{
	if (s.n == 1 && s.p[0] == '*') {
		*out = star;
		return star == 0 ? "there is no message for *" : NULL;
	}
	if (!num_parse_u32(s, UINT32_MAX, out) || *out == 0)
		return "a number of a set is 1 to 4294967295";
	return NULL;
}

static const char *read_range(
	struct span s, uint32_t star, struct imap_range *out)
{
	size_t colon = span_find(s, ':');
	const char *wrong = read_number(span_head(s, colon), star, &out->low);
	uint32_t low = out->low;

	out->high = low;
	if (wrong == NULL && colon < s.n)
		wrong = read_number(span_tail(s, colon + 1), star, &out->high);
	/* "these two regardless of order": RFC 9051 9 */
	if (out->low > out->high) {
		out->low = out->high;
		out->high = low;
	}
	return wrong;
}

static int by_low(const void *a, const void *b)
{
	const struct imap_range *x = a;
	const struct imap_range *y = b;

	if (x->low != y->low)
		return x->low < y->low ? -1 : 1;
	return 0;
}

/* In order; puts together what overlaps or touches; how many are left. */
static size_t merge(struct imap_range *ranges, size_t count)
{
	size_t n = 0;

	for (size_t i = 1; i < count; i++) {
		struct imap_range *last = &ranges[n];
		const struct imap_range *next = &ranges[i];

		if (last->high == UINT32_MAX || next->low <= last->high + 1) {
			if (next->high > last->high)
				last->high = next->high;
		} else {
			ranges[++n] = *next;
		}
	}
	return n + 1;
}

static size_t count_commas(struct span s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == ',';
	return n;
}

const char *imap_set_read(
	struct span text, uint32_t star, struct arena *a, struct imap_set *out)
{
	size_t count = count_commas(text) + 1;
	struct imap_range *ranges;
	bool is_in_order = true;

	*out = (struct imap_set){0};
	if (span_eq(text, SPAN("$"))) {
		out->is_saved = true;
		return NULL;
	}
	ranges = arena_alloc(a, count, sizeof(*ranges));
	for (size_t i = 0; i < count; i++) {
		const char *wrong =
			read_range(span_cut(&text, ','), star, &ranges[i]);

		if (wrong != NULL)
			return wrong;
		if (i > 0 && ranges[i].low < ranges[i - 1].low)
			is_in_order = false;
	}
	if (!is_in_order)
		qsort(ranges, count, sizeof(*ranges), by_low);
	out->ranges = ranges;
	out->count = merge(ranges, count);
	return NULL;
}

static size_t count_runs(const uint32_t *uids, size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		n += i == 0 || uids[i] != uids[i - 1] + 1;
	return n;
}

struct imap_set imap_set_of(const uint32_t *uids, size_t count, struct arena *a)
{
	struct imap_set set = {.count = count_runs(uids, count)};
	struct imap_range *ranges = arena_alloc(a, set.count, sizeof(*ranges));
	size_t n = 0;

	set.ranges = ranges;
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && uids[i] == uids[i - 1] + 1) {
			ranges[n - 1].high = uids[i];
			continue;
		}
		must(uids[i] > 0 && (i == 0 || uids[i] > uids[i - 1]));
		ranges[n++] = (struct imap_range){uids[i], uids[i]};
	}
	return set;
}

/* ---- asking ------------------------------------------------------------- */
bool imap_set_has(const struct imap_set *s, uint32_t number)
{
	size_t low = 0;
	size_t high = s->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (s->ranges[mid].high < number)
			low = mid + 1;
		else
			high = mid;
	}
	return low < s->count && s->ranges[low].low <= number;
}

uint32_t imap_set_max(const struct imap_set *s)
{
	return s->count == 0 ? 0 : s->ranges[s->count - 1].high;
}

uint64_t imap_set_size(const struct imap_set *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->count; i++)
		n += (uint64_t)s->ranges[i].high - s->ranges[i].low + 1;
	return n;
}

/* ---- walking ------------------------------------------------------------ */
/* The index of the first uid from `from` on that is not below; without uids the
 * number is the index and one. */
static size_t find_from(
	const struct imap_set_walk *w, size_t from, uint64_t number)
{
	size_t low = from;
	size_t high = w->count;

	if (w->uids == NULL) {
		low = (size_t)(number - 1);
		return low < w->count ? low : w->count;
	}
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (w->uids[mid] < number)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

bool imap_set_walk(struct imap_set_walk *w)
{
	while (w->next < w->set->count) {
		const struct imap_range *r = &w->set->ranges[w->next++];

		w->from = find_from(w, w->to, r->low);
		w->to = find_from(w, w->from, (uint64_t)r->high + 1);
		if (w->from < w->to)
			return true;
	}
	return false;
}

/* ---- writing ------------------------------------------------------------ */
static void put_range(struct imap_set_writer *w)
{
	if (w->low == 0)
		return;
	if (w->has_one)
		buf_putc(w->out, ',');
	w->has_one = true;
	buf_put_u64(w->out, w->low);
	if (w->high == w->low)
		return;
	buf_putc(w->out, ':');
	buf_put_u64(w->out, w->high);
}

void imap_set_put_range(struct imap_set_writer *w, uint32_t low, uint32_t high)
{
	if (w->low != 0 && low == w->high + 1) {
		w->high = high;
		return;
	}
	put_range(w);
	w->low = low;
	w->high = high;
}

void imap_set_put(struct imap_set_writer *w, uint32_t number)
{
	imap_set_put_range(w, number, number);
}

bool imap_set_put_end(struct imap_set_writer *w)
{
	put_range(w);
	w->low = 0;
	return w->has_one;
}

void imap_set_put_all(const struct imap_set *s, struct buf *out)
{
	struct imap_set_writer w = {.out = out};

	for (size_t i = 0; i < s->count; i++)
		imap_set_put_range(&w, s->ranges[i].low, s->ranges[i].high);
	(void)imap_set_put_end(&w);
}
