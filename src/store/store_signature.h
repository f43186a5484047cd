/*
 * store_signature.h - which messages may hold a text, without reading them.
 *
 * Each message has a signature, the filter of store_signature_filter.h over its
 * searched text (message/search_text.h).  Who looks for a text asks the filters
 * and reads only the messages that may hold it; so a signature changes how long
 * an answer takes, and never the answer.
 *
 * Signatures are made behind the deliveries, in the order of ids: store_sign.
 * Messages from store_unsigned on have none yet, and a message whose bytes are
 * damaged never gets one; any text may be in them.
 */
#ifndef POSTRIDER_STORE_STORE_SIGNATURE_H
#define POSTRIDER_STORE_STORE_SIGNATURE_H

#include "store/store.h"
#include "store/store_signature_filter.h"

/* ---- asking ----------------------------------------------------------------- */
/* The filters of messages, one after the other: as long as their ids rise, one
 * statement goes through them.  As struct store_metas, it is ended before
 * anything is written, and before the loop's turn is over.  All 0 to begin
 * with. */
struct store_signatures {
	struct db_stmt *q; /* the store's */
	uint64_t message;  /* whose row is at hand */
};

/* *out is empty if there is none; valid until the next call. */
enum code store_signatures_get(struct store *s, struct store_signatures *m,
	uint64_t message, struct span *out, struct err *e) MUST_USE;
void store_signatures_end(struct store_signatures *m);

/* Messages of the account, whatever mailbox they stand in, with ids from `from`
 * on, that may hold all of these texts: writes at most `room` ids, rising.  If
 * *out_count is room there may be more: ask again, from behind the last.  What
 * is found has to be read and compared. */
struct store_candidates {
	const struct store_terms *terms;
	size_t term_count;
	uint64_t from;
	uint64_t *ids; /* the caller's */
	size_t room;
};
enum code store_candidates_find(struct store *s,
	const struct store_candidates *c, size_t *out_count,
	struct err *e) MUST_USE;

/* ---- making --------------------------------------------------------------------- */
/* Signs some of the messages that wait, at most STORE_SIGN_MESSAGES or as many
 * as have STORE_SIGN_BYTES, in one transaction; *out_more: others wait.  After a
 * full disk (TEMP) the store goes on. */
#define STORE_SIGN_MESSAGES 256u
#define STORE_SIGN_BYTES    (4u << 20)
enum code store_sign(struct store *s, bool *out_more, struct err *e) MUST_USE;
/* Is it worth a transaction?  A few messages are read as quickly as they are
 * signed. */
#define STORE_SIGN_MIN 16u
bool store_wants_sign(const struct store *s);
/* From this id on no message is signed. */
uint64_t store_unsigned(const struct store *s);

#endif
