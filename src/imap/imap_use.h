/*
 * imap_use.h - what a mailbox is for: RFC 6154 2.
 */
#ifndef POSTRIDER_IMAP_IMAP_USE_H
#define POSTRIDER_IMAP_IMAP_USE_H

#include "store/store_mailbox.h"

/* "\Sent"; NULL: it has none. */
const char *imap_use_name(enum store_use use);
/* False: there is no such use that a mailbox could be given. */
bool imap_use_of(struct span name, enum store_use *out);

#endif
