/*
 * envelope.h - what the head of a message says of it, read once.
 * RFC 5322 3.6, RFC 9051 7.5.2 (ENVELOPE), RFC 8621 4.1.2
 *
 * Texts are raw: unfolded, without blanks at both ends, encoded words not
 * decoded, any byte possible but CR and LF.  A text whose p is NULL was not
 * there at all; one of a field without a value is empty with a p, and so are
 * the items of a list.
 *
 * Of a field that stands more than once (RFC 5322 3.6 forbids it) the last
 * counts, whole, in every view: RFC 8621 4.1.3 asks for it, and IMAP does not
 * say.
 */
#ifndef POSTRIDER_MESSAGE_ENVELOPE_H
#define POSTRIDER_MESSAGE_ENVELOPE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/span.h"
#include "message/address.h"
#include "message/date.h"

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

/* Takes one field of the head, folded as it was, if it belongs here.  Spans
 * live in the arena: the value may be gone afterwards. */
void envelope_take(struct envelope *e, struct arena *a, struct span name,
	struct span value);

/* The moment of Date:; false: there is none that can be read. */
bool envelope_sent(const struct envelope *e, struct date *out);

/* As a compact blob for the store; versioned by its first byte. */
void envelope_pack(const struct envelope *e, struct buf *out);
/* False: these are not the bytes of one, or the arena has no room for it.
 * Spans point into packed. */
bool envelope_unpack(struct arena *a, struct span packed, struct envelope *out);

#endif
