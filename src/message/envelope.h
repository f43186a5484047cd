/*
 * envelope.h - what the head of a message says of it, read once.
 * RFC 5322 3.6, RFC 9051 7.5.2 (ENVELOPE), RFC 8621 4.1.2
 *
 * Texts are raw: unfolded, encoded words not decoded.  When a field stands
 * more than once, the one that every view shows is decided here and nowhere
 * else.
 */
#ifndef POSTRIDER_MESSAGE_ENVELOPE_H
#define POSTRIDER_MESSAGE_ENVELOPE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/span.h"
#include "message/address.h"

/* Sender and Reply-To are empty when they are not there: whoever shows an
 * ENVELOPE puts From in their place (RFC 9051 7.5.2). */
struct envelope {
	struct span date;        /* the text of Date: */
	struct span subject;
	struct address_list from, sender, reply_to, to, cc, bcc;
	struct span in_reply_to; /* the text */
	struct span message_id;  /* the text */
	struct span references;  /* the text */
};

/* Takes one field of the head if it belongs here.  Spans live in the arena. */
void envelope_take(struct envelope *e, struct arena *a, struct span name,
	struct span value);

/* As a compact blob for the store; versioned by its first byte. */
void envelope_pack(const struct envelope *e, struct buf *out);
/* False: these are not the bytes of one.  Spans point into packed. */
bool envelope_unpack(struct arena *a, struct span packed, struct envelope *out);

#endif
