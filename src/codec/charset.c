/*
 * charset.c - text of a named character set as UTF-8.  See charset.h.
 *
 * A one-byte set is ISO-8859-1 with a few other characters in it.
 */
#include "codec/charset.h"

#include "base/banned.h"

struct change {
	uint8_t byte;
	uint16_t code;
};

static const struct change latin9[] = {
	{0xa4, 0x20ac}, {0xa6, 0x0160}, {0xa8, 0x0161}, {0xb4, 0x017d},
	{0xb8, 0x017e}, {0xbc, 0x0152}, {0xbd, 0x0153}, {0xbe, 0x0178},
};

static const struct change windows_1252[] = {
	{0x80, 0x20ac}, {0x82, 0x201a}, {0x83, 0x0192}, {0x84, 0x201e},
	{0x85, 0x2026}, {0x86, 0x2020}, {0x87, 0x2021}, {0x88, 0x02c6},
	{0x89, 0x2030}, {0x8a, 0x0160}, {0x8b, 0x2039}, {0x8c, 0x0152},
	{0x8e, 0x017d}, {0x91, 0x2018}, {0x92, 0x2019}, {0x93, 0x201c},
	{0x94, 0x201d}, {0x95, 0x2022}, {0x96, 0x2013}, {0x97, 0x2014},
	{0x98, 0x02dc}, {0x99, 0x2122}, {0x9a, 0x0161}, {0x9b, 0x203a},
	{0x9c, 0x0153}, {0x9e, 0x017e}, {0x9f, 0x0178},
};

static const struct charset {
	const char *name;
	bool is_utf8;
	const struct change *changes;
	size_t change_count;
} charsets[] = {
	{"utf-8", true, NULL, 0},
	{"utf8", true, NULL, 0},
	{"us-ascii", true, NULL, 0},
	{"ascii", true, NULL, 0},
	{"iso-8859-1", false, NULL, 0},
	{"latin1", false, NULL, 0},
	{"iso-8859-15", false, latin9, sizeof(latin9) / sizeof(latin9[0])},
	{"windows-1252", false, windows_1252,
		sizeof(windows_1252) / sizeof(windows_1252[0])},
};

void charset_put_char(struct buf *out, uint32_t code)
{
	if (code < 0x80) {
		buf_putc(out, (uint8_t)code);
		return;
	}
	if (code < 0x800) {
		buf_putc(out, (uint8_t)(0xc0 | code >> 6));
	} else if (code < 0x10000) {
		buf_putc(out, (uint8_t)(0xe0 | code >> 12));
		buf_putc(out, (uint8_t)(0x80 | (code >> 6 & 63)));
	} else {
		buf_putc(out, (uint8_t)(0xf0 | code >> 18));
		buf_putc(out, (uint8_t)(0x80 | (code >> 12 & 63)));
		buf_putc(out, (uint8_t)(0x80 | (code >> 6 & 63)));
	}
	buf_putc(out, (uint8_t)(0x80 | (code & 63)));
}

static uint32_t code_of(const struct charset *set, uint8_t byte)
{
	for (size_t i = 0; i < set->change_count; i++)
		if (set->changes[i].byte == byte)
			return set->changes[i].code;
	return byte;
}

static const struct charset *find_charset(struct span name)
{
	for (size_t i = 0; i < sizeof(charsets) / sizeof(charsets[0]); i++)
		if (span_eq_fold(name, span_str(charsets[i].name)))
			return &charsets[i];
	return NULL;
}

bool charset_is_known(struct span charset)
{
	return find_charset(charset) != NULL;
}

bool charset_put_utf8(struct buf *out, struct span charset, struct span text)
{
	const struct charset *set = find_charset(charset);

	if (set == NULL)
		return false;
	if (set->is_utf8) {
		buf_put(out, text);
		return true;
	}
	for (size_t i = 0; i < text.n; i++)
		charset_put_char(out, code_of(set, text.p[i]));
	return true;
}
