/*
 * imap_search.h - a search: what SEARCH (SORT, THREAD) asks for, and which
 * messages have it.  RFC 9051 6.4.4
 *
 * imap_search_read.c makes a program of the text: keys, and operations in the
 * order in which they are carried out, so that nothing is recursive and a line
 * full of NOT or parentheses costs its length.  imap_search.c tries it on
 * a message, the cheapest keys first, and reads no more of the message than the
 * answer needs.
 */
#ifndef POSTRIDER_IMAP_IMAP_SEARCH_H
#define POSTRIDER_IMAP_IMAP_SEARCH_H

#include "base/arena.h"
#include "base/buf.h"
#include "imap/imap_fuzzy.h"
#include "imap/imap_needle.h"
#include "imap/imap_read.h"
#include "store/store_signature.h"
#include "store/store_view.h"

/* NOT, OR and parentheses inside each other. */
#define IMAP_SEARCH_DEPTH_MAX 100
#define IMAP_SEARCH_KEYS_MAX  2000

/* What a key has to look at, from cheap to dear. */
enum imap_search_cost {
	IMAP_COST_ROW,  /* what the mailbox in memory says */
	IMAP_COST_SIGNATURE, /* which texts it cannot hold */
	IMAP_COST_META, /* what the store knows of the message */
	IMAP_COST_HEAD, /* its head */
	IMAP_COST_TEXT, /* all of it */
	IMAP_COST_COUNT
};

enum imap_verdict { IMAP_NO, IMAP_YES, IMAP_OPEN };

struct imap_key;
struct imap_trial;
/* Has the message it? */
typedef bool imap_key_fn(const struct imap_key *k, struct imap_trial *t);

/* Which moment of a message a key is about. */
enum imap_moment { IMAP_RECEIVED, IMAP_SENT, IMAP_SAVED };

struct imap_key {
	imap_key_fn *has;
	enum imap_search_cost cost;
	uint32_t flags;         /* STORE_FLAG_* */
	uint64_t number;        /* bytes, modseq, id */
	int64_t from, to;       /* moments in seconds: from <= m < to */
	enum imap_moment moment;
	const struct imap_set *set;
	struct span word;       /* the name of a field, or of a keyword */
	uint64_t keywords;      /* bits of the view */
	struct imap_needle needle;
	const struct store_terms *terms; /* of the needle; NULL: none */
	struct imap_fuzzy *fuzzy; /* instead of it: RFC 6203; NULL: exact */
};

enum imap_op_kind { IMAP_OP_KEY, IMAP_OP_NOT, IMAP_OP_OR, IMAP_OP_AND };
struct imap_op {
	enum imap_op_kind kind;
	uint32_t n; /* which key; AND: of how many */
};

struct imap_search {
	struct imap_key *keys;
	size_t key_count;
	struct imap_op *ops;
	size_t op_count;
	bool is_costly[IMAP_COST_COUNT]; /* a key of that cost is in it */
	bool has_modseq;     /* RFC 7162 3.1.5 */
	bool has_terms;      /* a key of it asks signatures */
	bool has_fuzzy;      /* RFC 6203 */
	uint8_t *verdicts;   /* one a key, of the message at hand: enum
				imap_verdict */
	uint8_t *stack;
};

/* One message on trial. */
struct imap_trial {
	struct imap_search *search;
	struct store *store;
	const struct store_cursor *cursor;
	uint32_t number; /* of the message */
	struct store_row row; /* a copy: the view may move */
	struct arena *arena; /* emptied before each; STORE_META_ARENA_BYTES */
	struct buf *scratch; /* two, each may take IMAP_SEARCH_SCRATCH_BYTES */
	struct buf *scratch2;
	struct store_metas metas;
	struct store_signatures signatures;
	bool is_signed;      /* no more signatures are made for this search */
	struct store_meta meta;
	struct span head;    /* in scratch2, at COST_HEAD */
	unsigned score;      /* of the last match: 1 to 100, RFC 6203 4 */
};
#define IMAP_SEARCH_SCRATCH_BYTES (8u << 20)

/* Reads what it needs; trial has all but what it fills by itself.  *out_is:
 * the message is one.  NOT_FOUND: it is gone; it counts as no match.  Other
 * codes: it could not be read. */
enum code imap_search_try(struct imap_trial *t, bool *out_is,
	struct err *e) MUST_USE;

/* Before the first message is tried: makes signatures of those that have none, if
 * the search asks for them and there are not too many of others; true: some were
 * made, call it again in the next turn.  What it cannot make is searched all the
 * same. */
bool imap_search_sign(struct imap_trial *t);
/* Before it pauses, and before anything is written: ends what goes through rows
 * of the store. */
void imap_search_pause(struct imap_trial *t);

/* imap_search_text.c: looks for all needles of BODY and TEXT in one reading of
 * the message, and puts the verdicts of their keys. */
enum code imap_search_text(struct imap_trial *t, struct err *e) MUST_USE;

/* Reads one key after the other up to the end of the command; all must be had
 * (AND).  *out_bad_charset: CHARSET named one that is not known, NO [BADCHARSET].
 * cursor: the mailbox that it is for; NULL: none yet, and the program is only to
 * be looked at.  The program lives in the reader's arena. */
struct imap_session;
bool imap_search_read(struct imap_session *s,
	const struct store_cursor *cursor, struct imap_reader *r,
	struct imap_search *out, bool *out_bad_charset);

/* The names of all keys that have one; NULL: there are no more. */
const char *imap_search_key(size_t i);

/* The functions of keys. */
imap_key_fn imap_has_all, imap_has_none, imap_has_flags, imap_has_no_flags,
	imap_has_keyword, imap_has_no_keyword, imap_is_recent, imap_is_old, imap_is_new,
	imap_in_numbers, imap_in_uids, imap_is_larger, imap_is_smaller,
	imap_is_modseq, imap_in_time, imap_has_email_id, imap_has_thread_id,
	imap_has_subject, imap_has_from, imap_has_to, imap_has_cc,
	imap_has_bcc, imap_has_field, imap_has_body, imap_has_text;

#endif
