/*
 * section.h - which bytes of a message a section names.
 * RFC 9051 6.4.5 (BODY[…]), 6.4.5.1 (numbers)
 *
 *	section = "" | numbers | [numbers "."] ("HEADER" | "TEXT" |
 *		"HEADER.FIELDS" [".NOT"] " (" names ")") | numbers ".MIME"
 *
 * The command parser of IMAP has read the words; here they become a range of
 * the raw bytes, so that whoever keeps them reads no others.
 * section_binary.h takes the encoding off.
 *
 *	section_read      text         -> what is asked for
 *	section_find      tree         -> the range
 *	section_cut       <0.2048>     -> less of it
 *	section_put_fields  HEADER.FIELDS: the lines that are asked for
 */
#ifndef POSTRIDER_MESSAGE_SECTION_H
#define POSTRIDER_MESSAGE_SECTION_H

#include "base/err.h"
#include "message/mime.h"

/* No part has more numbers: one for a message that is a message, one a level,
 * and one for the text in a message that is not looked into. */
#define SECTION_NUMBERS_MAX (MESSAGE_DEPTH_MAX + 2)
/* Names in one list; programs ask for some twenty. */
#define SECTION_FIELDS_MAX 500

enum section_what {
	SECTION_ALL,    /* the part's body; of the message: all of it */
	SECTION_HEADER, /* of the message, or of the message in this part */
	SECTION_FIELDS, /* HEADER.FIELDS */
	SECTION_FIELDS_NOT,
	SECTION_TEXT,
	SECTION_MIME    /* the part's own head */
};

struct section {
	const uint32_t *numbers; /* 1, 2, … from the outermost */
	size_t depth;            /* 0: the message */
	enum section_what what;
	const struct span *fields; /* names for SECTION_FIELDS[_NOT] */
	size_t field_count;
};

/* "1.2.MIME", "HEADER.FIELDS (TO \"CC\")", "TEXT", "": as it stands between
 * the brackets, names as atoms or quoted.  SYNTAX: it is none; LIMIT: more
 * numbers or names than above.  The parts of it live in the arena, which
 * takes no more than 32 times the text. */
enum code section_read(struct arena *a, struct span text, struct section *out)
	MUST_USE;

struct section_range {
	uint64_t start, end; /* offsets in the message */
	uint32_t part;       /* the part that it belongs to */
};

/* False: the message has no such section.  For SECTION_FIELDS the range is
 * that of the whole header: section_put_fields picks from it. */
bool section_find(const struct mime_tree *t, const struct section *s,
	struct section_range *out);

/* Writes the lines of the fields that are asked for, folded as they were, and
 * the empty line if the header has one.  What is no field belongs to none of
 * the names: FIELDS and FIELDS.NOT together hold each line once. */
void section_put_fields(struct buf *out, const struct section *s,
	struct span header);

/* <start.count>: cuts the range, at its end if it asks for more.  Of fields
 * the partial is taken of what section_put_fields wrote. */
void section_cut(struct section_range *r, uint64_t start, uint64_t count);

/* ---- what a part is for IMAP -------------------------------------------- */

/* IMAP's grammar shows less than a tree can hold: a multipart has a part, a
 * message an envelope and a text.  Where they have none, what is shown and what
 * is numbered follow from this, so that they agree. */
enum section_form {
	SECTION_LEAF,
	SECTION_MULTIPART,
	SECTION_BARE_MULTIPART,   /* no part was found in it: its part 1 is an
				empty text at the end of its body */
	SECTION_CLOSED_MULTIPART, /* not looked into (limits.h, or without a
				boundary): application/octet-stream */
	SECTION_MESSAGE,
	SECTION_CLOSED_MESSAGE    /* not looked into (limits.h, or in base64):
				it has an empty head and an empty text */
};

enum section_form section_form(const struct mime_tree *t, uint32_t part);

#endif
