/*
 * fixture.h - a store on a real file in a folder of its own, for tests.
 */
#ifndef TESTS_UNIT_STORE_FIXTURE_H
#define TESTS_UNIT_STORE_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/store.h"

#define FIXTURE_ACCOUNT 7

struct fixture {
	char folder[64];
	char path[96];
	struct store *store;
	struct err e;
};

static inline void fixture_path(struct fixture *f)
{
	(void)snprintf(f->folder, sizeof(f->folder), "/tmp/test-store-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	(void)snprintf(f->path, sizeof(f->path), "%s/mail.db", f->folder);
}

static inline void fixture_open(struct fixture *f)
{
	enum code code = store_open(f->path, FIXTURE_ACCOUNT, 1700000000000,
		&f->store, &f->e);

	if (code != OK)
		fail_msg("%s", f->e.text);
}

static inline void fixture_remove(struct fixture *f)
{
	static const char *const names[] = {"", "-wal", "-journal", "-shm"};
	char path[128];

	store_close(f->store);
	f->store = NULL;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", f->path, names[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(f->folder), 0);
}

/* A delivery of this body; its hash goes into *sum, which must live on. */
static inline struct store_delivery delivery_of(uint64_t qid,
	struct span body, struct sha256 *sum)
{
	*sum = sha256_of(body);
	return (struct store_delivery){
		.qid = qid,
		.received_ms = 1700000000000,
		.reverse_path = SPAN("alice@crepes.fr"),
		.rcpt = SPAN("bob@hamburger.edu"),
		.trace = SPAN("Received: by here\r\n"),
		.body = body,
		.fd = -1,
		.size = body.n,
		.sha256 = sha256_span(sum),
	};
}

#define HEAD                                                                   \
	"Return-Path: <alice@crepes.fr>\r\n"                                   \
	"Delivered-To: bob@hamburger.edu\r\n"                                  \
	"Received: by here\r\n"

/* One delivery in a batch of its own. */
static inline enum code deliver(struct fixture *f, uint64_t qid,
	struct span body, uint64_t *out_uid)
{
	struct sha256 sum;
	struct store_delivery d = delivery_of(qid, body, &sum);
	enum code code;

	assert_int_equal(store_delivery_begin(f->store, &f->e), OK);
	code = store_delivery_add(f->store, &d, out_uid, &f->e);
	assert_int_equal(store_delivery_commit(f->store, &f->e), OK);
	return code;
}

#endif
