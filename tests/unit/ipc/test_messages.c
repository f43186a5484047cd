/* The codec, the permissions and the names: all made from messages.def, so
 * that a new row is tested without a line here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/messages.h"
#include "ipc/wire.h"

/* What fills the fields of one round. */
struct filling {
	uint64_t number;
	bool is_full; /* byte fields at their maximum, else empty */
};

static const struct filling fillings[] = {
	{0, false},
	{UINT64_MAX, false},
	{(uint64_t)INT64_MIN, true},
	{0x0123456789abcdefULL, true},
	{1, true},
};
#define FILLINGS (sizeof(fillings) / sizeof(fillings[0]))

static uint8_t bytes[MESSAGE_BYTES_MAX];

static int begin(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	return 0;
}

static struct span fill(const struct filling *f, size_t max)
{
	return span_of(bytes, f->is_full ? max : 0);
}

/* ---- every message and record, there and back -------------------------------- */
#define U8(x)              m.x = (uint8_t)f->number;
#define U32(x)             m.x = (uint32_t)f->number;
#define U64(x)             m.x = f->number;
#define I64(x)             m.x = (int64_t)f->number;
#define BYTES(x, max)      m.x = fill(f, max);
#define RECORDS(x, r, max) m.x = fill(f, max);
#define RECORD(name, fields, sentence)                                         \
	static struct rec_##name filled_rec_##name(const struct filling *f)    \
	{                                                                      \
		struct rec_##name m;                                           \
                                                                               \
		fields;                                                        \
		return m;                                                      \
	}
#define MESSAGE(NAME, name, from, to, fields, sentence)                        \
	static struct msg_##name filled_msg_##name(const struct filling *f)    \
	{                                                                      \
		struct msg_##name m;                                           \
                                                                               \
		fields;                                                        \
		return m;                                                      \
	}
#include "ipc/messages.def"
#undef MESSAGE
#undef RECORD
#undef U8
#undef U32
#undef U64
#undef I64
#undef BYTES
#undef RECORDS

#define U8(x)              assert_true(a->x == b->x);
#define U32(x)             assert_true(a->x == b->x);
#define U64(x)             assert_true(a->x == b->x);
#define I64(x)             assert_true(a->x == b->x);
#define BYTES(x, max)      assert_true(span_eq(a->x, b->x));
#define RECORDS(x, r, max) assert_true(span_eq(a->x, b->x));
#define RECORD(name, fields, sentence)                                         \
	static void same_rec_##name(const struct rec_##name *a,                \
		const struct rec_##name *b)                                    \
	{                                                                      \
		fields                                                         \
	}
#define MESSAGE(NAME, name, from, to, fields, sentence)                        \
	static void same_msg_##name(const struct msg_##name *a,                \
		const struct msg_##name *b)                                    \
	{                                                                      \
		fields                                                         \
	}
#include "ipc/messages.def"
#undef MESSAGE
#undef RECORD
#undef U8
#undef U32
#undef U64
#undef I64
#undef BYTES
#undef RECORDS

/* Neither a byte less nor a byte more is the message. */
#define MESSAGE(NAME, name, from, to, fields, sentence)                        \
	static void check_msg_##name(struct buf *b, const struct filling *f)   \
	{                                                                      \
		struct msg_##name in = filled_msg_##name(f), out;              \
		struct span frame;                                             \
                                                                               \
		msg_put_##name(b, &in);                                        \
		frame = buf_span(b);                                           \
		assert_false(b->overflow);                                     \
		assert_true(msg_get_##name(frame, &out));                      \
		same_msg_##name(&in, &out);                                    \
		assert_false(msg_get_##name(span_head(frame, frame.n - 1),     \
			&out));                                                \
		buf_putc(b, 0);                                                \
		assert_false(msg_get_##name(buf_span(b), &out));               \
	}
#define RECORD(name, fields, sentence)                                         \
	static void check_rec_##name(struct buf *b, const struct filling *f)   \
	{                                                                      \
		struct rec_##name in = filled_rec_##name(f), out;              \
		struct span left;                                              \
                                                                               \
		rec_put_##name(b, &in);                                        \
		rec_put_##name(b, &in);                                        \
		left = buf_span(b);                                            \
		assert_int_equal(rec_next_##name(&left, &out), MORE);          \
		same_rec_##name(&in, &out);                                    \
		assert_int_equal(rec_next_##name(&left, &out), MORE);          \
		same_rec_##name(&in, &out);                                    \
		assert_int_equal(rec_next_##name(&left, &out), DONE);          \
		left = span_head(buf_span(b), buf_len(b) - 1);                 \
		assert_int_equal(rec_next_##name(&left, &out), MORE);          \
		assert_int_equal(rec_next_##name(&left, &out), BAD);           \
	}
#include "ipc/messages.def"
#undef MESSAGE
#undef RECORD

typedef void check_fn(struct buf *b, const struct filling *f);

static check_fn *const checks[] = {
#define MESSAGE(NAME, name, from, to, fields, sentence) check_msg_##name,
#define RECORD(name, fields, sentence)                  check_rec_##name,
#include "ipc/messages.def"
#undef MESSAGE
#undef RECORD
};

static void test_every_message_comes_back(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 2 * MESSAGE_BYTES_MAX);
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		for (size_t k = 0; k < FILLINGS; k++) {
			buf_reset(&b);
			checks[i](&b, &fillings[k]);
		}
	}
	buf_clear(&b);
}

/* No row is longer than a channel takes. */
static void test_every_message_fits(void **state)
{
	(void)state;
#define U8(x)              +1
#define U32(x)             +4
#define U64(x)             +8
#define I64(x)             +8
#define BYTES(x, max)      +4 + (max)
#define RECORDS(x, r, max) +4 + (max)
#define RECORD(name, fields, sentence) assert_true((0 fields) <= 131072);
#define MESSAGE(NAME, name, from, to, fields, sentence)                        \
	assert_true((0 fields) <= MESSAGE_BYTES_MAX);
#include "ipc/messages.def"
#undef MESSAGE
#undef RECORD
#undef U8
#undef U32
#undef U64
#undef I64
#undef BYTES
#undef RECORDS
}

static void test_a_field_over_its_maximum_is_refused(void **state)
{
	struct msg_route m = {.address = span_of(bytes, 513)};
	struct msg_route out;
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	msg_put_route(&b, &m);
	assert_false(msg_get_route(buf_span(&b), &out));
	m.address.n = 512;
	buf_reset(&b);
	msg_put_route(&b, &m);
	assert_true(msg_get_route(buf_span(&b), &out));
	buf_clear(&b);
}

static void test_a_length_cannot_lie(void **state)
{
	static const uint8_t longer[] = {5, 0, 0, 0, 'a', 'b'};
	static const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff, 'a'};
	struct msg_route out;

	(void)state;
	assert_false(msg_get_route(span_of(longer, sizeof(longer)), &out));
	assert_int_equal(out.address.n, 0);
	assert_false(msg_get_route(span_of(huge, sizeof(huge)), &out));
	assert_false(msg_get_route(SPAN_EMPTY, &out));
}

static void test_numbers_are_little_endian(void **state)
{
	static const uint8_t expect[] = {7, 4, 3, 2, 1, 8, 7, 6, 5, 4, 3, 2, 1,
		0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0,
		'h', 'i'};
	struct wire w;
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	wire_put_u8(&b, 7);
	wire_put_u32(&b, 0x01020304);
	wire_put_u64(&b, 0x0102030405060708ULL);
	wire_put_i64(&b, -2);
	wire_put_bytes(&b, SPAN("hi"));
	assert_true(span_eq(buf_span(&b), span_of(expect, sizeof(expect))));
	w = wire_of(buf_span(&b));
	assert_int_equal(wire_get_u8(&w), 7);
	assert_int_equal(wire_get_u32(&w), 0x01020304);
	assert_true(wire_get_u64(&w) == 0x0102030405060708ULL);
	assert_true(wire_get_i64(&w) == -2);
	assert_true(span_eq(wire_get_bytes(&w, 2), SPAN("hi")));
	assert_true(wire_is_done(&w));
	/* past the end: zeros, and failed for good */
	assert_int_equal(wire_get_u8(&w), 0);
	assert_true(w.failed);
	assert_false(wire_is_done(&w));
	buf_clear(&b);
}

/* ---- names and permissions ------------------------------------------------------ */
static const struct {
	const char *name;
	enum role from, to;
} rows[MSG_COUNT] = {
#define RECORD(name, fields, sentence)
#define MESSAGE(NAME, name, from, to, fields, sentence)                        \
	[MSG_##NAME] = {#name, ROLE_##from, ROLE_##to},
#include "ipc/messages.def"
#undef MESSAGE
#undef RECORD
};

/* The roles that ANY stands for. */
static bool any_has(enum role role)
{
	return role != ROLE_ACCOUNT && role != ROLE_CLI && role != ROLE_ANY;
}

static bool expected(enum role row, enum role is)
{
	return row == is || (row == ROLE_ANY && any_has(is));
}

static void test_only_the_row_is_allowed(void **state)
{
	(void)state;
	for (unsigned type = 1; type < MSG_COUNT; type++)
		for (unsigned from = 0; from < ROLE_ANY; from++)
			for (unsigned to = 0; to < ROLE_ANY; to++)
				assert_int_equal(message_is_allowed(type,
							 (enum role)from,
							 (enum role)to),
					expected(rows[type].from,
						(enum role)from) &&
						expected(rows[type].to,
							(enum role)to));
	assert_false(message_is_allowed(MSG_NONE, ROLE_MASTER, ROLE_FRONT));
	assert_false(message_is_allowed(MSG_COUNT, ROLE_MASTER, ROLE_FRONT));
	assert_false(message_is_allowed(UINT32_MAX, ROLE_MASTER, ROLE_FRONT));
}

/* The ones that matter most, by hand: what a taken front would try. */
static void test_front_has_no_power(void **state)
{
	(void)state;
	assert_true(message_is_allowed(MSG_SUBMIT, ROLE_FRONT, ROLE_QUEUE));
	assert_false(message_is_allowed(MSG_DELIVER, ROLE_FRONT,
		ROLE_ACCOUNT));
	assert_false(message_is_allowed(MSG_SEND, ROLE_FRONT, ROLE_OUTBOUND));
	assert_false(message_is_allowed(MSG_SESSION, ROLE_FRONT,
		ROLE_ACCOUNT));
	assert_false(message_is_allowed(MSG_SETUP, ROLE_FRONT, ROLE_QUEUE));
	assert_false(message_is_allowed(MSG_PEER, ROLE_FRONT, ROLE_QUEUE));
	assert_false(message_is_allowed(MSG_ADMIN, ROLE_FRONT, ROLE_QUEUE));
	assert_false(message_is_allowed(MSG_SUBMIT, ROLE_OUTBOUND,
		ROLE_QUEUE));
	assert_false(message_is_allowed(MSG_SETUP, ROLE_MASTER,
		ROLE_ACCOUNT));
}

static void test_names(void **state)
{
	(void)state;
	for (unsigned type = 1; type < MSG_COUNT; type++)
		assert_string_equal(message_name(type), rows[type].name);
	assert_string_equal(message_name(MSG_NONE), "?");
	assert_string_equal(message_name(MSG_COUNT), "?");
	assert_string_equal(role_name(ROLE_ACCOUNT), "account");
	assert_string_equal(role_name(ROLE_COUNT), "?");
	assert_string_equal(service_name(SERVICE_POP3), "pop3");
	assert_string_equal(service_name(SERVICE_COUNT), "?");
	assert_true(message_table_hash() != 0);
	assert_true(message_table_hash() == message_table_hash());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_message_comes_back),
		cmocka_unit_test(test_every_message_fits),
		cmocka_unit_test(test_a_field_over_its_maximum_is_refused),
		cmocka_unit_test(test_a_length_cannot_lie),
		cmocka_unit_test(test_numbers_are_little_endian),
		cmocka_unit_test(test_only_the_row_is_allowed),
		cmocka_unit_test(test_front_has_no_power),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}
