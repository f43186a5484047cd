/*
 * section_binary.h - BINARY[…] and BINARY.SIZE[…]: a section without its
 * encoding.  RFC 9051 6.4.5, RFC 3516
 */
#ifndef POSTRIDER_MESSAGE_SECTION_BINARY_H
#define POSTRIDER_MESSAGE_SECTION_BINARY_H

#include "codec/transfer.h"
#include "message/section.h"

/* The decoded bytes of a section, fed piece by piece.  BINARY.SIZE is the same
 * with a count of 0: size, when all is fed. */
struct section_binary {
	struct transfer_decoder decoder;
	uint64_t skip; /* decoded bytes before those that are asked for */
	uint64_t left; /* that are still asked for */
	uint64_t size; /* decoded so far */
};

/* Bytes that a feed may write beyond those it is fed. */
#define SECTION_BINARY_HELD (QP_BLANKS_MAX + 8)

/* Begins with all of a section; out_range is what has to be fed.  NOT_FOUND:
 * there is no such section; DENIED: it is a multipart or a message (RFC 9051
 * 6.4.5), or is no part at all; CORRUPT: its encoding is not known, which IMAP
 * answers with [UNKNOWN-CTE].  The empty section is the message as it is.  Line
 * ends stay as they are decoded. */
enum code section_binary_begin(struct section_binary *b,
	const struct mime_tree *t, const struct section *s,
	struct section_range *out_range) MUST_USE;
/* <start.count>, of the decoded bytes; before the first feed. */
void section_binary_cut(struct section_binary *b, uint64_t start,
	uint64_t count);
/* Writes what is asked for of it; out needs room for as many bytes as are
 * fed, and SECTION_BINARY_HELD more, whatever is asked for. */
void section_binary_feed(struct section_binary *b, struct span raw,
	struct buf *out);
void section_binary_end(struct section_binary *b, struct buf *out);
/* What is left to feed can be left out, unless the size is wanted. */
static inline bool section_binary_is_full(const struct section_binary *b)
{
	return b->left == 0;
}

#endif
