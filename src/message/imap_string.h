/*
 * imap_string.h - strings of IMAP's grammar.  RFC 9051 4.3, RFC 3501 4.3
 *
 * What is written is right for every client: what is not ASCII becomes a
 * literal.  RFC 6855 and RFC 9051 allow UTF-8 in quoted strings to clients that
 * said that they know it, and ask for it nowhere.
 */
#ifndef POSTRIDER_MESSAGE_IMAP_STRING_H
#define POSTRIDER_MESSAGE_IMAP_STRING_H

#include "base/buf.h"
#include "base/span.h"

/* A quoted string, or a literal for what a quoted string cannot hold; a NUL,
 * which neither can, is left out. */
void imap_put_string(struct buf *out, struct span s);
void imap_put_nstring(struct buf *out, struct span s); /* empty: NIL */

#endif
