/*
 * imap_search_text.c - BODY and TEXT: the words of a message, read once for all
 * keys that look for some.  What its words are: message/search_text.h.
 */
#include "imap/imap_search.h"
#include "message/search_text.h"

#include "base/banned.h"

/* Its needle is looked for: it may still be there. */
static bool is_open(const struct imap_search *s, size_t key)
{
	return s->keys[key].cost == IMAP_COST_TEXT &&
		s->verdicts[key] == IMAP_OPEN && !s->keys[key].needle.is_found;
}

static bool is_any_open(const struct imap_search *s)
{
	for (size_t i = 0; i < s->key_count; i++)
		if (is_open(s, i))
			return true;
	return false;
}

static void feed_key(struct imap_key *k, const struct search_piece *piece)
{
	if (piece->is_first)
		k->needle.at = 0; /* nothing is found across two runs */
	if (piece->place != SEARCH_TOP_HEAD || k->has != imap_has_body)
		imap_needle_feed(&k->needle, piece->folded);
}

static bool take_piece(void *arg, const struct search_piece *piece)
{
	struct imap_search *s = arg;

	for (size_t i = 0; i < s->key_count; i++)
		if (is_open(s, i))
			feed_key(&s->keys[i], piece);
	return is_any_open(s);
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

enum code imap_search_text(struct imap_trial *t, struct err *e)
{
	struct imap_search *s = t->search;
	struct search_text text;
	enum code code;

	for (size_t i = 0; i < s->key_count; i++)
		if (s->keys[i].cost == IMAP_COST_TEXT)
			imap_needle_begin(&s->keys[i].needle);
	if (!is_any_open(s))
		return OK; /* only empty ones */
	search_text_init(&text, t->meta.tree, take_piece, s);
	code = read_all(t, &text, e);
	search_text_end(&text);
	return code;
}
