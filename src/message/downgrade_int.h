/*
 * downgrade_int.h - what the parts of the converter share.
 *
 *	downgrade.c       the runs of a message, and their way through
 *	downgrade_look.c  what is in them, and what is to be done about it
 *	downgrade_head.c  the head of a part, with other fields
 *
 * A message is a list of runs that follow one another: the head of a part, the
 * body of a leaf, and the gaps between them (boundaries, preambles, epilogues).
 */
#ifndef POSTRIDER_MESSAGE_DOWNGRADE_INT_H
#define POSTRIDER_MESSAGE_DOWNGRADE_INT_H

#include "codec/transfer.h"
#include "message/downgrade.h"

enum run_kind { RUN_HEAD, RUN_BODY, RUN_GAP };

struct run {
	uint64_t end;  /* offset behind it in the message */
	uint32_t part; /* whose it is */
	enum run_kind kind;
};

/* What was found in a run, or in all runs of one kind of a part. */
struct finds {
	uint64_t bytes;
	uint64_t high;     /* bytes above 127 */
	uint64_t controls; /* that quoted-printable encodes, and "=" */
	bool has_nul, has_long, has_bare; /* bare: CR or LF */
};

struct piece {
	uint32_t parent;
	enum mime_kind kind;
	enum mime_encoding encoding; /* as the message says */
	bool is_sealed;    /* may not be touched; its own head may */
	bool is_inside_seal; /* nor may its head */
	bool is_fixed;     /* its type forbids an encoding */
	bool is_text;
	bool is_opaque;    /* children are not all known */
	bool is_message;   /* a message begins here, with fields of its own */
	bool is_head_large; /* too large to be written anew */
	bool has_body;
	struct finds body;
	bool has_head_high;
	/* decided: */
	bool is_encoded;   /* the body goes through decoder and encoder */
	bool is_head_made; /* the head is written anew */
	bool needs_version; /* MIME-Version, if it is not there */
	enum transfer_coding coding;
	const char *label; /* NULL: the field stays */
	bool is_8bit;      /* afterwards */
};

struct downgrade {
	struct piece *pieces;
	struct run *runs;
	size_t count, run_count; /* of pieces; of runs */
	bool allows_8bit;
	/* looking */
	size_t line;      /* length so far */
	bool is_after_cr;
	const char *trouble; /* found on the way; NULL: none */
	bool has_bare;    /* outside of bodies */
	struct finds finds; /* of the present head or gap */
	/* where look, or feed, stands */
	size_t at;        /* run */
	uint64_t offset;
	bool is_begun;    /* the run */
	struct buf head;  /* of the part, until all of it is there */
	struct buf plain; /* decoded, between decoder and encoder */
	struct transfer_decoder decoder;
	struct transfer_encoder encoder;
	uint8_t last;     /* byte written */
};

/* ---- downgrade.c ---------------------------------------------------------- */
/* Cuts what belongs to the present run off *bytes; *out_is_done: it ends here.
 * NULL: there is no run left. */
const struct run *downgrade_cut(struct downgrade *d, struct span *bytes,
	struct span *out, bool *out_is_done);
void downgrade_rewind(struct downgrade *d);

/* ---- downgrade_head.c ------------------------------------------------------- */
/* Writes the head with the fields that p wants; *out_is_good: every byte above
 * 127 has found an encoded word. */
void downgrade_head_put(const struct piece *p, struct span head,
	struct buf *out, bool *out_is_good);

#endif
