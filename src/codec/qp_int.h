/*
 * qp_int.h - what both directions of quoted-printable share.
 */
#ifndef POSTRIDER_CODEC_QP_INT_H
#define POSTRIDER_CODEC_QP_INT_H

#include "codec/qp.h"

/* Input that is worked on at a time: bounds the room that is asked for. */
#define QP_PIECE_MAX 8192
/* The same where the maximum of out is near. */
#define QP_LAST_PIECE_MAX 256

/* One such byte in each byte of a word. */
#define QP_EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Has the word a byte below a space, or "="?  All that stops a run of plain
 * text is among these. */
static inline uint64_t qp_has_stop(uint64_t w)
{
	uint64_t equal = w ^ QP_EACH('=');

	return (((w - QP_EACH(' ')) & ~w) |
		((equal - QP_EACH(1)) & ~equal)) & QP_EACH(0x80);
}

static inline bool qp_is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

#endif
