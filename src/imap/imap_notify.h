/*
 * imap_notify.h - what a client wants to hear of without asking: NOTIFY, and
 * ENABLE METADATA.  RFC 5465; RFC 5464 4.4.2
 *
 * A commit is heard of in the store's listener, where nothing can be said: it is
 * noted, if the client wants it, and said by imap_tell.  What waits is bounded
 * and said once, as it is by then; what does not fit ends all notifications
 * (RFC 5465 5.8).  UPDATE of a search that asks for items (RFC 5465 7) needs to
 * know the client's own messages, which stands here too.  Of the mailbox that is selected nothing is noted: the cursor
 * knows.
 */
#ifndef POSTRIDER_IMAP_IMAP_NOTIFY_H
#define POSTRIDER_IMAP_IMAP_NOTIFY_H

#include "imap/imap_filter.h"
#include "imap/imap_int.h"

/* Events, as bits. */
#define IMAP_NOTIFY_NEW          1u
#define IMAP_NOTIFY_EXPUNGE      2u
#define IMAP_NOTIFY_FLAGS        4u
#define IMAP_NOTIFY_NAME         8u
#define IMAP_NOTIFY_SUBSCRIPTION 16u
#define IMAP_NOTIFY_METADATA     32u
#define IMAP_NOTIFY_SERVER       64u
#define IMAP_NOTIFY_MESSAGES                                                   \
	(IMAP_NOTIFY_NEW | IMAP_NOTIFY_EXPUNGE | IMAP_NOTIFY_FLAGS)

/* Of one client; more is refused with NOTIFICATIONOVERFLOW. */
#define IMAP_NOTIFY_GROUPS_MAX  64u
#define IMAP_NOTIFY_NAMES_MAX   1000u
#define IMAP_NOTIFY_FETCH_BYTES 4096u
/* Names and items as they are read; refused ones may be more than are kept. */
#define IMAP_NOTIFY_ARENA_BYTES (32u << 20)
/* What may wait to be said: pieces of news, and the bytes of their names. */
#define IMAP_NEWS_MAX        256u
#define IMAP_NEWS_NAME_BYTES 65536u

struct imap_notify_group {
	struct imap_filter filter;
	unsigned events;
};

enum imap_news_kind {
	IMAP_NEWS_MESSAGES, /* STATUS of a mailbox; events */
	IMAP_NEWS_NAME,     /* LIST of a name, whatever it is now */
	IMAP_NEWS_RENAMED,  /* LIST of a mailbox; name: what it was */
	IMAP_NEWS_METADATA  /* mailbox 0: the server; name: the entry */
};

struct imap_news {
	enum imap_news_kind kind;
	unsigned events;
	uint64_t mailbox;
	size_t name_at, name_len; /* in names */
};

struct imap_noticing; /* of new messages, a FETCH on its way */

struct imap_notify {
	bool is_set;         /* NOTIFY was given; else it is ENABLE METADATA */
	bool tells_metadata; /* ENABLE METADATA: of all mailboxes */
	struct arena arena;  /* what the groups hold */
	const struct imap_notify_group *groups; /* of other mailboxes */
	size_t group_count;
	unsigned selected; /* message events of the mailbox selected */
	bool is_delayed;   /* SELECTED-DELAYED */
	struct span fetch; /* "(UID FLAGS)" of MessageNew; empty: none */

	struct imap_news *news; /* owned */
	size_t news_count, news_room;
	size_t said; /* so many of them were */
	struct buf names;
	bool is_overflown; /* it is to be said */
	bool is_fresh;     /* SET is being answered: all is told, as by NOOP */

	/* Which of the messages that came to the mailbox selected are this
	 * client's own. */
	uint64_t own_mailbox;
	uint32_t own_known; /* up to here it is known */
	uint32_t own_from, own_end;

	bool has_new; /* and numbers above this are */
	uint32_t fetch_from;
	struct imap_noticing *noticing; /* owned; NULL: none */
};

/* The session's; made if there is none yet. */
struct imap_notify *imap_notify_of(struct imap_session *s);
/* Nothing is wanted any more: NOTIFY NONE. */
void imap_notify_forget(struct imap_notify *n);
/* The events that are wanted of a mailbox; those of messages only if it is not
 * selected. */
unsigned imap_notify_events(
	const struct imap_notify *n, struct span name, bool is_subscribed);

#endif
