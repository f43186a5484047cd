/*
 * smtp_client_reply.h - reads the replies of a server, byte by byte and within
 * bounds.  RFC 5321 4.2, RFC 2034.
 *
 * A reply may be as odd as it likes: of each line SMTP_REPLY_LINE_BYTES are
 * kept, a reply of more than SMTP_REPLY_BYTES is BAD, and so is a line without
 * a code.  Lines may end in LF alone.  Text comes out as printable ASCII, with
 * "?" for everything else, fit for logs and notifications.
 */
#ifndef POSTRIDER_SMTP_SMTP_CLIENT_REPLY_H
#define POSTRIDER_SMTP_SMTP_CLIENT_REPLY_H

#include "base/span.h"

#define SMTP_REPLY_LINE_BYTES 2048
#define SMTP_REPLY_BYTES      65536
#define SMTP_REPLY_TEXT_BYTES 1024
#define SMTP_ENHANCED_BYTES   12

enum smtp_reply_step {
	SMTP_REPLY_MORE, /* needs bytes */
	SMTP_REPLY_LINE, /* a line that is not the last */
	SMTP_REPLY_END,  /* the last line: the reply is complete */
	SMTP_REPLY_BAD   /* not a reply, or one without an end */
};

struct smtp_reply {
	uint32_t code;       /* of the last line; 451 if the lines were of
	                        different classes */
	struct span line;    /* the latest line as a whole, without its end */
	struct span words;   /* the latest line without its code */
	struct span text;    /* of all lines, without codes */
	struct span enhanced; /* "5.1.1"; empty: none, or of another class */
	unsigned lines;
};

struct smtp_reply_reader {
	uint8_t line[SMTP_REPLY_LINE_BYTES];
	size_t line_bytes;
	size_t total_bytes; /* of this reply */
	uint8_t text[SMTP_REPLY_TEXT_BYTES];
	size_t text_bytes;
	uint8_t enhanced[SMTP_ENHANCED_BYTES];
	size_t enhanced_bytes;
	uint32_t code;
	unsigned lines;
	bool is_mixed;
	bool is_line_done; /* the line was given out: the next byte begins
	                      another */
	bool is_done;      /* so was the reply */
};

void smtp_reply_init(struct smtp_reply_reader *r);
/* Takes bytes from the front of *in up to the end of a line at most.  The
 * spans of *out are valid until the next call. */
enum smtp_reply_step smtp_reply_feed(struct smtp_reply_reader *r,
	struct span *in, struct smtp_reply *out);

#endif
