/*
 * imap_fetch.h - what FETCH asks for, and how far its answer is.
 * RFC 9051 6.4.5, 7.5.2
 *
 * imap_fetch_read.c reads the items, imap_cmd_fetch.c puts those that are small,
 * imap_fetch_body.c those that are literals: they go out a piece at a time.
 */
#ifndef POSTRIDER_IMAP_IMAP_FETCH_H
#define POSTRIDER_IMAP_IMAP_FETCH_H

#include "imap/imap_bytes.h"
#include "imap/imap_int.h"
#include "message/section.h"
#include "message/section_binary.h"

#define IMAP_FETCH_ITEMS_MAX 200

/* A header of which some fields are asked for is looked at up to here. */
#define IMAP_FETCH_HEAD_BYTES (4u << 20)

struct imap_fetch;
struct imap_item;
/* Puts the item of the message at hand; a long one begins to be sent. */
typedef void imap_item_fn(struct imap_session *s, struct imap_fetch *f,
	const struct imap_item *item);

struct imap_item {
	imap_item_fn *put;
	const char *name;       /* as the answer says it */
	bool sets_seen;         /* no PEEK */
	struct section section; /* BODY[…], BINARY[…] */
	bool has_brackets;
	struct span text;       /* between them, as it was asked for */
	bool has_partial;
	uint64_t from, count;
};

struct imap_fetch {
	struct imap_set asked;  /* as the client named it */
	struct imap_set set;    /* the same, or what PARTIAL left of it */
	struct imap_item items[IMAP_FETCH_ITEMS_MAX];
	size_t item_count;
	bool has_flags;         /* FLAGS is one of them */
	bool has_uid;
	bool has_modseq;
	bool has_changed_since; /* RFC 7162 3.1.4 */
	bool wants_vanished;    /* RFC 7162 3.2.6 */
	bool sets_seen;
	uint64_t changed_since;
	bool has_window;        /* PARTIAL: RFC 9394 3.3 */
	struct imap_window window;

	/* Nobody asked now: NOTIFY wants it of what is new, from walk.number on,
	 * or of these uids; without those of the client's own. */
	bool is_notice;
	struct store_uids notice_uids; /* owned */
	uint32_t skip_from, skip_end;

	/* the job */
	bool is_begun;
	struct imap_walk walk;
	bool in_message;        /* its "(" was put */
	bool is_first;          /* item of it */
	size_t at;              /* the next item */
	uint32_t uid;
	struct store_row row;   /* a copy: the view may move */
	struct store_uids seen; /* which became \Seen by this; owned */
	struct store_metas metas; /* .what: what the items need; 0: nothing */
	struct store_meta meta; /* of it the size is always there */
	struct arena arena;     /* of the message at hand */
	/* a literal on its way */
	bool is_sending, is_binary;
	struct imap_bytes bytes; /* open while is_sending */
	struct section_range range;
	struct section_binary binary;
	/* how it ends */
	bool has_gone, has_damaged, has_unknown_cte;
	const char *refused;    /* BINARY of what has no body of its own */
};

/* Reads everything behind the set. */
bool imap_fetch_read(struct imap_session *s, struct imap_reader *r,
	struct imap_fetch *f);

/* Reads "(item item …)": NOTIFY. */
bool imap_fetch_read_list(struct imap_reader *r, struct imap_fetch *f);
/* Puts more of the messages; DONE: all of them. */
enum step imap_fetch_go_on(struct imap_session *s, struct imap_fetch *f);
/* Frees what it holds, also in the middle. */
void imap_fetch_clear(struct imap_fetch *f);

imap_item_fn imap_put_item_flags, imap_put_item_uid, imap_put_item_date,
	imap_put_item_saved, imap_put_item_size, imap_put_item_modseq,
	imap_put_item_envelope, imap_put_item_body_form,
	imap_put_item_bodystructure, imap_put_item_email_id,
	imap_put_item_thread_id, imap_put_item_preview;
/* imap_fetch_body.c */
/* Is it all of the message, whose structure does not matter then? */
bool imap_is_whole(const struct imap_item *item);
imap_item_fn imap_put_item_section, imap_put_item_binary,
	imap_put_item_binary_size;
/* Sends more of the literal; DONE: it is complete; BAD: it is damaged, and
 * cannot be taken back. */
enum step imap_fetch_send(struct imap_session *s, struct imap_fetch *f);

#endif
