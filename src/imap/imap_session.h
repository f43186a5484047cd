/*
 * imap_session.h - IMAP after the login: the authenticated and the selected
 * state.  RFC 9051 and RFC 3501, the extensions of imap_capability.c.
 *
 * Bytes in, effects out, over the store that it is given; it knows no socket
 * and no clock.
 *
 *	taken = imap_session_feed(s, in, now_ms);
 *	while (caller has room && imap_session_next(s, &effect)) ...
 *
 * feed takes commands while their answers fit into IMAP_OUT_BYTES or so, and
 * then takes less than it was given.  A long answer is a job that goes on with
 * each call of next, so the caller holds a slow client's session by not calling
 * it.  A job that gives nothing for a while (SEARCH) pauses: next is false and
 * imap_session_is_working; call it again when others had their turn.
 *
 * APPENDs that follow each other in what was fed are stored by one commit, when
 * next is called or another command comes; their OKs come after it.
 *
 * Each session listens to its store, so whatever anybody commits is known to
 * all: after a commit the caller calls next of those that
 * imap_session_has_news.
 */
#ifndef POSTRIDER_IMAP_IMAP_SESSION_H
#define POSTRIDER_IMAP_IMAP_SESSION_H

#include "base/err.h"
#include "base/span.h"

struct imap_session;
struct store;

/* About how much one SEND holds; a piece of a large message may add to it. */
#define IMAP_OUT_BYTES 65536u

/* RFC 9051 5.4: at least 30 minutes. */
#define IMAP_TIMEOUT_MS (30 * 60 * 1000)

struct imap_session_config {
	struct store *store;   /* outlives the session */
	struct span tag;       /* of the command that logged in: it is answered
				first; copied */
	uint64_t append_max;   /* bytes of a message */
};

enum imap_session_effect_type {
	IMAP_SESSION_SEND,    /* write bytes */
	IMAP_SESSION_TROUBLE, /* bytes: for the log; the store has a damaged
				message, or could not do what was asked */
	IMAP_SESSION_COMPRESS, /* what follows is compressed, both ways, also
				what feed did not take yet: RFC 4978 */
	IMAP_SESSION_RETURN,  /* UNAUTHENTICATE: when all was written, the
				connection and the bytes that feed did not take
				belong to a new imap_door (RFC 8437); it is over
				for this engine */
	IMAP_SESSION_CLOSE    /* close when all was written; bytes: why */
};

struct imap_session_effect {
	enum imap_session_effect_type type;
	struct span bytes; /* valid until the next call of feed or next */
};

/* After each call the caller looks whether store_is_broken. */
struct imap_session *imap_session_open(const struct imap_session_config *c);
/* Takes NULL. */
void imap_session_close(struct imap_session *s);

size_t imap_session_feed(struct imap_session *s, struct span in,
	int64_t now_ms);
bool imap_session_next(struct imap_session *s,
	struct imap_session_effect *out);
/* Commands are complete that wait for others, so that one commit stores all:
 * the next call of imap_session_next stores them.  Whoever has more input at
 * hand feeds it first. */
bool imap_session_is_gathering(const struct imap_session *s);
/* A job pauses. */
bool imap_session_is_working(const struct imap_session *s);
/* It idles, or its client asked to be notified, and something was changed: next
 * would tell it. */
bool imap_session_has_news(const struct imap_session *s);
/* It keeps in memory what its client wants to hear of: NOTIFY, ENABLE
 * METADATA. */
bool imap_session_has_notify(const struct imap_session *s);
/* Says BYE as soon as it can, and closes; for the end of the server and for
 * clients that were silent for too long. */
void imap_session_end(struct imap_session *s, const char *why);

struct imap_session_counts {
	uint64_t commands;
	uint64_t fetched;  /* bodies, whole or in part */
	uint64_t appended;
	uint64_t expunged;
};
struct imap_session_counts imap_session_counts(const struct imap_session *s);

#endif
