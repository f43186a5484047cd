/*
 * test_store_upgrade.c - files of older releases become ours.
 */
#include "verify.h"

#include "store/store_mailbox.h"

#define MANY 150 /* more than one slice of store_fill */

/* The tables as version 3 had them: nothing was indexed or noted. */
#define VERSION_3                                                              \
	"DROP TABLE signature; DROP TABLE annotation;"                         \
	"ALTER TABLE account RENAME TO account_4; CREATE TABLE account ( "     \
	"account INTEGER NOT NULL PRIMARY KEY, uuid blob NOT NULL, "           \
	"created_ms INTEGER NOT NULL, next_message INTEGER NOT NULL, "         \
	"next_mailbox INTEGER NOT NULL, next_thread INTEGER NOT NULL, "        \
	"uidvalidity INTEGER NOT NULL, modseq INTEGER NOT NULL, used_bytes "   \
	"INTEGER NOT NULL ) STRICT, WITHOUT ROWID; INSERT INTO account "       \
	"SELECT account, uuid, created_ms, next_message, next_mailbox, "       \
	"next_thread, uidvalidity, modseq, used_bytes FROM account_4; "        \
	"DROP TABLE account_4; PRAGMA user_version=3;"

/* And as version 2 did: one mailbox: one mailbox, and keywords as text. */
#define VERSION_2                                                              \
	VERSION_3                                                              \
	"ALTER TABLE mailbox RENAME TO mailbox_3;"                             \
	"ALTER TABLE entry RENAME TO entry_3; DROP INDEX entry_message;"       \
	"CREATE TABLE mailbox ( account INTEGER NOT NULL, mailbox INTEGER "    \
	"NOT NULL, name text NOT NULL, special_use text, is_subscribed "       \
	"INTEGER NOT NULL, uidvalidity INTEGER NOT NULL, uidnext INTEGER NOT " \
	"NULL, highestmodseq INTEGER NOT NULL, floor_modseq INTEGER NOT NULL, "\
	"entries INTEGER NOT NULL, PRIMARY KEY (account, mailbox), UNIQUE "    \
	"(account, name) ) STRICT, WITHOUT ROWID;"                             \
	"CREATE TABLE entry ( account INTEGER NOT NULL, mailbox INTEGER NOT "  \
	"NULL, uid INTEGER NOT NULL, message INTEGER NOT NULL, flags INTEGER " \
	"NOT NULL, keywords text NOT NULL, modseq INTEGER NOT NULL, saved_ms " \
	"INTEGER NOT NULL, PRIMARY KEY (account, mailbox, uid) ) STRICT, "     \
	"WITHOUT ROWID; CREATE INDEX entry_message ON entry (account, "        \
	"message); INSERT INTO mailbox SELECT account, mailbox, name, "        \
	"special_use, 1, uidvalidity, uidnext, highestmodseq, floor_modseq, "  \
	"entries FROM mailbox_3 WHERE special_use = 'inbox';"                  \
	"INSERT INTO entry SELECT account, mailbox, uid, message, flags, '', " \
	"modseq, saved_ms FROM entry_3; DROP TABLE mailbox_3;"                 \
	"DROP TABLE entry_3; DROP TABLE subscription; DROP TABLE keyword;"     \
	"UPDATE account SET next_mailbox = 2; PRAGMA user_version=2;"

/* And as version 1 did, from there. */
#define VERSION_1                                                              \
	"ALTER TABLE message RENAME TO old; DROP INDEX message_thread;"        \
	"DROP INDEX message_unknown; DROP TABLE thread_reference;"              \
	"CREATE TABLE message ( account INTEGER NOT NULL, message INTEGER "    \
	"NOT NULL, size INTEGER NOT NULL, received_ms INTEGER NOT NULL, "      \
	"flags INTEGER NOT NULL, body_size INTEGER NOT NULL, sha256 blob "     \
	"NOT NULL, tag blob NOT NULL, head blob NOT NULL, envelope blob, "     \
	"structure blob, thread INTEGER, sent_ms INTEGER, preview text, "      \
	"has_attachment INTEGER, PRIMARY KEY (account, message) ) STRICT, "    \
	"WITHOUT ROWID; INSERT INTO message (account, message, size, "         \
	"received_ms, flags, body_size, sha256, tag, head) SELECT account, "   \
	"message, size, received_ms, flags, body_size, sha256, tag, head "     \
	"FROM old; DROP TABLE old;"                                            \
	"CREATE TABLE thread ( account INTEGER NOT NULL, thread INTEGER NOT "  \
	"NULL, subject text NOT NULL, PRIMARY KEY (account, thread) ) STRICT, "\
	"WITHOUT ROWID; CREATE TABLE thread_reference ( account INTEGER NOT "  \
	"NULL, reference blob NOT NULL, thread INTEGER NOT NULL, PRIMARY KEY " \
	"(account, reference, thread) ) STRICT, WITHOUT ROWID;"                \
	"UPDATE account SET next_thread = 1; PRAGMA user_version=1"

/* The tables of a file that is closed, as it describes them itself. */
static void put_schema(struct fixture *f, struct buf *out)
{
	sqlite3 *db;
	sqlite3_stmt *q;

	store_close(f->store);
	f->store = NULL;
	buf_init(out, 65536);
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT sql FROM sqlite_schema "
		"WHERE sql IS NOT NULL ORDER BY name", -1, &q, NULL),
		SQLITE_OK);
	while (sqlite3_step(q) == SQLITE_ROW)
		buf_puts(out, (const char *)sqlite3_column_text(q, 0));
	assert_int_equal(sqlite3_finalize(q), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	fixture_open(f);
}

static void deliver_many(struct fixture *f)
{
	for (uint64_t i = 1; i <= MANY; i++) {
		char text[128];
		uint64_t uid;
		int n = snprintf(text, sizeof(text),
			"Subject: %llu\r\n\r\nketchup\r\n",
			(unsigned long long)i);

		assert_int_equal(deliver(f, i, span_of(text, (size_t)n), &uid),
			OK);
	}
}

static unsigned fill(struct fixture *f)
{
	unsigned slices = 0;
	bool has_more = true;

	for (; has_more; slices++)
		assert_int_equal(store_fill(f->store, &has_more, &f->e), OK);
	return slices;
}

static void assert_folders(struct fixture *f)
{
	const struct store_mailbox *m;
	uint32_t last = 0;

	assert_int_equal(store_mailbox_count(f->store), 6);
	for (int use = STORE_USE_INBOX; use <= STORE_USE_ARCHIVE; use++) {
		m = store_mailbox_of_use(f->store, (enum store_use)use);
		assert_non_null(m);
		assert_true(m->is_subscribed);
		/* each its own, in the order that they were made */
		assert_true(m->uidvalidity > last);
		last = m->uidvalidity;
	}
	m = store_mailbox_of_use(f->store, STORE_USE_INBOX);
	assert_int_equal(m->messages, MANY);
	assert_int_equal(m->unseen, MANY - 1);
	assert_int_equal(m->deleted, 1);
	assert_int_equal(m->uidnext, MANY + 1);
	assert_int_equal(m->bytes, store_used_bytes(f->store));
}

#define SOME_FLAGS "UPDATE entry SET flags = 9 WHERE uid = 3;"

/* A file of the older release that `script` makes of ours becomes ours. */
static void take_over(struct fixture *f, const char *script)
{
	struct buf before, after, text;

	deliver_many(f);
	put_schema(f, &before);
	change(f, script);
	fixture_open(f);
	assert_int_equal(count_of(f), MANY);
	assert_int_equal(broken(f), 0);
	assert_folders(f);
	put_schema(f, &after);
	assert_true(span_eq(buf_span(&before), buf_span(&after)));
	buf_init(&text, 65536);
	assert_int_equal(read_message(f, MANY, &text), OK);
	buf_clear(&before);
	buf_clear(&after);
	buf_clear(&text);
}

static void takes_over_version_1(void **state)
{
	struct fixture *f = *state;

	take_over(f, VERSION_2 SOME_FLAGS VERSION_1);
	assert_int_equal(fill(f), MANY / STORE_FILL_MESSAGES + 1);
	assert_int_equal(broken(f), 0);
}

static void takes_over_version_2(void **state)
{
	struct fixture *f = *state;
	uint64_t id;

	take_over(f, VERSION_2 SOME_FLAGS);
	assert_int_equal(store_mailbox_create(f->store, SPAN("x"),
		STORE_USE_NONE, &id, &f->e), OK);
	assert_int_equal(broken(f), 0);
}

static void takes_over_version_3(void **state)
{
	struct fixture *f = *state;

	take_over(f, SOME_FLAGS "UPDATE mailbox SET unseen = unseen - 1, "
		"deleted = 1 WHERE special_use = 'inbox';" VERSION_3);
	assert_int_equal(fill(f), 1);
	assert_int_equal(broken(f), 0);
}

/* A file that was made and never written to. */
static void takes_over_an_unborn_file(void **state)
{
	struct fixture *f = *state;
	uint64_t uid;

	store_close(f->store);
	f->store = NULL;
	change(f, VERSION_2 "INSERT INTO entry VALUES (1, 1, 1, 1, 1, '', 1, 1);"
		"DELETE FROM entry;");
	fixture_open(f);
	assert_int_equal(store_mailbox_count(f->store), 6);
	assert_int_equal(deliver(f, 1, BODY, &uid), OK);
	assert_int_equal(broken(f), 0);
	reopen(f);
	assert_int_equal(store_mailbox_count(f->store), 6);
}

/* A mailbox that has the name of a folder already gets its use. */
static void gives_a_mailbox_its_use(void **state)
{
	struct fixture *f = *state;
	uint64_t uid;

	assert_int_equal(deliver(f, 1, BODY, &uid), OK);
	change(f, VERSION_2 "INSERT INTO mailbox VALUES (7, 5, 'Sent', NULL, 0, "
		"3, 9, 1, 0, 0); UPDATE account SET next_mailbox = 6;");
	fixture_open(f);
	assert_int_equal(broken(f), 0);
	assert_int_equal(store_mailbox_of_use(f->store, STORE_USE_SENT)->id, 5);
	assert_int_equal(store_mailbox_get(f->store, 5)->uidnext, 9);
	assert_int_equal(store_mailbox_count(f->store), 6);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {T(takes_over_version_1),
		T(takes_over_version_2), T(takes_over_version_3),
		T(takes_over_an_unborn_file),
		T(gives_a_mailbox_its_use)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
