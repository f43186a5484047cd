/*
 * header.h - the fields at the top of a message or of one of its parts.
 * RFC 5322 2.2
 *
 * Spans point into the message.  Reading is tolerant: LF alone ends a line (CR
 * alone does not, nor does NUL), blanks may stand before the colon (RFC 5322
 * 4.5.8), and a line that is no field, as the "From " of a mailbox file, is
 * passed over with those that continue it.
 */
#ifndef POSTRIDER_MESSAGE_HEADER_H
#define POSTRIDER_MESSAGE_HEADER_H

#include "base/buf.h"
#include "base/span.h"

struct header_field {
	struct span name;  /* without the colon */
	struct span value; /* folded as it was, without the last line end */
};

/* Cuts one line off *rest and returns it without its line end. */
struct span header_cut_line(struct span *rest);

/* Where the body begins: behind the empty line; at the end without one. */
size_t header_len(struct span message);

/* Cuts the next field off *rest; false at the empty line or the end. */
bool header_next(struct span *rest, struct header_field *out);

/* The last field of that name, in either case: the one that counts where one is
 * wanted (envelope.h). */
bool header_find(struct span head, struct span name, struct span *out_value);

/* The value on one line: line ends go, the blanks behind them stay (RFC 5322
 * 2.2.3); blanks at both ends go.  Any other byte stays: words.h cleans it. */
void header_put_unfolded(struct buf *out, struct span value);

#endif
