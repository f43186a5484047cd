/*
 * imap_capability.h - what the server says that it can do: one table.
 * RFC 9051 6.1.1, 7.2.2
 *
 * Who adds an extension adds its row here, on the day it works.
 */
#ifndef POSTRIDER_IMAP_IMAP_CAPABILITY_H
#define POSTRIDER_IMAP_IMAP_CAPABILITY_H

#include "base/buf.h"
#include "imap/imap_command.h"

/* Writes "IMAP4rev1 IMAP4rev2 …", without a blank at either end: those that are
 * said in this state.  What depends on the connection (STARTTLS, LOGINDISABLED,
 * AUTH=) the door adds. */
void imap_put_capabilities(struct buf *out, enum imap_state state);

#endif
