/*
 * flowed.h - text whose paragraphs are wrapped for the way only:
 * text/plain; format=flowed.  RFC 3676 4
 *
 * A line that ends with a space goes on in the next one of the same quote
 * depth; with DelSp=yes that space is not part of the text.  ">" at the
 * beginning of a line tell how deep it is quoted, and a space before the text
 * is stuffing.  "-- " alone is what parts a signature off.
 *
 * The reader takes decoded text that lies in memory and copies nothing, so
 * that it is bounded by its input.  What the writer wrote, the reader reads
 * back as the paragraphs that were given, but for spaces at their ends.
 */
#ifndef POSTRIDER_MESSAGE_FLOWED_H
#define POSTRIDER_MESSAGE_FLOWED_H

#include "base/buf.h"
#include "base/span.h"

/* Marks beyond that many are text. */
#define FLOWED_DEPTH_MAX 100

/* ---- reading ------------------------------------------------------------- */
struct flowed_reader {
	struct span rest;
	bool has_del_sp; /* the parameter DelSp=yes was given */
};

struct flowed_line {
	struct span text;  /* without marks, stuffing and line end */
	size_t depth;      /* of the quotation; 0: none */
	bool is_flowed;    /* its paragraph goes on in the next line */
	bool is_signature; /* the separator "-- " */
};

/* Lines end with CRLF or LF. */
void flowed_read_init(struct flowed_reader *r, struct span text,
	bool has_del_sp);
/* False: that was all. */
bool flowed_next_line(struct flowed_reader *r, struct flowed_line *out);
/* The same by paragraphs: the text of each is put into joined, which is emptied
 * first, and out->text is its span there (cut if joined overflows). */
bool flowed_next_paragraph(struct flowed_reader *r, struct buf *joined,
	struct flowed_line *out);

/* ---- writing ------------------------------------------------------------- */
#define FLOWED_WIDTH     72 /* RFC 3676 4.2: at most 78 */
#define FLOWED_WIDTH_MIN 20 /* what the marks leave to the text at least */

struct flowed_style {
	size_t width;    /* characters a line, marks and all; a word that is
			longer stays whole */
	bool has_del_sp; /* for DelSp=yes: long words, and scripts without
			spaces, are wrapped as well */
};

/* Writes paragraphs, one a line of the text, wrapped, stuffed and with CRLF at
 * the end of each line.  Spaces at the end of a paragraph are dropped (RFC 3676
 * 4.2), but for those of "-- ".  UTF-8 is not broken inside of a character. */
void flowed_put(struct buf *out, const struct flowed_style *style, size_t depth,
	struct span text);

#endif
