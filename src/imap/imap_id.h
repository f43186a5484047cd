/*
 * imap_id.h - the ID command, the same before and after the login.  RFC 2971
 */
#ifndef POSTRIDER_IMAP_IMAP_ID_H
#define POSTRIDER_IMAP_IMAP_ID_H

#include "base/buf.h"

struct imap_reader;

/* RFC 2971 3.3: pairs, and bytes of a name and of a value. */
#define IMAP_ID_PAIRS_MAX 30
#define IMAP_ID_NAME_MAX  30
#define IMAP_ID_VALUE_MAX 1024

/* Reads the arguments, from behind ID to the end; what the client says of
 * itself is checked and not kept.  False: r->why. */
bool imap_id_read(struct imap_reader *r);
/* "* ID (…)" CRLF: the name of this program; its version is nobody's business
 * before a login. */
void imap_id_put(struct buf *out);

#endif
