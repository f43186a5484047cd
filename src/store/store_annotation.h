/*
 * store_annotation.h - what clients note about mailboxes and about the server:
 * entries with values.  RFC 5464
 *
 * An entry is a path, "/private/comment", in lower case; whether it may be one
 * is for the protocol to say.  Annotations stay with their mailbox when it gets
 * another name, and go when it is removed.  A store is one person's, so what is
 * shared and what is private differs in name only.
 */
#ifndef POSTRIDER_STORE_STORE_ANNOTATION_H
#define POSTRIDER_STORE_STORE_ANNOTATION_H

#include "store/store_mailbox.h"

/* RFC 5464 4.1 asks for ten of 1,024 octets at least. */
#define STORE_ENTRY_BYTES      255u   /* of a name */
#define STORE_ANNOTATION_BYTES 65536u /* of a value */
#define STORE_ANNOTATIONS_MAX  100u   /* of a mailbox, and of the server */
/* Names and values of all that an account has, and 64 bytes for each. */
#define STORE_ANNOTATIONS_BYTES (16u << 20)

/* Where annotations of the server stand. */
#define STORE_SERVER 0u

struct store_annotation {
	struct span entry;
	struct span value; /* p is NULL: there shall be none; any bytes */
};

struct store_annotations {
	const struct store_annotation *items; /* of one entry the last counts */
	size_t count;
	bool sets_use; /* the mailbox's special use too: RFC 6154 4 */
	enum store_use use;
};

/* All of it or nothing, in one transaction.  Listeners hear of each entry whose
 * value changed.  NOT_FOUND: no such mailbox; LIMIT: too many, or too much for
 * the account; EXISTS, DENIED: the use, as store_mailbox_set_use.  Names and
 * values that are too long are the caller's fault. */
enum code store_annotate(struct store *s, uint64_t mailbox,
	const struct store_annotations *change, struct err *e) MUST_USE;

enum store_depth {
	STORE_DEPTH_ENTRY, /* itself */
	STORE_DEPTH_ONE,   /* and what is one level below it */
	STORE_DEPTH_ALL
};

/* What was noted at an entry and below it, in the order of names; the spans are
 * valid during the call, which may not touch the store. */
typedef void store_annotation_fn(
	void *arg, const struct store_annotation *found);
enum code store_annotations_read(struct store *s, uint64_t mailbox,
	struct span entry, enum store_depth depth, store_annotation_fn *fn,
	void *arg, struct err *e) MUST_USE;

#endif
