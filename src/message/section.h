/*
 * section.h - which bytes of a message a section names.
 * RFC 9051 6.4.5 (BODY[…]), RFC 3516 (BINARY), 6.4.5.1
 *
 *	section = [part-number] ["."] ["HEADER" | "HEADER.FIELDS" ["NOT"] (…) |
 *		"TEXT" | "MIME"]
 *
 * The command parser of IMAP has read the words; here they become a range of
 * the raw bytes.
 */
#ifndef POSTRIDER_MESSAGE_SECTION_H
#define POSTRIDER_MESSAGE_SECTION_H

#include "message/mime.h"

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

/* "1.2.MIME", "HEADER.FIELDS (TO CC)", "TEXT", "": as it stands between the
 * brackets.  SYNTAX: it is none.  The parts of it live in the arena. */
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
 * the empty line. */
void section_put_fields(struct buf *out, const struct section *s,
	struct span header);

/* <start.count>: cuts the range, at its end if it asks for more. */
void section_cut(struct section_range *r, uint64_t start, uint64_t count);

#endif
