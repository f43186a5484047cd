/*
 * imap_metadata.h - entries of METADATA: their names, and how their values are
 * said.  RFC 5464 3.2, 4.2, 4.4; RFC 6154 4 ("/private/specialuse")
 */
#ifndef POSTRIDER_IMAP_IMAP_METADATA_H
#define POSTRIDER_IMAP_IMAP_METADATA_H

#include "imap/imap_int.h"
#include "store/store_annotation.h"

/* In one command. */
#define IMAP_ENTRIES_MAX 100u

/* The use of a mailbox, which clients may read and set as an entry. */
#define IMAP_ENTRY_USE SPAN("/private/specialuse")

/* Reads one name, into the arena in lower case.  is_whole: it has all its parts,
 * as one that is set; else it may be the top of others. */
bool imap_read_entry(struct imap_reader *r, bool is_whole, struct span *out);

struct imap_entries {
	struct span names[IMAP_ENTRIES_MAX]; /* each once */
	size_t count;
};
/* entry / "(" entry *(SP entry) ")" */
bool imap_read_entries(struct imap_reader *r, struct imap_entries *out);

/* What is asked of each entry, and what came of it. */
struct imap_metadata {
	enum store_depth depth;
	bool has_max;
	uint32_t max;     /* bytes of a value that is said */
	uint64_t longest; /* of those that were not; 0: none */
};

/* "* METADATA name (entry value …)" of an entry and what is below it; NIL if
 * there is nothing.  m: NULL: the server's. */
enum code imap_put_metadata(struct imap_session *s,
	const struct store_mailbox *m, struct span entry,
	struct imap_metadata *how, struct err *e) MUST_USE;
/* An astring. */
void imap_put_entry(struct buf *out, struct span entry);

#endif
