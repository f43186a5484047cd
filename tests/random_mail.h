/*
 * random_mail.h - mail of random words that make trouble for who looks for text,
 * in random parts.  For one test program.
 */
#ifndef TESTS_RANDOM_MAIL_H
#define TESTS_RANDOM_MAIL_H

#include "base/buf.h"

/* Who includes this may set it. */
static uint64_t seed = 20261123;

static inline unsigned draw(unsigned below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % below;
}

/* What makes trouble: capitals that fold to two letters, marks alone and in
 * either order, scripts without blanks, half characters. */
static const char *const bits[] = {"a", "b", "c", "Abc", "STRASSE", "stra\u00dfe",
	"\u00c9", "e\u0301", "E\u0301\u0323", "e\u0323\u0301", "\u1e9e", "\u0130",
	"i\u0307", "\ufb01", "\u03a3", "\u03c2", "\u0439", "\u0418\u0306",
	"\u6f22\u5b57", "\u65e5", "\u672c", "\uac00", "\u1100\u1161",
	"\u0645\u064f\u062d", "\u200f", "\U0001f600", "\u2126", "\u212b", " ", " ",
	"\r\n", "-", "x", "0", "\u0301", "\u01c5", "\u1f88", "\u0345", "\u00bd"};
#define BITS (sizeof(bits) / sizeof(bits[0]))

static inline void put_text(struct buf *b, unsigned count, bool may_break)
{
	for (unsigned i = 0; i < count; i++) {
		const char *bit = bits[draw(BITS)];

		if (may_break || (bit[0] != '\r' && bit[0] != '\n'))
			buf_puts(b, bit);
		if (may_break && draw(200) == 0)
			buf_putc(b, (uint8_t)(0x80 + draw(0x80)));
	}
}

static inline void put_part(struct buf *b)
{
	static const char *const heads[] = {
		"Content-Type: text/plain; charset=utf-8\r\n"
		"Content-Transfer-Encoding: 8bit\r\n",
		"Content-Type: text/html; charset=utf-8\r\n",
		"Content-Type: text/plain; charset=iso-8859-1\r\n",
		"Content-Type: application/octet-stream\r\n",
		"Content-Type: message/rfc822\r\n",
		"Content-Type: text/plain; charset=utf-8\r\n"
		"Content-Transfer-Encoding: quoted-printable\r\n", ""};

	buf_puts(b, "--b\r\n");
	buf_puts(b, heads[draw(sizeof(heads) / sizeof(heads[0]))]);
	if (draw(2) == 0) {
		buf_puts(b, "Content-Description: ");
		put_text(b, 8, false);
		buf_puts(b, "\r\n");
	}
	buf_puts(b, "\r\n");
	put_text(b, draw(120), true);
	buf_puts(b, "\r\n");
}

static inline void put_message(struct buf *b)
{
	unsigned parts = draw(4);

	buf_reset(b);
	buf_puts(b, "Subject: ");
	put_text(b, 10, false);
	buf_puts(b, "\r\nX-Word: =?utf-8?q?=C3=84rger?= ");
	put_text(b, 6, false);
	buf_puts(b, "\r\n");
	if (draw(4) == 0)
		buf_puts(b, "X-\xe9t\xe9: \xc3\x84 there\r\n");
	if (parts > 0)
		buf_puts(b, "Content-Type: multipart/mixed; boundary=b\r\n");
	buf_puts(b, "\r\n");
	for (unsigned i = 0; i < parts; i++)
		put_part(b);
	put_text(b, draw(200), true);
	/* a line that is folded in pieces */
	if (draw(8) == 0)
		for (unsigned i = 0; i < 3000; i++)
			put_text(b, 4, false);
	assert_false(b->overflow);
}

#endif
