#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "imap/imap_mutf7.h"

/* Both ways.  The first two are of RFC 3501 5.1.3. */
static const struct {
	const char *mutf7, *utf8;
} rows[] = {
	{"~peter/mail/&U,BTFw-/&ZeVnLIqe-",
		"~peter/mail/\u53f0\u5317/\u65e5\u672c\u8a9e"},
	{"&U,BTF2XlZyyKng-", "\u53f0\u5317\u65e5\u672c\u8a9e"},
	{"", ""},
	{"INBOX", "INBOX"},
	{"R&-D", "R&D"},
	{"&-&-", "&&"},
	{"a%*\\\"~ b", "a%*\\\"~ b"},
	{"Entw&APw-rfe", "Entw\u00fcrfe"},
	{"&APw-&-&APw-", "\u00fc&\u00fc"},
	{"&2D3cqQ-", "\U0001f4a9"},
	{"&2D3cqdg93Kk-x", "\U0001f4a9\U0001f4a9x"},
	{"&AH8-", "\x7f"},
	{"&AAE-", "\x01"},
	{"&,,0-", "\ufffd"},
};

static const char *const wrong[] = {
	"&",
	"&Jjo",
	"&Jjo!",              /* RFC 3501 5.1.3 */
	"&U,BTFw-&ZeVnLIqe-", /* the same */
	"&AGE-",              /* "a" stands for itself */
	"&AGEA,A-",           /* there too */
	"&ACY-",              /* "&" is "&-" */
	"&2D0-",              /* half of a pair */
	"&3Kk-",              /* the other half */
	"&2D0APw-",
	"&2D3YPQ-",
	"&APx-",  /* bits left over that are not zero */
	"&APwA-", /* a letter left over */
	"&A-",
	"&AP=-",
	"&AP/8-", /* "/" is "," here */
	"a\x01",
	"\xc3\xbc", /* eight bits */
	"a\x7f",
};

static void test_both_ways(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 256);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&out);
		assert_null(imap_mutf7_decode(span_str(rows[i].mutf7), &out));
		if (!span_eq(buf_span(&out), span_str(rows[i].utf8)))
			fail_msg("%s is %.*s", rows[i].mutf7,
				SPAN_ARG(buf_span(&out)));
		buf_reset(&out);
		imap_mutf7_encode(span_str(rows[i].utf8), &out);
		if (!span_eq(buf_span(&out), span_str(rows[i].mutf7)))
			fail_msg("%s is %.*s", rows[i].utf8,
				SPAN_ARG(buf_span(&out)));
	}
	buf_clear(&out);
}

static void test_refuses(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 256);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (imap_mutf7_decode(span_str(wrong[i]), &out) == NULL)
			fail_msg("%s was read", wrong[i]);
	buf_clear(&out);
}

/* Every character there is, alone and beside others. */
static void test_every_character(void **state)
{
	struct buf utf8, mutf7, again;

	(void)state;
	buf_init(&utf8, 64);
	buf_init(&mutf7, 64);
	buf_init(&again, 64);
	for (uint32_t c = 1; c < 0x110000; c++) {
		uint8_t bytes[4];
		size_t n = 0;

		if (c >= 0xd800 && c <= 0xdfff)
			continue;
		if (c < 0x80) {
			bytes[n++] = (uint8_t)c;
		} else if (c < 0x800) {
			bytes[n++] = (uint8_t)(0xc0 | c >> 6);
		} else if (c < 0x10000) {
			bytes[n++] = (uint8_t)(0xe0 | c >> 12);
			bytes[n++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		} else {
			bytes[n++] = (uint8_t)(0xf0 | c >> 18);
			bytes[n++] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
			bytes[n++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		}
		if (c >= 0x80)
			bytes[n++] = (uint8_t)(0x80 | (c & 0x3f));
		buf_reset(&utf8);
		buf_reset(&mutf7);
		buf_reset(&again);
		buf_puts(&utf8, c % 2 == 0 ? "x" : "\u00fc");
		buf_put(&utf8, span_of(bytes, n));
		buf_puts(&utf8, c % 3 == 0 ? "&" : "\U0001f4a9");
		imap_mutf7_encode(buf_span(&utf8), &mutf7);
		assert_null(imap_mutf7_decode(buf_span(&mutf7), &again));
		assert_true(span_eq(buf_span(&utf8), buf_span(&again)));
	}
	buf_clear(&utf8);
	buf_clear(&mutf7);
	buf_clear(&again);
}

static void test_encodes_what_is_no_utf8(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 64);
	imap_mutf7_encode(SPAN("a\xff"), &out);
	assert_true(span_eq(buf_span(&out), SPAN("a&,,0-")));
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_every_character),
		cmocka_unit_test(test_encodes_what_is_no_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
