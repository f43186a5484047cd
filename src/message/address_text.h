/*
 * address_text.h - the words of an address as what they mean, and an address
 * as words.  RFC 5322 3.2.4, 3.2.5 and 3.4.1
 */
#ifndef POSTRIDER_MESSAGE_ADDRESS_TEXT_H
#define POSTRIDER_MESSAGE_ADDRESS_TEXT_H

#include "base/arena.h"
#include "base/span.h"

enum address_text_kind {
	ADDRESS_PHRASE,  /* unquoted; gaps are one blank */
	ADDRESS_LOCAL,   /* unquoted; gaps are nothing */
	ADDRESS_DOMAIN,  /* as it stands, but for gaps, which are nothing */
	ADDRESS_COMMENT  /* what is in the parentheses: pairs undone, unfolded */
};

/* Never longer than raw, which it may be a part of; control characters are
 * dropped. */
struct span address_text(struct arena *a, struct span raw,
	enum address_text_kind kind);

#endif
