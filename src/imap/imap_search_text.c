/*
 * imap_search_text.c - BODY and TEXT: the words of a message, read once for all
 * keys that look for some.  What its words are: message/search_text.h.
 */
#include "imap/imap_search.h"
#include "message/search_text.h"

#include "base/banned.h"

/* Of TEXT with FUZZY: what it is worth to stand in the subject, and elsewhere. */
#define WORTH_SUBJECT 100u
#define WORTH_TEXT    60u

struct looking {
	struct imap_search *search;
	bool in_subject; /* of the message itself */
};

/* The most that any text behind this one can be worth to a key. */
static unsigned worth_left(const struct imap_key *k, bool may_be_subject)
{
	return k->has == imap_has_body || may_be_subject ? WORTH_SUBJECT
							 : WORTH_TEXT;
}

/* It is looked for: it may still be there, or better. */
static bool is_open(const struct imap_search *s, size_t key,
	bool may_be_subject)
{
	const struct imap_key *k = &s->keys[key];

	if (k->cost != IMAP_COST_TEXT || s->verdicts[key] != IMAP_OPEN)
		return false;
	return k->fuzzy != NULL ? !imap_fuzzy_is_done(k->fuzzy,
					  worth_left(k, may_be_subject))
				: !k->needle.is_found;
}

static bool is_any_open(const struct imap_search *s, bool may_be_subject)
{
	for (size_t i = 0; i < s->key_count; i++)
		if (is_open(s, i, may_be_subject))
			return true;
	return false;
}

static void feed_key(const struct looking *l, struct imap_key *k,
	const struct search_piece *piece)
{
	bool is_for = piece->place != SEARCH_TOP_HEAD ||
		k->has != imap_has_body;

	if (k->fuzzy != NULL && is_for)
		imap_fuzzy_feed(k->fuzzy, piece->is_first,
			worth_left(k, l->in_subject), piece->folded);
	if (k->fuzzy != NULL)
		return;
	if (piece->is_first)
		k->needle.at = 0; /* nothing is found across two runs */
	if (is_for)
		imap_needle_feed(&k->needle, piece->folded);
}

static bool take_piece(void *arg, const struct search_piece *piece)
{
	struct looking *l = arg;
	struct imap_search *s = l->search;
	bool in_head = piece->place == SEARCH_TOP_HEAD;

	/* a field begins with its name */
	if (piece->is_first)
		l->in_subject = in_head &&
			span_eq_fold(piece->folded, SPAN("subject"));
	for (size_t i = 0; i < s->key_count; i++)
		if (is_open(s, i, in_head))
			feed_key(l, &s->keys[i], piece);
	return is_any_open(s, in_head);
}

static enum code read_all(struct imap_trial *t, struct search_text *text,
	struct err *e)
{
	struct store_reader r;
	struct store_text first;
	struct span piece;
	bool wants_more;
	enum code code = store_reader_open(t->store, t->row.message, &r,
		&first, e);

	if (code != OK)
		return code;
	wants_more = search_text_feed(text, first.head) &&
		search_text_feed(text, first.body);
	while (wants_more &&
		(code = store_reader_next(t->store, &r, &piece, e)) == OK)
		wants_more = search_text_feed(text, piece);
	store_reader_close(&r);
	return code == NOT_FOUND ? OK : code;
}

static void begin(struct imap_key *k)
{
	imap_needle_begin(&k->needle);
	if (k->fuzzy != NULL)
		imap_fuzzy_begin(k->fuzzy);
}

enum code imap_search_text(struct imap_trial *t, struct err *e)
{
	struct imap_search *s = t->search;
	struct looking l = {.search = s};
	struct search_text text;
	enum code code;

	for (size_t i = 0; i < s->key_count; i++)
		if (s->keys[i].cost == IMAP_COST_TEXT)
			begin(&s->keys[i]);
	if (!is_any_open(s, true))
		return OK; /* only empty ones */
	search_text_init(&text, t->meta.tree, take_piece, &l);
	code = read_all(t, &text, e);
	search_text_end(&text);
	for (size_t i = 0; i < s->key_count; i++)
		if (s->keys[i].cost == IMAP_COST_TEXT &&
			s->keys[i].fuzzy != NULL)
			(void)imap_fuzzy_end(s->keys[i].fuzzy);
	return code;
}
