/*
 * test_imap_url.c - messages named by URLs, and what is said of bad ones.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "imap/imap_url.h"

static const struct row {
	const char *text;
	const char *mailbox; /* NULL: it is no URL */
	uint32_t uidvalidity, uid;
	const char *section;
	bool has_partial;
	uint64_t from, count;
} rows[] = {
	/* RFC 4469, examples; RFC 8508 4.2 */
	{"/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER", "Drafts",
		385759045, 20, "HEADER", false, 0, 0},
	{"/Drafts;UIDVALIDITY=385759045/;UID=20/;Section=2.MIME", "Drafts",
		385759045, 20, "2.MIME", false, 0, 0},
	{"/INBOX;UIDVALIDITY=785799047/;UID=11916", "INBOX", 785799047, 11916,
		"", false, 0, 0},
	{"/Drafts/;UID=3002", "Drafts", 0, 3002, "", false, 0, 0},
	/* all of it */
	{"/a/b%2Fc/;uid=4294967295/;SECTION=1.2.TEXT/;partial=0.1024", "a/b/c",
		0, UINT32_MAX, "1.2.TEXT", true, 0, 1024},
	{"/x/;UID=1/;PARTIAL=7", "x", 0, 1, "", true, 7, UINT64_MAX},
	{"/x/;UID=1/;SECTION=HEADER.FIELDS%20(To%20Cc)", "x", 0, 1,
		"HEADER.FIELDS (To Cc)", false, 0, 0},
	{"/x/;UID=1/;SECTION=HEADER.FIELDS%20(a/b)/;PARTIAL=1.2", "x", 0, 1,
		"HEADER.FIELDS (a/b)", true, 1, 2},
	{"/%D0%9F%20%3b%25@:&=!$'()*+,-._~/;UID=1",
		"\xd0\x9f ;%@:&=!$'()*+,-._~", 0, 1, "", false, 0, 0},
	/* none */
	{"", NULL, 0, 0, NULL, false, 0, 0},
	{"/", NULL, 0, 0, NULL, false, 0, 0},
	{"//x/;UID=1", NULL, 0, 0, NULL, false, 0, 0},
	{"/;UID=1", NULL, 0, 0, NULL, false, 0, 0},
	{"x/;UID=1", NULL, 0, 0, NULL, false, 0, 0},
	{"imap://h/x/;UID=1", NULL, 0, 0, NULL, false, 0, 0},
	{"/x", NULL, 0, 0, NULL, false, 0, 0},
	{"/x/", NULL, 0, 0, NULL, false, 0, 0},
	{"/x;UID=1", NULL, 0, 0, NULL, false, 0, 0},
	{"/x/;UID=0", NULL, 0, 0, NULL, false, 0, 0},
	{"/x/;UID=", NULL, 0, 0, NULL, false, 0, 0},
	{"/x/;UID=4294967296", NULL, 0, 0, NULL, false, 0, 0},
	{"/x/;UID=1:2", NULL, 0, 0, NULL, false, 0, 0},
	{"/x;UIDVALIDITY=0/;UID=1", NULL, 0, 0, NULL, false, 0, 0},
	{"/x;UIDVALIDITY=1;UID=1", NULL, 0, 0, NULL, false, 0, 0},
	{"/x/;UIDVALIDITY=1/;UID=1", NULL, 0, 0, NULL, false, 0, 0},
	{"/x/;UID=1/", NULL, 0, 0, NULL, false, 0, 0},
	{"/x/;UID=1/;SECTION=", NULL, 0, 0, NULL, false, 0, 0},
	{"/x/;UID=1/;SECTION=1 2", NULL, 0, 0, NULL, false, 0, 0},
	{"/x/;UID=1/;PARTIAL=", NULL, 0, 0, NULL, false, 0, 0},
	{"/x/;UID=1/;PARTIAL=1.", NULL, 0, 0, NULL, false, 0, 0},
	{"/x/;UID=1/;PARTIAL=1.0", NULL, 0, 0, NULL, false, 0, 0},
	{"/x/;UID=1/;PARTIAL=9223372036854775808", NULL, 0, 0, NULL, false, 0,
		0},
	{"/x/;UID=1/;PARTIAL=1/;SECTION=1", NULL, 0, 0, NULL, false, 0, 0},
	{"/x/;UID=1;URLAUTH=anonymous", NULL, 0, 0, NULL, false, 0, 0},
	{"/%/;UID=1", NULL, 0, 0, NULL, false, 0, 0},
	{"/%4/;UID=1", NULL, 0, 0, NULL, false, 0, 0},
	{"/%4g/;UID=1", NULL, 0, 0, NULL, false, 0, 0},
	{"/a%00/;UID=1", NULL, 0, 0, NULL, false, 0, 0},
	{"/%ff/;UID=1", NULL, 0, 0, NULL, false, 0, 0},
	{"/\xd0\x9f/;UID=1", NULL, 0, 0, NULL, false, 0, 0},
	{"/a b/;UID=1", NULL, 0, 0, NULL, false, 0, 0},
	{"/x?ALL/;UID=1", NULL, 0, 0, NULL, false, 0, 0},
};

static void reads_urls(void **state)
{
	struct arena a;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct imap_url url;
		bool is;

		arena_init(&a, 4096);
		is = imap_url_read(&a, span_str(row->text), &url);
		if (is != (row->mailbox != NULL))
			fail_msg("%s", row->text);
		if (is) {
			assert_true(span_eq(url.mailbox,
				span_str(row->mailbox)));
			assert_true(span_eq(url.section,
				span_str(row->section)));
			assert_int_equal(url.uidvalidity, row->uidvalidity);
			assert_int_equal(url.uid, row->uid);
			assert_int_equal(url.has_partial, row->has_partial);
			assert_int_equal(url.from, row->from);
			assert_int_equal(url.count, row->count);
		}
		arena_clear(&a);
	}
}

static void says_bad_ones(void **state)
{
	static uint8_t bytes[5000];
	struct buf out;

	(void)state;
	buf_init(&out, 8192);
	imap_url_put_bad(&out, SPAN("/a b]\"\\\r\n\xff%20"));
	assert_true(span_eq(buf_span(&out),
		SPAN("[BADURL \"/a%20b%5D%22%5C%0D%0A%FF%20\"]")));
	buf_reset(&out);
	imap_url_put_bad(&out, span_of(bytes, sizeof(bytes)));
	assert_int_equal(buf_len(&out), 3000 + 11);
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_urls),
		cmocka_unit_test(says_bad_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
