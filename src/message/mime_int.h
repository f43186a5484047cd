/*
 * mime_int.h - what the files behind mime.h share.
 */
#ifndef POSTRIDER_MESSAGE_MIME_INT_H
#define POSTRIDER_MESSAGE_MIME_INT_H

#include "message/mime.h"

/* What is read of the heads lies in the arena; how much is counted. */
struct mime_heads {
	struct arena *arena;
	size_t kept_bytes;
	bool is_cut; /* MESSAGE_HEADS_MAX was passed: a field was not kept */
};

/* Reads the fields of a head into the part, and into its envelope if it has
 * one.  head may be gone afterwards.  The type must be set to its default. */
void mime_head_read(struct mime_heads *h, struct span head,
	struct mime_part *part);

/* What the fields make of the part, before any limit. */
enum mime_kind mime_content_kind(const struct mime_part *part);
/* The boundary of a multipart, without blanks at its end; empty: none. */
struct span mime_content_boundary(struct arena *a,
	const struct mime_part *part);

/* ---- the parser -------------------------------------------------------- */
/* A longer line is no boundary, blanks at its end or not.  RFC 5322 2.1.1 */
#define MIME_BOUNDARY_LINE_MAX 1000

/* A place in the message. */
struct mime_mark {
	uint64_t offset;
	uint32_t lines; /* line ends before it */
};

/* An open multipart or message. */
struct mime_level {
	struct span boundary; /* without "--"; empty: a message */
	uint32_t part;
	uint32_t last_child;
	bool is_digest;
	bool is_closed; /* its boundary means nothing any more */
};

struct mime_parser {
	struct mime_heads heads;
	struct mime_part *parts;
	uint32_t count, room;
	bool is_cut;

	struct mime_level levels[MESSAGE_DEPTH_MAX];
	uint32_t depth;
	uint32_t open; /* the part whose head, or whose body as a leaf, is read;
			MIME_NONE: a preamble, an epilogue, what is cut */
	bool is_in_head;
	uint64_t text_start; /* behind the last head or boundary */

	struct span window;  /* the bytes that are read now */
	uint64_t window_start;
	uint64_t size;       /* behind the window */
	uint32_t lines;      /* line ends so far */
	uint64_t noted;      /* the leaf's bytes before it are known */
	uint8_t tail[2];     /* the last bytes before the window */

	bool is_mid_line;    /* of a line that cannot matter */
	uint8_t held[MIME_BOUNDARY_LINE_MAX]; /* of a line that can matter; it
			ends the window */
	size_t held_n;
	size_t held_eol;     /* length of the line end before it */

	uint8_t *head;       /* of the open part, up to the window */
	size_t head_n, head_room;
};

/* The next child of the innermost level, or the root; its head begins there. */
void mime_open_part(struct mime_parser *p, uint64_t head_start);
/* The head of the open part ends there, and its body begins. */
void mime_open_end_head(struct mime_parser *p, uint64_t at);
/* Ends what is open, down to so many levels.  line is the start of the line
 * that ends it, eol the length of the line end before that: it belongs to no
 * part (RFC 2046 5.1.1), unless it ends a head or another boundary. */
void mime_open_end(struct mime_parser *p, uint32_t depth,
	struct mime_mark line, size_t eol);
/* How deep the level is whose boundary this line is, which begins with "--";
 * 0: it is none. */
uint32_t mime_open_find(const struct mime_parser *p, struct span line,
	bool *out_is_closing);
/* After a boundary of that level: its next part begins, or its epilogue. */
void mime_open_take(struct mime_parser *p, uint32_t depth, bool is_closing,
	uint64_t next);
/* The open leaf has these bytes; it is no matter if none is open. */
void mime_open_note(struct mime_parser *p, struct span bytes);
/* The window goes: what the open part needs of it is kept. */
void mime_open_keep(struct mime_parser *p);

#endif
