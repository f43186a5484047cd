/*
 * summary.h - what is worth knowing of a message, of one pass over its bytes:
 * the store keeps it beside them, and nobody parses the message again.
 *
 * The message is fed in pieces of any size.  All that is found lives in the
 * arena; no input is too wild for it, and the arena never needs more than
 * SUMMARY_ARENA_BYTES.
 */
#ifndef POSTRIDER_MESSAGE_SUMMARY_H
#define POSTRIDER_MESSAGE_SUMMARY_H

#include "message/mime.h"

/* What is kept of the message's bytes, for the preview. */
#define SUMMARY_BEGINNING_BYTES 65536u
#define SUMMARY_ARENA_BYTES     (MIME_ARENA_BYTES + (1u << 20))
/* The message's own id, what it answers, the first of its References and the
 * last ones: enough to find a thread whose middle was lost. */
#define SUMMARY_IDS_MAX         32
/* What is looked at of a subject to tell threads apart. */
#define SUMMARY_SUBJECT_BYTES   1024

struct summary {
	const struct mime_tree *tree;
	const struct envelope *envelope; /* of the message itself */
	bool has_sent;    /* there is a Date: that can be read */
	int64_t sent_ms;  /* since 1970 UTC */
	bool has_attachment; /* jmap_view.h */
	struct span preview; /* preview.h */
	/* Base subject (RFC 5256 2.1) without blanks and ASCII case: what is
	 * the same in all messages of a thread. */
	struct span subject;
	/* For msgid_put; its own first if it has one, then any order, some
	 * maybe twice. */
	struct span ids[SUMMARY_IDS_MAX];
	size_t id_count;
};

struct summary_maker {
	struct arena *arena; /* of the caller; for nothing else meanwhile */
	struct mime_parser *parser;
	uint8_t *beginning;
	size_t beginning_n, beginning_room;
};

/* size: of the whole message, or more; bounds what is kept of it. */
void summary_begin(struct summary_maker *m, struct arena *a, uint64_t size);
void summary_feed(struct summary_maker *m, struct span bytes);
void summary_end(struct summary_maker *m, struct summary *out);

#endif
