/*
 * fuzz_queue_unpack.c - packed recipients from a damaged database: what is
 * taken comes out again byte by byte; of an older format, in ours, as the same.
 */
#include "queue/queue_pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_same(const struct queue_rcpt *a, const struct queue_rcpt *b)
{
	return a->idx == b->idx && a->route == b->route &&
		a->state == b->state && a->account == b->account &&
		a->parent == b->parent && a->depth == b->depth &&
		a->notify == b->notify && a->tell == b->tell &&
		span_eq(a->address, b->address) && span_eq(a->orcpt, b->orcpt);
}

/* In our format it reads back as the same recipients. */
static void check_again(struct span packed, struct arena *a,
	const struct queue_rcpt *rcpts, size_t count)
{
	struct queue_rcpt *again;
	struct err e;
	size_t n;

	must(queue_unpack(packed, a, &again, &n, &e) == OK && n == count);
	for (size_t i = 0; i < n; i++)
		must(is_same(&rcpts[i], &again[i]));
}

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
		check_again(buf_span(&again), &a, rcpts, count);
		if (data[0] == buf_span(&again).p[0])
			must(span_eq(buf_span(&again), span_of(data, size)));
	}
	buf_clear(&again);
	arena_clear(&a);
	return 0;
}
