/*
 * store_signature_filter.h - which texts a message may hold, in some hundred
 * bytes: a Bloom filter of its trigrams.
 *
 * A trigram is three characters that follow each other in one run of the
 * message's text (message/search_text.h); two are enough of scripts that write a
 * word with two.  They are base letters (codec/fold_base.h), so that a search
 * which does not look at marks can ask too.  A run that holds a text has all
 * trigrams of it: the base of a character depends on nothing around it.
 *
 * A filter has the smallest power of two of bits of which at most a third are
 * set; at STORE_FILTER_BYTES it gets denser, and beyond that it is empty: any
 * text may be in the message.
 */
#ifndef POSTRIDER_STORE_STORE_SIGNATURE_FILTER_H
#define POSTRIDER_STORE_STORE_SIGNATURE_FILTER_H

#include "base/buf.h"

#define STORE_FILTER_BYTES     8192u
#define STORE_FILTER_BYTES_MIN 16u
/* Of what a filter is made, and how.  Another number: another filter. */
#define STORE_FILTER_FORMAT    1u

/* ---- asking ------------------------------------------------------------------- */
/* A text that is looked for. */
#define STORE_TERMS_MAX 64u
struct store_terms {
	uint16_t bits[STORE_TERMS_MAX];
	size_t count; /* 0: it is too short, and may be in any message */
};

/* Of UTF-8 that fold_put wrote.  A text with more terms than that is taken by
 * its beginning. */
void store_terms_of(struct store_terms *out, struct span folded);
/* False: no message with this filter holds the text. */
bool store_filter_may_have(struct span filter, const struct store_terms *t);
/* How many of its terms it may have; all, of an empty filter. */
size_t store_filter_common(struct span filter, const struct store_terms *t);

/* ---- making --------------------------------------------------------------------- */
struct store_filter_maker {
	uint64_t last;    /* the characters before, 21 bits each */
	unsigned known;   /* how many there are of this run, up to 2 */
	size_t unchecked; /* bytes since it was looked how full it is */
	bool is_full;     /* any text may be in it; more changes nothing */
	uint8_t bits[STORE_FILTER_BYTES];
};

void store_filter_begin(struct store_filter_maker *m);
/* A piece of folded text, in whole characters; is_first: of a new run. */
void store_filter_feed(struct store_filter_maker *m, bool is_first,
	struct span folded);
void store_filter_end(struct store_filter_maker *m, struct buf *out);

#endif
