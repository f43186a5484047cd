/*
 * qp.h - quoted-printable.  RFC 2045 6.7
 *
 * Both directions take their input in pieces of any size.  The encoder writes
 * lines of at most 76 characters, never ends one with a blank, and what it
 * wrote decodes to exactly what it was given.  The decoder is tolerant: digits
 * of either case, lines of any length, LF as line end, blanks after a soft
 * break; an "=" that starts nothing stays as it is.
 */
#ifndef POSTRIDER_CODEC_QP_H
#define POSTRIDER_CODEC_QP_H

#include "base/buf.h"
#include "base/span.h"

#define QP_LINE 76

struct qp_encoder {
	size_t column;
	bool has_cr;   /* a CR waits for its LF */
	uint8_t blank; /* a blank or tab waits for what follows; 0: none */
};

/* CRLF stays a line end; a CR or LF alone is encoded. */
void qp_encode_init(struct qp_encoder *e);
void qp_encode_feed(struct qp_encoder *e, struct span in, struct buf *out);
void qp_encode_end(struct qp_encoder *e, struct buf *out);

/* Blanks at the end of a line were added on the way and are dropped (RFC 2045
 * 6.7 rule 3), up to this many; a longer run is kept, and counts as damage. */
#define QP_BLANKS_MAX 256

enum qp_state {
	QP_TEXT,  /* held: blanks that may end the line */
	QP_BLANKS, /* in a run of blanks that is too long to be held */
	QP_EQUAL, /* after "=": held: "=" and what followed it */
	QP_HEX,   /* after "=" and one digit */
	QP_SOFT,  /* after "=" and blanks */
	QP_SOFT_CR /* after "=" and CR */
};

struct qp_decoder {
	enum qp_state state;
	uint8_t held[QP_BLANKS_MAX];
	size_t held_len;
	bool is_damaged; /* something was forgiven */
};

void qp_decode_init(struct qp_decoder *d);
void qp_decode_feed(struct qp_decoder *d, struct span in, struct buf *out);
void qp_decode_end(struct qp_decoder *d, struct buf *out);

#endif
