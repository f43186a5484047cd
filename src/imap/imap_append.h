/*
 * imap_append.h - messages on their way from a client: APPEND and REPLACE.
 *
 * imap_append.c reads such a command as its bytes come; imap_gather.c keeps the
 * APPENDs that are complete until all that were sent ahead are stored at once.
 */
#ifndef POSTRIDER_IMAP_IMAP_APPEND_H
#define POSTRIDER_IMAP_IMAP_APPEND_H

#include "imap/imap_int.h"

/* Messages of one command. */
#define IMAP_APPEND_MESSAGES_MAX 100
/* What of the text of a command is kept: keywords, at most its lines. */
#define IMAP_APPEND_ARENA_BYTES (32u << 20)

struct imap_append {
	struct imap_append *next; /* of those that are gathered */
	struct arena arena;  /* what lives as long as this */
	struct span tag;
	struct span answer;  /* gathered: it was refused, this is owed; else
				empty */
	uint64_t mailbox;
	uint32_t replaced;   /* the uid of what goes; 0: APPEND */
	struct store_append *items; /* in the arena; uploads are owned */
	size_t count, room;
	uint64_t bytes;      /* of all */
	bool is_utf8;        /* the literal stands in "UTF8 (…)": a ")" comes */
};

struct imap_append *imap_append_new(struct imap_session *s);
void imap_append_free(struct imap_append *a); /* takes NULL */
/* Room for one more message, all 0; not counted yet. */
struct store_append *imap_append_room(struct imap_append *a);
/* "[APPENDUID 38505 3955:3957] " */
void imap_append_put_uids(struct imap_session *s, const struct imap_append *a,
	uint32_t first_uid, struct buf *out);

#endif
