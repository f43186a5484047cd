/*
 * jmap_view.h - a message as JMAP tells it: its parts, and which of them are
 * the text, the HTML text and the attachments.  RFC 8621 4.1.4
 *
 * No JSON here: structs, lists and spans.  A part is its index in the tree.
 * What is inside a message/rfc822 part is not looked at: for JMAP it is one
 * part.  One part by itself: jmap_part.h.
 */
#ifndef POSTRIDER_MESSAGE_JMAP_VIEW_H
#define POSTRIDER_MESSAGE_JMAP_VIEW_H

#include "message/mime.h"

/* ---- which parts are what ------------------------------------------- */

struct jmap_parts {
	uint32_t *items;
	uint32_t count;
};

/* Each in the order of the message, none in a list twice. */
struct jmap_bodies {
	struct jmap_parts text;
	struct jmap_parts html; /* some may be in text too */
	struct jmap_parts attachments;
	bool has_attachment; /* one that is not "inline", nor a picture that
				an HTML text shows by its Content-ID */
};

/* The lists live in the arena: 12 bytes a part. */
void jmap_bodies_find(struct arena *a, const struct mime_tree *t,
	struct jmap_bodies *out);

/* Content-Disposition: attachment. */
bool jmap_part_is_attached(const struct mime_part *p);

/* ---- numbers -------------------------------------------------------- */

/* The place of each part among its siblings, from 1; in the arena. */
const uint32_t *jmap_ordinals(struct arena *a, const struct mime_tree *t);
/* Writes the partId: the number that IMAP gives the part ("1", "1.2"; inside
 * of a message/rfc822 part too).  The outermost multipart of a message has
 * none: nothing is written. */
void jmap_put_part_id(struct buf *out, const struct mime_tree *t,
	const uint32_t *ordinals, uint32_t part);
/* False: there is none of that number. */
bool jmap_part_of_id(const struct mime_tree *t, struct span id,
	uint32_t *out_part);

#endif
