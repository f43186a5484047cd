/*
 * transfer.h - the bytes of a body, whatever carries them: one interface over
 * base64, quoted-printable and none.  RFC 2045 6
 *
 * Both directions are fed in pieces of any size, and the result is the same
 * for every split.  The decoder is tolerant: nothing is refused, what had to be
 * forgiven is told.  The encoder is strict.
 */
#ifndef POSTRIDER_CODEC_TRANSFER_H
#define POSTRIDER_CODEC_TRANSFER_H

#include "codec/base64.h"
#include "codec/qp.h"

/* NONE: 7bit, 8bit, binary, and a name that nobody knows (RFC 2045 6.4 lets
 * its bytes be kept only): the bytes as they are. */
enum transfer_coding { TRANSFER_NONE, TRANSFER_QP, TRANSFER_BASE64 };

struct transfer_decoder {
	enum transfer_coding coding;
	union {
		struct qp_decoder qp;
		struct base64_decoder base64;
	} u;
};

void transfer_decode_init(struct transfer_decoder *d, enum transfer_coding c);
void transfer_decode_feed(struct transfer_decoder *d, struct span in,
	struct buf *out);
/* False: something was damaged; what could be read is there. */
bool transfer_decode_end(struct transfer_decoder *d, struct buf *out);

struct transfer_encoder {
	enum transfer_coding coding;
	union {
		struct qp_encoder qp;
		struct base64_encoder base64;
	} u;
};

/* Lines of at most 76 characters and CRLF (NONE: the bytes as they are); no
 * line end is added behind the last.  QP is that of text: CRLF stays a line
 * end. */
void transfer_encode_init(struct transfer_encoder *e, enum transfer_coding c);
void transfer_encode_feed(struct transfer_encoder *e, struct span in,
	struct buf *out);
void transfer_encode_end(struct transfer_encoder *e, struct buf *out);

#endif
