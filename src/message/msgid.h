/*
 * msgid.h - Message-IDs, alone and in lists.  RFC 5322 3.6.4 and 4.5.4
 */
#ifndef POSTRIDER_MESSAGE_MSGID_H
#define POSTRIDER_MESSAGE_MSGID_H

#include "base/buf.h"
#include "base/span.h"

/* Cuts the next id off *rest, without its angle brackets and the blanks inside
 * of them; false: there is none left.  Phrases, comments and commas between
 * ids are passed over (obsolete, and common).  A missing ">" ends an id at the
 * next blank.  A value without any bracket is one id: its first word with an
 * "@", or its only word.  An id that has a fold or a quoted part inside is given
 * as it stands: msgid_put has it in one form. */
bool msgid_next(struct span *rest, struct span *out);

/* Writes the id without blanks, folds and control characters: what ids are
 * compared by. */
void msgid_put(struct buf *out, struct span id);

#endif
