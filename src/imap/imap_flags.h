/*
 * imap_flags.h - flags that a client names: STORE, APPEND.  RFC 9051 2.3.2
 */
#ifndef POSTRIDER_IMAP_IMAP_FLAGS_H
#define POSTRIDER_IMAP_IMAP_FLAGS_H

#include "imap/imap_read.h"

struct imap_flags {
	unsigned bits;         /* STORE_FLAG_* */
	struct span *keywords; /* in the reader's arena */
	size_t count;
};

/* "(\Seen $Forwarded)", or the same without parentheses up to the end.
 * \Recent is passed over: nobody can set it (RFC 3501 2.3.2).  Another flag
 * with a backslash that nobody knows is BAD. */
bool imap_read_flags(struct imap_reader *r, struct imap_flags *out);

#endif
