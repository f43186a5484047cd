/*
 * imap_context.h - a search whose outcome the client is told the changes of.
 * RFC 5267 4.3 (CONTEXT=SEARCH, CONTEXT=SORT: the return option UPDATE)
 *
 * A context belongs to the mailbox that is selected, and ends with it or by
 * CANCELUPDATE.  It holds what was found (4 bytes a message; sorted: also what
 * the order needs of each), and so knows what comes and goes.  Numbers, "*" and
 * "$" of its keys mean the messages that they meant when the command came.
 */
#ifndef POSTRIDER_IMAP_IMAP_CONTEXT_H
#define POSTRIDER_IMAP_IMAP_CONTEXT_H

#include "imap/imap_searching.h"

/* Of a session; RFC 5267 4.3.1: at least one. */
#define IMAP_CONTEXTS_MAX 8u
/* The text of the keys, and what they are made into. */
#define IMAP_CONTEXT_TEXT_BYTES 4096u
#define IMAP_CONTEXT_KEYS_BYTES (1u << 20)
/* What the order of a sorted one needs of its messages. */
#define IMAP_CONTEXT_SORT_BYTES (16u << 20)

/* NULL: UPDATE may be asked for by this command; else the words for BAD. */
const char *imap_context_wrong(const struct imap_session *s,
	const struct imap_searching *q);
/* Begins one for the command at hand, in q->context, or says NO [NOUPDATE].  keys:
 * its text from CHARSET on, which was read and is right. */
void imap_context_begin(struct imap_session *s, struct imap_searching *q,
	struct span keys);
/* The search is over and was answered: takes what was found. */
void imap_context_keep(struct imap_session *s, struct imap_searching *q);
/* It was not about the mailbox that is selected: says so, if there is one. */
void imap_context_refuse(struct imap_session *s, struct imap_searching *q);
void imap_context_free(struct imap_context *c); /* takes NULL */
/* New messages that came to a context, and the items that the client wants of
 * them: RFC 5465 7.  False: there are none (any more).  out_uids is the
 * caller's. */
bool imap_context_take_came(struct imap_session *s, struct span *out_items,
	struct store_uids *out_uids);

#endif
