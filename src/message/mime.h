/*
 * mime.h - what a message is made of, found in one pass over its bytes.
 * RFC 5322 2.1, RFC 2045, RFC 2046 5.1
 *
 * The bytes are fed in pieces of any size, and the tree is the same for every
 * split.  Every input has a tree: broken mail is mail too (limits.h says how
 * far it is looked into).  The offsets are those of the bytes that were fed:
 * nothing is normalised, and whoever keeps the bytes finds each part again.
 *
 * The parts stand in the order of the message, a parent before its children:
 *
 *	parts[0]                the message itself
 *	  kind MULTIPART        its parts are its children
 *	  kind MESSAGE          message/rfc822 or message/global: its one child is
 *	                        the message in it, with a head of its own
 *	  kind LEAF             anything else
 *
 * A part's bytes are [head_start, body_start) and [body_start, body_end); the
 * line end before a boundary belongs to the boundary.  Children lie in their
 * parent's body in order and without overlap; between them stand preamble,
 * boundary lines and epilogue.
 *
 * Text in the tree is raw: as sent, unfolded, encoded words not decoded, any
 * byte possible (no CR and LF in the fields' own texts).  words.h and param.h decode it.
 *
 * What broken mail is taken for, at every split of its bytes and in every view:
 *
 * - LF ends a line, as CRLF does; a bare CR is a byte like others.
 * - A head ends at the first line that is empty, or where its part ends.  A
 *   line in it that is no field is passed over with those folded below it:
 *   "From " of an mbox, and anything else without a name and a colon.
 *   Deliberate: no such line begins the body, so a body without an empty line
 *   before it is head.  A folded line that lost its blank would else turn all
 *   fields behind it to text, and DKIM, TOP and a notice cut at the empty line
 *   too (RFC 5322 2.1).
 * - Of a Content- field that stands twice the first counts.  One that cannot be
 *   read is as if it were not there: text/plain, 7bit; but in a digest a part
 *   without a type is a message, one with a type that cannot be read a text.
 * - A boundary has nothing but blanks behind it on its line, and ends heads too.
 *   The innermost counts; one of an outer multipart ends the inner ones.  The
 *   line end before it belongs to it, unless that ends a head or a boundary.
 * - A closing boundary that is missing is where the outer part ends.
 * - A multipart that names no boundary is a LEAF, and so is a message that is
 *   in base64 or quoted-printable, which RFC 2046 5.2.1 forbids and RFC 6532
 *   3.7 allows for message/global: its raw bytes say nothing.
 * - A multipart or message too deep, a multipart with a boundary too long, a
 *   message that would be one part too many: a LEAF that is_cut.  A multipart
 *   with too many parts, or a part whose head was not read to its end: is_cut.
 */
#ifndef POSTRIDER_MESSAGE_MIME_H
#define POSTRIDER_MESSAGE_MIME_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/span.h"
#include "message/envelope.h"
#include "message/limits.h"
#include "message/param.h"

#define MIME_NONE UINT32_MAX

enum mime_kind { MIME_LEAF, MIME_MULTIPART, MIME_MESSAGE };

/* Content-Transfer-Encoding, RFC 2045 6. */
enum mime_encoding {
	MIME_7BIT, /* also: none was named */
	MIME_8BIT,
	MIME_BINARY,
	MIME_QP,
	MIME_BASE64,
	MIME_UNKNOWN /* a name that nobody knows: the bytes stay as they are */
};

struct mime_part {
	uint64_t head_start;
	uint64_t body_start; /* behind the empty line */
	uint64_t body_end;
	uint32_t head_lines; /* line ends; LF alone is one */
	uint32_t body_lines;
	uint32_t parent;     /* index; MIME_NONE: the root */
	uint32_t next;       /* next sibling; MIME_NONE: the last */
	uint32_t end;        /* index behind its last descendant */
	enum mime_kind kind;
	enum mime_encoding encoding;
	bool is_cut;         /* a limit was passed: not all that is in it, or
				in its head, is here */
	bool has_8bit;       /* a byte above 127 stands in its body (a leaf's own) */
	bool has_nul;        /* the same for NUL: only binary may hold it */

	struct span type, subtype; /* case as sent; "text", "plain" by default */
	struct param_list params;  /* of Content-Type */
	bool has_type;             /* a readable Content-Type was there */
	struct span disposition;   /* "attachment", case as sent; empty: none */
	struct param_list disposition_params;
	struct span encoding_name; /* as sent; empty: none */
	struct span id, description, md5, location, language; /* empty: none */

	struct envelope *envelope; /* of the message that begins here: parts[0]
				and each child of a MESSAGE; else NULL */
};

struct mime_tree {
	struct mime_part *parts;
	uint32_t count;  /* at least 1 */
	uint64_t size;   /* bytes that were fed */
	bool is_cut;     /* some limit was passed somewhere */
};

/* ---- parsing ----------------------------------------------------------- */
struct mime_parser;

/* What the parser and its tree take at most, whatever is fed. */
#define MIME_ARENA_BYTES (32u << 20)

/* Lives in the arena, as the tree does. */
struct mime_parser *mime_parser_new(struct arena *a);
void mime_parser_feed(struct mime_parser *p, struct span bytes);
/* After the last byte.  The tree lives as long as the arena. */
const struct mime_tree *mime_parser_end(struct mime_parser *p);

/* The same for a message that lies in memory. */
const struct mime_tree *mime_parse(struct arena *a, struct span message);

/* ---- walking ------------------------------------------------------------- */
/* The first child's index; MIME_NONE: it has none. */
uint32_t mime_first_child(const struct mime_tree *t, uint32_t part);
/* Is its type this one?  In either case. */
bool mime_is_type(const struct mime_part *p, struct span type,
	struct span subtype);

/* ---- keeping --------------------------------------------------------------- */
/* The tree as a compact blob, for the store; versioned by its first byte.  The
 * root's envelope is not in it (envelope_pack has that), inner ones are. */
void mime_tree_pack(const struct mime_tree *t, struct buf *out);
/* False: these are not the bytes of a tree.  Spans point into packed.  Takes at
 * most MIME_ARENA_BYTES; the root has no envelope. */
bool mime_tree_unpack(struct arena *a, struct span packed,
	struct mime_tree *out);

#endif
