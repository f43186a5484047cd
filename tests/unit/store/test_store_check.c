/*
 * test_store_check.c - each invariant of mailboxes, entries and keywords is
 * broken behind the store's back, and store_check names it.  Those of messages:
 * test_store.c, test_store_meta.c.
 */
#include "box.h"

static const struct {
	const char *sql;
	unsigned invariants;
} damages[] = {
	{"UPDATE mailbox SET unseen = 2 WHERE name = 'x'", 1u << 11},
	{"UPDATE mailbox SET deleted = 0 WHERE name = 'x'", 1u << 11},
	{"UPDATE mailbox SET bytes = bytes + 1 WHERE name = 'INBOX'",
		1u << 11},
	{"UPDATE mailbox SET entries = 1 WHERE name = 'Sent'", 1u << 11},
	{"UPDATE mailbox SET name = 'Inbox' WHERE special_use = 'inbox'",
		1u << 12 | 1u << 19},
	{"UPDATE message SET received_ms = 1 WHERE message = 1", 1u << 17},
	{"UPDATE entry SET size = size + 1 WHERE message = 1",
		1u << 11 | 1u << 17},
	{"UPDATE entry SET flags = 64 | flags WHERE message = 1", 1u << 18},
	{"UPDATE entry SET keywords = 2 WHERE message = 1", 1u << 18},
	{"UPDATE entry SET keywords = -9223372036854775807 - 1 "
	 "WHERE message = 1", 1u << 18},
	{"DELETE FROM keyword", 1u << 18},
	{"INSERT INTO keyword SELECT account, mailbox, 3, '$junk' "
	 "FROM keyword", 1u << 18},
	{"INSERT INTO keyword SELECT account, mailbox, 64, 'a' FROM keyword",
		1u << 18},
	{"UPDATE mailbox SET name = 'a//b' WHERE name = 'x'", 1u << 19},
	{"UPDATE mailbox SET name = 'u' || char(776) WHERE name = 'x'",
		1u << 19},
	{"UPDATE mailbox SET name = 'y/x' WHERE name = 'x'", 1u << 19},
	{"INSERT INTO tombstone VALUES (7, 99, 1, 1, 1)", 1u << 20},
	{"INSERT INTO keyword VALUES (7, 99, 1, 'a')", 1u << 20},
	{"UPDATE mailbox SET special_use = 'sent' WHERE name = 'x'", 1u << 21},
	{"UPDATE mailbox SET special_use = 'attic' WHERE name = 'x'",
		1u << 21},
	{"UPDATE mailbox SET uidvalidity = 0 WHERE name = 'x'", 1u << 22},
	{"UPDATE account SET uidvalidity = uidvalidity - 1", 1u << 22},
	{"UPDATE mailbox SET recent_uid = 3 WHERE name = 'x'", 1u << 22},
	{"UPDATE mailbox SET recent_uid = 0 WHERE name = 'x'", 1u << 22},
};

static void finds_damage(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		struct fixture f = {0};
		uint64_t uid64;
		uint32_t uid;
		unsigned seen;

		fixture_path(&f);
		fixture_open(&f);
		assert_int_equal(bring(&f, make_mailbox(&f, "x"), BODY,
			STORE_FLAG_DELETED, SPAN("$Junk"), &uid), OK);
		assert_int_equal(deliver(&f, 1, BODY, &uid64), OK);
		assert_int_equal(broken(&f), 0);
		tamper(&f, damages[i].sql);
		seen = broken(&f);
		if (seen != damages[i].invariants)
			fail_msg("%s: %#x", damages[i].sql, seen);
		fixture_remove(&f);
	}
}

/* What cannot be in a row is found before it becomes a number that is too
 * small. */
static const struct {
	const char *sql;
	bool opens; /* the store does, the view does not */
} rows[] = {
	{"UPDATE mailbox SET uidnext = 4294967296", false},
	{"UPDATE mailbox SET uidvalidity = 4294967296 WHERE name = 'Sent'",
		false},
	{"UPDATE mailbox SET special_use = NULL WHERE name = 'INBOX'", false},
	{"UPDATE entry SET uid = 4294967296", true},
	{"UPDATE entry SET message = 4294967297", true},
	{"UPDATE entry SET size = -1", true},
	{"UPDATE entry SET modseq = -1", true},
};

static void does_not_open_what_is_damaged(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture f = {0};
		struct store_view *v;
		uint64_t uid;
		enum code code;

		fixture_path(&f);
		fixture_open(&f);
		assert_int_equal(deliver(&f, 1, BODY, &uid), OK);
		change(&f, rows[i].sql);
		code = store_open(f.path, FIXTURE_ACCOUNT, 1, &f.store, &f.e);
		if (code != (rows[i].opens ? OK : CORRUPT))
			fail_msg("%s: %s", rows[i].sql, code_word(code));
		if (rows[i].opens)
			assert_int_equal(store_view_open(f.store, 1, &v, &f.e),
				CORRUPT);
		else
			f.store = NULL;
		fixture_remove(&f);
	}
}

/* A count that cannot be is no reason to take memory. */
static void does_not_believe_a_count(void **state)
{
	struct fixture *f = *state;
	struct store_view *v;
	uint64_t uid;

	assert_int_equal(deliver(f, 1, BODY, &uid), OK);
	tamper(f, "UPDATE mailbox SET entries = 9223372036854775807 "
		"WHERE name = 'INBOX'");
	v = view_of(f, store_inbox(f->store));
	assert_int_equal(v->count, 1);
	store_view_close(v);
	assert_int_equal(broken(f), 1u << 11);
}

/* A verb that finds the file otherwise than its view writes nothing. */
static void trusts_the_file_more_than_the_view(void **state)
{
	struct fixture *f = *state;
	struct store_flags_result r;
	const struct store_flags_change c = {.flags = STORE_FLAG_SEEN};
	struct store_view *v;
	uint64_t uid, modseq;

	assert_int_equal(deliver(f, 1, BODY, &uid), OK);
	v = view_of(f, store_inbox(f->store));
	modseq = v->highestmodseq;
	v->rows[0].uid = 5; /* as damaged memory would have it */
	assert_int_equal(store_flags_store(v, UIDS(5), 1, &c, &r, &f->e),
		CORRUPT);
	assert_int_equal(r.modseq, 0);
	assert_int_equal(v->highestmodseq, modseq);
	assert_int_equal(v->rows[0].flags, 0);
	store_view_close(v);
	assert_int_equal(store_mailbox_get(f->store, 1)->unseen, 1);
	assert_int_equal(broken(f), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(finds_damage),
		cmocka_unit_test(does_not_open_what_is_damaged),
		cmocka_unit_test_setup_teardown(does_not_believe_a_count,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			trusts_the_file_more_than_the_view, set_up, tear_down)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
