/*
 * pop3.h - POP3 after the login: the TRANSACTION and UPDATE states, RFC 1939 5
 * and 6, with TOP, UIDL, CAPA, PIPELINING and RESP-CODES (RFC 2449).
 *
 * Bytes in, effects out, over the store that it is given; it knows no socket
 * and no clock.  The maildrop is what stood in the inbox at pop3_open: what is
 * delivered afterwards is seen by the next session.  The caller sees to it that
 * there is one session at a time.
 *
 *	taken = pop3_feed(p, in);
 *	while (caller has room && pop3_next(p, &effect)) ...
 *
 * feed takes commands while their answers fit into POP3_OUT_BYTES or so, and
 * then takes less than it was given; answers of pipelined commands come out
 * together.  A long answer is a job that goes on with each call of next, so the
 * caller holds a slow client's session by not calling it.
 */
#ifndef POSTRIDER_POP3_POP3_H
#define POSTRIDER_POP3_POP3_H

#include "base/err.h"
#include "base/span.h"

struct pop3;
struct store;

/* About how much one SEND holds; a piece of a large message may add to it. */
#define POP3_OUT_BYTES 65536u

/* RFC 1939 3: at least ten minutes. */
#define POP3_TIMEOUT_MS (10 * 60 * 1000)

enum pop3_effect_type {
	POP3_SEND,    /* write bytes */
	POP3_TROUBLE, /* bytes: for the log; the store has a damaged message, or
	                 could not do what was asked */
	POP3_CLOSE    /* close when all was written; bytes: why, for the log */
};

struct pop3_effect {
	enum pop3_effect_type type;
	struct span bytes; /* valid until the next call of feed or next */
};

/* Opens the maildrop; the answer to PASS waits as the first effect.  store
 * outlives the session.  After each call the caller looks whether
 * store_is_broken. */
enum code pop3_open(struct store *store, struct pop3 **out_p,
	struct err *e) MUST_USE;
/* Takes NULL.  Without QUIT nothing was deleted: RFC 1939 6. */
void pop3_close(struct pop3 *p);

size_t pop3_feed(struct pop3 *p, struct span in);
bool pop3_next(struct pop3 *p, struct pop3_effect *out);

struct pop3_counts {
	uint64_t retrieved;
	uint64_t deleted; /* for good, by QUIT */
};
struct pop3_counts pop3_counts(const struct pop3 *p);

#endif
