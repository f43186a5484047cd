/*
 * msgid.h - Message-IDs, alone and in lists.  RFC 5322 3.6.4 and 4.5.4
 */
#ifndef POSTRIDER_MESSAGE_MSGID_H
#define POSTRIDER_MESSAGE_MSGID_H

#include "base/span.h"

/* Cuts the next id off *rest, without its angle brackets, blanks and folds;
 * false: there is none left.  Phrases, comments and commas between ids are
 * passed over (obsolete, and common).  An id that has a fold or a quoted part
 * inside is given as it stands. */
bool msgid_next(struct span *rest, struct span *out);

#endif
