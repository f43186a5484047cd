/*
 * test_pack.c - recipients in a blob: round trips, and bytes that are none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "queue/queue_pack.h"

#define WORDS(literal) {(const uint8_t *)("" literal), sizeof(literal) - 1}

static const struct queue_rcpt some[] = {
	{.idx = 0, .route = QUEUE_TO_ALIAS, .state = QUEUE_EXPANDED,
		.address = WORDS("list@hamburger.edu")},
	{.idx = 3, .route = QUEUE_TO_LOCAL, .state = QUEUE_SENDING,
		.account = UINT64_MAX, .parent = 1, .depth = 10,
		.notify = QUEUE_NOTIFY_SUCCESS, .tell = QUEUE_TELL_RELAYED,
		.orcpt = WORDS("rfc822;list@hamburger.edu"),
		.address = WORDS("bob@hamburger.edu")},
	{.idx = UINT32_MAX, .route = QUEUE_TO_REMOTE, .state = QUEUE_CANCELLED,
		.account = 0x0102030405060708, .parent = UINT32_MAX,
		.address = WORDS("j\xc3\xb6rg\0@example.org")},
};
#define SOME_COUNT (sizeof(some) / sizeof(some[0]))

static enum code unpack(struct span packed, struct queue_rcpt *out, size_t room,
	size_t *out_count)
{
	struct queue_rcpt *rcpts;
	struct arena a;
	struct err e;
	enum code code;

	arena_init(&a, 4u << 20);
	*out_count = 0;
	code = queue_unpack(packed, &a, &rcpts, out_count, &e);
	for (size_t i = 0; code == OK && i < *out_count && i < room; i++)
		out[i] = rcpts[i];
	arena_clear(&a);
	return code;
}

static void round_trip(void **state)
{
	struct queue_rcpt got[SOME_COUNT];
	struct buf packed;
	size_t count;

	(void)state;
	buf_init(&packed, 4096);
	for (size_t n = 0; n <= SOME_COUNT; n++) {
		buf_reset(&packed);
		queue_pack(&packed, some, n);
		assert_int_equal(unpack(buf_span(&packed), got, SOME_COUNT,
			&count), OK);
		assert_int_equal(count, n);
	}
	for (size_t i = 0; i < SOME_COUNT; i++) {
		assert_int_equal(got[i].idx, some[i].idx);
		assert_int_equal(got[i].route, some[i].route);
		assert_int_equal(got[i].state, some[i].state);
		assert_true(got[i].account == some[i].account);
		assert_int_equal(got[i].parent, some[i].parent);
		assert_int_equal(got[i].depth, some[i].depth);
		assert_true(span_eq(got[i].address, some[i].address));
		assert_int_equal(got[i].notify, some[i].notify);
		assert_int_equal(got[i].tell, some[i].tell);
		assert_true(span_eq(got[i].orcpt, some[i].orcpt));
	}
	buf_clear(&packed);
}

/* The form is that of databases which exist: it must not change. */
static void has_this_form(void **state)
{
	static const uint8_t want[] = {2, 3, 0, 0, 0, 1, 1, 5, 0, 0, 0, 0, 0,
		0, 0, 1, 0, 0, 0, 2, 8, 1, 3, 0, 2, 0, 'a', '@', 'b', 'c',
		';'};
	static const uint8_t old[] = {1, 3, 0, 0, 0, 1, 1, 5, 0, 0, 0, 0, 0,
		0, 0, 1, 0, 0, 0, 2, 3, 0, 'a', '@', 'b'};
	const struct queue_rcpt one = {.idx = 3, .route = QUEUE_TO_LOCAL,
		.state = QUEUE_SENDING, .account = 5, .parent = 1, .depth = 2,
		.notify = QUEUE_NOTIFY_DELAY, .tell = QUEUE_TELL_DELIVERED,
		.address = SPAN("a@b"), .orcpt = SPAN("c;")};
	struct queue_rcpt got;
	struct buf packed;
	size_t count;

	(void)state;
	buf_init(&packed, 64);
	queue_pack(&packed, &one, 1);
	assert_int_equal(buf_len(&packed), sizeof(want));
	assert_memory_equal(buf_span(&packed).p, want, sizeof(want));
	assert_int_equal(unpack(span_of(old, sizeof(old)), &got, 1, &count), OK);
	assert_int_equal(count, 1);
	assert_int_equal(got.depth, 2);
	assert_int_equal(got.notify, 0);
	assert_int_equal(got.address.n, 3);
	buf_clear(&packed);
}

static void refuses_what_is_cut(void **state)
{
	struct buf packed;
	size_t count, whole = 0;

	(void)state;
	buf_init(&packed, 4096);
	queue_pack(&packed, some, SOME_COUNT);
	for (size_t n = 0; n < buf_len(&packed); n++)
		if (unpack(span_head(buf_span(&packed), n), NULL, 0, &count) ==
			OK)
			whole++;
	/* only after the format, the first and the second recipient */
	assert_int_equal(whole, 3);
	buf_clear(&packed);
}

static void refuses_hostile_bytes(void **state)
{
	static const struct {
		size_t at;
		uint8_t byte;
		const char *what;
	} rows[] = {
		{0, 0, "format 0"},
		{0, 3, "a format of the future"},
		{5, QUEUE_ROUTE_COUNT, "a route that is none"},
		{5, 255, "a route that is none"},
		{6, QUEUE_STATE_COUNT, "a state that is none"},
		{21, QUEUE_TELL_COUNT, "news that are none"},
		{22, 4, "a longer address"},
		{22, 0, "no address, and bytes behind it"},
		{23, 1, "an address of 259 bytes"},
		{24, 1, "a longer ORCPT"},
		{25, 9, "one of 2304 bytes"},
		{29, 3, "the number of the one before"},
		{29, 2, "a lower number"},
	};
	const struct queue_rcpt two[] = {
		{.idx = 3, .state = QUEUE_SENDING, .address = SPAN("a@b")},
		{.idx = 4, .state = QUEUE_SENDING, .address = SPAN("c@d")},
	};
	struct buf packed;
	size_t count;

	(void)state;
	buf_init(&packed, 4096);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&packed);
		queue_pack(&packed, two, 2);
		assert_int_equal(unpack(buf_span(&packed), NULL, 0, &count),
			OK);
		packed.p[rows[i].at] = rows[i].byte;
		if (unpack(buf_span(&packed), NULL, 0, &count) != CORRUPT)
			fail_msg("taken: %s", rows[i].what);
	}
	buf_clear(&packed);
}

static void refuses_an_empty_address(void **state)
{
	const struct queue_rcpt one = {.state = QUEUE_SENDING};
	struct buf packed;
	size_t count;

	(void)state;
	buf_init(&packed, 64);
	queue_pack(&packed, &one, 1);
	assert_int_equal(unpack(buf_span(&packed), NULL, 0, &count), CORRUPT);
	buf_clear(&packed);
}

static void has_a_limit(void **state)
{
	static struct queue_rcpt many[QUEUE_RCPTS_MAX + 1];
	struct buf packed;
	size_t count;

	(void)state;
	for (uint32_t i = 0; i <= QUEUE_RCPTS_MAX; i++)
		many[i] = (struct queue_rcpt){.idx = i, .address = SPAN("a")};
	buf_init(&packed, QUEUE_PACKED_MAX);
	queue_pack(&packed, many, QUEUE_RCPTS_MAX);
	assert_int_equal(unpack(buf_span(&packed), NULL, 0, &count), OK);
	assert_int_equal(count, QUEUE_RCPTS_MAX);
	buf_reset(&packed);
	queue_pack(&packed, many, QUEUE_RCPTS_MAX + 1);
	assert_int_equal(unpack(buf_span(&packed), NULL, 0, &count), CORRUPT);
	buf_clear(&packed);
}

static void every_state_has_a_word(void **state)
{
	(void)state;
	for (unsigned i = 0; i < QUEUE_STATE_COUNT; i++)
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(
				queue_state_word((enum queue_state)i),
				queue_state_word((enum queue_state)k));
	assert_string_equal(queue_state_word((enum queue_state)99), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(has_this_form),
		cmocka_unit_test(refuses_what_is_cut),
		cmocka_unit_test(refuses_hostile_bytes),
		cmocka_unit_test(refuses_an_empty_address),
		cmocka_unit_test(has_a_limit),
		cmocka_unit_test(every_state_has_a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
