/*
 * words.h - text in header fields: encoded words and folding.
 * RFC 2047, RFC 5322 2.2.3
 */
#ifndef POSTRIDER_MESSAGE_WORDS_H
#define POSTRIDER_MESSAGE_WORDS_H

#include "base/buf.h"
#include "base/span.h"

/* RFC 5322 2.1.1: lines of at most 78 characters */
#define WORDS_LINE 78

/* ---- writing ------------------------------------------------------------- */

/* Writes UTF-8 text as an unstructured value, folded; column is where the line
 * stands (behind "Subject: ") and is kept up to date.  What is not plain ASCII
 * becomes encoded words; control characters, line ends too, become blanks, so
 * that text cannot make a field of its own. */
void words_put_text(struct buf *out, struct span text, size_t *column);
/* The same for the name of a person before <address>: atoms, a quoted string
 * or encoded words.  RFC 5322 3.4 */
void words_put_phrase(struct buf *out, struct span text, size_t *column);
/* One encoded word after the other, whatever the text holds. */
void words_put_encoded(struct buf *out, struct span text, size_t *column);

/* Is this printable ASCII that needs no encoded word? */
bool words_is_plain(struct span text);

/* ---- reading -------------------------------------------------------------
 *
 * What is written is well-formed UTF-8 without control characters: a tab or a
 * line end (in any form, and in an encoded word too) becomes a blank, others,
 * NUL among them, are left out; so it can stand in a field or a log line.
 * Bytes that no character set was named for are guessed: charset.h.
 * At most four bytes become of one. */

/* Reads a value for people: unfolded, blanks at both ends gone, encoded words
 * decoded, wherever they stand.  A word that is open, or whose character set or
 * encoding nobody knows, stays as it is. */
void words_put_decoded(struct buf *out, struct span value);

/* The same for text of that character set (empty: none is named) without folds
 * and encoded words. */
void words_put_clean(struct buf *out, struct span charset, struct span text);

#endif
