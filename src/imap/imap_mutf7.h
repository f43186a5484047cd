/*
 * imap_mutf7.h - names of mailboxes in modified UTF-7.  RFC 3501 5.1.3
 *
 * Strict, so that each name has one form: what may stand for itself must, the
 * bits that are left over are zero, and "&-" is the only "&".
 */
#ifndef POSTRIDER_IMAP_IMAP_MUTF7_H
#define POSTRIDER_IMAP_IMAP_MUTF7_H

#include "base/buf.h"

/* Writes what the name means as UTF-8, at most one and a half times as long.
 * NULL, or what is wrong with it; then out may hold a part. */
const char *imap_mutf7_decode(struct span name, struct buf *out);
/* Writes a UTF-8 name in modified UTF-7; what is not well-formed becomes
 * U+FFFD. */
void imap_mutf7_encode(struct span name, struct buf *out);

#endif
