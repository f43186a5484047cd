/*
 * imap_line.h - one command out of a stream of bytes: lines and literals.
 * RFC 9051 2.2.1, 4.3; RFC 7888 (LITERAL+, LITERAL-); RFC 3516 4.4 (literal8)
 *
 * Pure.  Takes bytes in any pieces; what a command means is not known here,
 * only where it begins and ends.  Memory is bounded by the caller's limits, and
 * no literal is held unless the caller says so:
 *
 *	while (there is input or an event may wait) {
 *		switch (imap_line_take(l, &in, &got)) {
 *		case IMAP_LINE_MORE:    wait for bytes
 *		case IMAP_LINE_COMMAND: read got.text by imap_read.h; answer
 *		case IMAP_LINE_LITERAL: keep, stream or refuse it
 *		case IMAP_LINE_BYTES:   of a streamed literal
 *		...
 *
 * The text of a command stands as it came, from its name on (the tag is kept
 * apart), with its literals in it, "{n}" CRLF and n bytes, and without its last
 * CRLF.  A streamed literal is not in the text: behind it the text begins anew,
 * so a command of many large literals (MULTIAPPEND, CATENATE) needs no memory.
 *
 * Deliberate: LF alone ends a line too, as for SMTP's and POP3's commands:
 * nothing here is relayed, so nobody can smuggle by it.
 */
#ifndef POSTRIDER_IMAP_IMAP_LINE_H
#define POSTRIDER_IMAP_IMAP_LINE_H

#include "base/buf.h"

/* A tag is as long as the client likes; none is longer than ten bytes. */
#define IMAP_TAG_MAX 64

struct imap_line_limits {
	size_t line_max;      /* a line of a command, without its CRLF */
	size_t command_max;   /* the text: all lines and kept literals */
	uint64_t literal_max; /* a literal that is kept */
	/* So much of a line that is too long, or of a refused literal that
	 * comes unasked, is thrown away; what is more ends the session. */
	uint64_t thrown_max;
};

enum imap_line_event {
	IMAP_LINE_MORE,    /* nothing yet: all of *in was taken */
	IMAP_LINE_COMMAND, /* complete: tag, text */
	IMAP_LINE_TEXT,    /* the line that imap_line_want_text asked for */
	IMAP_LINE_LITERAL, /* announced: tag, text so far, literal; nothing goes
	                      on until keep, stream or refuse */
	IMAP_LINE_BYTES,   /* of the streamed literal; is_last; empty only for
	                      a literal of no bytes */
	IMAP_LINE_TOO_LONG, /* a command is over that was longer than allowed;
	                      tag, text: its first bytes */
	IMAP_LINE_END       /* where the next command begins is not known any
	                      more, or it is too far: BYE; why */
};

struct imap_literal {
	uint64_t size;   /* UINT64_MAX: more than 63 bits hold */
	bool is_waiting; /* the client waits for "+": {n}, not {n+} */
	bool is_binary;  /* ~{n} */
};

struct imap_line_got {
	/* All borrow from the imap_line, or (bytes) from *in, until its next
	 * call. */
	struct span tag;  /* empty: the line has none, answer "* BAD" */
	struct span text; /* LITERAL: up to the end of "{n}" CRLF */
	struct span line; /* tag, blank and text; empty if is_rest */
	bool is_rest;     /* a streamed literal came before the text */
	struct imap_literal literal; /* LITERAL */
	struct span bytes;           /* BYTES */
	bool is_last;                /* BYTES: the literal is complete */
	const char *why;             /* END */
};

enum imap_line_state {
	IMAP_LINE_IN_COMMAND, /* gathers a line of a command */
	IMAP_LINE_IN_TEXT,    /* gathers the line of want_text */
	IMAP_LINE_DECIDING,   /* a literal was announced */
	IMAP_LINE_KEEPING,    /* its bytes go into the text */
	IMAP_LINE_STREAMING,  /* its bytes are handed on */
	IMAP_LINE_SKIPPING,   /* its bytes are thrown away */
	IMAP_LINE_LOST,       /* END is to be said */
	IMAP_LINE_OVER        /* END was said */
};

/* Fields are the module's own. */
struct imap_line {
	struct imap_line_limits limits;
	enum imap_line_state state;
	struct buf text;   /* from the tag on, or from behind a streamed literal */
	size_t line_start; /* in text: of the line under way */
	size_t head_len;   /* tag and blank */
	uint8_t tag[IMAP_TAG_MAX];
	size_t tag_len;
	bool has_head;     /* head_len and tag are known */
	bool is_rest;
	bool is_refused;   /* what is left of the command is thrown away */
	bool is_too_long;  /* the same, and then TOO_LONG */
	bool is_told;      /* the text was given out: a new one begins */
	uint8_t tail[32];  /* the last bytes of a line that is thrown away: it
	                      may end in a literal */
	size_t tail_len;
	uint64_t thrown;   /* bytes of this command */
	struct imap_literal literal;
	uint64_t left;     /* of the literal's bytes */
	size_t text_max;   /* IN_TEXT */
	const char *why;   /* LOST */
};

void imap_line_init(struct imap_line *l, const struct imap_line_limits *limits);
/* Wipes and frees. */
void imap_line_clear(struct imap_line *l);
/* From the next command on. */
void imap_line_set_limits(
	struct imap_line *l, const struct imap_line_limits *limits);

/* Takes bytes from *in up to one event.  After LITERAL and END it takes nothing
 * and says MORE until the caller decided. */
enum imap_line_event imap_line_take(
	struct imap_line *l, struct span *in, struct imap_line_got *out);

/* Would the announced literal be within the limits, if it were kept? */
bool imap_line_may_keep(const struct imap_line *l);
/* What becomes of the announced literal.  After keep and stream of one that
 * is_waiting, the caller writes a continuation ("+ ", CRLF).  After stream
 * BYTES follow, and then the text from behind the literal. */
void imap_line_keep(struct imap_line *l);   /* only if imap_line_may_keep */
void imap_line_stream(struct imap_line *l); /* size below UINT64_MAX */
/* The caller answers the command's tag with NO or BAD now.  The client does not
 * send a literal that it waits for; another one, and what follows it, is thrown
 * away; if that is more than thrown_max, END follows. */
void imap_line_refuse(struct imap_line *l);
/* While a literal is streamed: its rest and the rest of the command are thrown
 * away, how much it be (the client has been told to send it); the caller has
 * answered the tag, or does so now. */
void imap_line_drop(struct imap_line *l);

/* The next line is no command but a line of AUTHENTICATE's exchange or IDLE's
 * DONE: it is given as TEXT.  Of one longer than max the first max + 1 bytes.
 * */
void imap_line_want_text(struct imap_line *l, size_t max);
/* The bytes of the last command are overwritten: it had a password. */
void imap_line_wipe(struct imap_line *l);
/* Nothing has come of a command, or of the line of want_text: the session may be
 * laid to sleep. */
bool imap_line_is_idle(const struct imap_line *l);

#endif
