#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/time.h"
#include "message/date.h"

#define UNKNOWN 9999

struct row {
	const char *text;
	int64_t seconds;
	int zone_min; /* or UNKNOWN */
};

/* clang-format off */
static const struct row good[] = {
	/* RFC 5322 3.3 and A */
	{"Fri, 21 Nov 1997 09:55:06 -0600", 880127706, -360},
	{"21 Nov 1997 09:55:06 -0600", 880127706, -360},
	{"Fri, 21 Nov 1997 09:55 -0600", 880127700, -360},
	{" Fri, 21 Nov 1997 09:55:06 -0600 ", 880127706, -360},
	{"Tue, 1 Jul 2003 10:52:37 +0200", 1057049557, 120},
	{"Thu, 13 Feb 1969 23:32:54 -0330", -27723426, -210},
	{"Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n"
	 "               -0330 (Newfoundland Time)", -27723480, -210},
	{"Mon, 22 Mar 1993 09:41:09 -0800 (PST)", 732822069, -480},
	{"Fri, 21 Nov 97 09(comment):   55  :  06 -0600", 880127706, -360},
	{"(a (b) c)Fri(d),(e)21(f)Nov(g)1997(h)09:55:06(i)-0600(j)",
	 880127706, -360},
	{"Thu, 1 Jan 1970 00:00:00 +0000", 0, 0},
	{"Thu, 1 Jan 1970 00:00:00 -0000", 0, UNKNOWN},
	/* RFC 5322 4.3: zones by name, years */
	{"21 Nov 97 09:55:06 GMT", 880106106, 0},
	{"21 Nov 97 09:55:06 UT", 880106106, 0},
	{"21 Nov 97 09:55:06 utc", 880106106, 0},
	{"21 Nov 97 09:55:06 EST", 880124106, -300},
	{"21 Nov 97 09:55:06 EDT", 880120506, -240},
	{"21 Nov 97 09:55:06 CST", 880127706, -360},
	{"21 Nov 97 09:55:06 CDT", 880124106, -300},
	{"21 Nov 97 09:55:06 MST", 880131306, -420},
	{"21 Nov 97 09:55:06 MDT", 880127706, -360},
	{"21 Nov 97 09:55:06 PST", 880134906, -480},
	{"21 Nov 97 09:55:06 PDT", 880131306, -420},
	{"21 Nov 97 09:55:06 A", 880106106, UNKNOWN},
	{"21 Nov 97 09:55:06 y", 880106106, UNKNOWN},
	{"21 Nov 97 09:55:06 Z", 880106106, 0},
	{"21 Nov 97 09:55:06 XYZZY", 880106106, UNKNOWN},
	{"21 Nov 97 09:55:06 CEST", 880098906, 120},
	{"21 Nov 97 09:55:06", 880106106, UNKNOWN},
	{"1 Jan 49 00:00:00 +0000", 2493072000, 0},
	{"1 Jan 50 00:00:00 +0000", -631152000, 0},
	{"1 Jan 99 00:00:00 +0000", 915148800, 0},
	{"1 Jan 100 00:00:00 +0000", 946684800, 0},
	{"1 Jan 103 00:00:00 +0000", 1041379200, 0},
	{"1 Jan 1900 00:00:00 +0000", -2208988800, 0},
	{"31 Dec 9999 23:59:59 +0000", 253402300799, 0},
	{"29 Feb 2000 12:00:00 +0000", 951825600, 0},
	{"29 Feb 2024 12:00:00 +0000", 1709208000, 0},
	{"1 Mar 2000 00:00:00 +0000", 951868800, 0},
	{"Sat, 31 Dec 2016 23:59:60 +0000", 1483228800, 0},
	/* zones written otherwise */
	{"21 Nov 1997 09:55:06 +23:59", 880019766, 1439},
	{"21 Nov 1997 09:55:06 -2359", 880192446, -1439},
	{"21 Nov 1997 09:55:06 +01:00", 880102506, 60},
	{"21 Nov 1997 09:55:06 +1", 880102506, 60},
	{"21 Nov 1997 09:55:06 +100", 880102506, 60},
	{"21 Nov 1997 09:55:06 GMT+0100", 880102506, 60},
	{"21 Nov 1997 09:55:06 -0500 EST", 880124106, -300},
	{"Wed, 20 Sep 1995 00:19:00 (EDT) -0400", 811570740, -240},
	{"Wed, 11 Feb 98 11:51 CST", 887219460, -360},
	{"Tue, 04 Dec 2001 17:11:25 -0459", 1007503825, -299},
	/* ctime and date */
	{"Thu Feb  3 12:34:56 2005", 1107434096, UNKNOWN},
	{"Thu Feb  3 12:34:56 PST 2005", 1107462896, -480},
	{"Thu Feb  3 12:34:56 2005 +0100", 1107430496, 60},
	{"Thu Feb  3 12:34:56 2005 PST", 1107462896, -480},
	{"Thu Feb 03 2005 12:34:56 GMT+0100 (CET)", 1107430496, 60},
	{"Feb 3, 2005 1:34:56 PM", 1107437696, UNKNOWN},
	{"Feb 3, 2005 12:00 AM +0000", 1107388800, 0},
	{"Feb 3, 2005 12:00 pm +0000", 1107432000, 0},
	/* RFC 3339 and its kin */
	{"2005-02-03T12:34:56Z", 1107434096, 0},
	{"2005-02-03t12:34:56.789+01:00", 1107430496, 60},
	{"2005-02-03 12:34:56 +0100", 1107430496, 60},
	{"2005-02-03 12:34", 1107434040, UNKNOWN},
	{"2005-02-03", 1107388800, UNKNOWN},
	{"Thu, 2005-02-03 12:34:56 +0100", 1107430496, 60},
	/* hyphens, other marks, names of days in any language */
	{"Thursday, 03-Feb-05 12:34:56 GMT", 1107434096, 0},
	{"3-Feb-2005 12:34:56 +0000", 1107434096, 0},
	{"Thu 3 Feb 2005 12:34:56 +0000", 1107434096, 0},
	{"Thu., 3. February 2005 12:34:56 +0000", 1107434096, 0},
	{"Do, 3 Feb 2005 12:34:56 +0000", 1107434096, 0},
	{"\xd0\xa7\xd1\x82, 3 Feb 2005 12:34:56 +0000", 1107434096, 0},
	{"Mar, 3 Feb 2005 12:34:56 +0000", 1107434096, 0},
	{"thu, 3 fEB 2005 12:34:56 gmt", 1107434096, 0},
	{"Mon, 3 Feb 2005 12:34:56 +0000", 1107434096, 0},
	{"Thu, 3 Feb 2005 9:4:6 +0000", 1107421446, 0},
	{"3 Feb 2005", 1107388800, UNKNOWN},
	{"3Feb2005 12:34:56 +0000", 1107434096, 0},
	{"Thu, 3 Feb 2005 12:34:56 +0000 and more", 1107434096, 0},
	{"Thu, 3 Feb 2005 12:34:56 +0000 (open", 1107434096, 0},
};

static const char *const bad[] = {
	"", " ", "\r\n", "(", "((((", ",", "Mon", "Mon,", "never", "2005", "3",
	"3 Feb", "Feb 3", "Feb 3 12:34:56", "12:34:56", "12:34:56 +0000",
	/* year 0, 99999, -1, 1e18 */
	"1 Jan 0 00:00:00 +0000", "1 Jan 0000 00:00:00 +0000",
	"1 Jan 1899 23:59:59 +0000", "1 Jan 99999 00:00:00 +0000",
	"1 Jan 02005 00:00:00 +0000", "1 Jan -1 00:00:00 +0000",
	"1 Jan 1000000000000000000 00:00:00 +0000", "1 Jan 1e18 00:00 +0000",
	"1000000000000000000", "99999-01-01T00:00:00Z",
	/* zones of a day or more */
	"1 Jan 2005 00:00:00 +9999", "1 Jan 2005 00:00:00 -2400",
	"1 Jan 2005 00:00:00 +0060", "1 Jan 2005 00:00:00 +00000",
	"1 Jan 2005 00:00:00 +1000000000000000000",
	/* what no calendar has */
	"0 Jan 2005 00:00:00 +0000", "32 Jan 2005 00:00:00 +0000",
	"31 Apr 2005 00:00:00 +0000", "30 Feb 2004 00:00:00 +0000",
	"29 Feb 2005 00:00:00 +0000", "29 Feb 1900 00:00:00 +0000",
	"29 Feb 2100 00:00:00 +0000", "123 Jan 2005 00:00:00 +0000",
	"2005-13-01T00:00:00Z", "2005-00-01T00:00:00Z", "2005-01-00T00:00:00Z",
	"2005-1-1T00:00:00Z", "1 Foo 2005 00:00:00 +0000",
	"1 Ja 2005 00:00:00 +0000", "1 13 2005 00:00:00 +0000",
	/* what no clock has */
	"1 Jan 2005 24:00:00 +0000", "1 Jan 2005 00:60:00 +0000",
	"1 Jan 2005 00:00:61 +0000", "1 Jan 2005 123:00 +0000",
	"1 Jan 2005 12 +0000", "1 Jan 2005 12: +0000", "1 Jan 2005 12:00: +0000",
	"1 Jan 2005 13:00 PM", "1 Jan 2005 0:00 AM", "1 Jan 2005 -1:00 +0000",
	/* seen in the wild */
	"Wed, 15 Dec 2010    59:10 -0500", "Pn, 29 paX 2007 21:13:00 +0100",
	"\\", "\"Thu, 3 Feb 2005 12:34:56 +0000\"",
};
/* clang-format on */

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		const struct row *row = &good[i];
		struct date date = {0};

		if (!date_read(span_str(row->text), &date))
			fail_msg("not read: %s", row->text);
		if (date.seconds != row->seconds)
			fail_msg("%s: %lld, not %lld", row->text,
				(long long)date.seconds,
				(long long)row->seconds);
		if (date.is_zone_unknown != (row->zone_min == UNKNOWN))
			fail_msg("%s: zone", row->text);
		assert_int_equal(date.zone_min,
			row->zone_min == UNKNOWN ? 0 : row->zone_min);
	}
}

static void test_bad(void **state)
{
	struct date date;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (date_read(span_str(bad[i]), &date))
			fail_msg("read: %s", bad[i]);
}

/* What our own writer writes is read as the same moment, over all the years
 * that both know. */
static void test_reads_what_is_written(void **state)
{
	const int64_t first = -2208988800, last = 253402300799;
	struct date date;
	struct buf text;

	(void)state;
	buf_init(&text, 100);
	for (int64_t s = first; s <= last; s += 86400 * 97 + 12345) {
		buf_reset(&text);
		time_put_rfc5322(&text, s * 1000);
		assert_true(date_read(buf_span(&text), &date));
		assert_int_equal(date.seconds, s);
		buf_reset(&text);
		time_put_rfc3339(&text, s * 1000);
		assert_true(date_read(buf_span(&text), &date));
		assert_int_equal(date.seconds, s);
	}
	buf_clear(&text);
}

/* Every end of every good date: nothing is read behind it. */
static void test_cut_anywhere(void **state)
{
	struct date date;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct span text = span_str(good[i].text);

		for (size_t n = 0; n <= text.n; n++) {
			struct buf copy;

			buf_init(&copy, text.n + 1);
			buf_put(&copy, span_head(text, n));
			(void)date_read(buf_span(&copy), &date);
			buf_clear(&copy);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_reads_what_is_written),
		cmocka_unit_test(test_cut_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
