/*
 * queue_pack.c - recipients in one blob.  See queue_pack.h.
 *
 * A format byte, then for each recipient: idx (4 bytes, little-endian), route,
 * state, account (8), parent (4), depth, notify, tell, lengths of address and
 * orcpt (2 each), address, orcpt.  Format 1 had neither notify, tell nor orcpt.
 * The blob comes from our own database, but a flipped bit there must end as
 * CORRUPT, so everything is checked.
 */
#include "queue/queue_pack.h"

#define PACK_FORMAT     2
#define PACK_HEAD_BYTES 25u
#define PACK_FORMAT_1   1
#define PACK_1_BYTES    21u

const char *queue_state_word(enum queue_state state)
{
	static const char *const words[QUEUE_STATE_COUNT] = {
		[QUEUE_WAITING] = "waiting",
		[QUEUE_SENDING] = "sending",
		[QUEUE_FAILED] = "failing",
		[QUEUE_HELD] = "held",
		[QUEUE_DONE] = "done",
		[QUEUE_TOLD] = "failed",
		[QUEUE_EXPANDED] = "expanded",
		[QUEUE_CANCELLED] = "cancelled",
	};

	return (unsigned)state < QUEUE_STATE_COUNT ? words[state] : "?";
}

static void put_le(struct buf *out, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		buf_putc(out, (uint8_t)(value >> (8 * i)));
}

static uint64_t get_le(struct span *left, size_t bytes)
{
	uint64_t value = 0;

	for (size_t i = bytes; i > 0; i--)
		value = value << 8 | left->p[i - 1];
	*left = span_tail(*left, bytes);
	return value;
}

void queue_pack(struct buf *out, const struct queue_rcpt *rcpts, size_t count)
{
	buf_putc(out, PACK_FORMAT);
	for (size_t i = 0; i < count; i++) {
		const struct queue_rcpt *r = &rcpts[i];

		put_le(out, r->idx, 4);
		put_le(out, r->route, 1);
		put_le(out, r->state, 1);
		put_le(out, r->account, 8);
		put_le(out, r->parent, 4);
		put_le(out, r->depth, 1);
		put_le(out, r->notify, 1);
		put_le(out, r->tell, 1);
		put_le(out, r->address.n, 2);
		put_le(out, r->orcpt.n, 2);
		buf_put(out, r->address);
		buf_put(out, r->orcpt);
	}
}

/* One recipient from the front; false if it is not one. */
static bool unpack_one(struct span *left, uint8_t format, struct queue_rcpt *r)
{
	uint64_t route, state, tell = 0, length, orcpt = 0;

	if (left->n < (format == PACK_FORMAT ? PACK_HEAD_BYTES : PACK_1_BYTES))
		return false;
	r->idx = (uint32_t)get_le(left, 4);
	route = get_le(left, 1);
	state = get_le(left, 1);
	r->account = get_le(left, 8);
	r->parent = (uint32_t)get_le(left, 4);
	r->depth = (uint32_t)get_le(left, 1);
	if (format == PACK_FORMAT) {
		r->notify = (uint8_t)get_le(left, 1);
		tell = get_le(left, 1);
	}
	length = get_le(left, 2);
	if (format == PACK_FORMAT)
		orcpt = get_le(left, 2);
	if (route >= QUEUE_ROUTE_COUNT || state >= QUEUE_STATE_COUNT ||
		tell >= QUEUE_TELL_COUNT || length == 0 ||
		length + orcpt > left->n)
		return false;
	r->route = (enum queue_route)route;
	r->state = (enum queue_state)state;
	r->tell = (enum queue_tell)tell;
	r->address = span_head(*left, length);
	r->orcpt = span_head(span_tail(*left, length), orcpt);
	*left = span_tail(*left, length + orcpt);
	return true;
}

enum code queue_unpack(struct span packed, struct arena *a,
	struct queue_rcpt **out_rcpts, size_t *out_count, struct err *e)
{
	struct queue_rcpt one = {0}, *rcpts;
	struct span left = span_tail(packed, 1);
	size_t count = 0;
	int64_t last = -1;

	if (packed.n == 0 || (packed.p[0] != PACK_FORMAT &&
		packed.p[0] != PACK_FORMAT_1))
		return err_set(e, CORRUPT, "packed recipients: format");
	while (left.n > 0) {
		if (!unpack_one(&left, packed.p[0], &one) || ++count > QUEUE_RCPTS_MAX ||
			one.idx <= last)
			return err_set(e, CORRUPT,
				"packed recipients: number %zu", count);
		last = one.idx;
	}
	rcpts = arena_alloc(a, count + 1, sizeof(*rcpts));
	left = span_tail(packed, 1);
	for (size_t i = 0; i < count; i++)
		if (!unpack_one(&left, packed.p[0], &rcpts[i]))
			return err_set(e, CORRUPT, "packed recipients");
	*out_rcpts = rcpts;
	*out_count = count;
	return OK;
}
