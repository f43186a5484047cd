/*
 * account_wire.h - the socket of an IMAP session: bytes to and from its engine,
 * compressed on the way if the client asked for it (RFC 4978).
 *
 *	socket ── packed ── inflate ──▶ in ──▶ engine
 *	socket ◀── out ◀── deflate ◀────────── engine
 *
 * Without compression `packed` is not used, and what the socket takes at once
 * is not copied.  What a client makes of few bytes costs no more than `in`.
 */
#ifndef POSTRIDER_ROLE_ACCOUNT_WIRE_H
#define POSTRIDER_ROLE_ACCOUNT_WIRE_H

#include "base/buf.h"
#include "net/deflate.h"

struct account_wire {
	int fd;            /* owned; -1: it was given away */
	struct buf in;     /* for the engine, which takes from its front */
	struct buf out;    /* the socket did not take it yet */
	struct buf packed; /* came, and is to be inflated */
	struct inflater *inflater; /* owned; NULL: not compressed */
	struct deflater *deflater; /* the same */
	bool owes_ack; /* something came, and nothing was sent since */
};

/* Takes fd; pending: bytes that somebody read before. */
void account_wire_open(struct account_wire *w, int fd, struct span pending);
void account_wire_close(struct account_wire *w);
/* From here on both ways, also of what lies in `in`. */
void account_wire_compress(struct account_wire *w);

/* Is there room for more from the socket? */
bool account_wire_has_room(const struct account_wire *w);
/* Reads once.  False: the client hung up. */
bool account_wire_receive(struct account_wire *w);
/* What came is acted on: if no answer says so, let the kernel say that it came.
 * Clients send a literal and its line end apart, and their kernel waits with the
 * second for an ACK, which ours would hold back for 40 ms. */
void account_wire_ack(struct account_wire *w);
/* Inflates what `in` has room for; *out_any: something came of it.  SYNTAX: the
 * stream is damaged, there is nothing to be read any more. */
enum code account_wire_unpack(struct account_wire *w, bool *out_any) MUST_USE;

/* Sends, or keeps in `out`.  False: the connection is gone. */
bool account_wire_write(struct account_wire *w, struct span bytes);
/* Sends of `out` what the socket takes.  The same. */
bool account_wire_flush(struct account_wire *w);

#endif
