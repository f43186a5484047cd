/*
 * header_form.h - the value of a header field in the forms of JMAP.
 * RFC 8621 4.1.2
 *
 * The value is what header_next gives: the raw bytes behind the colon, folded
 * as they were.  Reading is best effort and never fails but where a form says
 * so.  What is written is UTF-8.
 */
#ifndef POSTRIDER_MESSAGE_HEADER_FORM_H
#define POSTRIDER_MESSAGE_HEADER_FORM_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/span.h"
#include "message/address.h"

enum header_form {
	HEADER_RAW,
	HEADER_TEXT,
	HEADER_ADDRESSES,
	HEADER_GROUPED_ADDRESSES,
	HEADER_MESSAGE_IDS,
	HEADER_DATE,
	HEADER_URLS,
	HEADER_FORM_COUNT
};

/* The form whose name in a property this is ("asText"); HEADER_FORM_COUNT:
 * none. */
enum header_form header_form_of_name(struct span name);
/* May this field be asked for in this form?  RFC 8621 4.1.2.1 to 4.1.2.7 */
bool header_form_is_allowed(struct span field, enum header_form form);

/* Bytes that are no UTF-8 become U+FFFD, one for a run of them; NUL goes. */
void header_form_put_raw(struct buf *out, struct span value);
/* Unfolded, encoded words decoded, in Normalization Form C. */
void header_form_put_text(struct buf *out, struct span value);

/* A person: "James Smythe" <james@example.com>. */
struct header_mailbox {
	struct span name;  /* p is NULL: null */
	struct span email; /* without "@" if the address had no domain */
};

struct header_group {
	struct span name; /* p is NULL: these are in no group */
	const struct header_mailbox *items;
	size_t count;
};

struct header_mailboxes {
	const struct header_mailbox *items;
	size_t count;
};

struct header_groups {
	const struct header_group *items;
	size_t count;
};

/* Spans and lists live in the arena. */
void header_form_addresses(struct arena *a, struct span value,
	struct header_mailboxes *out);
/* The same for a list that was read already (envelope.h). */
void header_form_addresses_of(struct arena *a, const struct address_list *list,
	struct header_mailboxes *out);
void header_form_groups(struct arena *a, struct span value,
	struct header_groups *out);

struct header_strings {
	const struct span *items;
	size_t count;
};

/* False: there is none, which is null. */
bool header_form_message_ids(struct arena *a, struct span value,
	struct header_strings *out);
/* RFC 2369 2: "<mailto:x@y> (comment), <https://z>".  False: null. */
bool header_form_urls(struct arena *a, struct span value,
	struct header_strings *out);
/* Date is date_read of date.h. */

#endif
