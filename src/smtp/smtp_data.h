/*
 * smtp_data.h - what a message's bytes are, while they come: where they end,
 * what is wrong with them, what its header section says about loops.
 *
 * Nothing is kept and nothing copied: spans of the input go in, spans of the
 * same input come out.  RFC 5321 4.1.1.4, 4.5.2; RFC 3030 2.
 */
#ifndef POSTRIDER_SMTP_SMTP_DATA_H
#define POSTRIDER_SMTP_SMTP_DATA_H

#include "base/err.h"
#include "base/span.h"

/* What is wrong with the message so far; bits, for the input may come in any
 * pieces and the verdict may not depend on them. */
#define SMTP_FAULT_BARE   1u  /* a CR or LF alone */
#define SMTP_FAULT_NUL    2u
#define SMTP_FAULT_HEADER 4u  /* a limit below */

#define SMTP_HEADER_LINES_MAX 10000
#define SMTP_FIELD_BYTES_MAX  (1u << 20) /* one field with its folds */
#define SMTP_FIELD_NAME_MAX   100

enum smtp_data_at {
	SMTP_AT_LINE,   /* after CR LF, or at the start */
	SMTP_AT_TEXT,   /* within a line */
	SMTP_AT_CR,     /* after a CR */
	SMTP_AT_DOT,    /* after a dot that began a line, not handed out */
	SMTP_AT_DOT_CR  /* after the CR behind it, not handed out */
};

enum smtp_header_at {
	SMTP_HEADER_NAME,  /* in the name of a field, or before it */
	SMTP_HEADER_VALUE, /* behind its colon, or in a fold */
	SMTP_HEADER_OVER   /* in the body */
};

struct smtp_data {
	enum smtp_data_at at;
	bool has_dots;      /* DATA: dots are stuffed, and one ends it */
	bool has_8bit;      /* a byte above 127 was seen */
	unsigned faults;    /* SMTP_FAULT_* */
	uint32_t received;  /* Received: fields of the header section */
	enum smtp_header_at header_at;
	uint32_t header_lines;
	uint32_t name_len;
	uint32_t name_match; /* how much of "received" it is so far */
	bool name_ended;     /* a blank follows the name */
	uint64_t field_bytes;
	bool line_is_empty;
};

void smtp_data_init(struct smtp_data *d, bool has_dots);

/* Takes from the front of in: *out_taken bytes, of which *out_body (may be
 * empty) belongs to the message.  DONE: the final dot was taken; only with
 * has_dots.  Else MORE: offer the rest, or what comes next. */
enum step smtp_data_scan(struct smtp_data *d, struct span in,
	size_t *out_taken, struct span *out_body);

/* Without dots: the last byte was taken.  A CR at the end is alone. */
void smtp_data_end(struct smtp_data *d);

#endif
