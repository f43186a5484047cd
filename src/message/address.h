/*
 * address.h - lists of addresses in header fields.
 * RFC 5322 3.4 and 4.4 (obsolete), RFC 6532 3 (UTF-8), RFC 6854 (groups)
 *
 * Reading is tolerant and never fails: what is no address by any grammar is
 * kept as a mailbox with an empty domain, or passed over when nothing is left
 * of it.  What real mail has is read as its writer meant it:
 *
 *	a@b; c@d            a semicolon where a comma belongs (Outlook)
 *	A <a@b> B <c@d>     two, also without a comma between them
 *	a@b c@d             the same
 *	A <a@b, C <c@d>     two: the comma ends what ">" should have ended
 *	A a@b               as A <a@b>
 *	a@b <a@b>           the name is "a@b"
 *	A <B> <a@b>         the name is "A B"
 *	"A <a@b>            a quote that nothing closes is passed over
 *	A <a@b> text        text behind ">" is passed over
 *	a b                 local "a b", no domain
 *	=?x?Q?A,_B?= <a@b>  an encoded word is one word, whatever it holds
 *
 * A comment that nothing closes goes to the end.  Control characters are
 * dropped, line ends too.  A group always has its end.
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
	size_t room; /* of items; 0: they are not the list's own */
	bool is_cut; /* there were more than MESSAGE_ADDRESSES_MAX, or the arena
			was half full: addresses never take its other half */
};

/* Appends what the value holds, so that a repeated field can be read as one.
 * The value must live as long as the arena. */
void address_list_read(struct arena *a, struct span value,
	struct address_list *list);

/* "local@domain", the local part quoted where it must be; RFC 5322 3.4.1.
 * Without a domain the local part alone.  What was read, is put and read again
 * is the same; no line end or other control character is ever put. */
void address_put(struct buf *out, const struct address *one);

#endif
