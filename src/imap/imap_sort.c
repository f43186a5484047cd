/*
 * imap_sort.c - messages in an order that the client names.
 */
#include "imap/imap_sort.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "codec/fold.h"
#include "message/subject.h"
#include "message/words.h"

#include "base/banned.h"

/* Before texts are cut, and after they were decoded. */
#define RAW_BYTES 4096u

/* ---- reading ---------------------------------------------------------------------- */
static const char *const names[IMAP_SORT_BY_COUNT] = {
	[IMAP_SORT_ARRIVAL] = "ARRIVAL",
	[IMAP_SORT_CC] = "CC",
	[IMAP_SORT_DATE] = "DATE",
	[IMAP_SORT_DISPLAYFROM] = "DISPLAYFROM",
	[IMAP_SORT_DISPLAYTO] = "DISPLAYTO",
	[IMAP_SORT_FROM] = "FROM",
	[IMAP_SORT_RELEVANCY] = "RELEVANCY",
	[IMAP_SORT_SIZE] = "SIZE",
	[IMAP_SORT_SUBJECT] = "SUBJECT",
	[IMAP_SORT_TO] = "TO",
};

static bool read_key(struct imap_reader *r, struct imap_sort *s)
{
	bool is_reverse = imap_skip_word(r, SPAN("REVERSE"));

	if (is_reverse && !imap_read_sp(r))
		return false;
	if (s->key_count == IMAP_SORT_KEYS_MAX)
		return imap_read_fails(r, "too many sort keys");
	for (unsigned i = 0; i < IMAP_SORT_BY_COUNT; i++) {
		if (!imap_skip_word(r, span_str(names[i])))
			continue;
		s->keys[s->key_count].by = (enum imap_sort_by)i;
		s->keys[s->key_count++].is_reverse = is_reverse;
		if (i == IMAP_SORT_RELEVANCY)
			s->needs_score = true;
		else if (i != IMAP_SORT_ARRIVAL && i != IMAP_SORT_SIZE)
			s->needs_meta = true;
		return true;
	}
	return imap_read_fails(r, "there is no such sort key");
}

bool imap_sort_read(struct imap_reader *r, struct imap_sort *out)
{
	*out = (struct imap_sort){0};
	arena_init(&out->arena, IMAP_SORT_BYTES + (1u << 20));
	arena_init(&out->message, STORE_META_ARENA_BYTES);
	if (!imap_read_open(r))
		return false;
	for (bool first = true; imap_read_more(r, first); first = false)
		if (!read_key(r, out))
			return false;
	if (r->why == NULL && out->key_count == 0)
		return imap_read_fails(r, "sorted by what?");
	return r->why == NULL;
}

/* ---- values ------------------------------------------------------------------------- */
/* The first characters: half of one would make all of it no text. */
static struct span head_of(struct span text)
{
	size_t n = RAW_BYTES;

	if (text.n <= n)
		return text;
	while (n > RAW_BYTES - 4 && (text.p[n] & 0xc0) == 0x80)
		n--;
	return span_head(text, n);
}

static struct span keep(struct imap_sort *s, struct span text)
{
	struct buf folded;
	struct span kept;

	buf_init(&folded, RAW_BYTES * FOLD_GROWTH);
	fold_put(&folded, head_of(text));
	kept = arena_dup(&s->arena,
		span_head(buf_span(&folded), IMAP_SORT_TEXT_BYTES));
	buf_clear(&folded);
	return kept;
}

/* RFC 5256 2.1 */
static struct span base_subject(struct imap_sort *s, struct span raw)
{
	struct buf decoded, base;
	bool is_reply;
	struct span kept;

	buf_init(&decoded, RAW_BYTES * 4);
	buf_init(&base, RAW_BYTES * 4);
	words_put_decoded(&decoded, span_head(raw, RAW_BYTES));
	subject_put_base(&base, buf_span(&decoded), &is_reply);
	kept = keep(s, buf_span(&base));
	buf_clear(&decoded);
	buf_clear(&base);
	return kept;
}

/* addr-mailbox of the first: RFC 5256 3; of a group its name stands there. */
static struct imap_sort_value first_mailbox(struct imap_sort *s,
	const struct address_list *l)
{
	struct span text;

	if (l->count == 0)
		return (struct imap_sort_value){0};
	text = l->items[0].kind == ADDRESS_MAILBOX ? l->items[0].local
						   : l->items[0].name;
	/* what is no text comes behind all that is: RFC 5255 4.6 */
	return (struct imap_sort_value){!utf8_is_valid(text), keep(s, text)};
}

/* As people see it: the name, else the address.  RFC 5957 3 */
static struct span first_shown(struct imap_sort *s,
	const struct address_list *l)
{
	struct buf text;
	struct span kept;

	if (l->count == 0)
		return SPAN_EMPTY;
	buf_init(&text, RAW_BYTES * 4);
	words_put_decoded(&text, span_head(l->items[0].name, RAW_BYTES));
	if (buf_len(&text) == 0)
		address_put(&text, &l->items[0]);
	kept = keep(s, buf_span(&text));
	buf_clear(&text);
	return kept;
}

static struct imap_sort_value value_of(struct imap_sort *s,
	enum imap_sort_by by, const struct store_row *row,
	const struct store_meta *m)
{
	struct imap_sort_value v = {0};

	if (by == IMAP_SORT_ARRIVAL)
		v.number = row->received_ms;
	else if (by == IMAP_SORT_SIZE)
		v.number = row->size;
	else if (by == IMAP_SORT_RELEVANCY)
		v.number = -(int64_t)s->score;
	else if (by == IMAP_SORT_DATE) /* RFC 5256 2.2 */
		v.number = m->has_sent ? m->sent_ms : row->received_ms;
	else if (by == IMAP_SORT_SUBJECT)
		v.text = base_subject(s, m->envelope->subject);
	else if (by == IMAP_SORT_CC)
		v = first_mailbox(s, &m->envelope->cc);
	else if (by == IMAP_SORT_FROM)
		v = first_mailbox(s, &m->envelope->from);
	else if (by == IMAP_SORT_TO)
		v = first_mailbox(s, &m->envelope->to);
	else if (by == IMAP_SORT_DISPLAYFROM)
		v.text = first_shown(s, &m->envelope->from);
	else
		v.text = first_shown(s, &m->envelope->to);
	return v;
}

static struct imap_sort_item *new_item(struct imap_sort *s)
{
	if (s->count == s->room) {
		s->room = s->room > 0 ? s->room * 2 : 64;
		s->items = mem_resize(s->items, s->room, sizeof(*s->items));
	}
	return &s->items[s->count];
}

enum code imap_sort_add(struct imap_sort *s, struct store *store,
	const struct store_row *row, struct err *e)
{
	struct imap_sort_value *values;
	struct imap_sort_item *item;
	struct store_meta m = {0};
	enum code code = OK;

	if (s->arena.used_bytes > IMAP_SORT_BYTES)
		return err_set(e, LIMIT, "too many messages to sort");
	arena_reset(&s->message);
	if (s->needs_meta)
		code = store_message_meta(store, row->message, &s->message,
			&m, e);
	if (code != OK)
		return code;
	values = arena_alloc(&s->arena, s->key_count, sizeof(*values));
	for (size_t i = 0; i < s->key_count; i++)
		values[i] = value_of(s, s->keys[i].by, row, &m);
	item = new_item(s);
	*item = (struct imap_sort_item){row->uid, (uint8_t)s->score, values};
	s->count++;
	return OK;
}

/* ---- order ------------------------------------------------------------------------------ */
int imap_sort_compare(const struct imap_sort *s, const struct imap_sort_item *a,
	const struct imap_sort_item *b)
{
	for (size_t i = 0; i < s->key_count; i++) {
		const struct imap_sort_value *x = &a->values[i];
		const struct imap_sort_value *y = &b->values[i];
		int order = x->number != y->number
			? (x->number < y->number ? -1 : 1)
			: span_cmp(x->text, y->text);

		if (order != 0)
			return s->keys[i].is_reverse ? -order : order;
	}
	return 0;
}

/* Two runs that are in order become one. */
static void merge(const struct imap_sort *s, const struct imap_sort_item *from,
	size_t middle, size_t end, struct imap_sort_item *to)
{
	size_t a = 0, b = middle;

	while (a < middle || b < end) {
		bool takes_a = b == end ||
			(a < middle &&
				imap_sort_compare(s, &from[a], &from[b]) <= 0);

		*to++ = takes_a ? from[a++] : from[b++];
	}
}

void imap_sort_run(struct imap_sort *s)
{
	struct imap_sort_item *other;

	if (s->count < 2)
		return;
	other = mem_new(s->count, sizeof(*other));
	for (size_t run = 1; run < s->count; run *= 2) {
		struct imap_sort_item *from = s->items;

		for (size_t i = 0; i < s->count; i += 2 * run) {
			size_t left = s->count - i;
			size_t middle = run < left ? run : left;
			size_t end = 2 * run < left ? 2 * run : left;

			merge(s, from + i, middle, end, other + i);
		}
		s->items = other;
		other = from;
		s->room = s->count;
	}
	mem_free(other);
}

void imap_sort_clear(struct imap_sort *s)
{
	mem_free(s->items);
	s->items = NULL;
	arena_clear(&s->arena);
	arena_clear(&s->message);
}
