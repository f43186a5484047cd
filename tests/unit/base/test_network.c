#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/network.h"

static struct network net(const char *text)
{
	struct network n;

	if (!network_parse(span_str(text), &n))
		fail_msg("%s is no network", text);
	return n;
}

static void test_what_is_read_is_written(void **state)
{
	static const struct {
		const char *read, *written;
	} rows[] = {
		{"192.0.2.1", "192.0.2.1"},
		{"192.0.2.77/24", "192.0.2.0/24"},
		{"192.0.2.255/31", "192.0.2.254/31"},
		{"192.0.2.255/25", "192.0.2.128/25"},
		{"192.0.2.1/32", "192.0.2.1"},
		{"192.0.2.1/0", "0.0.0.0/0"},
		{"2001:DB8::1", "2001:db8::1"},
		{"[2001:db8::1]/64", "2001:db8::/64"},
		{"2001:db8:ffff::/33", "2001:db8:8000::/33"},
		{"::/0", "::/0"},
		{"::ffff:192.0.2.1", "192.0.2.1"},
		{"::ffff:192.0.2.1/120", "192.0.2.0/24"},
		{"::ffff:0:0/95", "::fffe:0:0/95"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct network n = net(rows[i].read);
		char room[NETWORK_TEXT_BYTES];

		assert_int_equal(network_text(&n, room).n,
			span_str(rows[i].written).n);
		assert_string_equal(room, rows[i].written);
	}
}

static void test_what_is_none(void **state)
{
	static const char *const none[] = {"", "/", "1.2.3", "1.2.3.4/33",
		"1.2.3.4/", "1.2.3.4/-1", "1.2.3.4/8/8", "::1/129", "host",
		"1.2.3.4.5", " 1.2.3.4", "[1::2", ("1234567890:1234567890:"
		"1234567890:1234567890:1234567890")};
	struct network n;

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		if (network_parse(span_str(none[i]), &n))
			fail_msg("%s is a network", none[i]);
	assert_false(network_parse(SPAN("1.2.3.4\0"), &n));
	assert_false(network_of(SPAN("12345"), 8, &n));
	assert_false(network_of(SPAN_EMPTY, 0, &n));
}

static void test_loopback(void **state)
{
	static const char *const yes[] = {"127.0.0.1", "127.9.9.9", "0.0.0.0/0",
		"127.0.0.0/8", "126.0.0.0/7", "::1", "::/0", "::/127",
		"::ffff:127.0.0.1"};
	static const char *const no[] = {"126.0.0.1", "128.0.0.0/1", "::2",
		"10.0.0.0/8", "2001:db8::/32", "fe80::1"};

	(void)state;
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		struct network n = net(yes[i]);

		if (!network_has_loopback(&n))
			fail_msg("%s", yes[i]);
	}
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		struct network n = net(no[i]);

		if (network_has_loopback(&n))
			fail_msg("%s", no[i]);
	}
}

static const char *found(const struct network_set *s, const char *ip,
	unsigned *bits)
{
	struct network n = net(ip);
	const char *value = network_set_find(s, network_ip(&n), bits);

	return value == NULL ? "-" : value;
}

static void test_a_set_finds_the_smallest_first(void **state)
{
	static char names[][8] = {"a", "b", "c", "d", "all"};
	static const char *const nets[] = {"10.1.2.3", "10.1.0.0/16",
		"2001:db8:1:2::/64", "2001:db8::/32", "::/0"};
	struct network_set s;
	unsigned bits = NETWORK_ALL;
	struct network n;

	(void)state;
	network_set_init(&s);
	assert_string_equal(found(&s, "10.1.2.3", &bits), "-");
	for (size_t i = 0; i < 5; i++) {
		n = net(nets[i]);
		network_set_put(&s, &n, names[i]);
		network_set_put(&s, &n, names[i]);
	}
	assert_int_equal(network_set_count(&s), 5);
	bits = NETWORK_ALL;
	assert_string_equal(found(&s, "10.1.2.3", &bits), "a");
	assert_string_equal(found(&s, "10.1.2.3", &bits), "b");
	assert_string_equal(found(&s, "10.1.2.3", &bits), "-");
	bits = NETWORK_ALL;
	assert_string_equal(found(&s, "10.1.2.4", &bits), "b");
	bits = NETWORK_ALL;
	assert_string_equal(found(&s, "10.2.2.4", &bits), "-");
	bits = NETWORK_ALL;
	assert_string_equal(found(&s, "2001:db8:1:2:3::9", &bits), "c");
	assert_string_equal(found(&s, "2001:db8:1:2:3::9", &bits), "d");
	assert_string_equal(found(&s, "2001:db8:1:2:3::9", &bits), "all");
	assert_string_equal(found(&s, "2001:db8:1:2:3::9", &bits), "-");
	n = net("10.1.0.0/16");
	assert_ptr_equal(network_set_get(&s, &n), names[1]);
	assert_ptr_equal(network_set_take(&s, &n), names[1]);
	assert_null(network_set_take(&s, &n));
	bits = NETWORK_ALL;
	assert_string_equal(found(&s, "10.1.2.4", &bits), "-");
	assert_int_equal(network_set_count(&s), 4);
	network_set_clear(&s);
	bits = NETWORK_ALL;
	assert_string_equal(found(&s, "10.1.2.3", &bits), "-");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_read_is_written),
		cmocka_unit_test(test_what_is_none),
		cmocka_unit_test(test_loopback),
		cmocka_unit_test(test_a_set_finds_the_smallest_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
