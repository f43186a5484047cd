/*
 * queue_repeat.c - the hash of a transaction.  See queue_repeat.h.
 */
#include "queue/queue_repeat.h"

#include <string.h>

#include "crypto/hash.h"

/* Adds the recipients' hashes up: a sum does not care about order. */
static void put_rcpts(struct buf *out, const struct queue_msg *m)
{
	uint64_t sum[SHA256_BYTES / 8] = {0};

	if (m->rcpt_count == 1) {
		buf_put(out, m->rcpts[0].address);
		return;
	}
	for (size_t i = 0; i < m->rcpt_count; i++) {
		struct sha256 h = sha256_of(m->rcpts[i].address);

		for (size_t k = 0; k < SHA256_BYTES; k++)
			sum[k / 8] += (uint64_t)h.bytes[k] << (k % 8 * 8);
	}
	buf_put(out, span_of(sum, sizeof(sum)));
}

struct queue_repeat queue_repeat_of(const struct queue_msg *m,
	struct span given, struct span client, struct buf *scratch)
{
	struct queue_repeat r;
	struct sha256 h;

	buf_reset(scratch);
	buf_put(scratch, span_head(client, client.n == 4 ? 3 : 8));
	buf_putc(scratch, 0);
	buf_put(scratch, m->reverse_path);
	buf_putc(scratch, 0);
	put_rcpts(scratch, m);
	buf_put(scratch, given);
	h = sha256_of(buf_span(scratch));
	memcpy(r.bytes, h.bytes, sizeof(r.bytes));
	return r;
}
