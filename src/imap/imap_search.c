/*
 * imap_search.c - is this message one that the search asks for?
 *
 * Each key has a verdict: yes, no, or not known yet.  The program is run with
 * the verdicts of the cheap keys; only if its outcome is open are the dearer
 * ones tried: first which texts cannot be in it, by its signature, then what the
 * store knows, then the head, then all bytes.
 */
#include "imap/imap_search.h"

#include <string.h>

#include "codec/fold.h"
#include "imap/imap_bytes.h"
#include "message/header.h"
#include "message/words.h"

#include "base/banned.h"

/* ---- the program -------------------------------------------------------- */
static uint8_t both(uint8_t a, uint8_t b)
{
	if (a == IMAP_NO || b == IMAP_NO)
		return IMAP_NO;
	return a == IMAP_YES && b == IMAP_YES ? IMAP_YES : IMAP_OPEN;
}

static uint8_t opposite(uint8_t a)
{
	return a == IMAP_OPEN ? IMAP_OPEN : a == IMAP_YES ? IMAP_NO : IMAP_YES;
}

/* The outcome, with the verdicts as they are. */
static uint8_t outcome(const struct imap_search *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->op_count; i++) {
		const struct imap_op *op = &s->ops[i];
		uint8_t v = IMAP_YES;

		if (op->kind == IMAP_OP_KEY) {
			v = s->verdicts[op->n];
		} else if (op->kind == IMAP_OP_NOT) {
			v = opposite(s->stack[--n]);
		} else if (op->kind == IMAP_OP_OR) {
			n -= 2;
			v = opposite(both(opposite(s->stack[n]),
				opposite(s->stack[n + 1])));
		} else {
			for (uint32_t k = 0; k < op->n; k++)
				v = both(v, s->stack[--n]);
		}
		s->stack[n++] = v;
	}
	return s->stack[0];
}

/* ---- what is tried --------------------------------------------------------- */
static enum code load_meta(struct imap_trial *t, struct err *e)
{
	store_signatures_end(&t->signatures); /* it may have to write */
	arena_reset(t->arena);
	t->metas.what = t->search->is_costly[IMAP_COST_META]
		? STORE_META_ENVELOPE | STORE_META_FACTS
		: 0;
	t->metas.is_long = true;
	if (t->search->is_costly[IMAP_COST_HEAD] ||
		t->search->is_costly[IMAP_COST_TEXT])
		t->metas.what |= STORE_META_TREE;
	return store_metas_get(t->store, &t->metas, t->row.message, t->arena,
		&t->meta, e);
}

static enum code load_head(struct imap_trial *t, struct err *e)
{
	enum code code;

	buf_reset(t->scratch2);
	code = imap_bytes_put(t->store, t->row.message, 0,
		t->meta.tree->parts[0].body_start, t->scratch2, e);
	t->head = buf_span(t->scratch2);
	return code;
}

static bool may_have(const struct imap_key *k, struct span filter)
{
	if (k->terms == NULL)
		return true;
	return k->fuzzy != NULL ? imap_fuzzy_may_have(k->fuzzy, filter)
				: store_filter_may_have(filter, k->terms);
}

/* Keys whose text the message cannot hold. */
static enum code load_signature(struct imap_trial *t, struct err *e)
{
	struct imap_search *s = t->search;
	struct span filter;
	enum code code = store_signatures_get(t->store, &t->signatures,
		t->row.message, &filter, e);

	for (size_t i = 0; code == OK && i < s->key_count; i++)
		if (!may_have(&s->keys[i], filter))
			s->verdicts[i] = IMAP_NO;
	return code;
}

static enum code load(struct imap_trial *t, enum imap_search_cost cost,
	struct err *e)
{
	switch (cost) {
	case IMAP_COST_SIGNATURE:
		return load_signature(t, e);
	case IMAP_COST_META:
		return load_meta(t, e);
	case IMAP_COST_HEAD:
		return load_head(t, e);
	case IMAP_COST_TEXT:
		return imap_search_text(t, e);
	case IMAP_COST_ROW:
	case IMAP_COST_COUNT:
	default:
		return OK;
	}
}

static void try_keys(struct imap_trial *t, enum imap_search_cost cost)
{
	struct imap_search *s = t->search;

	for (size_t i = 0; i < s->key_count; i++)
		if (s->keys[i].cost == cost)
			s->verdicts[i] = s->keys[i].has(&s->keys[i], t)
				? IMAP_YES
				: IMAP_NO;
}

/* What the dearer needs of the cheaper: all but the row needs the meta. */
static bool is_needed(const struct imap_search *s, enum imap_search_cost cost)
{
	if (cost == IMAP_COST_SIGNATURE)
		return s->has_terms;
	return cost == IMAP_COST_META ? s->is_costly[IMAP_COST_META] ||
			s->is_costly[IMAP_COST_HEAD] ||
			s->is_costly[IMAP_COST_TEXT]
				      : s->is_costly[cost];
}

/* The mean of the keys that were tried and matched by their words. */
static unsigned score_of(const struct imap_search *s)
{
	unsigned sum = 0, count = 0;

	for (size_t i = 0; i < s->key_count; i++) {
		if (s->keys[i].fuzzy == NULL || s->verdicts[i] != IMAP_YES)
			continue;
		sum += s->keys[i].fuzzy->score;
		count++;
	}
	return count > 0 ? sum / count : 100;
}

enum code imap_search_try(struct imap_trial *t, bool *out_is, struct err *e)
{
	struct imap_search *s = t->search;
	uint8_t v = IMAP_OPEN;

	*out_is = false;
	if (s->key_count > 0)
		memset(s->verdicts, IMAP_OPEN, s->key_count);
	for (unsigned cost = 0; cost < IMAP_COST_COUNT; cost++) {
		enum code code;

		/* of a score all that is found is a part */
		if (v == IMAP_NO || (v == IMAP_YES && !s->has_fuzzy))
			break;
		if (!is_needed(s, (enum imap_search_cost)cost) && cost > 0)
			continue;
		code = load(t, (enum imap_search_cost)cost, e);
		if (code != OK)
			return code;
		try_keys(t, (enum imap_search_cost)cost);
		v = outcome(s);
	}
	*out_is = v == IMAP_YES;
	if (*out_is && s->has_fuzzy)
		t->score = score_of(s);
	return OK;
}

void imap_search_pause(struct imap_trial *t)
{
	store_metas_end(&t->metas);
	store_signatures_end(&t->signatures);
}

/* ---- signatures --------------------------------------------------------------- */
/* Messages of other mailboxes are signed on the way; for so many a search does
 * not wait. */
#define SIGN_MAX(count) (2 * (uint64_t)(count) + 1000)

static bool has_unsigned(const struct imap_trial *t)
{
	const struct store_view *v = t->cursor->view;
	uint64_t from = store_unsigned(t->store), last;

	if (v->count == 0)
		return false;
	last = v->rows[v->count - 1].message;
	return last >= from && last - from < SIGN_MAX(v->count);
}

bool imap_search_sign(struct imap_trial *t)
{
	bool has_more = false;
	struct err e;

	if (t->is_signed || !t->search->has_terms || !has_unsigned(t) ||
		!store_wants_sign(t->store))
		return false;
	t->is_signed = store_sign(t->store, &has_more, &e) != OK || !has_more;
	return true;
}

/* ---- keys of the row ---------------------------------------------------------- */
bool imap_has_all(const struct imap_key *k, struct imap_trial *t)
{
	(void)k;
	(void)t;
	return true;
}

bool imap_has_none(const struct imap_key *k, struct imap_trial *t)
{
	(void)k;
	(void)t;
	return false;
}

bool imap_has_flags(const struct imap_key *k, struct imap_trial *t)
{
	return (t->row.flags & k->flags) == k->flags;
}

bool imap_has_no_flags(const struct imap_key *k, struct imap_trial *t)
{
	return (t->row.flags & k->flags) == 0;
}

bool imap_has_keyword(const struct imap_key *k, struct imap_trial *t)
{
	return (t->row.keywords & k->keywords) != 0;
}

bool imap_has_no_keyword(const struct imap_key *k, struct imap_trial *t)
{
	return !imap_has_keyword(k, t);
}

bool imap_is_recent(const struct imap_key *k, struct imap_trial *t)
{
	(void)k;
	return store_cursor_is_recent(t->cursor, t->row.uid);
}

bool imap_is_old(const struct imap_key *k, struct imap_trial *t)
{
	return !imap_is_recent(k, t);
}

bool imap_is_new(const struct imap_key *k, struct imap_trial *t)
{
	return imap_is_recent(k, t) && !(t->row.flags & STORE_FLAG_SEEN);
}

bool imap_in_numbers(const struct imap_key *k, struct imap_trial *t)
{
	return imap_set_has(k->set, t->number);
}

bool imap_in_uids(const struct imap_key *k, struct imap_trial *t)
{
	return imap_set_has(k->set, t->row.uid);
}

bool imap_is_larger(const struct imap_key *k, struct imap_trial *t)
{
	return t->row.size > k->number;
}

bool imap_is_smaller(const struct imap_key *k, struct imap_trial *t)
{
	return t->row.size < k->number;
}

bool imap_is_modseq(const struct imap_key *k, struct imap_trial *t)
{
	return t->row.modseq >= k->number;
}

bool imap_has_email_id(const struct imap_key *k, struct imap_trial *t)
{
	return t->row.message == k->number;
}

/* ---- keys of what the store knows ------------------------------------------------ */
/* The moment as the sender's clock on the wall showed it: zones are not looked
 * at, RFC 9051 6.4.4 (SENTON). */
static bool moment_of(const struct imap_key *k, struct imap_trial *t,
	int64_t *out)
{
	struct date d;

	if (k->moment == IMAP_SENT) {
		if (!envelope_sent(t->meta.envelope, &d))
			return false;
		*out = d.seconds + (int64_t)d.zone_min * 60;
	} else if (k->moment == IMAP_SAVED) {
		*out = (int64_t)t->row.saved_s;
	} else {
		*out = t->row.received_ms / 1000;
	}
	return true;
}

bool imap_in_time(const struct imap_key *k, struct imap_trial *t)
{
	int64_t at;

	return moment_of(k, t, &at) && at >= k->from && at < k->to;
}

bool imap_has_thread_id(const struct imap_key *k, struct imap_trial *t)
{
	return t->meta.thread == k->number;
}

/* Text that is not folded, as the key looks for it. */
static bool is_in(const struct imap_key *k, struct imap_trial *t,
	struct span text)
{
	struct imap_needle n = k->needle;

	if (k->fuzzy == NULL)
		return imap_needle_is_in(&n, text, t->scratch);
	buf_reset(t->scratch);
	fold_put(t->scratch, text);
	imap_fuzzy_begin(k->fuzzy);
	imap_fuzzy_feed(k->fuzzy, true, 100, buf_span(t->scratch));
	return imap_fuzzy_end(k->fuzzy) > 0;
}

static bool is_in_text(const struct imap_key *k, struct imap_trial *t,
	struct span raw)
{
	struct buf text;
	bool is;

	buf_init(&text, raw.n * 4 + 16);
	words_put_decoded(&text, raw);
	is = is_in(k, t, buf_span(&text));
	buf_clear(&text);
	return is;
}

bool imap_has_subject(const struct imap_key *k, struct imap_trial *t)
{
	struct span subject = t->meta.envelope->subject;

	return subject.p != NULL && is_in_text(k, t, subject);
}

/* "Name <local@domain>, ..." as people know it. */
static bool is_in_addresses(const struct imap_key *k, struct imap_trial *t,
	const struct address_list *l)
{
	struct buf text;
	bool is;

	if (l->count == 0)
		return false;
	buf_init(&text, IMAP_SEARCH_SCRATCH_BYTES / FOLD_GROWTH);
	for (size_t i = 0; i < l->count; i++) {
		const struct address *a = &l->items[i];

		words_put_decoded(&text, a->name);
		if (a->kind == ADDRESS_MAILBOX) {
			buf_puts(&text, a->name.n > 0 ? " <" : "<");
			address_put(&text, a);
			buf_putc(&text, '>');
		}
		buf_puts(&text, ", ");
	}
	is = is_in(k, t, buf_span(&text));
	buf_clear(&text);
	return is;
}

bool imap_has_from(const struct imap_key *k, struct imap_trial *t)
{
	return is_in_addresses(k, t, &t->meta.envelope->from);
}

bool imap_has_to(const struct imap_key *k, struct imap_trial *t)
{
	return is_in_addresses(k, t, &t->meta.envelope->to);
}

bool imap_has_cc(const struct imap_key *k, struct imap_trial *t)
{
	return is_in_addresses(k, t, &t->meta.envelope->cc);
}

bool imap_has_bcc(const struct imap_key *k, struct imap_trial *t)
{
	return is_in_addresses(k, t, &t->meta.envelope->bcc);
}

/* ---- keys of the head ---------------------------------------------------------------- */
/* Each field of that name counts, not only the last. */
bool imap_has_field(const struct imap_key *k, struct imap_trial *t)
{
	struct span rest = t->head;
	struct header_field f;

	while (header_next(&rest, &f))
		if (span_eq_fold(f.name, k->word) && is_in_text(k, t, f.value))
			return true;
	return false;
}

/* ---- keys of the text: imap_search_text looked for all ------------------------------- */
static bool is_found(const struct imap_key *k)
{
	return k->fuzzy != NULL ? k->fuzzy->score > 0 : k->needle.is_found;
}

bool imap_has_body(const struct imap_key *k, struct imap_trial *t)
{
	(void)t;
	return is_found(k);
}

bool imap_has_text(const struct imap_key *k, struct imap_trial *t)
{
	(void)t;
	return is_found(k);
}
