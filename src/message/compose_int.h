/*
 * compose_int.h - what the parts of the composer share.
 *
 *	compose.c       the tree: checks, boundaries, the order of things
 *	compose_head.c  the head of the message
 *	compose_part.c  the heads of its parts
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

/* The text as format=flowed; at most COMPOSE_FLOWED(text.n) bytes: a line of 100 marks repeats them for every 20 characters. */
#define COMPOSE_FLOWED(n) ((n) * 8 + 64)
void compose_flowed_put(struct buf *out, struct span text);

/* ---- compose.c ----------------------------------------------------------- */
#define COMPOSE_NONE     UINT32_MAX
#define COMPOSE_STEM_LEN (2 + 2 * COMPOSE_RANDOM_BYTES)

struct compose_node {
	const struct compose_part *part;
	struct span content; /* of the part, or its flowed form */
	uint32_t parent;     /* COMPOSE_NONE: the root */
	uint32_t end;        /* index behind its last descendant */
	uint32_t depth;
	enum compose_way way;
	struct span type;
};

struct compose_plan {
	struct arena *arena;
	struct compose_node *nodes;
	uint32_t count, room;
	uint8_t stem[COMPOSE_STEM_LEN]; /* of all boundaries */
	struct buf flowed;              /* texts in their flowed form */
};

/* ---- compose_part.c ------------------------------------------------------- */
void compose_boundary_put(const struct compose_plan *p, uint32_t index,
	struct buf *out);
/* The head of the part, and its empty line. */
void compose_part_head_put(const struct compose_plan *p, uint32_t index,
	struct buf *out);

#endif
