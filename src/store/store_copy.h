/*
 * store_copy.h - copies within an open transaction; for the store's own verbs.
 */
#ifndef POSTRIDER_STORE_STORE_COPY_H
#define POSTRIDER_STORE_STORE_COPY_H

#include "store/store_int.h"

struct store_moving {
	int64_t now_ms;
	bool is_move; /* they leave the mailbox of the view */
};

/* out is empty, and the caller's, as in store_copy. */
enum code store_copy_within(struct store_view *v, const uint32_t *uids,
	size_t count, struct store_box *to, const struct store_moving *how,
	struct store_copied *out, struct err *e) MUST_USE;

#endif
