/*
 * imap_sort.h - messages in an order that the client names.  RFC 5256 3 (SORT),
 * RFC 5957 (SORT=DISPLAY), RFC 6203 6 (RELEVANCY)
 *
 * What the order needs of each message is taken when it is found, texts folded
 * and cut, so that comparing touches nothing else.
 */
#ifndef POSTRIDER_IMAP_IMAP_SORT_H
#define POSTRIDER_IMAP_IMAP_SORT_H

#include "base/arena.h"
#include "imap/imap_read.h"
#include "store/store_view.h"

#define IMAP_SORT_KEYS_MAX 10
/* Of a text so many bytes count. */
#define IMAP_SORT_TEXT_BYTES 200u
/* What all messages of a sort may take: some million of them. */
#define IMAP_SORT_BYTES (512u << 20)

enum imap_sort_by {
	IMAP_SORT_ARRIVAL,
	IMAP_SORT_CC,
	IMAP_SORT_DATE,
	IMAP_SORT_DISPLAYFROM,
	IMAP_SORT_DISPLAYTO,
	IMAP_SORT_FROM,
	IMAP_SORT_RELEVANCY, /* RFC 6203 6: the best first */
	IMAP_SORT_SIZE,
	IMAP_SORT_SUBJECT,
	IMAP_SORT_TO,
	IMAP_SORT_BY_COUNT
};

struct imap_sort_value {
	int64_t number;
	struct span text;
};

struct imap_sort_item {
	uint32_t uid;
	uint8_t score;
	const struct imap_sort_value *values; /* one a key */
};

struct imap_sort {
	struct {
		enum imap_sort_by by;
		bool is_reverse;
	} keys[IMAP_SORT_KEYS_MAX];
	size_t key_count;
	bool needs_meta;
	bool needs_score;
	unsigned score;      /* of the message that is taken next */
	struct arena arena;  /* of values and texts */
	struct arena message; /* of the message at hand */
	struct imap_sort_item *items; /* owned */
	size_t count, room;
};

/* "(REVERSE DATE SUBJECT)" */
bool imap_sort_read(struct imap_reader *r, struct imap_sort *out);
/* Takes one message more; in the order of the mailbox.  LIMIT: too many; else
 * the codes of store_message_meta. */
enum code imap_sort_add(struct imap_sort *s, struct store *store,
	const struct store_row *row, struct err *e) MUST_USE;
/* < 0: a comes first; 0: equal. */
int imap_sort_compare(const struct imap_sort *s, const struct imap_sort_item *a,
	const struct imap_sort_item *b);
/* Puts the items in order; equal ones stay as they came. */
void imap_sort_run(struct imap_sort *s);
void imap_sort_clear(struct imap_sort *s);

#endif
