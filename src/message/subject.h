/*
 * subject.h - what a subject is about, without "Re:" and the like.
 * RFC 5256 2.1
 */
#ifndef POSTRIDER_MESSAGE_SUBJECT_H
#define POSTRIDER_MESSAGE_SUBJECT_H

#include "base/buf.h"
#include "base/span.h"

/* Writes the base subject of a decoded one (UTF-8), runs of blanks as one.
 * Who compares base subjects still has to fold case.  out_is_reply: it was
 * marked as a reply or as forwarded. */
void subject_put_base(struct buf *out, struct span decoded_subject,
	bool *out_is_reply);

#endif
