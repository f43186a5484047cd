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

#endif
