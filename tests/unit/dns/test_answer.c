/*
 * test_answer.c - the reader of DNS answers, with good and hostile packets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "dns/dns_answer.h"

#define C "\xc0\x0c" /* the name of the question */

static struct buf packet;

static void put_u16(unsigned value)
{
	buf_putc(&packet, (uint8_t)(value >> 8));
	buf_putc(&packet, (uint8_t)value);
}

/* "mx.b.test" in wire format; a literal, as bytes may be of any kind */
static void put_name(const char *name)
{
	struct span left = span_str(name);

	while (left.n > 0) {
		struct span label = span_cut(&left, '.');

		buf_putc(&packet, (uint8_t)label.n);
		buf_put(&packet, label);
	}
	buf_putc(&packet, 0);
}

/* Begins an answer to a question about b.test. */
static void begin(unsigned rcode, unsigned answers)
{
	buf_clear(&packet);
	buf_init(&packet, 70000);
	put_u16(1);
	put_u16(0x8180 | rcode);
	put_u16(1);
	put_u16(answers);
	put_u16(0);
	put_u16(0);
	put_name("b.test");
	put_u16(DNS_MX);
	put_u16(1);
}

/* The head of a record with a raw owner name and its length of data. */
static void put_head(const void *owner, size_t n, unsigned type, unsigned data)
{
	buf_put(&packet, span_of(owner, n));
	put_u16(type);
	put_u16(1);
	put_u16(0);
	put_u16(60);
	put_u16(data);
}

static void put_mx(unsigned preference, const char *host)
{
	size_t bytes = host[0] == '\0' ? 1 : strlen(host) + 2;

	put_head(C, 2, DNS_MX, (unsigned)(bytes + 2));
	put_u16(preference);
	put_name(host);
}

static enum code read_mx(struct dns_answer *out)
{
	struct err e;

	return dns_answer_read(buf_span(&packet), DNS_MX, out, &e);
}

static void test_mx(void **state)
{
	static struct dns_answer a;

	(void)state;
	begin(0, 2);
	put_mx(10, "MX.b.test");
	put_mx(20, "mx2.b.test");
	assert_int_equal(read_mx(&a), OK);
	assert_int_equal(a.count, 2);
	assert_int_equal(a.records[0].preference, 10);
	assert_true(span_eq(dns_name_span(&a.records[0].name),
		SPAN("mx.b.test")));
	assert_int_equal(a.records[1].preference, 20);
}

static void test_null_mx(void **state)
{
	static struct dns_answer a;

	(void)state;
	begin(0, 1);
	put_mx(0, "");
	assert_int_equal(read_mx(&a), OK);
	assert_int_equal(a.count, 1);
	assert_int_equal(a.records[0].name.len, 0);
}

static void test_rcodes(void **state)
{
	static struct dns_answer a;

	(void)state;
	begin(3, 0);
	assert_int_equal(read_mx(&a), NOT_FOUND);
	begin(2, 0);
	assert_int_equal(read_mx(&a), TEMP);
	begin(5, 0);
	assert_int_equal(read_mx(&a), TEMP);
	begin(0, 0);
	assert_int_equal(read_mx(&a), OK);
	assert_int_equal(a.count, 0);
}

/* hops CNAMEs from b.test: c0.test, c1.test, ..., and the MX at the end */
static void put_chain(unsigned hops)
{
	char from[16] = "b.test", to[16] = "c0.test";

	begin(0, hops + 1);
	for (unsigned i = 0; i < hops; i++) {
		to[1] = (char)('a' + i);
		put_name(from);
		put_head("", 0, DNS_CNAME, 9);
		put_name(to);
		memcpy(from, to, sizeof(from));
	}
	put_name(from);
	put_head("", 0, DNS_MX, 11);
	put_u16(5);
	put_name("mx.test");
}

static void test_cnames(void **state)
{
	static struct dns_answer a;

	(void)state;
	for (unsigned hops = 0; hops <= DNS_CNAMES_MAX; hops++) {
		put_chain(hops);
		assert_int_equal(read_mx(&a), OK);
		assert_int_equal(a.count, 1);
		assert_int_equal(a.is_alias, hops > 0);
	}
	put_chain(DNS_CNAMES_MAX + 1);
	assert_int_equal(read_mx(&a), TEMP);
	put_chain(20);
	assert_int_equal(read_mx(&a), TEMP);
}

static void test_cname_loop(void **state)
{
	static struct dns_answer a;

	(void)state;
	begin(0, 2);
	put_head(C, 2, DNS_CNAME, 8);
	put_name("c.test");
	put_name("c.test");
	put_head("", 0, DNS_CNAME, 2);
	buf_put(&packet, SPAN("\xc0\x0c"));
	assert_int_equal(read_mx(&a), TEMP);
}

static void test_addresses(void **state)
{
	static struct dns_answer a;
	struct err e;

	(void)state;
	begin(0, 2);
	put_head(C, 2, DNS_A, 4);
	buf_put(&packet, SPAN("\x7f\x00\x00\x03"));
	put_head(C, 2, DNS_AAAA, 16);
	buf_put(&packet, SPAN("0123456789abcdef"));
	assert_int_equal(dns_answer_read(buf_span(&packet), DNS_A, &a, &e), OK);
	assert_int_equal(a.count, 1);
	assert_int_equal(a.records[0].address_bytes, 4);
	assert_memory_equal(a.records[0].address, "\x7f\x00\x00\x03", 4);
	assert_int_equal(dns_answer_read(buf_span(&packet), DNS_AAAA, &a, &e),
		OK);
	assert_int_equal(a.count, 1);
	assert_int_equal(a.records[0].address_bytes, 16);
}

/* MX data of 0, 1, 2 and 3 bytes, an A of 3 and 5 */
static void test_short_data(void **state)
{
	static struct dns_answer a;
	struct err e;

	(void)state;
	for (unsigned n = 0; n <= 3; n++) {
		begin(0, 1);
		put_head(C, 2, DNS_MX, n);
		buf_put(&packet, span_of("\0\0\x05", n));
		assert_int_equal(read_mx(&a), CORRUPT);
		assert_int_equal(a.count, 0);
	}
	for (unsigned n = 3; n <= 5; n += 2) {
		begin(0, 1);
		put_head(C, 2, DNS_A, n);
		buf_put(&packet, span_of("\1\2\3\4\5", n));
		assert_int_equal(dns_answer_read(buf_span(&packet), DNS_A, &a,
					 &e), CORRUPT);
	}
}

static void test_truncated(void **state)
{
	static struct dns_answer a;
	struct err e;

	(void)state;
	begin(0, 2);
	put_mx(10, "mx.b.test");
	put_mx(20, "mx2.b.test");
	for (size_t n = 0; n < buf_len(&packet); n++) {
		uint8_t *exact = mem_new(n + 1, 1);

		memcpy(exact, buf_span(&packet).p, n);
		assert_int_equal(dns_answer_read(span_of(exact, n), DNS_MX, &a,
					 &e), CORRUPT);
		assert_int_equal(a.count, 0);
		mem_free(exact);
	}
}

/* Pointers to themselves, forward, into the header, and in a circle. */
static void test_pointers(void **state)
{
	static struct dns_answer a;
	size_t here;

	(void)state;
	begin(0, 1);
	here = buf_len(&packet);
	for (size_t to = 0; to < 12; to++) {
		begin(0, 1);
		put_head((uint8_t[]){0xc0, (uint8_t)to}, 2, DNS_MX, 0);
		assert_int_equal(read_mx(&a), CORRUPT);
	}
	for (size_t to = here; to < here + 4; to++) {
		begin(0, 1);
		put_head((uint8_t[]){0xc0, (uint8_t)to}, 2, DNS_MX, 0);
		assert_int_equal(read_mx(&a), CORRUPT);
	}
	/* "a" and back to itself */
	begin(0, 1);
	put_head((uint8_t[]){1, 'a', 0xc0, (uint8_t)here}, 4, DNS_MX, 0);
	assert_int_equal(read_mx(&a), CORRUPT);
}

static void test_long_name(void **state)
{
	static struct dns_answer a;

	(void)state;
	begin(0, 1);
	for (unsigned i = 0; i < 4; i++) {
		buf_putc(&packet, 63);
		for (unsigned k = 0; k < 63; k++)
			buf_putc(&packet, 'x');
	}
	put_head("", 1, DNS_MX, 0);
	assert_int_equal(read_mx(&a), CORRUPT);
}

/* A host name with a byte that none has is left out, the others stay. */
static void test_odd_host(void **state)
{
	static struct dns_answer a;

	(void)state;
	begin(0, 2);
	put_mx(10, "m\rx.test");
	put_mx(20, "mx2.test");
	assert_int_equal(read_mx(&a), OK);
	assert_int_equal(a.count, 1);
	assert_int_equal(a.records[0].preference, 20);
}

static void test_many_records(void **state)
{
	static struct dns_answer a;

	(void)state;
	begin(0, 3000);
	for (unsigned i = 0; i < 3000; i++)
		put_mx(i, "m.t");
	assert_int_equal(read_mx(&a), OK);
	assert_int_equal(a.count, DNS_RECORDS_MAX);
	begin(0, 65535);
	put_mx(1, "m.t");
	assert_int_equal(read_mx(&a), CORRUPT);
}

/* Records of another name, of another class, are nobody's business. */
static void test_foreign(void **state)
{
	static struct dns_answer a;

	(void)state;
	begin(0, 1);
	put_name("evil.test");
	put_head("", 0, DNS_MX, 8);
	put_u16(1);
	put_name("mx.t");
	assert_int_equal(read_mx(&a), OK);
	assert_int_equal(a.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mx),
		cmocka_unit_test(test_null_mx),
		cmocka_unit_test(test_rcodes),
		cmocka_unit_test(test_cnames),
		cmocka_unit_test(test_cname_loop),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_short_data),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_pointers),
		cmocka_unit_test(test_long_name),
		cmocka_unit_test(test_odd_host),
		cmocka_unit_test(test_many_records),
		cmocka_unit_test(test_foreign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
