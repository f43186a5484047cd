/*
 * test_mx.c - the order of mail exchangers, and addresses that are not used.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "dns/mx.h"

static void test_order(void **state)
{
	struct mx_host hosts[] = {
		{20, 1, SPAN("c")},
		{10, 9, SPAN("b")},
		{10, 3, SPAN("a")},
		{0, 7, SPAN("z")},
	};

	(void)state;
	mx_sort(hosts, 4);
	assert_true(span_eq(hosts[0].name, SPAN("z")));
	assert_true(span_eq(hosts[1].name, SPAN("a")));
	assert_true(span_eq(hosts[2].name, SPAN("b")));
	assert_true(span_eq(hosts[3].name, SPAN("c")));
	mx_sort(hosts, 0);
}

static void test_null(void **state)
{
	const struct mx_host hosts[] = {{0, 0, SPAN("")}, {5, 0, SPAN("a")}};

	(void)state;
	assert_true(mx_is_null(hosts, 1));
	assert_false(mx_is_null(hosts, 2));
	assert_false(mx_is_null(hosts + 1, 1));
	assert_false(mx_is_null(hosts, 0));
}

/* RFC 5321 5.1: our own host, its equals and what is worse are dropped. */
static void test_self(void **state)
{
	const struct mx_host hosts[] = {
		{5, 0, SPAN("best")},
		{10, 0, SPAN("equal")},
		{10, 1, SPAN("me.test")},
		{20, 0, SPAN("worse")},
	};

	(void)state;
	assert_int_equal(mx_before_self(hosts, 4, SPAN("ME.test")), 1);
	assert_int_equal(mx_before_self(hosts, 4, SPAN("other")), 4);
	assert_int_equal(mx_before_self(hosts + 1, 3, SPAN("me.test")), 0);
	assert_int_equal(mx_before_self(hosts, 0, SPAN("me.test")), 0);
}

static void test_usable_4(void **state)
{
	(void)state;
	assert_true(mx_address_is_usable(SPAN("\x08\x08\x08\x08")));
	assert_true(mx_address_is_usable(SPAN("\x0a\x00\x00\x01")));
	assert_false(mx_address_is_usable(SPAN("\x7f\x01\x02\x03")));
	assert_false(mx_address_is_usable(SPAN("\x00\x00\x00\x00")));
	assert_false(mx_address_is_usable(SPAN("\xa9\xfe\x01\x01")));
	assert_true(mx_address_is_usable(SPAN("\xa9\xfd\x01\x01")));
	assert_false(mx_address_is_usable(SPAN("\xe0\x00\x00\x01")));
	assert_false(mx_address_is_usable(SPAN("\xff\xff\xff\xff")));
	assert_false(mx_address_is_usable(SPAN("\x08\x08\x08")));
	assert_false(mx_address_is_usable(SPAN_EMPTY));
}

#define ZEROS8 "\0\0\0\0\0\0\0\0"

static void test_usable_16(void **state)
{
	(void)state;
	assert_true(mx_address_is_usable(
		SPAN("\x26\x00\0\0\0\0\0\0" "\0\0\0\0\0\0\0\x01")));
	/* ::1, ::, ::ffff:127.0.0.1, ::ffff:8.8.8.8 */
	assert_false(mx_address_is_usable(SPAN(ZEROS8 "\0\0\0\0\0\0\0\x01")));
	assert_false(mx_address_is_usable(SPAN(ZEROS8 ZEROS8)));
	assert_false(mx_address_is_usable(
		SPAN(ZEROS8 "\0\0\xff\xff\x7f\0\0\x01")));
	assert_true(mx_address_is_usable(
		SPAN(ZEROS8 "\0\0\xff\xff\x08\x08\x08\x08")));
	/* 64:ff9b::127.0.0.1, 2002:7f00:1:: */
	assert_false(mx_address_is_usable(
		SPAN("\0\x64\xff\x9b\0\0\0\0" "\0\0\0\0\x7f\0\0\x01")));
	assert_false(mx_address_is_usable(
		SPAN("\x20\x02\x7f\0\0\x01\0\0" ZEROS8)));
	/* fe80::1, ff02::1 */
	assert_false(mx_address_is_usable(
		SPAN("\xfe\x80\0\0\0\0\0\0" "\0\0\0\0\0\0\0\x01")));
	assert_false(mx_address_is_usable(
		SPAN("\xff\x02\0\0\0\0\0\0" "\0\0\0\0\0\0\0\x01")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_null),
		cmocka_unit_test(test_self),
		cmocka_unit_test(test_usable_4),
		cmocka_unit_test(test_usable_16),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
