/*
 * imap_pattern.h - the patterns of LIST: "*" is any run of characters, "%" one
 * within a level.  RFC 9051 6.3.9
 *
 * Work is bounded by the product of the lengths, whatever the pattern holds.
 */
#ifndef POSTRIDER_IMAP_IMAP_PATTERN_H
#define POSTRIDER_IMAP_IMAP_PATTERN_H

#include "base/span.h"

/* Names and patterns beyond this match nothing. */
#define IMAP_PATTERN_NAME_BYTES 2048u

/* Does the name match?  A level "inbox" at the start of both is the same in
 * either case. */
bool imap_pattern_matches(struct span pattern, struct span name);

#endif
