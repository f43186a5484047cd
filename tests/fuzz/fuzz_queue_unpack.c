/*
 * fuzz_queue_unpack.c - packed recipients from a damaged database: what is
 * taken comes out again byte by byte.
 */
#include "queue/queue_pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct queue_rcpt *rcpts;
	struct arena a;
	struct buf again;
	struct err e;
	size_t count;

	arena_init(&a, 64u << 20);
	buf_init(&again, QUEUE_PACKED_MAX);
	if (queue_unpack(span_of(data, size), &a, &rcpts, &count, &e) == OK) {
		must(count <= QUEUE_RCPTS_MAX);
		queue_pack(&again, rcpts, count);
		must(span_eq(buf_span(&again), span_of(data, size)));
	}
	buf_clear(&again);
	arena_clear(&a);
	return 0;
}
