/*
 * imap_searching.h - a SEARCH, SORT, THREAD or ESEARCH under way; for their files.
 *
 *	imap_search_options.c   what RETURN asks for
 *	imap_search_job.c       tries the messages of a mailbox, one after the other
 *	imap_search_answer.c    puts what was found
 *	imap_cmd_search.c       the mailbox that is selected
 *	imap_cmd_esearch.c      several mailboxes
 *	imap_context.c          keeps what was found up to date (UPDATE)
 */
#ifndef POSTRIDER_IMAP_IMAP_SEARCHING_H
#define POSTRIDER_IMAP_IMAP_SEARCHING_H

#include "imap/imap_int.h"
#include "imap/imap_search.h"
#include "imap/imap_sort.h"
#include "imap/imap_thread.h"

struct imap_context;

struct imap_searching {
	/* what is asked for */
	bool is_sort;
	struct imap_sort sort;
	bool is_thread;
	struct imap_thread thread;
	bool is_multi;          /* ESEARCH: RFC 7377 */
	bool is_uid;            /* the answer names uids */
	bool is_extended;       /* RETURN, or IMAP4rev2 */
	bool wants_min, wants_max, wants_all, wants_count, wants_save;
	bool wants_update;      /* RFC 5267 4.3 */
	struct span update_items; /* "(UID FLAGS)" of new messages: RFC 5465 7 */
	bool wants_relevancy;   /* RFC 6203 4 */
	bool has_hint;          /* CONTEXT: RFC 5267 4.2; not used */
	bool wants_window;      /* PARTIAL: RFC 9394 */
	struct imap_window window;

	/* the mailbox at hand */
	const struct store_cursor *cursor;
	struct imap_search search;
	struct imap_trial trial;
	struct arena arena;
	struct buf scratch, scratch2;
	uint32_t number;        /* tried up to here */
	struct store_uids found; /* owned */
	struct buf scores;      /* RFC 6203: a byte for each of found */
	uint64_t modseq;        /* the highest of those found */
	bool is_tried;          /* all were */
	size_t at;              /* of found: put so far */

	bool has_damaged, has_too_many;
	struct imap_context *context; /* of UPDATE, until it is kept; owned */
};

/* ---- imap_search_options.c -------------------------------------------------- */
/* [SP "RETURN" SP "(" … ")"], behind a blank; then a blank. */
bool imap_read_search_options(struct imap_reader *r, struct imap_searching *q);

/* What does not go with the keys that were read; NULL: nothing. */
const char *imap_search_wrong(const struct imap_searching *q);

/* ---- imap_search_job.c ------------------------------------------------------ */
/* Begins with the first message of a mailbox; again for each. */
void imap_search_begin(struct imap_session *s, struct imap_searching *q,
	const struct store_cursor *cursor);
/* MORE: enough for one turn; DONE: all were tried, and are in order. */
enum step imap_search_some(struct imap_session *s, struct imap_searching *q);
/* Frees all that it holds. */
void imap_search_end(struct imap_searching *q);

/* ---- imap_search_answer.c --------------------------------------------------- */
/* What was found, in the order that was asked for. */
uint32_t imap_found_at(const struct imap_searching *q, size_t i);
/* Is anything to be returned at all?  Of SAVE alone there is not. */
bool imap_wants_answer(const struct imap_searching *q);
/* "* ESEARCH (TAG "a")" and " UID"; with the mailbox if it is the answer to an
 * ESEARCH: RFC 7377 2.1. */
void imap_put_esearch_begin(struct imap_session *s, struct span tag,
	const struct store_view *mailbox, bool is_uid);
/* All of "* ESEARCH (TAG "a")…" */
void imap_put_esearch(struct imap_session *s, const struct imap_searching *q);
/* "$" */
void imap_save_found(struct imap_session *s, const struct imap_searching *q);
/* All of SEARCH, SORT and THREAD, "$", and how the command ends. */
enum step imap_put_found(struct imap_session *s, struct imap_searching *q);
/* OK, or NO if not all could be told. */
void imap_end_found(struct imap_session *s, const struct imap_searching *q);
/* NO: the charset is not one of ours. */
void imap_refuse_charset(struct imap_session *s,
	const struct imap_searching *q);

#endif
