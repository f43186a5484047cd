/*
 * imap_append.h - messages on their way from a client: APPEND and REPLACE.
 *
 * imap_append.c reads such a command as its bytes come, imap_catenate.c has the
 * parts of CATENATE; imap_gather.c keeps the APPENDs that are complete until all
 * that were sent ahead are stored at once.
 */
#ifndef POSTRIDER_IMAP_IMAP_APPEND_H
#define POSTRIDER_IMAP_IMAP_APPEND_H

#include "imap/imap_int.h"

/* Messages of one command. */
#define IMAP_APPEND_MESSAGES_MAX 100
/* What of the text of a command is kept: keywords, at most its lines. */
#define IMAP_APPEND_ARENA_BYTES (32u << 20)

/* What comes next in the text. */
enum imap_append_place {
	IMAP_APPEND_MESSAGE,          /* a message, or the end */
	IMAP_APPEND_MESSAGE_CLOSE,    /* the ")" of "UTF8 (~{n}" */
	IMAP_APPEND_PART,             /* of CATENATE */
	IMAP_APPEND_PART_CLOSE,       /* the ")" of a part in UTF8 */
	IMAP_APPEND_PART_OR_CLOSE,    /* the next one, or ")" of CATENATE */
};

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
	enum imap_append_place place;
	size_t at;           /* up to here the text was read; it begins anew
				behind a literal that was streamed */
	/* CATENATE */
	uint64_t size;       /* of the message at hand, so far */
	size_t parts;        /* of all */
	uint64_t read;       /* bytes of messages that URLs made us read */
};

struct imap_append *imap_append_new(struct imap_session *s);
void imap_append_free(struct imap_append *a); /* takes NULL */
/* Room for one more message, all 0; not counted yet. */
struct store_append *imap_append_room(struct imap_append *a);
/* "[APPENDUID 38505 3955:3957] " */
/* The refusal, with both sizes. */
void imap_append_too_big(struct imap_session *s, uint64_t size);
void imap_append_put_uids(struct imap_session *s, const struct imap_append *a,
	uint32_t first_uid, struct buf *out);

/* ---- imap_catenate.c --- */
/* One more part is about to come; false: NO was said. */
bool imap_append_may_have_part(struct imap_session *s);
/* Would what came of the command and so many bytes more fit? */
bool imap_append_is_within_quota(const struct imap_session *s, uint64_t more);
/* The message at hand, the last of s->append, gets so many bytes more.  The
 * same. */
bool imap_append_grow(struct imap_session *s, uint64_t more);
/* The bytes that a URL names go into it.  The same. */
bool imap_append_url(struct imap_session *s, struct span text);

#endif
