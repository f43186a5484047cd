/*
 * decode.h - for tests: what a part of a message decodes to.
 */
#ifndef POSTRIDER_TESTS_DECODE_H
#define POSTRIDER_TESTS_DECODE_H

#include "codec/transfer.h"
#include "message/mime.h"

static inline struct span part_body(struct span message,
	const struct mime_part *p)
{
	return span_head(span_tail(message, (size_t)p->body_start),
		(size_t)(p->body_end - p->body_start));
}

static inline enum transfer_coding part_coding(const struct mime_part *p)
{
	if (p->encoding == MIME_QP)
		return TRANSFER_QP;
	return p->encoding == MIME_BASE64 ? TRANSFER_BASE64 : TRANSFER_NONE;
}

/* False: its encoding was damaged. */
static inline bool part_decode(struct span message, const struct mime_part *p,
	struct buf *out)
{
	struct transfer_decoder d;

	transfer_decode_init(&d, part_coding(p));
	transfer_decode_feed(&d, part_body(message, p), out);
	return transfer_decode_end(&d, out);
}

#endif
