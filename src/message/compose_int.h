/*
 * compose_int.h - what the parts of the composer share.
 *
 *	compose.c       the tree: boundaries, the heads of parts, the order
 *	compose_head.c  the head of the message
 *	compose_body.c  how a content travels, and its way into the message
 */
#ifndef POSTRIDER_MESSAGE_COMPOSE_INT_H
#define POSTRIDER_MESSAGE_COMPOSE_INT_H

#include "message/compose.h"

/* RFC 5322 2.1.1, without the CRLF */
#define COMPOSE_LINE_MAX 998
/* An address or a Message-ID with what stands around it fits in a line. */
#define COMPOSE_WORD_MAX 900

/* ---- compose_head.c ------------------------------------------------------ */
/* Everything above the first Content-* field. */
enum code compose_head_check(const struct compose_message *m, struct err *e)
	MUST_USE;
void compose_head_put(const struct compose_message *m, struct buf *out);
bool compose_head_is_utf8(const struct compose_message *m);
bool compose_is_id(struct span id);
/* Characters of a token, RFC 2045 5.1; at least one. */
bool compose_is_token(struct span s);

/* ---- compose_body.c ------------------------------------------------------ */
/* In this order: each holds what the ones before it may. */
enum compose_way { WAY_7BIT, WAY_8BIT, WAY_BINARY, WAY_QP, WAY_BASE64 };

/* What bytes that nobody may change need; never WAY_QP or WAY_BASE64. */
enum compose_way compose_way_of_raw(struct span bytes);
/* How a text is best sent. */
enum compose_way compose_way_of_text(struct span text, bool allows_8bit);
/* "quoted-printable" */
const char *compose_way_name(enum compose_way way);
/* With the line ends of text as CRLF, and one at its end. */
void compose_text_put(struct buf *out, struct span text, enum compose_way way);
void compose_file_put(struct buf *out, struct span bytes);

#endif
