/*
 * imap_fuzzy.h - text that is about the words of a needle: FUZZY.  RFC 6203
 *
 * A text matches when each word of the needle is in it, in any order, whatever
 * the case and the marks of its letters:
 *
 *	as a word                                     EXACT
 *	at the beginning of one                       PREFIX
 *	as a word with one letter more, less or other,
 *	or two exchanged; from four letters on        TYPO
 *	inside of a word; from three letters on       INSIDE
 *
 * Of East Asian scripts a word may stand anywhere, and counts as EXACT; there
 * are no typos.  How well a text matches is a score from 1 to 100: the mean of
 * its words', each as good as its best place.
 *
 * Linear in the text, and bounded: of a needle FUZZY_WORDS_MAX words count, of a
 * word FUZZY_LETTERS_MAX letters.
 */
#ifndef POSTRIDER_IMAP_IMAP_FUZZY_H
#define POSTRIDER_IMAP_IMAP_FUZZY_H

#include "base/arena.h"
#include "base/span.h"
#include "store/store_signature_filter.h"

#define FUZZY_WORDS_MAX   16u
#define FUZZY_LETTERS_MAX 32u
/* Of a word of the text so many letters are looked at together. */
#define FUZZY_TEXT_LETTERS (3 * FUZZY_LETTERS_MAX)

/* Scores of a word, in percent of what its place is worth. */
#define FUZZY_EXACT  100u
#define FUZZY_PREFIX 70u
#define FUZZY_TYPO   40u
#define FUZZY_INSIDE 20u

struct imap_fuzzy_word {
	uint32_t letters[FUZZY_LETTERS_MAX];
	size_t count;
	bool is_wide;  /* of a script without blanks */
	unsigned best; /* of the text so far; 0: not in it */
	struct store_terms terms;
};

struct imap_fuzzy {
	struct imap_fuzzy_word *words;
	size_t count;  /* 0: the needle has no words */
	unsigned score; /* of the text at hand, after its end; 0: no match */
	/* the word of the text at hand */
	uint32_t letters[FUZZY_TEXT_LETTERS];
	size_t len;
	bool is_tail;  /* its beginning was looked at already */
	unsigned worth; /* of its place */
};

/* Of a needle that fold_put wrote; the words live in the arena. */
void imap_fuzzy_init(struct imap_fuzzy *f, struct arena *a,
	struct span folded);
/* May a message with this filter match? */
bool imap_fuzzy_may_have(const struct imap_fuzzy *f, struct span filter);

/* Begins a new text. */
void imap_fuzzy_begin(struct imap_fuzzy *f);
/* The next folded characters; is_first: no word goes on into them.  worth, from 1
 * to 100: what it is worth to stand here. */
void imap_fuzzy_feed(struct imap_fuzzy *f, bool is_first, unsigned worth,
	struct span folded);
/* No text that is worth no more can make the score better. */
bool imap_fuzzy_is_done(const struct imap_fuzzy *f, unsigned worth);
/* The text is over; its score. */
unsigned imap_fuzzy_end(struct imap_fuzzy *f);

#endif
