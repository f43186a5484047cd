/*
 * address.h - lists of addresses in header fields.
 * RFC 5322 3.4 and 4.4 (obsolete), RFC 6532 3 (UTF-8), RFC 6854 (groups)
 *
 * Reading is tolerant and never fails: what is no address by any grammar is
 * kept as a mailbox with an empty domain, or passed over when nothing is left
 * of it.  No recursion; the limits are those of limits.h.
 */
#ifndef POSTRIDER_MESSAGE_ADDRESS_H
#define POSTRIDER_MESSAGE_ADDRESS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/span.h"

enum address_kind {
	ADDRESS_MAILBOX,
	ADDRESS_GROUP_START, /* name: that of the group */
	ADDRESS_GROUP_END
};

/* Spans live in the arena, or in the value where nothing had to be changed. */
struct address {
	enum address_kind kind;
	struct span name;   /* of the person: unquoted, unfolded, comments out;
				encoded words as they are; empty: none.  A comment
				behind a bare address is its name (RFC 5322 A.5) */
	struct span route;  /* "@a,@b" (obsolete); empty: none */
	struct span local;  /* unquoted */
	struct span domain; /* or "[literal]"; empty: none was there */
};

struct address_list {
	struct address *items;
	size_t count;
	bool is_cut; /* there were more than MESSAGE_ADDRESSES_MAX */
};

/* Appends what the value holds, so that a repeated field can be read as one. */
void address_list_read(struct arena *a, struct span value,
	struct address_list *list);

/* "local@domain", the local part quoted where it must be; RFC 5322 3.4.1 */
void address_put(struct buf *out, const struct address *one);

#endif
