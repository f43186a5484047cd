/*
 * fuzz_ipc.c - what a process that an attacker took over may send: every
 * decoder of messages.def and every walker of records.
 *
 * The first byte picks the row, the rest is the frame.  What is accepted is
 * written again and must be the same bytes: there is one form of a message.
 */
#include "base/err.h"
#include "ipc/messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static struct buf again;

/* Each byte of what was read is touched, so that a length that lies is seen. */
static volatile uint8_t sink;

static void touch(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		sink ^= s.p[i];
}

static void same(struct span frame)
{
	must(!again.overflow && span_eq(buf_span(&again), frame));
}

/* ---- the records of a field --------------------------------------------------- */
#define U8(x)
#define U32(x)
#define U64(x)
#define I64(x)
#define BYTES(x, max)                                                          \
	must(r.x.n <= (max));                                                  \
	touch(r.x);
#define RECORDS(x, name, max) BYTES(x, max)
#define MESSAGE(NAME, name, from, to, fields, sentence)
#define RECORD(name, fields, sentence)                                         \
	static void walk_##name(struct span left)                              \
	{                                                                      \
		struct rec_##name r;                                           \
		struct span before = left;                                     \
		enum step step;                                                \
                                                                               \
		buf_reset(&again);                                             \
		while ((step = rec_next_##name(&left, &r)) == MORE) {          \
			must(left.n < before.n);                               \
			fields;                                                \
			rec_put_##name(&again, &r);                            \
		}                                                              \
		if (step == DONE)                                              \
			same(before);                                          \
	}
#include "ipc/messages.def"
#undef RECORD
#undef MESSAGE
#undef BYTES
#undef RECORDS

/* ---- the messages --------------------------------------------------------------- */
#define BYTES(x, max)                                                          \
	must(m.x.n <= (max));                                                  \
	touch(m.x);
#define RECORDS(x, name, max)                                                  \
	must(m.x.n <= (max));                                                  \
	walk_##name(m.x);
#define RECORD(name, fields, sentence)
#define MESSAGE(NAME, name, from, to, fields, sentence)                        \
	static void read_##name(struct span frame)                             \
	{                                                                      \
		struct msg_##name m;                                           \
                                                                               \
		if (!msg_get_##name(frame, &m))                                \
			return;                                                \
		fields;                                                        \
		buf_reset(&again);                                             \
		msg_put_##name(&again, &m);                                    \
		same(frame);                                                   \
	}
#include "ipc/messages.def"
#undef RECORD
#undef MESSAGE

typedef void read_fn(struct span frame);

static read_fn *const readers[] = {
#define RECORD(name, fields, sentence)                  walk_##name,
#define MESSAGE(NAME, name, from, to, fields, sentence) read_##name,
#include "ipc/messages.def"
#undef RECORD
#undef MESSAGE
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	const size_t count = sizeof(readers) / sizeof(readers[0]);

	if (n == 0)
		return 0;
	buf_init(&again, MESSAGE_BYTES_MAX * 2);
	readers[bytes[0] % count](span_of(bytes + 1, n - 1));
	buf_clear(&again);
	return 0;
}
