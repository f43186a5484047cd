/*
 * wire.h - how the fields of a message stand in a frame.
 *
 * Little-endian, one by one, no struct dumps.  Bytes are a 32-bit length and
 * the bytes.  A reader checks every length and never trusts the sender; once
 * it has failed it stays failed and gives zeros.
 */
#ifndef POSTRIDER_IPC_WIRE_H
#define POSTRIDER_IPC_WIRE_H

#include "base/buf.h"

void wire_put_u8(struct buf *out, uint8_t value);
void wire_put_u32(struct buf *out, uint32_t value);
void wire_put_u64(struct buf *out, uint64_t value);
void wire_put_i64(struct buf *out, int64_t value);
void wire_put_bytes(struct buf *out, struct span value);

struct wire {
	struct span left;
	bool failed;
};

static inline struct wire wire_of(struct span frame)
{
	return (struct wire){frame, false};
}

uint8_t wire_get_u8(struct wire *w);
uint32_t wire_get_u32(struct wire *w);
uint64_t wire_get_u64(struct wire *w);
int64_t wire_get_i64(struct wire *w);
/* Borrowed from the frame; longer than max is a failure. */
struct span wire_get_bytes(struct wire *w, size_t max);
/* All was read, all was there. */
static inline bool wire_is_done(const struct wire *w)
{
	return !w->failed && w->left.n == 0;
}

#endif
