/*
 * search_text.h - the words of a message as a search sees them: decoded and
 * folded (codec/fold.h).  RFC 9051 6.4.4 (BODY, TEXT)
 *
 * What is looked at: of every text part its text, decoded; of every part its
 * head, encoded words decoded.  Attachments that are no text have no words.  It
 * comes in runs, the fields of heads and the texts of parts, and nothing is found
 * across two of them.
 *
 * Who looks for words and who notes which there are (store_signature.h) both read
 * a message through this, so that they see the same.  Fed in pieces of any size;
 * takes memory for a head and some lines.
 */
#ifndef POSTRIDER_MESSAGE_SEARCH_TEXT_H
#define POSTRIDER_MESSAGE_SEARCH_TEXT_H

#include "message/body_text.h"
#include "message/mime.h"

enum search_place {
	SEARCH_TOP_HEAD,  /* of the message itself: not BODY */
	SEARCH_PART_HEAD,
	SEARCH_BODY
};

/* More of a part's head is no head of people, and not looked at. */
#define SEARCH_HEAD_BYTES (1u << 20)

struct search_piece {
	enum search_place place;
	bool is_first;      /* of its run */
	struct span folded; /* whole characters; may be empty */
};

/* False: it was enough. */
typedef bool search_text_fn(void *arg, const struct search_piece *piece);

struct search_text {
	const struct mime_tree *tree; /* borrowed */
	search_text_fn *fn;
	void *arg;
	uint64_t at;      /* offset of the next byte */
	uint32_t part;    /* whose turn it is */
	bool in_body;
	bool is_reading;  /* in its body */
	bool is_first;
	bool is_over;     /* fn had enough, or it is the end */
	bool is_cut;      /* a head was longer; stays after the end */
	struct buf head;  /* owned: of the part, as far as it came */
	struct body_text body; /* if is_reading */
	struct buf text;  /* owned: decoded, not folded yet */
	struct buf folded; /* owned */
};

/* Each init needs its end; the tree is that of the bytes. */
void search_text_init(struct search_text *t, const struct mime_tree *tree,
	search_text_fn *fn, void *arg);
/* The next bytes of the message; false: no more are wanted. */
bool search_text_feed(struct search_text *t, struct span bytes);
/* That was all: what is left is given. */
void search_text_end(struct search_text *t);

#endif
