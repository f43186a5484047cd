/*
 * transfer.c - one interface over the transfer encodings.  See transfer.h.
 *
 * What each coding does stands in qp.c and base64.c.
 */
#include "codec/transfer.h"

#include "base/banned.h"

/* ---- decoding ---------------------------------------------------------- */
void transfer_decode_init(struct transfer_decoder *d, enum transfer_coding c)
{
	must(c <= TRANSFER_BASE64);
	d->coding = c;
	if (c == TRANSFER_QP)
		qp_decode_init(&d->u.qp);
	else if (c == TRANSFER_BASE64)
		base64_decode_init(&d->u.base64);
}

void transfer_decode_feed(struct transfer_decoder *d, struct span in,
	struct buf *out)
{
	if (d->coding == TRANSFER_QP)
		qp_decode_feed(&d->u.qp, in, out);
	else if (d->coding == TRANSFER_BASE64)
		base64_decode_feed(&d->u.base64, in, out);
	else
		buf_put(out, in);
}

bool transfer_decode_end(struct transfer_decoder *d, struct buf *out)
{
	if (d->coding == TRANSFER_QP) {
		qp_decode_end(&d->u.qp, out);
		return !d->u.qp.is_damaged;
	}
	if (d->coding == TRANSFER_BASE64) {
		base64_decode_end(&d->u.base64, out);
		return !d->u.base64.is_damaged;
	}
	return true;
}

/* ---- encoding ---------------------------------------------------------- */
void transfer_encode_init(struct transfer_encoder *e, enum transfer_coding c)
{
	must(c <= TRANSFER_BASE64);
	e->coding = c;
	if (c == TRANSFER_QP)
		qp_encode_init(&e->u.qp);
	else if (c == TRANSFER_BASE64)
		base64_encode_init(&e->u.base64, BASE64_MAIL_LINE);
}

void transfer_encode_feed(struct transfer_encoder *e, struct span in,
	struct buf *out)
{
	if (e->coding == TRANSFER_QP)
		qp_encode_feed(&e->u.qp, in, out);
	else if (e->coding == TRANSFER_BASE64)
		base64_encode_feed(&e->u.base64, in, out);
	else
		buf_put(out, in);
}

void transfer_encode_end(struct transfer_encoder *e, struct buf *out)
{
	if (e->coding == TRANSFER_QP)
		qp_encode_end(&e->u.qp, out);
	else if (e->coding == TRANSFER_BASE64)
		base64_encode_end(&e->u.base64, out);
}

