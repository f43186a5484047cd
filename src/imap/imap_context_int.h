/*
 * imap_context_int.h - the inside of a context, shared by who tries messages
 * (imap_context.c) and who says what became of it (imap_context_tell.c).
 */
#ifndef POSTRIDER_IMAP_IMAP_CONTEXT_INT_H
#define POSTRIDER_IMAP_IMAP_CONTEXT_INT_H

#include "imap/imap_context.h"

struct imap_context {
	struct imap_context *next;
	struct span tag;
	bool is_uid, is_multi, is_sort;
	bool is_fixed; /* a message that is one stays one */
	bool is_dear;  /* messages have to be read */
	struct arena arena; /* of tag and keys */
	struct imap_search search;
	unsigned set_count;
	uint64_t keyword_serial; /* of the view, when its names were looked up */
	struct store_uids uids;  /* what was found, by uid */
	struct imap_sort sort;   /* sorted: the keys, what they need; items: those
				    that come */
	struct imap_sort_item *order; /* sorted: uids.count, in order; owned */
	uint32_t uid_limit; /* messages from here on were not looked at */
	uint64_t modseq;    /* changes up to here were */
	/* a look that is not over */
	bool is_looking;
	uint32_t at;        /* uids up to here were looked at */
	uint64_t until;     /* becomes modseq */
	struct store_uids coming, going;
	/* of new messages, to be sent */
	struct span items; /* "(UID FLAGS)"; empty: nothing */
	struct store_uids came;
};

/* Is it among these, which rise? */
bool imap_context_has(const struct store_uids *uids, uint32_t uid);
/* Says what comes and goes, and takes it into what was found. */
void imap_context_apply(struct imap_session *s, struct imap_context *c);

#endif
