/*
 * pop3_client.h - the client's side of POP3: reads one reply after the other.
 * RFC 1939 3
 *
 * Pure.  The caller writes commands, and says before each reply whether it has
 * lines after its first (RETR, TOP, LIST without argument): only they know.
 */
#ifndef POSTRIDER_POP3_POP3_CLIENT_H
#define POSTRIDER_POP3_POP3_CLIENT_H

#include "base/buf.h"
#include "base/err.h"

/* RFC 1939 3: 512 with CRLF; servers with long texts exist */
#define POP3_STATUS_MAX 2048

enum pop3_client_state {
	POP3_STATUS,  /* in the first line */
	POP3_START,   /* at the start of a line of the rest */
	POP3_LINE,    /* in such a line */
	POP3_DOT,     /* behind a dot at its start */
	POP3_DOT_CR,  /* behind that dot and a CR */
	POP3_COMPLETE
};

struct pop3_client {
	enum pop3_client_state state;
	bool is_multiline;
	bool is_ok;        /* "+OK"; valid when DONE */
	struct buf status; /* the first line without its line end */
	struct buf body;   /* the lines after it, dots unstuffed */
};

/* body_max: bytes of the longest message that is read. */
void pop3_client_init(struct pop3_client *c, size_t body_max);
void pop3_client_clear(struct pop3_client *c);

/* A command was written: its reply comes next. */
void pop3_client_expect(struct pop3_client *c, bool is_multiline);

/* Takes bytes up to the end of the reply; *out_taken says how many.  BAD: this
 * is no POP3, or larger than the limits. */
enum step pop3_client_feed(struct pop3_client *c, struct span in,
	size_t *out_taken);

/* The text behind "+OK" or "-ERR". */
struct span pop3_client_text(const struct pop3_client *c);

#endif
