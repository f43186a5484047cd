/*
 * imap_sleep.h - a session that only idles, as a few bytes: what its client was
 * told and what it enabled, so that a process that is started later goes on as
 * if nothing had been (doc/decisions/0015-hibernation.md).
 *
 * Who keeps the bytes vouches for them: they say which mailbox is selected, and
 * so on.  But also bytes that somebody made up cost no more than IMAP_SLEEP_BYTES
 * and give a session of the store that is named, or none.
 */
#ifndef POSTRIDER_IMAP_IMAP_SLEEP_H
#define POSTRIDER_IMAP_IMAP_SLEEP_H

#include "base/buf.h"
#include "imap/imap_session.h"

/* What a sleeping session is at most. */
#define IMAP_SLEEP_BYTES 2048u

/* Does it only IDLE?  Everything was told, nothing is half said by either side,
 * and what it remembers is small. */
bool imap_session_may_sleep(const struct imap_session *s);
/* Puts it into out, which has room for IMAP_SLEEP_BYTES; the session is there
 * still.  Only if it may. */
void imap_session_sleep(const struct imap_session *s, struct buf *out);
/* The session again, in IDLE; config.tag is not used.  It has news, if anything
 * happened meanwhile.  No transaction is open.  SYNTAX: the bytes are none of
 * ours; NOT_FOUND: the mailbox is gone, or what happened to it is not known any
 * more; else the store could not be read. */
enum code imap_session_wake(const struct imap_session_config *config,
	struct span bytes, struct imap_session **out_session, struct err *e)
	MUST_USE;

#endif
