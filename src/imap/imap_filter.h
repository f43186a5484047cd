/*
 * imap_filter.h - which mailboxes a client means without listing them all:
 * filter-mailboxes of NOTIFY and of ESEARCH.  RFC 5465 6, RFC 7377 2.2
 *
 *	filter = "selected" / "selected-delayed" / "inboxes" / "personal" /
 *	         "subscribed" / ("subtree" / "subtree-one" / "mailboxes") SP
 *	         (mailbox / "(" mailbox *(SP mailbox) ")")
 *
 * Pure: what is known of a mailbox is given by the caller.
 */
#ifndef POSTRIDER_IMAP_IMAP_FILTER_H
#define POSTRIDER_IMAP_IMAP_FILTER_H

#include "imap/imap_read.h"

enum imap_filter_kind {
	IMAP_FILTER_SELECTED,
	IMAP_FILTER_SELECTED_DELAYED, /* NOTIFY only */
	IMAP_FILTER_INBOXES,
	IMAP_FILTER_PERSONAL,
	IMAP_FILTER_SUBSCRIBED,
	IMAP_FILTER_SUBTREE,
	IMAP_FILTER_SUBTREE_ONE, /* ESEARCH only: one level */
	IMAP_FILTER_MAILBOXES,
	IMAP_FILTER_KINDS
};

/* The kinds that a command knows, as bits. */
#define IMAP_FILTERS_NOTIFY                                                    \
	((1u << IMAP_FILTER_KINDS) - 1 - (1u << IMAP_FILTER_SUBTREE_ONE))
#define IMAP_FILTERS_ESEARCH                                                   \
	((1u << IMAP_FILTER_KINDS) - 1 - (1u << IMAP_FILTER_SELECTED_DELAYED))

struct imap_filter {
	enum imap_filter_kind kind;
	const struct span *names; /* as the store writes them; what cannot be a
				     name is not among them: it is passed over,
				     as a mailbox that is not there */
	size_t count;
};

/* Reads one.  Its names are put into keep, which may live longer than the
 * command.  False: r->why says it. */
bool imap_filter_read(struct imap_reader *r, unsigned kinds, struct arena *keep,
	struct imap_filter *out);

/* What the filter may ask of a mailbox. */
struct imap_filtered {
	struct span name; /* as the store writes it */
	bool is_subscribed;
	bool is_selected; /* by this session */
};

/* SELECTED and SELECTED-DELAYED are the mailbox that is selected; all others do
 * not look at that. */
bool imap_filter_matches(
	const struct imap_filter *f, const struct imap_filtered *m);

#endif
