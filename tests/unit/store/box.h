/*
 * box.h - what tests of mailboxes share: to bring messages, to pick uids.
 */
#ifndef TESTS_UNIT_STORE_BOX_H
#define TESTS_UNIT_STORE_BOX_H

#include "verify.h"

#include "store/store_change.h"
#include "store/store_mailbox.h"

#define NOW_MS 1700000005000

/* A message into a mailbox, through the door of APPEND. */
static inline enum code bring(struct fixture *f, uint64_t mailbox,
	struct span text, unsigned flags, struct span keyword, uint32_t *out_uid)
{
	struct store_append item = {.flags = flags, .keywords = &keyword,
		.keyword_count = keyword.n > 0, .received_ms = 1600000000000};
	enum code code = store_upload_begin(f->store, text.n, &item.upload,
		&f->e);

	if (code != OK)
		return code;
	assert_int_equal(store_upload_feed(item.upload, text, &f->e), OK);
	code = store_append(f->store, mailbox, &item, 1, NOW_MS, out_uid,
		&f->e);
	store_upload_free(item.upload);
	return code;
}

static inline uint64_t make_mailbox(struct fixture *f, const char *name)
{
	uint64_t id;

	if (store_mailbox_create(f->store, span_str(name), STORE_USE_NONE, &id,
		    &f->e) != OK)
		fail_msg("%s: %s", name, f->e.text);
	return id;
}

static inline const struct store_mailbox *named(struct fixture *f, const char *name)
{
	return store_mailbox_find(f->store, span_str(name));
}

static inline struct store_view *view_of(struct fixture *f, uint64_t mailbox)
{
	struct store_view *v;

	if (store_view_open(f->store, mailbox, &v, &f->e) != OK)
		fail_msg("%s", f->e.text);
	return v;
}

/* Flags of these uids, which must work; how many changed. */
static inline size_t put_flags(struct fixture *f, struct store_view *v,
	const uint32_t *uids, size_t count, enum store_flags_how how,
	unsigned flags, struct span keyword)
{
	const struct store_flags_change change = {.how = how, .flags = flags,
		.keywords = &keyword, .keyword_count = keyword.n > 0};
	struct store_flags_result r;

	if (store_flags_store(v, uids, count, &change, &r, &f->e) != OK)
		fail_msg("%s", f->e.text);
	assert_int_equal(r.failed.count, 0);
	store_uids_clear(&r.failed);
	return r.changed;
}

#define UIDS(...) ((const uint32_t[]){__VA_ARGS__})

#endif
