/*
 * imap_set.h - sequence sets: "1,5:7,9:*", of sequence numbers or of uids.
 * RFC 9051 9 (sequence-set, uid-set), RFC 5182 ("$")
 *
 * A set is kept as ranges in order, without overlap and without neighbours that
 * touch, so that work with it is bounded by the ranges and the messages there
 * are, never by the numbers named.
 */
#ifndef POSTRIDER_IMAP_IMAP_SET_H
#define POSTRIDER_IMAP_IMAP_SET_H

#include "base/arena.h"
#include "base/buf.h"

struct imap_range {
	uint32_t low, high; /* both are in it; 0 < low <= high */
};

struct imap_set {
	const struct imap_range *ranges;
	size_t count;
	bool is_saved; /* "$": what SEARCH kept; no ranges */
};

/* Reads all of text.  star: what "*" is; 0 (there is no message) makes "*"
 * wrong. NULL, or the words for BAD.  The ranges live in the arena: 8 bytes for
 * each comma and one more. */
const char *imap_set_read(
	struct span text, uint32_t star, struct arena *a, struct imap_set *out);
/* The set of uids in ascending order, each once: in the arena. */
struct imap_set imap_set_of(
	const uint32_t *uids, size_t count, struct arena *a);

bool imap_set_has(const struct imap_set *s, uint32_t number);
/* The largest number; 0: it is empty. */
uint32_t imap_set_max(const struct imap_set *s);
/* How many numbers are in it. */
uint64_t imap_set_size(const struct imap_set *s);

/* Walks the messages of a mailbox that are in a set, as runs of indexes: those
 * from `from` up to, without, `to`.
 *
 *	struct imap_set_walk w = {.set = &set, .uids = uids, .count = n};
 *	while (imap_set_walk(&w))
 *		for (size_t i = w.from; i < w.to; i++) ...
 */
struct imap_set_walk {
	const struct imap_set *set;
	const uint32_t *uids; /* ascending; NULL: the set names sequence
	                         numbers, 1 is index 0 */
	size_t count;         /* messages */
	size_t from, to;      /* the run */
	size_t next;          /* range; the walk's own */
};
bool imap_set_walk(struct imap_set_walk *w);

/* Writes a set number by number: 1, 2, 3, 7 is "1:3,7".  In any order; only
 * what follows each other becomes a range.
 *
 *	struct imap_set_writer w = {.out = out};
 *	imap_set_put(&w, uid); …
 *	imap_set_put_end(&w);
 */
struct imap_set_writer {
	struct buf *out;
	uint32_t low, high; /* the range under way; low 0: none */
	bool has_one;       /* something was written: a comma comes first */
};
void imap_set_put(struct imap_set_writer *w, uint32_t number);
void imap_set_put_range(struct imap_set_writer *w, uint32_t low, uint32_t high);
/* False: the set was empty, and nothing was written. */
bool imap_set_put_end(struct imap_set_writer *w);
/* All of it: "1:3,7". */
void imap_set_put_all(const struct imap_set *s, struct buf *out);

#endif
