/*
 * test_imap_notify.c - NOTIFY: when there is something to say, how much may wait,
 * and clients that read slowly.  What is said is in tests/dialog/imap.
 */
#include "client.h"

#include <sqlite3.h>

#include "store/store_annotation.h"
#include "store/store_change.h"

static void deliver_one(struct fixture *f, uint64_t qid, struct span body)
{
	uint64_t uid;

	assert_int_equal(deliver(f, qid, body, &uid), OK);
}

static uint64_t make(struct fixture *f, const char *name)
{
	uint64_t id;

	assert_int_equal(store_mailbox_create(f->store, span_str(name),
		STORE_USE_NONE, &id, &f->e), OK);
	return id;
}

/* What is said without a command. */
static struct span hear(struct client *c)
{
	buf_reset(&c->got);
	c->largest = 0;
	take(c);
	return buf_span(&c->got);
}

static size_t count_of_text(const struct client *c, const char *text)
{
	struct span rest = buf_span(&c->got);
	size_t count = 0, at;

	while ((at = span_find_span(rest, span_str(text))) < rest.n) {
		rest = span_tail(rest, at + 1);
		count++;
	}
	return count;
}

static void news_are_known_without_a_command(void **state)
{
	struct fixture *f = *state;
	struct client c;

	begin(&c, f);
	say(&c, "a SELECT INBOX");
	assert_false(imap_session_has_notify(c.session));
	deliver_one(f, 1, SPAN("x\r\n"));
	assert_false(imap_session_has_news(c.session));
	say(&c, "b NOTIFY SET (selected (MessageNew MessageExpunge)) "
		"(personal (MailboxName))");
	assert_true(has(&c, "* 1 EXISTS"));
	assert_true(imap_session_has_notify(c.session));
	assert_false(imap_session_has_news(c.session));
	deliver_one(f, 2, SPAN("x\r\n"));
	assert_true(imap_session_has_news(c.session));
	(void)hear(&c);
	assert_true(has(&c, "* 2 EXISTS"));
	assert_false(imap_session_has_news(c.session));
	(void)make(f, "x");
	assert_true(imap_session_has_news(c.session));
	(void)hear(&c);
	assert_true(has(&c, "\"x\""));
	assert_false(imap_session_has_news(c.session));
	/* its own are none, and what it does not want is none */
	say(&c, "c CREATE y");
	assert_false(imap_session_has_news(c.session));
	assert_int_equal(store_subscribe(f->store, SPAN("x"), true, &f->e), OK);
	assert_false(imap_session_has_news(c.session));
	say(&c, "d NOTIFY NONE");
	(void)make(f, "z");
	deliver_one(f, 3, SPAN("x\r\n"));
	assert_false(imap_session_has_news(c.session));
	assert_int_equal(hear(&c).n, 0);
	assert_true(imap_session_has_notify(c.session));
	finish(&c);
}

static void what_waits_is_said_once(void **state)
{
	struct fixture *f = *state;
	struct client c;
	uint64_t x;

	begin(&c, f);
	say(&c, "a NOTIFY SET (personal (MessageNew MessageExpunge "
		"MailboxName))");
	for (uint64_t i = 1; i <= 1000; i++)
		deliver_one(f, i, SPAN("x\r\n"));
	x = make(f, "x0");
	for (unsigned i = 1; i <= 1000; i++) {
		char name[8];

		(void)snprintf(name, sizeof(name), "x%u", i);
		assert_int_equal(store_mailbox_rename(f->store, x,
			span_str(name), &f->e), OK);
	}
	(void)hear(&c);
	assert_int_equal(count_of_text(&c, "* STATUS"), 1);
	assert_true(has(&c, "* STATUS INBOX (MESSAGES 1000 UIDNEXT 1001 "));
	assert_int_equal(count_of_text(&c, "* LIST"), 2);
	assert_true(has(&c, "* LIST (\\NonExistent) \"/\" \"x0\"\r\n"));
	assert_true(has(&c, "\"x1000\" (\"OLDNAME\" (\"x0\"))\r\n"));
	finish(&c);
}

static void make_many(struct fixture *f, unsigned count, const char *form)
{
	char name[260];

	for (unsigned i = 0; i < count; i++) {
		(void)snprintf(name, sizeof(name), "%s%03u", form, i);
		(void)make(f, name);
	}
}

static void too_much_ends_it(void **state)
{
	struct fixture *f = *state;
	struct client c;

	begin(&c, f);
	say(&c, "a NOTIFY SET (personal (MailboxName))");
	make_many(f, 256, "x");
	(void)hear(&c);
	assert_int_equal(count_of_text(&c, "* LIST"), 256);
	assert_false(has(&c, "OVERFLOW"));
	make_many(f, 257, "y");
	assert_true(imap_session_has_news(c.session));
	(void)hear(&c);
	assert_int_equal(count_of_text(&c, "* LIST"), 0);
	assert_int_equal(count_of_text(&c, "* OK [NOTIFICATIONOVERFLOW]"), 1);
	(void)make(f, "z");
	assert_false(imap_session_has_news(c.session));
	assert_int_equal(hear(&c).n, 0);
	say(&c, "b NOTIFY SET (personal (MailboxName))");
	(void)make(f, "w");
	(void)hear(&c);
	assert_int_equal(count_of_text(&c, "* LIST"), 1);
	finish(&c);
}

/* Fewer, whose names are long. */
static void too_long_names_end_it(void **state)
{
	struct fixture *f = *state;
	struct client c;
	char form[253];

	memset(form, 'x', sizeof(form));
	form[252] = '\0';
	begin(&c, f);
	say(&c, "a NOTIFY SET (personal (MailboxName))");
	make_many(f, 255, form);
	(void)hear(&c);
	assert_int_equal(count_of_text(&c, "* LIST"), 255);
	form[0] = '\0';
	for (unsigned i = 0; i < 255; i++) {
		char from[260], to[600];

		memset(from, 'x', 252);
		(void)snprintf(from + 252, sizeof(from) - 252, "%03u", i);
		(void)snprintf(to, sizeof(to), "%s/%s", from, from);
		(void)make(f, to);
	}
	(void)hear(&c);
	assert_true(has(&c, "NOTIFICATIONOVERFLOW"));
	finish(&c);
}

/* ENABLE METADATA alone has its bound too. */
static void too_many_annotations_end_it(void **state)
{
	struct fixture *f = *state;
	const struct store_annotation item = {.entry = SPAN("/private/a"),
		.value = SPAN("x")};
	const struct store_annotations change = {.items = &item, .count = 1};
	struct client c;
	uint64_t last = 0;

	begin(&c, f);
	say(&c, "a ENABLE METADATA");
	assert_true(imap_session_has_notify(c.session));
	make_many(f, 257, "x");
	for (size_t i = 0; i < store_mailbox_count(f->store); i++) {
		last = store_mailbox_at(f->store, i)->id;
		assert_int_equal(store_annotate(f->store, last, &change, &f->e),
			OK);
	}
	(void)hear(&c);
	say(&c, "b NOOP");
	assert_false(has(&c, "METADATA"));
	assert_int_equal(store_annotate(f->store, STORE_SERVER, &change, &f->e),
		OK);
	say(&c, "c NOOP");
	assert_false(has(&c, "METADATA"));
	finish(&c);
}

/* ---- new messages ------------------------------------------------------------------ */
static struct span large(uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		bytes[i] = i % 70 == 69 ? '\n' : i % 70 == 68 ? '\r' : 'x';
	return span_of(bytes, count);
}

static void large_news_come_in_pieces(void **state)
{
	struct fixture *f = *state;
	uint8_t *bytes = mem_new(3000000, 1);
	struct client c;
	size_t sends = 0;

	begin(&c, f);
	say(&c, "a SELECT INBOX");
	say(&c, "b NOTIFY SET (selected (MessageNew (BODY.PEEK[]) "
		"MessageExpunge FlagChange))");
	deliver_one(f, 1, large(bytes, 3000000));
	deliver_one(f, 2, SPAN("y\r\n"));
	buf_reset(&c.got);
	c.largest = 0;
	assert_true(take_one(&c));
	/* neither a command nor the end come into the middle of it, and what
	 * goes meanwhile keeps its number */
	assert_int_equal(imap_session_feed(c.session, SPAN("c NOOP\r\n"),
		NOW_MS), 0);
	assert_int_equal(store_messages_expunge(f->store,
		store_inbox(f->store), &(uint64_t){2}, 1, &f->e), OK);
	imap_session_end(c.session, "the end");
	for (; take_one(&c); sends++)
		assert_true(c.largest < IMAP_OUT_BYTES + STORE_PIECE_BYTES);
	assert_true(sends > 5);
	assert_true(has(&c, "* 2 EXISTS\r\n"));
	assert_true(has(&c, "* 1 FETCH (UID 1 BODY[] {3000"));
	assert_false(has(&c, "* 2 FETCH"));
	assert_true(has(&c, "x\r\n)\r\n* BYE the end\r\n") ||
		has(&c, "x)\r\n* BYE the end\r\n"));
	assert_true(c.is_closed);
	finish(&c);
	mem_free(bytes);
}

static void a_client_leaves_in_the_middle(void **state)
{
	struct fixture *f = *state;
	uint8_t *bytes = mem_new(3000000, 1);
	struct client c;

	begin(&c, f);
	say(&c, "a SELECT INBOX");
	say(&c, "b NOTIFY SET (selected (MessageNew (BODY.PEEK[]) "
		"MessageExpunge)) (personal (MailboxName))");
	deliver_one(f, 1, large(bytes, 3000000));
	assert_true(take_one(&c));
	/* too much, while the items of the FETCH are in use */
	make_many(f, 257, "x");
	assert_true(take_one(&c));
	finish(&c);
	mem_free(bytes);
}

/* Where the bytes of a message come, nothing is said. */
static void a_literal_is_not_disturbed(void **state)
{
	struct fixture *f = *state;
	struct client c;

	begin(&c, f);
	say(&c, "a NOTIFY SET (personal (MessageNew MessageExpunge))");
	say(&c, "b APPEND Sent {6}");
	assert_true(has(&c, "+ "));
	deliver_one(f, 1, SPAN("x\r\n"));
	assert_false(imap_session_has_news(c.session));
	assert_int_equal(hear(&c).n, 0);
	say(&c, "abcdef");
	assert_true(has(&c, "* STATUS INBOX "));
	assert_false(has(&c, "* STATUS \"Sent\""));
	assert_true(has(&c, "b OK"));
	finish(&c);
}

/* Of two messages that are new to the client one is its own. */
static void only_ones_own_are_not_fetched(void **state)
{
	struct fixture *f = *state;
	struct client c;

	begin(&c, f);
	say(&c, "a SELECT INBOX");
	say(&c, "b NOTIFY SET (selected (MessageNew (FLAGS) MessageExpunge))");
	say(&c, "c APPEND INBOX {3}");
	deliver_one(f, 1, SPAN("x\r\n"));
	say(&c, "abc");
	assert_true(has(&c, "* 2 EXISTS\r\n"));
	assert_true(has(&c, "* 1 FETCH (UID 1 FLAGS (\\Recent))\r\n"));
	assert_false(has(&c, "* 2 FETCH"));
	/* and what comes behind it */
	say(&c, "d APPEND INBOX {3}");
	say(&c, "abc");
	deliver_one(f, 2, SPAN("x\r\n"));
	(void)hear(&c);
	assert_false(has(&c, "* 3 FETCH"));
	assert_true(has(&c, "* 4 FETCH (UID 4 FLAGS (\\Recent))\r\n"));
	finish(&c);
}

static void damage(struct fixture *f, const char *sql)
{
	sqlite3 *db;

	store_close(f->store);
	f->store = NULL;
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	fixture_open(f);
}

/* A damaged message is passed over, and trouble is said to the log. */
static void a_damaged_message_is_passed_over(void **state)
{
	struct fixture *f = *state;
	const uint32_t uids[] = {1};
	struct store_copied copied = {0};
	struct store_view *v;
	struct client c;

	deliver_one(f, 1, SPAN("Subject: x\r\n\r\nx\r\n"));
	damage(f, "UPDATE message SET structure = x'00'");
	begin(&c, f);
	say(&c, "a SELECT Sent");
	say(&c, "b NOTIFY SET (selected (MessageNew (BODYSTRUCTURE) "
		"MessageExpunge))");
	assert_int_equal(store_view_open(f->store, store_inbox(f->store), &v,
		&f->e), OK);
	assert_int_equal(store_copy(v, uids, 1,
		store_mailbox_of_use(f->store, STORE_USE_SENT)->id, NOW_MS,
		&copied, &f->e), OK);
	store_uids_clear(&copied.from);
	store_view_close(v);
	(void)hear(&c);
	assert_true(has(&c, "* 1 EXISTS\r\n"));
	assert_false(has(&c, "FETCH"));
	assert_int_equal(c.trouble, 1);
	say(&c, "c NOOP");
	assert_true(has(&c, "c OK"));
	finish(&c);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(news_are_known_without_a_command),
		TEST(what_waits_is_said_once),
		TEST(too_much_ends_it),
		TEST(too_long_names_end_it),
		TEST(too_many_annotations_end_it),
		TEST(large_news_come_in_pieces),
		TEST(a_client_leaves_in_the_middle),
		TEST(a_literal_is_not_disturbed),
		TEST(only_ones_own_are_not_fetched),
		TEST(a_damaged_message_is_passed_over),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
