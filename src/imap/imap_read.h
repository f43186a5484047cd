/*
 * imap_read.h - the arguments of a command: the words of IMAP's grammar.
 * RFC 9051 9, RFC 3501 9, RFC 3516 4.4, RFC 4466
 *
 * A cursor over the text of a command (imap_line.h).  Each imap_read_x reads
 * one x and steps behind it; false: there is none, and `why` has the words for
 * BAD, of the first thing that was wrong.  So a command reads as its line of
 * the grammar:
 *
 *	if (!imap_read_sp(r) || !imap_read_set(r, star, &set) ||
 *	    !imap_read_sp(r) || !imap_read_mailbox(r, &name) ||
 *	    !imap_read_end(r))
 *		return bad(s, r->why);
 *
 * What is not sure to come is looked at first: imap_next, imap_is_word,
 * imap_skip.  No recursion: a caller with nested lists keeps a stack of its
 * own; open and close count the depth.
 *
 * Spans borrow from the text, or from memory of the reader for a quoted string
 * with a backslash in it.
 *
 * Deliberate: bytes above 127 are let through in quoted strings and in astrings
 * without quotes: what they mean is for the command to say (a name that is no
 * UTF-8 is refused with words, not with BAD).
 */
#ifndef POSTRIDER_IMAP_IMAP_READ_H
#define POSTRIDER_IMAP_IMAP_READ_H

#include "base/arena.h"
#include "imap/imap_set.h"

/* Lists in lists, also of SEARCH. */
#define IMAP_DEPTH_MAX 100

struct imap_reader {
	struct span text;
	size_t at;
	const char *why; /* NULL: nothing was wrong; else for BAD */
	struct arena *arena;
	bool is_utf8; /* mailbox names are UTF-8: ENABLE IMAP4rev2 or
	                      UTF8=ACCEPT; else modified UTF-7 */
	unsigned depth, depth_max; /* of lists */
	uint8_t *scratch; /* strings without their backslashes; in the arena */
	size_t scratch_used;
};

/* At the start of text; depth_max is IMAP_DEPTH_MAX.  All that is read takes no
 * more of the arena than 16 times the text and 4 KiB. */
void imap_reader_init(
	struct imap_reader *r, struct span text, struct arena *arena);
/* Overwrites what the reader itself kept: it may be a password. */
void imap_reader_wipe(struct imap_reader *r);
/* For a caller that found something wrong: sets why if nothing is there yet;
 * always false. */
bool imap_read_fails(struct imap_reader *r, const char *why);

/* ---- looking ------------------------------------------------------------ */
/* The next byte; 0 at the end. */
uint8_t imap_next(const struct imap_reader *r);
bool imap_is_end(const struct imap_reader *r);
/* Does this word stand here, in any case of letters, and end here (a blank, a
 * parenthesis, a bracket or the end follows)?  Then it is stepped over. */
bool imap_skip_word(struct imap_reader *r, struct span word);
/* Does this text stand here, whatever follows?  Then it is stepped over. */
bool imap_skip(struct imap_reader *r, struct span text);

/* ---- separators --------------------------------------------------------- */
bool imap_read_sp(struct imap_reader *r);  /* one blank */
bool imap_read_end(struct imap_reader *r); /* the end of the command */
bool imap_read_byte(struct imap_reader *r, uint8_t byte);
bool imap_read_open(struct imap_reader *r); /* "(", not deeper than depth_max */
bool imap_read_close(struct imap_reader *r); /* ")" */
/* In a list, behind its "(" or one of its members: true: another member comes
 * (the blank before it is read); false: the list is over and its ")" read, or
 * something is wrong: then why is set.
 *
 *	if (!imap_read_open(r)) return false;
 *	for (bool first = true; imap_read_more(r, first); first = false) ...
 *	if (r->why != NULL) return false;
 */
bool imap_read_more(struct imap_reader *r, bool is_first);

/* ---- words -------------------------------------------------------------- */
bool imap_read_atom(struct imap_reader *r, struct span *out);
bool imap_read_astring(struct imap_reader *r, struct span *out);
/* Quoted or literal.  No NUL is in it. */
bool imap_read_string(struct imap_reader *r, struct span *out);
/* NIL: out->p is NULL (that of an empty string is not). */
bool imap_read_nstring(struct imap_reader *r, struct span *out);
/* A literal, or a literal8, which may hold NUL; no quoted string. */
bool imap_read_literal(
	struct imap_reader *r, struct span *out, bool *out_is_binary);
/* An announcement at the end of the text: what IMAP_LINE_LITERAL has the size
 * of. */
bool imap_read_announced(struct imap_reader *r);
/* list-mailbox: an astring that may have % and *. */
bool imap_read_pattern(struct imap_reader *r, struct span *out);
/* A name or a password of LOGIN: as a pattern, and a literal may hold NUL; what
 * cannot be right is wrong for the directory, not for the grammar. */
bool imap_read_credential(struct imap_reader *r, struct span *out);
/* \Seen, $Forwarded, keyword: with its backslash. */
bool imap_read_flag(struct imap_reader *r, struct span *out);

/* ---- numbers ------------------------------------------------------------ */
bool imap_read_number(struct imap_reader *r, uint32_t *out);
bool imap_read_nz_number(struct imap_reader *r, uint32_t *out);
/* 63 bits: RFC 9051 9, mod-sequence of RFC 7162 7. */
bool imap_read_number64(struct imap_reader *r, uint64_t *out);
/* "<0.2048>", the second not zero.  RFC 9051 6.4.5 */
bool imap_read_partial(
	struct imap_reader *r, uint64_t *out_from, uint64_t *out_count);
/* "1:500" or "-1:-100": some of what was found, counted from the first or from
 * the last, the limits in any order.  RFC 9394 4 */
struct imap_window {
	uint32_t from, to; /* as they came; 1 is the first, or the last */
	bool is_from_end;
};
bool imap_read_window(struct imap_reader *r, struct imap_window *out);
/* Which of count they are: from *out_first up to, without, *out_end; the same
 * number twice: none. */
void imap_window_find(const struct imap_window *w, size_t count,
	size_t *out_first, size_t *out_end);
/* A set; star: what "*" is now (the last number or uid, or UIDNEXT). */
bool imap_read_set(struct imap_reader *r, uint32_t star, struct imap_set *out);
/* The same, not yet looked into: for imap_set_read, when star is known. */
bool imap_read_set_text(struct imap_reader *r, struct span *out);

/* ---- moments ------------------------------------------------------------ */
/* 1-Feb-1994, also in quotes: days since 1970-01-01. */
bool imap_read_date(struct imap_reader *r, int32_t *out_days);
/* " 1-Feb-1994 12:34:56 +0100" in its quotes: milliseconds since 1970 UTC. */
bool imap_read_date_time(struct imap_reader *r, int64_t *out_wall_ms);

/* ---- names of mailboxes ------------------------------------------------- */
struct imap_mailbox_name {
	struct span name;  /* UTF-8; NFC and INBOX the store makes of it */
	const char *wrong; /* NULL; else it is no name: NO [CANNOT] and this */
};
bool imap_read_mailbox(struct imap_reader *r, struct imap_mailbox_name *out);
/* The same for a pattern of LIST and LSUB: % and * may be in it. */
bool imap_read_mailbox_pattern(
	struct imap_reader *r, struct imap_mailbox_name *out);

#endif
