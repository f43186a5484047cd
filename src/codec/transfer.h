/*
 * transfer.h - the bytes of a body, whatever carried them: one interface over
 * base64, quoted-printable and none.  RFC 2045 6
 *
 * Fed in pieces of any size; tolerant: nothing is refused, what had to be
 * forgiven is told.
 */
#ifndef POSTRIDER_CODEC_TRANSFER_H
#define POSTRIDER_CODEC_TRANSFER_H

#include "codec/base64.h"
#include "codec/qp.h"

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

#endif
