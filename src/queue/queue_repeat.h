/*
 * queue_repeat.h - one name for a transaction: who, from, to whom, what.
 *
 * When a client may not have heard our 250 and sends the same transaction
 * again, its hash is the same, and the message is stored once (RFC 1047).
 */
#ifndef POSTRIDER_QUEUE_QUEUE_REPEAT_H
#define POSTRIDER_QUEUE_QUEUE_REPEAT_H

#include "base/buf.h"
#include "queue/queue_pack.h"

#define QUEUE_REPEAT_BYTES  16u
#define QUEUE_REPEAT_KEEP_MS (48 * 3600 * INT64_C(1000))

struct queue_repeat {
	uint8_t bytes[QUEUE_REPEAT_BYTES];
};

static inline struct span queue_repeat_span(const struct queue_repeat *r)
{
	return span_of(r->bytes, sizeof(r->bytes));
}

/* client: 4 or 16 bytes; a client may come back from a neighbouring address,
 * so its /24 or /64 counts.  The order of the recipients does not.  scratch
 * is overwritten.  given: the hash of the body as the client gave it. */
struct queue_repeat queue_repeat_of(const struct queue_msg *m,
	struct span given, struct span client, struct buf *scratch);

#endif
