/*
 * srs.h - the Sender Rewriting Scheme: what is forwarded to another server goes
 * out under a reverse-path of ours, so that SPF (RFC 7208) holds there, and what
 * comes back to that finds the sender.
 *
 *	SRS0=HASH=DAY=DOMAIN=LOCAL@ours       of LOCAL@DOMAIN
 *	SRS1=HASH=FORWARDER==HASH=DAY=...@ours  of a SRS0 of another forwarder
 *
 * The hash is of our secret, so nobody makes such an address but us: it is no way
 * to send mail to strangers.  It is compared without case, as some servers change
 * it; what is behind it keeps its letters.  Pure.
 */
#ifndef POSTRIDER_DIRECTORY_SRS_H
#define POSTRIDER_DIRECTORY_SRS_H

#include "base/buf.h"

/* An address of ours is good for so long; a bounce comes within five days. */
#define SRS_DAYS 21

/* Days since 1970 of a time. */
static inline int64_t srs_day(int64_t wall_ms)
{
	return wall_ms / 86400000;
}

/* The reverse-path for a message that `sender` sent and we pass on, at our domain.
 * False: it has none (the null sender), or there is no room for it in a local
 * part (RFC 5321 4.5.3.1.1): it goes as it is. */
bool srs_forward(struct span secret, struct span sender, struct span domain,
	int64_t day, struct buf *out);

/* Does the local part look like one of these? */
bool srs_is(struct span local);
/* Whom what comes to this local part is for.  DENIED: not ours; TIMEOUT: ours, and
 * too old. */
enum code srs_reverse(struct span secret, struct span local, int64_t day,
	struct buf *out) MUST_USE;

#endif
