/*
 * address_run.h - the words of an address that needs a second look.
 *
 * A run is words that no gap divides, but for the gaps beside "@" and "."
 * that the obsolete syntax has (RFC 5322 4.4): "A B a . b @ c" has three.
 * Behind an "@" a colon or bracket ends one too.
 */
#ifndef POSTRIDER_MESSAGE_ADDRESS_RUN_H
#define POSTRIDER_MESSAGE_ADDRESS_RUN_H

#include "message/token.h"

struct address_run {
	size_t start, end; /* offsets in the text */
	size_t at;         /* of its last "@" */
	bool has_at;
};

/* The next run of the text; false: there is none left. */
bool address_run_next(struct token_reader *t, struct address_run *out);

#endif
