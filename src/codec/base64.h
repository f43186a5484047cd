/*
 * base64.h - bytes as letters.  RFC 4648 4, and RFC 2045 6.8 for mail.
 *
 * Both directions take their input in pieces of any size.  The encoder is
 * strict in what it writes.  The decoder is tolerant: bytes outside of the
 * alphabet are skipped (RFC 2045 6.8) and missing padding is forgiven.  Padding
 * ends the data, for mailing lists write their footers behind it; but programs
 * that glue two encoded parts together exist, and so a line behind padding that
 * is nothing but whole groups of letters goes on.  What it forgave it tells in
 * is_damaged.
 */
#ifndef POSTRIDER_CODEC_BASE64_H
#define POSTRIDER_CODEC_BASE64_H

#include "base/buf.h"
#include "base/span.h"
#include "codec/base64_way.h"

/* RFC 2045 6.8: no line of more than 76 characters */
#define BASE64_MAIL_LINE 76

struct base64_encoder {
	const struct base64_way *way;
	size_t line;   /* characters a line, a multiple of 4; 0: one line */
	size_t column;
	uint8_t held[3];
	uint8_t held_len;
};

void base64_encode_init(struct base64_encoder *e, size_t line);
/* Lines after the first are preceded by CRLF; no CRLF stands at the end. */
void base64_encode_feed(struct base64_encoder *e, struct span in,
	struct buf *out);
/* Writes what is held, with padding. */
void base64_encode_end(struct base64_encoder *e, struct buf *out);

/* How many characters n bytes become, without line ends. */
static inline size_t base64_encoded_len(size_t n)
{
	return (n / 3 + (n % 3 != 0)) * 4;
}

struct base64_decoder {
	const struct base64_way *way;
	uint32_t bits;
	uint8_t letters; /* of the group at hand, 0-3 */
	bool is_padded;  /* "=" came last, where no group was open */
	bool is_behind;  /* padding came; the line behind it is looked at */
	bool is_over;    /* that line was none of ours */
	bool has_gap;    /* a blank stands behind the letters of that line */
	uint8_t line[BASE64_MAIL_LINE]; /* what is known of that line */
	uint8_t line_len;
	bool is_damaged; /* something was forgiven; white space is not that */
};

void base64_decode_init(struct base64_decoder *d);
void base64_decode_feed(struct base64_decoder *d, struct span in,
	struct buf *out);
void base64_decode_end(struct base64_decoder *d, struct buf *out);

#endif
