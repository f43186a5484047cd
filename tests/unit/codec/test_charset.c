#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/utf8.h"
#include "codec/charset.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct row {
	const char *charset;
	struct span in, out;
};

/* what Python's codecs make of the same text, set by set */
/* clang-format off */
static const struct row clean[] = {
	{"ISO-2022-JP",
		SPAN_INIT("\x1b$BF|K\\8l\x1b(B mail\n\x1b$B$3$s$K\x1b(B"),
		SPAN_INIT("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e mail\n\xe3\x81"
		 "\x93\xe3\x82\x93\xe3\x81\xab")},
	{"Shift_JIS",
		SPAN_INIT("\x93\xfa\x96{\x8c\xea\x83\\ \xb1\xb2"),
		SPAN_INIT("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe3\x82\xbd "
		 "\xef\xbd\xb1\xef\xbd\xb2")},
	{"x-sjis",
		SPAN_INIT("\x87@\xee\xe0"),
		SPAN_INIT("\xe2\x91\xa0\xe9\xab\x99")},
	{"EUC-JP",
		SPAN_INIT("\xc6\xfc\xcb\xdc\xb8\xec \x8e\xb1"),
		SPAN_INIT("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e \xef\xbd\xb1")},
	{"GB18030",
		SPAN_INIT("\xd6\xd0\xce\xc4 \xa2\xe3\x95""4\xb2""5\xa8\xa6"),
		SPAN_INIT("\xe4\xb8\xad\xe6\x96\x87 \xe2\x82\xac\xf0\xa0\xae"
		 "\xb7\xc3\xa9")},
	{"gb2312",
		SPAN_INIT("\xd6\xd0\xce\xc4"),
		SPAN_INIT("\xe4\xb8\xad\xe6\x96\x87")},
	{"GBK",
		SPAN_INIT("\xe6g\xd6\xd0"),
		SPAN_INIT("\xe9\x8e\x94\xe4\xb8\xad")},
	{"hz-gb-2312",
		SPAN_INIT("~{VPND~} abc"),
		SPAN_INIT("\xe4\xb8\xad\xe6\x96\x87 abc")},
	{"Big5",
		SPAN_INIT("\xa4\xa4\xa4\xe5 \xb4\xfa\xb8\xd5\xa5\\"),
		SPAN_INIT("\xe4\xb8\xad\xe6\x96\x87 \xe6\xb8\xac\xe8\xa9\xa6"
		 "\xe5\x8a\x9f")},
	{"EUC-KR",
		SPAN_INIT("\xc7\xd1\xb1\xb9\xbe\xee"),
		SPAN_INIT("\xed\x95\x9c\xea\xb5\xad\xec\x96\xb4")},
	{"ks_c_5601-1987",
		SPAN_INIT("\x8c""c\xb9\xe6\xb0\xa2\xc7\xcf"),
		SPAN_INIT("\xeb\x98\xa0\xeb\xb0\xa9\xea\xb0\x81\xed\x95\x98")},
	{"ISO-2022-KR",
		SPAN_INIT("\x1b$)C\x0eGQ19>n\x0f abc"),
		SPAN_INIT("\xed\x95\x9c\xea\xb5\xad\xec\x96\xb4 abc")},
	{"KOI8-R",
		SPAN_INIT("\xf0\xd2\xc9\xd7\xc5\xd4"),
		SPAN_INIT("\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82")},
	{"koi8-u",
		SPAN_INIT("\xf0\xd2\xc9\xd7\xa6\xd4 \xbd"),
		SPAN_INIT("\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd1\x96\xd1\x82 "
		 "\xd2\x90")},
	{"windows-1250",
		SPAN_INIT("\x8elu\x9dou\xe8k\xfd"),
		SPAN_INIT("\xc5\xbdlu\xc5\xa5ou\xc4\x8dk\xc3\xbd")},
	{"cp1251",
		SPAN_INIT("\xcf\xf0\xe8\xe2\xe5\xf2"),
		SPAN_INIT("\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82")},
	{"windows-1253",
		SPAN_INIT("\xc3\xe5\xe9\xdc"),
		SPAN_INIT("\xce\x93\xce\xb5\xce\xb9\xce\xac")},
	{"windows-1254",
		SPAN_INIT("\xddstanbul \x80"),
		SPAN_INIT("\xc4\xb0stanbul \xe2\x82\xac")},
	{"windows-1255",
		SPAN_INIT("\xf9\xec\xe5\xed"),
		SPAN_INIT("\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d")},
	{"cp-1256",
		SPAN_INIT("\xe3\xd1\xcd\xc8\xc7"),
		SPAN_INIT("\xd9\x85\xd8\xb1\xd8\xad\xd8\xa8\xd8\xa7")},
	{"windows-1257",
		SPAN_INIT("\xc0\xfeuolas"),
		SPAN_INIT("\xc4\x84\xc5\xbeuolas")},
	{"windows-1258",
		SPAN_INIT("\xf0\xfd"),
		SPAN_INIT("\xc4\x91\xc6\xb0")},
	{"win-1251",
		SPAN_INIT("\xcc\xe8\xf0"),
		SPAN_INIT("\xd0\x9c\xd0\xb8\xd1\x80")},
	{"iso-8859-2",
		SPAN_INIT("\xa3\xf3""d\xbc"),
		SPAN_INIT("\xc5\x81\xc3\xb3""d\xc5\xba")},
	{"iso-8859-3",
		SPAN_INIT("\xa6"),
		SPAN_INIT("\xc4\xa4")},
	{"iso-8859-4",
		SPAN_INIT("\xd3"),
		SPAN_INIT("\xc4\xb6")},
	{"iso-8859-5",
		SPAN_INIT("\xbc\xd8\xe0"),
		SPAN_INIT("\xd0\x9c\xd0\xb8\xd1\x80")},
	{"iso-8859-6",
		SPAN_INIT("\xe5\xd1"),
		SPAN_INIT("\xd9\x85\xd8\xb1")},
	{"iso-8859-7",
		SPAN_INIT("\xc3"),
		SPAN_INIT("\xce\x93")},
	{"iso-8859-8-i",
		SPAN_INIT("\xf9\xec\xe5\xed"),
		SPAN_INIT("\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d")},
	{"latin5",
		SPAN_INIT("\xfd\xfe"),
		SPAN_INIT("\xc4\xb1\xc5\x9f")},
	{"iso-8859-10",
		SPAN_INIT("\xa9"),
		SPAN_INIT("\xc4\x90")},
	{"iso-8859-11",
		SPAN_INIT("\xa1\xa2"),
		SPAN_INIT("\xe0\xb8\x81\xe0\xb8\x82")},
	{"tis-620",
		SPAN_INIT("\xe4\xb7\xc2"),
		SPAN_INIT("\xe0\xb9\x84\xe0\xb8\x97\xe0\xb8\xa2")},
	{"iso-8859-13",
		SPAN_INIT("\xf8"),
		SPAN_INIT("\xc5\xb3")},
	{"iso-8859-14",
		SPAN_INIT("\xd0"),
		SPAN_INIT("\xc5\xb4")},
	{"iso-8859-15",
		SPAN_INIT("\xa4\xbd"),
		SPAN_INIT("\xe2\x82\xac\xc5\x93")},
	{"iso-8859-16",
		SPAN_INIT("\xaa\xde\xa4"),
		SPAN_INIT("\xc8\x98\xc8\x9a\xe2\x82\xac")},
	{"macintosh",
		SPAN_INIT("\x8e\xa0"),
		SPAN_INIT("\xc3\xa9\xe2\x80\xa0")},
	{"IBM850",
		SPAN_INIT("\x82\xab"),
		SPAN_INIT("\xc3\xa9\xc2\xbd")},
	{"cp437",
		SPAN_INIT("\x82"),
		SPAN_INIT("\xc3\xa9")},
	{"cp866",
		SPAN_INIT("\x8c\xa8\xe0"),
		SPAN_INIT("\xd0\x9c\xd0\xb8\xd1\x80")},
	{"UTF-7",
		SPAN_INIT("H+AOk +ZeVnLAAr-"),
		SPAN_INIT("H\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac+")},
	{"unicode-1-1-utf-7",
		SPAN_INIT("+APE-"),
		SPAN_INIT("\xc3\xb1")},
	{"UTF-16LE",
		SPAN_INIT("a\x00\xe9\x00""4\xd8\x1e\xdd"),
		SPAN_INIT("a\xc3\xa9\xf0\x9d\x84\x9e")},
	{"UTF-16BE",
		SPAN_INIT("\x00""a\x00\xe9\xd8""4\xdd\x1e"),
		SPAN_INIT("a\xc3\xa9\xf0\x9d\x84\x9e")},
	{"utf-16",
		SPAN_INIT("\x00""a\x00\xe9"),
		SPAN_INIT("a\xc3\xa9")},
	{"UTF-16",
		SPAN_INIT("\xff\xfe""a\x00\xe9\x00""4\xd8\x1e\xdd"),
		SPAN_INIT("a\xc3\xa9\xf0\x9d\x84\x9e")},
	{"utf-32be",
		SPAN_INIT("\x00\x00\x00""a\x00\x01\xd1\x1e"),
		SPAN_INIT("a\xf0\x9d\x84\x9e")},
	{"UTF-8",
		SPAN_INIT("a\xc3\xa9\xe2\x82\xac\xf0\x9d\x84\x9e"),
		SPAN_INIT("a\xc3\xa9\xe2\x82\xac\xf0\x9d\x84\x9e")},
	{"utf8",
		SPAN_INIT("\xc3\xa9"),
		SPAN_INIT("\xc3\xa9")},
	{"ISO-8859-1",
		SPAN_INIT("caf\xe9 \xa4"),
		SPAN_INIT("caf\xc3\xa9 \xc2\xa4")},
	{"latin1",
		SPAN_INIT("\xff"),
		SPAN_INIT("\xc3\xbf")},
	{"windows-1252",
		SPAN_INIT("\x93x\x94 \x80\x9e"),
		SPAN_INIT("\xe2\x80\x9cx\xe2\x80\x9d \xe2\x82\xac\xc5\xbe")},
	{"us-ascii",
		SPAN_INIT("plain\ttext\n"),
		SPAN_INIT("plain\ttext\n")},
};

/* text that is not what it says, and names as they are found */
static const struct row dirty[] = {
	/* names */
	{" \"UTF-8\" ", SPAN_INIT("\xc3\xa9"), SPAN_INIT("\xc3\xa9")},
	{"'utf8'", SPAN_INIT("\xc3\xa9"), SPAN_INIT("\xc3\xa9")},
	{"UTF_8;", SPAN_INIT("\xc3\xa9"), SPAN_INIT("\xc3\xa9")},
	{"ISO 8859-1", SPAN_INIT("\xe9"), SPAN_INIT("\xc3\xa9")},
	{"ISO_8859-1:1987", SPAN_INIT("\xe9"), SPAN_INIT("\xc3\xa9")},
	{"x-unknown", SPAN_INIT("\xc3\xa9"), SPAN_INIT("\xc3\xa9")},
	{"unknown-8bit", SPAN_INIT("\xe9"), SPAN_INIT("\xc3\xa9")},
	{"", SPAN_INIT("\xe9"), SPAN_INIT("\xc3\xa9")},
	{"no-such-set", SPAN_INIT("\xe9\xc3\xa9"),
		SPAN_INIT("\xc3\xa9\xc3\xa9")},
	{"UTF-8,version=1", SPAN_INIT("a"), SPAN_INIT("a")},
	{"../../etc/passwd", SPAN_INIT("a"), SPAN_INIT("a")},
	{"SCSU", SPAN_INIT("a\xe9"), SPAN_INIT("a\xc3\xa9")},
	/* UTF-8: one replacement for each maximal subpart, Unicode 3.9 */
	{"utf-8", SPAN_INIT("\xf1\x80\x80\xe1\x80\xc2""b\x80""c\x80\xbf""d"),
		SPAN_INIT("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd""b"
		"\xef\xbf\xbd""c\xef\xbf\xbd\xef\xbf\xbd""d")},
	{"utf-8", SPAN_INIT("\xc0\xaf\xe0\x80\xbf"),
		SPAN_INIT("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
		"\xef\xbf\xbd")},
	{"utf-8", SPAN_INIT("\xed\xa0\x80"),
		SPAN_INIT("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd")},
	{"utf-8", SPAN_INIT("\xf4\x90\x80\x80"),
		SPAN_INIT("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd")},
	{"utf-8", SPAN_INIT("a\xe2\x82"), SPAN_INIT("a\xef\xbf\xbd")},
	{"utf-8", SPAN_INIT("\xe2\xe2\x82\xac"),
		SPAN_INIT("\xef\xbf\xbd\xe2\x82\xac")},
	{"utf-8", SPAN_INIT("caf\xe9 au lait"),
		SPAN_INIT("caf\xef\xbf\xbd au lait")},
	{"utf-8", SPAN_INIT("a\0b"), SPAN_INIT("a\xef\xbf\xbd""b")},
	{"us-ascii", SPAN_INIT("eight bytes\0and more"),
		SPAN_INIT("eight bytes\xef\xbf\xbd""and more")},
	/* guessed */
	{"us-ascii", SPAN_INIT("caf\xe9 caf\xc3\xa9"),
		SPAN_INIT("caf\xc3\xa9 caf\xc3\xa9")},
	{"us-ascii", SPAN_INIT("\x93hi\x94 \x80""5"),
		SPAN_INIT("\xe2\x80\x9chi\xe2\x80\x9d \xe2\x82\xac""5")},
	{"us-ascii", SPAN_INIT("\xe2\x82"), SPAN_INIT("\xc3\xa2\xe2\x80\x9a")},
	{"", SPAN_INIT("\x81"), SPAN_INIT("\xef\xbf\xbd")},
	/* ISO-8859-1 is read as windows-1252 */
	{"iso-8859-1", SPAN_INIT("it\x92s \x96 ok"),
		SPAN_INIT("it\xe2\x80\x99s \xe2\x80\x93 ok")},
	{"iso-8859-1", SPAN_INIT("\x8d"), SPAN_INIT("\xef\xbf\xbd")},
	/* marks at the start are none of the text, later ones are */
	{"utf-8", SPAN_INIT("\xef\xbb\xbf""a\xef\xbb\xbf"),
		SPAN_INIT("a\xef\xbb\xbf")},
	{"us-ascii", SPAN_INIT("\xef\xbb\xbf""a"), SPAN_INIT("a")},
	{"utf-16le", SPAN_INIT("\xff\xfe""a\0"), SPAN_INIT("a")},
	{"utf-16", SPAN_INIT("\xfe\xff\0a"), SPAN_INIT("a")},
	/* half characters */
	{"utf-16be", SPAN_INIT("\xd8\x34\0a"), SPAN_INIT("\xef\xbf\xbd""a")},
	{"utf-16be", SPAN_INIT("\xdd\x1e\0a"), SPAN_INIT("\xef\xbf\xbd""a")},
	{"utf-16be", SPAN_INIT("\0a\xd8\x34"), SPAN_INIT("a\xef\xbf\xbd")},
	{"utf-16be", SPAN_INIT("\0a\0"), SPAN_INIT("a\xef\xbf\xbd")},
	{"utf-16le", SPAN_INIT("\0\0a\0"), SPAN_INIT("\xef\xbf\xbd""a")},
	{"shift_jis", SPAN_INIT("a\x83"), SPAN_INIT("a\xef\xbf\xbd")},
	{"gb18030", SPAN_INIT("\x81\x30\x81"),
		SPAN_INIT("\xef\xbf\xbd")},
	/* larger sets under the names of smaller ones */
	{"gb2312", SPAN_INIT("\xe9\x46"), SPAN_INIT("\xe9\x95\x95")},
	{"euc-kr", SPAN_INIT("\x81\x41"), SPAN_INIT("\xea\xb0\x82")},
	{"iso-8859-9", SPAN_INIT("\x80"), SPAN_INIT("\xe2\x82\xac")},
	{"iso-2022-jp", SPAN_INIT("\x1b(I12\x1b(B"),
		SPAN_INIT("\xef\xbd\xb1\xef\xbd\xb2")},
	{"iso-2022-jp", SPAN_INIT("\x1b$(D\"/\x1b(B"), SPAN_INIT("\xcb\x98")},
	{"iso-2022-jp", SPAN_INIT("\x1b$B-!\x1b(B"), SPAN_INIT("\xe2\x91\xa0")},
	/* UTF-7 that hides a NUL */
	{"utf-7", SPAN_INIT("a+AAA-b"), SPAN_INIT("a\xef\xbf\xbd""b")},
};
/* clang-format on */

static void decode_in_steps(const struct row *row, size_t step, struct buf *out)
{
	struct charset_decoder d;
	struct span rest = row->in;

	buf_reset(out);
	charset_decode_init(&d, span_str(row->charset));
	while (rest.n > 0) {
		charset_decode_feed(&d, span_head(rest, step), out);
		rest = span_tail(rest, step);
	}
	(void)charset_decode_end(&d, out);
}

static void check_row(const struct row *row, struct buf *out)
{
	size_t first = row->in.n > 12 ? row->in.n - 12 : 1;

	for (size_t step = 1; step <= row->in.n + 1; step++) {
		decode_in_steps(row, step, out);
		if (!span_eq(buf_span(out), row->out))
			fail_msg("%s in steps of %zu: \"%.*s\"", row->charset,
				step, SPAN_ARG(buf_span(out)));
	}
	/* two pieces, cut anywhere near the end */
	for (size_t cut = first; cut < row->in.n; cut++) {
		struct charset_decoder d;

		buf_reset(out);
		charset_decode_init(&d, span_str(row->charset));
		charset_decode_feed(&d, span_head(row->in, cut), out);
		charset_decode_feed(&d, span_tail(row->in, cut), out);
		(void)charset_decode_end(&d, out);
		assert_true(span_eq(buf_span(out), row->out));
	}
}

static void test_sets(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < COUNT(clean); i++) {
		struct span charset = span_str(clean[i].charset);

		if (!charset_is_known(charset))
			fail_msg("%s is not known", clean[i].charset);
		check_row(&clean[i], &out);
		buf_reset(&out);
		assert_true(charset_put_utf8(&out, charset, clean[i].in));
	}
	buf_clear(&out);
}

static void test_malpractice(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < COUNT(dirty); i++)
		check_row(&dirty[i], &out);
	buf_clear(&out);
}

static void test_damage_is_told(void **state)
{
	static const struct {
		const char *charset, *in;
		bool is_good;
	} rows[] = {
		{"utf-8", "\xc3\xa9", true},
		{"utf-8", "\xe9", false},
		{"us-ascii", "\xc3\xa9", true},
		{"us-ascii", "\xe9", false},
		{"iso-8859-1", "\xe9", true},
		{"windows-1252", "\x81", false},
		{"no-such-set", "a", false},
		{"", "a", false},
		{"shift_jis", "\x83", false},
		{"shift_jis", "\x83\x41", true},
	};
	struct buf out;

	(void)state;
	buf_init(&out, 64);
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(charset_put_utf8(&out,
			span_str(rows[i].charset), span_str(rows[i].in)),
			rows[i].is_good);
	buf_clear(&out);
}

/* Everything that one byte or two can be, in sets of all kinds: clean, and at
 * most so much. */
static void test_any_bytes_are_clean_and_bounded(void **state)
{
	static const char *const sets[] = {"utf-8", "us-ascii", "windows-1252",
		"iso-8859-15", "iso-8859-16", "utf-7", "iso-2022-jp", "utf-16",
		"gb18030", "big5", "big5-hkscs", "euc-tw", "iso-2022-cn",
		"iso-2022-kr", "hz", "euc-jp", "windows-1255", "tis-620",
		"utf-32", "windows-949"};
	uint8_t bytes[4096];
	struct buf out;

	(void)state;
	buf_init(&out, 1 << 20);
	for (size_t i = 0; i < COUNT(sets); i++)
		for (unsigned step = 1; step < 256; step += 2) {
			for (size_t k = 0; k < sizeof(bytes); k++)
				bytes[k] = (uint8_t)(k * step + k / 256);
			buf_reset(&out);
			(void)charset_put_utf8(&out, span_str(sets[i]),
				span_of(bytes, sizeof(bytes)));
			assert_true(utf8_is_valid(buf_span(&out)));
			assert_true(buf_len(&out) <= 4 * sizeof(bytes) + 3);
			assert_int_equal(span_find(buf_span(&out), 0),
				buf_len(&out));
		}
	buf_clear(&out);
}

/* A text longer than any block, with characters across its borders. */
static void test_long_text(void **state)
{
	static const char *const sets[] = {"utf-8", "gb18030", "iso-2022-jp"};
	struct buf in, out, expected;

	(void)state;
	buf_init(&in, 1 << 20);
	buf_init(&out, 1 << 20);
	buf_init(&expected, 1 << 20);
	for (size_t i = 0; i < COUNT(clean); i++) {
		bool is_wanted = false;

		for (size_t k = 0; k < COUNT(sets); k++)
			is_wanted |= span_eq_fold(span_str(clean[i].charset),
				span_str(sets[k]));
		if (!is_wanted)
			continue;
		buf_reset(&in);
		buf_reset(&out);
		buf_reset(&expected);
		for (size_t k = 0; k < 1000; k++) {
			buf_put(&in, clean[i].in);
			buf_put(&expected, clean[i].out);
		}
		assert_true(charset_put_utf8(&out, span_str(clean[i].charset),
			buf_span(&in)));
		assert_true(span_eq(buf_span(&out), buf_span(&expected)));
	}
	buf_clear(&in);
	buf_clear(&out);
	buf_clear(&expected);
}

/* More sets than converters are kept, and more at once than there are. */
static void test_many_decoders(void **state)
{
	struct charset_decoder d[12];
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	for (size_t round = 0; round < 3; round++) {
		for (unsigned i = 0; i < COUNT(d); i++) {
			char name[16];

			(void)snprintf(name, sizeof(name), "iso-8859-%u",
				i % 9 + 2);
			charset_decode_init(&d[i], span_str(name));
			charset_decode_feed(&d[i], SPAN("a"), &out);
		}
		for (size_t i = 0; i < COUNT(d); i++)
			(void)charset_decode_end(&d[i], &out);
	}
	assert_int_equal(buf_len(&out), 3 * COUNT(d));
	for (size_t i = 0; i < COUNT(clean); i++)
		assert_true(charset_is_known(span_str(clean[i].charset)));
	buf_clear(&out);
}

static void test_characters_of_every_length(void **state)
{
	static const uint32_t codes[] = {0x41, 0xe9, 0x20ac, 0x1f354};
	struct buf out;

	(void)state;
	buf_init(&out, 64);
	for (size_t i = 0; i < 4; i++)
		charset_put_char(&out, codes[i]);
	assert_true(utf8_is_valid(buf_span(&out)));
	assert_true(span_eq(buf_span(&out),
		SPAN("A\xc3\xa9\xe2\x82\xac\xf0\x9f\x8d\x94")));
	buf_clear(&out);
}

/* First of all: before charset_open. */
static void test_without_icu(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 64);
	assert_false(charset_is_known(SPAN("koi8-r")));
	assert_true(charset_is_known(SPAN("iso-8859-1")));
	assert_false(charset_put_utf8(&out, SPAN("koi8-r"), SPAN("x\xc1")));
	assert_true(span_eq(buf_span(&out), SPAN("x\xc3\x81")));
	buf_clear(&out);
	assert_true(charset_open());
	assert_true(charset_open());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_icu),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_malpractice),
		cmocka_unit_test(test_damage_is_told),
		cmocka_unit_test(test_any_bytes_are_clean_and_bounded),
		cmocka_unit_test(test_long_text),
		cmocka_unit_test(test_many_decoders),
		cmocka_unit_test(test_characters_of_every_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
