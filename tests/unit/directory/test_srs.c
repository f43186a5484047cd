/*
 * test_srs.c - reverse-paths of ours for senders of others, and back.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "directory/srs.h"

#define OURS   SPAN("a secret of thirty-two bytes ....")
#define OTHERS SPAN("another of thirty-two bytes ......")

static struct buf out, back;

static int setup(void **state)
{
	(void)state;
	buf_init(&out, 512);
	buf_init(&back, 512);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	buf_clear(&out);
	buf_clear(&back);
	return 0;
}

static struct span local_of(struct span address)
{
	return span_head(address, span_find_last(address, '@'));
}

static bool forward(struct span secret, struct span sender, int64_t day)
{
	buf_reset(&out);
	return srs_forward(secret, sender, SPAN("ours.org"), day, &out);
}

static enum code reverse(struct span secret, struct span local, int64_t day)
{
	buf_reset(&back);
	return srs_reverse(secret, local, day, &back);
}

static void goes_and_comes_back(void **state)
{
	static const struct span senders[] = {SPAN_INIT("ann@a.org"),
		SPAN_INIT("Ann.Bee+x@Sub.A.org"), SPAN_INIT("a=b=c@a.org"),
		SPAN_INIT("j\xc3\xb6rg@a.org")};

	(void)state;
	for (int64_t day = 0; day < 3000; day += 37) {
		for (size_t i = 0; i < 4; i++) {
			assert_true(forward(OURS, senders[i], day));
			assert_int_equal(reverse(OURS,
				local_of(buf_span(&out)), day + SRS_DAYS), OK);
			assert_true(span_eq(buf_span(&back), senders[i]));
			assert_int_equal(reverse(OURS,
				local_of(buf_span(&out)), day + SRS_DAYS + 1),
				TIMEOUT);
			assert_int_equal(reverse(OTHERS,
				local_of(buf_span(&out)), day), DENIED);
		}
	}
}

/* Letters that a server on the way made small are still ours; the sender's are as
 * they came. */
static void survives_another_case(void **state)
{
	struct span local;

	(void)state;
	assert_true(forward(OURS, SPAN("Ann@A.org"), 5));
	for (size_t i = out.start; i < out.end; i++)
		out.p[i] = ascii_lower(out.p[i]);
	local = local_of(buf_span(&out));
	assert_int_equal(reverse(OURS, local, 5), OK);
	assert_true(span_eq(buf_span(&back), SPAN("ann@a.org")));
	/* and no letter else may differ */
	for (size_t i = 5; i < local.n; i++) {
		uint8_t *at = out.p + out.start + i;

		*at ^= 1;
		assert_int_not_equal(reverse(OURS, local, 5), OK);
		*at ^= 1;
	}
}

/* Passed on twice: by another forwarder, then by us, then by one more. */
static void is_passed_on_again(void **state)
{
	struct buf first, second;

	(void)state;
	buf_init(&first, 512);
	buf_init(&second, 512);
	assert_true(srs_forward(OTHERS, SPAN("ann@a.org"), SPAN("first.org"), 5,
		&first));
	assert_true(forward(OURS, buf_span(&first), 6));
	assert_true(span_starts(buf_span(&out), SPAN("SRS1=")));
	/* straight back to the first, not the way it came */
	assert_int_equal(reverse(OURS, local_of(buf_span(&out)), 900), OK);
	assert_true(span_eq(buf_span(&back), buf_span(&first)));
	assert_true(srs_forward(OTHERS, buf_span(&out), SPAN("third.org"), 6,
		&second));
	assert_true(span_starts(buf_span(&second), SPAN("SRS1=")));
	assert_int_equal(reverse(OTHERS, local_of(buf_span(&second)), 6), OK);
	assert_true(span_eq(buf_span(&back), buf_span(&first)));
	buf_clear(&first);
	buf_clear(&second);
}

static void leaves_alone_what_has_no_room(void **state)
{
	(void)state;
	assert_false(forward(OURS, SPAN(""), 5));
	assert_false(forward(OURS, SPAN("@a.org"), 5));
	assert_false(forward(OURS, SPAN("\"a b\"@a.org"), 5));
	assert_false(forward(OURS, SPAN("a-name-that-is-very-very-long-indeed@"
		"a-domain-that-is-long-too.example"), 5));
	assert_int_equal(buf_len(&out), 0);
}

static void refuses_what_is_none(void **state)
{
	static const char *const locals[] = {"", "SRS0", "SRS0=", "SRS0==",
		"SRS0=aaaaaaaa", "SRS0=aaaaaaaa=ab=a.org=ann", "SRS1=",
		"SRS1=aaaaaaaa=a.org", "SRS1=aaaaaaaa=a.org==b=c", "ann"};

	(void)state;
	for (size_t i = 0; i < sizeof(locals) / sizeof(locals[0]); i++)
		assert_int_equal(reverse(OURS, span_str(locals[i]), 5), DENIED);
	assert_false(srs_is(SPAN("SRS0")));
	assert_false(srs_is(SPAN("SRSX=a")));
	assert_true(srs_is(SPAN("srs0+a")));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(goes_and_comes_back),
		TEST(survives_another_case),
		TEST(is_passed_on_again),
		TEST(leaves_alone_what_has_no_room),
		TEST(refuses_what_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
