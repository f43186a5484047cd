/*
 * charset.h - text of a named character set as UTF-8.
 *
 * The text is fed in pieces of any size, and what comes out is the same for
 * every split.  Reading never fails: the output is well-formed UTF-8 without
 * NUL and without a byte order mark at its start, at most four bytes for each
 * byte that was fed and three at the end.  Line ends and other control
 * characters are passed on; who makes a header field or a log line of the text
 * removes them (words.h).
 *
 * US-ASCII, UTF-8, ISO-8859-1, -15, -16 and windows-1252 are read here.  All
 * others come from ICU, in a process that called charset_open; in one that did
 * not, they are unknown.
 *
 *	UTF-8           a wrong sequence becomes U+FFFD, one for each maximal
 *			subpart (Unicode 3.9), as browsers do
 *	US-ASCII,       (the default, RFC 6657 4) guessed: what is UTF-8 is read as
 *	unknown, none	UTF-8, any other byte above 127 as windows-1252
 *	ISO-8859-1      read as windows-1252.  Deliberate: its bytes 80 to 9F are
 *			control characters that nobody sends, and nearly always
 *			the quotes and dashes of windows-1252
 */
#ifndef POSTRIDER_CODEC_CHARSET_H
#define POSTRIDER_CODEC_CHARSET_H

#include "base/buf.h"
#include "base/span.h"

/* Loads ICU, for a process that reads people's mail: before confinement, since
 * files are opened (a quarter of a MiB is written; children that are forked
 * share it).  False: it is not there, and only the sets above are read.  Calls
 * after the first do nothing. */
bool charset_open(void);

/* Names are compared without case and marks ("UTF8", "iso_8859-1"); quotes and
 * blanks around them are no part of them.  False for "", too. */
bool charset_is_known(struct span charset);

/* What ICU is given at once: so its answer cannot depend on the split. */
#define CHARSET_BLOCK 512

struct charset_icu;
struct charset_one_byte;
struct charset_decoder;
typedef void charset_feed_fn(struct charset_decoder *d, struct span in,
	bool is_last, struct buf *out);

struct charset_decoder {
	charset_feed_fn *feed;
	const struct charset_one_byte *set; /* only for such */
	struct charset_icu *icu; /* borrowed until the end, else NULL */
	uint8_t held[CHARSET_BLOCK];
	size_t held_len;         /* an unfinished character, or a block */
	uint16_t high;           /* a high surrogate without its low; 0: none */
	bool is_begun;           /* a character was written */
	bool drops_nul;          /* set it after init: NUL is left out, and
				    does not become U+FFFD */
	bool is_damaged;         /* the set is unknown, or a byte had no
				    meaning in it */
};

/* Each init needs its end, which gives a converter back. */
void charset_decode_init(struct charset_decoder *d, struct span charset);
void charset_decode_feed(struct charset_decoder *d, struct span in,
	struct buf *out);
/* True: all of it was text of this set. */
bool charset_decode_end(struct charset_decoder *d, struct buf *out);

/* All three at once. */
bool charset_put_utf8(struct buf *out, struct span charset, struct span text);

/* One character as UTF-8; code is at most U+10FFFF. */
void charset_put_char(struct buf *out, uint32_t code);

#endif
