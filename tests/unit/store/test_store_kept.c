/*
 * test_store_kept.c - what a store keeps in memory for who comes next: the view
 * that was closed last, and which bodies were right.
 */
#define _GNU_SOURCE
#include "box.h"

#include <fcntl.h>
#include <malloc.h>

#include "store/store_int.h"

/* ---- the view ------------------------------------------------------------------- */
static void keeps_the_last_view_and_brings_it_up_to_date(void **state)
{
	struct fixture *f = *state;
	uint64_t inbox = store_inbox(f->store), other = make_mailbox(f, "Other");
	struct store_uids gone = {0};
	struct store_view *v;
	uint32_t uid;

	for (int i = 0; i < 3; i++)
		assert_int_equal(bring(f, inbox, BODY, 0, SPAN_EMPTY, &uid), OK);
	store_view_close(view_of(f, inbox));
	assert_non_null(f->store->kept_view);
	assert_int_equal(bring(f, inbox, BODY, STORE_FLAG_SEEN, SPAN_EMPTY,
		&uid), OK);
	v = view_of(f, inbox);
	assert_null(f->store->kept_view);
	assert_int_equal(v->count, 4);
	assert_int_equal(v->uidnext, 5);
	assert_int_equal(v->rows[3].flags, STORE_FLAG_SEEN);
	assert_int_equal(store_expunge(v, UIDS(2), 1, &gone, &f->e), OK);
	store_uids_clear(&gone);
	store_view_close(v);
	v = view_of(f, inbox);
	assert_int_equal(v->count, 3);
	/* one is kept, not all */
	store_view_close(view_of(f, other));
	store_view_close(v);
	assert_ptr_equal(f->store->kept_view->box, store_box_get(f->store, inbox));
	assert_null(store_box_get(f->store, other)->view);
	store_tidy(f->store);
	assert_null(f->store->kept_view);
	assert_int_equal(broken(f), 0);
}

static void forgets_the_view_of_a_mailbox_that_goes(void **state)
{
	struct fixture *f = *state;
	uint64_t id = make_mailbox(f, "Gone");
	struct store_view *v;
	uint32_t uid;

	assert_int_equal(bring(f, id, BODY, 0, SPAN_EMPTY, &uid), OK);
	store_view_close(view_of(f, id));
	assert_int_equal(store_mailbox_delete(f->store, id, false,
		&f->e), OK);
	assert_null(f->store->kept_view);
	assert_int_equal(store_view_open(f->store, id, &v, &f->e), NOT_FOUND);
	assert_int_equal(broken(f), 0);
}

#define MANY 20000

static size_t heap_bytes(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

/* What a mailbox costs is its rows, not the pages that they were read from. */
static void opens_a_long_mailbox_in_little_memory(void **state)
{
	static const char sql[] =
		"WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n "
		"WHERE i < 20000) INSERT INTO entry SELECT account, mailbox, i, "
		"message, flags, keywords, modseq, saved_ms, size, received_ms "
		"FROM entry, n; UPDATE mailbox SET entries = 20000, "
		"uidnext = 20001 WHERE special_use = 'inbox'";
	struct fixture *f = *state;
	struct store_view *v;
	uint32_t uid;
	size_t before;

	assert_int_equal(bring(f, store_inbox(f->store), BODY, 0, SPAN_EMPTY,
		&uid), OK);
	change(f, sql);
	fixture_open(f);
	before = heap_bytes();
	v = view_of(f, store_inbox(f->store));
	assert_int_equal(v->count, MANY);
	assert_true(heap_bytes() - before <=
		MANY * (sizeof(struct store_row) + 2) + (200u << 10));
	store_view_close(v);
}

/* ---- bodies --------------------------------------------------------------------- */
#define LONG_BYTES 60000
#define MESSAGES   64 /* more than SQLite holds of the file in memory */

static enum code read_all(struct fixture *f, uint64_t message)
{
	struct store_reader r;
	struct store_text first;
	struct span piece;
	enum code code = store_reader_open(f->store, message, &r, &first,
		&f->e);

	if (code != OK)
		return code;
	while ((code = store_reader_next(f->store, &r, &piece, &f->e)) == OK)
		;
	store_reader_close(&r);
	return code == NOT_FOUND ? OK : code;
}

static void bring_long(struct fixture *f, unsigned number)
{
	static char text[LONG_BYTES];
	uint32_t uid;

	memset(text, 'x', sizeof(text));
	(void)snprintf(text, sizeof(text), "Subject: %u\r\n\r\nx", number);
	text[strlen(text)] = 'x';
	(void)snprintf(text + LONG_BYTES / 2, 20, "mark%04u", number);
	text[LONG_BYTES / 2 + 8] = 'x';
	assert_int_equal(bring(f, store_inbox(f->store), span_of(text, sizeof(text)), 0,
		SPAN_EMPTY, &uid), OK);
}

/* Behind the store's back, while it has the file open. */
static void flip_a_bit(struct fixture *f, const char *mark)
{
	int fd = open(f->path, O_RDWR | O_CLOEXEC);
	off_t size = lseek(fd, 0, SEEK_END);
	uint8_t *all = mem_new(1, (size_t)size);
	uint8_t *at;

	assert_int_equal(pread(fd, all, (size_t)size, 0), size);
	at = memmem(all, (size_t)size, mark, strlen(mark));
	assert_non_null(at);
	at += strlen(mark);
	*at ^= 1;
	assert_int_equal(pwrite(fd, at, 1, at - all), 1);
	*at ^= 1;
	mem_free(all);
	close(fd);
}

static void read_the_others(struct fixture *f)
{
	for (uint64_t message = 2; message <= MESSAGES; message++)
		assert_int_equal(read_all(f, message), OK);
}

static void looks_at_each_byte_of_each_read(void **state)
{
	struct fixture *f = *state;
	const uint64_t *words;

	for (unsigned i = 1; i <= MESSAGES; i++)
		bring_long(f, i);
	store_tidy(f->store);
	assert_null(f->store->proofs.words);
	read_the_others(f);
	assert_int_equal(read_all(f, 1), OK);
	words = f->store->proofs.words;
	assert_true(words[1] != 0 && words[1] != words[2]);
	flip_a_bit(f, "mark0001");
	read_the_others(f);
	assert_int_equal(read_all(f, 1), CORRUPT);
	assert_int_equal(read_all(f, 1), CORRUPT);
	flip_a_bit(f, "mark0001");
	read_the_others(f);
	assert_int_equal(read_all(f, 1), OK);
}

/* A row says another hash than it did, of the same bytes. */
static void believes_no_other_hash(void **state)
{
	struct fixture *f = *state;
	struct sha256 right, wrong;

	assert_int_equal(sizeof(wrong.bytes), SHA256_BYTES);
	right = sha256_of(BODY);
	wrong = sha256_of(SPAN("another"));
	store_proof_put(f->store, 5, &right, BODY);
	assert_true(store_proof_check(f->store, 5, &right, BODY));
	assert_false(store_proof_check(f->store, 5, &wrong, BODY));
	/* and it was not believed for having been asked */
	assert_false(store_proof_check(f->store, 5, &wrong, BODY));
	assert_true(store_proof_check(f->store, 5, &right, BODY));
	/* the place is another message's as well */
	assert_false(store_proof_check(f->store, 5 + 32768, &wrong, BODY));
	assert_true(store_proof_check(f->store, 5 + 32768, &right, BODY));
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(keeps_the_last_view_and_brings_it_up_to_date),
		T(forgets_the_view_of_a_mailbox_that_goes),
		T(opens_a_long_mailbox_in_little_memory),
		T(looks_at_each_byte_of_each_read),
		T(believes_no_other_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
